"""What routing knows of inventory's items and locations: copies that follow the original."""

from dataclasses import dataclass

from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.order import Price


@dataclass(frozen=True, slots=True)
class KitPart:
    """So many units of an item in one kit."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Item:
    """An item, or a kit when it has components.

    ``weight_grams`` is that of one unit, ``value`` what one unit is worth, ``revision`` inventory's
    number of the change that this copy shows (0 when it was asked for out of turn).
    """

    sku: str
    revision: int
    weight_grams: int
    value: Price | None
    is_sellable: bool
    components: tuple[KitPart, ...] = ()
    components_may_split: bool = False


@dataclass(frozen=True, slots=True)
class KnownLocation:
    """A place that holds stock; ``revision`` as for an item."""

    location_id: str
    revision: int
    kind: str
    place: Place
    time_zone: str
    is_disabled: bool
