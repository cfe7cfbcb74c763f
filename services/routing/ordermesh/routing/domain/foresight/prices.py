"""Prices in force: what a unit of stock, or of work, is worth to orders that will come.

An order that is decided now pays them for what it takes, so that it leaves to later orders what is
worth more to them. Prices grow old: from ``fade_time`` on they count less with every moment, and at
``end_time`` nothing. Without prices an order takes what is cheapest for itself. Bad prices cost
money; they never make anything impossible.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.problem import Adjustment, AdjustmentKind
from ordermesh.routing.domain.rounding import divide_half_even
from ordermesh.routing.domain.wanted import Wanted

PERMILLE = 1_000

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class PriceBook:
    """A version of prices: of stock by SKU, then location, of a unit of work by location."""

    version: int
    currency_code: str
    fade_time: datetime
    end_time: datetime
    stock: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    labor: Mapping[str, int] = field(default_factory=dict)

    def at(self, now: datetime, currency_code: str) -> "PricesNow":
        """What counts of them now, to who counts in a currency."""
        if currency_code != self.currency_code:
            return NO_PRICES
        permille = strength(self.fade_time, self.end_time, now)
        return PricesNow(self, permille) if permille else NO_PRICES


def strength(fade_time: datetime, end_time: datetime, now: datetime) -> int:
    """How much of prices counts, in thousandths."""
    if now <= fade_time:
        return PERMILLE
    if now >= end_time:
        return 0
    left, whole = end_time - now, end_time - fade_time
    return int(left * PERMILLE / whole)


@dataclass(frozen=True, slots=True)
class PricesUsed:
    """The prices that a decision looked ahead with: their version, and how much of them counted."""

    version: int
    permille: int


@dataclass(frozen=True)
class PricesNow:
    """Prices as they count at a moment."""

    book: PriceBook | None = None
    permille: int = 0

    @property
    def used(self) -> PricesUsed | None:
        """What a decision says of them; None for none."""
        return None if self.book is None else PricesUsed(self.book.version, self.permille)

    def next_change(self, now: datetime) -> datetime | None:
        """When they begin to count less, and then with every minute; None where there are none."""
        if self.book is None:
            return None
        return self.book.fade_time if self.book.fade_time > now else now + _MINUTE

    def charges(self, wanted: Iterable[Wanted]) -> dict[str, tuple[Adjustment, ...]]:
        """By location, what a unit of each line pays there.

        A line of several SKUs pays the mean of what its units are worth, rounded half to even.
        """
        if self.book is None:
            return {}
        book, found = self.book, dict[str, list[Adjustment]]()
        for one in wanted:
            name, units = one.line.line_id, sum(one.units.values())
            for location_id, amount in self._stock(book, one.units).items():
                each = self._faded(amount, units)
                if each:
                    charge = Adjustment(AdjustmentKind.STOCK_PRICE, name, each)
                    found.setdefault(location_id, []).append(charge)
            for location_id, amount in book.labor.items():
                each = self._faded(amount, 1)
                if each:
                    charge = Adjustment(AdjustmentKind.LABOR_PRICE, name, each)
                    found.setdefault(location_id, []).append(charge)
        return {location_id: tuple(charges) for location_id, charges in found.items()}

    def _stock(self, book: PriceBook, units: Mapping[str, int]) -> dict[str, int]:
        """By location, what all of these units are worth there."""
        total: dict[str, int] = {}
        for sku, number in units.items():
            for location_id, worth in book.stock.get(sku, {}).items():
                total[location_id] = total.get(location_id, 0) + worth * number
        return total

    def _faded(self, amount: int, units: int) -> Money:
        return Money(divide_half_even(amount * self.permille, PERMILLE * units))


NO_PRICES = PricesNow()
"""Nothing looks ahead."""


def with_charges(
    ruled: tuple[Adjustment, ...], charges: tuple[Adjustment, ...]
) -> tuple[Adjustment, ...]:
    """What rules add at a location, and prices.

    What the location's own customers may miss and what later orders would pay are two guesses at
    what a unit is worth: the greater one counts, and not both.
    """
    missed = {
        one.line_id: one.amount
        for one in ruled
        if one.kind is AdjustmentKind.STOCK_OUT and one.line_id
    }
    added = []
    for one in charges:
        amount = one.amount
        if one.kind is AdjustmentKind.STOCK_PRICE:
            amount = Money(max(0, amount - max(0, missed.get(one.line_id, 0))))
        if amount:
            added.append(Adjustment(one.kind, one.line_id, amount))
    return (*ruled, *added)
