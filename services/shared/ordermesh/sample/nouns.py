"""What a retailer is made of: items, locations, how they fulfill, stock and orders.

Plain frozen records without any word of a contract. Amounts are in 1e-4 of one currency, weights
in grams, lengths in millimetres, places in degrees, instants in UTC.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from ordermesh.kernel.money import Money


class Unit(enum.StrEnum):
    """What one of an item is."""

    EACH = "EACH"
    GRAM = "GRAM"
    MILLIMETRE = "MILLIMETRE"
    MILLILITRE = "MILLILITRE"


class Handling(enum.StrEnum):
    """Care that an item needs."""

    HAZARDOUS = "HAZARDOUS"
    CHILLED = "CHILLED"
    FROZEN = "FROZEN"
    OVERSIZE = "OVERSIZE"
    FRAGILE = "FRAGILE"


class LocationType(enum.StrEnum):
    """What kind of place a location is."""

    DISTRIBUTION_CENTER = "DISTRIBUTION_CENTER"
    STORE = "STORE"
    VENDOR = "VENDOR"
    THIRD_PARTY_LOGISTICS = "THIRD_PARTY_LOGISTICS"


class FulfillmentMethod(enum.StrEnum):
    """A way in which goods reach the customer."""

    SHIP = "SHIP"


class ReturnHandling(enum.StrEnum):
    """What a location does with goods that come back."""

    NONE = "NONE"
    RESTOCK = "RESTOCK"
    KEEP_APART = "KEEP_APART"


@dataclass(frozen=True, slots=True)
class Size:
    """The outer size of one unit."""

    length_millimetres: int
    width_millimetres: int
    height_millimetres: int


@dataclass(frozen=True, slots=True)
class KitComponent:
    """So many units of an item in one kit."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Item:
    """What is sold. With ``components`` it is a kit, of which no stock is kept.

    ``price`` is what one unit usually costs the customer. A kit that ``may_split`` can be shipped
    from several locations.
    """

    sku: str
    name: str
    department: str
    unit: Unit
    weight_grams: int
    size: Size | None
    tags: tuple[str, ...]
    handling: tuple[Handling, ...]
    price: Money
    components: tuple[KitComponent, ...] = ()
    may_split: bool = False


@dataclass(frozen=True, slots=True)
class PostalAddress:
    """Where a location is, for labels. The country is ISO 3166-1 alpha-2, ``locality`` a city."""

    country_code: str
    region: str
    locality: str
    postal_code: str
    address_lines: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Location:
    """A place that holds stock: what and where it is."""

    location_id: str
    name: str
    type: LocationType
    address: PostalAddress
    latitude: float
    longitude: float
    time_zone: str
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NetworkLocation:
    """How a location fulfills.

    ``priority`` is its rank in the fixed order of locations: 1 comes first, 0 last.
    ``capacity_units_per_day`` is nothing where it has no limit. ``handling_days`` pass between
    the order and the carrier.
    """

    location_id: str
    methods: tuple[FulfillmentMethod, ...]
    priority: int
    pick_fee: Money
    labor_cost_per_unit: Money
    capacity_units_per_day: int | None
    handling_days: int
    return_handling: ReturnHandling = ReturnHandling.NONE


@dataclass(frozen=True, slots=True)
class StockRow:
    """Units of an item at a location."""

    sku: str
    location_id: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an order goes; the place is nothing where only the postal code is known."""

    country_code: str
    region: str
    postal_code: str
    latitude: float | None
    longitude: float | None


@dataclass(frozen=True, slots=True)
class Contact:
    """Whom to tell about an order. ``language`` is BCP 47, or nothing."""

    name: str
    email: str
    language: str = ""


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One thing that is wanted; with ``keep_together`` all of it comes from one location."""

    line_id: str
    sku: str
    quantity: int
    unit_price: Money
    keep_together: bool


@dataclass(frozen=True, slots=True)
class Order:
    """What a customer wants. ``promise_days`` is 0 where nothing is promised."""

    order_id: str
    channel: str
    channel_order_id: str
    customer_id: str
    order_time: datetime
    destination: Destination
    promise_days: int
    lines: tuple[OrderLine, ...]
    contact: Contact | None = None


@dataclass(frozen=True, slots=True)
class Retailer:
    """A whole retailer. Kits come after the items they are made of; orders are in time order.

    ``facts`` say how it was made: text and numbers for people and reports.
    """

    currency_code: str
    items: tuple[Item, ...]
    locations: tuple[Location, ...]
    network: tuple[NetworkLocation, ...]
    stock: tuple[StockRow, ...]
    orders: tuple[Order, ...]
    facts: Mapping[str, str | int | float]

    @property
    def units_ordered(self) -> int:
        """Units of all orders; a kit counts as the units of its components."""
        units = {item.sku: sum(part.quantity for part in item.components) for item in self.items}
        return sum(
            line.quantity * (units[line.sku] or 1) for order in self.orders for line in order.lines
        )

    @property
    def units_in_stock(self) -> int:
        """Units of all stock."""
        return sum(row.quantity for row in self.stock)
