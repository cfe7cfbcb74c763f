"""A batch as a platform brings it, by names, and made into columns once all of it is there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

import numpy as np

from ordermesh.routing.domain.batch.instance import (
    ATOMS_MAX,
    NO_LIMIT,
    Atoms,
    Batch,
    Integers,
    Items,
    Locations,
    Orders,
    Stock,
)
from ordermesh.routing.domain.errors.batch import BatchEmpty, BatchTooLarge
from ordermesh.routing.domain.errors.catalog import UnknownLocation, UnknownSku
from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation
from ordermesh.routing.domain.geography import Place, distance_km
from ordermesh.routing.domain.rates import CostModel

LIMITS: Mapping[str, int] = {
    "locations": 2_000,
    "items": 200_000,
    "stock": 2_000_000,
    "orders": 100_000,
}
"""How many of each a batch may have."""


class Refusal(StrEnum):
    """Why an order cannot be decided with the others."""

    TOO_WIDE = "TOO_WIDE"
    UNKNOWN_SKU = "UNKNOWN_SKU"
    LINE_TWICE = "LINE_TWICE"


@dataclass(frozen=True, slots=True)
class BatchLocation:
    """Where goods are; no ``capacity`` for any number of units."""

    location_id: str
    place: Place
    pick_fee: int
    labor_per_unit: int
    handling_days: int
    capacity: int | None


@dataclass(frozen=True, slots=True)
class BatchLine:
    """What is wanted: units that stay together, or of which each may come from another place."""

    line_id: str
    sku: str
    quantity: int
    keep_together: bool

    @property
    def atoms(self) -> int:
        """Into how many it may part."""
        return 1 if self.keep_together else self.quantity


@dataclass(frozen=True, slots=True)
class BatchOrder:
    """An order; ``ship_by`` counts seconds from any beginning, and None comes after all of them."""

    order_id: str
    place: Place
    promise_days: int | None
    ship_by: int | None
    priority: int
    lines: tuple[BatchLine, ...]


@dataclass(frozen=True)
class Taken:
    """A batch as it is solved.

    ``orders`` are those of the batch, in its order; ``plain`` is the batch by its costs alone,
    without what is charged for the order of promises.
    """

    batch: Batch
    plain: Batch
    orders: tuple[BatchOrder, ...]


@dataclass
class Intake:
    """Takes a batch in, piece by piece, and refuses what cannot be meant."""

    costs: CostModel
    follows_promise: bool
    locations: dict[str, BatchLocation] = field(default_factory=dict)
    items: dict[str, int] = field(default_factory=dict)
    stock: dict[tuple[str, str], int] = field(default_factory=dict)
    orders: dict[str, BatchOrder] = field(default_factory=dict)

    def add_locations(self, given: Iterable[BatchLocation]) -> None:
        """More locations; raises ``DuplicateEntry`` or ``BatchTooLarge``, as the others do."""
        for one in given:
            _put(self.locations, one.location_id, one, "locations")

    def add_items(self, given: Iterable[tuple[str, int]]) -> None:
        """More items with the weight of a unit in grams."""
        for sku, grams in given:
            _put(self.items, sku, grams, "items")

    def add_stock(self, given: Iterable[tuple[str, str, int]]) -> None:
        """More stock: SKU, location, units."""
        for sku, location_id, units in given:
            if (sku, location_id) in self.stock:
                raise DuplicateEntry("stock", f"{sku} at {location_id}")
            _put(self.stock, (sku, location_id), units, "stock")

    def add_orders(self, given: Iterable[BatchOrder]) -> None:
        """More orders, in the order of their arrival."""
        for one in given:
            _put(self.orders, one.order_id, one, "orders")

    def check(self) -> None:
        """Raise unless there is something to decide and stock lies where locations are.

        ``BatchEmpty``, ``UnknownLocation``, ``UnknownSku``.
        """
        for name, given in (("orders", self.orders), ("locations", self.locations)):
            if not given:
                raise BatchEmpty(name)
        lost = {place for _, place in self.stock if place not in self.locations}
        if lost:
            raise UnknownLocation(lost)
        unknown = {sku for sku, _ in self.stock if sku not in self.items}
        if unknown:
            raise UnknownSku(unknown)

    def refusal_of(self, order: BatchOrder) -> Refusal | None:
        """Why an order is not decided with the others."""
        if len({line.line_id for line in order.lines}) < len(order.lines):
            return Refusal.LINE_TWICE
        if any(line.sku not in self.items for line in order.lines):
            return Refusal.UNKNOWN_SKU
        return Refusal.TOO_WIDE if sum(line.atoms for line in order.lines) > ATOMS_MAX else None

    def taken(self) -> Taken | None:
        """The batch of all orders that are not refused; None where all are.

        Raises ``FieldViolation`` for amounts that are too large to add up.
        """
        orders = [one for one in self.orders.values() if self.refusal_of(one) is None]
        if not orders:
            return None
        if self.follows_promise:
            orders.sort(key=_urgency)
        try:
            plain = self._batch(orders)
            batch = _with_urgency(plain, orders) if self.follows_promise else plain
        except ValueError as wrong:
            raise FieldViolation("orders", "amounts", f"It cannot be added up: {wrong}.") from wrong
        return Taken(batch, plain, tuple(orders))

    def _batch(self, orders: list[BatchOrder]) -> Batch:
        item_of = {sku: place for place, sku in enumerate(self.items)}
        location_of = {name: place for place, name in enumerate(self.locations)}
        rows = sorted(
            (item_of[sku], location_of[name], units)
            for (sku, name), units in self.stock.items()
            if units
        )
        places = list(self.locations.values())
        goals = list(dict.fromkeys(one.place for one in orders))
        destination = {place: row for row, place in enumerate(goals)}
        atoms = [atom for order in orders for atom in self._atoms(order, item_of)]
        widths = [sum(line.atoms for line in order.lines) for order in orders]
        return Batch(
            name="batch",
            costs=self.costs,
            locations=Locations(
                ids=tuple(self.locations),
                pick_fee=_column([one.pick_fee for one in places]),
                labor_per_unit=_column([one.labor_per_unit for one in places]),
                handling_days=_column([one.handling_days for one in places]),
                capacity=_column(
                    [NO_LIMIT if one.capacity is None else one.capacity for one in places]
                ),
            ),
            items=Items(tuple(self.items), _column(list(self.items.values()))),
            stock=Stock(
                _column([item for item, _, _ in rows]),
                _column([place for _, place, _ in rows]),
                _column([units for _, _, units in rows]),
                np.zeros(len(rows), np.int64),
            ),
            orders=Orders(
                ids=tuple(one.order_id for one in orders),
                destination=_column([destination[one.place] for one in orders]),
                promise_days=_column(
                    [-1 if one.promise_days is None else one.promise_days for one in orders]
                ),
                first_atom=np.concatenate([[0], np.cumsum(widths)]).astype(np.int64),
            ),
            atoms=Atoms(*(_column(list(column)) for column in zip(*atoms, strict=True))),
            distance_km=np.array(
                [[distance_km(one.place, place) for one in places] for place in goals],
                np.int64,
            ),
        )

    def _atoms(
        self, order: BatchOrder, item_of: Mapping[str, int]
    ) -> Iterable[tuple[int, int, int, int]]:
        for place, line in enumerate(order.lines):
            units = line.quantity if line.keep_together else 1
            penalty = self.costs.unfilled(units, self.items[line.sku] * units)
            for _ in range(line.atoms):
                yield place, item_of[line.sku], units, penalty


def _urgency(order: BatchOrder) -> tuple[bool, int, int]:
    """What comes first: to be sent by a time, the earliest; then the highest priority."""
    return (order.ship_by is None, order.ship_by or 0, -order.priority)


def _with_urgency(plain: Batch, orders: list[BatchOrder]) -> Batch:
    """Leaving an atom of a more urgent order costs more than any less urgent one could save.

    The orders are sorted. What an order can save is at most what leaving all of it costs, since
    nothing is sent that is dearer.
    """
    first = plain.orders.first_atom
    step = 2 * int(np.add.reduceat(plain.atoms.penalty, first[:-1]).max()) + 1
    step += int(plain.costs.split_charge) * ATOMS_MAX
    urgencies = [_urgency(one) for one in orders]
    classes = {urgency: place for place, urgency in enumerate(sorted(set(urgencies), reverse=True))}
    if max(classes.values()) * step * len(plain.atoms.item) >= 2**49:
        raise ValueError("there are too many different promises")
    charge = _column([classes[urgency] * step for urgency in urgencies])
    penalty = plain.atoms.penalty + np.repeat(charge, np.diff(first))
    return replace(plain, atoms=replace(plain.atoms, penalty=penalty))


def _put(known: dict[Any, Any], key: object, value: object, what: str) -> None:
    if key in known:
        raise DuplicateEntry(what, str(key))
    if len(known) == LIMITS[what]:
        raise BatchTooLarge(what, LIMITS[what])
    known[key] = value


def _column(numbers: list[int]) -> Integers:
    return np.array(numbers, np.int64)
