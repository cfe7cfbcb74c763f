import asyncio
import sqlite3
import sys
import textwrap
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import Dialect, database_file, parse
from ordermesh.runtime.lockfile import DatabaseInUse
from ordermesh.runtime.migrate import RUNTIME_SCRIPTS, check, migrate
from tests import postgres
from tests.dialects import on_postgresql
from tests.fakes import FakeClock

ENVIRONMENT = """
from sqlalchemy import Column, Integer, MetaData, Table
from ordermesh.runtime.migrate import run_env

metadata = MetaData()
Table("basket", metadata, Column("number", Integer, primary_key=True))
run_env("shop_version", metadata)
"""

FIRST = """
import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None

def upgrade():
    op.create_table("basket", sa.Column("number", sa.Integer, primary_key=True))
"""

SLOW = FIRST.replace("    op.create_table", "    import time; time.sleep(1.5)\n    op.create_table")
"""Long enough for another process to come by in the middle."""

SECOND = """
from alembic import op

revision, down_revision = "0002", "0001"

def upgrade():
    op.execute("insert into basket (number) values (2)")
"""

BROKEN = """
from alembic import op

revision, down_revision = "0003", "0002"

def upgrade():
    op.execute("create table ruin (number integer)")
    op.execute("insert into nowhere (number) values (3)")
"""


@pytest.fixture
def chain(tmp_path: Path) -> Callable[..., str]:
    """Writes a service's chain of migrations and gives its place."""

    def write(*versions: str) -> str:
        place = tmp_path / "shop"
        (place / "versions").mkdir(parents=True, exist_ok=True)
        (place / "env.py").write_text(textwrap.dedent(ENVIRONMENT))
        for number, version in enumerate(versions, start=1):
            (place / "versions" / f"{number:04}_shop.py").write_text(textwrap.dedent(version))
        return str(place)

    return write


@pytest.fixture
def empty_url(
    dialect: Dialect, request: pytest.FixtureRequest, migrated_url: Callable[[str], str]
) -> Iterator[str]:
    """A database without any table."""
    if dialect == "sqlite":
        yield f"sqlite+aiosqlite:///{request.getfixturevalue('tmp_path') / 'new' / 'shop.db'}"
        return
    server: postgres.Server = request.getfixturevalue("postgres_server")
    name = server.create()
    yield server.url(name)
    server.drop(name)


async def scalars(
    url: str, clock: FakeClock, statement: str, schema: str | None = None
) -> set[str]:
    database = await Database.open(url, clock=clock, schema=schema)

    async def look(tx: Transaction) -> set[str]:
        return {str(value) for value in (await tx.execute(text(statement))).scalars()}

    try:
        return await database.read(look)
    finally:
        await database.close()


async def test_an_empty_database_gets_both_chains(
    empty_url: str, clock: FakeClock, chain: Callable[..., str]
) -> None:
    await migrate(empty_url, script_location=chain(FIRST, SECOND))

    assert await scalars(empty_url, clock, "select number from basket") == {"2"}
    assert await scalars(empty_url, clock, "select version_num from shop_version") == {"0002"}
    assert await scalars(empty_url, clock, "select name from leader") == {"feed"}
    assert await scalars(empty_url, clock, "select count(*) from runtime_version") == {"1"}


async def test_migrating_again_changes_nothing(
    empty_url: str, clock: FakeClock, chain: Callable[..., str]
) -> None:
    location = chain(FIRST, SECOND)

    await migrate(empty_url, script_location=location)
    await migrate(empty_url, script_location=location)

    assert await scalars(empty_url, clock, "select count(*) from basket") == {"1"}


async def test_two_that_start_at_once_take_turns(
    empty_url: str, clock: FakeClock, chain: Callable[..., str]
) -> None:
    location = chain(FIRST, SECOND)

    await asyncio.gather(*(migrate(empty_url, script_location=location) for _ in range(3)))

    assert await scalars(empty_url, clock, "select count(*) from basket") == {"1"}


async def test_two_processes_that_start_at_once_take_turns(
    empty_url: str, clock: FakeClock, chain: Callable[..., str]
) -> None:
    program = (
        "import asyncio, sys; from ordermesh.runtime.migrate import migrate;"
        " asyncio.run(migrate(sys.argv[1], script_location=sys.argv[2]))"
    )

    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", program, empty_url, chain(SLOW, SECOND)
        )
        for _ in range(3)
    ]

    assert [await process.wait() for process in processes] == [0, 0, 0]
    assert await scalars(empty_url, clock, "select count(*) from basket") == {"1"}


async def test_a_migration_that_fails_leaves_the_database_as_it_was(
    empty_url: str, clock: FakeClock, chain: Callable[..., str]
) -> None:
    await migrate(empty_url, script_location=chain(FIRST))

    with pytest.raises(DBAPIError):
        await migrate(empty_url, script_location=chain(FIRST, SECOND, BROKEN))

    assert await scalars(empty_url, clock, "select version_num from shop_version") == {"0001"}
    assert await scalars(empty_url, clock, "select count(*) from basket") == {"0"}
    with pytest.raises(DBAPIError):
        await scalars(empty_url, clock, "select number from ruin")


async def test_the_tables_are_what_the_migrations_make(
    database_url: str, chain: Callable[..., str]
) -> None:
    await check(database_url, script_location=RUNTIME_SCRIPTS)

    await migrate(database_url, script_location=chain(FIRST))
    await check(database_url, script_location=chain(FIRST))
    await check(database_url, script_location=RUNTIME_SCRIPTS)


async def test_tables_that_differ_from_the_migrations_are_noticed(
    database_url: str, clock: FakeClock
) -> None:
    database = await Database.open(database_url, clock=clock)
    await database.run(lambda tx: tx.execute(text("alter table inbox add column more integer")))
    await database.close()

    with pytest.raises(Exception, match="New upgrade operations detected"):
        await check(database_url, script_location=RUNTIME_SCRIPTS)


@on_postgresql  # SQLite has no schemas
async def test_each_schema_has_tables_of_its_own(
    empty_url: str, clock: FakeClock, chain: Callable[..., str]
) -> None:
    location = chain(FIRST, SECOND)

    await asyncio.gather(
        migrate(empty_url, script_location=location, schema="inventory"),
        migrate(empty_url, script_location=location, schema="routing"),
    )

    tables = "select schemaname from pg_tables where tablename = 'basket'"
    assert await scalars(empty_url, clock, tables) == {"inventory", "routing"}
    count = "select count(*) from basket"
    assert await scalars(empty_url, clock, count, schema="routing") == {"1"}


@on_postgresql
async def test_a_migration_waits_for_a_table_that_others_use(
    database_url: str, clock: FakeClock, chain: Callable[..., str]
) -> None:
    """It gives up its place in the queue each second, so that nobody queues behind it."""
    change = FIRST.replace(
        'op.create_table("basket", sa.Column("number", sa.Integer, primary_key=True))',
        'op.add_column("inbox", sa.Column("more", sa.Integer))',
    )
    database = await Database.open(database_url, clock=clock)
    held, is_queued = asyncio.Event(), "select count(*) from pg_locks where not granted"

    async def hold(tx: Transaction) -> None:
        await tx.execute(text("lock table inbox"))
        held.set()
        has_queued = False
        while True:
            count = (await tx.execute(text(is_queued))).scalar_one()
            if has_queued and count == 0:
                return
            has_queued = has_queued or count > 0
            await asyncio.sleep(0.01)

    holder = asyncio.create_task(database.run(hold))
    await held.wait()
    await migrate(database_url, script_location=chain(change))
    await holder
    await database.close()

    assert await scalars(database_url, clock, "select count(more) from inbox") == {"0"}


def copies(folder: Path) -> list[Path]:
    return list(folder.glob("*.before-*"))


async def test_a_file_that_is_about_to_change_is_copied_first(
    tmp_path: Path, clock: FakeClock, chain: Callable[..., str]
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/shop.db"
    await migrate(url, script_location=chain(FIRST))
    assert copies(tmp_path) == []

    await migrate(url, script_location=chain(FIRST, SECOND))

    (copy,) = copies(tmp_path)
    assert copy.name == "shop.db.before-shop_version-0001"
    with closing(sqlite3.connect(copy)) as before:
        assert before.execute("select count(*) from basket").fetchone() == (0,)
    assert await scalars(url, clock, "select count(*) from basket") == {"1"}


async def test_a_file_that_a_server_has_open_is_not_migrated(
    tmp_path: Path, clock: FakeClock
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/shop.db"
    await migrate(url, script_location=RUNTIME_SCRIPTS)
    database = await Database.open(url, clock=clock)

    with pytest.raises(DatabaseInUse):
        await migrate(url, script_location=RUNTIME_SCRIPTS)

    await database.close()
    assert database_file(parse(url)[0]) == tmp_path / "shop.db"
