"""Every plan of an order that could be in an optimum: those within a radius at the prices.

At prices a plan has a reduced cost; the bound is the sum of the least of every order. A plan whose
reduced cost is above its order's least by more than the gap is in no better plan of the batch.
"""

import numpy as np
from numba import njit, types

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
from ordermesh.routing.solver.batch.order import best_sets, combine, sets_of_row
from ordermesh.routing.solver.batch.passes import complete

CAP = 120
"""Plans of one order at most; an order that has more is counted."""

SETS = 4096
"""Parcels that the plans of one order are made of at most; who has more is counted too."""


@njit(
    INTEGER(
        DATA,
        INTEGER,
        COLUMN,
        COLUMN,
        INTEGER,
        INTEGER,
        INTEGER,
        COLUMN,
        COLUMN,
        COLUMN,
        COLUMN,
        COLUMN,
    ),
    nogil=True,
    cache=True,
)
def _parcels(
    data: Data,
    order: int,
    capacity: Integers,
    price: Integers,
    radius: int,
    limit: int,
    whole: int,
    rest_cost: Integers,
    rows: Integers,
    parts: Integers,
    paid: Integers,
    scratch: Integers,
) -> int:
    """The parcels that any plan within the limit is made of: their number, ``SETS`` at most."""
    first_row, split = data[0], data[11]
    masks, values = scratch[:STATES], scratch[STATES : 2 * STATES]
    loads = scratch[2 * STATES : 3 * STATES]
    count = 0
    for row in range(first_row[order], first_row[order + 1]):
        sets = sets_of_row(data, order, row, capacity, price, FIRM, radius, masks, values, loads)
        for known in range(1, sets):
            if values[known] + rest_cost[whole ^ masks[known]] - split <= limit and count < SETS:
                rows[count], parts[count], paid[count] = row, masks[known], values[known]
                count += 1
    return count


@njit(types.void(INTEGER, INTEGER, COLUMN, COLUMN, COLUMN, COLUMN, INTEGER), nogil=True, cache=True)
def _write(
    number: int,
    depth: int,
    taken: Integers,
    rows: Integers,
    parts: Integers,
    picks: Integers,
    place: int,
) -> None:
    """Write down the row of each atom of a plan."""
    for atom in range(number):
        picks[place + atom] = -1
    for step in range(depth):
        if taken[step] >= 0:
            for atom in range(number):
                if parts[taken[step]] >> atom & 1:
                    picks[place + atom] = rows[taken[step]]


@njit(types.boolean(INTEGER, INTEGER, INTEGER, COLUMN, COLUMN, COLUMN), nogil=True, cache=True)
def _fits(
    choice: int, left: int, depth: int, taken: Integers, rows: Integers, parts: Integers
) -> bool:
    """Whether a parcel holds the lowest open atom, only open ones, and is the first of its row."""
    part = parts[choice]
    if part & (left & -left) == 0 or part & left != part:
        return False
    for step in range(depth):
        if taken[step] >= 0 and rows[taken[step]] == rows[choice]:
            return False
    return True


@njit(
    INTEGER(
        DATA,
        INTEGER,
        INTEGER,
        INTEGER,
        INTEGER,
        COLUMN,
        COLUMN,
        COLUMN,
        COLUMN,
        COLUMN,
        INTEGER,
    ),
    nogil=True,
    cache=True,
)
def _walk(
    data: Data,
    order: int,
    number: int,
    limit: int,
    count: int,
    rest_cost: Integers,
    rows: Integers,
    parts: Integers,
    paid: Integers,
    picks: Integers,
    base: int,
) -> int:
    """Write all plans made of these parcels within the limit; gives their number, cap and one."""
    first_atom, penalty, split = data[2], data[8], data[11]
    start = first_atom[order]
    open_at = np.zeros(ATOMS_MAX + 1, np.int64)
    total = np.zeros(ATOMS_MAX + 1, np.int64)
    following = np.zeros(ATOMS_MAX + 1, np.int64)
    taken = np.full(ATOMS_MAX + 1, -1, np.int64)
    sent = np.zeros(ATOMS_MAX + 1, np.int64)
    open_at[0], following[0] = (1 << number) - 1, -1
    depth, found = 0, 0
    while depth >= 0:
        left, choice = open_at[depth], following[depth]
        if left == 0 and total[depth] - (split if sent[depth] else 0) <= limit:
            if found == CAP:
                return CAP + 1
            _write(number, depth, taken, rows, parts, picks, base + found * ATOMS_MAX)
            found += 1
        if left == 0 or choice == count:
            depth -= 1
            continue
        following[depth] += 1
        part, cost = left & -left, 0
        if choice < 0:
            atom = 0
            while part >> atom != 1:
                atom += 1
            cost = penalty[start + atom]
        elif _fits(choice, left, depth, taken, rows, parts):
            part, cost = parts[choice], paid[choice]
        else:
            continue
        if total[depth] + cost + rest_cost[left ^ part] - split > limit:
            continue
        taken[depth] = choice
        total[depth + 1] = total[depth] + cost
        open_at[depth + 1] = left ^ part
        sent[depth + 1] = sent[depth] + (1 if choice >= 0 else 0)
        following[depth + 1] = -1
        depth += 1
    return found


@njit(types.void(DATA, COLUMN, COLUMN, COLUMN, INTEGER, COLUMN, COLUMN), nogil=True, cache=True)
def enumerate_plans(
    data: Data,
    orders: Integers,
    capacity: Integers,
    price: Integers,
    radius: int,
    picks: Integers,
    counts: Integers,
) -> None:
    """All plans of some orders within the radius of their least.

    Those of the n-th order begin at ``picks[n * CAP * ATOMS_MAX]``, each a row for each atom;
    ``counts[n]`` is how many there are, above ``CAP`` where there are more.
    """
    first_atom = data[2]
    best, who = np.empty(STATES, np.int64), np.empty(STATES, np.int64)
    masks, values = np.empty(STATES, np.int64), np.empty(STATES, np.int64)
    loads, ship = np.empty(STATES, np.int64), np.empty(STATES, np.int64)
    chosen, penalties = np.empty(STATES, np.int64), np.empty(STATES, np.int64)
    rest_cost, scratch = np.empty(STATES, np.int64), np.empty(3 * STATES, np.int64)
    rows, parts = np.empty(SETS, np.int64), np.empty(SETS, np.int64)
    paid = np.empty(SETS, np.int64)
    for place in range(len(orders)):
        order = orders[place]
        number = first_atom[order + 1] - first_atom[order]
        best_sets(data, order, capacity, price, FIRM, best, who, masks, values, loads)
        limit = combine(data, order, number, best, ship, chosen, penalties) + radius
        complete(number, ship, penalties, rest_cost)
        count = _parcels(
            data,
            order,
            capacity,
            price,
            radius,
            limit,
            (1 << number) - 1,
            rest_cost,
            rows,
            parts,
            paid,
            scratch,
        )
        base = place * CAP * ATOMS_MAX
        found = _walk(data, order, number, limit, count, rest_cost, rows, parts, paid, picks, base)
        counts[place] = CAP + 1 if count == SETS else found
