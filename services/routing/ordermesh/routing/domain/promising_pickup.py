"""From a question to the promise of a pickup."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.calendars.calendar import NeverOpen
from ordermesh.routing.domain.calendars.clock_face import local_day, zone_of
from ordermesh.routing.domain.calendars.schedule import Arrival
from ordermesh.routing.domain.collecting import NO_ZONE, PICKUP_SERVICE, Collecting
from ordermesh.routing.domain.coming import start_of
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import PICK_UP, NetworkLocation
from ordermesh.routing.domain.promise import (
    Objective,
    Weighted,
    Window,
    all_there,
    rounded_up,
    window,
)
from ordermesh.routing.domain.promising import (
    Planned,
    Promise,
    Promised,
    Situation,
    Unpromised,
    next_edge,
    nothing,
    planned,
)
from ordermesh.routing.domain.question import Question


def collect(question: Question, situation: Situation, location: NetworkLocation) -> Promise:
    """The promise of a pickup at a location, from what lies there or transfer lanes bring there.

    Raises ``CurrencyMismatch``, and ``PlanRefused`` when a plan is not what it claims to be.
    """
    known, now = situation.known, situation.known.now
    until = next_edge(situation)
    reason = _why_not(question, known, location)
    if reason:
        return nothing(question, reason, until)
    try:
        found = planned(question, situation, Objective.FASTEST)
        if found.unpromised:
            left = _left(question, situation, location, found)
            return Promise(Objective.FASTEST, None, (), Money(0), 0, left, until)
        parts, shipments = _brought(question, situation, found)
    except NeverOpen:
        return nothing(question, "it is closed for good", until)
    is_here = [one.service_id for shipment in found.shipments for one in shipment.parcels] == [
        PICKUP_SERVICE
    ]
    there = window(parts, situation.permille, is_in_days=False)
    if is_here:
        there = _while_open(there, parts[0], situation, location)
        shipments = [Promised(location.location_id, there.latest, there, 0, NO_ZONE)]
    return Promise(
        objective=Objective.FASTEST,
        window=there,
        shipments=tuple(shipments),
        cost=found.cost,
        co2e_grams=found.co2e_grams,
        unpromised=(),
        # The runs of lanes, and work that takes minutes, are later with every quarter that passes.
        expire_time=min(until, rounded_up(now + timedelta(seconds=1))),
    )


def _why_not(question: Question, known: Known, location: NetworkLocation) -> str:
    """Why nothing can be collected there, whatever lies there; "" where something can."""
    reason = known.switches.why_off(location, PICK_UP, known.now)
    if reason:
        return reason
    if known.locations[location.location_id].is_disabled:
        return "the location is not active"
    units = sum(quantity for one in question.wanted for quantity in one.units.values())
    room = known.room_of(location, PICK_UP)
    return room.fact if room.units is not None and room.units < units else ""


def _while_open(
    there: Window, part: Weighted, situation: Situation, location: NetworkLocation
) -> Window:
    """The window, which ends at a full quarter only where that is no later than the closing."""
    known = situation.known
    time_zone = known.locations[location.location_id].time_zone
    calendar = known.dispatches.schedule(location, time_zone, PICK_UP, known.now).calendar
    if calendar.is_open(there.latest):
        return there
    latest = all_there([part], situation.permille).latest
    return replace(there, latest=latest, day=local_day(calendar.zone, latest))


def _brought(
    question: Question, situation: Situation, found: Planned
) -> tuple[list[Weighted], list[Promised]]:
    """When what lies there and what is brought there can be collected. Raises ``NeverOpen``."""
    known, point = situation.known, question.pickup
    if point is None:
        raise ValueError("what is collected is collected somewhere")
    candidates = {one.location_id: one for one in found.problem.candidates}
    zone = zone_of(known.locations[point.location_id].time_zone)
    collecting = Collecting(point, known, transfers=True)
    parts: list[Weighted] = []
    shipments = []
    for shipment in found.shipments:
        candidate = candidates[shipment.location_id]
        since = candidate.available_from
        at = max(known.now, start_of(date.fromisoformat(since))) if since else known.now
        (parcel,) = shipment.parcels
        ready = collecting.ready_by(known.entry(candidate.place_id), parcel.service_id, at)
        arrivals = tuple((Arrival(one, local_day(zone, one)), weight) for one, weight in ready)
        there = window([arrivals], situation.permille, is_in_days=False)
        parts.append(arrivals)
        shipments.append(Promised(candidate.place_id, there.latest, there, 1, NO_ZONE))
    return parts, shipments


def _left(
    question: Question, situation: Situation, location: NetworkLocation, found: Planned
) -> tuple[Unpromised, ...]:
    """What cannot be collected: what is short there, else why what is there stays there."""
    short = _short(question, situation.available.get(location.location_id, {}))
    if short:
        return short
    facts = {
        line_id: one.fact
        for one in reversed(found.problem.removals)
        if one.location_id == location.location_id
        for line_id in one.line_ids
    }
    return tuple(
        replace(one, reason=facts.get(one.line_id, one.reason)) for one in found.unpromised
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
