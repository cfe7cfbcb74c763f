"""Which items controls are about that were changed, began or ended."""

from collections.abc import AsyncIterator, Awaitable, Collection, Sequence
from datetime import datetime
from functools import partial

from ordermesh.inventory.domain.control import Control
from ordermesh.inventory.domain.item import Item
from ordermesh.inventory.domain.stir import Stir, stirred
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Database, Transaction

SKUS = 100
"""How many items are given at a time."""


async def stir_since(
    stores: Stores, tx: Transaction, version: int, since: datetime | None
) -> Stir | None:
    """What has been stirred after a version of the controls and an instant."""
    table = await stores.controls.table(tx)
    changed: Sequence[Control] = ()
    if table.version != version:
        changed = await stores.controls.changed_since(tx, version)
    return stirred(table, changed, since, await tx.now())


async def touched(
    stores: Stores, database: Database, controls: Collection[Control]
) -> AsyncIterator[list[str]]:
    """The items that controls are about, and those that may be."""
    if all(control.sku for control in controls):
        skus = sorted({control.sku for control in controls})
        for start in range(0, len(skus), SKUS):
            yield skus[start : start + SKUS]
        return
    names = {control.sku for control in controls}
    tags = {control.tag for control in controls if not control.sku}
    async for items in all_items(stores, database, names, tags):
        yield items


async def all_items(
    stores: Stores,
    database: Database,
    names: Collection[str] = (),
    tags: Collection[str] = ("",),
) -> AsyncIterator[list[str]]:
    """All items with one of the names or tags; the empty tag is of all."""
    after = ""
    while page := await database.read(partial(_page, stores, after)):
        after = page[-1].sku
        chosen = [
            one.sku
            for one in page
            if "" in tags or one.sku in names or not set(tags).isdisjoint(one.tags)
        ]
        if chosen:
            yield chosen


def _page(stores: Stores, after: str, tx: Transaction) -> Awaitable[list[Item]]:
    return stores.items.page(tx, after, SKUS)
