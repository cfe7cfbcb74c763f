"""Whether a plan is the cheapest although its bound lies below it: every cheaper one is looked for.

At the prices of the plan each order's plans have an excess over the order's least. What a plan of
the batch costs above the bound is the sum of its orders' excesses and of what the units that it
leaves unused are worth. So a cheaper plan is made of plans with little excess, and wastes little:
they are tried order by order, and a branch ends where stock or labor run out, or where excess and
the waste that can no longer be avoided are as much as the gap. All of it in Python's integers.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from ordermesh.routing.domain.batch.instance import Batch
from ordermesh.routing.domain.batch.recounting import (
    Lists,
    bound_of_lists,
    least_of,
    lists_of,
    parcels_from,
)

STEPS_MAX = 50_000
"""Plans of orders that are tried; a batch of which that is not all stays open."""

ORDERS_MAX = 400
"""A larger batch stays open too."""


class Exhaustion(StrEnum):
    """What trying everything has shown."""

    CHEAPEST = "CHEAPEST"
    CHEAPER_FOUND = "CHEAPER_FOUND"
    OPEN = "OPEN"


@dataclass(frozen=True)
class Way:
    """A plan of one order: its excess, and the units of each resource that it uses."""

    excess: int
    use: Mapping[int, int]


def exhaust(
    batch: Batch, cost: int, prices: Sequence[int], steps_max: int = STEPS_MAX
) -> Exhaustion:
    """Whether any plan of the batch costs less than this."""
    orders = range(len(batch.orders.ids))
    if len(orders) > ORDERS_MAX:
        return Exhaustion.OPEN
    lists = lists_of(batch)
    budget = cost - 1 - bound_of_lists(lists, prices)
    if budget < 0:
        return Exhaustion.CHEAPEST
    ways: list[list[Way]] = []
    for order in orders:
        found = []
        for way in ways_within(lists, order, prices, budget):
            found.append(way)
            if len(found) > steps_max:
                return Exhaustion.OPEN
        ways.append(sorted(found, key=lambda one: one.excess))
    ways.sort(key=len)
    return _Search(lists, prices, ways, steps_max).run(budget)


class _Search:
    """Tries the ways of the orders, depth first, the order with the fewest first."""

    def __init__(
        self, lists: Lists, prices: Sequence[int], ways: list[list[Way]], steps_max: int
    ) -> None:
        self._ways, self._prices, self._steps = ways, prices, steps_max
        self._left = [*lists.stock_units, *lists.capacity]
        self._most = [
            {r: max(way.use.get(r, 0) for way in own) for r in {r for way in own for r in way.use}}
            for own in ways
        ]
        self._hope = [0] * len(self._left)
        for most in self._most:
            for resource, units in most.items():
                self._hope[resource] += units

    def run(self, budget: int) -> Exhaustion:
        """Look for a plan whose excess and waste are within the budget."""
        budget -= sum(
            price * max(0, self._left[r] - self._hope[r])
            for r, price in enumerate(self._prices)
            if price
        )
        found = self._try(0, budget)
        if found is None:
            return Exhaustion.OPEN
        return Exhaustion.CHEAPER_FOUND if found else Exhaustion.CHEAPEST

    def _try(self, depth: int, budget: int) -> bool | None:
        """Whether the orders from here on have ways within the budget; None when out of steps."""
        if budget < 0:
            return False
        if depth == len(self._ways):
            return True
        for way in self._ways[depth]:
            if way.excess > budget:
                break
            if self._steps == 0:
                return None
            self._steps -= 1
            if any(self._left[r] < units for r, units in way.use.items()):
                continue
            found = self._try(depth + 1, budget - way.excess - self._take(depth, way))
            self._give_back(depth, way)
            if found or found is None:
                return found
        return False

    def _take(self, depth: int, way: Way) -> int:
        """Use the units; gives what more of waste cannot be avoided any longer."""
        more = 0
        for resource, most in self._most[depth].items():
            before = max(0, self._left[resource] - self._hope[resource])
            self._hope[resource] -= most
            self._left[resource] -= way.use.get(resource, 0)
            after = max(0, self._left[resource] - self._hope[resource])
            more += self._prices[resource] * (after - before)
        return more

    def _give_back(self, depth: int, way: Way) -> None:
        for resource, most in self._most[depth].items():
            self._hope[resource] += most
            self._left[resource] += way.use.get(resource, 0)


def ways_within(lists: Lists, order: int, prices: Sequence[int], most: int) -> Iterator[Way]:
    """Every plan of an order whose excess is at most so much."""
    first, last = lists.first[order], lists.first[order + 1]
    places = sorted(
        {p for a in range(first, last) for p in lists.rows_of_item.get(lists.item[a], ())}
    )
    parcels = [
        (place, members, paid)
        for place in places
        for members, paid in parcels_from(lists, order, place, prices)
    ]
    rest = _rest(lists, first, last, parcels)
    whole, charge = (1 << (last - first)) - 1, lists.costs.split_charge
    least = least_of(lists, order, prices)
    stack: list[tuple[int, int, tuple[tuple[int, int], ...]]] = [(whole, 0, ())]
    while stack:
        members, paid, taken = stack.pop()
        if paid + rest[members] - charge > least + most:
            continue
        if not members:
            excess = paid - (charge if taken else 0) - least
            if excess <= most:
                yield Way(excess, _use(lists, first, taken))
            continue
        low = members & -members
        penalty = lists.penalty[first + low.bit_length() - 1]
        stack.append((members ^ low, paid + penalty, taken))
        used = {place for place, _ in taken}
        for place, part, each in parcels:
            if part & low and part & members == part and place not in used:
                stack.append((members ^ part, paid + each, (*taken, (place, part))))


def _rest(
    lists: Lists, first: int, last: int, parcels: Sequence[tuple[int, int, int]]
) -> list[int]:
    """The least that disposing of each set of atoms pays, every parcel with its split charge."""
    found = [0] * (1 << (last - first))
    for members in range(1, len(found)):
        low = members & -members
        least = found[members ^ low] + lists.penalty[first + low.bit_length() - 1]
        for _, part, paid in parcels:
            if part & low and part & members == part:
                least = min(least, paid + found[members ^ part])
        found[members] = least
    return found


def _use(lists: Lists, first: int, taken: Sequence[tuple[int, int]]) -> dict[int, int]:
    """The units of each resource that some parcels use: rows of stock, then labor."""
    found: dict[int, int] = {}
    for place, members in taken:
        for bit in range(members.bit_length()):
            if members >> bit & 1:
                atom = first + bit
                units = lists.units[atom]
                labor = len(lists.stock_units) + place
                for resource in (lists.rows_of_item[lists.item[atom]][place], labor):
                    found[resource] = found.get(resource, 0) + units
    return found
