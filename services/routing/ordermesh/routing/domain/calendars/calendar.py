"""Arithmetic with working time: from an instant, so many open minutes or open days further."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from ordermesh.routing.domain.calendars.clock_face import instant, local_day
from ordermesh.routing.domain.calendars.hours import ALWAYS, Hours

HORIZON_DAYS = 400
"""A place that does not open for so long is taken to be closed for good."""


class NeverOpen(Exception):
    """Within the horizon there is not enough open time."""


@dataclass(frozen=True)
class Calendar:
    """The hours of a place in its own time zone."""

    zone: ZoneInfo
    hours: Hours = ALWAYS

    def open_from(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """The open times that end after ``at``, as instants; the first may have begun before."""
        first = local_day(self.zone, at)
        for ahead in range(HORIZON_DAYS + 1):
            day = first + timedelta(days=ahead)
            for span in self.hours.spans(day):
                begin = instant(self.zone, day, span.open_minute)
                end = instant(self.zone, day, span.close_minute)
                # A span that falls wholly into an hour that the clock skips is no time at all.
                if end > at and end > begin:
                    yield begin, end

    def is_open(self, at: datetime) -> bool:
        """Whether it is open at an instant; at the instant of closing it is not."""
        begin, _ = next(self.open_from(at), (None, None))
        return begin is not None and begin <= at

    def next_open(self, at: datetime) -> datetime:
        """The first open instant that is not before ``at``. Raises ``NeverOpen``."""
        if self.hours.is_always:
            return at
        for begin, _ in self.open_from(at):
            return max(begin, at)
        raise NeverOpen

    def add_minutes(self, at: datetime, minutes: int) -> datetime:
        """When so many open minutes have passed since ``at``; none: when it is open next.

        Work that takes all of the day ends when the place closes. Raises ``NeverOpen``.
        """
        if self.hours.is_always:
            return at + timedelta(minutes=minutes)
        left = timedelta(minutes=minutes)
        for begin, end in self.open_from(at):
            since = max(begin, at)
            if end - since >= left:
                return since + left
            left -= end - since
        raise NeverOpen

    def add_days(self, at: datetime, days: int) -> datetime:
        """When it opens on the so-many-th open day after that of ``at``; 0: when it is open next.

        The day of ``at`` counts only if it is still open then. Raises ``NeverOpen``.
        """
        start = self.next_open(at)
        if days == 0:
            return start
        day = local_day(self.zone, start)
        for ahead in range(1, HORIZON_DAYS + 1):
            following = day + timedelta(days=ahead)
            opening = self.opening(following)
            if opening is not None:
                days -= 1
                if days == 0:
                    return opening
        raise NeverOpen

    def opening(self, day: date) -> datetime | None:
        """When it opens on a day; None when it does not."""
        for span in self.hours.spans(day):
            begin = instant(self.zone, day, span.open_minute)
            if instant(self.zone, day, span.close_minute) > begin:
                return begin
        return None
