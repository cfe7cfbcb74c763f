"""Ruin and recreate: release a few orders that want the same, and source them again one by one."""

import numpy as np
from numba import njit, types
from numpy.typing import NDArray

from ordermesh.routing.domain.batch.instance import ATOMS_MAX
from ordermesh.routing.solver.batch.arrays import (
    COLUMN,
    DATA,
    FIRM,
    INTEGER,
    STATES,
    Data,
    Integers,
)
from ordermesh.routing.solver.batch.order import SCRATCH, cost_of, move_stock, solve_order

GROUP_MAX = 12
"""Orders that one move releases at most."""

HEAT = 1024
"""How many heats an acceptance is drawn from."""

_TRIES = 24

Randomness = NDArray[np.uint64]


@njit(INTEGER(types.uint64[::1], INTEGER), nogil=True, cache=True)
def draw(state: Randomness, bound: int) -> int:
    """The next number from 0 to below the bound, by splitmix64."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    mixed = state[0]
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed = mixed ^ (mixed >> np.uint64(31))
    return int((mixed >> np.uint64(33)) % np.uint64(bound))


@njit(
    INTEGER(DATA, COLUMN, COLUMN, COLUMN, COLUMN, COLUMN, INTEGER, types.uint64[::1], COLUMN),
    nogil=True,
    cache=True,
)
def _gather(
    data: Data,
    picks: Integers,
    weights: Integers,
    first_contender: Integers,
    contender: Integers,
    lane_of: Integers,
    lane: int,
    state: Randomness,
    group: Integers,
) -> int:
    """Draw orders of a lane that want the same resource, or what another of them uses."""
    first_row, first_cell, first_atom, location, stock = data[0], data[1], data[2], data[3], data[6]
    stock_rows = data[10]
    resource = np.searchsorted(weights, draw(state, weights[-1]), side="right")
    wanted = 2 + draw(state, GROUP_MAX - 1)
    count = 0
    for _ in range(_TRIES):
        begin, end = first_contender[resource], first_contender[resource + 1]
        if begin == end:
            break
        order = contender[begin + draw(state, end - begin)]
        is_new = lane_of[order] == lane
        for other in range(count):
            if group[other] == order:
                is_new = False
        if is_new:
            group[count] = order
            count += 1
            if count == wanted:
                break
        if count and draw(state, 10) < 3:
            order = group[draw(state, count)]
            number = first_atom[order + 1] - first_atom[order]
            atom = draw(state, number)
            row = picks[first_atom[order] + atom]
            if row >= 0:
                cell = first_cell[order] + (row - first_row[order]) * number + atom
                resource = stock[cell]
                if draw(state, 8) == 0:
                    resource = stock_rows + location[row]
    return count


@njit(
    INTEGER(DATA, INTEGER, COLUMN, COLUMN, COLUMN, COLUMN, COLUMN, COLUMN), nogil=True, cache=True
)
def _release(
    data: Data,
    count: int,
    group: Integers,
    left: Integers,
    picks: Integers,
    cost: Integers,
    before: Integers,
    earlier: Integers,
) -> int:
    """Give back what a group of orders holds, and write down how it was; gives what it cost."""
    first_atom = data[2]
    total = 0
    for place in range(count):
        order = group[place]
        base = first_atom[order]
        for atom in range(first_atom[order + 1] - base):
            before[ATOMS_MAX * place + atom] = picks[base + atom]
        move_stock(data, order, picks, base, left, 1)
        earlier[place] = cost[order]
        total += cost[order]
    return total


@njit(
    types.void(DATA, INTEGER, COLUMN, COLUMN, COLUMN, COLUMN, COLUMN, COLUMN),
    nogil=True,
    cache=True,
)
def _restore(
    data: Data,
    count: int,
    group: Integers,
    left: Integers,
    picks: Integers,
    cost: Integers,
    before: Integers,
    earlier: Integers,
) -> None:
    """Bring a group of orders back to how it was."""
    first_atom = data[2]
    for place in range(count):
        order = group[place]
        base = first_atom[order]
        move_stock(data, order, picks, base, left, 1)
        for atom in range(first_atom[order + 1] - base):
            picks[base + atom] = before[ATOMS_MAX * place + atom]
        cost[order] = earlier[place]
    for place in range(count):
        move_stock(data, group[place], picks, first_atom[group[place]], left, -1)


@njit(
    INTEGER(
        DATA,
        INTEGER,
        COLUMN,
        INTEGER,
        COLUMN,
        COLUMN,
        COLUMN,
        COLUMN,
        COLUMN,
        COLUMN,
        INTEGER,
        COLUMN,
        COLUMN,
        types.uint64[::1],
    ),
    nogil=True,
    cache=True,
)
def ruin_and_recreate(
    data: Data,
    moves: int,
    heats: Integers,
    temperature: int,
    left: Integers,
    price: Integers,
    weights: Integers,
    first_contender: Integers,
    contender: Integers,
    lane_of: Integers,
    lane: int,
    picks: Integers,
    cost: Integers,
    state: Randomness,
) -> int:
    """Make so many moves in a lane; gives how the total changed.

    ``weights`` are sums that say how often each resource is drawn; the orders that contend for it
    are ``contender[first_contender[r]:first_contender[r + 1]]``. A move that makes the plan dearer
    by d is kept if d is at most ``temperature`` times a drawn one of ``heats``, in 256ths.
    """
    first_atom = data[2]
    scratch, found = np.empty(SCRATCH * STATES, np.int64), np.empty(ATOMS_MAX, np.int64)
    group, before = np.empty(GROUP_MAX, np.int64), np.empty(ATOMS_MAX * GROUP_MAX, np.int64)
    earlier = np.empty(GROUP_MAX, np.int64)
    total = 0
    for _ in range(moves):
        count = _gather(
            data, picks, weights, first_contender, contender, lane_of, lane, state, group
        )
        if count == 0:
            continue
        for place in range(count - 1, 0, -1):
            other = draw(state, place + 1)
            group[place], group[other] = group[other], group[place]
        change = -_release(data, count, group, left, picks, cost, before, earlier)
        for place in range(count):
            order = group[place]
            base = first_atom[order]
            share = 0 if place == count - 1 else draw(state, FIRM + 1)
            solve_order(data, order, left, price, share, found, scratch)
            for atom in range(first_atom[order + 1] - base):
                picks[base + atom] = found[atom]
            move_stock(data, order, picks, base, left, -1)
            cost[order] = cost_of(data, order, picks, base)
            change += cost[order]
        if change <= (temperature * heats[draw(state, HEAT)]) >> 8:
            total += change
        else:
            _restore(data, count, group, left, picks, cost, before, earlier)
    return total
