"""What a unit more of stock, or of work that a location can do, is worth to the open orders.

The solver's multipliers say it: so much less would the orders cost, about, with one unit more. They
are of the orders that are open now, and know of none that will come.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.batch.instance import Batch, Integers

MOST = 100
"""So many of each are told, the dearest first."""


@dataclass(frozen=True, slots=True)
class StockWorth:
    """What one unit more of an item at a location would save."""

    sku: str
    location_id: str
    worth: Money


@dataclass(frozen=True, slots=True)
class LaborWorth:
    """What it would save if a location could send one unit more now."""

    location_id: str
    worth: Money


@dataclass(frozen=True, slots=True)
class Transfer:
    """Units that are free where they are worth nothing, and where they would be worth something.

    ``value`` is that of the first unit there, before what it costs to bring it.
    """

    sku: str
    from_location_id: str
    to_location_id: str
    free_units: int
    value: Money


@dataclass(frozen=True)
class Worths:
    """All of it, the dearest first."""

    stock: tuple[StockWorth, ...] = ()
    labor: tuple[LaborWorth, ...] = ()
    transfers: tuple[Transfer, ...] = ()


NOTHING = Worths()


def worths_of(batch: Batch, prices: Integers, left: Integers) -> Worths:
    """What the multipliers say; ``left`` is what a plan leaves of each resource."""
    rows = len(batch.stock.units)
    names, skus = batch.locations.ids, batch.items.skus
    item, place = batch.stock.item.tolist(), batch.stock.location.tolist()
    stock = sorted(
        (
            StockWorth(skus[item[row]], names[place[row]], Money(price))
            for row, price in enumerate(prices[:rows].tolist())
            if price > 0
        ),
        key=lambda one: (-one.worth, one.sku, one.location_id),
    )
    labor = sorted(
        (
            LaborWorth(name, Money(price))
            for name, price in zip(names, prices[rows:].tolist(), strict=True)
            if price > 0
        ),
        key=lambda one: (-one.worth, one.location_id),
    )
    return Worths(
        tuple(stock[:MOST]), tuple(labor[:MOST]), _transfers(batch, stock[:MOST], prices, left)
    )


def _transfers(
    batch: Batch, wanted: Sequence[StockWorth], prices: Integers, left: Integers
) -> tuple[Transfer, ...]:
    """For each unit that is worth something, where most of the item lies that is worth nothing."""
    rows = len(batch.stock.units)
    free: dict[str, tuple[int, str]] = {}
    for row, units in enumerate(left[:rows].tolist()):
        if units <= 0 or prices[row] > 0:
            continue
        sku = batch.items.skus[int(batch.stock.item[row])]
        name = batch.locations.ids[int(batch.stock.location[row])]
        known = free.get(sku)
        if known is None or (units, known[1]) > (known[0], name):
            free[sku] = (units, name)
    found = []
    for one in wanted:
        if one.sku in free and free[one.sku][1] != one.location_id:
            units, name = free[one.sku]
            found.append(Transfer(one.sku, name, one.location_id, units, one.worth))
    return tuple(found)


def left_of(batch: Batch, location: Integers) -> Integers:
    """What a plan, the location of each atom, leaves of each resource."""
    left = batch.capacities.copy()
    rows = len(batch.stock.units)
    row_of = {
        (item, place): row
        for row, (item, place) in enumerate(
            zip(batch.stock.item.tolist(), batch.stock.location.tolist(), strict=True)
        )
    }
    for atom, place in enumerate(location.tolist()):
        if place >= 0:
            units = int(batch.atoms.units[atom])
            left[row_of[int(batch.atoms.item[atom]), place]] -= units
            left[rows + place] -= units
    return left
