"""Promising stock on what is remembered of it, so that nothing needs to be looked at first.

What is granted stands if the database finds that every balance still has the entry that was its
last, and that items, locations and controls are the same.
"""

from collections.abc import Collection, Sequence
from functools import partial

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.plain import FreeStock, Granted
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.operations.plain import (
    PlainWish,
    grant_each,
    is_counted,
    needs_more,
    write_granted,
)
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.recollection import Recollection
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.at_once import AtOnce, MustLook
from ordermesh.runtime.batching import LATER, Later
from ordermesh.runtime.database import Transaction


def may_foresee(stores: Stores, wishes: Sequence[PlainWish | None]) -> bool:
    """Whether most wishes can be decided on what is remembered, and it is worth a try.

    Not those for which anything else must be known. Where most are such, a look at all costs no
    more than a look at them.
    """
    memory = stores.recollection
    if memory.stamps is None or needs_more(memory.controls):
        return False
    return 2 * _count_foreseeable(stores, wishes) >= len(wishes) > 0 and not memory.is_resting()


def unseen_keys(stores: Stores, wishes: Sequence[PlainWish | None]) -> set[StockKey]:
    """Keys that are plainly wanted, and of which nothing is remembered.

    Empty where nothing can be decided on what is remembered anyway.
    """
    memory = stores.recollection
    if memory.stamps is None or needs_more(memory.controls):
        return set()
    known, others = memory.balances, memory.others
    # Not the difference of sets and keys, which would go through all that is remembered.
    return {
        key
        for wish in wishes
        if wish is not None
        for _, key, _ in wish.ask.lines
        if key not in known and key not in others
    }


async def get_to_know(stores: Stores, tx: Transaction, keys: Collection[StockKey]) -> None:
    """Remember what there is of keys, so that it can be decided on; nothing is locked for it."""
    memory, names = stores.recollection, Names()
    await stores.items.look_up(tx, {key.sku for key in keys}, names)
    await stores.locations.look_up(tx, {key.location_id for key in keys}, names)
    there = [
        key for key in keys if key.sku in names.item_ids and key.location_id in names.location_ids
    ]
    if there:
        await stores.ledger.glance(tx, names.pairs(there))
    memory.set_apart([key for key in keys if key not in memory.balances])


async def reserve_foreseen(
    stores: Stores, tx: AtOnce, wishes: Sequence[PlainWish | None]
) -> Sequence[Granted | Later]:
    """Hold what is remembered to be there; ``LATER`` for wishes of which too little is known.

    Only where ``may_foresee``. Raises ``MustLook``.
    """
    memory = stores.recollection
    # Asked again: others may have seen since that purchases are limited, or that there are pools.
    is_plain = memory.is_of(tx.history) and not needs_more(memory.controls)
    if not is_plain or memory.stamps is None:
        raise MustLook
    terms = Terms(controls=memory.controls, tags=memory.tags, groups=memory.groups)
    now = await tx.now()
    stock = FreeStock(memory.balances, terms, now)
    verdicts = grant_each(stock, wishes, "foresee", partial(is_counted, stores))
    if all(isinstance(one, Later) for one in verdicts):
        return [LATER] * len(wishes)
    stores.controls.expect(tx, memory.stamps)
    names = Names(memory.item_ids, memory.location_ids)
    await write_granted(stores, tx, names, verdicts, stock, terms, now)
    _count_on(memory, tx, stock)
    return verdicts


def _count_foreseeable(stores: Stores, wishes: Sequence[PlainWish | None]) -> int:
    """How many of the wishes can be decided on what is remembered."""
    known = stores.recollection.balances
    return sum(
        all(key in known for _, key, _ in wish.ask.lines) and not is_counted(stores, wish)
        for wish in wishes
        if wish is not None
    )


def _count_on(memory: Recollection, tx: AtOnce, stock: FreeStock) -> None:
    """Let the next decisions start from these, which are void when these are not written."""
    changed = stock.changed()
    memory.foresee(changed)
    epoch = memory.epoch
    tx.believe(lambda: memory.epoch == epoch)
    tx.after_failure(lambda: memory.forget(changed))
    tx.after_commit(memory.hit)
