"""Work that fails: it waits and is tried again, or is dead with its reason, alone."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import ClassVar
from uuid import uuid4

from ordermesh.kernel.errors import Conflict, Unavailable
from ordermesh.runtime import claims
from ordermesh.runtime.database import Database
from ordermesh.runtime.failures import BACKOFF_SECONDS_MAX, DEAD_AFTER, REFUSALS_MAX
from ordermesh.runtime.work import (
    Claimed,
)
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.shared.working import (
    Refused,
    all_rows,
    attempts_of_first,
    finish,
    give,
    has_failed,
    is_empty,
    let_time_pass,
    working,
)


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
        await let_trying_pass(database, DEAD_AFTER - timedelta(hours=1))
        await eventually(lambda: attempts(database, 2))
        (row,) = await all_rows(database)
        assert row.dead_time is None
        await let_trying_pass(database, timedelta(hours=2))
        await eventually(lambda: attempts(database, 3))

    (row,) = await all_rows(database)
    assert row.dead_time is not None
    assert row.failure == "UNAVAILABLE: Notify is away."


async def let_trying_pass(database: Database, passed: timedelta) -> None:
    """As if it had been tried all the time."""
    await let_time_pass(database, passed, ("failing_since",))
    await let_time_pass(database, timedelta(minutes=1))


async def test_what_nobody_tried_for_three_days_is_not_dead_at_the_first_trouble_of_a_start(
    database: Database, clock: FakeClock
) -> None:
    async def fail(_: Sequence[Claimed]) -> None:
        raise Unavailable("Notify is away.", service="notify", retry_after=0.0)

    async with working(database, clock, fail):
        await give(database, "order-1")
        await eventually(lambda: attempts(database, 1))
    await let_time_pass(database, DEAD_AFTER + timedelta(hours=1))
    async with working(database, clock, fail):
        await eventually(lambda: attempts(database, 2))

    (row,) = await all_rows(database)
    assert row.dead_time is None


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


async def test_what_is_tried_alone_has_its_turn_while_the_queue_never_ends(
    database: Database, clock: FakeClock
) -> None:
    done: list[str] = []

    async def handle(claimed: Sequence[Claimed]) -> None:
        await finish(database, claimed)
        done.extend(one.key for one in claimed)
        if len(done) < 30:
            await give(database, f"order-{len(done)}")

    await give(database, "order-apart")
    (apart,) = await database.run(
        lambda tx: claims.claim(tx, "pack", alone=False, limit=1, lease_seconds=10.0)
    )
    await database.run(
        lambda tx: claims.set_apart(tx, [Claimed.of(apart).hold], failure="a neighbour's")
    )
    await give(database, "order-a", "order-b")
    async with working(database, clock, handle, concurrency=1):
        await eventually(lambda: len(done) >= 30)

    assert "order-apart" in done[:5]
