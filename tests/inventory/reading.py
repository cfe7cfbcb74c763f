"""What tests read from the books themselves, and how they call again while others are busy."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from sqlalchemy import NullPool, Table, select, text
from sqlalchemy.ext.asyncio import create_async_engine

from ordermesh.inventory.store.tables.everything import metadata
from ordermesh.inventory.store.tables.levels import level_watch
from ordermesh.inventory.store.tables.seals import seal, seal_head
from ordermesh.kernel.errors import Conflict, Overloaded
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.packing import NewChange, unpack
from ordermesh.runtime.tables import feed, work

R = TypeVar("R")


async def changes_told(database: Database, topic: str) -> list[NewChange]:
    """All changes of a topic of the feed, in the order in which they were written."""

    async def read(tx: Transaction) -> list[NewChange]:
        rows = await tx.execute(
            select(feed).where(feed.c.topic == topic).order_by(feed.c.change_id)
        )
        told: list[NewChange] = []
        for row in rows:
            if row.packed is None:
                told.append(NewChange(row.key, row.payload, row.sequence))
            else:
                told += unpack(row.payload)
        return told

    return await database.read(read)


async def insist(call: Callable[[], Awaitable[R]]) -> R:
    """Call again while others are in the way."""
    while True:
        try:
            return await call()
        except (Conflict, Overloaded):
            await asyncio.sleep(0.01)


async def dump(database: Database) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of the tables and of the feed, without what is noted beside the calls."""

    async def read(tx: Transaction) -> dict[str, list[tuple[Any, ...]]]:
        tables = (*metadata.sorted_tables, feed, work)
        tables = tuple(table for table in tables if table not in (seal, seal_head, level_watch))
        return {table.name: await _rows(tx, table) for table in tables}

    return await database.read(read)


async def _rows(tx: Transaction, table: Table) -> list[tuple[Any, ...]]:
    columns = [column for column in table.columns if column.name != "revision"]
    return sorted(map(tuple, (await tx.execute(select(*columns))).all()), key=repr)


async def deadlocks(database_url: str) -> int:
    """How many deadlocks a database of PostgreSQL has had, as far as ended connections told."""
    if not database_url.startswith("postgresql"):
        return 0
    engine = create_async_engine(database_url, poolclass=NullPool)
    async with engine.connect() as connection:
        counted = await connection.scalar(
            text("select deadlocks from pg_stat_database where datname = current_database()")
        )
    return int(counted or 0)
