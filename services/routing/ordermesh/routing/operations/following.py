"""Following inventory: what is there is listed once, and every change of it is watched."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import Conflict, Overloaded, Unavailable
from ordermesh.routing.ports.feeds import FeedPage, Feeds, FeedTooOld
from ordermesh.routing.ports.stores import CopyStore, Feed
from ordermesh.runtime import failpoints
from ordermesh.runtime.database import Database, Transaction

RETRY_SECONDS, RETRY_SECONDS_MAX = 0.2, 5.0

_log = logging.getLogger(__name__)


async def nothing(_tx: Transaction) -> None:
    """Nobody waits for inventory."""


class Follower:
    """Keeps the copy of one feed. Rows and the revision they show are stored together.

    ``heard_again`` is called in the transaction of the first page after inventory was away.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        copies: CopyStore,
        feeds: Feeds,
        feed: Feed,
        heard_again: Callable[[Transaction], Awaitable[object]] = nothing,
    ) -> None:
        self._database = database
        self._clock = clock
        self._copies = copies
        self._feeds = feeds
        self._feed = feed
        self._heard_again = heard_again
        self._was_away = False
        self._task: asyncio.Task[None] | None = None
        self._has_ended = asyncio.Event()
        self._has_ended.set()

    async def run(self) -> None:
        """Follow until stopped."""
        self._has_ended.clear()
        self._task = asyncio.ensure_future(self._follow_for_ever())
        try:
            await self._task
        except asyncio.CancelledError:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        finally:
            self._has_ended.set()

    async def stop(self) -> None:
        """End ``run``; returns when it has ended."""
        if self._task is not None:
            self._task.cancel()
        await self._has_ended.wait()

    async def _follow_for_ever(self) -> None:
        rest = RETRY_SECONDS
        while True:
            try:
                await self.follow()
                rest = RETRY_SECONDS
            except FeedTooOld:
                await self._database.run(self._begin_anew)
            except (Unavailable, Overloaded, Conflict) as error:
                self._was_away = True
                _log.info("inventory cannot be followed", extra={"reason": error.reason})
                await self._clock.sleep(rest)
                rest = min(RETRY_SECONDS_MAX, 2 * rest)

    async def follow(self) -> None:
        """List unless it was listed before, then watch until the stream ends.

        Raises ``FeedTooOld`` and ``Unavailable``.
        """
        revision = await self._database.read(lambda tx: self._copies.revision(tx, self._feed))
        if revision == 0:
            revision = await self._list()
        async for page in self._feeds.watched(self._feed, revision + 1):
            if failpoints.armed:
                await failpoints.reach(failpoints.points.ROUTING_FOLLOWED)
            await self._keep(page)

    async def _list(self) -> int:
        """Store all there is; gives the revision from which on changes may be missing.

        That is the first page's: later pages may show more, and the watch brings it again.
        """
        first: int | None = None
        async for page in self._feeds.listed(self._feed):
            first = page.revision if first is None else first
            await self._database.run(lambda tx, page=page: self._put(tx, page))  # type: ignore[misc]
        revision = first or 0
        await self._keep(FeedPage(revision))
        return revision

    async def _keep(self, page: FeedPage) -> None:
        async def store(tx: Transaction) -> None:
            await self._put(tx, page)
            await self._copies.advance(tx, self._feed, page.revision, await tx.now())
            if self._was_away:
                await self._heard_again(tx)

        await self._database.run(store)
        self._was_away = False

    async def _put(self, tx: Transaction, page: FeedPage) -> None:
        await self._copies.put_items(tx, page.items)
        await self._copies.put_locations(tx, page.locations)

    async def _begin_anew(self, tx: Transaction) -> None:
        await self._copies.advance(tx, self._feed, 0, await tx.now())
