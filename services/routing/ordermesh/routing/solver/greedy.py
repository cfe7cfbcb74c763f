"""A quick plan for wide orders: open locations as lines need them, then close what is not worth it.

Costs are estimated with one parcel a shipment, so the plan is only a start for a solver and the
answer of last resort; its true cost is computed when it is assembled.
"""

from collections.abc import Sequence

import numpy as np

from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.solver.lattice import Integers
from ordermesh.routing.solver.tables import Tables

Chosen = dict[int, dict[int, int]]
"""Atoms by group index, by candidate index."""

_CLOSING_TRIES_MAX = 25
_CLOSING_WORK_MAX = 3_000
"""Lines times tries: a try of a very wide order takes tens of milliseconds."""


def greedy_plan(
    problem: Problem, tables: Tables, rows: Sequence[int] | None = None
) -> dict[str, dict[int, int]]:
    """Atoms by group index, by location id; atoms that no choice serves are left out.

    ``rows`` are candidates to prefer: others open only for what these cannot serve.
    """
    if not len(tables.parcel):
        return {}
    best = _insert(tables, problem.shipments_max, rows)
    best_cost = _estimate(tables, best)
    tries_max = min(_CLOSING_TRIES_MAX, _CLOSING_WORK_MAX // len(tables.atoms))
    tries = 0
    improved = True
    while improved and tries < tries_max:
        improved = False
        for closed in sorted(best, key=lambda row: (sum(best[row].values()), row)):
            tries += 1
            kept = [row for row in best if row != closed]
            other = _insert(tables, problem.shipments_max, kept)
            cost = _estimate(tables, other)
            if cost < best_cost:
                best, best_cost, improved = other, cost, True
                break
            if tries >= tries_max:
                break
    return {problem.candidates[row].location_id: atoms for row, atoms in sorted(best.items())}


def _insert(tables: Tables, most: int | None, rows: Sequence[int] | None) -> Chosen:
    """Serve groups, the dearest to leave first, each from where its atoms cost least now."""
    opening = (tables.parcel + tables.shipment).astype(np.float64)
    preferred = (
        np.ones(len(opening), np.bool_) if rows is None else np.zeros(len(opening), np.bool_)
    )
    preferred[list(rows or ())] = True
    allowed = np.ones(len(opening), np.bool_)
    available, capacity = tables.available.copy(), tables.capacity.copy()
    chosen: Chosen = {}
    order = np.argsort(-(tables.penalty * tables.atoms), kind="stable")
    for group in order.tolist():
        left = int(tables.atoms[group])
        while left:
            room = np.minimum(np.where(allowed, _room(tables, group, available, capacity), 0), left)
            if (room[preferred] > 0).any():
                room = np.where(preferred, room, 0)
            if not room.any():
                break
            price = tables.atom[:, group] + opening / np.maximum(room, 1)
            row = int(np.argmin(np.where(room > 0, price, np.inf).astype(np.float64)))
            number = int(room[row])
            atoms = chosen.setdefault(row, {})
            atoms[group] = atoms.get(group, 0) + number
            left -= number
            opening[row], preferred[row] = 0, True
            available[row] -= number * tables.needs[group]
            capacity[row] -= number * tables.units[group]
            if len(chosen) == most:
                allowed[:] = False
                allowed[list(chosen)] = True
    return chosen


def _room(tables: Tables, group: int, available: Integers, capacity: Integers) -> Integers:
    """Atoms of the group that each candidate could still ship."""
    room: Integers = np.minimum(tables.holds[:, group], capacity // tables.units[group])
    for sku in np.flatnonzero(tables.needs[group]):
        room = np.minimum(room, available[:, sku] // tables.needs[group, sku])
    return room


def _estimate(tables: Tables, chosen: Chosen) -> int:
    """The cost of the choice with one parcel a shipment, penalties included."""
    left = tables.atoms.copy()
    cost = 0
    for row, atoms in chosen.items():
        cost += int(tables.parcel[row] + tables.shipment[row])
        for group, number in atoms.items():
            cost += number * int(tables.atom[row, group])
            left[group] -= number
    return cost + int(left @ tables.penalty)
