"""The inner loops of the exact search, compiled; all integers, one thread, no lock of Python's.

Arrays are 64-bit integers. A state counts atoms by group and is numbered as in
``ordermesh.routing.solver.lattice``. What cannot be is ``INFINITE``. The compiled code is kept
beside this file, or in ``NUMBA_CACHE_DIR``; ``python -m ordermesh.routing.solver.warming`` makes it
ahead of time.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

from ordermesh.routing.solver.lattice import Integers

INFINITE = 2**61
"""What no plan counts; whatever is beyond ``REACH`` was made of it."""

REACH = 2**59
"""All that plans count, and all that is added to it, lies within this, above or below zero."""


@njit(cache=True, nogil=True)
def fill_counted(
    values: Integers,
    rows: Integers,
    counts: Integers,
    shipment: Integers,
    parcel: Integers,
    atom: Integers,
    parcels: Integers,
    which: Integers,
    fits: NDArray[np.bool_],
) -> None:
    """Values (I, S) of the candidates ``rows`` where a shipment pays by its number of parcels.

    ``parcels`` (L, S) are counted by state for each weight limit, ``which`` (I) names the limit.
    """
    states, groups = counts.shape
    for row in rows:
        for state in range(1, states):
            if fits[row, state]:
                value = shipment[row] + parcel[row] * parcels[which[row], state]
                for group in range(groups):
                    value += atom[row, group] * counts[state, group]
                values[row, state] = value


@njit(cache=True, nogil=True)
def fitting(
    counts: Integers,
    units: Integers,
    holds: Integers,
    shared: Integers,
    available: Integers,
    capacity: Integers,
) -> NDArray[np.bool_]:
    """Whether each candidate can ship each state (I, S): stock, shared stock and capacity.

    ``shared`` (K, G) are units of the SKUs that several groups need, ``available`` (I, K) what
    there is of them.
    """
    states, groups = counts.shape
    fits = np.zeros((len(holds), states), np.bool_)
    for row in range(len(holds)):
        for state in range(1, states):
            used = 0
            is_fit = True
            for group in range(groups):
                number = counts[state, group]
                if number > holds[row, group]:
                    is_fit = False
                    break
                used += number * units[group]
            if not is_fit or used > capacity[row]:
                continue
            for sku in range(len(shared)):
                needed = 0
                for group in range(groups):
                    needed += shared[sku, group] * counts[state, group]
                if needed > available[row, sku]:
                    is_fit = False
                    break
            fits[row, state] = is_fit
    return fits


@njit(cache=True, nogil=True)
def fill_singles(
    singles: Integers,
    chosen: Integers,
    counts: Integers,
    fits: NDArray[np.bool_],
    alone: NDArray[np.bool_],
    grams: Integers,
    cubic_mm: Integers,
    constant: Integers,
    atom: Integers,
    carries: NDArray[np.bool_],
    limit: Integers,
    density: Integers,
    step: Integers,
    edges: Integers,
    prices: Integers,
    beyond: Integers,
    per_kg: Integers,
    factor: int,
) -> None:
    """What each state (S) counts as one parcel by the best of some options (W), and which it is.

    ``alone`` (S): its goods may lie together. ``constant`` (W) counts for the parcel, ``atom``
    (W, G) for its atoms. Prices of tariffs that are no lines are read from ``edges`` and
    ``prices`` (W, B), beyond the last edge from ``beyond`` and ``per_kg``; ``density`` of -1 marks
    a line, whose price is in ``constant`` and ``atom``. ``factor`` is what money counts.
    """
    states, groups = counts.shape
    for state in range(1, states):
        singles[state] = INFINITE
        chosen[state] = -1
        if not fits[state] or not alone[state]:
            continue
        for way in range(len(constant)):
            if grams[state] > limit[way]:
                continue
            value = constant[way]
            is_carried = True
            for group in range(groups):
                number = counts[state, group]
                if number:
                    if not carries[way, group]:
                        is_carried = False
                        break
                    value += atom[way, group] * number
            if not is_carried:
                continue
            if density[way] >= 0:
                billable = grams[state]
                if density[way] > 0:
                    billable = max(billable, -(-cubic_mm[state] // density[way]))
                billable = -(-billable // step[way]) * step[way]
                value += factor * _price(
                    billable, edges[way], prices[way], beyond[way], per_kg[way]
                )
            if value < singles[state]:
                singles[state] = value
                chosen[state] = way


@njit(cache=True, nogil=True)
def _price(billable: int, edges: Integers, prices: Integers, beyond: int, per_kg: int) -> int:
    last = 0
    for place in range(len(edges)):
        if edges[place] < 0:
            break
        if billable <= edges[place]:
            return int(prices[place])
        last = edges[place]
    product = (billable - last) * per_kg
    quotient, rest = product // 1000, product % 1000
    if 2 * rest > 1000 or (2 * rest == 1000 and quotient % 2 == 1):
        quotient += 1
    return int(beyond + quotient)


@njit(cache=True, nogil=True)
def pack(
    packed: Integers,
    singles: Integers,
    is_whole: NDArray[np.bool_],
    order: Integers,
    starts: Integers,
    parts: Integers,
    rests: Integers,
) -> None:
    """The least of all ways to part each state (S) into parcels.

    ``is_whole`` (S) marks states that are never better in several parcels than in one. The pairs
    of a state and its parts are as in ``Lattice.flat``.
    """
    packed[0] = 0
    for place in range(len(order)):
        state = order[place]
        if is_whole[state] and singles[state] < REACH:
            packed[state] = singles[state]
            continue
        least = INFINITE
        for pair in range(starts[place], starts[place + 1]):
            value = singles[parts[pair]] + packed[rests[pair]]
            if value < least:
                least = value
        packed[state] = min(least, INFINITE)


@njit(cache=True, nogil=True)
def least_of(values: Integers, is_single: NDArray[np.bool_], best: Integers, who: Integers) -> None:
    """The least value of each state (S) over the candidates that are not ``is_single``."""
    best[:] = INFINITE
    who[:] = 0
    for row in range(len(values)):
        if not is_single[row]:
            for state in range(len(best)):
                if values[row, state] < best[state]:
                    best[state] = values[row, state]
                    who[state] = row


@njit(cache=True, nogil=True)
def relax(
    known: Integers,
    best: Integers,
    penalties: Integers,
    anchors: Integers,
    anchor_rests: Integers,
    order: Integers,
    starts: Integers,
    parts: Integers,
    rests: Integers,
    complete: bool,
) -> None:
    """The least cost of each state (N, S) by parts that each cost ``best``, or left for a penalty.

    With one row the number of parts is free; with more the row limits it.
    """
    rows = len(known)
    known[:, :] = INFINITE
    known[:, 0] = 0
    for place in range(len(order)):
        state = order[place]
        for row in range(rows):
            below = row if rows == 1 else row - 1
            least = INFINITE
            if below >= 0:
                for pair in range(starts[place], starts[place + 1]):
                    value = best[parts[pair]] + known[below, rests[pair]]
                    if value < least:
                        least = value
            if not complete:
                left = penalties[anchors[place]] + known[row, anchor_rests[place]]
                if left < least:
                    least = left
            known[row, state] = min(least, INFINITE)


@njit(cache=True, nogil=True)
def margins(values: Integers, rest: Integers, least: Integers) -> None:
    """The least value (I) of any plan that uses a candidate, the rest of it as cheap as can be."""
    last = len(rest) - 1
    for row in range(len(values)):
        least[row] = INFINITE
        for state in range(len(rest)):
            value = values[row, state] + rest[last - state]
            if value < least[row]:
                least[row] = value


@njit(cache=True, nogil=True)
def _reached(
    states: Integers,
    values: Integers,
    opening: int,
    atom: Integers,
    holds: Integers,
    sides: Integers,
    strides: Integers,
) -> int:
    """The states that one candidate holds enough for, and what their atoms and it count.

    They are made by adding one group after the other to those that are there; gives how many.
    """
    states[0], values[0], reached = 0, opening, 1
    for group in range(len(sides) - 1, -1, -1):
        most = min(holds[group], sides[group] - 1)
        before = reached
        for number in range(1, most + 1):
            step, more = number * strides[group], number * atom[group]
            for place in range(before):
                states[reached] = states[place] + step
                values[reached] = values[place] + more
                reached += 1
    return reached


@njit(cache=True, nogil=True)
def least_of_counted(
    best: Integers,
    who: Integers,
    is_single: NDArray[np.bool_],
    opening: Integers,
    parcel: Integers,
    atom: Integers,
    holds: Integers,
    sides: Integers,
    strides: Integers,
    parcels: Integers,
    which: Integers,
) -> None:
    """As ``least_of``, without values that were written down before.

    It is for candidates that pay by the number of parcels, of which each may ship every state
    that ``holds`` (I, G) has enough for.
    """
    best[:] = INFINITE
    who[:] = 0
    states, values = np.empty(len(best), np.int64), np.empty(len(best), np.int64)
    for row in range(len(opening)):
        if is_single[row]:
            continue
        reached = _reached(states, values, opening[row], atom[row], holds[row], sides, strides)
        for place in range(1, reached):
            state = states[place]
            value = values[place] + parcel[row] * parcels[which[row], state]
            if value < best[state]:
                best[state] = value
                who[state] = row


@njit(cache=True, nogil=True)
def margins_counted(
    least: Integers,
    rest: Integers,
    opening: Integers,
    parcel: Integers,
    atom: Integers,
    holds: Integers,
    sides: Integers,
    strides: Integers,
    parcels: Integers,
    which: Integers,
) -> None:
    """As ``margins``, for the candidates of ``least_of_counted``."""
    last = len(rest) - 1
    states, values = np.empty(len(rest), np.int64), np.empty(len(rest), np.int64)
    for row in range(len(opening)):
        reached = _reached(states, values, opening[row], atom[row], holds[row], sides, strides)
        least[row] = INFINITE
        for place in range(1, reached):
            state = states[place]
            value = values[place] + parcel[row] * parcels[which[row], state] + rest[last - state]
            if value < least[row]:
                least[row] = value
