"""Passes over the orders of a batch: prices in, the bound's share of every order out."""

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
from ordermesh.routing.solver.batch.order import (
    SCRATCH,
    best_sets,
    combine,
    cost_of,
    move_stock,
    sets_of_row,
    solve_order,
)


@njit(types.void(DATA, INTEGER, INTEGER, COLUMN, COLUMN, COLUMN, COLUMN), nogil=True, cache=True)
def price_pass(
    data: Data,
    begin: int,
    end: int,
    capacity: Integers,
    price: Integers,
    value: Integers,
    used: Integers,
) -> None:
    """The least cost of each order at these prices, and what these optima use of each resource.

    An optimum may use a row twice: that can only be cheaper than what is possible.
    """
    first_row, first_cell, first_atom, location, stock = data[0], data[1], data[2], data[3], data[6]
    units, stock_rows = data[7], data[10]
    best, who = np.empty(STATES, np.int64), np.empty(STATES, np.int64)
    masks, values = np.empty(STATES, np.int64), np.empty(STATES, np.int64)
    loads, ship = np.empty(STATES, np.int64), np.empty(STATES, np.int64)
    chosen = np.empty(STATES, np.int64)
    for order in range(begin, end):
        number = best_sets(data, order, capacity, price, FIRM, best, who, masks, values, loads)
        value[order] = combine(data, order, number, best, ship, chosen, values)
        sent = chosen[0]
        while sent:
            part = chosen[sent]
            row = who[part]
            base = first_cell[order] + (row - first_row[order]) * number
            for atom in range(number):
                if part >> atom & 1:
                    need = units[first_atom[order] + atom]
                    used[stock[base + atom]] += need
                    used[stock_rows + location[row]] += need
            sent ^= part


@njit(INTEGER(DATA, COLUMN, COLUMN, COLUMN, INTEGER, COLUMN, COLUMN), nogil=True, cache=True)
def sweep(
    data: Data,
    sequence: Integers,
    left: Integers,
    price: Integers,
    share: int,
    picks: Integers,
    cost: Integers,
) -> int:
    """Solve orders one after the other against what is left; gives how the total changed.

    What an order holds is released first. ``picks`` are the rows of all atoms, ``cost`` of orders.
    """
    first_atom = data[2]
    scratch = np.empty(SCRATCH * STATES, np.int64)
    found = np.empty(ATOMS_MAX, np.int64)
    change = 0
    for order in sequence:
        base = first_atom[order]
        move_stock(data, order, picks, base, left, 1)
        solve_order(data, order, left, price, share, found, scratch)
        for atom in range(first_atom[order + 1] - base):
            picks[base + atom] = found[atom]
        move_stock(data, order, picks, base, left, -1)
        after = cost_of(data, order, picks, base)
        change += after - cost[order]
        cost[order] = after
    return change


@njit(types.void(INTEGER, COLUMN, COLUMN, COLUMN), nogil=True, cache=True)
def complete(number: int, ship: Integers, penalties: Integers, rest_cost: Integers) -> None:
    """The least cost of disposing of each set, sent or left, every parcel with its split charge."""
    for mask in range(1 << number):
        least = penalties[mask]
        part = mask
        while part:
            least = min(least, ship[part] + penalties[mask ^ part])
            part = (part - 1) & mask
        rest_cost[mask] = least


@njit(
    INTEGER(DATA, INTEGER, INTEGER, COLUMN, COLUMN, INTEGER, COLUMN, COLUMN),
    nogil=True,
    cache=True,
)
def contenders(
    data: Data,
    begin: int,
    end: int,
    capacity: Integers,
    price: Integers,
    radius: int,
    resource: Integers,
    order_of: Integers,
) -> int:
    """Which orders have a plan within the radius of their optimum that uses which priced resource.

    Pairs are written to ``resource`` and ``order_of``, none twice; gives their number.
    """
    first_row, first_cell, location, stock = data[0], data[1], data[3], data[6]
    twin, first_atom, stock_rows, split = data[9], data[2], data[10], data[11]
    best, who = np.empty(STATES, np.int64), np.empty(STATES, np.int64)
    masks, values = np.empty(STATES, np.int64), np.empty(STATES, np.int64)
    loads, ship = np.empty(STATES, np.int64), np.empty(STATES, np.int64)
    chosen, penalties = np.empty(STATES, np.int64), np.empty(STATES, np.int64)
    rest_cost = np.empty(STATES, np.int64)
    count = 0
    for order in range(begin, end):
        number = best_sets(data, order, capacity, price, FIRM, best, who, masks, values, loads)
        limit = combine(data, order, number, best, ship, chosen, penalties) + radius + split
        whole = (1 << number) - 1
        complete(number, ship, penalties, rest_cost)
        start = first_atom[order]
        for row in range(first_row[order], first_row[order + 1]):
            sets = sets_of_row(data, order, row, capacity, price, FIRM, 0, masks, values, loads)
            touched = 0
            for known in range(1, sets):
                if values[known] + rest_cost[whole ^ masks[known]] <= limit:
                    touched |= masks[known]
            if not touched:
                continue
            labor = stock_rows + location[row]
            if price[labor] > 0:
                resource[count], order_of[count] = labor, order
                count += 1
            base = first_cell[order] + (row - first_row[order]) * number
            written = 0
            for atom in range(number):
                place = stock[base + atom]
                if touched >> atom & 1 and price[place] > 0:
                    if written >> twin[start + atom] & 1:
                        continue
                    written |= 1 << twin[start + atom]
                    resource[count], order_of[count] = place, order
                    count += 1
    return count
