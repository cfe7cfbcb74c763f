"""The facts of one order, its lines, and the locations that could send them."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.context import OrderContext
from ordermesh.routing.domain.item import Item, KnownLocation
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.rules.vocabulary import LEVELS, Fact, Level, PutFact, Value

_HOUR = timedelta(hours=1)
_DAY = timedelta(days=1)
_CUBIC_MILLIMETRES_PER_MILLILITRE = 1_000

Facts = Mapping[Fact, Value]

BY_TIMETABLE = frozenset(
    {Fact.LOCATION_CUTOFF_MINUTES, Fact.LOCATION_PICKUPS_LEFT, Fact.LOCATION_IS_OPEN}
)
"""What a timetable tells of a location."""


@dataclass(frozen=True)
class AskedLine:
    """A line as rules see it: so many of an item, or of a kit of ``parts``.

    ``parts`` are units of each SKU in one of it, ``units`` those that are to be sourced.
    ``unit_value`` is what one of it was sold for or is worth, None where nobody knows. With
    ``accepts_substitutes`` the customer takes something else.
    """

    line_id: str
    sku: str
    quantity: int
    parts: Mapping[str, int]
    units: Mapping[str, int]
    unit_value: Money | None = None
    keeps_together: bool = False
    accepts_substitutes: bool = False

    @property
    def is_kit(self) -> bool:
        """Whether it is made of others."""
        return self.sku not in self.parts


@dataclass(frozen=True, slots=True)
class PlaceNow:
    """What changes of a location from order to order.

    ``capacity_left`` is units, ``orders_left`` orders, None where it has no such limit; ``backlog``
    is what it was given to do in its windows of now, as they count it.
    """

    capacity_left: int | None = None
    backlog: int = 0
    has_rejected: bool = False
    is_full: bool = False
    orders_left: int | None = None


@dataclass
class Asked:
    """One order before the rules. Facts are made when they are first asked for.

    ``stock`` is units that may be promised by location, then SKU, None before it was asked for.
    ``distance_km`` tells how far a location is, and ``band`` what band of distances that is;
    ``now_at`` what is new of it, ``by_timetable`` what its timetable says. ``put`` are facts by
    location and SKU. ``attempt`` counts the decisions, ``promise_time`` is by when all is to be
    there.
    """

    now: datetime
    context: OrderContext
    lines: tuple[AskedLine, ...]
    items: Mapping[str, Item]
    promise_days: int | None = None
    stock: Mapping[str, Mapping[str, int]] | None = None
    distance_km: Callable[[str], int] | None = None
    now_at: Callable[[str], PlaceNow] | None = None
    countries: Mapping[str, str] = field(default_factory=dict)
    put: Mapping[tuple[str, str], Facts] = field(default_factory=dict)
    rejections: int = 0
    attempt: int = 1
    promise_time: datetime | None = None
    band: Callable[[int], int | None] | None = None
    by_timetable: Callable[[str, Fact], Value | None] | None = None
    _order: Facts | None = None
    _lines: dict[str, Facts] = field(default_factory=dict)
    _places: dict[str, PlaceNow] = field(default_factory=dict)

    @property
    def order(self) -> Facts:
        """What is known of the order."""
        if self._order is None:
            self._order = _order_facts(self)
        return self._order

    def line(self, line: AskedLine) -> Facts:
        """What is known of a line."""
        if line.line_id not in self._lines:
            self._lines[line.line_id] = _line_facts(self, line)
        return self._lines[line.line_id]

    def place(self, location_id: str, fact: Fact) -> Value | None:
        """What is new of a location, fact by fact: few of them are ever asked for."""
        if fact is Fact.LOCATION_DISTANCE_KM:
            return None if self.distance_km is None else self.distance_km(location_id)
        if fact is Fact.LOCATION_DISTANCE_BAND:
            if self.distance_km is None or self.band is None:
                return None
            return self.band(self.distance_km(location_id))
        if fact is Fact.LOCATION_IS_DOMESTIC:
            country = self.countries.get(location_id)
            ours = self.context.country_code
            return country == ours if country and ours else None
        if self.put:
            told = self.put.get((location_id, ""), _NOTHING).get(fact)
            if told is not None:
                return told
        if fact in BY_TIMETABLE and self.by_timetable is not None:
            return self.by_timetable(location_id, fact)
        if self.now_at is None:
            return None
        seen = self._places.get(location_id)
        if seen is None:
            seen = self._places[location_id] = self.now_at(location_id)
        return _of_place(seen, fact)

    def stock_at(self, line: AskedLine, location_id: str, fact: Fact) -> Value | None:
        """What is known of the stock of a line at a location.

        Of a kit the scarcest part tells: the least of its numbers, and a flag where any part has
        it. What is not known of a part is not known of the kit.
        """
        held = (self.stock or _NO_STOCK).get(location_id, _NO_UNITS)
        if fact is Fact.STOCK_AVAILABLE:
            return min([held.get(sku, 0) for sku in line.units])
        if fact is Fact.STOCK_WOULD_RUN_OUT:
            return any(held.get(sku, 0) <= units for sku, units in line.units.items())
        if not self.put:
            return None
        whole = self.put.get((location_id, ""), _NOTHING).get(fact)
        values: list[int] = []
        for sku in line.units:
            value = self.put.get((location_id, sku), _NOTHING).get(fact, whole)
            if value is None or isinstance(value, frozenset):
                return None
            values.append(value)
        return max(values) if fact is Fact.STOCK_BREAKS_SIZE_RUN else min(values)


_NOTHING: Facts = {}
_NO_STOCK: Mapping[str, Mapping[str, int]] = {}
_NO_UNITS: Mapping[str, int] = {}


def _of_place(seen: PlaceNow, fact: Fact) -> Value | None:
    match fact:
        case Fact.LOCATION_BACKLOG:
            return seen.backlog
        case Fact.LOCATION_REJECTED:
            return seen.has_rejected
        case Fact.LOCATION_IS_FULL:
            return seen.is_full
        case Fact.LOCATION_CAPACITY_LEFT:
            return seen.capacity_left
        case Fact.LOCATION_ORDERS_LEFT:
            return seen.orders_left
        case _:
            return None


@dataclass(frozen=True, slots=True)
class Sight:
    """All that is known of an order, of a line of it, and of a location, whose ``network`` facts
    never change; what is not named is not known.
    """

    asked: Asked
    line: AskedLine | None = None
    location_id: str = ""
    network: Facts = field(default_factory=dict)

    def get(self, fact: Fact, /) -> Value | None:
        """The value of a fact, None when it is not known."""
        level = LEVELS[fact]
        if level is Level.ORDER:
            return self.asked.order.get(fact)
        if level is Level.ITEM:
            return None if self.line is None else self.asked.line(self.line).get(fact)
        if not self.location_id:
            return None
        if level is Level.LOCATION:
            fixed = self.network.get(fact)
            return self.asked.place(self.location_id, fact) if fixed is None else fixed
        if self.line is None:
            return None
        return self.asked.stock_at(self.line, self.location_id, fact)


def by_place(put: tuple[PutFact, ...]) -> dict[tuple[str, str], dict[Fact, Value]]:
    """Facts that were put, by location and SKU."""
    facts: dict[tuple[str, str], dict[Fact, Value]] = {}
    for one in put:
        facts.setdefault((one.location_id, one.sku), {})[one.fact] = one.value
    return facts


def static_facts(entry: NetworkLocation, place: KnownLocation) -> Facts:
    """What of a location changes only with the network."""
    facts: dict[Fact, Value] = {
        Fact.LOCATION_ID: frozenset({entry.location_id}),
        Fact.LOCATION_TYPE: frozenset({place.kind}),
        Fact.LOCATION_TAG: frozenset(place.tags),
        Fact.LOCATION_GROUP: frozenset(place.groups),
        Fact.LOCATION_METHOD: frozenset(entry.methods),
        Fact.LOCATION_TIME_ZONE: frozenset({place.time_zone}),
        Fact.LOCATION_HANDLING_DAYS: entry.handling_days,
        Fact.LOCATION_PICK_FEE: entry.pick_fee,
        Fact.LOCATION_LABOR: entry.labor_cost_per_unit,
        Fact.LOCATION_CAPABILITY: frozenset(entry.capabilities),
    }
    if place.country_code:
        facts[Fact.LOCATION_COUNTRY] = frozenset({place.country_code})
    if entry.priority:
        facts[Fact.LOCATION_PRIORITY] = entry.priority
    return facts


def facts_of(
    network: Iterable[NetworkLocation], places: Mapping[str, KnownLocation]
) -> dict[str, Facts]:
    """The same, of all locations that ship and of which is known where they are."""
    return {
        entry.location_id: static_facts(entry, places[entry.location_id])
        for entry in network
        if entry.ships and entry.location_id in places
    }


def _words(*values: str) -> frozenset[str]:
    """Words, without the empty one: what is not said is none of any set."""
    return frozenset(value for value in values if value)


def _order_facts(asked: Asked) -> Facts:
    context, traits = asked.context, asked.context.traits
    facts: dict[Fact, Value] = {
        Fact.ORDER_LINES: len(asked.lines),
        Fact.ORDER_UNITS: sum(line.quantity for line in asked.lines),
        Fact.ORDER_PRIORITY: traits.priority,
        Fact.ORDER_REJECTIONS: asked.rejections,
        Fact.ORDER_ATTEMPT: asked.attempt,
        Fact.ORDER_AGE_HOURS: max(0, (asked.now - (context.order_time or asked.now)) // _HOUR),
        Fact.ORDER_CHANNEL: _words(context.channel),
        Fact.ORDER_BRAND: _words(traits.brand),
        Fact.ORDER_TYPE: _words(traits.order_type),
        Fact.ORDER_METHOD: _words(context.method),
        Fact.ORDER_SERVICE_LEVEL: _words(traits.service_level),
        Fact.ORDER_TAG: _words(*traits.tags),
        Fact.ORDER_CUSTOMER_CLASS: _words(traits.customer_class),
        Fact.ORDER_COUNTRY: _words(context.country_code),
        Fact.ORDER_REGION: _words(context.region),
        Fact.ORDER_POSTAL_CODE: _words(context.postal_code),
        Fact.ORDER_PAYMENT_STATE: _words(traits.payment_state),
        Fact.ORDER_QUEUE: _words(traits.queue),
        Fact.ORDER_ORIGIN_GROUP: _words(traits.origin_group),
        Fact.ORDER_IS_PROMISED: asked.promise_days is not None,
    }
    if asked.stock is not None:
        facts[Fact.ORDER_IS_AVAILABLE] = _is_available(asked.lines, asked.stock)
    if asked.promise_days is not None:
        facts[Fact.ORDER_PROMISE_DAYS] = asked.promise_days
    if asked.promise_time is not None:
        facts[Fact.ORDER_DAYS_LEFT] = (asked.promise_time - asked.now) // _DAY
    goods = [_goods(asked, line) for line in asked.lines]
    facts[Fact.ORDER_WEIGHT_GRAMS] = sum(
        one.grams * line.quantity for one, line in zip(goods, asked.lines, strict=True)
    )
    if all(one.millilitres is not None for one in goods):
        facts[Fact.ORDER_VOLUME_MILLILITRES] = sum(
            (one.millilitres or 0) * line.quantity
            for one, line in zip(goods, asked.lines, strict=True)
        )
    if all(line.unit_value is not None for line in asked.lines):
        facts[Fact.ORDER_VALUE] = sum(
            (line.unit_value or 0) * line.quantity for line in asked.lines
        )
    return facts


def _is_available(lines: tuple[AskedLine, ...], stock: Mapping[str, Mapping[str, int]]) -> bool:
    wanted: dict[str, int] = {}
    for line in lines:
        for sku, units in line.units.items():
            wanted[sku] = wanted.get(sku, 0) + units
    return all(
        sum(held.get(sku, 0) for held in stock.values()) >= units for sku, units in wanted.items()
    )


@dataclass(frozen=True, slots=True)
class _Goods:
    """One of a line, with all its parts."""

    grams: int
    longest: int | None
    millilitres: int | None


def _goods(asked: Asked, line: AskedLine) -> _Goods:
    grams, longest, millilitres = 0, 0, 0
    has_size = True
    for sku, units in line.parts.items():
        item = asked.items.get(sku)
        grams += 0 if item is None else item.weight_grams * units
        if item is None or item.size_millimetres is None:
            has_size = False
            continue
        longest = max(longest, item.size_millimetres[0])
        length, width, height = item.size_millimetres
        millilitres += length * width * height * units // _CUBIC_MILLIMETRES_PER_MILLILITRE
    return _Goods(grams, longest if has_size else None, millilitres if has_size else None)


def _line_facts(asked: Asked, line: AskedLine) -> Facts:
    skus = {line.sku, *line.parts}
    items = [asked.items[sku] for sku in sorted(skus) if sku in asked.items]
    goods = _goods(asked, line)
    cuts = [one.markdown_time for one in items if one.markdown_time is not None]
    facts: dict[Fact, Value] = {
        Fact.LINE_QUANTITY: line.quantity,
        Fact.ITEM_SKU: frozenset(skus),
        Fact.ITEM_TAG: frozenset(tag for one in items for tag in one.tags),
        Fact.ITEM_HANDLING: frozenset(care for one in items for care in one.handling),
        Fact.ITEM_WEIGHT_GRAMS: goods.grams,
        Fact.ITEM_IS_KIT: line.is_kit,
        Fact.ITEM_KEEPS_TOGETHER: line.keeps_together,
        Fact.ITEM_IS_MARKED_DOWN: any(cut <= asked.now for cut in cuts),
    }
    if goods.longest is not None and goods.millilitres is not None:
        facts[Fact.ITEM_LONGEST_MILLIMETRES] = goods.longest
        facts[Fact.ITEM_VOLUME_MILLILITRES] = goods.millilitres
    if cuts:
        facts[Fact.ITEM_DAYS_TO_MARKDOWN] = max(0, (min(cuts) - asked.now) // _DAY)
    if line.unit_value is not None:
        facts[Fact.ITEM_VALUE] = line.unit_value
        facts[Fact.LINE_VALUE] = line.unit_value * line.quantity
    return facts
