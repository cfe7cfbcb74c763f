"""Telling which levels of availability were crossed."""

from collections.abc import Awaitable, Callable, Collection, Mapping

from ordermesh.inventory.domain.levels import Look, Standing, Subject, settle_levels
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction

LookAt = Callable[[Collection[str], Mapping[Subject, Standing]], Awaitable[Mapping[Subject, Look]]]
"""Looks at the levels of items, given what was known of them."""


async def tell_levels(
    stores: Stores, tx: Transaction, skus: Collection[str], look_at: LookAt
) -> int:
    """Tell what was crossed by items, and by the kits that they are parts of; gives how much.

    What is told, and that it was told, is written together. The caller holds the lock on levels.
    """
    names = Names()
    wanted = set(skus) | await stores.items.kits_with(tx, skus)
    known = await stores.levels.known(tx, wanted, names)
    existing = wanted & names.item_ids.keys()
    looks = await look_at(existing, known)
    changed, told = settle_levels(looks, known)
    await stores.levels.save(tx, changed, names)
    version = (await stores.controls.table(tx)).version if told else 0
    for one in told:
        await stores.announcer.crossed(tx, one, version)
    return len(told)
