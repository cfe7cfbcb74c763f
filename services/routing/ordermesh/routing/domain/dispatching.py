"""When each location hands over to a carrier, remembered for as long as the answer holds."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from ordermesh.routing.domain.calendars.calendar import NeverOpen
from ordermesh.routing.domain.calendars.clock_face import instant, local_day, zone_of
from ordermesh.routing.domain.calendars.hours import MINUTES_PER_DAY
from ordermesh.routing.domain.calendars.schedule import Schedule, dispatch, dispatched_steadily
from ordermesh.routing.domain.network import SHIP, NetworkLocation
from ordermesh.routing.domain.timetable import Timetable, schedule

HolidaysOf = Callable[[str, str, int, int], Mapping[date, str] | None]
"""The holidays of a country, a part of it, and of some years; None for an unknown place."""


_QUARTER_SECONDS = 900


def no_holidays(
    _country: str, _subdivision: str, _first: int, _last: int
) -> Mapping[date, str] | None:
    """Nobody knows any."""
    return None


def holidays_of(timetable: Timetable, holidays: HolidaysOf, year: int) -> Mapping[date, str]:
    """The holidays of a timetable's country from the year before to two years after."""
    country = timetable.holiday_country
    if not country:
        return {}
    return holidays(country, timetable.holiday_subdivision, year - 1, year + 2) or {}


CONFIDENCE_PERMILLE = 900
"""How sure a location is to have handed over by the day that a plan counts on."""


@dataclass(frozen=True, slots=True)
class _Remembered:
    """The day of the handover, and from when until when it is that day."""

    day: date | None
    since: datetime
    until: datetime


class Dispatches:
    """What locations make of orders, by their timetables. Holds for one state of the network."""

    def __init__(self, holidays: HolidaysOf) -> None:
        self._holidays = holidays
        self._schedules: dict[tuple[str, str, int], Schedule] = {}
        self._days: dict[tuple[str, int], _Remembered] = {}
        self._steady: dict[tuple[str, bool], tuple[datetime, datetime]] = {}

    def schedule(
        self, location: NetworkLocation, time_zone: str, method: str, now: datetime
    ) -> Schedule:
        """The working day of a location for a method, with the holidays of these years."""
        name = (location.location_id, method, now.year)
        if name not in self._schedules:
            timetable = location.timetable
            self._schedules[name] = schedule(
                timetable,
                zone_of(time_zone),
                holidays_of(timetable, self._holidays, now.year),
                method,
                location.handling_days,
                location.processing,
            )
        return self._schedules[name]

    def days(
        self,
        location: NetworkLocation,
        time_zone: str,
        now: datetime,
        permille: int = CONFIDENCE_PERMILLE,
    ) -> int | None:
        """Days from today to the day by which it has handed over so surely; None for never."""
        if location.is_simple:
            return location.handling_days
        name = (location.location_id, permille)
        known = self._days.get(name)
        if known is None or not known.since <= now <= known.until:
            known = self._days[name] = self._look(location, time_zone, now, permille)
        return None if known.day is None else (known.day - local_day(zone_of(time_zone), now)).days

    def days_from(
        self,
        location: NetworkLocation,
        time_zone: str,
        now: datetime,
        at: datetime,
        permille: int,
    ) -> int | None:
        """As ``days``, for goods that are not there before ``at``."""
        working = self.schedule(location, time_zone, SHIP, now)
        zone = working.calendar.zone
        try:
            day = local_day(zone, dispatch(working, at).pickup(permille))
        except NeverOpen:
            return None
        return (day - local_day(zone, now)).days

    def _look(
        self, location: NetworkLocation, time_zone: str, now: datetime, permille: int
    ) -> _Remembered:
        working = self.schedule(location, time_zone, SHIP, now)
        zone = working.calendar.zone

        def day(at: datetime) -> date | None:
            try:
                return local_day(zone, dispatch(working, at).pickup(permille))
            except NeverOpen:
                return None

        # At midnight it is another day from which days are counted.
        midnight = instant(zone, local_day(zone, now), MINUTES_PER_DAY)
        return _Remembered(day(now), now, dispatched_steadily(working, day, now, midnight))

    def steady_until(
        self, location: NetworkLocation, time_zone: str, now: datetime, *, is_in_days: bool
    ) -> datetime:
        """Until when an order is handed over just as one that comes now, whatever happens.

        With ``is_in_days`` only the day matters, else the quarter of an hour.
        """
        name = (location.location_id, is_in_days)
        since, until = self._steady.get(name, (now, now))
        if since <= now < until:
            return until
        working = self.schedule(location, time_zone, SHIP, now)
        zone = working.calendar.zone

        def view(at: datetime) -> tuple[object, ...]:
            try:
                pickups = dispatch(working, at).pickups
            except NeverOpen:
                return ()
            if is_in_days:
                return tuple(local_day(zone, pickup) for pickup, _ in pickups)
            return tuple(pickup.timestamp() // _QUARTER_SECONDS for pickup, _ in pickups)

        until = dispatched_steadily(working, view, now, now + timedelta(days=1))
        self._steady[name] = (now, until)
        return until
