"""Items, locations and places that nobody knows."""

from collections.abc import Iterable
from typing import ClassVar

from ordermesh.kernel.errors import InvalidRequest, NotFound
from ordermesh.routing.domain.errors.facts import named


class UnknownSku(NotFound):
    """Inventory knows no item with one of these SKUs."""

    reason: ClassVar[str] = "UNKNOWN_SKU"

    def __init__(self, skus: Iterable[str]) -> None:
        names = sorted(set(skus))
        super().__init__(f"No item is called {named(names)}.", *({"sku": sku} for sku in names))


class UnknownLocation(NotFound):
    """Inventory knows no location with one of these ids."""

    reason: ClassVar[str] = "UNKNOWN_LOCATION"

    def __init__(self, location_ids: Iterable[str]) -> None:
        names = sorted(set(location_ids))
        super().__init__(
            f"No location is called {named(names)}.", *({"locationId": name} for name in names)
        )


class UnknownDestination(InvalidRequest):
    """The destination has no position, and its postal code is not known."""

    reason: ClassVar[str] = "UNKNOWN_DESTINATION"

    def __init__(self, country_code: str) -> None:
        super().__init__("Nobody knows where this is.", {"countryCode": country_code})
