"""What a caller hears of a database that fails, waits or is away, and that nothing is half-done."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, insert, select, text, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import PostgresTimeouts, TookTooLong, TransactionConflict
from tests.dialects import on_postgresql
from tests.fakes import FakeClock
from tests.shared.things import THING, add, numbers


async def test_a_commit_that_fails_is_told_and_followed_by_nothing(things: Database) -> None:
    called = []
    follower = Table(
        "follower",
        MetaData(),
        Column("number", Integer, primary_key=True),
        Column("thing", Integer),
    )
    deferred = "REFERENCES thing (number) DEFERRABLE INITIALLY DEFERRED"

    async def write(tx: Transaction) -> None:
        await tx.execute(text(f"CREATE TABLE follower (number integer, thing integer {deferred})"))
        await tx.execute(insert(follower).values(number=1, thing=404))
        tx.after_commit(lambda: called.append(1))

    # What is deferred is looked at by the commit, and not before.
    with pytest.raises(DBAPIError):
        await things.run(write)

    assert called == []
    with pytest.raises(DBAPIError):
        await things.read(lambda tx: tx.execute(select(follower)))


async def test_closing_waits_for_what_is_under_way(database_url: str, clock: FakeClock) -> None:
    database = await Database.open(database_url, clock=clock)
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def write(tx: Transaction) -> None:
        inside.set()
        await go_on.wait()
        await tx.execute(CreateTable(THING))

    running = asyncio.create_task(database.run(write))
    await inside.wait()
    closing = asyncio.create_task(database.close())
    await asyncio.sleep(0)
    go_on.set()
    await closing
    await running

    with pytest.raises(RuntimeError, match="closed"):
        await numbers(database)
    database = await Database.open(database_url, clock=clock)
    assert await numbers(database) == []
    await database.close()


async def test_closing_does_not_wait_for_ever(database_url: str, clock: FakeClock) -> None:
    database = await Database.open(database_url, clock=clock)
    await database.run(lambda tx: tx.execute(CreateTable(THING)))
    inside = asyncio.Event()

    async def hang(tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=1))
        inside.set()
        await asyncio.Event().wait()

    caller = asyncio.create_task(database.run(hang))
    await inside.wait()
    await database.close(patience_seconds=0.01)
    with pytest.raises(asyncio.CancelledError):
        await caller

    database = await Database.open(database_url, clock=clock)
    assert await numbers(database) == []
    await database.close()


@on_postgresql
async def test_crossed_locks_are_resolved_by_trying_again(things: Database) -> None:
    await add(things, 1)
    await add(things, 2)
    both_hold = asyncio.Barrier(2)
    attempts = 0

    async def cross(first: int, second: int, tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await tx.execute(update(THING).where(THING.c.number == first).values(words="x"))
        if attempts <= 2:
            await both_hold.wait()
        await tx.execute(update(THING).where(THING.c.number == second).values(words="x"))

    await asyncio.gather(
        things.run(lambda tx: cross(1, 2, tx)), things.run(lambda tx: cross(2, 1, tx))
    )

    assert attempts >= 3


@on_postgresql
async def test_a_lock_that_is_not_given_ends_in_a_conflict(things: Database) -> None:
    await add(things, 1)
    locked, go_on = asyncio.Event(), asyncio.Event()

    async def hold(tx: Transaction) -> None:
        await tx.execute(update(THING).values(words="held"))
        locked.set()
        await go_on.wait()

    holder = asyncio.create_task(things.run(hold))
    await locked.wait()
    with pytest.raises(TransactionConflict):
        await things.run(lambda tx: tx.execute(update(THING).values(words="waited")))
    go_on.set()
    await holder


@on_postgresql
async def test_a_statement_that_takes_too_long_says_that_the_database_is_away(
    things: Database, database_url: str, clock: FakeClock
) -> None:
    hasty = await Database.open(database_url, clock=clock, timeouts=PostgresTimeouts(statement=500))

    with pytest.raises(TookTooLong) as raised:
        await hasty.run(lambda tx: tx.execute(text("select pg_sleep(5)")))

    assert raised.value.service == "database"
    await hasty.close()


@on_postgresql
async def test_a_survey_has_the_time_that_what_reads_or_writes_little_has_not(
    things: Database, database_url: str, clock: FakeClock
) -> None:
    little = {"statement": 500, "idle_in_transaction": 500, "transaction": 500}
    hasty = await Database.open(database_url, clock=clock, timeouts=PostgresTimeouts(**little))

    async def look(tx: Transaction) -> list[int]:
        await tx.execute(text("select pg_sleep(0.7)"))
        await asyncio.sleep(0.7)
        return list((await tx.execute(select(THING.c.number))).scalars())

    with pytest.raises(Unavailable):
        await hasty.read(look)
    assert await hasty.survey(look) == []
    await hasty.close()


@on_postgresql
async def test_a_survey_that_takes_too_long_says_that_the_database_is_away(
    things: Database, database_url: str, clock: FakeClock
) -> None:
    timeouts = PostgresTimeouts(survey=500)
    hasty = await Database.open(database_url, clock=clock, timeouts=timeouts)

    with pytest.raises(Unavailable):
        await hasty.survey(lambda tx: tx.execute(text("select pg_sleep(5)")))
    await hasty.close()


@on_postgresql
async def test_a_lost_connection_is_replaced_and_the_transaction_run_again(
    things: Database,
) -> None:
    attempts = 0

    async def write(tx: Transaction) -> None:
        nonlocal attempts
        attempts += 1
        await tx.execute(insert(THING).values(number=attempts))
        if attempts == 1:
            await tx.execute(text("select pg_terminate_backend(pg_backend_pid())"))

    await things.run(write)

    assert await numbers(things) == [2]


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path, clock: FakeClock) -> None:
    url = f"postgresql+asyncpg://postgres@/nothing?host={tmp_path}"

    with pytest.raises(Unavailable):
        await Database.open(url, clock=clock)


@pytest.mark.parametrize(
    "url", ["sqlite+aiosqlite://", "sqlite+aiosqlite:///:memory:", "mysql://host/name"]
)
async def test_places_that_are_not_served_are_refused(url: str, clock: FakeClock) -> None:
    with pytest.raises(Exception, match=r"must be a file|not served"):
        await Database.open(url, clock=clock)


@on_postgresql
async def test_postgresql_lets_nobody_wait_or_linger_for_long(database: Database) -> None:
    async def look(tx: Transaction) -> list[object]:
        names = (
            "transaction_isolation",
            "lock_timeout",
            "statement_timeout",
            "idle_in_transaction_session_timeout",
        )
        return [(await tx.execute(text("show " + name))).scalar_one() for name in names]

    async def longest(tx: Transaction) -> tuple[int, str]:
        version = int((await tx.execute(text("show server_version_num"))).scalar_one())
        if version < 170_000:
            return version, "10s"
        return version, str((await tx.execute(text("show transaction_timeout"))).scalar_one())

    assert await database.run(look) == ["read committed", "250ms", "2s", "5s"]
    assert await database.read(look) == ["repeatable read", "250ms", "2s", "5s"]
    assert (await database.run(longest))[1] == "10s"
