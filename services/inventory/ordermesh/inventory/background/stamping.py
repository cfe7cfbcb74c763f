"""Revisions are noted on what changed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol

from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.feed import Feed, Page, RevisionCompacted


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
