"""The instances of the public benchmark: the sample retailer's orders as a batch.

Geography, baskets, popularity and widths are real, money, stock and labor declared; what is taken
from where stands beside the sample. Markdown credits are drawn here, after all else: of the items
in the less popular 40 %, three in ten rows of stores' stock save from 0.50 to 3.00 a unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

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
from ordermesh.routing.domain.geography import Place, distance_km
from ordermesh.routing.domain.rates import CostModel, declared_costs
from ordermesh.sample.nouns import Location, LocationType, Retailer
from ordermesh.sample.retailer import Regime, build_retailer

SLOW_RANK = 0.6
"""From this place in popularity, as a share of all items, stock may be marked down."""

_CREDITED, _CREDIT_MIN, _CREDIT_MAX = 0.3, 5_000, 30_000


def draw_batch(orders: int, regime: Regime, seed: int, history: int = 0) -> Batch:
    """So many orders of the sample retailer, after so many of before; the same every time.

    Stock and labor are for the orders without those of before.
    """
    retailer = build_retailer(seed, orders, regime, kits=0, history=history)
    return batch_of(retailer, f"sample-{regime}-{orders}-{seed}", seed)


@dataclass(frozen=True)
class Regions:
    """The nearest centre of each destination and of each location, as a place of a location."""

    destination: Integers
    location: Integers

    def share_within(self, batch: Batch, location: Integers) -> float:
        """Of the units that are sent, how many leave from the region that they go to."""
        sent = location >= 0
        goes = self.destination[batch.orders.destination[batch.order_of_atom[sent]]]
        units = batch.atoms.units[sent]
        within = self.location[location[sent]] == goes
        return float(units[within].sum() / units.sum()) if len(units) else 0.0


def regions_of(retailer: Retailer, batch: Batch) -> Regions:
    """The regions of the retailer's centres."""
    centres = [n for n, one in enumerate(retailer.locations) if not _is_store(one)]
    places = [_place(one.latitude, one.longitude) for one in retailer.locations]
    near = [
        min(centres, key=lambda n, here=here: (distance_km(places[n], here), n))  # type: ignore[misc]
        for here in places
    ]
    goes = batch.distance_km[:, centres].argmin(axis=1)
    return Regions(_column(centres)[goes], _column(near))


def batch_of(retailer: Retailer, name: str, seed: int) -> Batch:
    """The retailer's orders as a batch, at the declared costs; the seed draws markdown credits."""
    costs = declared_costs()
    skus = tuple(item.sku for item in retailer.items)
    ids = tuple(location.location_id for location in retailer.locations)
    network = {one.location_id: one for one in retailer.network}
    items = Items(skus, _column([item.weight_grams for item in retailer.items]))
    places = [network[location_id] for location_id in ids]
    locations = Locations(
        ids=ids,
        pick_fee=_column([one.pick_fee for one in places]),
        labor_per_unit=_column([one.labor_cost_per_unit for one in places]),
        handling_days=_column([one.handling_days for one in places]),
        capacity=_column(
            [
                NO_LIMIT if one.capacity_units_per_day is None else one.capacity_units_per_day
                for one in places
            ]
        ),
    )
    destinations = sorted(
        {
            _place(order.destination.latitude, order.destination.longitude)
            for order in retailer.orders
        },
        key=lambda place: (place.latitude_microdegrees, place.longitude_microdegrees),
    )
    distances = [
        [distance_km(_place(one.latitude, one.longitude), place) for one in retailer.locations]
        for place in destinations
    ]
    stock = _stock(retailer, skus, ids, seed)
    orders_, atoms = _orders(retailer, skus, items, costs, destinations)
    return Batch(
        name=name,
        costs=costs,
        locations=locations,
        items=items,
        stock=stock,
        orders=orders_,
        atoms=atoms,
        distance_km=np.array(distances, np.int64),
    )


def _stock(retailer: Retailer, skus: Sequence[str], ids: Sequence[str], seed: int) -> Stock:
    """The rows of stock by item and location, with what marking down costs."""
    item_of = {sku: place for place, sku in enumerate(skus)}
    location_of = {name: place for place, name in enumerate(ids)}
    rows = sorted(
        (item_of[row.sku], location_of[row.location_id], row.quantity) for row in retailer.stock
    )
    item, location, units = (_column(list(column)) for column in zip(*rows, strict=True))
    lines = np.zeros(len(skus), np.int64)
    for order in retailer.orders:
        for line in order.lines:
            lines[item_of[line.sku]] += 1
    rank = np.empty(len(skus))
    rank[np.argsort(-lines, kind="stable")] = np.arange(len(skus)) / len(skus)
    is_store = np.array([_is_store(one) for one in retailer.locations])
    draw = np.random.default_rng([seed, 1])
    credited = draw.random(len(units)) < _CREDITED
    credit = draw.integers(_CREDIT_MIN, _CREDIT_MAX + 1, len(units))
    credited &= is_store[location] & (rank[item] > SLOW_RANK)
    return Stock(item, location, units, np.where(credited, credit, 0))


def _orders(
    retailer: Retailer,
    skus: Sequence[str],
    items: Items,
    costs: CostModel,
    destinations: Sequence[Place],
) -> tuple[Orders, Atoms]:
    item_of = {sku: place for place, sku in enumerate(skus)}
    row_of = {place: row for row, place in enumerate(destinations)}
    first, atoms = [0], []
    for order in retailer.orders:
        left = ATOMS_MAX - len(order.lines)
        for place, line in enumerate(order.lines):
            item = item_of[line.sku]
            # Were all its divisible units atoms, an order could be too wide: these lines then stay.
            single = not line.keep_together and line.quantity - 1 <= left
            left -= line.quantity - 1 if single else 0
            for _ in range(line.quantity if single else 1):
                units = 1 if single else line.quantity
                penalty = costs.unfilled(units, int(items.grams[item]) * units)
                atoms.append((place, item, units, penalty))
        first.append(len(atoms))
    columns = [_column(list(column)) for column in zip(*atoms, strict=True)]
    orders = Orders(
        ids=tuple(order.order_id for order in retailer.orders),
        destination=_column(
            [
                row_of[_place(order.destination.latitude, order.destination.longitude)]
                for order in retailer.orders
            ]
        ),
        promise_days=_column([order.promise_days for order in retailer.orders]),
        first_atom=_column(first),
    )
    return orders, Atoms(*columns)


def _is_store(location: Location) -> bool:
    return location.type is LocationType.STORE


def _place(latitude: float | None, longitude: float | None) -> Place:
    if latitude is None or longitude is None:
        raise ValueError("a destination of the sample has no place")
    return Place.from_degrees(latitude, longitude)


def _column(numbers: Sequence[int]) -> Integers:
    return np.array(numbers, np.int64)
