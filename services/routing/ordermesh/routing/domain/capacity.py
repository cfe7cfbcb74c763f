"""Capacity: how much a location can do in a window of time, and what is held of it.

A window is a part of a day, by the clock of the location. What is done in it is counted in orders,
in units or in minutes of work. A hold takes its share of every window that is meant, all of them or
none, until it is released, or until nobody confirmed it in time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID
from zoneinfo import ZoneInfo

from ordermesh.routing.domain.calendars.clock_face import instant, local_day
from ordermesh.routing.domain.calendars.hours import DAYS_PER_WEEK, MINUTES_PER_DAY
from ordermesh.routing.domain.errors.capacity import CapacityHoldClosed
from ordermesh.routing.domain.errors.requests import FieldViolation


class CapacityUnit(StrEnum):
    """In what a capacity is counted."""

    ORDERS = "ORDERS"
    UNITS = "UNITS"
    MINUTES = "MINUTES"


class AtLimit(StrEnum):
    """What becomes of a location that can do no more: it is left out, or it comes last."""

    LEAVE_OUT = "LEAVE_OUT"
    RANK_LAST = "RANK_LAST"


@dataclass(frozen=True, slots=True)
class Load:
    """So much work: orders, and units over all of them."""

    orders: int
    units: int


@dataclass(frozen=True, slots=True)
class Capacity:
    """How much a location can do from one minute of a day to another.

    ``methods`` and ``weekdays`` (0 for Monday) that are empty mean all. With ``MINUTES``, an order
    takes ``minutes_per_order`` and each unit ``minutes_per_unit``.
    """

    capacity_id: str
    unit: CapacityUnit
    limit: int
    methods: tuple[str, ...] = ()
    weekdays: tuple[int, ...] = ()
    start_minute: int = 0
    end_minute: int = MINUTES_PER_DAY
    minutes_per_order: int = 0
    minutes_per_unit: int = 0
    at_limit: AtLimit = AtLimit.LEAVE_OUT

    def applies_to(self, method: str) -> bool:
        """Whether work of this method counts."""
        return not self.methods or method in self.methods

    def amount(self, load: Load) -> int:
        """How much of it some work takes."""
        if self.unit is CapacityUnit.ORDERS:
            return load.orders
        if self.unit is CapacityUnit.UNITS:
            return load.units
        return load.orders * self.minutes_per_order + load.units * self.minutes_per_unit

    def window(self, zone: ZoneInfo, at: datetime) -> "Window":
        """The window that lasts at an instant, else the next one."""
        first = local_day(zone, at)
        for ahead in range(DAYS_PER_WEEK + 1):
            day = first + timedelta(days=ahead)
            if self.weekdays and day.weekday() not in self.weekdays:
                continue
            end = instant(zone, day, self.end_minute)
            start = instant(zone, day, self.start_minute)
            if end > at and end > start:
                return Window(self.capacity_id, start, end)
        # A window of minutes that the clock skips once a year: the one of the week after.
        return self.window(zone, at + timedelta(days=DAYS_PER_WEEK))


@dataclass(frozen=True, slots=True)
class Window:
    """A window of a capacity of a location."""

    capacity_id: str
    start_time: datetime
    end_time: datetime


WindowKey = tuple[str, str, datetime]
"""A location, one of its capacities, and when the window starts."""


@dataclass(frozen=True, slots=True)
class Share:
    """So much of a window, and how much it has in all; no ``limit`` where it may be exceeded."""

    location_id: str
    capacity_id: str
    start_time: datetime
    amount: int
    limit: int | None

    @property
    def key(self) -> WindowKey:
        """The window."""
        return (self.location_id, self.capacity_id, self.start_time)


class HoldState(StrEnum):
    """How far a hold has come."""

    HELD = "HELD"
    CONFIRMED = "CONFIRMED"
    RELEASED = "RELEASED"
    EXPIRED = "EXPIRED"


@dataclass(frozen=True, slots=True)
class CapacityHold:
    """What is held of the windows of a location for somebody.

    A hold that is not confirmed by ``expire_time`` stops counting then; None: it waits.
    """

    hold_id: UUID
    location_id: str
    shares: tuple[Share, ...]
    caller: str
    create_time: datetime
    expire_time: datetime | None = None
    state: HoldState = HoldState.HELD

    def seen_at(self, now: datetime) -> "CapacityHold":
        """The same as it is now: overdue ones have expired."""
        if self.state is HoldState.HELD and self.expire_time is not None:
            return replace(self, state=HoldState.EXPIRED) if self.expire_time <= now else self
        return self

    @property
    def counts(self) -> bool:
        """Whether it takes of its windows."""
        return self.state in (HoldState.HELD, HoldState.CONFIRMED)

    def confirmed(self, now: datetime) -> "CapacityHold":
        """It is used. Raises ``CapacityHoldClosed`` when it was released or has expired."""
        seen = self.seen_at(now)
        if not seen.counts:
            raise CapacityHoldClosed(str(self.hold_id), seen.state)
        return replace(seen, state=HoldState.CONFIRMED, expire_time=None)

    def released(self, now: datetime) -> "CapacityHold":
        """It is not needed; nothing changes for one that does not count any more."""
        seen = self.seen_at(now)
        return replace(seen, state=HoldState.RELEASED) if seen.counts else seen


def check(capacities: Sequence[Capacity]) -> None:
    """Raise ``FieldViolation`` unless each has its own name, and windows end after they begin."""
    names = [one.capacity_id for one in capacities]
    if len(set(names)) != len(names):
        raise FieldViolation("capacities", "capacities.twice", "Each capacity has its own id.")
    for one in capacities:
        if one.end_minute <= one.start_minute:
            raise FieldViolation("capacities", "capacities.ascending", "A window ends later.")
        takes = one.minutes_per_order + one.minutes_per_unit
        if (one.unit is CapacityUnit.MINUTES) != (takes > 0):
            raise FieldViolation(
                "capacities", "capacities.minutes", "Work takes minutes where minutes are counted."
            )


def shares(
    location_id: str,
    capacities: Iterable[Capacity],
    method: str,
    zone: ZoneInfo,
    at: datetime,
    load: Load,
    *,
    is_closed_when_full: bool = False,
) -> tuple[Share, ...]:
    """What work takes of the windows of a location, in the order of their keys.

    Where it ``is_closed_when_full``, limits hold at which it otherwise only comes last.
    """
    found = []
    for one in capacities:
        if one.applies_to(method):
            window = one.window(zone, at)
            is_limited = is_closed_when_full or one.at_limit is AtLimit.LEAVE_OUT
            limit = one.limit if is_limited else None
            amount = one.amount(load)
            found.append(Share(location_id, one.capacity_id, window.start_time, amount, limit))
    return tuple(sorted(found, key=lambda share: share.key))


@dataclass(frozen=True, slots=True)
class Room:
    """What a location can still do: how many units more in one order, None for any number.

    ``fact`` names the window that is full, or has the least left. ``hard_units`` is what is left
    where limits at which it only comes last do not count. ``left`` are the names of capacities with
    what is left, for rules.
    """

    units: int | None
    hard_units: int | None = None
    fact: str = ""
    left: tuple[tuple[str, int], ...] = ()


def room(
    location_id: str,
    capacities: Iterable[Capacity],
    method: str,
    zone: ZoneInfo,
    at: datetime,
    used: Mapping[WindowKey, int],
) -> Room:
    """What is left for one more order of a method, by what is ``used`` of each window."""
    units: int | None = None
    hard: int | None = None
    fact, left_by_name = "", []
    for one in capacities:
        if not one.applies_to(method):
            continue
        window = one.window(zone, at)
        left = one.limit - used.get((location_id, one.capacity_id, window.start_time), 0)
        left_by_name.append((one.capacity_id, max(0, left)))
        most = _units_in(one, left)
        if most is None:
            continue
        if one.at_limit is AtLimit.LEAVE_OUT:
            hard = max(0, most) if hard is None else min(hard, max(0, most))
        if units is None or most < units:
            units = max(0, most)
            ends = window.end_time.astimezone(zone)
            fact = (
                f"{one.capacity_id}: {max(0, left)} of {one.limit} {one.unit.lower()} left "
                f"until {ends:%Y-%m-%d %H:%M}"
            )
    return Room(units, hard, fact, tuple(left_by_name))


def _units_in(capacity: Capacity, left: int) -> int | None:
    """How many units one order may have with so much left; None for any number."""
    if capacity.unit is CapacityUnit.ORDERS:
        return None if left > 0 else 0
    if capacity.unit is CapacityUnit.UNITS:
        return left
    left -= capacity.minutes_per_order
    if left < 0:
        return 0
    return left // capacity.minutes_per_unit if capacity.minutes_per_unit else None
