"""Orders that may be brought together at hubs: which location serves whom.

A location, and each leg that brings its goods to a hub, have its stock and its capacity together.
The recurrence gives each of them all of it: a relaxation, which bounds every plan. Where its plan
takes more than there is, of an item or of the capacity, one of those who take it is looked at:
either it takes less than here, or at least as much, and then the others have only the rest. Both
are relaxations again, and no plan lies in neither. The one that counts least is taken up next, so
that the first plan that takes too much of nothing is the optimum (branch and bound, as in Land,
Doig, *An automatic method of solving discrete programming problems*, 1960).
"""

import heapq
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from ordermesh.routing.domain.bringing import Brought, brought
from ordermesh.routing.domain.problem import Candidate, Problem
from ordermesh.routing.domain.scale import Scale
from ordermesh.routing.solver.exact import Exact

NODES_MAX = 400
"""So many relaxations are solved at most."""

WORK = ""
"""Stands for the capacity of a location among its items."""

Taker = tuple[int, str]
"""Who takes goods of a location: the place of a candidate, and of a hub the leg ("" for none)."""

Row = tuple[str, str]
"""A location and an item, or its capacity."""


class Solve(Protocol):
    """Finds the optimum as if nobody shared anything."""

    def __call__(self, problem: Problem, scale: Scale, *, with_margins: bool) -> Exact | None:
        """The optimum, or None beyond the budget."""
        ...


@dataclass(frozen=True)
class _Node:
    """What takers may have at most, and will have at least, by row."""

    most: Mapping[tuple[Taker, Row], int] = field(default_factory=dict)
    least: Mapping[tuple[Taker, Row], int] = field(default_factory=dict)


def solve_with_hubs(
    problem: Problem, scale: Scale, solve: Solve, *, with_margins: bool
) -> Exact | None:
    """The optimum with its proof, or None beyond the budget."""
    root = solve(problem, scale, with_margins=with_margins)
    if root is None or root.assignment is None:
        return root
    order = itertools.count()
    waiting = [(root.value, next(order), _Node(), root, _brought(problem, root, scale))]
    for _ in range(NODES_MAX):
        if not waiting:
            return Exact(None, 0, 0, (None,) * len(problem.candidates))
        value, _, node, exact, legs = heapq.heappop(waiting)
        conflict = _conflict(problem, exact, legs)
        if conflict is None:
            bound = min([exact.bound, *(one.bound for _, _, _, one, _ in waiting)])
            margins = tuple(
                None if margin is None else max(0, root.value + margin - value)
                for margin in root.margins
            )
            return replace(exact, bound=bound, margins=margins, brought=legs)
        for child in _children(problem, node, *conflict):
            capped = _capped(problem, child)
            found = solve(capped, scale, with_margins=False)
            if found is None:
                return None
            if found.assignment is not None:
                brings = _brought(capped, found, scale)
                heapq.heappush(waiting, (found.value, next(order), child, found, brings))
    return None


def _brought(problem: Problem, exact: Exact, scale: Scale) -> dict[int, Brought]:
    return {
        row: brought(problem, problem.candidates[row], atoms, scale)
        for row, atoms in (exact.assignment or {}).items()
        if problem.candidates[row].legs and atoms
    }


def _conflict(
    problem: Problem, exact: Exact, legs: Mapping[int, Brought]
) -> tuple[Row, dict[Taker, int]] | None:
    """The first row of which more is taken than there is, and who takes how much of it."""
    taken: dict[Row, dict[Taker, int]] = {}
    for row, atoms in (exact.assignment or {}).items():
        candidate = problem.candidates[row]
        if row in legs:
            work = _units(problem, atoms)[WORK]
            taken.setdefault((candidate.place_id, WORK), {})[row, ""] = work
        shares: Mapping[str, Mapping[int, int]] = legs.get(row, {"": atoms})
        for name, share in shares.items():
            place = name or candidate.location_id
            for sku, units in _units(problem, share).items():
                if not name or name != candidate.place_id or sku != WORK:
                    taken.setdefault((place, sku), {})[row, name] = units
    there = _rows(problem)
    for row_name in sorted(taken):
        users, limit = taken[row_name], there.get(row_name)
        if limit is not None and sum(users.values()) > limit:
            return row_name, users
    return None


def _units(problem: Problem, atoms: Mapping[int, int]) -> dict[str, int]:
    """Units by SKU, and of all of them."""
    units: dict[str, int] = {WORK: 0}
    for index, number in atoms.items():
        for part in problem.groups[index].parts:
            units[part.sku] = units.get(part.sku, 0) + part.units * number
            units[WORK] += part.units * number
    return units


def _rows(problem: Problem) -> dict[Row, int]:
    """What there is of each item at each location, and of its capacity where that has an end."""
    found: dict[Row, int] = {}
    for one in problem.sources:
        found |= {(one.location_id, sku): units for sku, units in one.available}
        if one.capacity_units is not None:
            found[one.location_id, WORK] = one.capacity_units
    for hub in problem.candidates:
        if hub.legs and hub.capacity_units is not None:
            row = (hub.place_id, WORK)
            found[row] = min(found.get(row, hub.capacity_units), hub.capacity_units)
    return found


def _children(
    problem: Problem, node: _Node, row: Row, users: Mapping[Taker, int]
) -> Iterator[_Node]:
    """The two ways on: a taker takes less, or as much and the others have the rest."""
    taker = max(
        (one for one in users if node.least.get((one, row), -1) < users[one]),
        key=lambda one: (users[one], one),
        default=None,
    )
    if taker is None:
        return
    units = users[taker]
    if units - 1 >= node.least.get((taker, row), 0):
        yield _Node({**node.most, (taker, row): units - 1}, node.least)
    least = {**node.least, (taker, row): units}
    total = _rows(problem)[row]
    sure = sum(number for (_, name), number in least.items() if name == row)
    if sure > total:
        return
    most = dict(node.most)
    for other in _all_takers(problem, row):
        rest = total - sure + least.get((other, row), 0)
        most[other, row] = min(most.get((other, row), rest), rest)
    yield _Node(most, least)


def _all_takers(problem: Problem, wanted: Row) -> Iterator[Taker]:
    """Who could take something of a row; of a hub's own capacity that is the hub itself."""
    place, sku = wanted
    for row, candidate in enumerate(problem.candidates):
        is_hub = bool(candidate.legs)
        if place == (candidate.place_id if is_hub else candidate.location_id) and (
            not is_hub or sku == WORK
        ):
            yield (row, "")
        for leg in candidate.legs:
            if leg.location_id == place and (place != candidate.place_id or sku != WORK):
                yield (row, leg.location_id)


def _capped(problem: Problem, node: _Node) -> Problem:
    """The problem in which takers have no more than they may."""
    limits: dict[Taker, dict[str, int]] = {}
    for (taker, (_, sku)), units in node.most.items():
        limits.setdefault(taker, {})[sku] = units
    candidates = []
    for row, uncapped in enumerate(problem.candidates):
        candidate = _limited(uncapped, limits.get((row, ""), {}))
        legs = tuple(
            _limited(leg, limits.get((row, leg.location_id), {})) for leg in candidate.legs
        )
        candidates.append(replace(candidate, legs=legs))
    return replace(problem, candidates=tuple(candidates))


def _limited(candidate: Candidate, limits: Mapping[str, int]) -> Candidate:
    if not limits:
        return candidate
    available = tuple(
        (sku, min(units, limits.get(sku, units))) for sku, units in candidate.available
    )
    room = candidate.capacity_units
    if WORK in limits:
        room = limits[WORK] if room is None else min(room, limits[WORK])
    return replace(candidate, available=available, capacity_units=room)
