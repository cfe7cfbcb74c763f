"""When a decision expects its shipments to be ready, to leave and to arrive: as promises count."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Protocol

from ordermesh.routing.domain.calendars.calendar import NeverOpen
from ordermesh.routing.domain.calendars.clock_face import instant, local_day, zone_of
from ordermesh.routing.domain.calendars.distribution import quantile
from ordermesh.routing.domain.calendars.hours import MINUTES_PER_DAY
from ordermesh.routing.domain.calendars.schedule import Dispatch, dispatch
from ordermesh.routing.domain.collecting import Collecting
from ordermesh.routing.domain.consolidating import Brings, handed_over
from ordermesh.routing.domain.expected import Expected
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.network import SHIP, PickupPoint
from ordermesh.routing.domain.order import Order
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.promise import all_there, shipment_arrivals
from ordermesh.routing.domain.promising import transit_of


class Sends(Brings, Protocol):
    """What a location sends for an order, days counted from the decision."""

    @property
    def days(self) -> int:
        """Days to the last arrival."""

    @property
    def legs(self) -> Sequence[Brings]:
        """What is brought to it first."""


class Expecting:
    """What is expected of the shipments of one decision, which was made of ``problem``.

    ``known`` is what was known. Without a problem an arrival is only known by its day.
    """

    def __init__(self, order: Order, known: Known, problem: Problem | None) -> None:
        self.known = known
        self._order = order
        self._problem = problem

    def of(self, shipment: Sends, available_time: datetime | None = None) -> Expected | None:
        """The instants of a shipment; None where somebody does not open any more.

        ``available_time`` is when its goods are there, None for those that are.
        """
        begin = max(self.known.now, available_time or self.known.now)
        try:
            if self._order.pickup is not None:
                return self._collected(self._order.pickup, shipment, begin)
            return self._sent(shipment, begin)
        except NeverOpen:
            return None

    def _sent(self, shipment: Sends, begin: datetime) -> Expected:
        known, place = self.known, shipment.location_id
        if shipment.legs:
            leaves = handed_over(known, known.entry(place), shipment.legs)
            # What is brought has been packed when the hub hands it over: it says no more of itself.
            begin = ready = leaves.pickup(known.permille)
        else:
            ready, leaves = self._work(place, begin)
        return Expected(
            release_time=begin,
            ready_time=ready,
            ship_time=leaves.pickup(known.permille),
            arrival_time=self._arrival(shipment, leaves),
            promise_time=self._promised(place),
        )

    def _collected(self, point: PickupPoint, shipment: Sends, begin: datetime) -> Expected:
        known, place = self.known, shipment.location_id
        service_id = shipment.parcels[0].service_id
        collecting = Collecting(point, known, transfers=True)
        there = quantile(collecting.ready_by(known.entry(place), service_id, begin), known.permille)
        ready, ship = there, there
        if place != point.location_id:
            ready, leaves = self._work(place, begin)
            ship = leaves.pickup(known.permille)
        return Expected(begin, ready, ship, there, self._promised(point.location_id))

    def _work(self, place: str, begin: datetime) -> tuple[datetime, Dispatch]:
        """When a location is done, and hands over, that may begin then. Raises ``NeverOpen``."""
        known = self.known
        time_zone = known.locations[place].time_zone
        schedule = known.dispatches.schedule(known.entry(place), time_zone, SHIP, known.now)
        ready = [(schedule.ready(begin, one), one.weight) for one in schedule.processing_of(begin)]
        return quantile(ready, known.permille), dispatch(schedule, begin)

    def _arrival(self, shipment: Sends, leaves: Dispatch) -> datetime:
        """When the last of its parcels is there. Raises ``NeverOpen``."""
        known, place = self.known, shipment.location_id
        time_zone = known.locations[place].time_zone
        used = {parcel.service_id for parcel in shipment.parcels}
        offered = {
            option.service_id: option
            for candidate in (self._problem.candidates if self._problem else ())
            if candidate.place_id == place
            for option in candidate.options
        }
        if not used <= offered.keys():
            zone = zone_of(time_zone)
            today = local_day(zone, known.now)
            return instant(zone, today + timedelta(days=shipment.days), MINUTES_PER_DAY)
        transits = [
            transit_of(offered[name], time_zone, known.now, known.carriers) for name in sorted(used)
        ]
        return all_there([shipment_arrivals(leaves, transits)], known.permille).latest

    def _promised(self, place: str) -> datetime | None:
        """By when it was promised: a promise in days ends with the day, where the work is done."""
        order = self._order
        if order.promise is not None:
            return order.promise.time
        if not order.promise_days:
            return None
        zone = zone_of(self.known.locations[place].time_zone)
        day = local_day(zone, order.order_time) + timedelta(days=order.promise_days)
        return instant(zone, day, MINUTES_PER_DAY)
