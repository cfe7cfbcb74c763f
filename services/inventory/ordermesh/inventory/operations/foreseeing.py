"""Promising stock on what is remembered of it, so that nothing needs to be looked at first.

The decisions are those of ``reserving``, by the same rules; only what they start from was read
before. They stand if the database finds that every balance still has the entry that was its last,
and items, locations and controls are the same. It may only say yes: every other answer comes from a
look under locks.
"""

from collections.abc import Sequence
from uuid import UUID

from ordermesh.inventory.domain.control import ControlKind
from ordermesh.inventory.domain.ledger import Ledger
from ordermesh.inventory.domain.limits import Purchases
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.quotas import NO_QUOTAS, OpenHolds
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.operations.reservations import Kept
from ordermesh.inventory.operations.reserving import ReserveBatch, Wish
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.recollection import Recollection
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.at_once import AtOnce, MustLook
from ordermesh.runtime.batching import Later

_SAID = (ReservationMode.UNSAID, ReservationMode.RESERVE)


def may_foresee(stores: Stores, wishes: Sequence[Wish]) -> bool:
    """Whether all wishes can be decided on what is remembered, and it is worth a try.

    Not where anything else must be known: balances of keys that nobody asked for yet, kits, groups
    and supplies, what others bought or hold, what was taken from pools. Where some of it must, a
    look at all costs no more than a look at some.
    """
    memory = stores.recollection
    return _is_enough(memory) and _are_plain(stores, wishes) and not memory.is_resting()


async def reserve_foreseen(
    stores: Stores, tx: AtOnce, wishes: Sequence[Wish]
) -> Sequence[Kept | Later]:
    """Hold what is remembered to be there; ``LATER`` for wishes of which too little is.

    Only where ``may_foresee``. Raises ``MustLook``.
    """
    memory = stores.recollection
    keys = {line.key for wish in wishes for line in wish.ask.wanted}
    is_known = memory.is_of(tx.history) and keys <= memory.balances.keys()
    if memory.stamps is None or not is_known:
        raise MustLook
    batch = await _opened(stores, tx, Ledger({key: memory.balances[key] for key in keys}))
    verdicts = [batch.foresee(wish, wish.ask) for wish in wishes]
    if batch.changes:
        stores.controls.expect(tx, memory.stamps)
        await batch.write()
        _count_on(memory, tx, batch.ledger)
    return verdicts


def _is_enough(memory: Recollection) -> bool:
    """Whether decisions need nothing but balances, items, locations and controls."""
    controls = memory.controls
    needs_more = controls.limits_purchases or ControlKind.POOL in controls.kinds
    return memory.stamps is not None and not needs_more


def _are_plain(stores: Stores, wishes: Sequence[Wish]) -> bool:
    """Whether all wishes can be decided on what is remembered."""
    balances, taken = stores.recollection.balances, set[UUID]()
    for wish in wishes:
        ask = wish.ask
        if ask.replaces or ask.is_best_effort or ask.reservation_id in taken:
            return False
        if stores.quotas.concern(ask.customer, is_limited=wish.is_limited):
            return False
        taken.add(ask.reservation_id)
        for line in ask.wanted:
            is_plain = line.mode in _SAID and line.wait is None and not line.group
            if not is_plain or line.key not in balances:
                return False
    return True


async def _opened(stores: Stores, tx: AtOnce, ledger: Ledger) -> ReserveBatch:
    memory, now = stores.recollection, await tx.now()
    return ReserveBatch(
        stores,
        tx,
        Names(memory.item_ids, memory.location_ids),
        Terms(controls=memory.controls, tags=memory.tags, groups=memory.groups),
        ledger,
        Purchases((), now),
        OpenHolds(NO_QUOTAS, (), {}),
        now,
        {},
        {},
    )


def _count_on(memory: Recollection, tx: AtOnce, ledger: Ledger) -> None:
    """Let the next decisions start from these, which are void when these are not written."""
    changed = ledger.changed()
    memory.foresee(changed)
    epoch = memory.epoch
    tx.believe(lambda: memory.epoch == epoch)
    tx.after_failure(lambda: memory.forget(changed))
    tx.after_commit(memory.hit)
