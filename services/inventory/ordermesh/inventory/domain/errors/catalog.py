"""Items and locations that do not exist, or cannot be as they are described."""

from collections.abc import Iterable
from typing import ClassVar

from ordermesh.inventory.domain.errors.facts import named
from ordermesh.kernel.errors import InvalidRequest, NotFound, RuleViolated


class UnknownSku(NotFound):
    """No item has one of these SKUs."""

    reason: ClassVar[str] = "UNKNOWN_SKU"

    def __init__(self, skus: Iterable[str]) -> None:
        names = sorted(set(skus))
        super().__init__(f"No item is called {named(names)}.", *({"sku": sku} for sku in names))


class UnknownLocation(NotFound):
    """No location has one of these ids."""

    reason: ClassVar[str] = "UNKNOWN_LOCATION"

    def __init__(self, location_ids: Iterable[str]) -> None:
        names = sorted(set(location_ids))
        super().__init__(
            f"No location is called {named(names)}.", *({"locationId": name} for name in names)
        )


class UnknownLocationGroup(NotFound):
    """No location is in one of these groups."""

    reason: ClassVar[str] = "UNKNOWN_LOCATION_GROUP"

    def __init__(self, groups: Iterable[str]) -> None:
        names = sorted(set(groups))
        super().__init__(
            f"No location is in {named(names)}.", *({"locationGroup": name} for name in names)
        )


class KitInKit(InvalidRequest):
    """A component of a kit is a kit."""

    reason: ClassVar[str] = "KIT_IN_KIT"

    def __init__(self, sku: str, component_sku: str) -> None:
        super().__init__(
            f"Component {component_sku} of kit {sku} is a kit itself.",
            {"sku": sku, "componentSku": component_sku},
        )


class UnitChanged(RuleViolated):
    """The unit of an item never changes."""

    reason: ClassVar[str] = "UNIT_CHANGED"

    def __init__(self, sku: str, unit: str, wanted: str) -> None:
        super().__init__(
            f"{sku} is counted in {unit} for ever.", {"sku": sku, "unit": unit, "wanted": wanted}
        )


class KitWithStock(RuleViolated):
    """An item that has stock cannot become a kit."""

    reason: ClassVar[str] = "KIT_WITH_STOCK"

    def __init__(self, sku: str) -> None:
        super().__init__(f"{sku} has stock and cannot become a kit.", {"sku": sku})


class KitHasNoStock(InvalidRequest):
    """Stock of a kit is kept by its components."""

    reason: ClassVar[str] = "KIT_HAS_NO_STOCK"

    def __init__(self, skus: Iterable[str]) -> None:
        names = sorted(set(skus))
        super().__init__(
            f"Stock is kept by component for {named(names)}.", *({"sku": sku} for sku in names)
        )


class InvalidTimeZone(InvalidRequest):
    """The IANA database has no such time zone."""

    reason: ClassVar[str] = "INVALID_TIME_ZONE"

    def __init__(self, location_id: str, time_zone: str) -> None:
        super().__init__(
            f"Location {location_id} has no known time zone.",
            {"locationId": location_id, "timeZone": time_zone},
        )


class InvalidPosition(InvalidRequest):
    """Latitude or longitude is out of range."""

    reason: ClassVar[str] = "INVALID_POSITION"

    def __init__(self, location_id: str) -> None:
        super().__init__(
            f"The position of location {location_id} is not on Earth.",
            {"locationId": location_id},
        )
