"""What one channel may promise, followed: balances that change, and balances that controls change.

The feed tells what callers may that name no channel. For a channel, the balances that it tells of
are read again under the controls as they are; so are those that controls are about which were put
or deleted, began or ended. Reading later than the change does no harm: what is told is absolute.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.ports.controls import CONTROLS_CHANGED
from ordermesh.inventory.ports.ledger import ToldBalance
from ordermesh.inventory.ports.names import Names, Pair
from ordermesh.inventory.ports.stores import Stores
from ordermesh.inventory.queries.stirring import stir_since, touched
from ordermesh.inventory.queries.watching import BALANCES_PAGE, Wanted
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.feed import MARK_SECONDS, Change, Feed
from ordermesh.runtime.feed_pages import STAMPED

LOOK_SECONDS = 0.3
"""How often controls are looked at that other processes changed, or that begin or end."""

AVAILABILITY, ITEM = "availability", "item"


@dataclass(frozen=True)
class Turn:
    """Everything up to ``revision`` has been given: balances, and changes of items."""

    revision: int
    balances: Sequence[ToldBalance] = ()
    items: Sequence[Change] = ()


@dataclass(frozen=True)
class _Mark:
    """How far was looked at the controls."""

    version: int
    time: datetime


class ChannelWatch:
    """Follows one channel. ``begin`` comes before the picture that the turns follow."""

    def __init__(
        self, stores: Stores, database: Database, feed: Feed, wanted: Wanted, channel: str
    ) -> None:
        self._stores = stores
        self._database = database
        self._feed = feed
        self._wanted = wanted
        self._channel = channel
        self._mark: _Mark | None = None

    async def begin(self) -> None:
        """From now on no change of a control is missed."""
        self._mark = await self._database.read(self._now)

    async def turns(self, start_revision: int) -> AsyncIterator[Turn]:
        """What changes from a revision on, for ever; at least every five seconds a turn.

        Raises ``RevisionCompacted``.
        """
        clock, following = self._feed.clock, start_revision
        doorbell = self._database.doorbells.listen(STAMPED, CONTROLS_CHANGED)
        topics = (AVAILABILITY, ITEM) if self._wanted.kits else (AVAILABILITY,)
        marked = clock.monotonic()
        while True:
            page, is_full = await self._feed.page(topics, following)
            following = page.revision + 1
            balances = await self._database.read(partial(self._changed, page.changes))
            items = [change for change in page.changes if change.topic == ITEM]
            has_told = bool(balances or items)
            if has_told:
                yield Turn(page.revision, balances, items)
            async for stirred in self._stirred():
                has_told = True
                yield Turn(page.revision, stirred)
            if not has_told and clock.monotonic() >= marked + MARK_SECONDS:
                has_told = True
                yield Turn(page.revision)
            if has_told:
                marked = clock.monotonic()
            if not is_full:
                await doorbell.wait(clock, LOOK_SECONDS)

    async def _now(self, tx: Transaction) -> _Mark:
        return _Mark((await self._stores.controls.table(tx)).version, await tx.now())

    async def _changed(self, changes: Sequence[Change], tx: Transaction) -> Sequence[ToldBalance]:
        """The balances that changes of the feed are about, as the channel may sell them now."""
        keys = {
            StockKey(*change.key.split("\x1f"))
            for change in changes
            if change.topic == AVAILABILITY
        }
        wanted = {key for key in keys if self._wanted.tells_of(*key)}
        if not wanted:
            return ()
        names = Names()
        await self._stores.items.look_up(tx, {key.sku for key in wanted}, names)
        await self._stores.locations.look_up(tx, {key.location_id for key in wanted}, names)
        return await self._stores.ledger.told_at(tx, names.pairs(wanted), self._channel)

    async def _stirred(self) -> AsyncIterator[Sequence[ToldBalance]]:
        """The balances that changed controls are about, as the channel may sell them now."""
        if self._mark is None:
            raise RuntimeError("A watch begins before its turns.")
        mark = self._mark
        read = partial(stir_since, self._stores, version=mark.version, since=mark.time)
        stir = await self._database.read(read)
        if stir is None:
            return
        concerned = [one for one in stir.controls if self._is_concerned(one)]
        if concerned:
            async for skus in touched(self._stores, self._database, concerned):
                chosen = [sku for sku in skus if self._wanted.tells_of(sku)]
                async for balances in self._all_of(chosen):
                    yield balances
        self._mark = _Mark(stir.version, stir.now)

    async def _all_of(self, skus: Collection[str]) -> AsyncIterator[Sequence[ToldBalance]]:
        after: Pair | None = None
        while skus:
            read = partial(
                self._stores.ledger.told,
                skus=skus,
                location_ids=self._wanted.location_ids,
                after=after,
                size=BALANCES_PAGE,
                channel=self._channel,
            )
            balances = await self._database.read(read)
            if balances:
                yield balances
            if len(balances) < BALANCES_PAGE:
                return
            after = balances[-1].pair

    def _is_concerned(self, control: Control) -> bool:
        """Whether a control can change what the channel may sell: a pool takes from all others."""
        return control.channel in ("", self._channel) or control.kind is ControlKind.POOL
