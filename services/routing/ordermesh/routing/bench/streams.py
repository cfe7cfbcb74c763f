"""Streams: orders that come in periods, on stock that they share and labor of each period.

A forecast knows the orders of before, and nothing of those to come.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from ordermesh.routing.bench.instances import draw_batch
from ordermesh.routing.domain.batch.cells import Cells, cells_of
from ordermesh.routing.domain.batch.instance import Atoms, Batch, Integers, Locations, Orders, Stock
from ordermesh.routing.domain.foresight.futures import weights_of, with_orders
from ordermesh.routing.domain.foresight.levels import Floats, levels_of
from ordermesh.sample.retailer import Regime

BEFORE = 4
"""So many orders of before for each that comes."""

LABOR_MIN = 2
"""Units that any location can send in a period."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be run: streams of so many orders in so many periods, one for each seed."""

    orders: int = 2_000
    periods: int = 10
    regime: Regime = "peak"
    seed: int = 1
    seeds: int = 5


@dataclass(frozen=True)
class Stream:
    """Orders of before, then those that come, each in its period; cells are those of all."""

    batch: Batch
    cells: Cells
    history: int
    period: Integers
    labor: Integers
    """Units that each location can send in a period."""

    @property
    def places(self) -> int:
        """How many locations there are."""
        return len(self.batch.locations.ids)

    @property
    def periods(self) -> int:
        """How many there are."""
        return int(self.period.max()) + 1

    def orders_of(self, period: int) -> Integers:
        """The orders that come in a period."""
        return np.asarray(self.history + np.flatnonzero(self.period == period), np.int64)

    def true_future(self, period: int, number: int, random: np.random.Generator) -> Integers:  # noqa: ARG002 - what comes is what comes
        """The orders that come after a period, which nobody knows."""
        return np.asarray(self.history + np.flatnonzero(self.period > period), np.int64)


def draw_stream(asked: Asked, seed: int) -> Stream:
    """A stream after the orders of before; the same every time."""
    history = BEFORE * asked.orders
    batch = draw_batch(asked.orders, asked.regime, seed, history)
    period = np.arange(asked.orders) * asked.periods // asked.orders
    labor = np.maximum(LABOR_MIN, -(-batch.locations.capacity // asked.periods))
    return Stream(batch, cells_of(batch), history, period.astype(np.int64), labor)


def whole_of(stream: Stream) -> tuple[Batch, Cells]:
    """The whole stream as one batch, in which each period has locations of its own."""
    periods, places = stream.periods, stream.places
    batch = batch_of(stream, np.arange(stream.history, len(stream.batch.orders.ids)), None)
    locations = batch.locations
    batch = replace(
        batch,
        locations=Locations(
            tuple(f"{name}@{period}" for period in range(periods) for name in locations.ids),
            np.tile(locations.pick_fee, periods),
            np.tile(locations.labor_per_unit, periods),
            np.tile(locations.handling_days, periods),
            np.tile(stream.labor, periods),
        ),
        distance_km=np.tile(batch.distance_km, (1, periods)),
    )
    orders = np.arange(stream.history, len(stream.batch.orders.ids))
    cells = with_orders(stream.cells, orders, stream.period, places, batch.capacities)
    return batch, cells


def batch_of(stream: Stream, orders: Integers, left: Integers | None) -> Batch:
    """Some of the orders on what is left of the stock, with the labor of one period.

    Of a row that is used up one unit is said to be there: no cell is on it.
    """
    batch = stream.batch
    first = batch.orders.first_atom
    atoms = np.concatenate([np.arange(first[one], first[one + 1]) for one in orders.tolist()])
    widths = np.diff(first)[orders]
    stock = batch.stock
    return replace(
        batch,
        locations=replace(batch.locations, capacity=stream.labor),
        stock=stock
        if left is None
        else Stock(stock.item, stock.location, np.maximum(left, 1), stock.credit),
        orders=Orders(
            tuple(batch.orders.ids[one] for one in orders.tolist()),
            batch.orders.destination[orders],
            batch.orders.promise_days[orders],
            np.concatenate([[0], np.cumsum(widths)]).astype(np.int64),
        ),
        atoms=Atoms(
            batch.atoms.line[atoms],
            batch.atoms.item[atoms],
            batch.atoms.units[atoms],
            batch.atoms.penalty[atoms],
        ),
    )


Draw = Callable[[int, int, np.random.Generator], Integers]
"""Orders that may come after a period, so many of them."""

Decide = Callable[[int, Integers], Integers]
"""The row of each atom of a period's orders, from what is left of the stock."""


def decided(stream: Stream, decide: Decide) -> Integers:
    """The location of each atom of the stream (that of its period), period after period."""
    left = stream.batch.stock.units.copy()
    found = []
    for period in range(stream.periods):
        orders = stream.orders_of(period)
        location = decide(period, left)
        first = stream.batch.orders.first_atom
        atoms = np.concatenate([np.arange(first[one], first[one + 1]) for one in orders.tolist()])
        sent = location >= 0
        item, units = stream.batch.atoms.item[atoms], stream.batch.atoms.units[atoms]
        keys = stream.batch.stock.item * stream.places + stream.batch.stock.location
        rows = np.searchsorted(keys, (item * stream.places + location)[sent])
        np.subtract.at(left, rows, units[sent])
        found.append(np.where(sent, location + period * stream.places, -1))
    return np.concatenate(found)


@dataclass(frozen=True)
class Forecast:
    """What the orders of before say: what was asked in their periods, and weights to draw them."""

    asked: Integers
    weights: Floats
    orders: int

    @classmethod
    def of(cls, stream: Stream) -> "Forecast":
        """From the orders of before alone, in periods as long as those to come."""
        batch = stream.batch
        atoms = int(batch.orders.first_atom[stream.history])
        order, item = batch.order_of_atom[:atoms], batch.atoms.item[:atoms]
        units = batch.atoms.units[:atoms]
        periods = BEFORE * stream.periods
        period = order * periods // stream.history
        asked = np.zeros((periods, len(batch.items.skus)), np.int64)
        np.add.at(asked, (period, item), units)
        levels = levels_of(asked).units
        weights = weights_of(order, item, units, levels, stream.history)
        return cls(asked, weights, stream.history)

    def drawn(self, period: int, number: int, random: np.random.Generator) -> Integers:  # noqa: ARG002 - any period
        """So many orders of before."""
        return random.choice(self.orders, number, p=self.weights).astype(np.int64)
