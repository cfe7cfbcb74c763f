"""What others keep locked, found without waiting for it."""

from collections.abc import Collection
from typing import NamedTuple

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction


class Locked(NamedTuple):
    """Of some keys those whose balances others keep locked, and those that have no balance."""

    kept: set[StockKey]
    without_balance: set[StockKey]


async def locked(stores: Stores, tx: Transaction, keys: Collection[StockKey]) -> Locked:
    """Which of the keys cannot be locked now. Those that can be are, until the transaction ends."""
    names = Names()
    await stores.items.look_up(tx, {key.sku for key in keys}, names)
    await stores.locations.look_up(tx, {key.location_id for key in keys}, names)
    pairs = {
        names.pair(key): key
        for key in keys
        if key.sku in names.item_ids and key.location_id in names.location_ids
    }
    there, free = await stores.ledger.lock_free(tx, pairs)
    known = {pairs[one] for one in there}
    return Locked({pairs[one] for one in there - free}, set(keys) - known)
