"""The end of the feed, kept in memory for all who watch in this process.

Whoever watches wants what was stamped last. Were each to read it for itself, a change would cost as
many reads as there are watchers, and they cost more than what made the change.
"""

import asyncio
from collections import deque
from collections.abc import Collection
from functools import partial
from itertools import islice

from ordermesh.kernel.clock import Clock
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.doorbell import POLL_SECONDS
from ordermesh.runtime.feed_pages import (
    PAGE_CHANGES,
    STAMPED,
    Change,
    Page,
    RevisionCompacted,
    cut,
    read_page,
)

TAIL_CHANGES = 4 * PAGE_CHANGES
"""How many changes are kept. Who is further behind reads for itself."""

FRESH_SECONDS = POLL_SECONDS / 2
"""For so long what was read is taken for all there is, unless this process stamps more."""


class FeedTail:
    """The last changes of all topics, without a gap, and how far they reach.

    It is a copy of rows that never change, so it cannot be wrong, only short: who asks for a
    revision that it does not reach back to is told so.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._doorbell = database.doorbells.listen(STAMPED)
        self._read_time: float | None = None
        self._changes: deque[Change] = deque(maxlen=TAIL_CHANGES)
        self._revision: int | None = None
        self._reading = asyncio.Lock()
        self._reads = 0
        self._is_full = False  # the last one may have left more behind

    async def page(self, topics: Collection[str], start: int) -> tuple[Page, bool] | None:
        """The page from ``start`` on as it is now, and whether another follows at once.

        None where it is to be read from the database: ``start`` is further back, or is no revision
        of this history. Raises what reading raises.
        """
        if self._revision is not None and start < self._first:
            return None
        is_full = await self._refresh()
        if self._revision is None or not self._first <= start <= self._revision + 1:
            return None
        there = islice(self._changes, start - self._first, None)
        found, is_cut = cut(change for change in there if change.topic in topics)
        if is_cut:
            return Page(found[-1].revision, tuple(found)), True
        return Page(self._revision, tuple(found)), is_full

    @property
    def _first(self) -> int:
        """The lowest revision that is here, or would be the next."""
        return (self._revision or 0) - len(self._changes) + 1

    async def _refresh(self) -> bool:
        """Read what was stamped since; gives whether there may be more.

        Of those who want it at one moment one reads, after all of them have asked. Nobody does
        where this process has stamped nothing since the last time, which was a moment ago.
        """
        asked = self._reads
        async with self._reading:
            if self._reads > asked:
                return self._is_full
            if not (self._doorbell.answer() or self._is_full or self._is_old()):
                return False
            self._reads += 1
            self._read_time = self._clock.monotonic()
            start = 0 if self._revision is None else self._revision + 1
            try:
                page, self._is_full = await self._database.read(partial(_read, start))
            except RevisionCompacted:
                # The database has another history now, or forgot faster than we looked.
                self._revision = None
                self._changes.clear()
                return False
            self._changes.extend(page.changes)
            self._revision = page.revision
            return self._is_full

    def _is_old(self) -> bool:
        """Whether another process may have stamped something that nobody here has seen."""
        last = self._read_time
        return last is None or self._clock.monotonic() >= last + FRESH_SECONDS


async def _read(start: int, tx: Transaction) -> tuple[Page, bool]:
    return await read_page(tx, None, start)
