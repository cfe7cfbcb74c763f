"""From a question to the promise of a pickup."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.calendars.calendar import NeverOpen
from ordermesh.routing.domain.calendars.clock_face import local_day, zone_of
from ordermesh.routing.domain.calendars.distribution import quantile
from ordermesh.routing.domain.calendars.schedule import Arrival, collection
from ordermesh.routing.domain.collecting import NO_ZONE, Collecting
from ordermesh.routing.domain.network import PICK_UP, NetworkLocation, PickupPoint
from ordermesh.routing.domain.promise import Objective, Weighted, Window, rounded_up, window
from ordermesh.routing.domain.promising import (
    Promise,
    Promised,
    Situation,
    Unpromised,
    next_edge,
    nothing,
    staged,
)
from ordermesh.routing.domain.question import Question

_MICROGRAMS = 1_000_000


def collect(question: Question, situation: Situation, location: NetworkLocation) -> Promise:
    """The promise of a pickup at a location, from what lies there or transfer lanes bring there.

    Raises ``CurrencyMismatch``, and ``PlanRefused`` when a plan is not what it claims to be.
    """
    known, now = situation.known, situation.known.now
    place = known.locations[location.location_id]
    until = next_edge(known, now)
    reason = known.switches.why_off(location, PICK_UP, now) or ""
    if place.is_disabled:
        reason = "the location is not active"
    units = sum(quantity for one in question.wanted for quantity in one.units.values())
    room = known.room_of(location, PICK_UP)
    if not reason and room.units is not None and room.units < units:
        reason = room.fact
    if reason:
        return nothing(question, reason, until)
    short = _short(question, situation.available.get(location.location_id, {}))
    if short:
        nowhere = Promise(Objective.FASTEST, None, (), Money(0), 0, short, until)
        return _brought(question, situation, location, nowhere) or nowhere
    schedule = known.dispatches.schedule(location, place.time_zone, PICK_UP, now)
    try:
        ready = collection(schedule, now)
    except NeverOpen:
        return nothing(question, "it is closed for good", until)
    latest = quantile(ready, situation.permille)
    rounded = rounded_up(latest)
    if schedule.calendar.is_open(rounded):
        latest = rounded
    day = latest.astimezone(schedule.calendar.zone).date()
    there = Window(min(at for at, _ in ready), latest, day, is_in_days=False)
    return Promise(
        objective=Objective.FASTEST,
        window=there,
        shipments=(Promised(location.location_id, latest, there, 0, 0),),
        cost=Money(location.pick_fee + location.labor_cost_per_unit * units),
        co2e_grams=0,
        unpromised=(),
        # Work that takes minutes is later with every quarter that passes.
        expire_time=min(until, rounded_up(now + timedelta(seconds=1))),
    )


def _brought(
    question: Question, situation: Situation, location: NetworkLocation, nowhere: Promise
) -> Promise | None:
    """The promise of what lies there and what is brought there together; None where it is short."""
    known, point = situation.known, PickupPoint(location.location_id)
    if not known.book.has_transfers_to(point.location_id):
        return None
    _, solution = staged(replace(question, pickup=point), situation, Objective.FASTEST)
    plan = solution.plan
    if not plan.is_complete:
        return None
    zone = zone_of(known.locations[point.location_id].time_zone)
    collecting = Collecting(point, known, transfers=True)
    parts: list[Weighted] = []
    shipments = []
    for shipment in plan.shipments:
        entry = known.entry(shipment.location_id)
        (parcel,) = shipment.parcels
        ready = collecting.ready_by(entry, parcel.service_id, known.now)
        arrivals = tuple((Arrival(at, local_day(zone, at)), weight) for at, weight in ready)
        there = window([arrivals], situation.permille, is_in_days=False)
        parts.append(arrivals)
        shipments.append(Promised(shipment.location_id, there.latest, there, 1, NO_ZONE))
    return replace(
        nowhere,
        window=window(parts, situation.permille, is_in_days=False),
        shipments=tuple(shipments),
        cost=plan.costs.total,
        co2e_grams=-(-sum(one.micrograms for one in plan.shipments) // _MICROGRAMS),
        unpromised=(),
        # The runs of lanes, and work that takes minutes, are later with every quarter that passes.
        expire_time=min(nowhere.expire_time, rounded_up(known.now + timedelta(seconds=1))),
    )


def _short(question: Question, there: Mapping[str, int]) -> tuple[Unpromised, ...]:
    """What a place has too little of; lines that share an item share its units."""
    left = dict(there)
    short = []
    for one in question.wanted:
        for sku, quantity in one.units.items():
            missing = max(0, quantity - left.get(sku, 0))
            left[sku] = max(0, left.get(sku, 0) - quantity)
            if missing:
                short.append(Unpromised(one.line.line_id, sku, missing, "INSUFFICIENT_STOCK"))
    return tuple(short)
