"""How much a location can do in a window, and what is held of it."""

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from ordermesh.kernel.clock import SystemClock
from ordermesh.routing.domain.capacity import (
    AtLimit,
    Capacity,
    CapacityHold,
    CapacityUnit,
    HoldState,
    Load,
    Share,
    check,
    room,
    shares,
)
from ordermesh.routing.domain.errors.capacity import CapacityHoldClosed
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.store.capacity import SqlCapacityStore
from ordermesh.routing.store.tables.capacity import capacity_hold, capacity_share, capacity_window
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import TransactionConflict
from tests.routing.conftest import ROUTING
from tests.routing.test_calendars import NEW_YORK, at

NOON = at("2026-11-25T12:00")
A_DAY = Capacity("day", CapacityUnit.UNITS, 10)
MORNING = Capacity("morning", CapacityUnit.ORDERS, 3, start_minute=480, end_minute=720)
WORK = Capacity("work", CapacityUnit.MINUTES, 60, minutes_per_order=10, minutes_per_unit=4)


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ([A_DAY, A_DAY], "capacities.twice"),
        ([replace(A_DAY, start_minute=600, end_minute=600)], "capacities.ascending"),
        ([replace(A_DAY, minutes_per_unit=3)], "capacities.minutes"),
        ([replace(WORK, minutes_per_unit=0, minutes_per_order=0)], "capacities.minutes"),
    ],
)
def test_capacities_that_make_no_sense_are_refused(wrong: list[Capacity], rule: str) -> None:
    with pytest.raises(FieldViolation) as refused:
        check(wrong)
    assert refused.value.rows[0]["rule"] == rule


def test_a_window_is_the_one_that_lasts_or_the_next() -> None:
    asked = ["2026-11-25T07:00", "2026-11-25T08:00", "2026-11-25T11:59", "2026-11-25T12:00"]
    starts = [MORNING.window(NEW_YORK, at(moment)).start_time for moment in asked]
    today, tomorrow = at("2026-11-25T08:00"), at("2026-11-26T08:00")
    assert starts == [today, today, today, tomorrow]
    fridays = replace(MORNING, weekdays=(4,))
    assert fridays.window(NEW_YORK, NOON).start_time == at("2026-11-27T08:00")


def test_a_window_that_the_clock_skips_is_that_of_the_week_after() -> None:
    skipped = Capacity("night", CapacityUnit.ORDERS, 1, (), (6,), 130, 170)
    assert skipped.window(NEW_YORK, at("2026-03-08T00:00")).start_time == at("2026-03-15T02:10")


def test_work_takes_orders_units_or_minutes() -> None:
    assert [one.amount(Load(2, 7)) for one in (A_DAY, MORNING, WORK)] == [7, 2, 48]
    taken = shares("S", [WORK, A_DAY], "SHIP", NEW_YORK, NOON, Load(1, 3))
    assert [(one.capacity_id, one.amount, one.limit) for one in taken] == [
        ("day", 3, 10),
        ("work", 22, 60),
    ]


def test_work_of_another_method_takes_nothing() -> None:
    pickup = replace(A_DAY, methods=("PICK_UP",))
    assert shares("S", [pickup], "SHIP", NEW_YORK, NOON, Load(1, 3)) == ()
    assert room("S", [pickup], "SHIP", NEW_YORK, NOON, {}).units is None


@pytest.mark.parametrize(
    ("capacity", "used", "units"),
    [
        (A_DAY, 0, 10),
        (A_DAY, 9, 1),
        (A_DAY, 12, 0),
        (MORNING, 2, None),
        (MORNING, 3, 0),
        (WORK, 0, 12),
        (WORK, 47, 0),
        (WORK, 55, 0),
    ],
)
def test_what_is_left_is_told_in_units_of_one_more_order(
    capacity: Capacity, used: int, units: int | None
) -> None:
    moment = at("2026-11-25T09:00")
    start = capacity.window(NEW_YORK, moment).start_time
    left = room(
        "S", [capacity], "SHIP", NEW_YORK, moment, {("S", capacity.capacity_id, start): used}
    )
    assert left.units == units


def test_the_fact_names_the_window_that_has_the_least_left() -> None:
    moment = at("2026-11-25T09:00")
    start = A_DAY.window(NEW_YORK, moment).start_time
    left = room("S", [A_DAY, WORK], "SHIP", NEW_YORK, moment, {("S", "day", start): 10})
    assert left.fact == "day: 0 of 10 units left until 2026-11-26 00:00"
    assert dict(left.left) == {"day": 0, "work": 60}


def test_a_limit_that_ranks_last_is_told_apart_from_one_that_leaves_out() -> None:
    soft = replace(A_DAY, at_limit=AtLimit.RANK_LAST)
    start = soft.window(NEW_YORK, NOON).start_time
    left = room("S", [soft], "SHIP", NEW_YORK, NOON, {("S", "day", start): 10})
    assert (left.units, left.hard_units) == (0, None)
    both = room("S", [soft, WORK], "SHIP", NEW_YORK, NOON, {("S", "day", start): 10})
    assert (both.units, both.hard_units) == (0, 12)
    assert shares("S", [soft], "SHIP", NEW_YORK, NOON, Load(1, 1))[0].limit is None


def held(**fields: object) -> CapacityHold:
    hold = CapacityHold(UUID(int=1), "S", (), "edge", NOON, NOON + timedelta(minutes=15))
    return replace(hold, **fields)  # type: ignore[arg-type]


def test_a_hold_that_is_not_confirmed_in_time_has_expired() -> None:
    assert held().confirmed(NOON).expire_time is None
    late = NOON + timedelta(minutes=15)
    assert held().seen_at(late).state is HoldState.EXPIRED
    with pytest.raises(CapacityHoldClosed):
        held().confirmed(late)


def test_confirming_and_releasing_twice_changes_nothing() -> None:
    confirmed = held().confirmed(NOON)
    assert confirmed.confirmed(NOON + timedelta(days=1)) == confirmed
    released = confirmed.released(NOON)
    assert released.released(NOON) == released
    with pytest.raises(CapacityHoldClosed):
        released.confirmed(NOON)
    assert held().released(NOON + timedelta(hours=1)).state is HoldState.EXPIRED


@pytest.fixture
async def database(migrated_url: Callable[[str], str]) -> AsyncIterator[Database]:
    opened = await Database.open(migrated_url(ROUTING), clock=SystemClock())
    yield opened
    await opened.close()


STORE = SqlCapacityStore()
DAY = datetime(2026, 11, 25, 5, tzinfo=UTC)
LIMITS = {"a": 5, "b": 7, "c": 3}


def share(name: str, amount: int, limit: int | None = None) -> Share:
    return Share("S", name, DAY, amount, LIMITS[name] if limit is None else limit)


async def take(database: Database, number: int, *wanted: Share, lasts: float | None = None) -> bool:
    """Hold so much of windows for so many seconds; whether it was there."""

    async def run(tx: Transaction) -> bool:
        now = await tx.now()
        expires = None if lasts is None else now + timedelta(seconds=lasts)
        hold = CapacityHold(UUID(int=number), "S", wanted, "edge", now, expires)
        return not await STORE.hold(tx, hold, now)

    return await patiently(lambda: database.run(run))


async def patiently(attempt: Callable[[], asyncio.Future[bool] | object]) -> bool:
    """Try again when others were in the way each time: that is what a caller does."""
    for _ in range(20):
        try:
            return bool(await attempt())  # type: ignore[misc]
        except TransactionConflict:
            continue
    raise AssertionError("others are always in the way")


async def close(database: Database, number: int, *, confirm: bool) -> bool:
    """Confirm or release a hold; whether it still counted."""

    async def run(tx: Transaction) -> bool:
        known = await STORE.lock(tx, UUID(int=number))
        if known is None or not known.counts:
            return False
        now = await tx.now()
        after = known.confirmed(now) if confirm else known.released(now)
        if after != known:
            await STORE.change(tx, known, after)
        return True

    return await patiently(lambda: database.run(run))


async def used(database: Database) -> dict[str, int]:
    async def read(tx: Transaction) -> dict[str, int]:
        taken = await STORE.used(tx, [DAY], await tx.now())
        return {name: units for (_, name, _), units in taken.items() if units}

    return await database.read(read)


async def test_a_hold_takes_of_all_of_its_windows_or_of_none(database: Database) -> None:
    assert await take(database, 1, share("a", 4), share("c", 3))
    assert not await take(database, 2, share("a", 1), share("b", 1), share("c", 1))
    assert await used(database) == {"a": 4, "c": 3}


async def test_what_is_short_says_what_is_left(database: Database) -> None:
    await take(database, 1, share("a", 4))

    async def run(tx: Transaction) -> tuple[Share, ...]:
        now = await tx.now()
        wanted = (share("a", 2), share("b", 9), share("c", 1))
        return await STORE.hold(tx, CapacityHold(UUID(int=2), "S", wanted, "edge", now), now)

    short = await database.run(run)
    assert [(one.capacity_id, one.amount, one.limit) for one in short] == [("a", 2, 1), ("b", 9, 7)]


async def test_a_limit_that_ranks_last_is_exceeded(database: Database) -> None:
    soft = Share("S", "a", DAY, 9, None)
    assert await take(database, 1, soft)
    assert await take(database, 2, soft)
    assert await used(database) == {"a": 18}


async def test_a_hold_that_is_overdue_stops_counting_at_once_and_is_given_back_once(
    database: Database,
) -> None:
    assert await take(database, 1, share("a", 5), share("b", 5), lasts=1.0)
    assert not await take(database, 2, share("a", 1))
    await asyncio.sleep(1.05)
    assert await used(database) == {}
    assert await take(database, 3, share("a", 5))
    assert await used(database) == {"a": 5}
    assert not await close(database, 1, confirm=True)
    assert not await close(database, 1, confirm=False)
    assert await used(database) == {"a": 5}
    assert await take(database, 4, share("b", 7))
    assert await used(database) == {"a": 5, "b": 7}


async def test_a_confirmed_hold_never_expires(database: Database) -> None:
    await take(database, 1, share("a", 5), lasts=1.0)
    assert await close(database, 1, confirm=True)
    await asyncio.sleep(1.05)
    assert not await take(database, 2, share("a", 1))
    assert await close(database, 1, confirm=False)
    assert await take(database, 3, share("a", 5))


@pytest.mark.parametrize("seed", range(3))
async def test_however_many_hold_at_once_no_window_is_overbooked_and_nothing_leaks(
    database: Database, seed: int
) -> None:
    draw = random.Random(seed)
    plans = []
    for number in range(1, 61):
        names = draw.sample(sorted(LIMITS), draw.randint(1, 3))
        wanted = [share(name, draw.randint(1, 3)) for name in names]
        end = draw.choice(["release", "confirm", "confirm and release", "expire", "keep"])
        plans.append((number, wanted, end, draw.random() * 0.02))
    most = dict.fromkeys(LIMITS, 0)
    kept: dict[str, int] = dict.fromkeys(LIMITS, 0)

    async def watch() -> None:
        while True:
            for name, units in (await used(database)).items():
                most[name] = max(most[name], units)
            await asyncio.sleep(0.002)

    async def live(number: int, wanted: list[Share], end: str, pause: float) -> bool:
        await asyncio.sleep(pause)
        lasts = 0.01 if end == "expire" else 600
        if not await take(database, number, *wanted, lasts=lasts):
            return False
        await asyncio.sleep(pause)
        if "confirm" in end or end == "keep":
            assert await close(database, number, confirm=True)
        if "release" in end:
            assert await close(database, number, confirm=False)
        elif end in ("confirm", "keep"):
            for one in wanted:
                kept[one.capacity_id] += one.amount
        return True

    watcher = asyncio.create_task(watch())
    won = await asyncio.gather(*(live(*plan) for plan in plans))
    watcher.cancel()
    await asyncio.sleep(0.02)

    assert any(won)
    assert not all(won)
    assert all(most[name] <= limit for name, limit in LIMITS.items())
    assert await used(database) == {name: units for name, units in kept.items() if units}
    for number, *_ in plans:
        await close(database, number, confirm=False)
    assert await used(database) == {}
    assert all(
        [
            await take(database, 1000 + n, share(name, most))
            for n, (name, most) in enumerate(LIMITS.items())
        ]
    )


async def test_what_is_long_past_is_forgotten_with_its_windows(database: Database) -> None:
    await take(database, 1, share("a", 2))
    await close(database, 1, confirm=True)
    later = datetime.now(UTC) + timedelta(days=30)
    while await database.run(lambda tx: STORE.prune(tx, later)):
        pass

    async def count(tx: Transaction) -> list[int]:
        tables = (capacity_hold, capacity_share, capacity_window)
        return [
            (await tx.execute(select(func.count()).select_from(table))).scalar_one()
            for table in tables
        ]

    assert await database.read(count) == [0, 0, 0]
