import asyncio
import random
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.schema import CreateTable

from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime.call import Call, Identity, calling
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import READERS, PostgresTimeouts, TransactionConflict
from ordermesh.runtime.instants import UtcTime
from ordermesh.runtime.lockfile import (
    DatabaseInUse,
    NetworkFileSystem,
    refuse_network_file_system,
)
from tests.dialects import on_postgresql, on_sqlite
from tests.eventually import eventually
from tests.fakes import START, FakeClock

THING = Table(
    "thing",
    MetaData(),
    Column("number", Integer, primary_key=True),
    Column("words", String(100)),
    Column("seen_time", UtcTime),
)


@pytest.fixture
async def things(database: Database) -> Database:
    async def make(tx: Transaction) -> None:
        await tx.execute(CreateTable(THING))

    await database.run(make)
    return database


async def add(database: Database, number: int, words: str = "") -> None:
    async def write(tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=number, words=words))

    await database.run(write)


async def numbers(database: Database) -> list[int]:
    async def look(tx: Transaction) -> list[int]:
        return list((await tx.execute(select(THING.c.number).order_by("number"))).scalars())

    return await database.read(look)


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

    with pytest.raises((DBAPIError, Unavailable)):
        await things.read(write)

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


async def test_a_caller_that_goes_away_does_not_cancel_its_transaction(things: Database) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()
    called = []

    async def write(tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=1))
        tx.after_commit(lambda: called.append(1))
        inside.set()
        await go_on.wait()
        await tx.execute(insert(THING).values(number=2))

    caller = asyncio.create_task(things.run(write))
    await inside.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()

    await eventually(lambda: called == [1])
    assert await numbers(things) == [1, 2]


async def test_a_caller_that_goes_away_does_not_hide_a_rollback(things: Database) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def write(tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=1))
        inside.set()
        await go_on.wait()
        raise ValueError("nobody hears this")

    caller = asyncio.create_task(things.run(write))
    await inside.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()

    await add(things, 2)
    assert await numbers(things) == [2]


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


async def test_a_caller_that_goes_away_before_its_turn_changes_nothing(
    database_url: str, clock: FakeClock
) -> None:
    narrow = await Database.open(database_url, clock=clock, pool_size=1)
    inside, go_on = asyncio.Event(), asyncio.Event()
    began = False

    async def hold(_: Transaction) -> None:
        inside.set()
        await go_on.wait()

    async def write(_: Transaction) -> None:
        nonlocal began
        began = True

    holder = asyncio.create_task(narrow.run(hold))
    await inside.wait()
    caller = asyncio.create_task(narrow.run(write))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    go_on.set()
    await holder

    await narrow.close()
    assert not began


async def test_cancellations_at_random_moments_leak_nothing(things: Database) -> None:
    """Every transaction has all of its rows or none; no connection or lock stays behind."""
    chance = random.Random(7)
    rounds = 150

    async def write(number: int, tx: Transaction) -> None:
        await tx.execute(insert(THING).values(number=number))
        await tx.execute(insert(THING).values(number=number + 1_000))

    async def call(number: int) -> None:
        task = asyncio.create_task(things.run(lambda tx: write(number, tx)))
        for _ in range(chance.randrange(12)):
            await asyncio.sleep(0)
        if chance.random() < 0.3:
            await asyncio.sleep(chance.random() * 0.005)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    for start in range(0, rounds, 5):
        await asyncio.gather(*(call(number) for number in range(start, start + 5)))
    await add(things, 5_000)

    there = set(await numbers(things)) - {5_000}
    await eventually(lambda: not things.running)
    assert {number + 1_000 for number in there if number < 1_000} == {
        number for number in there if number >= 1_000
    }
    assert things.connections_in_use == 0
    if things.dialect == "postgresql":

        async def others(tx: Transaction) -> int:
            result = await tx.execute(
                text(
                    "select count(*) from pg_stat_activity where datname = current_database()"
                    " and pid <> pg_backend_pid() and state like 'idle in transaction%'"
                )
            )
            return int(result.scalar_one())

        assert await things.read(others) == 0


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
    hasty = await Database.open(database_url, clock=clock, timeouts=PostgresTimeouts(statement=50))

    with pytest.raises(Unavailable) as raised:
        await hasty.run(lambda tx: tx.execute(text("select pg_sleep(5)")))

    assert raised.value.service == "database"
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


@on_sqlite
async def test_sqlite_is_safe_by_its_settings(database: Database) -> None:
    async def look(tx: Transaction) -> list[object]:
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        return [(await tx.execute(text("PRAGMA " + name))).scalar_one() for name in names]

    assert await database.run(look) == ["wal", 2, 1, 2000]
    assert await database.read(look) == ["wal", 2, 1, 2000]


@on_sqlite
async def test_a_write_holds_the_file_from_its_first_statement_on(
    things: Database, database_url: str
) -> None:
    """Else it could read, wait for the lock, and write what was decided on old numbers."""

    async def look(tx: Transaction) -> bool:
        await tx.execute(select(THING.c.number))
        path = make_url(database_url).database or ""
        with closing(sqlite3.connect(path, timeout=0, isolation_level=None)) as stranger:
            try:
                stranger.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError:
                return True
            return False

    assert await things.run(look)
    assert not await things.read(look)


async def test_a_second_process_is_refused_until_the_first_is_gone(
    tmp_path: Path, clock: FakeClock
) -> None:
    path = tmp_path / "ledger.db"
    url = f"sqlite+aiosqlite:///{path}"
    program = textwrap.dedent(
        """
        import asyncio, sys
        from ordermesh.kernel.clock import SystemClock
        from ordermesh.runtime.database import Database

        async def serve():
            await Database.open(sys.argv[1], clock=SystemClock())
            print("open", flush=True)
            await asyncio.sleep(60)

        asyncio.run(serve())
        """
    )
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here meanwhile
        [sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "open\n"

        with pytest.raises(DatabaseInUse, match=rf"ledger\.db is in use by process {other.pid}"):
            await Database.open(url, clock=clock)
        other.kill()

    database = await Database.open(url, clock=clock)
    await database.close()


async def test_what_was_acknowledged_survives_the_end_of_the_process(
    database_url: str, clock: FakeClock
) -> None:
    program = textwrap.dedent(
        """
        import asyncio, sys
        from sqlalchemy import text
        from ordermesh.kernel.clock import SystemClock
        from ordermesh.runtime.database import Database

        async def write():
            database = await Database.open(sys.argv[1], clock=SystemClock())
            await database.run(lambda tx: tx.execute(text("create table thing (number integer)")))
            for number in range(100_000):
                insert = text("insert into thing values (:number)")
                await database.run(lambda tx: tx.execute(insert, {"number": number}))
                print(number, flush=True)

        asyncio.run(write())
        """
    )
    with subprocess.Popen(  # noqa: ASYNC220 - nothing else runs here meanwhile
        [sys.executable, "-c", program, database_url], stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        acknowledged = -1
        while acknowledged < 50:
            acknowledged = int(writer.stdout.readline())
        writer.kill()
        acknowledged += len(writer.stdout.readlines())

    database = await Database.open(database_url, clock=clock)
    there = await numbers(database)
    await database.close()

    assert there == list(range(len(there)))
    assert len(there) >= acknowledged


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_a_network_file_system_is_refused(tmp_path: Path, kind: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(f"/dev/sda1 / ext4 rw 0 0\nserver:/x /mnt/far\\040away {kind} rw 0 0\n")

    with pytest.raises(NetworkFileSystem, match=kind):
        refuse_network_file_system(Path("/mnt/far away/ledger.db"), mounts)


@pytest.mark.parametrize("lines", ["/dev/sda1 / ext4 rw 0 0\nserver:/x /mnt nfs rw 0 0\n", "", "?"])
def test_a_local_disk_is_taken(tmp_path: Path, lines: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(lines)

    refuse_network_file_system(Path("/srv/ledger.db"), mounts)
    refuse_network_file_system(Path("/srv/ledger.db"), tmp_path / "nothing")


async def test_a_burst_of_writers_is_served_in_turn(things: Database) -> None:
    started = time.monotonic()

    await asyncio.gather(*(add(things, number) for number in range(100)))

    assert await numbers(things) == list(range(100))
    assert time.monotonic() - started < 20
