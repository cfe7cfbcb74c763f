"""Units that are taken off sale, and put on sale again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ordermesh.inventory.domain.errors.stock import (
    InsufficientBlocked,
    InsufficientStock,
    ShortOfStock,
)
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Account, BlockedKind, Cause, Ledger, MovementKind
from ordermesh.inventory.domain.movement import summed

FACTS = frozenset({BlockedKind.DAMAGED, BlockedKind.MISSING})
"""What is so whatever was promised; the other kinds are decisions, which heed promises."""


@dataclass(frozen=True)
class BlockedUnits:
    """So many units of one key that are blocked, or were."""

    key: StockKey
    kind: BlockedKind
    quantity: int


def block(ledger: Ledger, units: Sequence[BlockedUnits]) -> None:
    """Take units off sale.

    Damaged and missing units are taken from free ones first; beyond them promises are left without
    a unit behind them. Others are taken from free ones alone, of what the facts leave.

    Raises ``ShortOfStock`` with every key of which fewer are on hand, ``InsufficientStock`` with
    every key of which fewer are free, ``QuantityTooLarge``.
    """
    wanted = summed((one.key, one.quantity) for one in units)
    facts = summed((one.key, one.quantity) for one in units if one.kind in FACTS)
    _refuse_absent(ledger, facts)
    lacking = {
        key: (wanted[key] - facts.get(key, 0), free)
        for key, free in (
            (one.key, max(0, ledger.balance(one.key).free - facts.get(one.key, 0)))
            for one in units
            if one.kind not in FACTS
        )
        if wanted[key] - facts.get(key, 0) > free
    }
    if lacking:
        raise InsufficientStock(lacking)
    cause = Cause(MovementKind.BLOCKED)
    for (key, kind), quantity in _by_kind(units).items():
        if kind in FACTS:
            ledger.take_away(cause, key, kind.account, quantity)
        else:
            ledger.move(cause, key, Account.FREE, kind.account, quantity)


def _refuse_absent(ledger: Ledger, facts: Mapping[StockKey, int]) -> None:
    absent = {
        key: (quantity, ledger.balance(key).on_hand)
        for key, quantity in facts.items()
        if quantity > ledger.balance(key).on_hand
    }
    if absent:
        raise ShortOfStock(absent)


def undercut(ledger: Ledger, units: Sequence[BlockedUnits]) -> dict[StockKey, int]:
    """By how many units the facts go beyond what is free, by key.

    Overdue holds count for nobody: so many of them are to be expired before promises are broken.
    """
    facts = summed((one.key, one.quantity) for one in units if one.kind in FACTS)
    beyond = {key: quantity - ledger.balance(key).free for key, quantity in facts.items()}
    return {key: units for key, units in beyond.items() if units > 0}


def unblock(ledger: Ledger, units: Sequence[BlockedUnits]) -> None:
    """Put blocked units on sale again; they pay the deficit first.

    Raises ``InsufficientBlocked`` with every key of which too few are blocked so,
    ``QuantityTooLarge``.
    """
    wanted = _by_kind(units)
    lacking = {
        key: (quantity, ledger.balance(key).blocked_as(kind))
        for (key, kind), quantity in wanted.items()
        if quantity > ledger.balance(key).blocked_as(kind)
    }
    if lacking:
        raise InsufficientBlocked(lacking)
    cause = Cause(MovementKind.UNBLOCKED)
    for (key, kind), quantity in wanted.items():
        ledger.bring(cause, key, kind.account, quantity)


def _by_kind(units: Sequence[BlockedUnits]) -> dict[tuple[StockKey, BlockedKind], int]:
    sums: dict[tuple[StockKey, BlockedKind], int] = {}
    for one in units:
        sums[one.key, one.kind] = sums.get((one.key, one.kind), 0) + one.quantity
    return sums
