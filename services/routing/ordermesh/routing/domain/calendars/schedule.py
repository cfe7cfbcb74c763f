"""How an order becomes a parcel in time: cut-off, processing, carrier pickup, transit, arrival."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TypeVar

from ordermesh.routing.domain.calendars.calendar import HORIZON_DAYS, Calendar, NeverOpen
from ordermesh.routing.domain.calendars.clock_face import instant, local_day
from ordermesh.routing.domain.calendars.distribution import CERTAIN, Chance, quantile
from ordermesh.routing.domain.calendars.hours import DAYS_PER_WEEK, MINUTES_PER_DAY

T = TypeVar("T")

NO_CUT_OFFS: tuple[int | None, ...] = (None,) * DAYS_PER_WEEK
NO_PICKUPS: tuple[tuple[int, ...], ...] = ((),) * DAYS_PER_WEEK

_GRAIN = timedelta(minutes=1)


@dataclass(frozen=True)
class Schedule:
    """The working day of a location for one method.

    ``cut_offs`` and ``pickups`` are minutes of the day by weekday, Monday first: an order that
    comes at its day's cut-off or later is begun on the next open day; without any pickup a carrier
    comes whenever something is ready. ``lead_days`` are open days that always pass, ``processing``
    is what comes on top; ``weekday_processing`` is what does from Monday to Sunday
    instead, where an order is begun on a weekday that has its own; empty: none has.
    """

    calendar: Calendar
    cut_offs: tuple[int | None, ...] = NO_CUT_OFFS
    pickups: tuple[tuple[int, ...], ...] = NO_PICKUPS
    lead_days: int = 0
    processing: tuple[Chance, ...] = CERTAIN
    weekday_processing: tuple[tuple[Chance, ...] | None, ...] = ()

    def processing_of(self, at: datetime) -> tuple[Chance, ...]:
        """How long an order takes that came at ``at``. Raises ``NeverOpen``."""
        if not self.weekday_processing:
            return self.processing
        own = self.weekday_processing[self.begins_on(at).weekday()]
        return self.processing if own is None else own

    def begins_on(self, at: datetime) -> date:
        """The day on which an order is begun that came at ``at``. Raises ``NeverOpen``."""
        return local_day(self.calendar.zone, self.calendar.next_open(self.begin(at)))

    def begin(self, at: datetime) -> datetime:
        """From when an order that came at ``at`` counts: midnight if it was after the cut-off."""
        day = local_day(self.calendar.zone, at)
        cut_off = self.cut_offs[day.weekday()]
        if cut_off is None or at < instant(self.calendar.zone, day, cut_off):
            return at
        return instant(self.calendar.zone, day, MINUTES_PER_DAY)

    def ready(self, at: datetime, chance: Chance) -> datetime:
        """When an order that came at ``at`` is packed. Raises ``NeverOpen``."""
        opened = self.calendar.add_days(self.begin(at), self.lead_days + chance.days)
        return self.calendar.add_minutes(opened, chance.minutes)

    def pickup(self, ready: datetime) -> datetime:
        """The first carrier that comes when it is ready. Raises ``NeverOpen``.

        On a holiday, or another day on which the location is closed, none comes.
        """
        if not any(self.pickups):
            return ready
        zone, first = self.calendar.zone, local_day(self.calendar.zone, ready)
        for ahead in range(HORIZON_DAYS + 1):
            day = first + timedelta(days=ahead)
            if self.calendar.hours.is_shut(day):
                continue
            for minute in self.pickups[day.weekday()]:
                comes = instant(zone, day, minute)
                if comes >= ready:
                    return comes
        raise NeverOpen

    def pickups_left(self, at: datetime) -> int | None:
        """How many carriers still come on the day of ``at``; None where no pickup is named."""
        if not any(self.pickups):
            return None
        zone, day = self.calendar.zone, local_day(self.calendar.zone, at)
        if self.calendar.hours.is_shut(day):
            return 0
        return sum(instant(zone, day, minute) >= at for minute in self.pickups[day.weekday()])

    def collectable(self, ready: datetime) -> datetime:
        """When a customer can collect what is ready: while it is open. Raises ``NeverOpen``."""
        return self.calendar.next_open(ready)

    def next_cut_off(self, at: datetime) -> datetime | None:
        """The next cut-off after ``at`` on a day on which it works; None where there is none."""
        zone, first = self.calendar.zone, local_day(self.calendar.zone, at)
        if not any(cut_off is not None for cut_off in self.cut_offs):
            return None
        for ahead in range(HORIZON_DAYS + 1):
            day = first + timedelta(days=ahead)
            cut_off = self.cut_offs[day.weekday()]
            if cut_off is None or not self.calendar.hours.spans(day):
                continue
            falls = instant(zone, day, cut_off)
            if falls > at:
                return falls
        return None


@dataclass(frozen=True, slots=True, order=True)
class Arrival:
    """When something is there at the latest, and on which day where it arrives."""

    latest: datetime
    day: date


@dataclass(frozen=True)
class Transit:
    """A carrier's way: delivery days after the day of pickup, or delivery hours after the pickup.

    ``carrier`` has the days and hours in which it delivers.
    """

    carrier: Calendar
    chances: tuple[Chance, ...] = CERTAIN
    is_in_days: bool = True

    def arrival(self, pickup: datetime, chance: Chance) -> Arrival:
        """When what was picked up then is there. Raises ``NeverOpen``."""
        zone = self.carrier.zone
        if self.is_in_days:
            day = local_day(zone, pickup)
            return self._on_day(day, pickup, chance.days)
        there = self.carrier.add_minutes(pickup, chance.minutes)
        return Arrival(there, local_day(zone, there))

    def _on_day(self, day: date, pickup: datetime, days: int) -> Arrival:
        """The close of the so-many-th delivery day after a day; 0: that day, if there is time."""
        for ahead in range(HORIZON_DAYS + 1):
            following = day + timedelta(days=ahead)
            spans = self.carrier.hours.spans(following)
            close = instant(self.carrier.zone, following, spans[-1].close_minute) if spans else None
            if close is None or close <= pickup:
                continue
            if ahead > 0:
                days -= 1
            if days <= 0:
                return Arrival(close, following)
        raise NeverOpen


@dataclass(frozen=True)
class Dispatch:
    """What a location makes of an order that comes now.

    ``pickups`` are instants, each with its weight: one for each chance of processing.
    """

    pickups: tuple[tuple[datetime, int], ...]

    def pickup(self, permille: int) -> datetime:
        """Until when, with this probability, a carrier has it."""
        return quantile(self.pickups, permille)

    def arrivals(self, transit: Transit) -> tuple[tuple[Arrival, int], ...]:
        """All arrivals with their weights: each way of processing with each way of transit."""
        return tuple(
            (transit.arrival(pickup, chance), weight * chance.weight)
            for pickup, weight in self.pickups
            for chance in transit.chances
        )


def dispatch(schedule: Schedule, at: datetime) -> Dispatch:
    """What becomes of an order that comes at ``at``. Raises ``NeverOpen``."""
    return Dispatch(
        tuple(
            (schedule.pickup(schedule.ready(at, chance)), chance.weight)
            for chance in schedule.processing_of(at)
        )
    )


def collection(schedule: Schedule, at: datetime) -> tuple[tuple[datetime, int], ...]:
    """When an order that comes at ``at`` can be collected, with weights. Raises ``NeverOpen``."""
    return tuple(
        (schedule.collectable(schedule.ready(at, chance)), chance.weight)
        for chance in schedule.processing_of(at)
    )


def dispatched_steadily(
    schedule: Schedule, view: Callable[[datetime], T], at: datetime, most: datetime
) -> datetime:
    """As ``steady_until``, for what a location makes of an order that comes then.

    Where weekdays take their own time, a later order may be done sooner, but not of the same day.
    """
    if schedule.weekday_processing:
        most = steady_until(lambda one: _begins_on(schedule, one), at, most)
    return steady_until(view, at, most)


def _begins_on(schedule: Schedule, at: datetime) -> date | None:
    try:
        return schedule.begins_on(at)
    except NeverOpen:
        return None


def steady_until(view: Callable[[datetime], T], at: datetime, most: datetime) -> datetime:
    """Until when ``view`` shows what it shows at ``at``: to the minute, never too long.

    ``view`` changes in one direction only: what it once left does not come back. At ``most`` it is
    not asked any further.
    """
    seen = view(at)
    if view(most) == seen:
        return most
    good, bad = at, most
    while bad - good > _GRAIN:
        middle = good + (bad - good) / 2
        if view(middle) == seen:
            good = middle
        else:
            bad = middle
    return good


def weekly(days: Iterator[tuple[int, T]]) -> tuple[tuple[T, ...], ...]:
    """What is said by weekday, 0 for Monday, as seven tuples."""
    found: list[list[T]] = [[] for _ in range(DAYS_PER_WEEK)]
    for day, said in days:
        found[day].append(said)
    return tuple(tuple(one) for one in found)
