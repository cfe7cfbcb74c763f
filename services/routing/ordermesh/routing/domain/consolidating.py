"""Hubs at which an order may be brought together, as sourcing sees them."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from math import prod
from typing import Protocol

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.calendars.calendar import NeverOpen
from ordermesh.routing.domain.calendars.clock_face import local_day
from ordermesh.routing.domain.calendars.distribution import quantile
from ordermesh.routing.domain.calendars.schedule import Dispatch, dispatch
from ordermesh.routing.domain.carriage.lane import TransferLane
from ordermesh.routing.domain.collecting import NO_ZONE, NoRate, run_tariff, transfer_service
from ordermesh.routing.domain.item import KnownLocation
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import SHIP, NetworkLocation
from ordermesh.routing.domain.problem import Adjustment, AdjustmentKind
from ordermesh.routing.domain.question import Question, Units
from ordermesh.routing.domain.rates import CarbonRates
from ordermesh.routing.domain.sourcing import SourcingLocation, SourcingService
from ordermesh.routing.domain.sourcing_method import SourcingMethod
from ordermesh.routing.domain.tariffs import Tariff
from ordermesh.routing.domain.ways import Way, sent_after

STAYS = "/"
"""The service of goods that are at the hub already."""

See = Callable[[NetworkLocation, KnownLocation, Way], SourcingLocation]
"""Sees a location by the way of its goods."""


@dataclass(frozen=True)
class _Run:
    """A service that brings goods of a location, and when the hub has handed them over then."""

    service: SourcingService
    days: int


def hubs(
    question: Question, known: Known, names: Iterable[str], stock: Units, see: See
) -> Iterator[SourcingLocation]:
    """Each hub once for each day by which it could have handed over what is brought to it.

    Only what is sent is brought together, and only by a policy that may.
    """
    is_asked = question.pickup is None and question.method is SourcingMethod.EXACT
    if not known.consolidates or not is_asked:
        return
    sent = sent_after(question, known)
    in_network = {entry.location_id: entry for entry in known.network}
    for name in names:
        entry, place = in_network.get(name), known.locations.get(name)
        if entry is None or place is None:
            continue
        runs = _runs(known, entry, stock)
        if not any(location_id != name for location_id in runs):
            continue
        for days in sorted({run.days for there in runs.values() for run in there}):
            legs = tuple(_legs(known, entry, runs, days, see))
            if any(leg.location_id != name for leg in legs):
                seen = see(entry, place, sent(entry, days))
                yield replace(
                    seen,
                    location_id=_name(name, days, known.locations),
                    source_id=name,
                    adjustments=tuple(one for one in seen.adjustments if not _is_of_stock(one)),
                    legs=legs,
                )


def _is_of_stock(one: Adjustment) -> bool:
    """Whether it is for units that lie there, and not for the work, which is done for all."""
    return bool(one.line_id) and one.kind is not AdjustmentKind.LABOR_PRICE


def _name(hub: str, days: int, taken: Mapping[str, object]) -> str:
    name = f"{hub}+{days}"
    while name in taken:
        name += "*"
    return name


def _runs(known: Known, hub: NetworkLocation, stock: Units) -> dict[str, list[_Run]]:
    """What could bring goods of each location that has some."""
    found: dict[str, list[_Run]] = {}
    for entry in known.network:
        place = known.locations.get(entry.location_id)
        if place is None or not any(stock.get(entry.location_id, {}).values()):
            continue
        if entry.location_id == hub.location_id:
            days, why_off = known.handover(hub, place.time_zone)
            if not why_off:
                found[hub.location_id] = [_Run(_stays(), days)]
            continue
        for lane in known.book.transfers(entry.location_id, hub.location_id):
            try:
                days = _days(known, entry, lane, hub)
                service = SourcingService(
                    transfer_service(lane), NO_ZONE, run_tariff(known, lane), 0, 0
                )
            except (NeverOpen, NoRate):
                continue
            found.setdefault(entry.location_id, []).append(_Run(service, days))
    return found


def _stays() -> SourcingService:
    nothing = CarbonRates(0, 0, 0, Money(0), STAYS)
    return SourcingService(STAYS, NO_ZONE, Tariff(STAYS, Money(0), Money(0), carbon=nothing), 0, 0)


def _days(known: Known, entry: NetworkLocation, lane: TransferLane, hub: NetworkLocation) -> int:
    """Days from today until the hub has handed over what a lane brings. Raises ``NeverOpen``."""
    zone = known.dispatches.schedule(
        hub, known.locations[hub.location_id].time_zone, SHIP, known.now
    ).calendar.zone
    at = quantile(_pickups(known, entry, lane, hub), known.permille)
    return (local_day(zone, at) - local_day(zone, known.now)).days


def _pickups(
    known: Known, entry: NetworkLocation, lane: TransferLane, hub: NetworkLocation
) -> tuple[tuple[datetime, int], ...]:
    """When the hub has handed over what a lane brings, with weights. Raises ``NeverOpen``."""
    time_zone = known.locations[entry.location_id].time_zone
    at_source = known.dispatches.schedule(entry, time_zone, SHIP, known.now)
    at_hub = known.dispatches.schedule(
        hub, known.locations[hub.location_id].time_zone, SHIP, known.now
    )
    pickups: dict[datetime, int] = {}
    for packed, weight in dispatch(at_source, known.now).pickups:
        for takes, chance in lane.chances():
            there = lane.leaves(packed) + takes
            for pickup, share in dispatch(at_hub, there).pickups:
                pickups[pickup] = pickups.get(pickup, 0) + weight * chance * share
    return tuple(sorted(pickups.items()))


class Carried(Protocol):
    """What a service carries."""

    @property
    def service_id(self) -> str:
        """Which one."""


class Brings(Protocol):
    """A location whose goods a service carries to a hub."""

    @property
    def location_id(self) -> str:
        """The location."""

    @property
    def parcels(self) -> Sequence[Carried]:
        """One run, with all of it."""


def handed_over(known: Known, hub: NetworkLocation, legs: Iterable[Brings]) -> Dispatch:
    """When a hub hands over what these runs bring, which come independently of each other."""
    parts = []
    for leg in legs:
        (run,) = leg.parcels
        if leg.location_id == hub.location_id:
            time_zone = known.locations[hub.location_id].time_zone
            here = known.dispatches.schedule(hub, time_zone, SHIP, known.now)
            parts.append(dispatch(here, known.now).pickups)
            continue
        entry = known.entry(leg.location_id)
        (lane,) = (
            one
            for one in known.book.transfers(leg.location_id, hub.location_id)
            if transfer_service(one) == run.service_id
        )
        parts.append(_pickups(known, entry, lane, hub))
    return Dispatch(_last_of(parts))


def _last_of(
    parts: Sequence[Sequence[tuple[datetime, int]]],
) -> tuple[tuple[datetime, int], ...]:
    """When the last of several independent things has happened, with weights."""
    instants = sorted({at for part in parts for at, _ in part})
    found, before = [], 0
    for at in instants:
        share = prod(sum(weight for one, weight in part if one <= at) for part in parts)
        if share > before:
            found.append((at, share - before))
            before = share
    return tuple(found)


def _legs(
    known: Known,
    hub: NetworkLocation,
    runs: Mapping[str, list[_Run]],
    days: int,
    see: See,
) -> Iterator[SourcingLocation]:
    """The locations whose goods are handed over within so many days."""
    in_network = {entry.location_id: entry for entry in known.network}
    for name, there in runs.items():
        services = tuple(run.service for run in there if run.days <= days)
        if not services:
            continue
        entry, place = in_network[name], known.locations[name]
        why_off = known.switches.why_off(entry, SHIP, known.now) or ""
        way = Way(services, 0, why_off, "", known.room_of(entry), place.time_zone)
        leg = replace(see(entry, place, way), days_max=None)
        if name == hub.location_id:
            # Its work is that of the hub.
            leg = replace(
                leg,
                pick_fee_per_parcel=Money(0),
                labor_per_unit=Money(0),
                labor_per_line=Money(0),
                capacity_units=None,
                adjustments=tuple(one for one in leg.adjustments if _is_of_stock(one)),
            )
        yield leg
