"""From the wall clock of a place to instants: what a minute of a day means."""

from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from ordermesh.routing.domain.calendars.hours import MINUTES_PER_DAY

_KEPT = 65_536
"""So many minutes of so many days are remembered: many locations share zones and hours."""


def zone_of(name: str) -> ZoneInfo:
    """A time zone; UTC where this machine's database does not have it."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError):
        return ZoneInfo("UTC")


@lru_cache(maxsize=_KEPT)
def instant(zone: ZoneInfo, day: date, minute: int) -> datetime:
    """The first instant at which the clocks of a zone show at least this minute of this day.

    1440 is midnight at the end of the day. A minute that a clock skips is the instant of the skip;
    of one that it shows twice, the first counts. A later minute is never an earlier instant.
    """
    if minute >= MINUTES_PER_DAY:
        day += timedelta(days=minute // MINUTES_PER_DAY)
        minute %= MINUTES_PER_DAY
    local = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
    found = local.astimezone(UTC)
    if found.astimezone(zone).replace(tzinfo=None, fold=0) == local.replace(tzinfo=None, fold=0):
        return found
    return _skip(zone, local.replace(fold=1).astimezone(UTC), found)


def _skip(zone: ZoneInfo, before: datetime, after: datetime) -> datetime:
    """The instant between these two at which the clocks are put forward, to the second."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) / 2
        middle = middle.replace(microsecond=0)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def local_day(zone: ZoneInfo, at: datetime) -> date:
    """Which day it is in a zone."""
    return at.astimezone(zone).date()
