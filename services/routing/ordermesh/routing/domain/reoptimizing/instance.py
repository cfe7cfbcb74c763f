"""The compared orders as one batch: rows, cells and resources, in the costs of their own problems.

What an order holds counts as there for all. A row that an order does not use now costs the charge
of a new fulfillment order beside its parcel, so that small gains move nothing. Costs are exact
where a candidate has one service whose price is linear in weight; elsewhere they point the way, and
what comes out is counted anew by the order's own problem.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ordermesh.routing.domain.batch.cells import NEVER, Cells
from ordermesh.routing.domain.batch.instance import (
    NO_LIMIT,
    Atoms,
    Batch,
    Integers,
    Items,
    Locations,
    Orders,
    Stock,
)
from ordermesh.routing.domain.batch.rows import CandidateRow, row_of
from ordermesh.routing.domain.costs import unfilled_penalty
from ordermesh.routing.domain.plan import Assignment
from ordermesh.routing.domain.problem import Candidate, Group, Problem
from ordermesh.routing.domain.reoptimizing.movable import Compared

LEAVING = 3
"""How often its penalty it costs to leave an atom: all of them have their stock already."""


@dataclass(frozen=True)
class Instance:
    """A batch with its cells, where each atom is now, and what the engine's costs are short of.

    ``offset`` is to be taken from a cost or bound of the engine: every order's first parcel, which
    pays no split charge. ``is_exact``: costs are those of the orders' own problems, the charge for
    new fulfillment orders beside.
    """

    batch: Batch
    cells: Cells
    start: Integers
    offset: int
    is_exact: bool


def instance_of(compared: Sequence[Compared]) -> Instance:
    """All of the orders as one batch. There is at least one."""
    rows = [_rows(one) for one in compared]
    places = sorted({row.candidate.location_id for own in rows for row in own})
    place_of = {name: number for number, name in enumerate(places)}
    skus = sorted({part.sku for one in compared for g in one.problem.groups for part in g.parts})
    item_of = {sku: number for number, sku in enumerate(skus)}
    stock = _stock(compared, rows)
    keys = sorted((item_of[sku], place_of[place]) for place, sku in stock)
    stock_of = {key: number for number, key in enumerate(keys)}
    by_key = {(item_of[sku], place_of[place]): units for (place, sku), units in stock.items()}
    atoms = [
        (line, item_of[group.parts[0].sku], group.units, LEAVING * _penalty(one, group))
        for one in compared
        for line, group in enumerate(one.problem.groups)
        for _ in range(group.atoms)
    ]
    first = [0]
    for one in compared:
        first.append(first[-1] + sum(group.atoms for group in one.problem.groups))
    nothing = np.zeros(len(places), np.int64)
    batch = Batch(
        name="open orders",
        costs=compared[0].problem.costs,
        locations=Locations(
            ids=tuple(places),
            pick_fee=nothing,
            labor_per_unit=nothing,
            handling_days=nothing,
            capacity=_column(_capacity(compared, rows, places)),
        ),
        items=Items(tuple(skus), np.zeros(len(skus), np.int64)),
        stock=Stock(
            _column(item for item, _ in keys),
            _column(place for _, place in keys),
            _column(by_key[key] for key in keys),
            np.zeros(len(keys), np.int64),
        ),
        orders=Orders(
            ids=tuple(one.movable.order_id for one in compared),
            destination=np.arange(len(compared)),
            promise_days=np.full(len(compared), -1, np.int64),
            first_atom=_column(first),
        ),
        atoms=Atoms(*(_column(column) for column in zip(*atoms, strict=True))),
        distance_km=_distances(rows, place_of),
    )
    cells = _cells(compared, rows, batch, stock_of, item_of, place_of)
    return Instance(
        batch=batch,
        cells=cells,
        start=_start(compared, place_of),
        offset=sum(int(one.problem.costs.split_charge) for one in compared),
        is_exact=all(_is_exact(one.problem) for one in compared),
    )


def assignments_of(
    compared: Sequence[Compared], batch: Batch, location: Integers
) -> list[Assignment | None]:
    """Where each order would be; None for one of which something would be left."""
    found: list[Assignment | None] = []
    for number, one in enumerate(compared):
        atom = int(batch.orders.first_atom[number])
        order: dict[str, dict[int, int]] = {}
        is_whole = True
        for line, group in enumerate(one.problem.groups):
            for _ in range(group.atoms):
                place = int(location[atom])
                atom += 1
                if place < 0:
                    is_whole = False
                    continue
                atoms = order.setdefault(batch.locations.ids[place], {})
                atoms[line] = atoms.get(line, 0) + 1
        found.append(order if is_whole else None)
    return found


def is_placed(one: Compared) -> bool:
    """Whether every part of it can be priced where it is now: else no plan could start there."""
    rows = {
        candidate.location_id: _row(one, candidate)
        for candidate in one.problem.candidates
        if candidate.location_id in one.assignment
    }
    for place, atoms in one.assignment.items():
        row = rows.get(place)
        if row is None or any(row.costs[line] is None for line, number in atoms.items() if number):
            return False
    return True


def _rows(one: Compared) -> list[CandidateRow]:
    """The candidates that could send any of it, in time."""
    found = [row for each in one.problem.candidates if (row := _row(one, each)) is not None]
    return sorted(found, key=lambda row: row.candidate.location_id)


def _row(one: Compared, candidate: Candidate) -> CandidateRow | None:
    """The candidate, if any of its services takes any of the order in time."""
    more = 0 if candidate.location_id in one.assignment else one.charge
    return row_of(one.problem, one.problem.groups, candidate, more, one.days_max)


def _is_exact(problem: Problem) -> bool:
    """Whether cells cost no more than the problem says, whatever is sent together."""
    return all(
        len(candidate.options) == 1
        and problem.tariffs[candidate.options[0].tariff].is_linear
        and not candidate.labor_per_line
        for candidate in problem.candidates
    )


def _penalty(one: Compared, group: Group) -> int:
    return max(1, int(unfilled_penalty(one.problem.costs, group)))


def _stock(
    compared: Sequence[Compared], rows: Sequence[Sequence[CandidateRow]]
) -> dict[tuple[str, str], int]:
    """Units by location and SKU: the most that any order sees, and never less than they hold."""
    units: dict[tuple[str, str], int] = {}
    for own in rows:
        for row in own:
            for sku, number in row.candidate.available:
                key = (row.candidate.location_id, sku)
                units[key] = max(units.get(key, 0), number)
    held: dict[tuple[str, str], int] = {}
    for one in compared:
        for key, number in one.movable.held.items():
            held[key] = held.get(key, 0) + number
    for key, number in held.items():
        units[key] = max(units.get(key, 0), number)
    return {key: number for key, number in units.items() if number > 0}


def _capacity(
    compared: Sequence[Compared], rows: Sequence[Sequence[CandidateRow]], places: Sequence[str]
) -> list[int]:
    """Units that each location can still send, what it has been given among them."""
    room: dict[str, int] = {}
    for own in rows:
        for row in own:
            units = row.candidate.capacity_units
            name = row.candidate.location_id
            room[name] = max(room.get(name, 0), NO_LIMIT if units is None else units)
    given: dict[str, int] = {}
    for one in compared:
        for (name, _), number in one.movable.held.items():
            given[name] = given.get(name, 0) + number
    return [min(NO_LIMIT, max(room.get(name, 0), given.get(name, 0))) for name in places]


def _distances(rows: Sequence[Sequence[CandidateRow]], place_of: Mapping[str, int]) -> Integers:
    """By which orders are parted: far where an order has no such candidate."""
    found = np.full((len(rows), len(place_of)), 20_000, np.int64)
    for number, own in enumerate(rows):
        for row in own:
            place = place_of[row.candidate.location_id]
            found[number, place] = min(20_000, row.candidate.distance_km)
    return found


def _cells(
    compared: Sequence[Compared],
    rows: Sequence[Sequence[CandidateRow]],
    batch: Batch,
    stock_of: Mapping[tuple[int, int], int],
    item_of: Mapping[str, int],
    place_of: Mapping[str, int],
) -> Cells:
    first_row, first_cell = [0], [0]
    row_location: list[int] = []
    row_parcel: list[int] = []
    cell_cost: list[int] = []
    cell_stock: list[int] = []
    cell_units: list[int] = []
    cell_place: list[int] = []
    for one, own in zip(compared, rows, strict=True):
        groups = [g for g in enumerate(one.problem.groups) for _ in range(g[1].atoms)]
        for row in own:
            place = place_of[row.candidate.location_id]
            row_location.append(place)
            row_parcel.append(row.parcel)
            for line, group in groups:
                money, item = row.costs[line], item_of[group.parts[0].sku]
                cell_cost.append(NEVER if money is None else money)
                cell_stock.append(0 if money is None else stock_of[item, place])
                cell_units.append(group.units)
                cell_place.append(place)
        first_row.append(len(row_location))
        first_cell.append(len(cell_cost))
    stock, cost = np.array(cell_stock, np.int32), _column(cell_cost)
    there = cost < NEVER
    units, places = _column(cell_units)[there], _column(cell_place)[there]
    asked = np.bincount(stock[there], units, len(batch.stock.units)).astype(np.int64)
    labor = np.bincount(places, units, len(batch.locations.ids)).astype(np.int64)
    return Cells(
        first_row=_column(first_row),
        first_cell=_column(first_cell),
        first_atom=batch.orders.first_atom,
        row_location=_column(row_location),
        row_parcel=_column(row_parcel),
        cell_cost=cost,
        cell_stock=stock,
        units=batch.atoms.units,
        penalty=batch.atoms.penalty,
        twin=_twins(batch),
        contended=np.asarray(np.concatenate([asked, labor]) > batch.capacities),
        stock_rows=len(batch.stock.units),
        split_charge=0,
        grams=np.zeros(len(batch.atoms.units), np.int64),
        row_zone=np.zeros(len(row_location), np.int64),
        edges=np.zeros(0, np.int64),
        steps=np.zeros(0, np.int64),
    )


def _twins(batch: Batch) -> Integers:
    """For each atom the first of its order with the same item, counted within the order."""
    found: list[int] = []
    items = batch.atoms.item.tolist()
    bounds = batch.orders.first_atom.tolist()
    for start, end in itertools.pairwise(bounds):
        found.extend(items.index(items[atom], start) - start for atom in range(start, end))
    return _column(found)


def _start(compared: Sequence[Compared], place_of: Mapping[str, int]) -> Integers:
    """The place of each atom now."""
    found: list[int] = []
    for one in compared:
        for line, group in enumerate(one.problem.groups):
            places = [
                place_of[name]
                for name, atoms in sorted(one.assignment.items())
                for _ in range(atoms.get(line, 0))
            ]
            if len(places) != group.atoms:
                raise ArithmeticError("an order is somewhere with more or less than it wants")
            found.extend(places)
    return _column(found)


def _column(numbers: Iterable[int]) -> Integers:
    return np.array(list(numbers), np.int64)
