"""A service's durable stream of changes, in the order of gapless revisions.

A change is written without a revision, in the transaction that makes it. Numbers given out inside
of transactions commit out of order, so one elected sequencer stamps revisions after the commit:
whoever has seen a revision has seen everything below it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import (
    BigInteger,
    Row,
    Update,
    Uuid,
    bindparam,
    delete,
    func,
    or_,
    select,
    update,
)

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import Conflict, Overloaded, Unavailable
from ordermesh.runtime import failpoints
from ordermesh.runtime.bulk import insert_columns
from ordermesh.runtime.carrier import place_of, written_trace
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.doorbell import Doorbell, Pace
from ordermesh.runtime.feed_pages import CHANGES, FEED, STAMPED, read_page
from ordermesh.runtime.feed_pages import Change as Change
from ordermesh.runtime.feed_pages import Page as Page
from ordermesh.runtime.feed_pages import RevisionCompacted as RevisionCompacted
from ordermesh.runtime.feed_tail import FeedTail
from ordermesh.runtime.instants import UtcTime
from ordermesh.runtime.packing import PACKED_MAX, pack
from ordermesh.runtime.packing import NewChange as NewChange
from ordermesh.runtime.tables import feed, insert_now, leader

APPENDED = "feed.appended"
"""The doorbell of the sequencer."""

STAMP_ROWS = 1_000
REST_SECONDS = 0.025
"""So long the sequencer rests after it has stamped; what comes after a pause is stamped at once."""

COMPACT_ROWS = 10_000
MARK_SECONDS = 5.0
"""A watcher hears from the feed at least this often."""

LEASE_SECONDS = 5.0
"""How long the sequencer of a dead process keeps others from stamping."""

_log = logging.getLogger(__name__)


# Asked and done all the time, so built once.
_REVISION = select(leader.c.revision).where(leader.c.name == FEED)
last_revision = _REVISION.scalar_subquery().label("revision")
"""The highest revision that was stamped, as a column of a statement about something else."""
_UNSTAMPED = select(feed.c.change_id).where(feed.c.revision.is_(None)).limit(1)
_NOTE_STAMPED = (
    update(leader)
    .where(leader.c.name == FEED)
    .values(revision=select(func.max(feed.c.revision)).scalar_subquery())
)
_ELECT = (
    update(leader)
    .where(
        leader.c.name == FEED,
        or_(
            leader.c.holder == bindparam("me", type_=Uuid),
            leader.c.lease_until.is_(None),
            leader.c.lease_until <= bindparam("now", type_=UtcTime()),
        ),
    )
    .values(
        holder=bindparam("me", type_=Uuid),
        lease_until=bindparam("until", type_=UtcTime()),
        fence=leader.c.fence + 1,
    )
    .returning(leader.c.revision)
)


def _stamp() -> Update:
    unstamped = (
        select(feed.c.change_id, CHANGES.label("changes"))
        .where(feed.c.revision.is_(None))
        .order_by(feed.c.change_id)
        .limit(STAMP_ROWS)
        .subquery()
    )
    numbered = select(
        unstamped.c.change_id,
        func.sum(unstamped.c.changes).over(order_by=unstamped.c.change_id).label("place"),
    ).subquery()
    return (
        update(feed)
        .where(feed.c.change_id == numbered.c.change_id)
        .values(revision=bindparam("base", type_=BigInteger) + numbered.c.place)
    )


_STAMP = _stamp()


async def append(
    tx: Transaction, *, topic: str, key: str, payload: bytes, sequence: int = 0
) -> None:
    """Add a change of ``key``, with the present trace context; it gets its revision later.

    ``sequence`` is the thing's own version where it has one.
    """
    if failpoints.armed:
        await failpoints.reach(failpoints.points.FEED_APPENDING)
    await tx.execute(
        insert_now(feed, tx.dialect, "create_time"),
        {
            "topic": topic,
            "key": key,
            "sequence": sequence,
            "payload": payload,
            "trace": written_trace(),
            **tx.instants("create_time"),
        },
    )
    tx.ring(APPENDED)


async def append_all(
    tx: Transaction, *, topic: str, changes: Sequence[NewChange], now: datetime
) -> None:
    """Add many changes at once, in their order; as ``append``, but packed.

    ``now`` is the database's clock, and not the transaction's first question to it.
    """
    if not changes:
        return
    parts = [changes[at : at + PACKED_MAX] for at in range(0, len(changes), PACKED_MAX)]
    await insert_columns(
        tx,
        feed,
        {
            "topic": [topic] * len(parts),
            "key": [""] * len(parts),
            "sequence": [0] * len(parts),
            "payload": [pack(part) for part in parts],
            "packed": [len(part) for part in parts],
            "trace": [written_trace()] * len(parts),
            "create_time": [now] * len(parts),
        },
    )
    tx.ring(APPENDED)


async def revision(tx: Transaction) -> int:
    """The highest revision that was stamped, 0 when none was."""
    result = await tx.execute(_REVISION)
    stamped: int = result.scalar_one()
    return stamped


async def compact(tx: Transaction, older_than: datetime, last_used: int | None = None) -> int:
    """Forget changes made before ``older_than``, at most ``COMPACT_ROWS``; gives how many rows.

    Only the beginning of the feed is forgotten, so that what is kept has no hole. What follows the
    revision ``last_used`` is kept however old it is; None: nobody here needs it.
    """
    place = await _lock(tx)
    # Looked for from the lowest on, where what is old lies.
    kept = await tx.execute(
        select(feed.c.revision - CHANGES + 1)
        .where(feed.c.revision.is_not(None), feed.c.create_time >= older_than)
        .order_by(feed.c.revision)
        .limit(1)
    )
    first_kept = kept.scalar_one_or_none()
    last = place.revision if first_kept is None else first_kept - 1
    last = min(last, place.compacted_revision + COMPACT_ROWS)
    last = last if last_used is None else min(last, last_used)
    if last <= place.compacted_revision:
        return 0
    result = await tx.execute(delete(feed).where(feed.c.revision <= last))
    await tx.execute(update(leader).where(leader.c.name == FEED).values(compacted_revision=last))
    return result.rowcount


class Sequencer:
    """Stamps revisions. One process leads; the others take over when its lease ends.

    The lease only spares the others the work: stamping holds the lock of the leader's row, so that
    two who both believe to lead still stamp one after the other.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._holder = database.ids.new()
        self._doorbell = database.doorbells.listen(APPENDED)
        self._renew_time: float | None = None
        self._stamped_count = 0
        self._is_stopping = False
        self._has_ended = asyncio.Event()
        self._has_ended.set()

    async def run(self) -> None:
        """Stamp until stopped; then let another lead at once."""
        pace = Pace()
        is_called = False
        self._has_ended.clear()
        try:
            while not self._is_stopping:
                try:
                    has_stamped = await self.stamp(is_called=is_called)
                except Exception as error:  # noqa: BLE001 - no revision would ever follow
                    _log.warning("revisions cannot be stamped", extra={"failure": place_of(error)})
                    has_stamped = False
                if has_stamped:
                    pace.busy()
                    # Stamping each batch by itself would cost as much as the batches do.
                    await asyncio.sleep(REST_SECONDS)
                is_called = has_stamped and self._stamped_count == STAMP_ROWS
                if not is_called:
                    is_called = await self._doorbell.wait(self._clock, pace.next())
        finally:
            # Where it fails, the lease ends by itself.
            with suppress(Unavailable, Overloaded, Conflict):
                await self._database.run(self._resign)
            self._has_ended.set()

    async def stop(self) -> None:
        """End ``run``; returns when it has ended."""
        self._is_stopping = True
        self._doorbell.ring()
        await self._has_ended.wait()

    async def stamp(self, *, is_called: bool = False) -> bool:
        """Stamp what is committed, up to ``STAMP_ROWS`` rows; True when there was something.

        False, too, when another process leads. Who ``is_called`` knows that there is something, and
        need not look first.
        """
        is_sure = is_called or self._must_renew()
        if not is_sure and not await self._database.read(_has_unstamped):
            return False
        count = await self._database.run(self._lead_and_stamp)
        if count is None:
            self._renew_time = None
            return False
        self._renew_time = self._clock.monotonic() + LEASE_SECONDS / 2
        self._stamped_count = count
        if failpoints.armed and count:
            await failpoints.reach(failpoints.points.SEQUENCER_STAMPED)
        return count > 0

    def _must_renew(self) -> bool:
        return self._renew_time is None or self._clock.monotonic() >= self._renew_time

    async def _lead_and_stamp(self, tx: Transaction) -> int | None:
        """How many rows were stamped; None when another leads."""
        now = await tx.now()
        until = now + timedelta(seconds=LEASE_SECONDS)
        election = await tx.execute(_ELECT, {"me": self._holder, "now": now, "until": until})
        base = election.scalar_one_or_none()
        if base is None:
            return None
        if failpoints.armed:
            await failpoints.reach(failpoints.points.SEQUENCER_LEADING)
        # A statement of its own, after the row was locked: it sees all that is committed by now.
        stamped = await tx.execute(_STAMP, {"base": base})
        count = stamped.rowcount
        if count:
            await tx.execute(_NOTE_STAMPED)
            tx.ring(STAMPED)
            if failpoints.armed:
                await failpoints.reach(failpoints.points.SEQUENCER_STAMPING)
        return count

    async def _resign(self, tx: Transaction) -> None:
        await tx.execute(
            update(leader)
            .where(leader.c.name == FEED, leader.c.holder == self._holder)
            .values(holder=None, lease_until=None)
        )


class Feed:
    """The stream as it is watched."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._tail = FeedTail(database, clock)
        self.clock = clock

    def doorbell(self) -> Doorbell:
        """Rings in this process when there may be another page."""
        return self._database.doorbells.listen(STAMPED)

    async def page(self, topics: Collection[str], start_revision: int) -> tuple[Page, bool]:
        """The page from ``start_revision`` on as it is now, perhaps without changes.

        And whether another follows at once. Raises ``RevisionCompacted``.
        """
        found = await self._tail.page(topics, start_revision)
        if found is not None:
            return found
        return await self._database.read(partial(_page, tuple(topics), start_revision))

    async def watch(
        self,
        topics: str | Collection[str],
        start_revision: int,
        is_wanted: Callable[[Change], bool] = lambda _: True,
    ) -> AsyncIterator[Page]:
        """Pages of one or several topics from ``start_revision`` on, inclusive; 0 is from now on.

        The first page comes at once and may be empty; then one comes with each change that
        ``is_wanted``, and at least every five seconds. Of those nothing is skipped and nothing
        given twice; pages of which nothing is wanted are summed up in a mark. Raises
        ``RevisionCompacted`` when the start is not kept any more, or lies beyond the next revision:
        then it is of another history, and the follower must load its copy again.
        """
        doorbell = self.doorbell()
        pace = Pace()
        following = start_revision
        of = (topics,) if isinstance(topics, str) else topics
        marked = self.clock.monotonic() - MARK_SECONDS
        while True:
            page, is_full = await self.page(of, following)
            if failpoints.armed and page.changes:
                await failpoints.reach(failpoints.points.FEED_PAGE)
            following = page.revision + 1
            if page.changes:
                pace.busy()
            wanted = tuple(filter(is_wanted, page.changes))
            if wanted or self.clock.monotonic() >= marked + MARK_SECONDS:
                marked = self.clock.monotonic()
                pace.busy()
                yield Page(page.revision, wanted)
            if not is_full:
                until_mark = max(0.0, marked + MARK_SECONDS - self.clock.monotonic())
                await doorbell.wait(self.clock, min(pace.next(), until_mark))


async def _page(topics: Collection[str], start: int, tx: Transaction) -> tuple[Page, bool]:
    return await read_page(tx, topics, start)


async def _has_unstamped(tx: Transaction) -> bool:
    result = await tx.execute(_UNSTAMPED)
    return result.first() is not None


async def _lock(tx: Transaction) -> Row[Any]:
    result = await tx.execute(select(leader).where(leader.c.name == FEED).with_for_update())
    return result.one()
