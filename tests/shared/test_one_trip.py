"""A statement to SQLite goes once to the thread of its connection, and loses nothing on the way."""

import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from sqlalchemy import Column, Integer, MetaData, String, Table, insert, select, text, update
from sqlalchemy.engine import make_url
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlalchemy.ext.asyncio import AsyncConnection

from ordermesh.runtime.engines import sqlite_engine

metadata = MetaData()
mug = Table(
    "mug",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("name", String, unique=True),
)


@pytest.fixture
async def connection(tmp_path: Path) -> AsyncIterator[AsyncConnection]:
    engine = sqlite_engine(make_url(f"sqlite+aiosqlite:///{tmp_path}/mugs.db"), writer=True)
    async with engine.connect() as opened:
        await opened.run_sync(metadata.create_all)
        yield opened
    await engine.dispose()


@pytest.fixture
def trips(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What went to the thread since the test began."""
    made: list[str] = []
    go: Any = aiosqlite.Connection._execute

    async def counted(self: aiosqlite.Connection, work: Any, *rest: Any, **options: Any) -> Any:
        made.append(getattr(work, "__name__", "?"))
        return await go(self, work, *rest, **options)

    monkeypatch.setattr(aiosqlite.Connection, "_execute", counted)
    return made


async def test_each_statement_is_one_trip(connection: AsyncConnection, trips: list[str]) -> None:
    await connection.execute(select(mug))
    trips.clear()

    await connection.execute(insert(mug), [{"name": "red"}, {"name": "blue"}])
    await connection.execute(update(mug).values(name="green").where(mug.c.number == 1))
    (await connection.execute(select(mug))).all()

    assert len(trips) == 3


async def test_what_a_statement_did_is_told(connection: AsyncConnection) -> None:
    first = await connection.execute(insert(mug).values(name="red"))
    assert first.inserted_primary_key == (1,)
    many = await connection.execute(insert(mug), [{"name": "blue"}, {"name": "green"}])
    assert many.rowcount == 2
    changed = await connection.execute(
        update(mug).values(name=mug.c.name + "!").where(mug.c.number < 3)
    )
    assert changed.rowcount == 2
    named = await connection.execute(
        insert(mug).values([{"name": "a"}, {"name": "b"}]).returning(mug.c.number, mug.c.name)
    )
    assert named.all() == [(4, "a"), (5, "b")]
    found = await connection.execute(select(mug.c.name).order_by(mug.c.number))
    assert list(found.keys()) == ["name"]
    assert found.fetchmany(2) == [("red!",), ("blue!",)]
    assert found.fetchone() == ("green",)
    assert found.all() == [("a",), ("b",)]


async def test_a_statement_that_failed_leaves_the_connection_as_it_was(
    connection: AsyncConnection,
) -> None:
    await connection.execute(insert(mug).values(name="red"))

    with pytest.raises(IntegrityError) as twice:
        await connection.execute(insert(mug).values(name="red"))
    with pytest.raises(OperationalError):
        await connection.execute(text("SELECT * FROM cup"))

    assert isinstance(twice.value.orig, sqlite3.IntegrityError)
    assert (await connection.execute(select(mug.c.name))).scalars().all() == ["red"]


async def test_rows_that_were_not_read_keep_nothing_open(connection: AsyncConnection) -> None:
    await connection.execute(insert(mug), [{"name": str(number)} for number in range(10)])
    await connection.execute(select(mug))
    await connection.commit()

    # A statement that is still being read would lock the table.
    await connection.execute(text("DROP TABLE mug"))
    await connection.commit()
