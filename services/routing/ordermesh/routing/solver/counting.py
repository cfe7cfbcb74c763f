"""One order, exactly, where the parcels of all of it are limited.

Data and objective as in ``ordermesh.routing.solver.reference``, and ``value_i(x, k)``, what
candidate i charges for shipping x in k parcels. Candidates are taken one after the other, so that
each is used once: ``f_i[m, n, x]`` is the least cost of disposing of x by the first i candidates in
at most m shipments and exactly n parcels: the lesser of ``f_(i-1)[m, n, x]`` and, over all k and y,

    ``value_i(y, k) + f_(i-1)[m - 1, n - k, x - y]``,

and ``f_0[m, 0, x]`` leaves all of x. It takes as many steps as there are candidates, parcels and
pairs of a state and a part: it is for orders whose optimum has too many parcels.
"""

from dataclasses import dataclass

import numpy as np

from ordermesh.routing.solver.charges import Ties
from ordermesh.routing.solver.lattice import Integers, Lattice
from ordermesh.routing.solver.tables import Tables
from ordermesh.routing.solver.values import Values, infinity

STEPS_MAX = 400_000_000
"""Pairs, times candidates, times parcels, times shipments, that are looked at at most."""


@dataclass(frozen=True, slots=True)
class Counted:
    """The optimum under the limit, in the tables' own indices.

    ``picks`` are state and number of parcels by candidate; None where nothing may be filled, or
    not all where all is asked for.
    """

    picks: dict[int, tuple[int, int]] | None
    value: int


class Counting:
    """The recurrence over candidates, parcels and shipments of one set of groups."""

    def __init__(
        self,
        tables: Tables,
        lattice: Lattice,
        values: Values,
        ties: Ties,
        parcels_max: int,
        shipments_max: int | None,
    ) -> None:
        self._tables, self._lattice, self._values, self._ties = tables, lattice, values, ties
        self._parcels = parcels_max
        # Each shipment is a parcel at least.
        self._shipments = parcels_max if shipments_max is None else min(shipments_max, parcels_max)
        self._infinite = infinity(tables)

    @property
    def steps(self) -> int:
        """What it takes."""
        rows = len(self._tables.parcel) * self._shipments * self._parcels**2
        return rows * len(self._lattice.all_pairs[1])

    def solve(self, *, complete: bool) -> Counted:
        """The optimum; ``complete`` forbids leaving atoms."""
        known = self._left(complete=complete)
        stages: list[tuple[Integers, list[Integers]]] = []
        for row in range(len(self._tables.parcel)):
            charged = [self._charged(row, parcels) for parcels in range(1, self._parcels + 1)]
            stages.append((known, charged))
            known = self._with(known, charged)
        ends = known[-1, :, -1]
        parcels = int(np.argmin(ends))
        if ends[parcels] >= self._infinite // 2:
            return Counted(None, 0)
        picks = self._walk_back(stages, known, parcels)
        return Counted(picks, int(ends[parcels]) // self._ties.scale)

    def _left(self, *, complete: bool) -> Integers:
        """What it costs when all is left: without shipments and parcels."""
        shape = (self._shipments + 1, self._parcels + 1, self._lattice.size)
        kind = object if self._tables.is_exact else np.int64
        known = np.full(shape, self._infinite, kind)
        left = self._lattice.counts @ (self._tables.penalty * self._ties.scale)
        known[:, 0, :] = left
        if complete:
            known[:, 0, 1:] = self._infinite
        return known

    def _charged(self, row: int, parcels: int) -> Integers:
        """What a candidate charges for each state in so many parcels, tied."""
        values = self._values.in_parcels(row, parcels)
        units = self._lattice.counts @ self._tables.units
        tied = values * self._ties.scale + row * self._ties.place * units + self._ties.shipment
        return np.where(values >= self._infinite // 2, self._infinite, tied)

    def _with(self, known: Integers, charged: list[Integers]) -> Integers:
        """When one candidate more may ship, once."""
        offsets, parts, rests = self._lattice.all_pairs
        after = known.copy()
        for parcels, values in enumerate(charged, start=1):
            if values.min() >= self._infinite // 2:
                continue
            before = known[:-1, : self._parcels + 1 - parcels, :]
            totals = values[parts] + before[:, :, rests]
            least = np.minimum.reduceat(totals, offsets, axis=2)
            reached = after[1:, parcels:, :]
            np.minimum(reached, least, out=reached)
        return np.minimum(after, self._infinite)

    def _walk_back(
        self, stages: list[tuple[Integers, list[Integers]]], known: Integers, parcels: int
    ) -> dict[int, tuple[int, int]]:
        state, shipments = self._lattice.size - 1, self._shipments
        picks: dict[int, tuple[int, int]] = {}
        for row in range(len(stages) - 1, -1, -1):
            before, charged = stages[row]
            target = known[shipments, parcels, state]
            if target < before[shipments, parcels, state]:
                number, part = self._pick(before, charged, shipments, parcels, state)
                picks[row] = (part, number)
                state, shipments, parcels = state - part, shipments - 1, parcels - number
            known = before
        return picks

    def _pick(
        self, before: Integers, charged: list[Integers], shipments: int, parcels: int, state: int
    ) -> tuple[int, int]:
        """In how many parcels a candidate ships which part: the first of the cheapest."""
        offsets, parts, rests = self._lattice.all_pairs
        end = offsets[state + 1] if state + 1 < self._lattice.size else len(parts)
        span = slice(offsets[state], end)
        best: tuple[int, int, int] | None = None
        for number in range(1, parcels + 1):
            totals = (
                charged[number - 1][parts[span]]
                + before[shipments - 1, parcels - number, rests[span]]
            )
            first = int(np.argmin(totals))
            if best is None or totals[first] < best[0]:
                best = (totals[first], number, int(parts[span][first]))
        if best is None:
            raise ArithmeticError("a plan was walked back that nobody ships")
        return best[1], best[2]
