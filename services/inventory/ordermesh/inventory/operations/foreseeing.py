"""Promising stock on what is remembered of it, so that nothing needs to be looked at first.

The decisions are those of ``reserving``, by the same rules; only what they start from was read
before. They stand if the database finds that every balance still has the entry that was its last,
and items, locations and controls are the same. It may only say yes: every other answer comes from a
look under locks.
"""

from collections.abc import Sequence
from uuid import UUID

from ordermesh.inventory.domain.control import ControlKind
from ordermesh.inventory.domain.kit import Wanted
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
from ordermesh.runtime.batching import LATER, Later

_SAID = (ReservationMode.UNSAID, ReservationMode.RESERVE)


def may_foresee(stores: Stores, wishes: Sequence[Wish]) -> bool:
    """Whether most wishes can be decided on what is remembered, and it is worth a try.

    Not those for which anything else must be known: balances of keys that nobody asked for yet,
    kits, groups and supplies, what others bought or hold, what was taken from pools. Where most are
    such, a look at all costs no more than a look at them.
    """
    memory = stores.recollection
    if not _is_enough(memory) or 2 * sum(_plain(stores, wishes)) < len(wishes):
        return False
    return not memory.is_resting()


async def reserve_foreseen(
    stores: Stores, tx: AtOnce, wishes: Sequence[Wish]
) -> Sequence[Kept | Later]:
    """Hold what is remembered to be there; ``LATER`` for wishes of which too little is known.

    Only where ``may_foresee``. Raises ``MustLook``.
    """
    memory = stores.recollection
    if not memory.is_of(tx.history) or memory.stamps is None:
        raise MustLook
    plain = _plain(stores, wishes)
    chosen = [wish for wish, is_plain in zip(wishes, plain, strict=True) if is_plain]
    keys = {line.key for wish in chosen for line in wish.ask.wanted}
    batch = await _opened(stores, tx, Ledger({key: memory.balances[key] for key in keys}))
    verdicts = [
        batch.foresee(wish, wish.ask) if is_plain else LATER
        for wish, is_plain in zip(wishes, plain, strict=True)
    ]
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


def _plain(stores: Stores, wishes: Sequence[Wish]) -> list[bool]:
    """Which of the wishes can be decided on what is remembered."""
    taken: set[UUID] = set()
    found: list[bool] = []
    for wish in wishes:
        ask = wish.ask
        is_alone = ask.reservation_id not in taken and not ask.replaces
        taken.add(ask.reservation_id)
        found.append(
            is_alone
            and not ask.is_best_effort
            and not stores.quotas.concern(ask.customer, is_limited=wish.is_limited)
            and all(_is_plain(line, stores.recollection) for line in ask.wanted)
        )
    return found


def _is_plain(line: Wanted, memory: Recollection) -> bool:
    is_ordinary = line.mode in _SAID and line.wait is None and not line.group
    return is_ordinary and line.key in memory.balances


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
