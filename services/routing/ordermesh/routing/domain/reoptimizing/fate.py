"""What becomes of an order that is looked at, and why it is not moved."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.reoptimizing.worth import NOTHING, Worths


class Fate(StrEnum):
    """What became of an order."""

    MOVED = "MOVED"
    TO_BE_MOVED = "TO_BE_MOVED"
    BEST_WHERE_IT_IS = "BEST_WHERE_IT_IS"
    SAVES_TOO_LITTLE = "SAVES_TOO_LITTLE"
    WOULD_ARRIVE_LATER = "WOULD_ARRIVE_LATER"
    NOT_ALLOWED = "NOT_ALLOWED"
    NOT_COMPARABLE = "NOT_COMPARABLE"
    BEGUN = "BEGUN"
    NOT_MOVABLE = "NOT_MOVABLE"
    TOO_WIDE = "TOO_WIDE"
    CHANGED_MEANWHILE = "CHANGED_MEANWHILE"
    STOCK_TAKEN = "STOCK_TAKEN"
    CAPACITY_TAKEN = "CAPACITY_TAKEN"
    OTHER_CURRENCY = "OTHER_CURRENCY"
    REFUSED = "REFUSED"


_BY_REASON: Mapping[str, tuple[Fate, str]] = {
    "INSUFFICIENT_STOCK": (Fate.STOCK_TAKEN, "others have taken the stock"),
    "NOT_STOCKED_HERE": (Fate.STOCK_TAKEN, "the stock is not kept there any more"),
    "RESERVATION_CLOSED": (Fate.CHANGED_MEANWHILE, "what it held is not held any more"),
    "RESERVATION_EXPIRED": (Fate.CHANGED_MEANWHILE, "what it held is not held any more"),
    "RESERVATION_NOT_FOUND": (Fate.CHANGED_MEANWHILE, "what it held is not held any more"),
    "LINE_NOT_FOUND": (Fate.CHANGED_MEANWHILE, "what it held is not held any more"),
    "KEY_QUARANTINED": (Fate.REFUSED, "the books of stock that was to move are in quarantine"),
}
"""What becomes of orders by the reason for which the ledger refuses to move their stock."""


def is_foreseen(reason: str) -> bool:
    """Whether the ledger may refuse for this reason without that anything is wrong."""
    return reason in _BY_REASON


def refused_for(reason: str) -> tuple[Fate, str]:
    """What the ledger's refusal makes of orders, and why."""
    fate, fact = _BY_REASON.get(reason, (Fate.REFUSED, "the ledger refused what nobody foresaw"))
    return fate, f"{fact}: {reason}"


@dataclass(frozen=True)
class Staying:
    """Why an order cannot even be compared with others."""

    fate: Fate
    fact: str


@dataclass(frozen=True)
class Told:
    """What became of one order; costs are None where they were not counted."""

    order_id: str
    fate: Fate
    fact: str
    cost_before: Money | None = None
    cost_after: Money | None = None
    decision_id: UUID | None = None
    reassignment_id: UUID | None = None


@dataclass(frozen=True)
class Outcome:
    """What a run found and did; orders are the oldest first.

    ``bound``: no plan of the compared orders costs less, its own moves charged; None where nothing
    is proven. Costs are of the compared orders. ``worths`` are those of what they share.
    ``next_after`` is where the next run goes on; 0: with the oldest order. ``prices`` are what of
    the costs before and after is prices in force; None where nobody can tell any more.
    """

    run_id: UUID
    currency_code: str
    orders: tuple[Told, ...]
    compared: int
    cost_before: Money
    cost_after: Money
    charge: Money
    bound: Money | None
    is_cut: bool
    has_more: bool
    worths: Worths = NOTHING
    next_after: int = 0
    prices: tuple[Money, Money] | None = None

    def count(self, *fates: Fate) -> int:
        """How many orders had one of these fates."""
        return sum(one.fate in fates for one in self.orders)

    @property
    def gap(self) -> float | None:
        """What the costs with the charge could at most be too high, as a share of the bound."""
        if self.bound is None or self.bound <= 0:
            return None
        return (self.cost_after + self.charge - self.bound) / self.bound

    @property
    def by_fate(self) -> Mapping[Fate, int]:
        """How many orders had which fate."""
        return {fate: number for fate in Fate if (number := self.count(fate))}
