"""What routing knows of inventory's items and locations: copies that follow the original."""

from dataclasses import dataclass
from datetime import datetime

from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.price import Price


@dataclass(frozen=True, slots=True)
class KitPart:
    """So many units of an item in one kit."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Item:
    """An item, or a kit when it has components.

    ``weight_grams`` is that of one unit, ``value`` what one unit is worth, ``revision`` inventory's
    number of the change that this copy shows (0 when it was asked for out of turn). ``tags`` and
    ``handling`` (``HAZARDOUS``, ``CHILLED`` ...) are sorted. ``size_millimetres`` is the outer size
    of one unit, the longest side first, None where it is not known. From ``markdown_time`` on its
    price is cut. With ``keep_together`` the units of a line of it leave from one location; with
    ``may_wait`` goods that are still to come may be promised. What ``is_untracked`` is promised
    wherever it is kept, whatever the books say of it there.
    """

    sku: str
    revision: int
    weight_grams: int
    value: Price | None
    is_sellable: bool
    components: tuple[KitPart, ...] = ()
    components_may_split: bool = False
    tags: tuple[str, ...] = ()
    handling: tuple[str, ...] = ()
    size_millimetres: tuple[int, int, int] | None = None
    markdown_time: datetime | None = None
    keep_together: bool = False
    may_wait: bool = False
    is_untracked: bool = False


@dataclass(frozen=True, slots=True)
class KnownLocation:
    """A place that holds stock; ``revision`` as for an item.

    ``tags`` and ``groups`` are sorted. Country, region and postal code are
    empty where its address is not known.
    """

    location_id: str
    revision: int
    kind: str
    place: Place
    time_zone: str
    is_disabled: bool
    tags: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    country_code: str = ""
    region: str = ""
    postal_code: str = ""
