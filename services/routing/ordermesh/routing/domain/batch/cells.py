"""What could go where at what cost: the candidates of every order, laid out for passes over all.

For each order its *rows* are the locations that could send at least one of its atoms, ascending;
each row has a *cell* for each atom of the order. A cell that costs ``NEVER`` cannot be, or is
dearer than leaving the atom, which no optimum does: parcels here never get cheaper with more in
them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ordermesh.routing.domain.batch.instance import Batch, Integers
from ordermesh.routing.domain.costs import MICROGRAMS_PER_KG
from ordermesh.routing.domain.rates import GRAMS_PER_KG

NEVER = 2**60
"""The cost of what cannot be."""


@dataclass(frozen=True)
class Cells:
    """Rows and cells of all orders.

    Those of order n begin at ``first_row[n]`` and ``first_cell[n]``. ``row_parcel`` is what a
    parcel costs with the split charge, ``cell_cost`` what the atom adds; ``cell_stock`` is the row
    of stock it is taken from. ``twin`` is the first atom of the order with the same item.
    ``contended`` tells of each resource whether more could be asked of it than there is.
    With brackets of weight a parcel of so many grams costs ``steps[zone * len(edges) + n]`` more,
    ``edges[n]`` being the first edge that it does not exceed; without, there are no edges.
    """

    first_row: Integers
    first_cell: Integers
    first_atom: Integers
    row_location: Integers
    row_parcel: Integers
    cell_cost: Integers
    cell_stock: NDArray[np.int32]
    units: Integers
    penalty: Integers
    twin: Integers
    contended: NDArray[np.bool_]
    stock_rows: int
    split_charge: int
    grams: Integers
    row_zone: Integers
    edges: Integers
    steps: Integers

    @property
    def orders(self) -> int:
        """How many there are."""
        return len(self.first_row) - 1


@dataclass(frozen=True)
class Lanes:
    """From each location to each destination: zone (-1 where nobody delivers), and its parcel."""

    zone: Integers
    parcel: Integers
    days: Integers
    transit: Integers


def lanes_of(batch: Batch) -> Lanes:
    """Zones, and what a parcel costs with pick fee, carbon and split charge (D, L)."""
    costs, km = batch.costs, batch.distance_km
    zone = np.searchsorted(np.array(costs.edges, np.int64), km, side="left")
    reached = zone < len(costs.zones)
    rates = np.where(reached, zone, 0)
    freight = _column([one.freight_per_parcel for one in costs.zones])[rates]
    transit = _column([one.transit_days for one in costs.zones])[rates]
    carbon = costs.carbon
    emitted = carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * km
    parcel = freight + batch.locations.pick_fee + int(costs.split_charge)
    parcel += half_even(emitted * int(carbon.price_per_kg), MICROGRAMS_PER_KG)
    days = transit + batch.locations.handling_days
    return Lanes(np.where(reached, zone, -1), parcel, days, transit)


def cells_of(batch: Batch) -> Cells:
    """The candidates of every order."""
    atom, stock = _pairs(batch)
    cost, kept = _costs(batch, atom, stock)
    atom, stock, cost = atom[kept], stock[kept], cost[kept]
    places = len(batch.locations.ids)
    order = batch.order_of_atom[atom]
    brackets, nothing = batch.brackets, np.zeros(0, np.int64)
    keys, row = np.unique(order * places + batch.stock.location[stock], return_inverse=True)
    row_order, row_location = keys // places, keys % places
    first_row = np.searchsorted(row_order, np.arange(len(batch.orders.ids) + 1))
    sizes = np.diff(batch.orders.first_atom)
    first_cell = np.concatenate([[0], np.cumsum(np.diff(first_row) * sizes)])
    place = first_cell[order] + (row - first_row[order]) * sizes[order]
    place += atom - batch.orders.first_atom[order]
    cell_cost = np.full(int(first_cell[-1]), NEVER, np.int64)
    cell_stock = np.zeros(int(first_cell[-1]), np.int32)
    cell_cost[place], cell_stock[place] = cost, stock
    lanes = lanes_of(batch)
    return Cells(
        first_row=first_row.astype(np.int64),
        first_cell=first_cell.astype(np.int64),
        first_atom=batch.orders.first_atom,
        row_location=row_location,
        row_parcel=lanes.parcel[batch.orders.destination[row_order], row_location],
        cell_cost=cell_cost,
        cell_stock=cell_stock,
        units=batch.atoms.units,
        penalty=batch.atoms.penalty,
        twin=_twins(batch),
        contended=_contended(batch, atom, stock, row_order, row_location, row),
        stock_rows=len(batch.stock.units),
        split_charge=int(batch.costs.split_charge),
        grams=batch.items.grams[batch.atoms.item] * batch.atoms.units,
        row_zone=lanes.zone[batch.orders.destination[row_order], row_location],
        edges=nothing if brackets is None else brackets.up_to_grams,
        steps=nothing if brackets is None else np.ascontiguousarray(brackets.price.ravel()),
    )


def bracket_prices(cells: Cells, zone: Integers, grams: Integers) -> Integers:
    """What parcels of these weights cost by their brackets, ``NEVER`` where they are too heavy."""
    count = len(cells.edges)
    if not count:
        return np.zeros(len(grams), np.int64)
    place = np.searchsorted(cells.edges, grams, side="left")
    price = cells.steps[zone * count + np.minimum(place, count - 1)]
    return np.where(place < count, price, NEVER)


def rows_of(cells: Cells, order: Integers, location: Integers) -> Integers:
    """For each atom the row that sends it, -1 where none does; ``order`` is that of each atom.

    Raises ``ValueError`` where something is sent from where it cannot be.
    """
    places = int(max(cells.row_location.max(initial=0), location.max(initial=0))) + 1
    keys = np.repeat(np.arange(cells.orders), np.diff(cells.first_row)) * places
    keys = keys + cells.row_location
    wanted = order * places + np.maximum(location, 0)
    row = np.searchsorted(keys, wanted)
    sent = location >= 0
    found = np.zeros(len(row), np.bool_)
    inside = row < len(keys)
    found[inside] = keys[row[inside]] == wanted[inside]
    atom = np.arange(len(location)) - cells.first_atom[order]
    width = np.diff(cells.first_atom)[order]
    cell = cells.first_cell[order] + (row - cells.first_row[order]) * width + atom
    found[found] = cells.cell_cost[cell[found]] < NEVER
    if (sent & ~found).any():
        raise ValueError("an atom is sent from where it cannot be")
    return np.where(sent, row, -1).astype(np.int64)


def half_even(numerator: Integers, denominator: int) -> Integers:
    """Quotients rounded to the nearest integer, halves to the even one."""
    quotient, rest = np.divmod(numerator, denominator)
    double = 2 * rest
    up = (double > denominator) | ((double == denominator) & (quotient % 2 == 1))
    return np.asarray(quotient + up, np.int64)


def _pairs(batch: Batch) -> tuple[Integers, Integers]:
    """Every atom with every row of stock of its item that has enough units."""
    first = np.searchsorted(batch.stock.item, np.arange(len(batch.items.skus) + 1))
    starts = first[batch.atoms.item]
    numbers = first[batch.atoms.item + 1] - starts
    atom = np.repeat(np.arange(len(numbers)), numbers)
    offset = np.arange(int(numbers.sum())) - np.repeat(np.cumsum(numbers) - numbers, numbers)
    stock = starts[atom] + offset
    location = batch.stock.location[stock]
    enough = batch.stock.units[stock] >= batch.atoms.units[atom]
    enough &= batch.locations.capacity[location] >= batch.atoms.units[atom]
    return atom[enough], stock[enough]


def _costs(batch: Batch, atom: Integers, stock: Integers) -> tuple[Integers, NDArray[np.bool_]]:
    """What each pair costs beside its parcel, and whether it is worth it."""
    costs, lanes = batch.costs, lanes_of(batch)
    order, location = batch.order_of_atom[atom], batch.stock.location[stock]
    destination, units = batch.orders.destination[order], batch.atoms.units[atom]
    zone = lanes.zone[destination, location]
    grams = batch.items.grams[batch.atoms.item[atom]] * units
    per_kg = _column([one.freight_per_kg for one in costs.zones])[np.maximum(zone, 0)]
    emitted = costs.carbon.micrograms_per_gram_km * grams
    emitted = emitted * batch.distance_km[destination, location]
    promise = batch.orders.promise_days[order]
    late = np.maximum(lanes.days[destination, location] - promise, 0)
    late[promise < 0] = 0
    total = half_even(grams * per_kg, GRAMS_PER_KG)
    total += half_even(emitted * int(costs.carbon.price_per_kg), MICROGRAMS_PER_KG)
    total += (batch.locations.labor_per_unit[location] - batch.stock.credit[stock]) * units
    total += lanes.transit[destination, location] * int(costs.transit_day)
    total += late * int(costs.late_day)
    kept = (zone >= 0) & (total < batch.atoms.penalty[atom])
    if batch.atoms.days_max is not None:
        limit = batch.atoms.days_max[atom]
        kept &= (limit < 0) | (lanes.days[destination, location] <= limit)
    return total, kept


def _twins(batch: Batch) -> Integers:
    """For each atom the first of its order with the same item, counted within the order."""
    order = batch.order_of_atom
    key = order * len(batch.items.skus) + batch.atoms.item
    _, first, back = np.unique(key, return_index=True, return_inverse=True)
    return np.asarray(first[back] - batch.orders.first_atom[order], np.int64)


def _contended(
    batch: Batch,
    atom: Integers,
    stock: Integers,
    row_order: Integers,
    row_location: Integers,
    row: Integers,
) -> NDArray[np.bool_]:
    wanted = np.bincount(stock, batch.atoms.units[atom], len(batch.stock.units))
    by_row = np.bincount(row, batch.atoms.units[atom], len(row_order))
    labor = np.bincount(row_location, by_row, len(batch.locations.ids))
    found: NDArray[np.bool_] = np.concatenate([wanted, labor]) > batch.capacities
    return found


def _column(numbers: list[int]) -> Integers:
    return np.array(numbers, np.int64)
