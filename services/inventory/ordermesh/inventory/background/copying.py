"""A copy of what can be promised is kept for many readers."""

import asyncio
import logging
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial
from itertools import islice

from ordermesh.api.inventory.v1 import BalanceChange, CopyChange
from ordermesh.client.copies import CopyAway
from ordermesh.client.vectors import Vectors
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.ports.copies import CopyLost, CopyReader, CopyWriter
from ordermesh.inventory.ports.ledger import ToldBalance
from ordermesh.inventory.ports.names import Pair
from ordermesh.inventory.ports.stores import Stores
from ordermesh.inventory.queries.watching import Wanted, snapshot
from ordermesh.inventory.wire.availability import (
    composition_message,
    composition_of,
    packed,
    packed_told,
)
from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import Conflict, Overloaded, Unavailable
from ordermesh.runtime.database import Database
from ordermesh.runtime.feed import Feed, Page, RevisionCompacted
from ordermesh.runtime.leadership import Leadership

LOOK_SECONDS = 0.5
"""How often the copy is brought in line when nothing rings: changes of other replicas do not."""

COMPARE_SECONDS = 1.0
COMPARED_VECTORS = 50
COMPARED_BALANCES = 500
"""How often, and how much at a time, the copy and the ledger are compared with memory."""

SUSPECT_SECONDS = 5.0
"""A change reaches memory within this time, or it never will."""

REST_SECONDS, REST_SECONDS_MAX = 0.2, 5.0
"""How long Redis is left alone when it does not answer."""

_log = logging.getLogger(__name__)


class LedgerDiffers(Exception):
    """What we hold in memory is not what the ledger says."""


class Rest:
    """How long to leave alone what does not answer: a little longer each time."""

    def __init__(self) -> None:
        self._seconds = REST_SECONDS

    @property
    def is_first(self) -> bool:
        """Whether it has answered before."""
        return self._seconds == REST_SECONDS

    def next(self) -> float:
        """Seconds to wait now."""
        seconds = self._seconds
        self._seconds = min(REST_SECONDS_MAX, 2 * seconds)
        return seconds

    def forget(self) -> None:
        """It has answered."""
        self._seconds = REST_SECONDS


_Figures = tuple[int, int, int, int]
"""On hand, reserved, available and sequence of a balance."""


class Kept:
    """What the copier holds in memory, and how far the copy is in line with it.

    ``whole_time`` is when nothing was missing in memory, by the clock of Redis. ``epoch`` is 0
    while no copy is known to be ours. ``change_revision`` is that of the last entry of its stream.
    """

    def __init__(self, vectors: Vectors, revision: int, whole_time: datetime, now: float) -> None:
        self.vectors = vectors
        self.revision = revision
        self.whole_time = whole_time
        self.epoch = 0
        self.change_revision = 0
        self.compare_time = now + COMPARE_SECONDS
        self.compared: Pair | None = None
        self._suspects: dict[StockKey, tuple[float, _Figures, _Figures]] = {}
        self._skus: Iterator[str] = iter(())

    def begun(self, epoch: int) -> None:
        """A new copy holds all of it."""
        self.epoch, self.change_revision = epoch, self.revision

    def follow(self, page: Page) -> tuple[CopyChange, set[str]]:
        """Take in what changed; gives the change, and the items whose vectors are others now."""
        balances = [
            BalanceChange.FromString(change.payload)
            for change in page.changes
            if change.topic == "availability"
        ]
        kits = [composition_of(one.payload) for one in page.changes if one.topic == "item"]
        told = packed(balances)
        self.vectors.apply(told)
        made = self.vectors.compose(kits)
        change = CopyChange(
            epoch=self.epoch,
            previous_revision=self.change_revision,
            revision=page.revision,
            packed=told if balances else None,
            kits=[kit for kit in kits if kit.sku in made],
        )
        self.revision = page.revision
        return change, set(told.skus)

    def written(self, change: CopyChange) -> None:
        """The copy has followed."""
        if change.HasField("packed") or change.kits:
            self.change_revision = change.revision

    def next_skus(self) -> list[str]:
        """The next items and kits that are to be compared."""
        chosen = list(islice(self._skus, COMPARED_VECTORS))
        if not chosen:
            self._skus = iter([*self.vectors.rows, *self.vectors.kits])
            chosen = list(islice(self._skus, COMPARED_VECTORS))
        return chosen

    def suspects(
        self, balances: Sequence[ToldBalance], now: float, *, is_controlled: bool
    ) -> list[StockKey]:
        """The keys of which the ledger says something else. It may be a change on its way to us.

        While controls are in force, what can be promised changes without a change of the balance,
        and is not compared.

        Raises ``LedgerDiffers`` for one that is told the same for longer than any change takes.
        """
        for told in balances:
            theirs = (
                told.balance.on_hand,
                told.balance.reserved,
                told.available,
                told.balance.sequence,
            )
            ours = self.vectors.figures(*told.key)
            if is_controlled:
                ours = (ours[0], ours[1], told.available, ours[3])
            if ours == theirs:
                self._suspects.pop(told.key, None)
                continue
            since, *before = self._suspects.get(told.key, (now, theirs, ours))
            if before != [theirs, ours]:
                since = now
            if now - since > SUSPECT_SECONDS:
                raise LedgerDiffers
            self._suspects[told.key] = (since, theirs, ours)
        return list(self._suspects)


class Copier:
    """Keeps the copy that many readers share; of several replicas one does.

    What it writes it holds in memory, loaded from the ledger and brought forward by the feed. Where
    the copy turns out to be another than was written, it is written anew from memory. Where memory
    turns out to be another than the ledger, it is loaded anew. Nobody waits for any of this. The
    reader beside it, if there is one, is closed with it.
    """

    def __init__(
        self,
        database: Database,
        stores: Stores,
        feed: Feed,
        copy: CopyWriter,
        reader: CopyReader | None,
        clock: Clock,
    ) -> None:
        self._database = database
        self._stores = stores
        self._feed = feed
        self._copy = copy
        self._reader = reader
        self._clock = clock
        self._ids = database.ids
        self._leadership = Leadership(database, clock, "copy")
        self._doorbell = feed.doorbell()
        self._is_stopping = False
        self._has_ended = asyncio.Event()
        self._has_ended.set()

    async def run(self) -> None:
        """Keep the copy until stopped."""
        self._has_ended.clear()
        rest = Rest()
        try:
            while not self._is_stopping:
                try:
                    if await self._leadership.hold():
                        await self._lead(rest)
                except (CopyAway, Unavailable, Overloaded, Conflict) as error:
                    if rest.is_first:
                        _log.warning("the copy cannot be kept", extra={"failure": str(error)})
                    await self._wait(rest.next())
                else:
                    await self._wait(LOOK_SECONDS)
        finally:
            await self._leadership.resign()
            await self._copy.close()
            if self._reader is not None:
                await self._reader.close()
            self._has_ended.set()

    async def stop(self) -> None:
        """End ``run``; returns when it has ended."""
        self._is_stopping = True
        self._doorbell.ring()
        await self._has_ended.wait()

    async def _lead(self, rest: Rest) -> None:
        """Load what the ledger says, and keep a copy of it for as long as we lead."""
        since = await self._copy.time()  # nothing is loaded while Redis is away
        vectors, at = await self._load()
        kept = Kept(vectors, at, since, self._clock.monotonic())
        while not self._is_stopping and await self._leadership.hold():
            try:
                await self._keep(kept)
            except CopyAway as error:
                # Memory stays, and is brought forward when Redis is back.
                if rest.is_first:
                    _log.warning("the copy cannot be written", extra={"failure": str(error)})
                kept.epoch = 0
                await self._wait(rest.next())
            except CopyLost:
                _log.warning("the copy was lost or found wrong; it is written anew")
                kept.epoch = 0
            except (LedgerDiffers, RevisionCompacted) as error:
                _log.warning("the copy is loaded anew", extra={"failure": type(error).__name__})
                return
            else:
                rest.forget()

    async def _keep(self, kept: Kept) -> None:
        """One step: follow the feed, and look whether all is as it should be."""
        since = await self._copy.time()
        if not kept.epoch:
            epoch = self._ids.new().int >> 65
            await self._copy.begin(epoch, kept.vectors, kept.revision, kept.whole_time)
            kept.begun(epoch)
        page, is_full = await self._feed.page(("availability", "item"), kept.revision + 1)
        change, skus = kept.follow(page)
        if not is_full:
            kept.whole_time = since
        await self._copy.write(kept.vectors, skus, change, kept.whole_time)
        kept.written(change)
        if self._clock.monotonic() >= kept.compare_time:
            kept.compare_time = self._clock.monotonic() + COMPARE_SECONDS
            if await self._copy.wrong_among(kept.epoch, kept.vectors, kept.next_skus()):
                raise CopyLost
            await self._compare(kept)
        if not is_full:
            await self._wait(LOOK_SECONDS)

    async def _load(self) -> tuple[Vectors, int]:
        vectors, at = Vectors(), 0
        wanted = Wanted(kits=True)
        async for picture in snapshot(self._stores, self._database, wanted):
            vectors.apply(packed_told(picture.balances))
            vectors.compose(composition_message(kit) for kit in picture.kits)
            at = picture.revision
        return vectors, at

    async def _compare(self, kept: Kept) -> None:
        """Compare the next balances of the ledger; raises ``LedgerDiffers``."""
        told = self._stores.ledger.told
        size = COMPARED_BALANCES
        read = partial(told, skus=(), location_ids=(), after=kept.compared, size=size)
        balances = await self._database.read(read)
        kept.compared = balances[-1].pair if len(balances) == size else None
        is_controlled = bool(self._stores.controls.last_table.controls)
        now = self._clock.monotonic()
        suspects = kept.suspects(balances, now, is_controlled=is_controlled)[:size]
        if suspects:
            skus, places = zip(*suspects, strict=True)
            read = partial(told, skus=skus, location_ids=places, after=None, size=size)
            again = await self._database.read(read)
            kept.suspects(again, self._clock.monotonic(), is_controlled=is_controlled)

    async def _wait(self, seconds: float) -> None:
        if not self._is_stopping:
            await self._doorbell.wait(self._clock, seconds)
