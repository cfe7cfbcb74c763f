"""A competent greedy that knows all prices: cheapest residual cover, then local swaps.

Order by order, in the order of arrival: the cheapest location that covers all that is open, or the
one that covers some at the least cost for each atom, and again for the rest; then atoms and whole
parcels of the order move while it gets cheaper. In the end two orders exchange where they get an
item from, wherever both together get cheaper.
"""

import itertools
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from ordermesh.routing.domain.batch.cells import NEVER, Cells, cells_of
from ordermesh.routing.domain.batch.instance import Batch, Integers
from ordermesh.routing.domain.batch.plan import LEFT

PARTNERS = 40
"""With how many other atoms of an item an atom may exchange, in each round."""

ROUNDS = 2


@dataclass
class _Order:
    """One order: rows by location, each with its parcel, zone and cells of (cost, stock row)."""

    first: int
    units: Sequence[int]
    grams: Sequence[int]
    penalty: Sequence[int]
    parcel: dict[int, int]
    zone: dict[int, int]
    cells: dict[int, Sequence[tuple[int, int]]]
    chosen: list[int] = field(default_factory=list)


class _Greedy:
    """The plan while it is made, against what is left of stock and labor."""

    def __init__(self, batch: Batch) -> None:
        self.cells: Cells = cells_of(batch)
        self.left = batch.capacities.tolist()
        self.edges, self.steps = self.cells.edges.tolist(), self.cells.steps.tolist()
        self.orders = list(_orders(self.cells))

    def bracket(self, order: _Order, place: int, grams: int) -> int:
        """What a parcel costs by its weight."""
        if not self.edges:
            return 0
        start = order.zone[place] * len(self.edges)
        for number, edge in enumerate(self.edges):
            if grams <= edge:
                return int(self.steps[start + number])
        return NEVER

    def cost(self, order: _Order, chosen: Sequence[int]) -> int:
        """What the order costs, beside the split charge of its first parcel."""
        total, weights = 0, dict[int, int]()
        for atom, place in enumerate(chosen):
            if place == LEFT:
                total += order.penalty[atom]
                continue
            total += order.cells[place][atom][0]
            weights[place] = weights.get(place, 0) + order.grams[atom]
        for place, grams in weights.items():
            total += order.parcel[place] + self.bracket(order, place, grams)
        return total - (self.cells.split_charge if weights else 0)

    def move(self, order: _Order, atom: int, place: int) -> None:
        """Take an atom from elsewhere; whether there is enough is not looked at."""
        for which, sign in ((order.chosen[atom], 1), (place, -1)):
            if which != LEFT:
                stock = order.cells[which][atom][1]
                self.left[stock] += sign * order.units[atom]
                self.left[self.cells.stock_rows + which] += sign * order.units[atom]
        order.chosen[atom] = place

    def has(self, order: _Order, atom: int, place: int) -> bool:
        """Whether the location could send it now."""
        cost, stock = order.cells[place][atom]
        need = order.units[atom]
        room = self.left[self.cells.stock_rows + place]
        return bool(cost < NEVER and self.left[stock] >= need and room >= need)

    def cover(self, order: _Order) -> None:
        """The cheapest that covers all that is open, else the least for each atom, and again."""
        while LEFT in order.chosen:
            before = self.cost(order, order.chosen)
            best: tuple[tuple[bool, float], int, list[int]] | None = None
            for place in order.cells:
                taken = self._take(order, place)
                penalty = sum(order.penalty[atom] for atom in taken)
                paid = self.cost(order, order.chosen) - before + penalty
                value = (LEFT in order.chosen, paid / max(1, len(taken)))
                if paid < penalty and (best is None or value < best[0]):
                    best = (value, place, taken)
                for atom in taken:
                    self.move(order, atom, LEFT)
            if best is None:
                return
            for atom in best[2]:
                self.move(order, atom, best[1])

    def _take(self, order: _Order, place: int) -> list[int]:
        """All open atoms that the location can send; they are moved."""
        taken = []
        for atom, where in enumerate(order.chosen):
            if where == LEFT and self.has(order, atom, place):
                self.move(order, atom, place)
                taken.append(atom)
        return taken

    def improve(self, order: _Order) -> None:
        """Move atoms, and whole parcels, while the order gets cheaper."""
        is_better = True
        while is_better:
            is_better = False
            groups = [[atom] for atom in range(len(order.chosen))]
            groups += [
                [atom for atom, where in enumerate(order.chosen) if where == place]
                for place in sorted(set(order.chosen) - {LEFT})
            ]
            for group, place in itertools.product(groups, order.cells):
                is_better = self._try(order, group, place) or is_better

    def _try(self, order: _Order, group: Sequence[int], place: int) -> bool:
        before, cost = list(order.chosen), self.cost(order, order.chosen)
        for atom in group:
            if order.chosen[atom] != place and self.has(order, atom, place):
                self.move(order, atom, place)
        if self.cost(order, order.chosen) < cost:
            return True
        for atom in group:
            if order.chosen[atom] != before[atom]:
                self.move(order, atom, before[atom])
        return False

    def exchange(self, batch: Batch, draw: random.Random) -> bool:
        """Exchange atoms of one item and as many units between orders; whether any did."""
        by_item: dict[tuple[int, int], list[tuple[_Order, int]]] = {}
        for order in self.orders:
            for atom, units in enumerate(order.units):
                item = int(batch.atoms.item[order.first + atom])
                by_item.setdefault((item, units), []).append((order, atom))
        is_better = False
        for atoms in by_item.values():
            for one in atoms:
                others = atoms if len(atoms) <= PARTNERS else draw.sample(atoms, PARTNERS)
                for other in others:
                    is_better = self._exchange(*one, *other) or is_better
        return is_better

    def _exchange(self, one: _Order, atom: int, other: _Order, another: int) -> bool:
        here, there = one.chosen[atom], other.chosen[another]
        if one is other or here == there:
            return False
        if not _may(one, atom, there) or not _may(other, another, here):
            return False
        before = self.cost(one, one.chosen) + self.cost(other, other.chosen)
        one.chosen[atom], other.chosen[another] = there, here
        if self.cost(one, one.chosen) + self.cost(other, other.chosen) < before:
            return True
        one.chosen[atom], other.chosen[another] = here, there
        return False


def _may(order: _Order, atom: int, place: int) -> bool:
    return place == LEFT or (place in order.cells and order.cells[place][atom][0] < NEVER)


def decide_greedily(batch: Batch, seed: int = 1) -> Integers:
    """The location of each atom, -1 where it stays."""
    greedy, draw = _Greedy(batch), random.Random(seed)  # noqa: S311 - the same every time
    for order in greedy.orders:
        greedy.cover(order)
        greedy.improve(order)
    for _ in range(ROUNDS):
        if not greedy.exchange(batch, draw):
            break
        for order in greedy.orders:
            greedy.improve(order)
    return np.array([place for order in greedy.orders for place in order.chosen], np.int64)


def _orders(cells: Cells) -> Iterator[_Order]:
    for number in range(cells.orders):
        first, last = (int(cells.first_atom[number + step]) for step in (0, 1))
        begin, end = (int(cells.first_row[number + step]) for step in (0, 1))
        base, width = int(cells.first_cell[number]), last - first
        stop = base + (end - begin) * width
        costs, stock = cells.cell_cost[base:stop].tolist(), cells.cell_stock[base:stop].tolist()
        pairs = list(zip(costs, stock, strict=True))
        places = cells.row_location[begin:end].tolist()
        yield _Order(
            first=first,
            units=cells.units[first:last].tolist(),
            grams=cells.grams[first:last].tolist(),
            penalty=cells.penalty[first:last].tolist(),
            parcel=dict(zip(places, cells.row_parcel[begin:end].tolist(), strict=True)),
            zone=dict(zip(places, cells.row_zone[begin:end].tolist(), strict=True)),
            cells={place: pairs[at * width : (at + 1) * width] for at, place in enumerate(places)},
            chosen=[LEFT] * width,
        )
