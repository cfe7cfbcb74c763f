"""When a location works, as people write it down, and what that means for an order."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from ordermesh.routing.domain.calendars.calendar import Calendar
from ordermesh.routing.domain.calendars.distribution import QuantilePoint, chances
from ordermesh.routing.domain.calendars.hours import (
    DAYS_PER_WEEK,
    ExceptionDay,
    Hours,
    Span,
    exception_days,
    sorted_spans,
)
from ordermesh.routing.domain.calendars.schedule import Schedule
from ordermesh.routing.domain.errors.requests import FieldViolation


@dataclass(frozen=True, slots=True)
class CutOff:
    """Until which minute of a weekday, 0 for Monday, an order of a method is begun that day.

    The empty method is all that have no cut-off of their own on the day.
    """

    method: str
    weekday: int
    minute: int


@dataclass(frozen=True, slots=True)
class Timetable:
    """When a location works, in its own wall clock.

    ``hours`` and ``pickups`` are pairs of a weekday, 0 for Monday, and a span or a minute; no hours
    mean always, no pickups whenever something is ready. Without ``holiday_country`` no holiday
    closes it.
    """

    hours: tuple[tuple[int, Span], ...] = ()
    holiday_country: str = ""
    holiday_subdivision: str = ""
    exceptions: tuple[ExceptionDay, ...] = ()
    cut_offs: tuple[CutOff, ...] = ()
    pickups: tuple[tuple[int, int], ...] = ()

    @property
    def week(self) -> tuple[tuple[Span, ...], ...] | None:
        """The spans of Monday to Sunday; None for always. Raises ``FieldViolation``."""
        if not self.hours:
            return None
        return tuple(
            sorted_spans("timetable.hours", [span for on, span in self.hours if on == day])
            for day in range(DAYS_PER_WEEK)
        )

    def calendar(self, zone: ZoneInfo, holidays: Mapping[date, str]) -> Calendar:
        """Its calendar; ``holidays`` are those of its country. Raises ``FieldViolation``."""
        exceptions = exception_days("timetable.exceptions", self.exceptions)
        return Calendar(zone, Hours(self.week, frozenset(holidays), exceptions))

    def cut_offs_of(self, method: str) -> tuple[int | None, ...]:
        """The cut-offs of a method from Monday to Sunday."""
        found: list[int | None] = [None] * DAYS_PER_WEEK
        for wanted in ("", method):
            for cut_off in self.cut_offs:
                if cut_off.method == wanted:
                    found[cut_off.weekday] = cut_off.minute
        return tuple(found)

    @property
    def pickups_by_day(self) -> tuple[tuple[int, ...], ...]:
        """The minutes at which carriers come, from Monday to Sunday."""
        return tuple(
            tuple(sorted({minute for on, minute in self.pickups if on == day}))
            for day in range(DAYS_PER_WEEK)
        )


ALWAYS = Timetable()


def check(timetable: Timetable, processing: tuple[QuantilePoint, ...]) -> None:
    """Raise ``FieldViolation`` unless all of it makes sense."""
    _ = timetable.week
    exception_days("timetable.exceptions", timetable.exceptions)
    seen = set()
    for cut_off in timetable.cut_offs:
        if (cut_off.method, cut_off.weekday) in seen:
            raise FieldViolation(
                "timetable.cut_offs", "cut_offs.twice", "A day of a method has one cut-off."
            )
        seen.add((cut_off.method, cut_off.weekday))
    if timetable.holiday_subdivision and not timetable.holiday_country:
        raise FieldViolation(
            "timetable.holiday_subdivision", "holidays.country", "A part is one of a country."
        )
    for points in _by_weekday(processing).values():
        chances("processing", points)


def _by_weekday(
    processing: tuple[QuantilePoint, ...],
) -> dict[int | None, list[QuantilePoint]]:
    """The points of each weekday, and those of all others."""
    found: dict[int | None, list[QuantilePoint]] = {None: []}
    for point in processing:
        found.setdefault(point.weekday, []).append(point)
    return found


def schedule(
    timetable: Timetable,
    zone: ZoneInfo,
    holidays: Mapping[date, str],
    method: str,
    lead_days: int,
    processing: tuple[QuantilePoint, ...],
) -> Schedule:
    """What the timetable means for orders of a method. Raises ``FieldViolation``."""
    by_weekday = _by_weekday(processing)
    return Schedule(
        calendar=timetable.calendar(zone, holidays),
        cut_offs=timetable.cut_offs_of(method),
        pickups=timetable.pickups_by_day,
        lead_days=lead_days,
        processing=chances("processing", by_weekday[None]),
        weekday_processing=tuple(
            chances("processing", by_weekday[day]) if day in by_weekday else None
            for day in range(DAYS_PER_WEEK)
        )
        if len(by_weekday) > 1
        else (),
    )
