"""Prices of stock and labor that look ahead: from orders that are there and drawn futures."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from ordermesh.routing.domain.batch.cells import NEVER, Cells
from ordermesh.routing.domain.batch.instance import Integers
from ordermesh.routing.solver.batch.arrays import FIRM, Spread, data_of
from ordermesh.routing.solver.batch.bounding import Pricing
from ordermesh.routing.solver.batch.passes import sweep

PASSES = 110
"""Passes over all orders that prices are sought in."""

PATIENT = math.inf
"""No prices are too far."""


def myopic_total(cells: Cells, capacities: Integers) -> int:
    """What the orders cost one after the other, each exactly on what those before have left."""
    return one_by_one(cells, capacities.copy(), np.zeros(len(capacities), np.int64))[1]


def one_by_one(
    cells: Cells, left: Integers, prices: Integers, share: int = FIRM
) -> tuple[Integers, int]:
    """Rows of the atoms, and what they cost without prices, of orders that are decided in turn.

    Each pays ``share`` 256ths of the prices for what it takes; ``left`` becomes what is left.
    """
    picks = np.full(len(cells.units), -1, np.int64)
    cost = np.add.reduceat(cells.penalty, cells.first_atom[:-1]).astype(np.int64)
    total = int(cost.sum())
    sequence = np.arange(cells.orders, dtype=np.int64)
    total += sweep(data_of(cells), sequence, left, prices, share, picks, cost)
    return picks, total


def prices_of(
    cells: Cells,
    capacities: Integers,
    passes: int = PASSES,
    start: Integers | None = None,
    spread: Spread = map,
    is_over: Callable[[], bool] = lambda: False,
) -> Integers:
    """Prices of all resources: what one unit more would save, about, of these orders' cost.

    Once ``is_over`` says so, the best so far are given.
    """
    pricing = Pricing(cells, capacities, spread)
    if start is not None:
        pricing.begin_at(start)
    target = myopic_total(cells, capacities)
    # Steps take their time: it is the prices that are wanted, and not what they prove.
    pricing.improve(target - 3 * abs(target) // 100, passes, 1.0, is_over, PATIENT)
    # The goal may have been below the optimum, and was reached too soon then.
    pricing.improve(target, max(0, passes - pricing.passes) + passes // 3, 0.3, is_over, PATIENT)
    return pricing.best.prices


def mean_prices(found: Sequence[Integers], most: int) -> Integers:
    """Prices of several futures as one, none above ``most``.

    A future in which an item runs out makes its units as dear as leaving an order. It may not come:
    what may come keeps no unit from who is there for more than going elsewhere costs.
    """
    mean = np.rint(np.mean(np.stack(found), axis=0))
    return np.asarray(np.minimum(mean, most), np.int64)


def price_max(cells: Cells, total: int) -> int:
    """The most that a unit is charged: a fifth of what an order costs, on the average."""
    return max(1, total // (5 * max(1, cells.orders)))


def charged(cells: Cells, prices: Integers, left: Integers) -> Cells:
    """The cells with the price of the stock that they take; none where there is none left."""
    units = cells.units[_atoms_of_cells(cells)]
    paid = prices[cells.cell_stock] * units
    there = (cells.cell_cost < NEVER) & (left[cells.cell_stock] >= units)
    return replace(cells, cell_cost=np.where(there, cells.cell_cost + paid, NEVER))


def _atoms_of_cells(cells: Cells) -> Integers:
    """The atom that each cell is for."""
    rows = np.diff(cells.first_row)
    widths = np.diff(cells.first_atom)
    order_of_row = np.repeat(np.arange(cells.orders), rows)
    row_widths = widths[order_of_row]
    firsts = np.concatenate([[0], np.cumsum(row_widths)])[:-1]
    place = np.arange(len(cells.cell_cost)) - np.repeat(firsts, row_widths)
    return np.asarray(np.repeat(cells.first_atom[order_of_row], row_widths) + place, np.int64)
