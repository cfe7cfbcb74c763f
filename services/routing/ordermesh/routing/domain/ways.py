"""The way of goods from each location to the customer: by carrier, or to where it is collected."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from ordermesh.routing.domain.capacity import Room
from ordermesh.routing.domain.carriage.offering import NO_LANES, Offering, origin_of, unit_of
from ordermesh.routing.domain.collecting import Collecting
from ordermesh.routing.domain.geography import distance_km
from ordermesh.routing.domain.item import KnownLocation
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import SHIP, NetworkLocation, PickupPoint
from ordermesh.routing.domain.question import Question, Units
from ordermesh.routing.domain.sourcing import SourcingService
from ordermesh.routing.domain.stages import Ruled
from ordermesh.routing.domain.standing import arriving


@dataclass(frozen=True, slots=True)
class Way:
    """How goods get from a location to the customer, by whose clock their days are counted."""

    services: tuple[SourcingService, ...] | None
    days: int
    why_off: str
    why_unreached: str
    room: Room
    time_zone: str


Ask = Callable[[NetworkLocation, KnownLocation, datetime], Way]
"""Asks a location for its way, for goods that are there at a moment."""


def ways_of(question: Question, known: Known, ruled: Ruled, stock: Units) -> Ask:
    """What asks each location for the way of goods that are there at a moment."""
    if question.pickup is not None:
        return _collected(question.pickup, known, ruled)
    offering = _offering(question, known)

    def sent(entry: NetworkLocation, place: KnownLocation, at: datetime) -> Way:
        days, why_off = known.handover(entry, place.time_zone, at)
        reach = NO_LANES
        if offering is not None and (at > known.now or stock.get(entry.location_id)):
            km = distance_km(place.place, question.place)
            reach = offering.reach(origin_of(place), km, days)
        services = arriving(reach.services, place.time_zone, days, known.carriers, known.now)
        room = known.room_of(entry)
        return Way(services, days, why_off, reach.why_not, room, place.time_zone)

    return sent


def sent_after(question: Question, known: Known) -> Callable[[NetworkLocation, int], Way]:
    """What tells the way of goods from a location that has handed them over after so many days."""
    offering = _offering(question, known)

    def sent(entry: NetworkLocation, days: int) -> Way:
        place = known.locations[entry.location_id]
        reach = NO_LANES
        if offering is not None:
            km = distance_km(place.place, question.place)
            reach = offering.reach(origin_of(place), km, days)
        services = arriving(reach.services, place.time_zone, days, known.carriers, known.now)
        why_off = known.switches.why_off(entry, SHIP, known.now) or ""
        room = known.room_of(entry)
        return Way(services, days, why_off, reach.why_not, room, place.time_zone)

    return sent


def _collected(pickup: PickupPoint, known: Known, ruled: Ruled) -> Ask:
    collecting = Collecting(pickup, known, transfers=ruled.transfers)
    time_zone = known.locations[pickup.location_id].time_zone

    def collected(entry: NetworkLocation, _place: KnownLocation, at: datetime) -> Way:
        found = collecting.of(entry, at)
        return Way(found.services, 0, found.why_off, found.why_unreached, found.room, time_zone)

    return collected


def _offering(question: Question, known: Known) -> Offering | None:
    """What lanes offer the goods of the question; None where there are no lanes."""
    if not known.book.lanes:
        return None
    way = known.book.towards(
        question.address,
        known.policy.currency_code,
        known.now,
        is_residential=not question.address.is_business,
    )
    units = {
        one.line.line_id: tuple(unit_of(known.items.get(sku)) for sku in one.units)
        for one in question.wanted
    }
    return Offering(way, units, known.policy.carbon_price_per_kg)
