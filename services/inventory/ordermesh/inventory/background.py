"""What goes on beside the calls: overdue holds are swept, and revisions noted on what changed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Protocol

from ordermesh.inventory.operations.expiry import expire_overdue, forget_tombstones
from ordermesh.inventory.ports.stores import Stores
from ordermesh.kernel.clock import Clock
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.doorbell import Doorbell
from ordermesh.runtime.feed import Feed, Page, RevisionCompacted


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
        return total


class Stamping(Protocol):
    """A store whose rows note the revision of their last change."""

    async def stamp(self, tx: Transaction, revisions: Mapping[tuple[str, int], int]) -> None:
        """Note revisions by name and version."""
        ...

    async def last_revision(self, tx: Transaction) -> int:
        """The highest revision that was noted."""
        ...


class Stamper:
    """Follows the feed and notes the revisions, which are given out after the commit."""

    def __init__(self, database: Database, feed: Feed, topic: str, store: Stamping) -> None:
        self._database = database
        self._feed = feed
        self._topic = topic
        self._store = store
        self._task: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Follow until stopped."""
        self._task = asyncio.current_task()
        start = 1 + await self._database.read(self._store.last_revision)
        while True:
            try:
                start = await self._follow(start)
            except RevisionCompacted as compacted:
                start = int(compacted.facts()["oldestRevision"])

    async def stop(self) -> None:
        """End ``run``."""
        if self._task is not None:
            self._task.cancel()

    async def _follow(self, start: int) -> int:
        async for page in self._feed.watch(self._topic, start):
            if page.changes:
                await self._database.run(self._noting(page))
            start = page.revision + 1
        return start

    def _noting(self, page: Page) -> Callable[[Transaction], Awaitable[None]]:
        revisions = {(change.key, change.sequence): change.revision for change in page.changes}
        return lambda tx: self._store.stamp(tx, revisions)
