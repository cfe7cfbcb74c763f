"""Work to do, a worker that does it, and the rows that it is kept in."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, ClassVar

from sqlalchemy import Row, select, update

from ordermesh.kernel.errors import RuleViolated
from ordermesh.runtime import claims
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.tables import work as rows
from ordermesh.runtime.work import (
    Claimed,
    Worker,
    WorkKind,
    enqueue,
)
from tests.fakes import FakeClock

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


async def let_time_pass(
    database: Database,
    passed: timedelta,
    names: Collection[str] = ("due_time", "lease_until", "failing_since"),
) -> None:
    """Make all rows so much older, because the clock of PostgreSQL cannot be told the time."""

    async def age(tx: Transaction) -> None:
        for row in await tx.execute(select(rows)):
            older = {
                name: getattr(row, name) - passed
                for name in names
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


async def has_failed(database: Database) -> bool:
    return any(row.failure is not None for row in await all_rows(database))


async def attempts_of_first(database: Database, count: int) -> bool:
    row = (await all_rows(database))[0]
    return bool(row.attempt >= count and row.lease_until is None)
