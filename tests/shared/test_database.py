import asyncio
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest
from sqlalchemy import func, insert, select, text, update
from sqlalchemy.exc import DBAPIError

from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime.call import Call, Identity, calling
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import READERS, TransactionConflict
from tests.dialects import on_postgresql
from tests.fakes import START, FakeClock
from tests.shared.things import THING, add, numbers


async def test_what_is_written_is_there_after_the_commit(things: Database) -> None:
    async def write(tx: Transaction) -> str:
        await tx.execute(insert(THING).values(number=1, words="RETRO-CLOCK"))
        return "done"

    assert await things.run(write) == "done"
    assert await numbers(things) == [1]


async def test_many_rows_are_written_by_one_statement(things: Database) -> None:
    async def write(tx: Transaction) -> None:
        await tx.execute(insert(THING), [{"number": number} for number in range(500)])

    await things.run(write)

    assert await numbers(things) == list(range(500))


async def test_an_error_rolls_everything_back(things: Database) -> None:
    called = []

    async def write(tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=1))
        tx.after_commit(lambda: called.append(1))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await things.run(write)

    assert await numbers(things) == []
    assert called == []


async def test_calls_after_the_commit_find_it_done_and_cannot_break_it(things: Database) -> None:
    seen: list[str] = []

    def fail() -> None:
        seen.append("fails")
        raise RuntimeError

    async def write(tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=1))
        tx.after_commit(fail)
        tx.after_commit(lambda: seen.append("runs"))
        assert seen == []

    await things.run(write)

    assert seen == ["fails", "runs"]
    assert await numbers(things) == [1]


async def test_a_savepoint_takes_back_its_own_rows_and_calls_only(things: Database) -> None:
    called: list[str] = []

    async def fail_inside_of_a_savepoint(tx: Transaction) -> None:
        async with tx.savepoint():
            await tx.execute(insert(THING).values(number=2))
            tx.after_commit(lambda: called.append("inner"))
            raise ValueError("inner")

    async def write(tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=1))
        tx.after_commit(lambda: called.append("outer"))
        with pytest.raises(ValueError, match="inner"):
            await fail_inside_of_a_savepoint(tx)
        async with tx.savepoint():
            await tx.execute(insert(THING).values(number=3))
            tx.after_commit(lambda: called.append("kept"))

    await things.run(write)

    assert await numbers(things) == [1, 3]
    assert called == ["outer", "kept"]


async def test_a_read_keeps_its_snapshot_while_others_commit(things: Database) -> None:
    await add(things, 1)

    async def look_twice(tx: Transaction) -> tuple[int, int]:
        count = select(func.count()).select_from(THING)
        before = (await tx.execute(count)).scalar_one()
        await asyncio.gather(writer)
        return before, (await tx.execute(count)).scalar_one()

    started = asyncio.Event()

    async def write_later() -> None:
        await started.wait()
        await add(things, 2)

    writer = asyncio.create_task(write_later())
    started.set()
    assert await things.read(look_twice) in {(1, 1), (2, 2)}
    assert await numbers(things) == [1, 2]


async def test_a_read_cannot_write(things: Database) -> None:
    async def write(tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=1))

    for look in (things.read, things.survey):
        with pytest.raises((DBAPIError, Unavailable)):
            await look(write)

    assert await numbers(things) == []


async def test_a_transaction_inside_of_a_transaction_is_refused(things: Database) -> None:
    async def outer(_: Transaction) -> None:
        await add(things, 1)

    with pytest.raises(RuntimeError, match="open in this task"):
        await things.run(outer)


async def test_a_transaction_that_has_ended_is_refused(things: Database) -> None:
    async def leak(tx: Transaction) -> Transaction:
        return tx

    leaked = await things.run(leak)

    with pytest.raises(RuntimeError, match="ended"):
        await leaked.execute(select(1))


async def test_concurrent_increments_are_not_lost(things: Database) -> None:
    await add(things, 1, "0")

    async def increment(tx: Transaction) -> None:
        row = await tx.execute(select(THING.c.words).where(THING.c.number == 1).with_for_update())
        value = int(row.scalar_one())
        await tx.execute(update(THING).values(words=str(value + 1)))

    await asyncio.gather(*(things.run(increment) for _ in range(40)))

    async def look(tx: Transaction) -> str:
        return str((await tx.execute(select(THING.c.words))).scalar_one())

    assert await things.read(look) == "40"


async def test_a_key_that_a_twin_wrote_first_is_met_by_a_second_try(things: Database) -> None:
    attempts = 0
    await add(things, 1)

    async def write(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await tx.execute(insert(THING).values(number=attempts))

    await things.run(write)

    assert attempts == 2
    assert await numbers(things) == [1, 2]


async def test_a_key_that_is_always_taken_ends_in_a_conflict(things: Database) -> None:
    attempts = 0
    await add(things, 1)

    async def write(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await tx.execute(insert(THING).values(number=1))

    with pytest.raises(TransactionConflict) as raised:
        await things.run(write)

    assert raised.value.reason == "TRANSACTION_CONFLICT"
    assert attempts == 3


async def test_no_second_try_is_made_past_the_deadline(things: Database, clock: FakeClock) -> None:
    attempts = 0
    await add(things, 1)

    async def write(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        clock.advance(1.0)
        await tx.execute(insert(THING).values(number=1))

    late = Call("/a.B/C", Identity("routing", frozenset()), START + timedelta(seconds=0.5))
    with calling(late), pytest.raises(TransactionConflict):
        await things.run(write)

    assert attempts == 1


async def test_a_broken_rule_of_the_schema_is_not_tried_again(things: Database) -> None:
    attempts = 0

    async def write(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await tx.execute(text("insert into nowhere (number) values (1)"))

    with pytest.raises(DBAPIError):
        await things.run(write)

    assert attempts == 1


async def test_times_keep_their_instant_and_their_order(things: Database) -> None:
    noon = datetime(2026, 7, 1, 12, 0, 0, 0, UTC)
    in_kathmandu = (noon + timedelta(microseconds=1)).astimezone(timezone(timedelta(hours=5.75)))
    times = [noon + timedelta(seconds=1), noon, in_kathmandu]

    async def write(tx: Transaction) -> list[datetime]:
        for number, instant in enumerate(times):
            await tx.execute(insert(THING).values(number=number, seen_time=instant))
        result = await tx.execute(
            select(THING.c.seen_time).where(THING.c.seen_time >= noon).order_by(THING.c.seen_time)
        )
        return list(result.scalars())

    found = await things.run(write)

    assert found == [noon, in_kathmandu, noon + timedelta(seconds=1)]
    assert all(instant.utcoffset() == timedelta(0) for instant in found)


async def test_a_time_without_a_zone_is_refused(things: Database) -> None:
    async def write(tx: Transaction) -> None:
        naive = datetime(2026, 7, 1)  # noqa: DTZ001 - what is refused
        await tx.execute(insert(THING).values(number=1, seen_time=naive))

    with pytest.raises(Exception, match="without a zone"):
        await things.run(write)


async def test_the_clock_of_the_database_is_aware(database: Database) -> None:
    async def look(tx: Transaction) -> tuple[datetime, datetime]:
        return await tx.now(), await tx.now()

    first, second = await database.run(look)

    assert first.utcoffset() == timedelta(0)
    assert first <= second


@on_postgresql
async def test_the_clock_of_a_server_decides_and_not_ours(
    database: Database, clock: FakeClock
) -> None:
    clock.advance(timedelta(days=3650).total_seconds())

    async def look(tx: Transaction) -> tuple[datetime, datetime]:
        asked = (await tx.execute(select(func.clock_timestamp()))).scalar_one()
        return await tx.now(), asked

    told, asked = await database.run(look)

    assert abs(told - asked) < timedelta(days=1)
    assert abs(told - clock.now()) > timedelta(days=1)


async def test_those_who_look_leave_the_connections_of_those_who_write(
    database_url: str, clock: FakeClock
) -> None:
    narrow = await Database.open(database_url, clock=clock, pool_size=1)
    everybody_looks, go_on = asyncio.Barrier(READERS + 1), asyncio.Event()

    async def look(_: Transaction) -> None:
        await everybody_looks.wait()
        await go_on.wait()

    async def write(tx: Transaction) -> int:
        return int((await tx.execute(select(1))).scalar_one())

    lookers = [asyncio.create_task(narrow.read(look)) for _ in range(READERS)]
    await everybody_looks.wait()
    try:
        assert await narrow.run(write) == 1
    finally:
        go_on.set()
        await asyncio.gather(*lookers)
        await narrow.close()


async def test_a_burst_of_writers_is_served_in_turn(things: Database) -> None:
    started = time.monotonic()

    await asyncio.gather(*(add(things, number) for number in range(100)))

    assert await numbers(things) == list(range(100))
    assert time.monotonic() - started < 20
