"""All balances and kits as they are, page by page, for watchers that go on from there."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from functools import partial

from ordermesh.inventory.domain.item import Item
from ordermesh.inventory.ports.ledger import ToldBalance
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Database
from ordermesh.runtime.feed import revision

BALANCES_PAGE = 3_000
KITS_PAGE = 100
"""Such that a message with the longest names stays below the limit of messages."""


@dataclass(frozen=True)
class Wanted:
    """What a watcher wants to be told of; empty collections mean all."""

    skus: Collection[str] = ()
    location_ids: Collection[str] = ()
    kits: bool = False

    def tells_of(self, sku: str, location_id: str = "") -> bool:
        """Whether an item, or an item at a location, is among what is wanted."""
        return (not self.skus or sku in self.skus) and (
            not location_id or not self.location_ids or location_id in self.location_ids
        )


@dataclass(frozen=True)
class Picture:
    """A part of the snapshot. ``revision`` is 0 in all parts but the last, which is the end."""

    balances: Sequence[ToldBalance] = ()
    kits: Sequence[Item] = ()
    revision: int = 0
    is_end: bool = False


async def snapshot(
    stores: Stores, database: Database, wanted: Wanted, channel: str = ""
) -> AsyncIterator[Picture]:
    """All balances, then all kits; the last part says which revision they contain at least.

    Each part is read by itself, so that no long transaction keeps the database from tidying up. A
    part may thus be newer than the revision, which is read first. That does no harm to whoever
    applies the changes that follow it, and lets the higher sequence win.
    """
    at = await database.read(revision)
    after = None
    while True:
        read = partial(
            stores.ledger.told,
            skus=wanted.skus,
            location_ids=wanted.location_ids,
            after=after,
            size=BALANCES_PAGE,
            channel=channel,
        )
        balances = await database.read(read)
        if balances:
            yield Picture(balances=balances)
        if len(balances) < BALANCES_PAGE:
            break
        after = balances[-1].pair
    last = ""
    while wanted.kits:
        kits = await database.read(
            partial(stores.items.kits_page, skus=wanted.skus, after=last, size=KITS_PAGE)
        )
        if kits:
            yield Picture(kits=kits)
        if len(kits) < KITS_PAGE:
            break
        last = kits[-1].sku
    yield Picture(revision=at, is_end=True)
