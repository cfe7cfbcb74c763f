"""The files of an audit: shipments, rates and stock. What cannot be read is said, not guessed.

An order with a line that is refused is left out whole, because what is known of it is not all.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.geography import Place
from ordermesh.sample.files.sheets import Column, Record, Refusal, Sheet
from ordermesh.sample.files.stock import COLUMNS as STOCK_COLUMNS

SHIPMENTS = (
    Column("order_id", "the order that the goods belong to", required=True),
    Column("line_id", "the line of the order; a line may leave in several parts"),
    Column("sku", "the item", required=True),
    Column("quantity", "units that left", required=True),
    Column("weight_grams", "the weight of one unit, the same on all lines", required=True),
    Column("shipped_on", "the day on which they left, such as 2026-11-20", required=True),
    Column("location_id", "the building that they left", required=True),
    Column("location_postal_code", "where that is: the postal code, or else"),
    Column("location_latitude", "degrees, and"),
    Column("location_longitude", "degrees, negative in the west"),
    Column("postal_code", "where they went: the postal code, or else"),
    Column("latitude", "degrees, and"),
    Column("longitude", "degrees, negative in the west"),
    Column("country_code", "of both places, ISO 3166-1 alpha-2", default="US"),
    Column("promised_on", "the day by which they were promised"),
    Column("keep_together", "yes when the units had to leave from one building", default="no"),
)
RATES = (
    Column("zone", "the zone, a number from 1", required=True),
    Column("distance_km_max", "its far edge; empty for everywhere beyond"),
    Column("transit_days", "days from the building to the customer", required=True),
    Column("up_to_grams", "parcels of at most this weight; empty for all others"),
    Column("price", "of such a parcel", required=True),
    Column("price_per_kg", "and of each kilogram of it", default="0"),
)

_QUANTITY_MAX, _GRAMS_MAX, _DAYS_MAX = 1_000_000, 1_000_000_000, 365
_EVERYWHERE = 50_000


@dataclass(frozen=True, slots=True)
class Shipped:
    """Units of one item that left one building on one day for one order; ``line`` is in the file.

    ``promise_days`` is within how many days of leaving they were promised, if they were.
    """

    line: int
    order_id: str
    line_id: str
    sku: str
    quantity: int
    grams: int
    day: date
    location_id: str
    destination: Place
    promise_days: int | None
    keep_together: bool


@dataclass(frozen=True, slots=True)
class Rate:
    """A line of a rate card; no ``up_to_grams`` for any weight."""

    zone: int
    distance_km_max: int | None
    transit_days: int
    up_to_grams: int | None
    price: Money
    price_per_kg: Money


@dataclass
class Shipments:
    """Everything that was read of the shipments, by the line; ``places`` are those of buildings.

    ``left_beside`` are the lines that can be read and belong to an order with one that cannot.
    """

    rows: list[Shipped] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)
    refused_orders: set[str] = field(default_factory=set)
    left_beside: list[int] = field(default_factory=list)
    read_lines: int = 0


class NotRead(ValueError):
    """A file of which nothing can be used; the sentences say why."""


Find = Callable[[str, str], Place | None]
"""Where a postal code is, by country and code."""


@dataclass
class _Known:
    """What earlier lines said, and on which line."""

    grams: dict[str, tuple[int, int]] = field(default_factory=dict)
    places: dict[str, tuple[Place, int]] = field(default_factory=dict)
    goals: dict[str, tuple[Place, int]] = field(default_factory=dict)
    lines: dict[tuple[str, str, str, str, date], int] = field(default_factory=dict)


def read_shipments(path: Path, find: Find) -> Shipments:
    """The shipments; raises ``OSError`` when the file cannot be read, ``NotRead`` for a header."""
    sheet = Sheet(path, SHIPMENTS)
    found, known, taken = Shipments(), _Known(), list[tuple[Record, Shipped]]()
    for record in sheet.records():
        found.read_lines += 1
        row = _shipped(record, find, known)
        if record.is_refused or row is None:
            found.refused_orders.add(record.raw("order_id"))
        else:
            taken.append((record, row))
    found.refused = sorted(sheet.refusals, key=lambda one: one.line)
    if not found.read_lines:
        raise NotRead("; ".join(map(str, found.refused)) or f"{path} has no shipments")
    found.rows = [row for _, row in taken if row.order_id not in found.refused_orders]
    beside = (row.line for _, row in taken if row.order_id in found.refused_orders)
    found.left_beside = sorted(set(beside) - {one.line for one in found.refused})
    found.places = {name: place for name, (place, _) in known.places.items()}
    return found


def read_rates(path: Path) -> tuple[Rate, ...]:
    """The rate card, nearest zones first, light parcels first; raises ``NotRead``, ``OSError``."""
    sheet = Sheet(path, RATES)
    rates = [
        Rate(
            zone=record.whole("zone", least=1, most=999),
            distance_km_max=_optional(record, "distance_km_max", _EVERYWHERE),
            transit_days=record.whole("transit_days", most=_DAYS_MAX),
            up_to_grams=_optional(record, "up_to_grams", _GRAMS_MAX),
            price=record.money("price"),
            price_per_kg=record.money("price_per_kg"),
        )
        for record in sheet.records()
    ]
    if sheet.refusals or not rates:
        raise NotRead("; ".join(map(str, sheet.refusals)) or f"{path} has no rates")
    return tuple(
        sorted(
            rates,
            key=lambda one: (
                one.distance_km_max is None,
                one.distance_km_max or 0,
                one.up_to_grams is None,
                one.up_to_grams or 0,
            ),
        )
    )


def read_stock(
    path: Path, places: Iterable[str]
) -> tuple[Mapping[tuple[str, str], int], tuple[Refusal, ...]]:
    """Units by SKU and building at the beginning, and what was refused; raises ``OSError``.

    What lies where nothing was shipped is passed over: no work was done there.
    """
    sheet, known = Sheet(path, STOCK_COLUMNS), set(places)
    units: dict[tuple[str, str], int] = {}
    for record in sheet.records():
        key = (record.identity("sku"), record.identity("location_id"))
        number = record.whole("quantity", most=10**9)
        if key in units:
            record.refuse("sku", "is there already for this building")
        if not record.is_refused and key[1] in known:
            units[key] = number
    return units, tuple(sheet.refusals)


def _shipped(record: Record, find: Find, known: _Known) -> Shipped | None:
    order_id, sku = record.identity("order_id"), record.identity("sku")
    line_id = record.text("line_id", most=128)
    quantity = record.whole("quantity", least=1, most=_QUANTITY_MAX)
    grams = record.whole("weight_grams", least=1, most=_GRAMS_MAX)
    day, location_id = _date(record, "shipped_on"), record.identity("location_id")
    promised = _date(record, "promised_on") if record.raw("promised_on") else None
    together = record.yes("keep_together")
    origin = _place(record, find, "location_")
    goal = _place(record, find, "")
    if record.is_refused or day is None or origin is None or goal is None:
        return None
    weighs, first = known.grams.setdefault(sku, (grams, record.line))
    if weighs != grams:
        record.refuse("weight_grams", f"differs from line {first}: {weighs} grams")
    place, first = known.places.setdefault(location_id, (origin, record.line))
    if place != origin:
        record.refuse("location_id", f"is somewhere else on line {first}")
    goes, first = known.goals.setdefault(order_id, (goal, record.line))
    if goes != goal:
        record.refuse("order_id", f"goes somewhere else on line {first}")
    if line_id:
        first = known.lines.setdefault((order_id, line_id, sku, location_id, day), record.line)
        if first != record.line:
            record.refuse("line_id", f"is on line {first} already: the same line, building and day")
    promise = None if promised is None else max(0, (promised - day).days)
    return Shipped(
        record.line,
        order_id,
        line_id,
        sku,
        quantity,
        grams,
        day,
        location_id,
        goal,
        promise,
        together,
    )


def _place(record: Record, find: Find, prefix: str) -> Place | None:
    """The place of a building or a customer; refused where nobody knows."""
    degrees = record.place(f"{prefix}latitude", f"{prefix}longitude")
    code = record.text(f"{prefix}postal_code", most=32)
    if degrees is not None:
        return Place.from_degrees(*degrees)
    if not code:
        record.refuse(f"{prefix}postal_code", "is missing, and so are latitude and longitude")
        return None
    found = find(record.country("country_code"), code)
    if found is None:
        record.refuse(f"{prefix}postal_code", "is not known: give latitude and longitude")
    return found


def _date(record: Record, column: str) -> date | None:
    cell = record.raw(column)
    if not cell:
        record.refuse(column, "is missing")
        return None
    try:
        return date.fromisoformat(cell)
    except ValueError:
        record.refuse(column, "is not a day such as 2026-11-20")
        return None


def _optional(record: Record, column: str, most: int) -> int | None:
    return record.whole(column, least=1, most=most) if record.raw(column) else None
