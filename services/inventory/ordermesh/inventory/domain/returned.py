"""Goods that come back: what becomes of them at once, and of what was kept apart later."""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ordermesh.inventory.domain.errors.stock import InsufficientBlocked
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import (
    Account,
    Balance,
    BlockedKind,
    Cause,
    Ledger,
    MovementKind,
)


class Disposition(enum.IntEnum):
    """What becomes of a unit; the numbers are the contract's."""

    RESTOCK = 1
    BLOCK = 2
    DISCARD = 3


UNSAID = (BlockedKind.INSPECTION, BlockedKind.DAMAGED)
"""From where blocked units are taken, in this order, when nobody says of which kind they are."""


@dataclass(frozen=True)
class DisposedUnits:
    """So many units of one key, and what becomes of them.

    ``kind`` says as what they are blocked, or were; None where it was not said.
    """

    key: StockKey
    disposition: Disposition
    quantity: int
    kind: BlockedKind | None = None


def take_back(ledger: Ledger, units: Sequence[DisposedUnits], order_id: str) -> None:
    """Take units back from a customer, whose order was ``order_id`` ("" where nobody knows).

    What is restocked pays the deficit first. What is blocked is to be inspected where nothing else
    was said. What is discarded changes no balance: its entry says that it came and went. Raises
    ``QuantityTooLarge``.
    """
    cause = Cause(MovementKind.RETURNED, order_id=order_id)
    for one, quantity in _summed(units).items():
        _put(ledger, cause, one, Account.CUSTOMER, quantity)


def dispose(ledger: Ledger, units: Sequence[DisposedUnits]) -> None:
    """Decide what becomes of blocked units; none of them is blocked again.

    Raises ``InsufficientBlocked`` with every key of which too few are blocked, and
    ``QuantityTooLarge``.
    """
    summed = _summed(units)
    _refuse_lacking(ledger, summed)
    cause = Cause(MovementKind.DISPOSED)
    # What names its kind is taken first, so that what does not finds the rest.
    for one, quantity in sorted(summed.items(), key=lambda row: row[0].kind is None):
        rest = quantity
        for kind in _kinds(one):
            units_there = min(rest, ledger.balance(one.key).blocked_as(kind))
            if units_there:
                _put(ledger, cause, one, kind.account, units_there)
                rest -= units_there


def _summed(units: Sequence[DisposedUnits]) -> dict[DisposedUnits, int]:
    """Units of the same key, disposition and kind together; their own quantity says nothing."""
    sums: dict[DisposedUnits, int] = {}
    for one in units:
        alike = DisposedUnits(one.key, one.disposition, 0, one.kind)
        sums[alike] = sums.get(alike, 0) + one.quantity
    return sums


def _kinds(one: DisposedUnits) -> tuple[BlockedKind, ...]:
    return UNSAID if one.kind is None else (one.kind,)


def _refuse_lacking(ledger: Ledger, summed: Mapping[DisposedUnits, int]) -> None:
    named: dict[tuple[StockKey, BlockedKind], int] = {}
    unsaid: dict[StockKey, int] = {}
    for one, quantity in summed.items():
        if one.kind is None:
            unsaid[one.key] = unsaid.get(one.key, 0) + quantity
        else:
            named[one.key, one.kind] = named.get((one.key, one.kind), 0) + quantity
    lacking: dict[StockKey, tuple[int, int]] = {}
    for (key, kind), quantity in named.items():
        there = ledger.balance(key).blocked_as(kind)
        if quantity > there:
            lacking[key] = (quantity, there)
    for key, quantity in unsaid.items():
        taken = sum(named.get((key, kind), 0) for kind in UNSAID)
        there = _unsaid(ledger.balance(key))
        if quantity + taken > there and key not in lacking:
            lacking[key] = (quantity + taken, there)
    if lacking:
        raise InsufficientBlocked(lacking)


def _unsaid(balance: Balance) -> int:
    return sum(balance.blocked_as(kind) for kind in UNSAID)


def _put(ledger: Ledger, cause: Cause, one: DisposedUnits, source: Account, quantity: int) -> None:
    if one.disposition is Disposition.RESTOCK:
        ledger.bring(cause, one.key, source, quantity)
    elif one.disposition is Disposition.DISCARD:
        ledger.move(cause, one.key, source, Account.LOSS, quantity)
    else:
        kind = one.kind or BlockedKind.INSPECTION
        ledger.move(cause, one.key, source, kind.account, quantity)
