"""One order of a batch, exactly, at prices of stock and labor and against what is left of both.

``best[S]`` is the least that any row charges for the set S of atoms, and ``who[S]`` the first row
that does; ``ship[M]`` the least that sends all of M in parcels:

    ``ship[M] = min over S within M that hold the lowest atom of M of best[S] + ship[M - S]``;

the optimum is the least of ``penalty[all - M] + ship[M] - split charge``, and ``penalty[all]``. A
row may occur twice in it only where stock or labor forbid the union; then the order is searched
row by row (``search_by_rows``), each used once.
"""

import numpy as np
from numba import njit, types

from ordermesh.routing.solver.batch.arrays import (
    COLUMN,
    DATA,
    INFINITE,
    INTEGER,
    STATES,
    Data,
    Integers,
)


@njit(INTEGER(DATA, INTEGER, INTEGER), nogil=True, cache=True)
def bracket_price(data: Data, row: int, grams: int) -> int:
    """What a parcel of this weight costs from a row beside ``row_parcel``."""
    zone, edges, steps = data[13], data[14], data[15]
    for place in range(len(edges)):
        if grams <= edges[place]:
            return int(steps[zone[row] * len(edges) + place])
    return INFINITE if len(edges) else 0


@njit(types.void(DATA, INTEGER, INTEGER, INTEGER, COLUMN, COLUMN), nogil=True, cache=True)
def _add_brackets(
    data: Data, order: int, row: int, count: int, masks: Integers, values: Integers
) -> None:
    """Charge each of these sets for its weight."""
    first_atom, grams = data[2], data[12]
    start = first_atom[order]
    number = first_atom[order + 1] - start
    for known in range(1, count):
        weight = 0
        for atom in range(number):
            if masks[known] >> atom & 1:
                weight += grams[start + atom]
        values[known] = min(INFINITE, values[known] + bracket_price(data, row, weight))


@njit(
    INTEGER(DATA, INTEGER, INTEGER, COLUMN, COLUMN, INTEGER, INTEGER, COLUMN, COLUMN, COLUMN),
    nogil=True,
    cache=True,
)
def sets_of_row(
    data: Data,
    order: int,
    row: int,
    left: Integers,
    price: Integers,
    share: int,
    slack: int,
    masks: Integers,
    values: Integers,
    loads: Integers,
) -> int:
    """The sets that a row can send: their number; ``masks`` and ``values`` from 1 on are filled.

    ``share`` 256ths of the prices are charged. An atom that pays at least ``slack`` more than its
    penalty is not sent: whoever looks for all plans within a radius gives the radius. A set that
    stock or labor do not allow has no superset that they allow, so sets are grown atom by atom;
    what is too heavy is ``INFINITE``.
    """
    first_row, first_cell, first_atom, location, parcel, cost, stock = data[:7]
    units, penalty, twin, stock_rows = data[7], data[8], data[9], data[10]
    start = first_atom[order]
    number = first_atom[order + 1] - start
    labor = stock_rows + location[row]
    room, wage = left[labor], (price[labor] * share) >> 8
    base = first_cell[order] + (row - first_row[order]) * number
    masks[0], values[0], loads[0] = 0, parcel[row], 0
    count = 1
    for atom in range(number):
        each = cost[base + atom]
        if each >= INFINITE:
            continue
        place, need = stock[base + atom], units[start + atom]
        if left[place] < need or room < need:
            continue
        each += need * (wage + ((price[place] * share) >> 8))
        if each >= penalty[start + atom] + slack:
            continue
        shared = twin[start + atom] != atom
        end = count
        for known in range(count):
            if loads[known] + need > room:
                continue
            if shared:
                held = need
                for other in range(atom):
                    if twin[start + other] == twin[start + atom] and masks[known] >> other & 1:
                        held += units[start + other]
                if held > left[place]:
                    continue
            masks[end] = masks[known] | (1 << atom)
            values[end] = values[known] + each
            loads[end] = loads[known] + need
            end += 1
        count = end
    if len(data[14]):
        _add_brackets(data, order, row, count, masks, values)
    return count


@njit(
    INTEGER(DATA, INTEGER, COLUMN, COLUMN, INTEGER, COLUMN, COLUMN, COLUMN, COLUMN, COLUMN),
    nogil=True,
    cache=True,
)
def best_sets(
    data: Data,
    order: int,
    left: Integers,
    price: Integers,
    share: int,
    best: Integers,
    who: Integers,
    masks: Integers,
    values: Integers,
    loads: Integers,
) -> int:
    """The least that any row charges for each set, and the first that does; gives the atoms."""
    first_row, first_atom = data[0], data[2]
    number = first_atom[order + 1] - first_atom[order]
    for mask in range(1 << number):
        best[mask] = INFINITE
    for row in range(first_row[order], first_row[order + 1]):
        count = sets_of_row(data, order, row, left, price, share, 0, masks, values, loads)
        for known in range(1, count):
            if values[known] < best[masks[known]]:
                best[masks[known]] = values[known]
                who[masks[known]] = row
    return int(number)


@njit(INTEGER(DATA, INTEGER, INTEGER, COLUMN, COLUMN, COLUMN, COLUMN), nogil=True, cache=True)
def combine(
    data: Data,
    order: int,
    number: int,
    best: Integers,
    ship: Integers,
    chosen: Integers,
    penalties: Integers,
) -> int:
    """The recurrence over ``best``: gives the least cost, and in ``chosen[0]`` the set to send.

    ``chosen[M]`` is the set that goes first where M is sent.
    """
    first_atom, penalty, split = data[2], data[8], data[11]
    start = first_atom[order]
    ship[0] = 0
    penalties[0] = 0
    for mask in range(1, 1 << number):
        lowest = mask & -mask
        rest = mask ^ lowest
        atom = 0
        while lowest >> atom != 1:
            atom += 1
        penalties[mask] = penalties[rest] + penalty[start + atom]
        least, with_it = best[mask], mask
        part = rest
        while part:
            part = (part - 1) & rest
            value = best[part | lowest] + ship[rest ^ part]
            if value < least:
                least, with_it = value, part | lowest
        ship[mask] = min(least, INFINITE)
        chosen[mask] = with_it
    whole = (1 << number) - 1
    total, sent = penalties[whole], 0
    for mask in range(1, whole + 1):
        value = penalties[whole ^ mask] + ship[mask] - split
        if value < total:
            total, sent = value, mask
    chosen[0] = sent
    return int(total)


@njit(INTEGER(DATA, INTEGER, COLUMN, COLUMN), nogil=True, cache=True)
def _least_of(data: Data, order: int, ship: Integers, total: Integers) -> int:
    """The set to send of an order, by what each costs to send; ``total[0]`` becomes the cost."""
    first_atom, penalty, split = data[2], data[8], data[11]
    start = first_atom[order]
    number = first_atom[order + 1] - start
    sent = 0
    for mask in range(1 << number):
        value = ship[mask] - (split if mask else 0)
        for atom in range(number):
            if not mask >> atom & 1:
                value += penalty[start + atom]
        if mask == 0 or value < total[0]:
            total[0], sent = value, mask
    return sent


@njit(
    INTEGER(DATA, INTEGER, COLUMN, COLUMN, INTEGER, COLUMN, COLUMN, COLUMN, COLUMN),
    nogil=True,
    cache=True,
)
def search_by_rows(
    data: Data,
    order: int,
    left: Integers,
    price: Integers,
    share: int,
    picks: Integers,
    masks: Integers,
    values: Integers,
    loads: Integers,
) -> int:
    """The optimum with each row used once, in as many steps as rows times 3 to the atoms."""
    first_row, first_atom = data[0], data[2]
    number = first_atom[order + 1] - first_atom[order]
    rows, whole = first_row[order + 1] - first_row[order], (1 << number) - 1
    ship = np.full(whole + 1, INFINITE, np.int64)
    ship[0] = 0
    taken = np.zeros((rows, whole + 1), np.int64)
    for place in range(rows):
        row = first_row[order] + place
        count = sets_of_row(data, order, row, left, price, share, 0, masks, values, loads)
        for mask in range(whole, 0, -1):
            for known in range(1, count):
                if masks[known] & mask == masks[known]:
                    value = ship[mask ^ masks[known]] + values[known]
                    if value < ship[mask]:
                        ship[mask] = value
                        taken[place, mask] = masks[known]
    sent = _least_of(data, order, ship, values)
    for atom in range(number):
        picks[atom] = -1
    for place in range(rows - 1, -1, -1):
        part = taken[place, sent]
        for atom in range(number):
            if part >> atom & 1:
                picks[atom] = first_row[order] + place
        sent ^= part
    return int(values[0])


SCRATCH = 7
"""How many columns of ``STATES`` the search works in."""


@njit(
    INTEGER(DATA, INTEGER, COLUMN, COLUMN, INTEGER, COLUMN, COLUMN),
    nogil=True,
    cache=True,
)
def solve_order(
    data: Data,
    order: int,
    left: Integers,
    price: Integers,
    share: int,
    picks: Integers,
    scratch: Integers,
) -> int:
    """The least cost at these prices; ``picks`` is the row of each atom, -1 for what is left."""
    best, who = scratch[:STATES], scratch[STATES : 2 * STATES]
    masks, values = scratch[2 * STATES : 3 * STATES], scratch[3 * STATES : 4 * STATES]
    loads, ship = scratch[4 * STATES : 5 * STATES], scratch[5 * STATES : 6 * STATES]
    chosen = scratch[6 * STATES : 7 * STATES]
    number = best_sets(data, order, left, price, share, best, who, masks, values, loads)
    total = combine(data, order, number, best, ship, chosen, values)
    for atom in range(number):
        picks[atom] = -1
    sent = chosen[0]
    while sent:
        part = chosen[sent]
        for atom in range(number):
            if picks[atom] == who[part]:
                return search_by_rows(data, order, left, price, share, picks, masks, values, loads)
        for atom in range(number):
            if part >> atom & 1:
                picks[atom] = who[part]
        sent ^= part
    return total


@njit(INTEGER(DATA, INTEGER, COLUMN, INTEGER), nogil=True, cache=True)
def cost_of(data: Data, order: int, picks: Integers, base: int) -> int:
    """What an order costs whose atoms go to the rows ``picks[base:]``, without prices."""
    first_row, first_cell, first_atom, parcel, cost = data[0], data[1], data[2], data[4], data[5]
    penalty, split, grams, has_brackets = data[8], data[11], data[12], len(data[14]) > 0
    start = first_atom[order]
    number = first_atom[order + 1] - start
    total, is_sent = 0, False
    for atom in range(number):
        row = picks[base + atom]
        if row < 0:
            total += penalty[start + atom]
            continue
        is_sent = True
        total += cost[first_cell[order] + (row - first_row[order]) * number + atom]
        is_new = True
        for other in range(atom):
            if picks[base + other] == row:
                is_new = False
        if is_new:
            total += parcel[row]
            if has_brackets:
                weight = 0
                for other in range(atom, number):
                    if picks[base + other] == row:
                        weight += grams[start + other]
                total += bracket_price(data, row, weight)
    if is_sent:
        total -= split
    return total


@njit(INTEGER(DATA, INTEGER, COLUMN, INTEGER, COLUMN, INTEGER), nogil=True, cache=True)
def move_stock(
    data: Data, order: int, picks: Integers, base: int, left: Integers, sign: int
) -> int:
    """Add ``sign`` times what an order uses to ``left``; gives the units."""
    first_row, first_cell, first_atom, location, stock = data[0], data[1], data[2], data[3], data[6]
    units, stock_rows = data[7], data[10]
    start = first_atom[order]
    number = first_atom[order + 1] - start
    moved = 0
    for atom in range(number):
        row = picks[base + atom]
        if row >= 0:
            need = units[start + atom]
            cell = first_cell[order] + (row - first_row[order]) * number + atom
            left[stock[cell]] += sign * need
            left[stock_rows + location[row]] += sign * need
            moved += need
    return moved
