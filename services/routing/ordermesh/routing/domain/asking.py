"""A sourcing question as rules see it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.capacity import CapacityUnit
from ordermesh.routing.domain.framing import stock_for
from ordermesh.routing.domain.geography import Place, distance_km
from ordermesh.routing.domain.item import Item, KnownLocation
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import SHIP
from ordermesh.routing.domain.question import Question, Units
from ordermesh.routing.domain.rules.knowing import Asked, AskedLine, PlaceNow
from ordermesh.routing.domain.rules.vocabulary import Fact, Value
from ordermesh.routing.domain.wanted import Wanted

_MINUTE = timedelta(minutes=1)


def asked_lines(
    wanted: Sequence[Wanted], items: Mapping[str, Item], currency: str
) -> tuple[AskedLine, ...]:
    """The lines as rules see them; values in another currency are not known."""
    return tuple(_asked_line(one, items, currency) for one in wanted)


def _asked_line(wanted: Wanted, items: Mapping[str, Item], currency: str) -> AskedLine:
    line = wanted.line
    per_kit = line.per_kit
    return AskedLine(
        line_id=line.line_id,
        sku=line.sku,
        quantity=max(-(-units // per_kit[sku]) for sku, units in wanted.units.items()),
        parts=per_kit,
        units=wanted.units,
        unit_value=_value(wanted, items, currency),
        keeps_together=line.keep_together,
        accepts_substitutes=line.accepts_substitutes,
    )


def _value(wanted: Wanted, items: Mapping[str, Item], currency: str) -> Money | None:
    """What one of it was sold for, else what it is worth, else what its parts are worth."""
    line = wanted.line
    if line.unit_price is not None and line.unit_price.currency_code == currency:
        return line.unit_price.amount
    own = _worth(items.get(line.sku), currency)
    if own is not None:
        # Of what is sent instead of one of an item there may be several.
        return Money(own * line.per_kit.get(line.sku, 1))
    total = 0
    for sku, units in line.per_kit.items():
        worth = _worth(items.get(sku), currency)
        if worth is None:
            return None
        total += worth * units
    return Money(total)


def _worth(item: Item | None, currency: str) -> Money | None:
    if item is None or item.value is None or item.value.currency_code != currency:
        return None
    return item.value.amount


class Distances:
    """How far locations are from a place."""

    def __init__(self, place: Place, locations: Mapping[str, KnownLocation]) -> None:
        self._place = place
        self._locations = locations
        self._known: dict[str, int] = {}

    def __call__(self, location_id: str) -> int:
        """Kilometres to a location."""
        known = self._known.get(location_id)
        if known is None:
            where = self._locations[location_id].place
            known = self._known[location_id] = distance_km(where, self._place)
        return known


def asked_first(
    question: Question, items: Mapping[str, Item], currency: str, now: datetime
) -> Asked:
    """What is known of an order before any stock is: by this a policy is chosen."""
    return Asked(
        now=now,
        context=question.context,
        lines=asked_lines(question.wanted, items, currency),
        items=items,
        promise_days=question.promise_days or None,
        rejections=len({location_id for location_id, _, _ in question.rejected}),
        attempt=question.attempt,
        promise_time=_promised(question, now),
    )


def _promised(question: Question, now: datetime) -> datetime | None:
    """By when all of it is to be there; None where nothing was promised."""
    if question.promise is not None:
        return question.promise.time
    if not question.promise_days:
        return None
    return (question.context.order_time or now) + timedelta(days=question.promise_days)


def _by_timetable(known: Known) -> Callable[[str, Fact], Value | None]:
    """Tells what timetables say of locations at this moment."""

    def told(location_id: str, fact: Fact) -> Value | None:
        entry, now = known.entry(location_id), known.now
        time_zone = known.locations[location_id].time_zone
        schedule = known.dispatches.schedule(entry, time_zone, SHIP, now)
        if fact is Fact.LOCATION_IS_OPEN:
            return schedule.calendar.is_open(now)
        if fact is Fact.LOCATION_PICKUPS_LEFT:
            return schedule.pickups_left(now)
        cut_off = schedule.next_cut_off(now)
        return None if cut_off is None else (cut_off - now) // _MINUTE

    return told


def _band(known: Known, km: int) -> int | None:
    """The zone of the policy in which a distance lies, None beyond the last."""
    for number, zone in enumerate(known.policy.zones, start=1):
        if km <= zone.distance_km_max:
            return number
    return None


def asked(question: Question, known: Known, available: Units) -> Asked:
    """All that is known of an order now, with the locations that could send it."""
    rejected = frozenset(location_id for location_id, _, _ in question.rejected)
    entries = {entry.location_id: entry for entry in known.network}

    given: dict[str, int] = {}
    for (location_id, _, _), amount in known.used.items():
        given[location_id] = given.get(location_id, 0) + amount

    def now_at(location_id: str) -> PlaceNow:
        entry = entries[location_id]
        room = known.room_of(entry)
        left = dict(room.left)
        orders = [
            left[one.capacity_id]
            for one in entry.capacities
            if one.unit is CapacityUnit.ORDERS and one.capacity_id in left
        ]
        return PlaceNow(
            capacity_left=room.units,
            backlog=given.get(location_id, 0),
            has_rejected=location_id in rejected,
            is_full=room.units == 0,
            orders_left=min(orders, default=None),
        )

    first = asked_first(question, known.items, known.policy.currency_code, known.now)
    return replace(
        first,
        stock=stock_for(question, available),
        distance_km=Distances(question.place, known.locations),
        now_at=now_at,
        band=lambda km: _band(known, km),
        by_timetable=_by_timetable(known),
        countries={name: one.country_code for name, one in known.locations.items()},
        put=known.put,
    )
