"""What other systems do with many orders: one after the other, by a rule, against what is left.

Every rule knows the same candidates, stock and labor as the solver, and what it decides is priced
by the same costs. None is weakened: what would cost more than leaving it is not tried, and the
cheapest per line pays for a parcel only once.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ordermesh.routing.domain.batch.cells import NEVER, Cells, cells_of
from ordermesh.routing.domain.batch.instance import Batch, Integers
from ordermesh.routing.domain.batch.plan import LEFT


@dataclass(frozen=True)
class _Row:
    """A location that could send something of an order: ``cells`` are (cost, row of stock)."""

    location: int
    distance_km: int
    parcel: int
    cells: Sequence[tuple[int, int]]


class _Order:
    """One order with its rows, against what is left; decides by taking."""

    def __init__(self, rows: Sequence[_Row], units: Sequence[int], labor_at: int) -> None:
        self.rows = rows
        self.units = units
        self.labor_at = labor_at
        self.chosen = [LEFT] * len(units)

    @property
    def open(self) -> list[int]:
        """The atoms that nobody sends yet."""
        return [atom for atom, place in enumerate(self.chosen) if place == LEFT]

    def possible(self, row: _Row, left: list[int]) -> list[int]:
        """The open atoms that a row could send together, each in turn if there is enough."""
        room, used, found = left[self.labor_at + row.location], dict[int, int](), list[int]()
        for atom in self.open:
            cost, stock = row.cells[atom]
            need = self.units[atom]
            if cost < NEVER and need <= room and used.get(stock, 0) + need <= left[stock]:
                used[stock] = used.get(stock, 0) + need
                room -= need
                found.append(atom)
        return found

    def take(self, row: _Row, atoms: Sequence[int], left: list[int]) -> None:
        """Send these atoms from a row."""
        for atom in atoms:
            self.chosen[atom] = row.location
            left[row.cells[atom][1]] -= self.units[atom]
            left[self.labor_at + row.location] -= self.units[atom]

    def walk(self, rows: Sequence[_Row], left: list[int]) -> None:
        """Each row in turn takes what it can."""
        for row in rows:
            if not self.open:
                return
            self.take(row, self.possible(row, left), left)


Rule = Callable[[_Order, list[int]], None]


def fixed_priority_list(order: _Order, left: list[int]) -> None:
    """The first listed location that covers all, else down the list, each taking what it can."""
    _first_that_covers(order, order.rows, left)


def nearest_single(order: _Order, left: list[int]) -> None:
    """The nearest location that covers all, else outwards, each taking what it can."""
    _first_that_covers(order, sorted(order.rows, key=lambda row: row.distance_km), left)


def cheapest_per_line(order: _Order, left: list[int]) -> None:
    """For each atom the location where it and its parcel, if it needs one more, cost least."""
    opened: set[int] = set()
    for atom in range(len(order.units)):
        best: tuple[int, _Row] | None = None
        for row in order.rows:
            cost, stock = row.cells[atom]
            need = order.units[atom]
            if cost >= NEVER or left[stock] < need or left[order.labor_at + row.location] < need:
                continue
            total = cost + (0 if row.location in opened else row.parcel)
            if best is None or total < best[0]:
                best = (total, row)
        if best is not None:
            order.take(best[1], [atom], left)
            opened.add(best[1].location)


def fewest_splits(order: _Order, left: list[int]) -> None:
    """The least number of locations that cover all, then the least distance: all sets are tried.

    Where not all can be covered, it covers what walking outwards covers. A recurrence over sets of
    atoms looks at every set of locations, so that no order is cut off.
    """
    rows = sorted(order.rows, key=lambda row: row.distance_km)
    covers = [_mask(order.possible(row, left)) for row in rows]
    goal = 0
    for mask in covers:
        goal |= mask
    known: dict[int, tuple[int, int, tuple[int, ...]]] = {0: (0, 0, ())}
    for place, mask in enumerate(covers):
        if not mask & goal:
            continue
        for reached, (count, distance, members) in list(known.items()):
            after = (count + 1, distance + rows[place].distance_km, (*members, place))
            grown = reached | mask
            if grown != reached and (grown not in known or after[:2] < known[grown][:2]):
                known[grown] = after
    order.walk([rows[place] for place in known[goal][2]], left)
    order.walk(rows, left)


def static_ranking(order: _Order, left: list[int]) -> None:
    """Rank locations once by atoms covered, then priority; units spill down that order."""
    counts = {row.location: len(order.possible(row, left)) for row in order.rows}
    order.walk(sorted(order.rows, key=lambda row: (-counts[row.location], row.location)), left)


RULES: Mapping[str, Rule] = {
    "fixed priority list": fixed_priority_list,
    "nearest single": nearest_single,
    "cheapest per line": cheapest_per_line,
    "fewest splits": fewest_splits,
    "static ranking": static_ranking,
}
"""The rules by the names that they are reported by; myopic exact is the solver's own."""


def decide_by(batch: Batch, rule: Rule, cells: Cells | None = None) -> Integers:
    """The location of each atom (-1: left), orders in the order of their arrival."""
    cells = cells or cells_of(batch)
    left = batch.capacities.tolist()
    found: list[int] = []
    for order in _orders(batch, cells):
        rule(order, left)
        found.extend(order.chosen)
    return np.array(found, np.int64)


def _orders(batch: Batch, cells: Cells) -> Iterator[_Order]:
    """The orders one after the other, without all of them being there at once."""
    for number in range(cells.orders):
        first, last = (int(cells.first_atom[number + step]) for step in (0, 1))
        begin, end = (int(cells.first_row[number + step]) for step in (0, 1))
        base, width = int(cells.first_cell[number]), last - first
        stop = base + (end - begin) * width
        costs, stock = cells.cell_cost[base:stop].tolist(), cells.cell_stock[base:stop].tolist()
        pairs = list(zip(costs, stock, strict=True))
        kilometres = batch.distance_km[batch.orders.destination[number]]
        places = cells.row_location[begin:end]
        columns = zip(
            places.tolist(),
            kilometres[places].tolist(),
            cells.row_parcel[begin:end].tolist(),
            strict=True,
        )
        rows = [
            _Row(place, distance, parcel, pairs[at * width : (at + 1) * width])
            for at, (place, distance, parcel) in enumerate(columns)
        ]
        yield _Order(rows, cells.units[first:last].tolist(), cells.stock_rows)


def _first_that_covers(order: _Order, rows: Sequence[_Row], left: list[int]) -> None:
    for row in rows:
        atoms = order.possible(row, left)
        if len(atoms) == len(order.units):
            order.take(row, atoms, left)
            return
    order.walk(rows, left)


def _mask(atoms: Sequence[int]) -> int:
    return sum(1 << atom for atom in atoms)
