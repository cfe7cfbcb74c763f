"""The plan of a batch: a sweep guided by prices, then ruin and recreate in two lanes."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ordermesh.routing.domain.batch.cells import NEVER, Cells, rows_of
from ordermesh.routing.domain.batch.instance import Batch, Integers
from ordermesh.routing.domain.batch.plan import LEFT
from ordermesh.routing.solver.batch.arrays import FIRM, Spread, data_of
from ordermesh.routing.solver.batch.moves import HEAT, ruin_and_recreate
from ordermesh.routing.solver.batch.order import cost_of, move_stock
from ordermesh.routing.solver.batch.passes import contenders, sweep

LANES = 2
"""Parts of the orders that moves are made in side by side; part of what a seed stands for."""

ROUNDS = 40
"""How often the orders are parted anew."""

_HEATS = np.array(
    [round(-256 * math.log((place + 0.5) / HEAT)) for place in range(HEAT)], dtype=np.int64
)
"""What an exponential variable is, in 256ths, at evenly spaced chances: the same everywhere."""


@dataclass
class Planned:
    """A feasible plan: the row of each atom (-1: left), costs by order, what is left of each."""

    picks: Integers
    cost: Integers
    left: Integers
    total: int

    def copy(self) -> "Planned":
        """The same, to be changed apart."""
        return Planned(self.picks.copy(), self.cost.copy(), self.left.copy(), self.total)


class Search:
    """Finds plans of one batch; what it does depends on the seed alone."""

    def __init__(self, batch: Batch, cells: Cells, seed: int, spread: Spread) -> None:
        self._spread = spread
        self._batch, self._cells = batch, cells
        self._data = data_of(cells)
        self._random = np.random.default_rng([seed, len(batch.orders.ids)])
        self._nothing = np.zeros(len(batch.capacities), np.int64)

    def myopic(self) -> Planned:
        """Every order exactly, in the order of arrival, against what those before have left."""
        planned = self._unplanned()
        self._sweep(planned, np.arange(self._cells.orders), self._nothing, 0)
        return planned

    def planned(self, location: Integers) -> Planned:
        """A plan that somebody else made; raises ``ValueError`` if it cannot be."""
        cells, planned = self._cells, self._unplanned()
        if (location < LEFT).any():
            raise ValueError("the plan to begin with cannot be: it names what is no location")
        rows = rows_of(cells, self._batch.order_of_atom, location)
        costs = [
            cost_of(self._data, order, rows, int(cells.first_atom[order]))
            for order in range(cells.orders)
        ]
        planned.picks, planned.cost = rows, np.array(costs, np.int64)
        for order in range(cells.orders):
            base = int(cells.first_atom[order])
            move_stock(self._data, order, rows, base, planned.left, -1)
        planned.total = int(planned.cost.sum())
        if (planned.left < 0).any() or (planned.cost >= NEVER).any():
            raise ValueError("the plan to begin with cannot be: there is not as much")
        return planned

    def guided(self, prices: Integers, is_over: Callable[[], bool]) -> Planned:
        """Orders exactly at prices in a drawn order, then again with prices fading: the best."""
        planned = self._unplanned()
        best: Planned | None = None
        for share in (FIRM, FIRM, FIRM // 2, 0):
            self._sweep(planned, self._random.permutation(self._cells.orders), prices, share)
            if best is None or planned.total < best.total:
                best = planned.copy()
            if is_over():
                break
        if best is None:
            raise ArithmeticError("a sweep gave no plan")
        return best

    def anneal(
        self,
        start: Planned,
        prices: Integers,
        moves: int,
        money: int,
        is_over: Callable[[], bool],
        tell: Callable[[Planned], None],
    ) -> Planned:
        """So many moves in all; ``money`` is what the first ones may cost, about."""
        listed = self._contenders(prices, 6 * money)
        if listed is None or not moves:
            return start
        planned, best = start.copy(), start.copy()
        each = max(1, moves // (ROUNDS * LANES))
        for number in range(ROUNDS):
            share = number / ROUNDS
            heat = 0.0 if share >= 0.85 else money * 0.05 ** (share / 0.85)
            self._round(planned, prices, listed, each, round(heat), number)
            if planned.total < best.total:
                best = planned.copy()
                tell(best)
            if is_over():
                break
        return best

    def _round(
        self,
        planned: Planned,
        prices: Integers,
        listed: "_Contenders",
        moves: int,
        temperature: int,
        number: int,
    ) -> None:
        """Moves in each lane, side by side, each with its orders and its part of what is free."""
        lane_of = self._lanes()
        seeds = self._random.integers(1, 2**62, LANES)
        free = planned.left
        parts = [(free + (lane + number) % LANES) // LANES for lane in range(LANES)]

        def move(lane: int) -> int:
            return ruin_and_recreate(
                self._data,
                moves,
                _HEATS,
                temperature,
                parts[lane],
                prices,
                listed.weights,
                listed.first,
                listed.order,
                lane_of,
                lane,
                planned.picks,
                planned.cost,
                np.array([seeds[lane]], np.uint64),
            )

        planned.total += sum(self._spread(move, range(LANES)))
        planned.left = sum(parts[1:], parts[0])

    def _lanes(self) -> Integers:
        """A lane for each order: those on one side of a drawn order of destinations."""
        along = self._random.random(len(self._batch.distance_km))
        if self._random.random() < 0.8:
            # By how far they are from a drawn location: neighbours stay together.
            place = int(self._random.integers(len(self._batch.locations.ids)))
            along = along + self._batch.distance_km[:, place]
        position = along[self._batch.orders.destination]
        ranks = np.empty(len(position), np.int64)
        ranks[np.argsort(position, kind="stable")] = np.arange(len(position))
        return np.asarray(ranks * LANES // len(position), np.int64)

    def _contenders(self, prices: Integers, radius: int) -> "_Contenders | None":
        cells = self._cells
        most = len(cells.cell_cost) + len(cells.row_location)
        resource, order = np.empty(most, np.int64), np.empty(most, np.int64)
        count = contenders(
            self._data,
            0,
            cells.orders,
            self._batch.capacities,
            prices,
            radius,
            resource,
            order,
        )
        if not count:
            return None
        resource, order = resource[:count], order[:count]
        by_resource = np.argsort(resource, kind="stable")
        numbers = np.bincount(resource, minlength=len(prices))
        weight = np.minimum(numbers, 8)
        weight[cells.stock_rows :] = np.minimum(weight[cells.stock_rows :], 2)
        first = np.concatenate([[0], np.cumsum(numbers)])
        return _Contenders(np.cumsum(weight), first, order[by_resource])

    def _unplanned(self) -> Planned:
        cells = self._cells
        cost = np.add.reduceat(cells.penalty, cells.first_atom[:-1])
        picks = np.full(len(cells.units), -1, np.int64)
        return Planned(picks, cost, self._batch.capacities.copy(), int(cost.sum()))

    def _sweep(self, planned: Planned, sequence: Integers, prices: Integers, share: int) -> None:
        planned.total += sweep(
            self._data,
            np.ascontiguousarray(sequence, np.int64),
            planned.left,
            prices,
            share,
            planned.picks,
            planned.cost,
        )


@dataclass(frozen=True)
class _Contenders:
    """Sums of weights by resource, and by resource the orders that contend for it."""

    weights: Integers
    first: Integers
    order: Integers
