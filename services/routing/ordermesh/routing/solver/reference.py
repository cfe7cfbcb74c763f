"""One order, exactly: the recurrence over everything that may leave together.

Data. G groups of interchangeable atoms, I candidates in order of rank. A state x counts atoms by
group. Candidate i charges ``value_i(x)`` for shipping x: what a shipment costs, its parcels, each
by the service that is cheapest for it, and its atoms; any function of x will do. It holds units of
each SKU, and has room for so many units. An atom left costs u_g.

Variables. x_i, the atoms that candidate i ships, each candidate used at most once.

Objective. The least of ``sum_i value_i(x_i) + (all - sum_i x_i) u``, counted on the scale of the
problem's tiers; then the fewest shipments; then the least sum of units times their location's place
in the order of rank.

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

import numpy as np

from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.scale import Scale
from ordermesh.routing.domain.terms import Term
from ordermesh.routing.solver.charges import charges_of
from ordermesh.routing.solver.counting import STEPS_MAX, Counting
from ordermesh.routing.solver.exact import Exact
from ordermesh.routing.solver.hubs import solve_with_hubs
from ordermesh.routing.solver.lattice import PAIRS_MAX, Indices, lattice_of, pairs_of
from ordermesh.routing.solver.plain import solve_plain
from ordermesh.routing.solver.recurrence import Recurrence, ties_of
from ordermesh.routing.solver.tables import Tables, tables_of
from ordermesh.routing.solver.values import Values

LEG_STEPS_MAX = 60_000_000
"""Pairs of a state and a part of it, times legs, that are looked at at most for one hub."""

VALUES_MAX = 5_000_000
"""Candidates times states of one component at most: 40 MB of values."""


def solve_exactly(
    problem: Problem, scale: Scale, *, tables: Tables | None = None, with_margins: bool = True
) -> Exact | None:
    """The optimum with its proof, or None where the states or steps would exceed the budget.

    ``tables`` are those of the problem where somebody has them. Without margins each is 0.
    """
    if any(candidate.legs for candidate in problem.candidates):
        return solve_with_hubs(problem, scale, _solve, with_margins=with_margins)
    return _solve(problem, scale, tables=tables, with_margins=with_margins)


def _solve(
    problem: Problem, scale: Scale, *, tables: Tables | None = None, with_margins: bool = True
) -> Exact | None:
    """As ``solve_exactly``, as if hubs shared nothing with those that serve them."""
    tables = tables or tables_of(problem, scale)
    most = problem.shipments_max
    if most is not None and most >= min(int(tables.atoms.sum()), len(problem.candidates)):
        most = None
    is_held = tables.holds.any(axis=0)
    held = np.flatnonzero(is_held)
    nobody: tuple[int | None, ...] = (None,) * len(problem.candidates)
    if not len(held) or (problem.all_or_nothing and len(held) < len(problem.groups)):
        return Exact(None, 0, 0, nobody)
    split = scale.coefficients.get(Term.SPLIT, 0) * problem.costs.split_charge
    if most is None:
        plain = solve_plain(problem, tables, with_margins=with_margins)
        if plain is not None and plain.fits(problem.parcels_max):
            found = Exact(plain.assignment, plain.value, plain.value, plain.margins)
            return found if plain.assignment is None else _first_parcel_free(found, split)
    left = int((tables.penalty * tables.atoms)[~is_held].sum())
    whole = Exact({}, left, left, nobody)
    for candidates, groups in _components(tables, held, together=most is not None):
        some = tables.restricted(candidates, groups)
        part = _solve_component(problem, scale, some, most, with_margins=with_margins)
        if part is None:
            return None
        whole = _join(whole, part, candidates.tolist())
        if whole.assignment is None:
            return whole
    if whole.has_more_parcels_than(problem.parcels_max):
        return _under_the_limit(problem, scale, tables, held, left, split)
    return _first_parcel_free(whole, split)


def _under_the_limit(
    problem: Problem, scale: Scale, tables: Tables, held: Indices, left: int, split: int
) -> Exact | None:
    """The optimum of all groups together with no more parcels than there may be."""
    served = np.flatnonzero((tables.holds > 0).any(axis=1))
    some = tables.restricted(served, held)
    shape = tuple(int(atoms) + 1 for atoms in some.atoms)
    if pairs_of(shape) > PAIRS_MAX or some.is_exact:
        return None
    lattice, ties = lattice_of(shape), ties_of(some)
    priced = Values(problem, scale, some, lattice)
    most = problem.parcels_max or 1
    counting = Counting(some, lattice, priced, ties, most, problem.shipments_max)
    if counting.steps > STEPS_MAX or not priced.are_proven:
        return None
    found = counting.solve(complete=problem.all_or_nothing)
    if found.picks is None:
        return Exact(None, 0, 0, ())
    columns = held.tolist()
    assignment, loads = {}, {}
    for row, (state, parcels) in found.picks.items():
        place, counts = int(served[row]), lattice.counts[state].tolist()
        assignment[place] = {columns[g]: number for g, number in enumerate(counts) if number}
        known = priced.loads_in_parcels(row, state, parcels)
        if known is not None:
            loads[place] = known
    value = left + found.value
    return _first_parcel_free(Exact(assignment, value, value, (), loads, most), split)


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
        waiting = waiting[~np.isin(waiting, groups)] if len(groups) < len(waiting) else groups[:0]
    return found


def _solve_component(
    problem: Problem, scale: Scale, tables: Tables, most: int | None, *, with_margins: bool
) -> Exact | None:
    """The optimum of some groups and candidates, or None beyond the budget.

    Its groups are the problem's, its candidates the tables' own.
    """
    shape = tuple(int(atoms) + 1 for atoms in tables.atoms)
    if pairs_of(shape) > PAIRS_MAX or len(tables.parcel) * int(np.prod(shape)) > VALUES_MAX:
        return None
    if _most_legs(problem) * pairs_of(shape) > LEG_STEPS_MAX:
        return None
    lattice = lattice_of(shape)
    priced = Values(problem, scale, tables, lattice)
    complete = problem.all_or_nothing
    ties = ties_of(tables)
    charges = charges_of(tables, lattice, priced, ties)
    search = Recurrence(tables, lattice, charges, ties.scale, most, complete=complete)
    answer = search.solve(with_margins=with_margins)
    if answer is None:
        return None
    bound = answer.bound
    if answer.assignment is not None and not priced.are_proven:
        below = charges_of(tables, lattice, priced, ties, bounds=True)
        relaxed = Recurrence(tables, lattice, below, ties.scale, most, complete=complete)
        bound = min(relaxed.bound(), answer.value)
    if answer.assignment is None:
        return Exact(None, 0, 0, answer.margins)
    columns = tables.columns.tolist()
    assignment = {}
    loads = {}
    parcels = 0
    for row, state in answer.assignment.items():
        counts = lattice.counts[state].tolist()
        assignment[row] = {columns[g]: number for g, number in enumerate(counts) if number}
        found = priced.loads(row, state)
        if found is not None:
            loads[row] = found
        parcels += priced.parcels_of(row, state) if found is None else len(found)
    return Exact(assignment, answer.value, bound, answer.margins, loads, parcels)


def _most_legs(problem: Problem) -> int:
    """How many legs a hub has at most."""
    return max((len(candidate.legs) for candidate in problem.candidates), default=0)


def _first_parcel_free(exact: Exact, split_charge: int) -> Exact:
    """The optimum when the first parcel of the order is not charged for the split.

    The recurrence charges every parcel, so every plan that ships something is dearer there by the
    same amount. Only the plan that ships nothing is not: where it came out best, another might be
    cheaper now, and the bound says by how much at most. Penalties that dominate rule this out.
    """
    if exact.assignment:
        value, bound = exact.value - split_charge, exact.bound - split_charge
        return Exact(exact.assignment, value, bound, exact.margins, exact.loads, exact.parcels)
    least = min((margin for margin in exact.margins if margin is not None), default=0)
    bound = min(exact.value, exact.bound + least - split_charge)
    margins = tuple(m if m is None else max(0, m - split_charge) for m in exact.margins)
    return Exact(exact.assignment, exact.value, bound, margins)


def _join(whole: Exact, part: Exact, candidates: list[int]) -> Exact:
    """The optimum of what was solved so far and one more component, in the problem's indices."""
    margins = list(whole.margins)
    for index, margin in zip(candidates, part.margins, strict=True):
        margins[index] = margin
    if part.assignment is None or whole.assignment is None:
        return Exact(None, 0, 0, (None,) * len(margins))
    own = {candidates[row]: atoms for row, atoms in part.assignment.items()}
    loads = {candidates[row]: found for row, found in part.loads.items()}
    return Exact(
        {**whole.assignment, **own},
        whole.value + part.value,
        whole.bound + part.bound,
        tuple(margins),
        {**whole.loads, **loads},
        whole.parcels + part.parcels,
    )
