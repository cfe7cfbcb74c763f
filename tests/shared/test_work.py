import asyncio
import dataclasses
import random
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from uuid import uuid4

import pytest
from sqlalchemy import text

from ordermesh.runtime import claims
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.failures import REFUSALS_MAX
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
from tests.shared.working import (
    Handler,
    Refused,
    all_rows,
    attempts_of_first,
    claim_one,
    finish,
    give,
    has_failed,
    is_empty,
    let_time_pass,
    working,
)


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
