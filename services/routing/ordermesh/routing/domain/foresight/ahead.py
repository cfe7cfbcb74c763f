"""Orders of before as they would be sourced now: what futures are drawn from, and what is there.

Each is laid out by its own problem, with all rules, rates and calendars of now, at every location
that keeps its items, whether any unit is left there or not: what one would be worth there is asked
for. Orders that are too wide are taken in pieces, and a kit in its parts.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ordermesh.routing.domain.batch.cells import NEVER, Cells
from ordermesh.routing.domain.batch.instance import NO_LIMIT, Integers
from ordermesh.routing.domain.batch.rows import CandidateRow, row_of
from ordermesh.routing.domain.costs import unfilled_penalty
from ordermesh.routing.domain.foresight.levels import Floats
from ordermesh.routing.domain.problem import Group, Part, Problem

ATOMS = 8
"""Parts of an order, or of a piece of one."""

ATOMS_OF_LINE = 3
"""A line that may be divided is taken in so many parts at most."""


@dataclass(frozen=True)
class Ahead:
    """What prices are made from.

    Futures draw ``now`` orders, which the labor of now sends, and ``later`` ones, which all later
    labor does, from the baskets of ``cells`` by their ``weights``. ``stock`` is units by row, which
    ``rows`` name by SKU and location; ``start`` are prices of before: rows, labor now and later.
    """

    cells: Cells
    rows: tuple[tuple[str, str], ...]
    locations: tuple[str, ...]
    stock: Integers
    labor_now: Integers
    labor_later: Integers
    weights: Floats
    now: int
    later: int
    start: Integers

    @property
    def capacities(self) -> Integers:
        """What there is of each resource."""
        return np.concatenate([self.stock, self.labor_now, self.labor_later])


@dataclass(frozen=True)
class Priced:
    """Prices of all resources, and of the rows of stock what their units are worth one by one.

    ``missing`` and ``missing_value`` are means over the futures, ``missing`` in thousandths of a
    unit; ``idle`` units are needed in none of them.
    """

    prices: Integers
    last: Integers
    next: Integers
    missing: Integers
    missing_value: Integers
    idle: Integers
    futures: int
    is_cut: bool


@dataclass(frozen=True)
class Laid:
    """Baskets as cells; ``order_of`` is the problem that each basket is a piece of."""

    cells: Cells
    rows: tuple[tuple[str, str], ...]
    locations: tuple[str, ...]
    order_of: Integers


def pieces_of(problem: Problem) -> list[list[Group]]:
    """The groups of a problem in pieces that can be solved at once, each group of one atom."""
    atoms = [atom for group in problem.groups for atom in _atoms(group)]
    return [atoms[start : start + ATOMS] for start in range(0, len(atoms), ATOMS)]


def _atoms(group: Group) -> Iterator[Group]:
    parts = min(group.atoms, ATOMS_OF_LINE)
    for part in group.parts:
        for number in range(parts):
            # So many atoms as one: all but the first ones have one atom less.
            whole = group.atoms // parts + (number < group.atoms % parts)
            one = Part(part.sku, part.units * whole, part.weight_grams, part.cubic_mm)
            yield Group(group.line_id, (one,), 1, group.category)


def laid_out(problems: Sequence[Problem], capacities: Mapping[tuple[str, str], int]) -> Laid:
    """The problems as baskets, one after the other; rows of stock are what ``capacities`` name."""
    names = sorted({one.place_id for each in problems for one in each.candidates})
    place_of = {name: number for number, name in enumerate(names)}
    keys = sorted(capacities)
    stock_of = {key: number for number, key in enumerate(keys)}
    layout = _Layout(stock_of, place_of)
    for number, problem in enumerate(problems):
        for groups in pieces_of(problem):
            layout.add(number, problem, groups)
    return Laid(layout.cells(len(keys)), tuple(keys), tuple(names), _column(layout.order_of))


class _Layout:
    """Lays baskets out, one after the other."""

    def __init__(
        self, stock_of: Mapping[tuple[str, str], int], place_of: Mapping[str, int]
    ) -> None:
        self._stock_of, self._place_of = stock_of, place_of
        self.order_of: list[int] = []
        self._first_row, self._first_cell, self._first_atom = [0], [0], [0]
        self._row_location: list[int] = []
        self._row_parcel: list[int] = []
        self._cell_cost: list[int] = []
        self._cell_stock: list[int] = []
        self._units: list[int] = []
        self._penalty: list[int] = []
        self._twin: list[int] = []

    def add(self, number: int, problem: Problem, groups: Sequence[Group]) -> None:
        """One basket."""
        rows: dict[str, CandidateRow] = {}
        for candidate in problem.candidates:
            # What is still to come is no stock of now.
            if candidate.available_from:
                continue
            row = row_of(problem, groups, candidate)
            if row is not None:
                rows[candidate.place_id] = row
        skus = [group.parts[0].sku for group in groups]
        penalties = [max(1, int(unfilled_penalty(problem.costs, group))) for group in groups]
        for name in sorted(rows):
            self._row_location.append(self._place_of[name])
            self._row_parcel.append(rows[name].parcel)
            for atom, cost in enumerate(rows[name].costs):
                key = self._stock_of.get((skus[atom], name))
                is_there = cost is not None and key is not None and cost < penalties[atom]
                self._cell_cost.append(int(cost or 0) if is_there else NEVER)
                self._cell_stock.append(key or 0 if is_there else 0)
        self.order_of.append(number)
        self._units.extend(group.units for group in groups)
        self._penalty.extend(penalties)
        self._twin.extend(skus.index(sku) for sku in skus)
        self._first_row.append(len(self._row_location))
        self._first_cell.append(len(self._cell_cost))
        self._first_atom.append(len(self._units))

    def cells(self, stock_rows: int) -> Cells:
        """All of them."""
        nothing = np.zeros(0, np.int64)
        return Cells(
            first_row=_column(self._first_row),
            first_cell=_column(self._first_cell),
            first_atom=_column(self._first_atom),
            row_location=_column(self._row_location),
            row_parcel=_column(self._row_parcel),
            cell_cost=_column(self._cell_cost),
            cell_stock=np.array(self._cell_stock, np.int32),
            units=_column(self._units),
            penalty=_column(self._penalty),
            twin=_column(self._twin),
            contended=np.zeros(stock_rows + len(self._place_of), np.bool_),
            stock_rows=stock_rows,
            split_charge=0,
            grams=np.zeros(len(self._units), np.int64),
            row_zone=np.zeros(len(self._row_location), np.int64),
            edges=nothing,
            steps=nothing,
        )


def started(
    stock: Mapping[str, Mapping[str, int]],
    labor: Mapping[str, int],
    rows: Iterable[tuple[str, str]],
    locations: Iterable[str],
) -> Integers:
    """The prices of before for these resources, 0 for what had none."""
    names = list(locations)
    found = [stock.get(sku, {}).get(place, 0) for sku, place in rows]
    return _column([*found, *(labor.get(name, 0) for name in names), *(0 for _ in names)])


def limited(units: int) -> int:
    """Units that fit a column."""
    return max(0, min(units, NO_LIMIT))


def _column(numbers: Iterable[int]) -> Integers:
    return np.array(list(numbers), np.int64)
