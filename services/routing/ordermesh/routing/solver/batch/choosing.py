"""The restricted master over a batch, part by part: no order gets dearer than it was.

The orders are cut into parts along their destinations or by what they want. Each part is given what
its own orders hold and a share of what is free, and chooses anew among all plans of its orders that
could be in an optimum; the rest stays. Parts find plans; they say nothing of the bound, unless one
part is all.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from ordermesh.routing.domain.batch.cells import Cells
from ordermesh.routing.domain.batch.instance import ATOMS_MAX, Batch, Integers
from ordermesh.routing.solver.batch.arrays import Data, Spread, data_of
from ordermesh.routing.solver.batch.bounding import Bound
from ordermesh.routing.solver.batch.master import Chosen, Master
from ordermesh.routing.solver.batch.order import cost_of, move_stock
from ordermesh.routing.solver.batch.patterns import CAP, enumerate_plans
from ordermesh.routing.solver.batch.searching import Planned

PART = 1_500
"""Orders of a part, about."""

SIDE_BY_SIDE = 2
"""Parts that choose at one time; part of what a seed stands for."""


class Cut(StrEnum):
    """Who is in a part together.

    Neighbours want what is near to them. Where a plan is far from the cheapest, orders that should
    change places may live anywhere: who wants the same item then is in one part.
    """

    NEIGHBOURS = "NEIGHBOURS"
    SAME_ITEMS = "SAME_ITEMS"


Choose = Callable[[Master], Chosen | None]
"""Solves the master somewhere, in its own time."""


@dataclass(frozen=True)
class _Pool:
    """Plans of some orders: ``order`` is a place in ``orders``, ``picks`` rows for each atom."""

    orders: Integers
    order: Integers
    cost: Integers
    picks: Integers
    use_column: Integers
    use_resource: Integers
    use_units: Integers
    is_complete: bool


class Choosing:
    """Chooses among plans within a radius of each order's least reduced cost."""

    def __init__(self, batch: Batch, cells: Cells, seed: int, spread: Spread) -> None:
        self._batch, self._cells, self._spread = batch, cells, spread
        self._data: Data = data_of(cells)
        self._random = np.random.default_rng([seed, 7])
        self.is_cut = False

    def improve(
        self,
        planned: Planned,
        bound: Bound,
        radius: int,
        choose: Choose,
        is_over: Callable[[], bool],
        cut: Cut = Cut.NEIGHBOURS,
    ) -> tuple[Planned, bool]:
        """The same plan or a better one, and whether it is proven to be the optimum."""
        planned = planned.copy()
        parts = self._parts(cut)
        for start in range(0, len(parts), SIDE_BY_SIDE):
            if is_over():
                self.is_cut = True
                return planned, False
            now = parts[start : start + SIDE_BY_SIDE]
            is_proven = self._choose(planned, now, bound, radius, choose)
        gap = planned.total - bound.value
        return planned, len(parts) == 1 and is_proven and radius >= gap

    def _choose(
        self, planned: Planned, parts: list[Integers], bound: Bound, radius: int, choose: Choose
    ) -> bool:
        """Let some parts choose, side by side; whether each had all and proved its choice."""
        pools = [self._pool(planned, orders, bound, radius) for orders in parts]
        shares = [(planned.left + place) // len(parts) for place in range(len(parts))]
        answers: list[Chosen | None] = [None] * len(parts)

        def run(place: int) -> int:
            pool, share = pools[place], shares[place].copy()
            for order in parts[place].tolist():
                base = int(self._cells.first_atom[order])
                move_stock(self._data, order, planned.picks, base, share, 1)
            answers[place] = choose(_master(pool, share))
            return place

        list(self._spread(run, range(len(parts))))
        for pool, answer in zip(pools, answers, strict=True):
            if answer is not None:
                self._apply(planned, pool, answer)
            self.is_cut = self.is_cut or answer is None or not answer.is_optimal
        return all(
            pool.is_complete and answer is not None and answer.is_exact
            for pool, answer in zip(pools, answers, strict=True)
        )

    def _parts(self, cut: Cut) -> list[Integers]:
        """Orders by how far they go from a drawn location, or by the first of their items in a
        drawn order of these, cut into parts of about equal size."""
        batch = self._batch
        if cut is Cut.NEIGHBOURS:
            place = int(self._random.integers(len(batch.locations.ids)))
            along = batch.distance_km[batch.orders.destination, place]
        else:
            ranks = self._random.permutation(len(batch.items.skus))[batch.atoms.item]
            along = np.minimum.reduceat(ranks, batch.orders.first_atom[:-1])
        ranked = np.argsort(along, kind="stable").astype(np.int64)
        count = -(-self._cells.orders // PART)
        if count > 1:
            count += count % SIDE_BY_SIDE
        return [np.sort(part) for part in np.array_split(ranked, count)]

    def _pool(self, planned: Planned, orders: Integers, bound: Bound, radius: int) -> _Pool:
        """All plans of these orders that could be in an optimum, and those that they have."""
        cells = self._cells
        found = np.full(len(orders) * CAP * ATOMS_MAX, -1, np.int64)
        counts = np.zeros(len(orders), np.int64)
        enumerate_plans(
            self._data, orders, self._batch.capacities, bound.prices, radius, found, counts
        )
        rows = found.reshape(len(orders), CAP, ATOMS_MAX)
        kept = np.arange(CAP)[None, :] < np.minimum(counts, CAP)[:, None]
        order, _ = np.nonzero(kept)
        widths = cells.first_atom[orders + 1] - cells.first_atom[orders]
        own = np.full((len(orders), ATOMS_MAX), -1, np.int64)
        is_atom = np.arange(ATOMS_MAX)[None, :] < widths[:, None]
        own[is_atom] = planned.picks[np.concatenate([_range(cells, one) for one in orders])]
        picks = np.concatenate([own, rows[kept]])
        order = np.concatenate([np.arange(len(orders)), order])
        cost = np.array(
            [
                cost_of(self._data, int(orders[place]), line, 0)
                for place, line in zip(order.tolist(), picks, strict=True)
            ],
            np.int64,
        )
        uses = self._uses(orders[order], picks)
        return _Pool(orders, order, cost, picks, *uses, bool((counts <= CAP).all()))

    def _uses(self, order: Integers, picks: Integers) -> tuple[Integers, Integers, Integers]:
        """Which column uses how many units of which resource, each pair once."""
        cells = self._cells
        column, atom = np.nonzero(picks >= 0)
        row, whose = picks[column, atom], order[column]
        width = cells.first_atom[whose + 1] - cells.first_atom[whose]
        cell = cells.first_cell[whose] + (row - cells.first_row[whose]) * width + atom
        units = cells.units[cells.first_atom[whose] + atom]
        resource = np.concatenate(
            [cells.cell_stock[cell].astype(np.int64), cells.stock_rows + cells.row_location[row]]
        )
        resources = len(self._batch.capacities)
        key, back = np.unique(
            np.concatenate([column, column]) * resources + resource, return_inverse=True
        )
        total = np.bincount(back, np.concatenate([units, units]), len(key)).astype(np.int64)
        return key // resources, key % resources, total

    def _apply(self, planned: Planned, pool: _Pool, answer: Chosen) -> None:
        """Bring the orders to what was chosen, where that is a plan and no dearer."""
        chosen = np.flatnonzero(answer.columns)
        if not np.array_equal(np.sort(pool.order[chosen]), np.arange(len(pool.orders))):
            return
        before = int(planned.cost[pool.orders].sum())
        if int(pool.cost[chosen].sum()) >= before:
            return
        kept = planned.copy()
        for column in chosen.tolist():
            order = int(pool.orders[pool.order[column]])
            base = int(self._cells.first_atom[order])
            width = int(self._cells.first_atom[order + 1]) - base
            move_stock(self._data, order, planned.picks, base, planned.left, 1)
            planned.picks[base : base + width] = pool.picks[column, :width]
            move_stock(self._data, order, planned.picks, base, planned.left, -1)
            planned.cost[order] = pool.cost[column]
        planned.total += int(planned.cost[pool.orders].sum()) - before
        if planned.left.min() < 0:
            # What was chosen in floating point is checked in integers.
            planned.picks, planned.cost = kept.picks, kept.cost
            planned.left, planned.total = kept.left, kept.total


def _master(pool: _Pool, capacity: Integers) -> Master:
    """The programme of a pool: only resources that could run short are in it."""
    wanted = np.bincount(pool.use_resource, pool.use_units, len(capacity))
    short: NDArray[np.bool_] = wanted > capacity
    number = np.cumsum(short) - 1
    kept = short[pool.use_resource]
    return Master(
        order=pool.order,
        cost=pool.cost,
        use_column=pool.use_column[kept],
        use_resource=number[pool.use_resource[kept]].astype(np.int64),
        use_units=pool.use_units[kept],
        capacity=capacity[short],
    )


def _range(cells: Cells, order: int) -> Integers:
    return np.arange(int(cells.first_atom[order]), int(cells.first_atom[order + 1]))
