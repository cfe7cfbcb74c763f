import asyncio
import dataclasses
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar
from uuid import uuid4

import pytest
from opentelemetry import trace
from sqlalchemy import Row, select, text, update

from ordermesh.kernel.errors import Conflict, RuleViolated, Unavailable
from ordermesh.runtime import claims
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.failures import BACKOFF_SECONDS_MAX, DEAD_AFTER, REFUSALS_MAX
from ordermesh.runtime.tables import work as rows
from ordermesh.runtime.work import (
    Claimed,
    Fenced,
    Worker,
    WorkKind,
    enqueue,
    finish_all,
)
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.spans import Spans

Handler = Callable[[Sequence[Claimed]], Awaitable[None]]


class Refused(RuleViolated):
    reason: ClassVar[str] = "REFUSED"


@asynccontextmanager
async def working(
    database: Database, clock: FakeClock, handle: Handler, **options: Any
) -> AsyncIterator[Worker]:
    worker = Worker(database, clock, {"pack": WorkKind(handle, **options)}, random=random.Random(7))
    task = asyncio.create_task(worker.run())
    try:
        yield worker
    finally:
        await worker.stop()
        await task


async def give(database: Database, *keys: str, payload: bytes = b"", **more: Any) -> None:
    async def write(tx: Transaction) -> None:
        for key in keys:
            await enqueue(tx, kind="pack", key=key, payload=payload, **more)

    await database.run(write)


async def finish(database: Database, claimed: Sequence[Claimed]) -> None:
    async def end(tx: Transaction) -> None:
        for one in claimed:
            await one.finish(tx)

    await database.run(end)


async def all_rows(database: Database) -> list[Row[Any]]:
    async def look(tx: Transaction) -> list[Row[Any]]:
        return list(await tx.execute(select(rows).order_by(rows.c.number)))

    return await database.read(look)


async def is_empty(database: Database) -> bool:
    return not await all_rows(database)


async def let_time_pass(database: Database, passed: timedelta) -> None:
    """Make all rows so much older, because the clock of PostgreSQL cannot be told the time."""

    async def age(tx: Transaction) -> None:
        for row in await tx.execute(select(rows)):
            older = {
                name: getattr(row, name) - passed
                for name in ("due_time", "lease_until", "failing_since")
                if getattr(row, name) is not None
            }
            await tx.execute(update(rows).where(rows.c.number == row.number).values(older))

    await database.run(age)
    database.doorbells.ring(claims.DOORBELL)


async def claim_one(database: Database, lease_seconds: float = 10.0) -> Claimed | None:
    found = await database.run(
        lambda tx: claims.claim(tx, "pack", alone=False, limit=1, lease_seconds=lease_seconds)
    )
    return Claimed.of(found[0]) if found else None


async def test_a_row_is_handled_once_and_is_gone(database: Database, clock: FakeClock) -> None:
    handled: list[Claimed] = []

    async def handle(claimed: Sequence[Claimed]) -> None:
        handled.extend(claimed)
        await finish(database, claimed)

    async with working(database, clock, handle):
        await give(database, "order-1", payload=b"words")
        await eventually(lambda: is_empty(database))

    (one,) = handled
    assert (one.kind, one.key, one.payload, one.attempt, one.fence) == (
        "pack", "order-1", b"words", 1, 1,
    )  # fmt: skip


async def test_rows_that_were_there_before_the_worker_are_found(
    database: Database, clock: FakeClock
) -> None:
    await give(database, "order-1", "order-2")

    async with working(database, clock, lambda claimed: finish(database, claimed)):
        await eventually(lambda: is_empty(database))


async def test_without_a_doorbell_the_worker_looks_by_itself(
    database: Database, clock: FakeClock
) -> None:
    async with working(database, clock, lambda claimed: finish(database, claimed)):
        await eventually(lambda: clock.sleepers == 1)

        async def write_as_another_process_does(tx: Transaction) -> None:
            await enqueue(tx, kind="pack", key="order-1")
            tx.after_commit(lambda: None)

        database.doorbells.mute()
        await database.run(write_as_another_process_does)
        assert len(await all_rows(database)) == 1
        clock.advance(1.0)
        await eventually(lambda: is_empty(database))


async def test_a_rollback_takes_the_row_back(database: Database) -> None:
    async def write(tx: Transaction) -> None:
        await enqueue(tx, kind="pack", key="order-1")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.run(write)

    assert await is_empty(database)


async def test_the_same_work_id_twice_is_one_row(database: Database) -> None:
    work_id = uuid4()

    await give(database, "order-1", payload=b"first", work_id=work_id)
    await give(database, "order-1", payload=b"second", work_id=work_id)

    (row,) = await all_rows(database)
    assert (row.work_id, row.payload) == (work_id, b"first")


async def test_work_of_one_key_is_done_in_order_and_one_at_a_time(
    database: Database, clock: FakeClock
) -> None:
    done: list[bytes] = []
    running: Counter[str] = Counter()

    async def handle(claimed: Sequence[Claimed]) -> None:
        (one,) = claimed
        running[one.key] += 1
        assert running[one.key] == 1
        await asyncio.sleep(0.001)
        await finish(database, claimed)
        done.append(one.payload)
        running[one.key] -= 1

    async def write(tx: Transaction) -> None:
        for number in range(10):
            for key in ("order-1", "order-2", "order-3"):
                await enqueue(tx, kind="pack", key=key, payload=f"{key} {number}".encode())

    async with working(database, clock, handle):
        await database.run(write)
        await eventually(lambda: is_empty(database))

    for key in (b"order-1", b"order-2", b"order-3"):
        of_key = [payload for payload in done if payload.startswith(key)]
        assert of_key == [key + f" {number}".encode() for number in range(10)]


async def test_a_row_that_is_due_later_holds_back_the_younger_of_its_key(
    database: Database, clock: FakeClock
) -> None:
    done: list[bytes] = []

    async def handle(claimed: Sequence[Claimed]) -> None:
        done.extend(one.payload for one in claimed)
        await finish(database, claimed)

    async def write(tx: Transaction) -> None:
        later = await tx.now() + timedelta(hours=1)
        await enqueue(tx, kind="pack", key="order-1", payload=b"first", due_time=later)
        await enqueue(tx, kind="pack", key="order-1", payload=b"second")
        await enqueue(tx, kind="pack", key="order-2", payload=b"other")

    async with working(database, clock, handle):
        await database.run(write)
        await eventually(lambda: done == [b"other"])
        await let_time_pass(database, timedelta(hours=2))
        await eventually(lambda: is_empty(database))

    assert done == [b"other", b"first", b"second"]


async def test_two_workers_never_hold_one_row_or_one_key(
    database: Database, database_url: str, clock: FakeClock
) -> None:
    """On PostgreSQL they are two processes' worth of connections; SQLite has but one process."""
    second = database
    if database.dialect == "postgresql":
        second = await Database.open(database_url, clock=clock)
    held: Counter[str] = Counter()
    effects: Counter[bytes] = Counter()

    def handler(own: Database) -> Handler:
        async def handle(claimed: Sequence[Claimed]) -> None:
            for one in claimed:
                held[one.key] += 1
                assert held[one.key] == 1
            await asyncio.sleep(0)
            await finish(own, claimed)
            for one in claimed:
                effects[one.payload] += 1
                held[one.key] -= 1

        return handle

    async def write(tx: Transaction) -> None:
        for number in range(120):
            await enqueue(tx, kind="pack", key=f"order-{number % 30}", payload=b"%d" % number)

    await database.run(write)
    async with (
        working(database, clock, handler(database), batch=7),
        working(second, clock, handler(second), batch=5),
    ):
        await eventually(lambda: is_empty(database))
    if second is not database:
        await second.close()

    assert effects == Counter({b"%d" % number: 1 for number in range(120)})


async def test_rows_under_a_lease_are_not_claimed_again(database: Database) -> None:
    await give(database, "order-1")

    assert await claim_one(database) is not None
    assert await claim_one(database) is None


async def test_when_the_lease_ends_the_next_has_a_higher_fence_and_the_first_is_fenced_off(
    database: Database, clock: FakeClock
) -> None:
    await give(database, "order-1")
    slept = await claim_one(database)
    assert slept is not None
    await let_time_pass(database, timedelta(seconds=11))
    other = await claim_one(database)
    assert other is not None
    assert (other.fence, other.attempt) == (slept.fence + 1, 2)

    async def effect(tx: Transaction) -> None:
        await tx.execute(text("delete from leader"))
        await slept.finish(tx)

    with pytest.raises(Fenced):
        await database.run(effect)

    async def look(tx: Transaction) -> int:
        return int((await tx.execute(text("select count(*) from leader"))).scalar_one())

    assert await database.read(look) == 1
    assert not slept.is_settled
    with pytest.raises(Fenced):
        await database.run(lambda tx: slept.reschedule(tx, due_time=clock.now()))
    await finish(database, [other])
    assert other.is_settled
    assert await is_empty(database)


async def test_a_crash_between_effect_and_finish_has_one_effect(
    database: Database, clock: FakeClock
) -> None:
    crashes = 1

    async def handle(claimed: Sequence[Claimed]) -> None:
        async def effect(tx: Transaction) -> None:
            nonlocal crashes
            await tx.execute(text("update leader set fence = fence + 1"))
            if crashes:
                crashes -= 1
                raise RuntimeError("a crash")
            await claimed[0].finish(tx)

        await database.run(effect)

    async with working(database, clock, handle):
        await give(database, "order-1")
        await eventually(lambda: crashes == 0)
        await eventually(lambda: has_failed(database))
        await let_time_pass(database, timedelta(minutes=1))
        await eventually(lambda: is_empty(database))

    async def look(tx: Transaction) -> int:
        return int((await tx.execute(text("select fence from leader"))).scalar_one())

    assert await database.read(look) == 1


async def has_failed(database: Database) -> bool:
    return any(row.failure is not None for row in await all_rows(database))


async def test_a_handler_that_leaves_its_row_open_is_an_error(
    database: Database, clock: FakeClock
) -> None:
    calls = 0

    async def forget(_: Sequence[Claimed]) -> None:
        nonlocal calls
        calls += 1

    async with working(database, clock, forget):
        await give(database, "order-1")
        await eventually(lambda: has_failed(database))

    (row,) = await all_rows(database)
    assert row.failure == "Unfinished"
    assert row.lease_until is None
    assert calls == row.attempt


async def test_what_is_transient_waits_longer_each_time_but_never_too_long(
    database: Database, clock: FakeClock
) -> None:
    waits: list[float] = []

    async def fail(_: Sequence[Claimed]) -> None:
        raise Unavailable("Notify is away.", service="notify", retry_after=0.25)

    async with working(database, clock, fail):
        await give(database, "order-1")
        for attempt in range(1, 14):
            await eventually(partial(attempts, database, attempt))
            (row,) = await all_rows(database)
            waits.append((row.due_time - row.failing_since).total_seconds())
            assert row.failure == "UNAVAILABLE: Notify is away."
            await let_time_pass(database, timedelta(minutes=16))

    assert all(wait >= 0.25 for wait in waits)
    assert max(waits) > 60.0
    assert max(waits) <= BACKOFF_SECONDS_MAX + 13 * 16 * 60


async def attempts(database: Database, count: int) -> bool:
    (row,) = await all_rows(database)
    return bool(row.attempt >= count and row.lease_until is None)


async def test_what_fails_for_three_days_is_dead_with_its_reason(
    database: Database, clock: FakeClock
) -> None:
    async def fail(_: Sequence[Claimed]) -> None:
        raise Unavailable("Notify is away.", service="notify", retry_after=0.0)

    async with working(database, clock, fail):
        await give(database, "order-1")
        await eventually(lambda: attempts(database, 1))
        await let_time_pass(database, DEAD_AFTER - timedelta(hours=1))
        await eventually(lambda: attempts(database, 2))
        (row,) = await all_rows(database)
        assert row.dead_time is None
        await let_time_pass(database, timedelta(hours=2))
        await eventually(lambda: attempts(database, 3))

    (row,) = await all_rows(database)
    assert row.dead_time is not None
    assert row.failure == "UNAVAILABLE: Notify is away."


async def test_a_refusal_is_dead_after_three_attempts_and_blocks_only_its_key(
    database: Database, clock: FakeClock
) -> None:
    calls = 0
    done: list[str] = []

    async def handle(claimed: Sequence[Claimed]) -> None:
        nonlocal calls
        if claimed[0].key == "order-bad":
            calls += 1
            raise Refused("It is sold out.")
        await finish(database, claimed)
        done.append(claimed[0].key)

    async with working(database, clock, handle):
        await give(database, "order-bad", "order-bad", "order-good")
        for attempt in range(1, REFUSALS_MAX + 1):
            await eventually(partial(attempts_of_first, database, attempt))
            await let_time_pass(database, timedelta(minutes=1))
        await give(database, "order-good")
        await eventually(lambda: done == ["order-good", "order-good"])
        clock.advance(1.0)

        dead, blocked = await all_rows(database)
        assert calls == REFUSALS_MAX
        assert dead.dead_time is not None
        assert dead.failure == "REFUSED: It is sold out."
        assert (blocked.attempt, blocked.dead_time) == (0, None)


async def attempts_of_first(database: Database, count: int) -> bool:
    row = (await all_rows(database))[0]
    return bool(row.attempt >= count and row.lease_until is None)


async def test_a_dead_row_that_is_revived_keeps_its_id_and_frees_its_key(
    database: Database, clock: FakeClock
) -> None:
    is_broken = True
    done: list[bytes] = []

    async def handle(claimed: Sequence[Claimed]) -> None:
        if is_broken:
            raise Refused("It is sold out.")
        done.extend(one.payload for one in claimed)
        await finish(database, claimed)

    work_id = uuid4()
    async with working(database, clock, handle):
        await give(database, "order-1", payload=b"first", work_id=work_id)
        await give(database, "order-1", payload=b"second")
        for attempt in range(1, REFUSALS_MAX + 1):
            await eventually(partial(attempts_of_first, database, attempt))
            await let_time_pass(database, timedelta(minutes=1))
        is_broken = False
        assert (await all_rows(database))[0].work_id == work_id

        assert await database.run(lambda tx: claims.revive(tx, kind="pack", key="order-2")) == 0
        assert await database.run(lambda tx: claims.revive(tx, kind="pack")) == 1
        await eventually(lambda: is_empty(database))

    assert done == [b"first", b"second"]


async def test_rows_that_wait_after_a_failure_can_be_hastened_and_no_others(
    database: Database, clock: FakeClock
) -> None:
    is_away = True
    done: list[str] = []

    async def handle(claimed: Sequence[Claimed]) -> None:
        if is_away:
            raise Unavailable("The press is away.", service="press", retry_after=3_600.0)
        done.extend(one.key for one in claimed)
        await finish(database, claimed)

    await give(database, "order-1")
    await give(database, "order-2", due_time=datetime(2999, 1, 1, tzinfo=UTC))
    async with working(database, clock, handle):
        await eventually(partial(attempts_of_first, database, 1))
        is_away = False

        assert await database.run(lambda tx: claims.hasten(tx, kind="ship")) == 0
        assert await database.run(lambda tx: claims.hasten(tx, kind="pack")) == 1
        await eventually(lambda: len(done) == 1)

    assert done == ["order-1"]
    assert [row.key for row in await all_rows(database)] == ["order-2"]


class Press:
    """Prints, or is away; ``tried`` are the keys that it was asked for."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.is_away = True
        self.is_bad = frozenset[str]()
        self.tried: list[str] = []

    async def __call__(self, claimed: Sequence[Claimed]) -> None:
        self.tried += [one.key for one in claimed]
        if self.is_away or any(one.key in self.is_bad for one in claimed):
            raise Unavailable("The press is away.", service="press", retry_after=3_600.0)
        await finish(self._database, claimed)


async def test_when_one_gets_through_to_a_peer_that_was_away_the_others_wait_no_longer(
    database: Database, clock: FakeClock
) -> None:
    press = Press(database)
    await give(database, "order-1", "order-2")
    async with working(database, clock, press, needs_a_peer=True):
        await eventually(partial(have_failed, database, 2))
        press.is_away = False
        await give(database, "order-3")

        await eventually(lambda: is_empty(database))

    assert sorted(press.tried) == ["order-1", "order-1", "order-2", "order-2", "order-3"]


async def test_without_a_peer_in_common_who_gets_through_hastens_nobody(
    database: Database, clock: FakeClock
) -> None:
    press = Press(database)
    await give(database, "order-1")
    async with working(database, clock, press):
        await eventually(partial(have_failed, database, 1))
        press.is_away = False
        await give(database, "order-2")

        await eventually(lambda: "order-2" in press.tried)

    assert press.tried == ["order-1", "order-2"]


async def test_a_peer_that_answers_others_is_not_hurried_with_what_it_does_not_answer(
    database: Database, clock: FakeClock
) -> None:
    press = Press(database)
    press.is_away, press.is_bad = False, frozenset({"order-bad"})
    async with working(database, clock, press, needs_a_peer=True):
        await give(database, "order-1")
        await eventually(lambda: is_empty(database))
        await give(database, "order-bad")
        await eventually(partial(have_failed, database, 1))

        await give(database, "order-2")
        await eventually(lambda: "order-2" in press.tried)
        await give(database, "order-3")
        await eventually(lambda: "order-3" in press.tried)

    assert press.tried == ["order-1", "order-bad", "order-2", "order-3"]


async def have_failed(database: Database, count: int) -> bool:
    found = await all_rows(database)
    return sum(row.failing_since is not None for row in found) == count


async def test_a_batch_that_fails_is_tried_one_by_one_so_that_only_the_bad_row_suffers(
    database: Database, clock: FakeClock
) -> None:
    sizes: list[int] = []

    async def handle(claimed: Sequence[Claimed]) -> None:
        sizes.append(len(claimed))
        if any(one.key == "order-bad" for one in claimed):
            raise Refused("One of them is bad.")
        await finish(database, claimed)

    await give(database, "order-1", "order-2", "order-bad", "order-3")
    async with working(database, clock, handle, batch=100):
        await eventually(lambda: only_bad_is_left(database))

    assert sizes[:5] == [4, 1, 1, 1, 1]
    (row,) = await all_rows(database)
    assert row.refusals == row.attempt


async def only_bad_is_left(database: Database) -> bool:
    left = await all_rows(database)
    return [row.key for row in left] == ["order-bad"] and left[0].refusals >= 1


async def test_a_batch_that_meets_a_passing_trouble_stays_a_batch(
    database: Database, clock: FakeClock
) -> None:
    sizes: list[int] = []

    async def handle(claimed: Sequence[Claimed]) -> None:
        sizes.append(len(claimed))
        if len(sizes) == 1:
            raise Unavailable("Notify is away.", service="notify", retry_after=0.0)
        await finish(database, claimed)

    await give(database, "order-1", "order-2", "order-3")
    async with working(database, clock, handle, batch=100):
        await eventually(lambda: has_failed(database))
        assert not any(row.alone for row in await all_rows(database))
        await let_time_pass(database, timedelta(minutes=1))
        await eventually(lambda: is_empty(database))

    assert sizes[0] == 3
    assert sum(sizes) == 6


async def test_a_batch_never_holds_two_rows_of_a_key(database: Database) -> None:
    await give(database, "order-1", "order-1", "order-2", "order-2", "order-3")

    found = await database.run(
        lambda tx: claims.claim(tx, "pack", alone=False, limit=256, lease_seconds=10.0)
    )

    assert [row.key for row in found] == ["order-1", "order-2", "order-3"]


async def test_a_saga_hands_over_to_its_next_step(database: Database, clock: FakeClock) -> None:
    steps: list[tuple[bytes, int]] = []

    async def handle(claimed: Sequence[Claimed]) -> None:
        (one,) = claimed
        steps.append((one.payload, one.attempt))

        async def step(tx: Transaction) -> None:
            if one.payload == b"confirm":
                await one.finish(tx)
            else:
                await one.reschedule(tx, due_time=await tx.now(), payload=b"confirm")

        await database.run(step)

    async with working(database, clock, handle):
        await give(database, "order-1", payload=b"reserve")
        await eventually(lambda: is_empty(database))

    assert steps == [(b"reserve", 1), (b"confirm", 1)]


async def test_a_handler_that_outlives_its_lease_is_cancelled_and_tried_again(
    database: Database, clock: FakeClock
) -> None:
    calls = 0

    async def handle(claimed: Sequence[Claimed]) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            await asyncio.Event().wait()
        await finish(database, claimed)

    async with working(database, clock, handle, lease_seconds=3.0):
        await give(database, "order-1")
        await eventually(lambda: calls == 1)
        clock.advance(3.0)
        await eventually(lambda: has_failed(database))
        (row,) = await all_rows(database)
        assert row.failure == "TimeoutError"
        await let_time_pass(database, timedelta(minutes=1))
        await eventually(lambda: is_empty(database))

    assert calls == 2


async def test_stopping_waits_for_what_runs_and_claims_nothing_more(
    database: Database, clock: FakeClock
) -> None:
    started, go_on = asyncio.Event(), asyncio.Event()

    async def handle(claimed: Sequence[Claimed]) -> None:
        started.set()
        await go_on.wait()
        await finish(database, claimed)

    worker = Worker(database, clock, {"pack": WorkKind(handle)}, random=random.Random(7))
    running = asyncio.create_task(worker.run())
    await give(database, "order-1", "order-1")
    await started.wait()
    stopping = asyncio.create_task(worker.stop())
    await asyncio.sleep(0.01)
    assert not stopping.done()
    go_on.set()
    await stopping
    await running

    (row,) = await all_rows(database)
    assert (row.attempt, row.lease_until) == (0, None)


async def test_a_worker_that_is_cancelled_gives_its_leases_back(
    database: Database, clock: FakeClock
) -> None:
    started = asyncio.Event()

    async def hang(_: Sequence[Claimed]) -> None:
        started.set()
        await asyncio.Event().wait()

    worker = Worker(database, clock, {"pack": WorkKind(hang)}, random=random.Random(7))
    running = asyncio.create_task(worker.run())
    await give(database, "order-1")
    await started.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    (row,) = await all_rows(database)
    assert (row.attempt, row.lease_until, row.failure, row.fence) == (0, None, None, 1)


async def test_as_many_run_at_once_as_allowed(database: Database, clock: FakeClock) -> None:
    running, most = 0, 0
    go_on = asyncio.Event()

    async def handle(claimed: Sequence[Claimed]) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await go_on.wait()
        await finish(database, claimed)
        running -= 1

    await give(database, *(f"order-{number}" for number in range(10)))
    async with working(database, clock, handle, concurrency=3):
        await eventually(lambda: running == 3)
        clock.advance(1.0)
        await asyncio.sleep(0.02)
        assert running == 3
        go_on.set()
        await eventually(lambda: is_empty(database))

    assert most == 3


async def test_the_backlog_says_what_waits_and_what_is_dead(
    database: Database, clock: FakeClock
) -> None:
    async def refuse(_: Sequence[Claimed]) -> None:
        raise Refused("It is sold out.")

    assert await database.read(claims.backlog) == []
    async with working(database, clock, refuse):
        await give(database, "order-1", "order-1")
        for attempt in range(1, REFUSALS_MAX + 1):
            await eventually(partial(attempts_of_first, database, attempt))
            await let_time_pass(database, timedelta(minutes=1))

    (pack,) = await database.read(claims.backlog)
    _, waiting = await all_rows(database)
    assert (pack.kind, pack.waiting, pack.dead) == ("pack", 1, 1)
    assert pack.oldest_due_time == waiting.due_time


async def test_a_conflict_of_one_worker_does_not_end_its_loop(
    database: Database, clock: FakeClock
) -> None:
    calls = 0

    class Somebody(Conflict):
        reason: ClassVar[str] = "SOMEBODY_WAS_FIRST"

    async def handle(claimed: Sequence[Claimed]) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise Somebody("Somebody was first.")
        await finish(database, claimed)

    async with working(database, clock, handle):
        await give(database, "order-1")
        await eventually(lambda: has_failed(database))
        await let_time_pass(database, timedelta(minutes=1))
        await eventually(lambda: is_empty(database))


async def test_a_row_is_handled_in_the_trace_of_whoever_enqueued_it(
    database: Database, clock: FakeClock, spans: Spans
) -> None:
    async def handle(claimed: Sequence[Claimed]) -> None:
        await finish(database, claimed)

    with trace.get_tracer("tests").start_as_current_span("submit") as submit:
        await give(database, "order-1")
    async with working(database, clock, handle):
        await eventually(lambda: is_empty(database))

    (work,) = spans.named("work pack")
    assert work.parent is not None
    assert work.parent.span_id == submit.get_span_context().span_id
    assert work.context.trace_id == submit.get_span_context().trace_id
    assert work.links == ()
    assert dict(work.attributes or {}) == {
        "ordermesh.work.kind": "pack",
        "ordermesh.work.rows": 1,
        "ordermesh.work.attempt": 1,
    }


async def test_a_batch_has_a_trace_of_its_own_with_links_to_all(
    database: Database, clock: FakeClock, spans: Spans
) -> None:
    causes = set()
    for number in range(3):
        with trace.get_tracer("tests").start_as_current_span("submit") as submit:
            causes.add(submit.get_span_context().span_id)
            await give(database, f"order-{number}")
    async with working(database, clock, lambda found: finish(database, found), batch=100):
        await eventually(lambda: is_empty(database))

    (work,) = spans.named("work pack")
    assert work.parent is None
    assert {link.context.span_id for link in work.links} == causes


async def test_a_failure_is_marked_on_the_span_without_its_words(
    database: Database, clock: FakeClock, spans: Spans
) -> None:
    async def fail(_: Sequence[Claimed]) -> None:
        raise KeyError("somebody@example.com")

    async with working(database, clock, fail):
        await give(database, "order-1")
        await eventually(lambda: has_failed(database))

    (work,) = spans.named("work pack")
    assert work.status.status_code is trace.StatusCode.ERROR
    assert "example.com" not in work.to_json()
    (row,) = await all_rows(database)
    assert row.failure == "KeyError"


async def test_many_rows_are_finished_together_or_not_at_all(database: Database) -> None:
    await give(database, "order-1", "order-2", "order-3")
    found = await database.run(
        lambda tx: claims.claim(tx, "pack", alone=False, limit=9, lease_seconds=10.0)
    )
    claimed = [Claimed.of(row) for row in found]
    stranger = dataclasses.replace(claimed[2], fence=claimed[2].fence - 1)

    with pytest.raises(Fenced):
        await database.run(lambda tx: finish_all(tx, [claimed[0], claimed[1], stranger]))
    assert len(await all_rows(database)) == 3

    await database.run(lambda tx: finish_all(tx, claimed))
    assert await is_empty(database)
