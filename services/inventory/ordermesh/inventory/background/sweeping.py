"""Overdue holds are swept."""

import asyncio
from functools import partial

from ordermesh.inventory.operations.expiry import expire_overdue, forget_imports, forget_tombstones
from ordermesh.inventory.ports.stores import Stores
from ordermesh.kernel.clock import Clock
from ordermesh.runtime.database import Database
from ordermesh.runtime.doorbell import Doorbell


class Sweeper:
    """Expires overdue holds in small transactions, every few seconds."""

    def __init__(self, database: Database, stores: Stores, clock: Clock, seconds: float) -> None:
        self._database = database
        self._stores = stores
        self._clock = clock
        self._seconds = seconds
        self._doorbell = Doorbell()
        self._is_stopping = False
        self._has_ended = asyncio.Event()
        self._has_ended.set()

    async def run(self) -> None:
        """Sweep until stopped."""
        self._has_ended.clear()
        try:
            while not self._is_stopping:
                await self.sweep()
                await self._doorbell.wait(self._clock, self._seconds)
        finally:
            self._has_ended.set()

    async def stop(self) -> None:
        """End ``run``; returns when it has ended."""
        self._is_stopping = True
        self._doorbell.ring()
        await self._has_ended.wait()

    async def sweep(self) -> int:
        """Expire all that is overdue; gives how many lines."""
        total = 0
        while not self._is_stopping:
            count = await self._database.run(partial(expire_overdue, self._stores))
            total += count
            if count == 0:
                break
        await self._database.run(partial(forget_tombstones, self._stores))
        await self._database.run(partial(forget_imports, self._stores))
        return total
