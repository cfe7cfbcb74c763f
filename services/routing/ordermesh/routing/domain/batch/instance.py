"""A batch: many orders over shared stock and labor, in columns of integers.

An order is made of *atoms*, each of which leaves in one parcel: a line that stays together, or a
unit of a line that may be divided. What an order takes from one location is one parcel. Money is in
1e-4 of the currency of the costs. Columns are 64-bit integers; a first-index column has one entry
more than there are rows, so that the atoms of order n are ``first_atom[n]`` to
``first_atom[n + 1]``.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ordermesh.routing.domain.rates import CostModel

Integers = NDArray[np.int64]

ATOMS_MAX = 12
"""Atoms of one order: the search of an order is exact, and triples with every atom."""

NO_LIMIT = 2**40
"""Capacity of a location that has no limit."""

MONEY_MAX = 2**50
"""Sums of money stay below this, so that they are exact in 64 bits and in doubles."""


@dataclass(frozen=True)
class Locations:
    """Where goods are, in the order of a fixed priority list.

    ``capacity`` is units that a location can send over the whole batch, ``NO_LIMIT`` for any
    number; ``labor_per_unit`` and ``pick_fee`` (for each parcel) are money; ``handling_days`` pass
    before the carrier takes a parcel.
    """

    ids: tuple[str, ...]
    pick_fee: Integers
    labor_per_unit: Integers
    handling_days: Integers
    capacity: Integers


@dataclass(frozen=True)
class Items:
    """What is ordered; ``grams`` is the weight of one unit."""

    skus: tuple[str, ...]
    grams: Integers


@dataclass(frozen=True)
class Stock:
    """Units that may be promised, ascending by item, then location.

    ``credit`` is money that each unit saves which leaves here, such as a markdown avoided.
    """

    item: Integers
    location: Integers
    units: Integers
    credit: Integers


@dataclass(frozen=True)
class Orders:
    """The orders in the order of their arrival.

    ``destination`` is a row of the distances, ``promise_days`` the days within which the order
    should arrive; -1 where nothing was promised.
    """

    ids: tuple[str, ...]
    destination: Integers
    promise_days: Integers
    first_atom: Integers


@dataclass(frozen=True)
class Atoms:
    """What stays together: the place of its line in the order, item, units, cost of leaving it.

    ``days_max`` is a promise that no plan may break: the days within which the atom arrives, -1 for
    any number; nothing where no atom has one.
    """

    line: Integers
    item: Integers
    units: Integers
    penalty: Integers
    days_max: Integers | None = None


@dataclass(frozen=True)
class Brackets:
    """What a parcel costs by its weight, beside what the rates of its zone say.

    ``price[z][n]`` is charged in the zone ``z`` above ``up_to_grams[n - 1]`` and up to
    ``up_to_grams[n]``; what is heavier than the last is not carried. No heavier parcel is cheaper.
    """

    up_to_grams: Integers
    price: Integers


@dataclass(frozen=True)
class Batch:
    """Orders, network and stock; ``distance_km`` has the shape (destinations, locations).

    The costs mean what they mean for a single order (``ordermesh.routing.domain.costs``), with one
    parcel for each shipment. Raises ``ValueError`` where columns do not fit together.
    """

    name: str
    costs: CostModel
    locations: Locations
    items: Items
    stock: Stock
    orders: Orders
    atoms: Atoms
    distance_km: Integers
    brackets: Brackets | None = None

    def __post_init__(self) -> None:
        _check_lengths(self)
        _check_references(self)
        _check_numbers(self)
        if self.brackets is not None:
            _check_brackets(self.brackets, len(self.costs.zones))

    @cached_property
    def order_of_atom(self) -> Integers:
        """The order that each atom belongs to."""
        return np.repeat(np.arange(len(self.orders.ids)), np.diff(self.orders.first_atom))

    @cached_property
    def capacities(self) -> Integers:
        """What there is of each resource: first the rows of stock, then the labor of locations."""
        return np.concatenate([self.stock.units, self.locations.capacity])

    @property
    def units(self) -> int:
        """Units ordered."""
        return int(self.atoms.units.sum())


def _check_lengths(batch: Batch) -> None:
    groups: tuple[tuple[int, tuple[Integers, ...]], ...] = (
        (
            len(batch.locations.ids),
            (
                batch.locations.pick_fee,
                batch.locations.labor_per_unit,
                batch.locations.handling_days,
                batch.locations.capacity,
            ),
        ),
        (len(batch.items.skus), (batch.items.grams,)),
        (len(batch.stock.units), (batch.stock.item, batch.stock.location, batch.stock.credit)),
        (len(batch.orders.ids), (batch.orders.destination, batch.orders.promise_days)),
        (len(batch.atoms.units), (batch.atoms.line, batch.atoms.item, batch.atoms.penalty)),
    )
    if batch.atoms.days_max is not None:
        groups = (*groups, (len(batch.atoms.units), (batch.atoms.days_max,)))
    if any(len(column) != length for length, columns in groups for column in columns):
        raise ValueError("columns of one table differ in length")
    for names in (batch.locations.ids, batch.items.skus, batch.orders.ids):
        if len(set(names)) != len(names):
            raise ValueError("a name is there twice")
    if batch.distance_km.ndim != 2 or batch.distance_km.shape[1] != len(batch.locations.ids):
        raise ValueError("distances have a row for each destination, a column for each location")


def _check_references(batch: Batch) -> None:
    first, places = batch.orders.first_atom, len(batch.locations.ids)
    if len(first) != len(batch.orders.ids) + 1 or first[0] or first[-1] != len(batch.atoms.item):
        raise ValueError("the atoms of the orders are not all atoms")
    sizes = np.diff(first)
    if len(sizes) and (sizes.min() < 1 or sizes.max() > ATOMS_MAX):
        raise ValueError(f"an order has from 1 to {ATOMS_MAX} atoms")
    _check_within(batch.orders.destination, len(batch.distance_km), "destination")
    _check_within(batch.atoms.item, len(batch.items.skus), "item of an atom")
    _check_within(batch.stock.item, len(batch.items.skus), "item in stock")
    _check_within(batch.stock.location, places, "location of stock")
    if (np.diff(batch.stock.item * places + batch.stock.location) <= 0).any():
        raise ValueError("stock ascends by item and location, each pair once")


def _check_within(column: Integers, length: int, what: str) -> None:
    if len(column) and (column.min() < 0 or column.max() >= length):
        raise ValueError(f"there is no such {what}")


def _check_numbers(batch: Batch) -> None:
    signed = (
        (batch.locations.pick_fee, 0),
        (batch.locations.labor_per_unit, 0),
        (batch.locations.handling_days, 0),
        (batch.locations.capacity, 0),
        (batch.items.grams, 0),
        (batch.stock.units, 1),
        (batch.stock.credit, 0),
        (batch.atoms.units, 1),
        (batch.atoms.penalty, 0),
        (batch.orders.promise_days, -1),
        (batch.distance_km, 0),
    )
    if any(column.size and column.min() < least for column, least in signed):
        raise ValueError("a number is below what it can be")
    if batch.atoms.days_max is not None and (batch.atoms.days_max < -1).any():
        raise ValueError("a number is below what it can be")
    dearest = [batch.locations.pick_fee, batch.locations.labor_per_unit, batch.stock.credit]
    most = max([int(column.max()) for column in dearest if len(column)], default=0)
    total = int(batch.atoms.penalty.sum()) + most * (batch.units + len(batch.atoms.item))
    if total >= MONEY_MAX or (len(batch.items.grams) and batch.items.grams.max() > 10**9):
        raise ValueError("the amounts of the batch are too large to add up")
    if batch.distance_km.size and batch.distance_km.max() > 50_000:
        raise ValueError("a distance is farther than around the globe")


def _check_brackets(brackets: Brackets, zones: int) -> None:
    edges, price = brackets.up_to_grams, brackets.price
    if not len(edges) or price.shape != (zones, len(edges)):
        raise ValueError("brackets have a price for each zone and weight")
    if edges.min() < 1 or (np.diff(edges) <= 0).any() or edges.max() > 2**40:
        raise ValueError("the edges of brackets rise")
    if price.min() < 0 or price.max() >= MONEY_MAX >> 12 or (np.diff(price, axis=1) < 0).any():
        raise ValueError("a heavier parcel costs no less, and nothing costs too much to add up")
