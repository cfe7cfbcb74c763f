"""The recurrence of ``reference`` in one compiled pass, for the orders that nearly all are.

An order is plain where every candidate pays by its number of parcels, all that is wanted would go
into one, each candidate may ship all that it holds at once, and nothing limits shipments. Of these
orders the same plan is found without writing down arrays on the way. Candidates that another one
replaces are not looked at: one that holds as much of everything and is no dearer in anything. What
turns out not to be plain is given back, and solved the long way.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.solver import kernel
from ordermesh.routing.solver.lattice import Integers, lattice_of, pairs_of
from ordermesh.routing.solver.tables import Tables

PAIRS_MAX = 300_000
"""Pairs of a state and a part of it; beyond it is worth taking parts of the order apart first."""

CHAMPIONS = 16
"""Candidates that others are compared with."""

NOT_PLAIN = -1
NOT_COMPLETE = -2


@dataclass(frozen=True, slots=True)
class Found:
    """The optimum: atoms by group, by candidate; None where not all can be sent and all must be.

    ``margins`` as in ``reference.Exact``.
    """

    assignment: dict[int, dict[int, int]] | None
    value: int
    margins: tuple[int | None, ...]

    def fits(self, parcels_max: int | None) -> bool:
        """Whether it has no more parcels than there may be: each shipment is one."""
        return not self.assignment or parcels_max is None or len(self.assignment) <= parcels_max


def solve_plain(problem: Problem, tables: Tables, *, with_margins: bool) -> Found | None:
    """The optimum of a plain order, or None where it is not plain."""
    shape = tuple(group.atoms + 1 for group in problem.groups)
    if not _looks_plain(problem, tables) or pairs_of(shape) > PAIRS_MAX:
        return None
    lattice = lattice_of(shape)
    flat = lattice.flat
    candidates, atoms = len(tables.parcel), sum(shape) - len(shape)
    known = np.empty((1, lattice.size), np.int64)
    opening, atom = np.empty(candidates, np.int64), np.empty_like(tables.atom)
    rows, states = np.empty(atoms, np.int64), np.empty(atoms, np.int64)
    sides = np.array(shape, np.int64)
    count, one = search(
        tables.shipment,
        tables.parcel,
        tables.atom,
        tables.penalty,
        tables.atoms,
        tables.units,
        tables.holds,
        tables.capacity,
        tables.needs,
        tables.available,
        sides,
        lattice.strides,
        flat.anchors,
        flat.anchor_rests,
        flat.order,
        flat.starts,
        flat.parts,
        flat.rests,
        problem.all_or_nothing,
        opening,
        atom,
        known,
        rows,
        states,
    )
    if count == NOT_PLAIN:
        return None
    if count == NOT_COMPLETE:
        return Found(None, 0, (None,) * candidates)
    assignment = {
        row: {group: n for group, n in enumerate(lattice.counts[state].tolist()) if n}
        for row, state in zip(rows[:count].tolist(), states[:count].tolist(), strict=True)
    }
    value = int(known[0, -1]) // one
    margins: tuple[int | None, ...] = (0,) * candidates
    if with_margins:
        least = np.empty(candidates, np.int64)
        charges = (np.zeros(candidates, np.int64), atom, tables.holds, sides, lattice.strides)
        nothing = np.zeros((1, lattice.size), np.int64)
        kernel.margins_counted(least, known[0], opening, *charges, nothing, charges[0])
        margins = tuple(
            None if each >= kernel.REACH else max(0, each // one - value) for each in least.tolist()
        )
    return Found(assignment, value, margins)


def _looks_plain(problem: Problem, tables: Tables) -> bool:
    """What can be said without looking at each candidate's stock."""
    grams = sum(group.grams * group.atoms for group in problem.groups)
    return (
        len(tables.parcel) > 0
        and not tables.is_exact
        and bool(tables.counted.all())
        and not tables.per_line.any()
        and int(tables.ways.limit.min()) >= grams
    )


@njit(cache=True, nogil=True)
def _may_ship_all(
    holds: Integers, units: Integers, capacity: Integers, needs: Integers, available: Integers
) -> bool:
    """Whether each candidate may ship all that it holds of everything at once."""
    candidates, groups = holds.shape
    for row in range(candidates):
        used = 0
        for group in range(groups):
            used += holds[row, group] * units[group]
        if used > capacity[row]:
            return False
    for sku in range(needs.shape[1]):
        sharing = 0
        for group in range(groups):
            sharing += needs[group, sku] > 0
        if sharing < 2:
            continue
        for row in range(candidates):
            needed = 0
            for group in range(groups):
                needed += holds[row, group] * needs[group, sku]
            if needed > available[row, sku]:
                return False
    return True


@njit(cache=True, nogil=True)
def _tie(
    shipment: Integers,
    parcel: Integers,
    atom: Integers,
    penalty: Integers,
    atoms: Integers,
    units: Integers,
    holds: Integers,
    opening: Integers,
    tied: Integers,
) -> int:
    """Fill ``opening`` and ``tied``, and give what one of the scale counts; 0 if it does not fit.

    Ties are as in ``charges.Ties``.
    """
    candidates, groups = holds.shape
    wanted, number, money = 0, 0, 1.0
    for group in range(groups):
        wanted += units[group] * atoms[group]
        number += atoms[group]
        dearest = abs(penalty[group])
        for row in range(candidates):
            if holds[row, group] > 0:
                dearest = max(dearest, abs(atom[row, group]))
        money += float(dearest) * atoms[group]
    most = 0
    for row in range(candidates):
        most = max(most, abs(parcel[row]) + abs(shipment[row]))
    places = wanted * (candidates - 1) + 1
    money += float(wanted) * most
    if money * (number + 1) * places >= kernel.REACH / 2:
        return 0
    one = (number + 1) * places
    for row in range(candidates):
        opening[row] = (shipment[row] + parcel[row]) * one + places
        for group in range(groups):
            tied[row, group] = atom[row, group] * one + row * units[group]
    return int(one)


@njit(cache=True, nogil=True)
def _champions(
    opening: Integers,
    atom: Integers,
    atoms: Integers,
    holds: Integers,
    penalty: Integers,
    champions: Integers,
) -> int:
    """The candidates that are cheapest for all of it, leaving what they lack; their number."""
    candidates, groups = holds.shape
    scores = np.empty(len(champions), np.int64)
    count = 0
    for row in range(candidates):
        score = opening[row]
        for group in range(groups):
            held = min(holds[row, group], atoms[group])
            score += held * atom[row, group] + (atoms[group] - held) * penalty[group]
        if count == len(champions) and score >= scores[count - 1]:
            continue
        place = min(count, len(champions) - 1)
        count = min(count + 1, len(champions))
        while place > 0 and scores[place - 1] > score:
            scores[place], champions[place] = scores[place - 1], champions[place - 1]
            place -= 1
        scores[place], champions[place] = score, row
    return count


@njit(cache=True, nogil=True)
def _mark_replaced(
    opening: Integers,
    atom: Integers,
    holds: Integers,
    champions: Integers,
    is_replaced: NDArray[np.bool_],
) -> None:
    """Mark each candidate that one of the champions replaces; of equals the first remains."""
    candidates, groups = holds.shape
    for row in range(candidates):
        is_replaced[row] = False
        for other in champions:
            if other == row or opening[other] > opening[row]:
                continue
            replaces, is_cheaper = True, opening[other] < opening[row]
            for group in range(groups):
                if holds[row, group] == 0:
                    continue
                if holds[other, group] < holds[row, group] or atom[other, group] > atom[row, group]:
                    replaces = False
                    break
                is_cheaper = is_cheaper or atom[other, group] < atom[row, group]
            if replaces and (is_cheaper or other < row):
                is_replaced[row] = True
                break


@njit(cache=True, nogil=True)
def _walk_back(
    known: Integers,
    best: Integers,
    who: Integers,
    anchor_rests: Integers,
    starts: Integers,
    parts: Integers,
    rests: Integers,
    places: Integers,
    rows: Integers,
    states: Integers,
) -> int:
    """The shipments of the best plan, by first minima; their number, or ``NOT_PLAIN``."""
    state, count = len(best) - 1, 0
    while state:
        place = places[state]
        chosen = -1
        for pair in range(starts[place], starts[place + 1]):
            if best[parts[pair]] + known[0, rests[pair]] == known[0, state]:
                chosen = pair
                break
        if chosen < 0:
            state = anchor_rests[place]
            continue
        row = who[parts[chosen]]
        for other in range(count):
            if rows[other] == row:
                return NOT_PLAIN
        rows[count], states[count] = row, parts[chosen]
        count += 1
        state = rests[chosen]
    return count


@njit(cache=True, nogil=True)
def search(
    shipment: Integers,
    parcel: Integers,
    atom: Integers,
    penalty: Integers,
    atoms: Integers,
    units: Integers,
    holds: Integers,
    capacity: Integers,
    needs: Integers,
    available: Integers,
    sides: Integers,
    strides: Integers,
    anchors: Integers,
    anchor_rests: Integers,
    order: Integers,
    starts: Integers,
    parts: Integers,
    rests: Integers,
    complete: bool,
    opening: Integers,
    tied: Integers,
    known: Integers,
    rows: Integers,
    states: Integers,
) -> tuple[int, int]:
    """The number of shipments in ``rows`` and ``states``, or why not; and what one counts."""
    if not _may_ship_all(holds, units, capacity, needs, available):
        return NOT_PLAIN, 1
    one = _tie(shipment, parcel, atom, penalty, atoms, units, holds, opening, tied)
    if one == 0:
        return NOT_PLAIN, 1
    penalties = penalty * one
    champions = np.empty(CHAMPIONS, np.int64)
    found = _champions(opening, tied, atoms, holds, penalties, champions)
    candidates, size = len(opening), known.shape[1]
    is_replaced = np.empty(candidates, np.bool_)
    _mark_replaced(opening, tied, holds, champions[:found], is_replaced)
    best, who = np.empty(size, np.int64), np.empty(size, np.int64)
    nothing, which = np.zeros((1, size), np.int64), np.zeros(candidates, np.int64)
    kernel.least_of_counted(
        best, who, is_replaced, opening, which, tied, holds, sides, strides, nothing, which
    )
    kernel.relax(
        known, best, penalties, anchors, anchor_rests, order, starts, parts, rests, complete
    )
    if known[0, size - 1] >= kernel.REACH:
        return NOT_COMPLETE, one
    places = np.empty(size, np.int64)
    for place in range(len(order)):
        places[order[place]] = place
    count = _walk_back(
        known,
        best,
        who,
        anchor_rests,
        starts,
        parts,
        rests,
        places,
        rows,
        states,
    )
    return count, one
