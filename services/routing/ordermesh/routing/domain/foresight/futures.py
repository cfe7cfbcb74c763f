"""Futures: orders of before drawn anew, so that baskets and geography stay as they go together.

Orders are drawn with weights that bring the expected units of each item to its forecast level.
"""

import numpy as np

from ordermesh.routing.domain.batch.cells import Cells
from ordermesh.routing.domain.batch.instance import Integers
from ordermesh.routing.domain.foresight.levels import Floats

ROUNDS = 16
"""How often weights are brought nearer to the levels."""

_FACTOR_MAX = 4.0


def weights_of(
    order_of_line: Integers, item_of_line: Integers, units: Integers, levels: Floats, orders: int
) -> Floats:
    """A weight for each order of before, adding up to 1.

    Drawn by these, orders want items in the proportions of ``levels``, as near as whole baskets
    allow: items that are asked for more than before raise the orders that have them. Lines are
    given by the order and item that each belongs to.
    """
    weight = np.full(orders, 1.0 / max(1, orders))
    wanted = levels / max(levels.sum(), 1e-12)
    lines = np.maximum(1, np.bincount(order_of_line, minlength=orders))
    for _ in range(ROUNDS):
        drawn = np.bincount(
            item_of_line, weights=units * weight[order_of_line], minlength=len(levels)
        )
        drawn = drawn / max(drawn.sum(), 1e-12)
        factor = np.divide(wanted, drawn, out=np.ones(len(levels)), where=drawn > 0)
        factor = np.clip(factor, 1 / _FACTOR_MAX, _FACTOR_MAX)
        change = np.bincount(
            order_of_line, weights=np.log(np.maximum(factor[item_of_line], 1e-9)), minlength=orders
        )
        weight = weight * np.exp(0.5 * change / lines)
        weight = weight / weight.sum()
    return np.asarray(weight)


def with_orders(
    cells: Cells, orders: Integers, places: Integers, locations: int, capacities: Integers
) -> Cells:
    """The cells of some of the orders, each as often as it is named.

    ``places`` says for each which group of locations does its work, of ``locations`` each: the
    labor of now and of later are different resources. ``capacities`` are those of the stock rows,
    then of the groups.
    """
    rows = _ranges(cells.first_row, orders)
    cell = _ranges(cells.first_cell, orders)
    atoms = _ranges(cells.first_atom, orders)
    row_counts = np.diff(cells.first_row)[orders]
    location = cells.row_location[rows] + np.repeat(places * locations, row_counts)
    first_row = _firsts(row_counts)
    first_atom = _firsts(np.diff(cells.first_atom)[orders])
    first_cell = _firsts(np.diff(cells.first_cell)[orders])
    cost, stock = cells.cell_cost[cell], cells.cell_stock[cell]
    units = cells.units[atoms]
    widths = np.diff(first_atom)
    # Cells lie row by row, each as wide as its order.
    row_widths = np.repeat(widths, row_counts)
    place = np.arange(len(cell)) - np.repeat(_firsts(row_widths)[:-1], row_widths)
    order_of_row = np.repeat(np.arange(len(orders)), row_counts)
    atom_of_cell = np.repeat(first_atom[order_of_row], row_widths) + place
    there = cost < 2**60
    asked = np.bincount(
        stock[there], weights=units[atom_of_cell][there], minlength=cells.stock_rows
    )
    labor = np.bincount(
        np.repeat(location, row_widths)[there],
        weights=units[atom_of_cell][there],
        minlength=len(capacities) - cells.stock_rows,
    )
    return Cells(
        first_row=first_row,
        first_cell=first_cell,
        first_atom=first_atom,
        row_location=location,
        row_parcel=cells.row_parcel[rows],
        cell_cost=cost,
        cell_stock=stock,
        units=units,
        penalty=cells.penalty[atoms],
        twin=cells.twin[atoms],
        contended=np.asarray(np.concatenate([asked, labor]) > capacities),
        stock_rows=cells.stock_rows,
        split_charge=cells.split_charge,
        grams=cells.grams[atoms],
        row_zone=cells.row_zone[rows],
        edges=cells.edges,
        steps=cells.steps,
    )


def _ranges(first: Integers, orders: Integers) -> Integers:
    """The places from each order's first to its last, one order after the other."""
    counts = np.diff(first)[orders]
    starts = np.repeat(first[orders] - _firsts(counts)[:-1], counts)
    return np.asarray(starts + np.arange(int(counts.sum())), np.int64)


def _firsts(counts: Integers) -> Integers:
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
