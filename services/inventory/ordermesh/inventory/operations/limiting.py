"""What purchase limits are compared with: read while nobody else decides about the same buyers."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

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

_UNLIMITED = timedelta(0)
"""How far what is not limited looks back."""


async def lock_buyers(stores: Stores, tx: Transaction, buyers: Iterable[Buyer]) -> bool:
    """Lock them where anything is limited, as far as is known; gives whether it is.

    What is committed of the controls is only seen under the locks of balances, which come later.
    """
    is_limited = bool(stores.controls.last_table.kinds & _LOOKING_BACK)
    if is_limited:
        await stores.controls.lock_buyers(tx, set(buyers))
    return is_limited


async def lock_buyer_of(
    stores: Stores, tx: Transaction, reservation_id: UUID
) -> tuple[set[Buyer], bool]:
    """Lock for whom a reservation is, where what they have is counted; gives whether it is.

    Whoever counts it looks at a hold that is kept in its last moment either before or after it is
    kept: not as one that has passed, because nobody has committed yet that it was kept.
    """
    if not (stores.controls.last_table.kinds & _LOOKING_BACK or stores.quotas.concern_customers):
        return set(), False
    seen = await stores.reservations.look_at(tx, [reservation_id], Names())
    buyers = {Buyer(one.order_id, one.customer, one.channel) for one in seen.values()}
    await stores.controls.lock_buyers(tx, buyers)
    return buyers, True


def refuse_unlocked_buyers(terms: Terms, *, is_locked: bool) -> None:
    """Raise ``TransactionConflict`` when something is limited that was not when it was asked."""
    if terms.controls.kinds & _LOOKING_BACK and not is_locked:
        raise TransactionConflict("Purchases were limited while balances were being locked.")


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
    """What the buyers have bought of what they want, as far as limits speak of it.

    ``lines`` are those of each wish, ``buyers`` whose they are.

    Raises ``TransactionConflict`` when something is limited that was not when they were locked.
    """
    bought: list[Reservation] = []
    beyond: list[Purchase] = []
    refuse_unlocked_buyers(terms, is_locked=is_locked)
    if terms.controls.kinds & _LOOKING_BACK:
        windows: dict[str, timedelta | None] = {}
        concerned: set[Buyer] = set()
        for wanted, buyer in zip(lines, buyers, strict=True):
            limited = {
                sku: window
                for sku in {sku for _, sku in asked_units(wanted)}
                if (window := _widest_window(terms, sku)) != _UNLIMITED
            }
            if limited:
                windows.update(limited)
                concerned.add(buyer)
        if concerned:
            items = {names.item_ids[sku] for sku in windows}
            known = [window for window in windows.values() if window is not None]
            since = now - max(known) if len(known) == len(windows) else None
            bought = await stores.reservations.bought(tx, items, concerned, since)
            beyond = await stores.reservations.sent_beyond(tx, bought)
    return Purchases(bought, now, beyond)


def _widest_window(terms: Terms, sku: str) -> timedelta | None:
    """How far the limits of a SKU look back, whoever buys; None: to the beginning."""
    product = terms.controls.product(sku, terms.tags.get(sku, ()))
    windows = [one.window for kind in _LOOKING_BACK for one in product.of_kind(kind)]
    known = [window for window in windows if window is not None]
    return max(known, default=_UNLIMITED) if len(known) == len(windows) else None
