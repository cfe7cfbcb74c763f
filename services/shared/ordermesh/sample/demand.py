"""Orders drawn from the baskets: which items are carried, who orders, and how wide orders are."""

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ordermesh.kernel.money import Money
from ordermesh.sample.baskets import Baskets

WIDTH_MAX = 6
"""A wider basket is cut into orders of so many lines."""

QUANTITY_MAX = 3
"""Trips to a store buy more of a thing than parcels do."""

DIVISIBLE_SHARE = 0.15
PROMISE_DAYS = (2, 3, 5)
PROMISE_SHARES = (0.3, 0.4, 0.3)

NOT_SENT_IN_PARCELS = frozenset(
    {
        "",
        "BEERS/ALES",
        "BREAD",
        "BULK FOODS",
        "CHARCOAL AND LIGHTER FLUID",
        "CIGARETTES",
        "CIGARS",
        "COUPON",
        "COUPON/MISC ITEMS",
        "FIREWORKS",
        "FROZEN",
        "IN-STORE PHOTOFINISHING",
        "LONG DISTANCE CALLING CARDS",
        "NEWSPAPER",
        "ORGANICS FRUIT & VEGETABLES",
        "OVERNIGHT PHOTOFINISHING",
        "PHARMACY",
        "PREPAID WIRELESS&ACCESSORIES",
        "PROPANE",
        "REFRGRATD DOUGH PRODUCTS",
        "REFRIGERATED",
        "TICKETS",
        "TOBACCO OTHER",
    }
)
"""Categories of the extract that the sample retailer does not sell: petrol among the coupons,
tobacco, services, what burns, what must stay cold, and what has no category."""


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A line of a drawn order; ``item`` is a position among the carried items."""

    item: int
    quantity: int
    unit_price: Money
    divisible: bool


@dataclass(frozen=True, slots=True)
class DrawnOrder:
    """Part ``part``, from 1, of the basket with this number."""

    basket: int
    part: int
    promise_days: int
    lines: tuple[DrawnLine, ...]


@dataclass(frozen=True)
class Demand:
    """The carried items by popularity, as places in ``Baskets.products``, and the orders."""

    products: NDArray[np.int64]
    prices: NDArray[np.int64]
    orders: tuple[DrawnOrder, ...]

    def after(self, history: int) -> "Demand":
        """The same without the first orders."""
        return replace(self, orders=self.orders[history:])

    def lines_by_item(self) -> NDArray[np.int64]:
        """For each carried item the lines that want it."""
        wanted = [line.item for order in self.orders for line in order.lines]
        return np.bincount(wanted, minlength=len(self.products))

    def units_by_item(self) -> NDArray[np.int64]:
        """For each carried item the units that are wanted."""
        units = np.zeros(len(self.products), dtype=np.int64)
        for order in self.orders:
            for line in order.lines:
                units[line.item] += line.quantity
        return units


def item_count(orders: int) -> int:
    """How many items a retailer with so many orders carries."""
    return min(max(round(0.4 * orders), 300), 20_000)


def draw_demand(random: np.random.Generator, baskets: Baskets, orders: int, items: int) -> Demand:
    """So many orders from a drawn start in time, of the so many most popular items.

    Drawn in this order: the basket to start with, which multi-unit lines are divisible, the
    promises. Raises ``ValueError`` when the extract does not give so many orders or items.
    """
    carried = _sold(baskets)[:items]
    if len(carried) < items:
        raise ValueError(f"the extract has {len(carried)} items to sell, not {items}")
    lines = _Lines.of(baskets, carried)
    numbers, widths = np.unique(lines.basket, return_counts=True)
    parts = -(-widths // WIDTH_MAX)
    left = parts[::-1].cumsum()[::-1]
    starts = int(np.count_nonzero(left >= orders))
    if orders < 1 or starts == 0:
        raise ValueError(f"the extract gives between 1 and {left[0]} orders, not {orders}")
    start = int(random.integers(starts))
    first_line = int(widths[:start].sum())
    cuts = _cuts(numbers[start:], widths[start:], orders)
    last_line = first_line + sum(width for _, _, width in cuts)
    quantities = np.minimum(lines.quantity[first_line:last_line], QUANTITY_MAX)
    divisible = np.zeros(len(quantities), dtype=np.bool_)
    multiple = np.flatnonzero(quantities > 1)
    divisible[multiple] = random.random(len(multiple)) < DIVISIBLE_SHARE
    promises = random.choice(PROMISE_DAYS, size=orders, p=PROMISE_SHARES)
    drawn = itertools.starmap(
        DrawnLine,
        zip(
            lines.item[first_line:last_line].tolist(),
            quantities.tolist(),
            map(Money, lines.unit_price[first_line:last_line].tolist()),
            divisible.tolist(),
            strict=True,
        ),
    )
    return Demand(
        products=carried,
        prices=lines.usual_prices(items),
        orders=tuple(_assemble(cuts, promises.tolist(), drawn)),
    )


def _sold(baskets: Baskets) -> NDArray[np.int64]:
    """The products that travel in parcels and of which anything was ever bought, by popularity."""
    bought = np.bincount(
        np.asarray(baskets.columns["line_product"]),
        weights=np.asarray(baskets.columns["line_quantity"]),
        minlength=len(baskets.products),
    )
    return np.array(
        [
            place
            for place, (product, units) in enumerate(zip(baskets.products, bought, strict=True))
            if units > 0 and product.category not in NOT_SENT_IN_PARCELS
        ],
        dtype=np.int64,
    )


def _cuts(
    numbers: NDArray[np.int64], widths: NDArray[np.int64], orders: int
) -> list[tuple[int, int, int]]:
    """The first so many orders of these baskets: basket, part, width."""
    cuts = (
        (number, part, min(WIDTH_MAX, width - (part - 1) * WIDTH_MAX))
        for number, width in zip(numbers.tolist(), widths.tolist(), strict=True)
        for part in range(1, -(-width // WIDTH_MAX) + 1)
    )
    return list(itertools.islice(cuts, orders))


def _assemble(
    cuts: list[tuple[int, int, int]], promises: list[int], lines: Iterator[DrawnLine]
) -> Iterator[DrawnOrder]:
    for (number, part, width), promise_days in zip(cuts, promises, strict=True):
        yield DrawnOrder(number, part, promise_days, tuple(itertools.islice(lines, width)))


@dataclass(frozen=True)
class _Lines:
    """The lines of carried items of which something was bought; amounts are Money per unit."""

    basket: NDArray[np.int64]
    item: NDArray[np.int64]
    quantity: NDArray[np.int64]
    unit_price: NDArray[np.int64]
    usual_price: NDArray[np.int64]

    @classmethod
    def of(cls, baskets: Baskets, carried: NDArray[np.int64]) -> "_Lines":
        """Those of the extract. The usual price is what is paid without any reduction."""
        columns = {name: np.asarray(column) for name, column in baskets.columns.items()}
        item_of = np.full(len(baskets.products), -1, dtype=np.int64)
        item_of[carried] = np.arange(len(carried))
        item = item_of[columns["line_product"]]
        kept = np.flatnonzero((item >= 0) & (columns["line_quantity"] > 0))
        basket = np.repeat(np.arange(len(baskets)), columns["basket_line_count"])
        quantity = columns["line_quantity"][kept].astype(np.int64)
        paid = columns["line_sales_value"][kept].astype(np.int64)
        reductions = columns["line_retail_disc"][kept] + columns["line_coupon_match_disc"][kept]
        return cls(
            basket=basket[kept],
            item=item[kept],
            quantity=quantity,
            unit_price=_per_unit(paid, quantity),
            usual_price=_per_unit(paid + reductions, quantity),
        )

    def usual_prices(self, items: int) -> NDArray[np.int64]:
        """For each item the lower median of its usual price; every item has a line."""
        order = np.lexsort((self.usual_price, self.item))
        counts = np.bincount(self.item, minlength=items)
        middle = counts.cumsum() - counts + (counts - 1) // 2
        prices: NDArray[np.int64] = self.usual_price[order[middle]]
        return prices


def _per_unit(cents: NDArray[np.int64], quantity: NDArray[np.int64]) -> NDArray[np.int64]:
    """Cents for several units as Money for one, rounded half to even."""
    return np.rint(cents * 100 / quantity).astype(np.int64)
