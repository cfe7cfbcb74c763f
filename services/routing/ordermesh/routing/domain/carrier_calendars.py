"""On which days carriers deliver, by the calendars that their services name."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property

from ordermesh.routing.domain.calendars.calendar import HORIZON_DAYS, Calendar
from ordermesh.routing.domain.calendars.clock_face import local_day, zone_of
from ordermesh.routing.domain.carriage.book import NO_BOOK, Book
from ordermesh.routing.domain.carriage.carrier import Service, ServiceKey
from ordermesh.routing.domain.carriage.offering import PLUS
from ordermesh.routing.domain.dispatching import HolidaysOf, holidays_of, no_holidays
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.timetable import Timetable
from ordermesh.routing.domain.timetable import check as check_timetable


@dataclass(frozen=True, slots=True)
class NamedCalendar:
    """When somebody works that is no location: a carrier that delivers on weekdays.

    Without a ``time_zone`` it is read by the clock of wherever it is used.
    """

    calendar_id: str
    time_zone: str
    timetable: Timetable
    update_time: datetime | None = field(default=None, compare=False)


def check(calendar: NamedCalendar) -> None:
    """Raise ``FieldViolation`` unless it makes sense and says only when it is open."""
    check_timetable(calendar.timetable, ())
    if calendar.time_zone and zone_of(calendar.time_zone).key != calendar.time_zone:
        sentence = f"Nobody knows the time zone {calendar.time_zone}."
        raise FieldViolation("time_zone", "time_zone.unknown", sentence)
    if calendar.timetable.cut_offs or calendar.timetable.pickups:
        sentence = "Cut-offs and carrier pickups belong to locations."
        raise FieldViolation("timetable", "calendar.hours_only", sentence)


class CarrierCalendars:
    """The calendars of services. Holds for one state of network and carriage."""

    def __init__(
        self,
        calendars: Iterable[NamedCalendar] = (),
        book: Book = NO_BOOK,
        holidays: HolidaysOf = no_holidays,
    ) -> None:
        self._by_id = {one.calendar_id: one for one in calendars}
        self._book = book
        self._holidays = holidays
        self._made: dict[tuple[str, str, int], Calendar] = {}

    @cached_property
    def _services(self) -> Mapping[str, Service]:
        return {
            str(ServiceKey(carrier.carrier_id, service.service_id)): service
            for carrier in self._book.carriers.values()
            for service in carrier.services
        }

    def service(self, service_id: str) -> Service | None:
        """What an option is of, which is named after a service and surcharges; None for a zone."""
        while service_id not in self._services:
            service_id, mark, _ = service_id.rpartition(PLUS)
            if not mark:
                return None
        return self._services[service_id]

    def of(self, service_id: str, time_zone: str, now: datetime) -> Calendar:
        """When a service delivers, as seen from a location: always, where nobody says."""
        service = self.service(service_id)
        known = None if service is None else self._by_id.get(service.calendar)
        if known is None:
            return Calendar(zone_of(time_zone))
        zone = known.time_zone or time_zone
        name = (known.calendar_id, zone, now.year)
        if name not in self._made:
            holidays = holidays_of(known.timetable, self._holidays, now.year)
            self._made[name] = known.timetable.calendar(zone_of(zone), holidays)
        return self._made[name]

    def days(
        self, service_id: str, time_zone: str, now: datetime, handling_days: int, transit_days: int
    ) -> int:
        """Days until something arrives that is handed over in so many days.

        Days in transit are days of the calendar; without an open day ahead they are all days.
        """
        calendar = self.of(service_id, time_zone, now)
        if calendar.hours.is_always:
            return handling_days + transit_days
        today = local_day(calendar.zone, now)
        left = transit_days
        for ahead in range(handling_days, handling_days + HORIZON_DAYS):
            if not calendar.hours.spans(today + timedelta(days=ahead)):
                continue
            if ahead > handling_days:
                left -= 1
            if left <= 0:
                return ahead
        return handling_days + transit_days


EVERY_DAY = CarrierCalendars()
"""Everybody delivers on every day."""
