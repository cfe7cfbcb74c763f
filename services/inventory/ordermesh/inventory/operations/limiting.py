"""What purchase limits are compared with: read while nobody else decides about the same buyers."""

from collections.abc import Iterable
from datetime import datetime

from ordermesh.inventory.domain.control import ControlKind
from ordermesh.inventory.domain.limits import AskedFor, Buyer, Purchase, Purchases, asked_units
from ordermesh.inventory.domain.reservation import Reservation
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import TransactionConflict

_LOOKING_BACK = frozenset({ControlKind.LIMIT_PER_ORDER, ControlKind.LIMIT_PER_CUSTOMER})
"""The kinds of controls that are compared with what was bought before."""


async def lock_buyers(stores: Stores, tx: Transaction, buyers: Iterable[Buyer]) -> bool:
    """Lock them where anything is limited, as far as is known; gives whether it is.

    What is committed of the controls is only seen under the locks of balances, which come later.
    """
    is_limited = bool(stores.controls.last_table.kinds & _LOOKING_BACK)
    if is_limited:
        await stores.controls.lock_buyers(tx, set(buyers))
    return is_limited


async def purchases_of(
    stores: Stores,
    tx: Transaction,
    names: Names,
    terms: Terms,
    lines: Iterable[Iterable[AskedFor]],
    buyers: Iterable[Buyer],
    now: datetime,
    *,
    is_locked: bool,
) -> Purchases:
    """What the buyers have bought of what they want; ``lines`` are those of each wish.

    Raises ``TransactionConflict`` when something is limited that was not when they were locked.
    """
    bought: list[Reservation] = []
    beyond: list[Purchase] = []
    if terms.controls.kinds & _LOOKING_BACK:
        if not is_locked:
            raise TransactionConflict("Purchases were limited while balances were being locked.")
        skus = {sku for one in lines for _, sku in asked_units(one)}
        items = {names.item_ids[sku] for sku in skus}
        bought = await stores.reservations.bought(tx, items, set(buyers))
        beyond = await stores.reservations.sent_beyond(tx, bought)
    return Purchases(bought, now, beyond)
