"""What a customer collects: it lies where that is, or transfer lanes bring it there."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.calendars.calendar import NeverOpen
from ordermesh.routing.domain.calendars.clock_face import local_day
from ordermesh.routing.domain.calendars.distribution import quantile
from ordermesh.routing.domain.calendars.schedule import collection, dispatch
from ordermesh.routing.domain.capacity import Room
from ordermesh.routing.domain.carriage.currency import conversion
from ordermesh.routing.domain.carriage.lane import TransferLane
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import SHIP, NetworkLocation, PickupPoint
from ordermesh.routing.domain.rates import CarbonRates
from ordermesh.routing.domain.sourcing import SourcingPolicy, SourcingService
from ordermesh.routing.domain.tariffs import Tariff

PICKUP_SERVICE = "pickup"
"""The service that stands for the customer who comes."""

NO_ZONE = 0
"""The zone of what no carrier takes."""

_CLOSED = "it is closed for good"

_MOMENT = timedelta(microseconds=1)

Weighted = tuple[tuple[datetime, int], ...]
"""Instants, each with its weight."""


def transfer_service(lane: TransferLane) -> str:
    """The service that stands for a transfer lane: it is no carrier's, so none is named."""
    return f"/{lane.lane_id}"


@dataclass(frozen=True, slots=True)
class Collectable:
    """How goods of one location come into the customer's hands.

    ``why_off`` says why nothing of it does now, ``why_unreached`` why nothing leads from there to
    where the customer comes, ``room`` what it can still do.
    """

    services: tuple[SourcingService, ...]
    why_off: str
    why_unreached: str
    room: Room


class Collecting:
    """One order that is collected, as far as locations are concerned."""

    def __init__(self, point: PickupPoint, known: Known, *, transfers: bool) -> None:
        self._point = point
        self._known = known
        self._transfers = transfers
        self._here = known.entry(point.location_id)
        self._time_zone = known.locations[point.location_id].time_zone
        self._why_off = _why_off(point, known, self._here)

    def of(self, entry: NetworkLocation, at: datetime) -> Collectable:
        """What a location can do for it with goods that are there at a moment."""
        point, known = self._point, self._known
        if entry.location_id == point.location_id:
            return self._here_itself(known.room_of(entry, point.method), at)
        room = known.room_of(entry)
        if self._why_off:
            return Collectable((), f"{point.location_id}: {self._why_off}", "", room)
        why_off = known.switches.why_off(entry, SHIP, known.now) or ""
        if not self._transfers:
            return Collectable((), why_off, f"it is collected at {point.location_id}", room)
        services, obstacles = self._brought(entry, at)
        return Collectable(services, why_off, obstacles, room)

    def _here_itself(self, room: Room, at: datetime) -> Collectable:
        """The customer takes what lies there."""
        try:
            days = self._days(self._ready(at))
        except NeverOpen:
            return Collectable((), self._why_off or _CLOSED, "", room)
        service = SourcingService(PICKUP_SERVICE, NO_ZONE, _nobody_drives(), 0, days)
        return Collectable((service,), self._why_off, "", room)

    def _brought(
        self, entry: NetworkLocation, at: datetime
    ) -> tuple[tuple[SourcingService, ...], str]:
        """What transfer lanes bring, and why others do not."""
        lanes = self._known.book.transfers(entry.location_id, self._point.location_id)
        if not lanes:
            return (), f"no transfer lane leads from here to {self._point.location_id}"
        found, obstacles = [], []
        for lane in lanes:
            try:
                found.append(self._by_lane(entry, lane, at))
            except NeverOpen:
                obstacles.append(f"{lane.lane_id}: {_CLOSED}")
            except NoRate as none:
                obstacles.append(f"{lane.lane_id}: {none}")
        return tuple(found), "; ".join(obstacles)

    def _by_lane(self, entry: NetworkLocation, lane: TransferLane, at: datetime) -> SourcingService:
        """The service of a lane. Raises ``NeverOpen``, and ``NoRate`` for its currency."""
        days = self._days(self._ready_by_lane(entry, lane, at))
        time_zone = self._known.locations[entry.location_id].time_zone
        handed_over, _ = self._known.handover(entry, time_zone, at)
        transit = max(0, days - handed_over)
        tariff = run_tariff(self._known, lane)
        return SourcingService(transfer_service(lane), NO_ZONE, tariff, transit, days)

    def ready_by(self, entry: NetworkLocation, service_id: str, at: datetime) -> Weighted:
        """When goods of a location can be collected that come by one of its services.

        Raises ``NeverOpen``.
        """
        for lane in self._known.book.transfers(entry.location_id, self._point.location_id):
            if transfer_service(lane) == service_id:
                return self._ready_by_lane(entry, lane, at)
        return self._ready(at)

    def _ready_by_lane(self, entry: NetworkLocation, lane: TransferLane, at: datetime) -> Weighted:
        """When goods can be collected that a lane brings. Raises ``NeverOpen``."""
        known = self._known
        time_zone = known.locations[entry.location_id].time_zone
        schedule = known.dispatches.schedule(entry, time_zone, SHIP, known.now)
        arrivals = [
            (lane.leaves(packed) + takes, weight * chance)
            for packed, weight in dispatch(schedule, at).pickups
            for takes, chance in lane.chances()
        ]
        return tuple(
            (ready, weight * chance)
            for there, weight in _summed(arrivals)
            for ready, chance in self._ready(there)
        )

    def _ready(self, at: datetime) -> Weighted:
        """When what is there at a moment can be collected. Raises ``NeverOpen``."""
        schedule = self._known.dispatches.schedule(
            self._here, self._time_zone, self._point.method, self._known.now
        )
        return collection(schedule, at)

    def _days(self, ready: Weighted) -> int:
        """Days from today to the one on which it surely is ready, where the customer comes.

        What is ready at midnight is so by the end of the day before, as promises count.
        """
        zone = self._known.dispatches.schedule(
            self._here, self._time_zone, self._point.method, self._known.now
        ).calendar.zone
        at = quantile(ready, self._known.permille)
        return max(0, (local_day(zone, at - _MOMENT) - local_day(zone, self._known.now)).days)


class NoRate(Exception):
    """Nobody knows what a lane costs in the currency of the policy."""


def run_tariff(known: Known, lane: TransferLane) -> Tariff:
    """What a run costs: once for what is on it, and for each unit. Raises ``NoRate``."""
    currency = known.policy.currency_code
    changed = conversion(
        known.book.currency_rates.values(), currency, lane.currency_code, known.now
    )
    if changed is None:
        raise NoRate(f"nobody knows what {lane.currency_code} is in {currency}")
    version = f"{lane.lane_id}/{lane.version}"
    return Tariff(
        f"{version} at {changed.version}" if changed.version else version,
        changed.of(lane.fixed_cost),
        Money(0),
        per_unit=changed.of(lane.cost_per_unit),
    )


def unparcelled(policy: SourcingPolicy) -> SourcingPolicy:
    """The policy for what is handed over at once: nothing is put into parcels, or comes apart."""
    costs = replace(policy.costs, parcel_limit_grams=None, split_charge=Money(0))
    return replace(policy, costs=costs, parcels_max=None, apart=())


def _why_off(point: PickupPoint, known: Known, here: NetworkLocation) -> str:
    """Why nothing is collected there, "" where it is."""
    if known.locations[point.location_id].is_disabled:
        return "the location is not active"
    return known.switches.why_off(here, point.method, known.now) or ""


def _nobody_drives() -> Tariff:
    """The customer comes at no cost, and what that emits is not ours to count."""
    nothing = CarbonRates(0, 0, 0, Money(0), PICKUP_SERVICE)
    return Tariff(PICKUP_SERVICE, Money(0), Money(0), carbon=nothing)


def _summed(weighted: list[tuple[datetime, int]]) -> Iterator[tuple[datetime, int]]:
    """Each instant once, with all of its weight."""
    found: dict[datetime, int] = {}
    for at, weight in weighted:
        found[at] = found.get(at, 0) + weight
    yield from found.items()
