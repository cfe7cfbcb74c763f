"""Goods that come back: what becomes of them at once, and of what was kept apart later."""

import enum
from collections.abc import Sequence
from dataclasses import dataclass, replace

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
from ordermesh.inventory.domain.movement import refuse_wrong_serials


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

    ``kind`` says as what they are blocked, or were; None where it was not said. ``lot_id`` and
    ``serial_numbers`` are facts that go with them.
    """

    key: StockKey
    disposition: Disposition
    quantity: int
    kind: BlockedKind | None = None
    serial_numbers: tuple[str, ...] = ()
    lot_id: str = ""


def take_back(ledger: Ledger, units: Sequence[DisposedUnits], order_id: str) -> None:
    """Take units back from a customer, whose order was ``order_id`` ("" where nobody knows).

    What is restocked pays the deficit first. What is blocked is to be inspected where nothing else
    was said. What is discarded changes no balance: its entry says that it came and went. Raises
    ``DuplicateEntry``, ``TooManySerialNumbers`` and ``QuantityTooLarge``.
    """
    refuse_wrong_serials("lines", units)
    cause = Cause(MovementKind.RETURNED, order_id=order_id)
    for one in _summed(units):
        _put(ledger, cause, one, Account.CUSTOMER)


def dispose(ledger: Ledger, units: Sequence[DisposedUnits]) -> None:
    """Decide what becomes of blocked units; none of them is blocked again.

    Raises ``InsufficientBlocked`` with every key of which too few are blocked, and as
    ``take_back``.
    """
    refuse_wrong_serials("lines", units)
    summed = _summed(units)
    _refuse_lacking(ledger, summed)
    cause = Cause(MovementKind.DISPOSED)
    # What names its kind is taken first, so that what does not finds the rest.
    for one in sorted(summed, key=lambda one: one.kind is None):
        rest = one
        for kind in _kinds(one):
            part, rest = _parted(rest, ledger.balance(one.key).blocked_as(kind))
            if part.quantity:
                _put(ledger, cause, part, kind.account)


def _parted(one: DisposedUnits, units: int) -> tuple[DisposedUnits, DisposedUnits]:
    """So many of the units, or all where there are fewer, and the others."""
    count, serials = min(one.quantity, units), one.serial_numbers
    part = replace(one, quantity=count, serial_numbers=serials[:count])
    return part, replace(one, quantity=one.quantity - count, serial_numbers=serials[count:])


def _summed(units: Sequence[DisposedUnits]) -> list[DisposedUnits]:
    """Units of the same key, disposition, kind and lot together."""
    sums: dict[object, DisposedUnits] = {}
    for one in units:
        alike = (one.key, one.disposition, one.kind, one.lot_id)
        known = sums.get(alike)
        sums[alike] = (
            one
            if known is None
            else replace(
                known,
                quantity=known.quantity + one.quantity,
                serial_numbers=known.serial_numbers + one.serial_numbers,
            )
        )
    return list(sums.values())


def _kinds(one: DisposedUnits) -> tuple[BlockedKind, ...]:
    return UNSAID if one.kind is None else (one.kind,)


def _refuse_lacking(ledger: Ledger, summed: Sequence[DisposedUnits]) -> None:
    named: dict[tuple[StockKey, BlockedKind], int] = {}
    unsaid: dict[StockKey, int] = {}
    for one in summed:
        if one.kind is None:
            unsaid[one.key] = unsaid.get(one.key, 0) + one.quantity
        else:
            named[one.key, one.kind] = named.get((one.key, one.kind), 0) + one.quantity
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


def _put(ledger: Ledger, cause: Cause, one: DisposedUnits, source: Account) -> None:
    facts = (one.quantity, one.serial_numbers, one.lot_id)
    if one.disposition is Disposition.RESTOCK:
        ledger.bring(cause, one.key, source, *facts)
    elif one.disposition is Disposition.DISCARD:
        ledger.move(cause, one.key, source, Account.LOSS, *facts)
    else:
        kind = one.kind or BlockedKind.INSPECTION
        ledger.move(cause, one.key, source, kind.account, *facts)
