"""Prices for what will come: futures are drawn, each is priced, and the mean is what counts.

Beside the prices stands what units of stock are worth one by one. At given prices of all else an
order saves so much if it may take from a row instead of going without it: the units that are there
serve those that save most. What the last of them saves is lost with it, what the next order would
save is gained with one more unit.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ordermesh.routing.domain.batch.cells import NEVER, Cells
from ordermesh.routing.domain.batch.instance import Integers
from ordermesh.routing.domain.foresight.ahead import Ahead, Priced
from ordermesh.routing.domain.foresight.futures import with_orders
from ordermesh.routing.solver.batch.arrays import data_of
from ordermesh.routing.solver.batch.foresight import (
    mean_prices,
    one_by_one,
    price_max,
    prices_of,
)
from ordermesh.routing.solver.batch.passes import price_pass

FUTURES = 4
PASSES, RENEWED = 110, 50
"""Passes for the first prices, and from those of before."""

COPIES = 5_000
"""So many orders are looked at with and without a row at a time."""


def price_ahead(
    ahead: Ahead,
    seed: int,
    *,
    futures: int = FUTURES,
    is_over: Callable[[], bool] = lambda: False,
) -> Priced:
    """Prices and worths; the same seed and work give the same ones. ``is_over``: take what is."""
    rows = len(ahead.stock)
    if not ahead.cells.orders or ahead.now + ahead.later == 0:
        return _nothing(ahead)
    drawn = [_drawn(ahead, seed, number) for number in range(futures)]
    found, most = [], []
    is_first = not ahead.start.any()
    for cells in drawn:
        most.append(_most(cells, ahead.capacities))
        start = None if is_first else ahead.start
        passes = PASSES if is_first else RENEWED
        found.append(prices_of(cells, ahead.capacities, passes, start, is_over=is_over))
        if is_over():
            break
    prices = mean_prices(found, max(most))
    worths = [_worths(cells, ahead, prices) for cells in drawn[: len(found)]]
    return Priced(
        prices=prices,
        last=_mean([one.last for one in worths]),
        next=_mean([one.next for one in worths]),
        missing=_mean([one.missing * 1_000 for one in worths]),
        missing_value=_mean([one.value for one in worths]),
        idle=np.min(np.stack([one.idle for one in worths]), axis=0)[:rows],
        futures=len(found),
        is_cut=len(found) < futures or is_over(),
    )


def _most(cells: Cells, capacities: Integers) -> int:
    """The most that a unit is charged: what is left unfilled is no reason to charge more."""
    picks, total = one_by_one(cells, capacities.copy(), np.zeros(len(capacities), np.int64))
    return price_max(cells, total - int(cells.penalty[picks < 0].sum()))


def _nothing(ahead: Ahead) -> Priced:
    none = np.zeros(len(ahead.stock), np.int64)
    prices = np.zeros(len(ahead.capacities), np.int64)
    return Priced(prices, none, none, none, none, ahead.stock, 0, is_cut=False)


def _drawn(ahead: Ahead, seed: int, number: int) -> Cells:
    """One future."""
    random = np.random.default_rng([seed, number])
    count = ahead.now + ahead.later
    orders = random.choice(ahead.cells.orders, count, p=ahead.weights).astype(np.int64)
    groups = np.repeat([0, 1], [ahead.now, ahead.later])
    return with_orders(ahead.cells, orders, groups, len(ahead.locations), ahead.capacities)


@dataclass(frozen=True)
class _Worths:
    """Of each row: what its last and next unit are worth, and what is missing and idle."""

    last: Integers
    next: Integers
    missing: Integers
    value: Integers
    idle: Integers


def _worths(cells: Cells, ahead: Ahead, prices: Integers) -> _Worths:
    """What the units of each row are worth to a future, at the prices of all else."""
    rows, stock = len(ahead.stock), ahead.stock
    order, row, units, saving = _savings(cells, ahead, prices)
    each = saving // np.maximum(units, 1)
    kept = saving > 0
    row, units, saving, each = row[kept], units[kept], saving[kept], each[kept]
    rank = np.lexsort((order[kept], -each, row))
    row, units, saving, each = row[rank], units[rank], saving[rank], each[rank]
    total = np.cumsum(units)
    first = np.searchsorted(row, np.arange(rows))
    before = np.concatenate([[0], total])[first[row]] if len(row) else total
    upto = total - before
    served = upto <= stock[row]
    last, after = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    # Rising: what is written last is the least that is served.
    last[row[served]] = each[served]
    unserved = np.flatnonzero(~served)[::-1]
    after[row[unserved]] = each[unserved]
    needed = np.bincount(row, units, rows).astype(np.int64)
    missing = np.bincount(row[~served], units[~served], rows).astype(np.int64)
    value = np.bincount(row[~served], saving[~served], rows).astype(np.int64)
    last[needed < stock] = 0
    # Where no more could be asked for than there is, all that could be counts as needed.
    asked = _asked(cells)
    spare = asked < stock
    needed[spare] = asked[spare]
    return _Worths(last, after, missing, value, np.maximum(0, stock - needed))


def _asked(cells: Cells) -> Integers:
    """Units that could be asked of each row of stock."""
    wide = np.diff(cells.first_atom)
    of_row = np.repeat(np.arange(cells.orders), np.diff(cells.first_row))
    there = cells.cell_cost < NEVER
    units = cells.units[_atom_of_cell(cells, of_row, wide)]
    found = np.bincount(cells.cell_stock[there], units[there], cells.stock_rows)
    return np.asarray(found, np.int64)


def _savings(
    cells: Cells, ahead: Ahead, prices: Integers
) -> tuple[Integers, Integers, Integers, Integers]:
    """For each order and row it could use: units, and what it saves if it may, the row for free."""
    rows = len(ahead.stock)
    per_row = np.diff(cells.first_row)
    widths = np.diff(cells.first_atom)
    order_of_row = np.repeat(np.arange(cells.orders), per_row)
    row_widths = widths[order_of_row]
    order_of_cell = np.repeat(order_of_row, row_widths)
    # Of the others no unit is ever the last.
    scarce = _asked(cells) >= ahead.stock
    there = (cells.cell_cost < NEVER) & scarce[cells.cell_stock]
    keys = np.unique(order_of_cell[there] * rows + cells.cell_stock[there])
    order, row = keys // rows, keys % rows
    units, saving = np.zeros(len(keys), np.int64), np.zeros(len(keys), np.int64)
    room = np.maximum(ahead.capacities, np.int64(2**40))
    for start in range(0, len(keys), COPIES):
        part = slice(start, start + COPIES)
        chosen = order[part]
        copies = with_orders(
            cells, chosen, np.zeros_like(chosen), len(ahead.locations), ahead.capacities
        )
        wide = np.diff(copies.first_atom)
        of_row = np.repeat(np.arange(len(chosen)), np.diff(copies.first_row))
        of_cell = np.repeat(of_row, wide[of_row])
        own = (copies.cell_stock == row[part][of_cell]) & (copies.cell_cost < NEVER)
        atom = _atom_of_cell(copies, of_row, wide)
        paid = prices[copies.cell_stock] * copies.units[atom]
        without = replace(copies, cell_cost=np.where(own, NEVER, copies.cell_cost))
        free = replace(copies, cell_cost=np.where(own, copies.cell_cost - paid, copies.cell_cost))
        saving[part] = _values(without, room, prices) - _values(free, room, prices)
        units[part] = np.bincount(of_cell[own], copies.units[atom][own], len(chosen))
    return order, row, units, saving


def _atom_of_cell(cells: Cells, order_of_row: Integers, widths: Integers) -> Integers:
    row_widths = widths[order_of_row]
    firsts = np.concatenate([[0], np.cumsum(row_widths)])[:-1]
    place = np.arange(len(cells.cell_cost)) - np.repeat(firsts, row_widths)
    return np.asarray(np.repeat(cells.first_atom[order_of_row], row_widths) + place, np.int64)


def _values(cells: Cells, room: Integers, prices: Integers) -> Integers:
    value = np.zeros(cells.orders, np.int64)
    used = np.zeros(len(prices), np.int64)
    price_pass(data_of(cells), 0, cells.orders, room, prices, value, used)
    return value


def _mean(found: list[Integers]) -> Integers:
    return np.asarray(np.rint(np.mean(np.stack(found), axis=0)), np.int64)
