"""Goods that come back: what becomes of them at once, and of what was kept apart later."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ordermesh.inventory.domain.errors.stock import InsufficientBlocked
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Account, Cause, Ledger, MovementKind


class Disposition(enum.IntEnum):
    """What becomes of a unit; the numbers are the contract's."""

    RESTOCK = 1
    BLOCK = 2
    DISCARD = 3


_TARGETS: Mapping[Disposition, Account] = {
    Disposition.RESTOCK: Account.FREE,
    Disposition.BLOCK: Account.BLOCKED,
    Disposition.DISCARD: Account.LOSS,
}


@dataclass(frozen=True)
class DisposedUnits:
    """So many units of one key, and what becomes of them."""

    key: StockKey
    disposition: Disposition
    quantity: int


def take_back(ledger: Ledger, units: Sequence[DisposedUnits], order_id: str) -> None:
    """Take units back from a customer, whose order was ``order_id`` ("" where nobody knows).

    What is restocked pays the deficit first. What is discarded changes no balance: its entry says
    that it came and went. Raises ``QuantityTooLarge``.
    """
    _put(ledger, units, Account.CUSTOMER, Cause(MovementKind.RETURNED, order_id=order_id))


def dispose(ledger: Ledger, units: Sequence[DisposedUnits]) -> None:
    """Decide what becomes of blocked units; none of them is blocked again.

    Raises ``InsufficientBlocked`` with every key of which too few are blocked, and
    ``QuantityTooLarge``.
    """
    wanted: dict[StockKey, int] = {}
    for one in units:
        wanted[one.key] = wanted.get(one.key, 0) + one.quantity
    lacking = {
        key: (quantity, ledger.balance(key).blocked)
        for key, quantity in wanted.items()
        if quantity > ledger.balance(key).blocked
    }
    if lacking:
        raise InsufficientBlocked(lacking)
    _put(ledger, units, Account.BLOCKED, Cause(MovementKind.DISPOSED))


def _put(ledger: Ledger, units: Sequence[DisposedUnits], source: Account, cause: Cause) -> None:
    summed: dict[tuple[StockKey, Disposition], int] = {}
    for one in units:
        place = (one.key, one.disposition)
        summed[place] = summed.get(place, 0) + one.quantity
    for (key, disposition), quantity in summed.items():
        if disposition is Disposition.RESTOCK:
            ledger.bring(cause, key, source, quantity)
        else:
            ledger.move(cause, key, source, _TARGETS[disposition], quantity)
