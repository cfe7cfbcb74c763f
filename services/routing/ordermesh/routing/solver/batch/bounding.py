"""Prices of stock and labor, and the bound they prove.

    ``LB(price) = sum over orders of min over plans (cost + price x use) - sum of price x capacity``

is below every plan's cost, whatever the non-negative prices are. It is summed in integers, from
prices that were rounded; floating point only chooses the direction (deflected subgradient with
Polyak's step).
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ordermesh.routing.domain.batch.cells import Cells
from ordermesh.routing.domain.batch.instance import Integers
from ordermesh.routing.solver.batch.arrays import Data, Spread, data_of
from ordermesh.routing.solver.batch.passes import price_pass

PIECES = 2
"""Pieces that a pass is cut into; what comes out does not depend on it."""

_PATIENCE = 8
_SMALLEST_STEP = 0.004
_CLOSE = 2e-4
FAR = 0.25
"""How far is too far, where the target may be a plan that is far from the cheapest.

A step hopes for as much as the target says: steps would else be too long for many passes, and prove
nothing.
"""


@dataclass(frozen=True)
class Bound:
    """Prices (one for each resource), what they prove, and what each order's optimum costs."""

    prices: Integers
    value: int
    order_value: Integers


class Pricing:
    """The best bound so far of a batch; ``passes`` counts what it took."""

    def __init__(self, cells: Cells, capacities: Integers, spread: Spread) -> None:
        self._spread = spread
        self._data: Data = data_of(cells)
        self._capacities = capacities
        self._contended = cells.contended
        self._orders = cells.orders
        self._cuts = _cuts(cells)
        self.passes = 0
        nothing = np.zeros(len(capacities), np.int64)
        self.best, self._used = self._bound(nothing)

    def begin_at(self, prices: Integers) -> None:
        """Go on from prices that were found before, if they prove more."""
        bound, used = self._bound(np.maximum(prices, 0))
        if bound.value > self.best.value:
            self.best, self._used = bound, used

    def improve(
        self,
        target: int,
        passes: int,
        step: float,
        is_over: Callable[[], bool] = lambda: False,
        far: float = FAR,
    ) -> Bound:
        """Raise the bound towards a target, from the best prices so far.

        Prices that prove less than the best by ``far`` of what the step hoped for have gone too
        far.
        """
        prices, used = self.best.prices.astype(np.float64), self._used
        scale = 1 / np.sqrt(np.maximum(self._capacities, 1))
        direction = np.zeros(len(prices))
        bound, idle = self.best, 0
        for _ in range(passes):
            slope = np.where(self._contended, used - self._capacities, 0).astype(np.float64)
            slope[(prices <= 0) & (slope < 0)] = 0.0
            direction = 0.7 * direction + slope * scale
            length = float(np.sum(direction * direction))
            gap = target - bound.value
            if length <= 0 or gap <= _CLOSE * abs(target) or step < _SMALLEST_STEP or is_over():
                break
            prices = np.maximum(0.0, prices + step * gap / length * direction * scale)
            bound, used = self._bound(np.rint(prices).astype(np.int64))
            if bound.value > self.best.value:
                self.best, self._used, idle = bound, used, 0
                continue
            idle += 1
            hoped = step * (target - self.best.value)
            if idle == _PATIENCE or bound.value < self.best.value - far * hoped:
                step, idle = step * 0.7, 0
                bound, used = self.best, self._used
                prices, direction = bound.prices.astype(np.float64), np.zeros(len(prices))
        return self.best

    def _bound(self, prices: Integers) -> tuple[Bound, Integers]:
        """What some prices prove, and what the orders would use at them."""
        value = np.zeros(self._orders, np.int64)
        used = [np.zeros(len(prices), np.int64) for _ in self._cuts]

        def price(piece: int) -> int:
            begin, end = self._cuts[piece]
            price_pass(self._data, begin, end, self._capacities, prices, value, used[piece])
            return end - begin

        list(self._spread(price, range(len(self._cuts))))
        self.passes += 1
        proven = int(value.sum()) - int((prices * np.where(prices > 0, self._capacities, 0)).sum())
        return Bound(prices, proven, value), sum(used[1:], used[0])


def _cuts(cells: Cells) -> list[tuple[int, int]]:
    """Ranges of orders with about equally many cells."""
    goals = np.linspace(0, int(cells.first_cell[-1]), PIECES + 1)[1:-1]
    edges = [0, *np.searchsorted(cells.first_cell, goals).tolist(), cells.orders]
    return list(itertools.pairwise(edges))
