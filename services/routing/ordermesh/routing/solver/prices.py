"""Prices of lines that bound every plan of an order from below, and the pairs they rule out.

Each group g gets a price v_g for an atom that is served. A candidate i then earns
``r_i = s_i + P_i + sum_g holds_ig min(0, c_ig - v_g)`` when it opens, and

    ``L(v) = sum_g atoms_g min(v_g, u_g) + sum_i min(0, r_i)``

is at most the cost of any plan, whatever the prices: it is the Lagrangian bound of the rows that
serve every atom once, with shared stock and capacity left out (the method of Fisher, *The
Lagrangian relaxation method for solving integer programming problems*, 1981). With a limit of k
shipments only the k least r_i count. Where all must be filled, u_g does not cap the price.

Under a weight limit W a shipment of weight w is at least ``share + (1 - share) w / W`` parcels, for
any share from 0 to 1; the bound is the best over a few shares.

Prices move along deflected subgradients with Polyak's step, in floating point; they are rounded,
and the bound is summed in integers, so it holds exactly.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.solver.lattice import Indices, Integers
from ordermesh.routing.solver.tables import Tables

PASSES_MAX = 240
_PATIENCE = 10
_STEP_LEAST = 0.004
_SHARES_PERCENT = (100, 50, 0)
_SUM_MAX = 2**60
"""What prices of all atoms may add up to: beyond it the integers of the bound would wrap around."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Prices with their bound, and what opening each candidate then costs (``opening``)."""

    price: Integers
    bound: int
    opening: Integers
    atom: Integers

    def promising(self, most: int) -> Indices:
        """The candidates worth opening at these prices, the best first, at most so many."""
        order = np.argsort(self.opening, kind="stable")
        return order[self.opening[order] < 0][:most]


@dataclass(frozen=True, slots=True)
class _Terms:
    """What a parcel and an atom cost under one share of the weight limit."""

    parcel: Integers
    atom: Integers
    holds: Integers
    atoms: Integers
    ceiling: Integers | None
    most: int

    def evaluate(self, price: Integers) -> Prices:
        """The bound of these prices."""
        gain = np.minimum(self.atom - price[None, :], 0) * self.holds
        opening = self.parcel + gain.sum(axis=1)
        paid = price if self.ceiling is None else np.minimum(price, self.ceiling)
        earned = np.sort(np.minimum(opening, 0))[: self.most]
        return Prices(price, int(self.atoms @ paid) + int(earned.sum()), opening, self.atom)

    def missing(self, prices: Prices) -> NDArray[np.float64]:
        """By group: atoms that the relaxed choice leaves, negative where it serves too many."""
        opened = prices.promising(self.most)
        chosen = (self.atom[opened] < prices.price[None, :]) * self.holds[opened]
        missing: NDArray[np.float64] = (self.atoms - chosen.sum(axis=0)).astype(np.float64)
        if self.ceiling is not None:
            missing[(prices.price >= self.ceiling) & (missing > 0)] = 0
        return missing


def find_prices(problem: Problem, tables: Tables, target: int) -> list[Prices]:
    """The best prices found for each share of the weight limit; ``target`` is a plan's cost."""
    limit = problem.costs.parcel_limit_grams
    shares = _SHARES_PERCENT if limit is not None else _SHARES_PERCENT[:1]
    return [_climb(_terms(problem, tables, share), target) for share in shares]


def _terms(problem: Problem, tables: Tables, share: int) -> _Terms:
    limit = problem.costs.parcel_limit_grams
    parcel, atom = tables.parcel * share // 100, tables.atom
    if limit is not None and share < 100:
        weights = [group.billable_grams(limit) for group in problem.groups]
        rest = tables.parcel * (100 - share) // 100
        atom = atom + np.outer(rest, np.array(weights, np.int64)) // limit
    return _Terms(
        parcel=parcel + tables.shipment,
        atom=atom,
        holds=tables.holds,
        atoms=tables.atoms,
        ceiling=None if problem.all_or_nothing else tables.penalty,
        most=problem.shipments_max or len(tables.parcel),
    )


def _climb(terms: _Terms, target: int) -> Prices:
    """Raise the bound towards the target until it no longer moves."""
    served = terms.holds > 0
    cheapest = np.where(served, terms.atom, np.iinfo(np.int64).max).min(axis=0, initial=2**61)
    cheapest = np.where(served.any(axis=0), cheapest, 0)
    best = terms.evaluate(cheapest)
    price, step, stale = cheapest.astype(np.float64), 1.0, 0
    direction = np.zeros_like(price)
    greatest = _SUM_MAX // max(1, int(terms.holds.sum()), int(terms.atoms.sum()))
    for _ in range(PASSES_MAX):
        prices = terms.evaluate(np.rint(price).astype(np.int64))
        stale += 1
        if prices.bound > best.bound:
            best, stale = prices, 0
        if best.bound >= target or step < _STEP_LEAST:
            break
        if stale >= _PATIENCE:
            step, stale, direction = step * 0.7, 0, np.zeros_like(price)
            prices = best
            price = best.price.astype(np.float64)
        direction = 0.7 * direction + terms.missing(prices)
        norm = float(direction @ direction)
        if norm == 0:
            break
        # Steps may run away; any price from 0 on bounds, as long as it can be counted.
        moved = price + step * (target - prices.bound) / norm * direction
        price = np.clip(moved, 0, greatest)
    return best


def pairs_left(prices: list[Prices], tables: Tables, target: int) -> NDArray[np.bool_]:
    """Pairs of candidate and group that some plan of at most this cost could use.

    A plan that serves g from i costs at least the bound, plus what opening i loses, plus what the
    atom costs above its price; no plan that does not is worth looking at.
    """
    left = tables.holds > 0
    for each in prices:
        loss = np.maximum(each.opening, 0)[:, None] + np.maximum(each.atom - each.price[None, :], 0)
        left &= each.bound + loss <= target
    return left
