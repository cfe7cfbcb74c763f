"""Processes of the ledger on one database: how their decisions on memory ended, what they lock."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from ordermesh.runtime.database import Transaction
from tests.inventory.shop import Shop

Open = Callable[[], Awaitable["Process"]]


class Process(Shop):
    """A process of the service, which counts how what it decided on memory ended."""

    outcomes: Counter[str]

    def begin(self) -> None:
        """Count from now on."""
        self.outcomes = Counter()
        database: Any = self.wiring.database
        at_once = type(database).run_at_once

        async def counted(work: Any) -> Any:
            try:
                result = await at_once(database, work)
            except Exception as error:
                self.outcomes[type(error).__name__] += 1
                raise
            self.outcomes["stood"] += 1
            return result

        database.run_at_once = counted


@asynccontextmanager
async def keeping(
    process: Process, lock: Callable[[Transaction], Awaitable[object]]
) -> AsyncIterator[None]:
    """A process keeps locked what ``lock`` locks, while the block lasts."""
    is_kept, may_go = asyncio.Event(), asyncio.Event()

    async def keep(tx: Transaction) -> None:
        await lock(tx)
        is_kept.set()
        await may_go.wait()

    task = asyncio.create_task(process.wiring.database.run(keep))
    await is_kept.wait()
    try:
        yield
    finally:
        may_go.set()
        await task
