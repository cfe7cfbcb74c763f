"""What plans of a batch cost, counted once more in Python's own integers.

Nothing here is shared with a solver: every term comes from the rates, every set of atoms is looked
at. The verifier stands on it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ordermesh.routing.domain.batch.instance import Batch
from ordermesh.routing.domain.batch.plan import LEFT
from ordermesh.routing.domain.geography import band
from ordermesh.routing.domain.rates import CostModel
from ordermesh.routing.domain.rounding import divide_half_even


@dataclass(frozen=True)
class Lists:
    """The instance as plain lists."""

    costs: CostModel
    kilometres: list[list[int]]
    destination: list[int]
    promise: list[int]
    first: list[int]
    item: list[int]
    units: list[int]
    penalty: list[int]
    grams: list[int]
    pick_fee: list[int]
    labor: list[int]
    handling: list[int]
    capacity: list[int]
    stock_units: list[int]
    credit: list[int]
    days_max: list[int]
    edges: list[int]
    steps: list[list[int]]
    rows_of_item: Mapping[int, Mapping[int, int]]
    """By item, then location: the row of stock."""


def bound_of(batch: Batch, prices: Sequence[int]) -> int:
    """What these prices prove: no plan costs less. Raises ``ValueError`` for a negative price."""
    if len(prices) != len(batch.capacities):
        raise ValueError("there is one price for each resource")
    if any(price < 0 for price in prices):
        raise ValueError("a price is negative")
    return bound_of_lists(lists_of(batch), prices)


def bound_of_lists(lists: Lists, prices: Sequence[int]) -> int:
    """The same of an instance that is there as lists; prices are as they must be."""
    capacities = [*lists.stock_units, *lists.capacity]
    paid = sum(
        price * capacity for price, capacity in zip(prices, capacities, strict=True) if price
    )
    return sum(least_of(lists, order, prices) for order in range(len(lists.destination))) - paid


def cost_of_order(lists: Lists, order: int, location: Sequence[int]) -> int | None:
    """What the order costs; None where something goes nowhere."""
    total = 0
    parcels: dict[int, int] = {}
    for atom in range(lists.first[order], lists.first[order + 1]):
        place = location[atom]
        if place == LEFT:
            total += lists.penalty[atom]
            continue
        each = _atom_cost(lists, order, atom, place)
        if each is None:
            return None
        total += each
        grams = lists.grams[lists.item[atom]] * lists.units[atom]
        parcels[place] = parcels.get(place, 0) + grams
    for place, grams in parcels.items():
        by_weight = _bracket_cost(lists, order, place, grams)
        if by_weight is None:
            return None
        total += _parcel_cost(lists, order, place) + by_weight
    return total + lists.costs.split_charge * max(0, len(parcels) - 1)


def _kilometres(lists: Lists, order: int, place: int) -> int:
    return lists.kilometres[lists.destination[order]][place]


def _parcel_cost(lists: Lists, order: int, place: int) -> int:
    """A parcel from here, beside the split charge."""
    costs, distance = lists.costs, _kilometres(lists, order, place)
    zone = costs.zone_at(distance)
    if zone is None:
        raise ArithmeticError("a parcel was priced that nobody delivers")
    carbon = costs.carbon
    emitted = carbon.parcel_micrograms + carbon.parcel_micrograms_per_km * distance
    by_carbon = divide_half_even(emitted * carbon.price_per_kg, 1_000_000_000)
    return zone.freight_per_parcel + lists.pick_fee[place] + by_carbon


def _bracket_cost(lists: Lists, order: int, place: int, grams: int) -> int | None:
    """What a parcel of this weight costs by its bracket; None if it is too heavy."""
    if not lists.edges:
        return 0
    zone = band(_kilometres(lists, order, place), lists.costs.edges)
    for edge, price in zip(lists.edges, lists.steps[zone], strict=True):
        if grams <= edge:
            return price
    return None


def _atom_cost(lists: Lists, order: int, atom: int, place: int) -> int | None:
    """What the atom adds to a parcel from here; None beyond the last zone, and too late."""
    costs, distance = lists.costs, _kilometres(lists, order, place)
    zone = costs.zone_at(distance)
    if zone is None:
        return None
    units, item = lists.units[atom], lists.item[atom]
    grams = lists.grams[item] * units
    emitted = costs.carbon.micrograms_per_gram_km * grams * distance
    promise, arrives = lists.promise[order], zone.transit_days + lists.handling[place]
    if 0 <= lists.days_max[atom] < arrives:
        return None
    late = max(0, arrives - promise) if promise >= 0 else 0
    row = lists.rows_of_item[item][place]
    return (
        divide_half_even(grams * zone.freight_per_kg, 1_000)
        + divide_half_even(emitted * costs.carbon.price_per_kg, 1_000_000_000)
        + (lists.labor[place] - lists.credit[row]) * units
        + costs.transit_day * zone.transit_days
        + costs.late_day * late
    )


def least_of(lists: Lists, order: int, prices: Sequence[int]) -> int:
    """The least that any plan of the order pays, for its parcels, its units and what it leaves."""
    atoms = range(lists.first[order], lists.first[order + 1])
    cheapest: dict[int, int] = {}
    """By set of atoms, a bit each: the least of one parcel that holds just these."""
    places = sorted({p for atom in atoms for p in lists.rows_of_item.get(lists.item[atom], ())})
    for place in places:
        for members, paid in parcels_from(lists, order, place, prices):
            if paid < cheapest.get(members, paid + 1):
                cheapest[members] = paid
    whole = (1 << len(atoms)) - 1
    left = [
        sum(lists.penalty[a] for n, a in enumerate(atoms) if s >> n & 1) for s in range(whole + 1)
    ]
    sent: dict[int, int] = {0: 0}
    for members in range(1, whole + 1):
        low = members & -members
        ways = [
            paid + sent[members ^ part]
            for part, paid in cheapest.items()
            if part & low and part & members == part and members ^ part in sent
        ]
        if ways:
            sent[members] = min(ways)
    charge = lists.costs.split_charge
    return min(
        paid + left[whole ^ members] - (charge if members else 0) for members, paid in sent.items()
    )


def parcels_from(
    lists: Lists, order: int, place: int, prices: Sequence[int]
) -> Iterator[tuple[int, int]]:
    """Every parcel that the location could send, as a set of atoms, and what it pays."""
    if lists.costs.zone_at(_kilometres(lists, order, place)) is None:
        return
    first = lists.first[order]
    wage = prices[len(lists.stock_units) + place]
    parcel = _parcel_cost(lists, order, place) + lists.costs.split_charge
    known: list[tuple[int, int, dict[int, int]]] = [(0, parcel, {})]
    weights = [0]
    for atom in range(first, lists.first[order + 1]):
        row = lists.rows_of_item.get(lists.item[atom], {}).get(place)
        each = None if row is None else _atom_cost(lists, order, atom, place)
        if row is None or each is None:
            continue
        units = lists.units[atom]
        each += units * (wage + prices[row])
        for (members, paid, used), weight in list(zip(known, weights, strict=True)):
            after = {**used, row: used.get(row, 0) + units}
            if (
                after[row] <= lists.stock_units[row]
                and sum(after.values()) <= lists.capacity[place]
            ):
                known.append((members | 1 << (atom - first), paid + each, after))
                weights.append(weight + lists.grams[lists.item[atom]] * units)
    for (members, paid, _), weight in zip(known[1:], weights[1:], strict=True):
        by_weight = _bracket_cost(lists, order, place, weight)
        if by_weight is not None:
            yield members, paid + by_weight


def lists_of(batch: Batch) -> Lists:
    """The instance as plain lists."""
    rows: dict[int, dict[int, int]] = {}
    keys = zip(batch.stock.item.tolist(), batch.stock.location.tolist(), strict=True)
    for row, (item, place) in enumerate(keys):
        rows.setdefault(item, {})[place] = row
    return Lists(
        costs=batch.costs,
        kilometres=batch.distance_km.tolist(),
        destination=batch.orders.destination.tolist(),
        promise=batch.orders.promise_days.tolist(),
        first=batch.orders.first_atom.tolist(),
        item=batch.atoms.item.tolist(),
        units=batch.atoms.units.tolist(),
        penalty=batch.atoms.penalty.tolist(),
        grams=batch.items.grams.tolist(),
        pick_fee=batch.locations.pick_fee.tolist(),
        labor=batch.locations.labor_per_unit.tolist(),
        handling=batch.locations.handling_days.tolist(),
        capacity=batch.locations.capacity.tolist(),
        days_max=(
            [-1] * len(batch.atoms.item)
            if batch.atoms.days_max is None
            else batch.atoms.days_max.tolist()
        ),
        edges=[] if batch.brackets is None else batch.brackets.up_to_grams.tolist(),
        steps=[] if batch.brackets is None else batch.brackets.price.tolist(),
        stock_units=batch.stock.units.tolist(),
        credit=batch.stock.credit.tolist(),
        rows_of_item=rows,
    )
