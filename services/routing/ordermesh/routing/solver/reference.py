"""One order, exactly: the recurrence over everything that may leave together.

Data. G groups of interchangeable atoms, I candidates in order of rank. A state x counts atoms by
group; n(x) is the number of parcels of its units. Candidate i charges P_i for a parcel, split
charge included, and c_ig for an atom; it holds units of each SKU, and has room for so many units.
An atom left costs u_g.

Variables. x_i, the atoms that candidate i ships, each candidate used at most once.

Objective. The least of ``sum_i (P_i n(x_i) + x_i c_i) + (all - sum_i x_i) u``; then the fewest
shipments; then the least sum of units times their location's place in the order of rank.

Constraints.

1. ``sum_i x_i <= all``, by group.
2. The units of each SKU in x_i are at most what i has available, over all groups together.
3. The units in x_i are at most the capacity of i.
4. No atom of a group that i is excluded from.
5. At most so many candidates have ``x_i > 0``, where the problem limits shipments.
6. ``sum_i x_i = all`` where all or nothing is asked.

Method. ``best[y]`` is the least ``value_i[y]`` over candidates, and ``dp[x]`` the least of one
anchor atom left unfilled or ``best[y] + dp[x - y]`` over the parts y that hold an anchor atom: a
set-partition recurrence, as in Held, Karp, *A dynamic programming approach to sequencing
problems*, 1962. It may use a candidate twice, beyond its stock. If the plan walked back does, that
candidate leaves ``best`` and gets a layer of its own, ``f'[x] = min(f[x], min_y value_i[y] +
f[x - y])``, which uses it once; then the recurrence runs again. Without the layers it is a
relaxation, so it bounds every plan; once no candidate is used twice its plan is the optimum.

The three objectives are one 64-bit integer each, on scales that keep them apart. The plan is
walked back by first minima, so equal problems give equal plans.
"""

from dataclasses import dataclass

import numpy as np

from ordermesh.routing.domain.parcels import Weights, pack, weights_of
from ordermesh.routing.domain.problem import Group, Problem
from ordermesh.routing.solver.lattice import (
    PAIRS_MAX,
    Indices,
    Integers,
    Lattice,
    lattice_of,
    pairs_of,
)
from ordermesh.routing.solver.recurrence import Answer, Recurrence
from ordermesh.routing.solver.tables import Tables, tables_of

VALUES_MAX = 5_000_000
"""Candidates times states of one component at most: 40 MB of values."""


@dataclass(frozen=True, slots=True)
class Exact:
    """The optimum of a problem.

    ``assignment`` is atoms by group index, by candidate index, or None where nothing can be filled,
    or not everything and all or nothing was asked. ``value`` is its cost and ``bound`` a proven
    lower bound: the two differ only where the fewest parcels of a shipment were not proven, or as
    ``_first_parcel_free`` says. ``margins`` say by how much at least every plan that uses a
    candidate is dearer, None if there is none.
    """

    assignment: dict[int, dict[int, int]] | None
    value: int
    bound: int
    margins: tuple[int | None, ...]


def solve_exactly(problem: Problem) -> Exact | None:
    """The optimum with its proof, or None where the states or steps would exceed the budget."""
    tables = tables_of(problem)
    most = problem.shipments_max
    if most is not None and most >= min(int(tables.atoms.sum()), len(problem.candidates)):
        most = None
    held = np.flatnonzero(tables.holds.any(axis=0))
    nobody: tuple[int | None, ...] = (None,) * len(problem.candidates)
    if not len(held) or (problem.all_or_nothing and len(held) < len(problem.groups)):
        return Exact(None, 0, 0, nobody)
    nowhere = np.setdiff1d(np.arange(len(problem.groups)), held)
    left = int((tables.penalty[nowhere] * tables.atoms[nowhere]).sum())
    whole = Exact({}, left, left, nobody)
    for candidates, groups in _components(tables, held, together=most is not None):
        part = _solve_component(problem, tables.restricted(candidates, groups), groups, most)
        if part is None:
            return None
        whole = _join(whole, part, candidates, groups)
        if whole.assignment is None:
            return whole
    return _first_parcel_free(whole, problem.costs.split_charge)


def _components(tables: Tables, held: Indices, *, together: bool) -> list[tuple[Indices, Indices]]:
    """Candidates and groups that share nothing with the rest, to be solved apart and added."""
    serves = tables.holds > 0
    if together:
        return [(np.flatnonzero(serves.any(axis=1)), held)] if len(held) else []
    found: list[tuple[Indices, Indices]] = []
    waiting = held
    while len(waiting):
        groups = waiting[:1]
        while True:
            candidates = np.flatnonzero(serves[:, groups].any(axis=1))
            grown = np.flatnonzero(serves[candidates].any(axis=0))
            if len(grown) == len(groups):
                break
            groups = grown
        found.append((candidates, groups))
        waiting = np.setdiff1d(waiting, groups)
    return found


def _solve_component(
    problem: Problem, tables: Tables, indices: Indices, most: int | None
) -> Answer | None:
    """The optimum of some groups and candidates, or None beyond the budget."""
    shape = tuple(int(atoms) + 1 for atoms in tables.atoms)
    if pairs_of(shape) > PAIRS_MAX or len(tables.parcel) * int(np.prod(shape)) > VALUES_MAX:
        return None
    lattice = lattice_of(shape)
    groups = [problem.groups[index] for index in indices]
    parcels, fewest = _parcel_counts(groups, lattice, problem.costs.parcel_limit_grams)
    complete = problem.all_or_nothing
    answer = Recurrence(tables, lattice, parcels, most, complete=complete).solve()
    if answer is None or answer.assignment is None or (fewest == parcels).all():
        return answer
    bound = Recurrence(tables, lattice, fewest, most, complete=complete).bound()
    return Answer(answer.assignment, answer.value, min(bound, answer.value), answer.margins)


def _first_parcel_free(exact: Exact, split_charge: int) -> Exact:
    """The optimum when the first parcel of the order is not charged for the split.

    The recurrence charges every parcel, so every plan that ships something is dearer there by the
    same amount. Only the plan that ships nothing is not: where it came out best, another might be
    cheaper now, and the bound says by how much at most. Penalties that dominate rule this out.
    """
    if exact.assignment:
        value, bound = exact.value - split_charge, exact.bound - split_charge
        return Exact(exact.assignment, value, bound, exact.margins)
    least = min((margin for margin in exact.margins if margin is not None), default=0)
    bound = min(exact.value, exact.bound + least - split_charge)
    margins = tuple(m if m is None else max(0, m - split_charge) for m in exact.margins)
    return Exact(exact.assignment, exact.value, bound, margins)


def _parcel_counts(
    groups: list[Group], lattice: Lattice, limit_grams: int | None
) -> tuple[Integers, Integers]:
    """For every state, the parcels its units are packed into, and the fewest that could do."""
    ones = np.ones(lattice.size, np.int64)
    ones[0] = 0
    heaviest = sum(group.atoms * group.grams for group in groups)
    if limit_grams is None or heaviest <= limit_grams:
        return ones, ones
    parcels, fewest = ones.copy(), ones.copy()
    known: dict[Weights, tuple[int, int]] = {}
    for state, counts in enumerate(lattice.counts.tolist()):
        weights = weights_of(
            [
                (part.weight_grams, part.units * number)
                for group, number in zip(groups, counts, strict=True)
                for part in group.parts
            ]
        )
        if weights not in known:
            packing = pack(weights, limit_grams)
            known[weights] = (len(packing.parcels), packing.fewest)
        parcels[state], fewest[state] = known[weights]
    return parcels, fewest


def _join(whole: Exact, part: Answer, candidates: Indices, groups: Indices) -> Exact:
    """The optimum of what was solved so far and one more component, in the problem's indices."""
    margins = list(whole.margins)
    for index, margin in zip(candidates.tolist(), part.margins, strict=True):
        margins[index] = margin
    assignment = whole.assignment
    if part.assignment is None or assignment is None:
        return Exact(None, 0, 0, (None,) * len(margins))
    for row, atoms in part.assignment.items():
        chosen = {int(groups[g]): number for g, number in enumerate(atoms) if number}
        assignment = {**assignment, int(candidates[row]): chosen}
    value, bound = whole.value + part.value, whole.bound + part.bound
    return Exact(assignment, value, bound, tuple(margins))
