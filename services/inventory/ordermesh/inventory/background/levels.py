"""Crossings of levels are told."""

import asyncio
from collections.abc import Sequence
from functools import partial

from ordermesh.inventory.domain.control import ControlKind
from ordermesh.inventory.domain.stir import Stir
from ordermesh.inventory.operations.levels import tell_levels
from ordermesh.inventory.ports.controls import CONTROLS_CHANGED
from ordermesh.inventory.ports.stores import Stores
from ordermesh.inventory.queries.levels import look_at
from ordermesh.inventory.queries.stirring import SKUS, all_items, stir_since, touched
from ordermesh.kernel.clock import Clock
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.feed import Feed, Page, RevisionCompacted

TOPICS = ("availability", "item")
"""The topics of the feed that tell of balances, and of tags and compositions."""

CONTROL_SECONDS = 0.5
"""How often controls are looked at that other processes changed, or that begin or end."""

MARK_REVISIONS = 1_000
"""After so many revisions that tell of no balance it is remembered how far was looked."""


class LevelWatcher:
    """Tells crossings of levels, each once.

    One task follows the feed of balances, another the controls: what they change by being put,
    deleted, begun or ended. Any number of processes may watch; the lock on levels lets one look at
    a time.
    """

    def __init__(self, database: Database, feed: Feed, stores: Stores, clock: Clock) -> None:
        self._database = database
        self._feed = feed
        self._stores = stores
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        self._looked = 0  # the revision at which others' progress was compared with ours

    async def run(self) -> None:
        """Watch until stopped."""
        self._task = asyncio.current_task()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._follow_balances())
            group.create_task(self._follow_controls())

    async def stop(self) -> None:
        """End ``run``."""
        if self._task is not None:
            self._task.cancel()

    async def _follow_balances(self) -> None:
        while True:
            watched = await self._database.read(self._stores.levels.watched)
            try:
                async for page in self._feed.watch(TOPICS, watched.revision + 1):
                    if not await self.look(page):
                        break
            except RevisionCompacted as compacted:
                # Too far behind to know what changed: everything is looked at.
                async for skus in all_items(self._stores, self._database):
                    await self._database.run(partial(self._tell, skus))
                oldest = int(compacted.facts()["oldestRevision"])
                await self._database.run(partial(self._advance, oldest - 1))

    async def look(self, page: Page) -> bool:
        """Look at what a page tells of; False when another process had looked further."""
        skus: list[str] = []
        if page.changes and await self._is_any_watched():
            # Of a balance the key begins with the SKU, of an item it is the SKU.
            skus = sorted({change.key.split("\x1f")[0] for change in page.changes})
            for start in range(0, len(skus), SKUS):
                await self._database.run(partial(self._tell, skus[start : start + SKUS]))
        elif page.revision < self._looked + MARK_REVISIONS:
            return True
        watched = await self._database.read(self._stores.levels.watched)
        if watched.revision > page.revision:
            return False
        if skus or page.revision >= watched.revision + MARK_REVISIONS:
            await self._database.run(partial(self._advance, page.revision))
        self._looked = page.revision
        return True

    async def _is_any_watched(self) -> bool:
        """Whether a control watches levels by now: what one put later crosses is looked at then.

        The table that was read last may be older, or none at all where this process has just begun.
        """
        table = await self._database.read(self._stores.controls.table)
        return ControlKind.LOW_LEVEL in table.kinds

    async def _follow_controls(self) -> None:
        doorbell = self._database.doorbells.listen(CONTROLS_CHANGED)
        while True:
            await self.look_at_controls()
            await doorbell.wait(self._clock, CONTROL_SECONDS)

    async def look_at_controls(self) -> None:
        """Look at what controls changed since they were looked at last."""
        stir = await self._database.read(self._stir)
        if stir is None:
            return
        async for skus in touched(self._stores, self._database, stir.controls):
            await self._database.run(partial(self._tell, skus))
            if stir.is_public:
                await self._database.run(partial(self._retell, skus))
        await self._database.run(partial(self._note_controls, stir))

    async def _stir(self, tx: Transaction) -> Stir | None:
        watched = await self._stores.levels.watched(tx)
        return await stir_since(self._stores, tx, watched.control_version, watched.look_time)

    async def _tell(self, skus: Sequence[str], tx: Transaction) -> None:
        await self._stores.levels.lock(tx)
        await tell_levels(self._stores, tx, skus, partial(look_at, self._stores, tx))

    async def _retell(self, skus: Sequence[str], tx: Transaction) -> None:
        """Tell of balances anew, by what is so under their locks: a look is of a moment before."""
        await self._stores.ledger.tell(tx, skus, ())

    async def _advance(self, revision: int, tx: Transaction) -> None:
        if (await self._stores.levels.lock(tx)).revision < revision:
            await self._stores.levels.note(tx, revision=revision)

    async def _note_controls(self, stir: Stir, tx: Transaction) -> None:
        watched = await self._stores.levels.lock(tx)
        if watched.control_version <= stir.version:
            await self._stores.levels.note(tx, control_version=stir.version, look_time=stir.now)
