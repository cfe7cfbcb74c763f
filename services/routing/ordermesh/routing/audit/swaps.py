"""The difference between what happened and a plan of the same units, in swaps that stand alone.

For each item the atoms that moved form arcs from the building that they left to the one that they
should have left. As many units go out of a building as come in, so the arcs fall into rings, the
shortest first: one order gets what another one got. Orders whose rings touch belong to one swap.
"""

from collections import defaultdict, deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ordermesh.routing.audit.cases import Case
from ordermesh.routing.domain.batch.instance import Integers


@dataclass(frozen=True)
class Swap:
    """Orders that exchange where their units come from, and what that saves; largest first."""

    orders: tuple[int, ...]
    saved: int


@dataclass
class _Arc:
    """Units of an order that left ``start`` and should have left ``end``."""

    order: int
    start: int
    end: int
    units: int


def swaps_of(case: Case, location: Integers, saved: Integers) -> list[Swap]:
    """The swaps that lead to this plan; ``saved`` is what each order saves."""
    batch, order_of = case.batch, case.batch.order_of_atom
    moved = np.flatnonzero(location != case.actual)
    by_item: dict[int, list[_Arc]] = defaultdict(list)
    for atom in moved.tolist():
        by_item[int(batch.atoms.item[atom])].append(
            _Arc(
                int(order_of[atom]),
                int(case.actual[atom]),
                int(location[atom]),
                int(batch.atoms.units[atom]),
            )
        )
    leader = {int(order): int(order) for order in order_of[moved].tolist()}
    for item in sorted(by_item):
        for ring in _rings(by_item[item]):
            for order in ring:
                leader[_lead(leader, order)] = _lead(leader, ring[0])
    groups: dict[int, list[int]] = defaultdict(list)
    for order in sorted(leader):
        groups[_lead(leader, order)].append(order)
    found = [Swap(tuple(orders), int(saved[orders].sum())) for orders in groups.values()]
    return sorted(found, key=lambda swap: (-swap.saved, swap.orders))


def _rings(arcs: Sequence[_Arc]) -> Iterator[tuple[int, ...]]:
    """The orders of each ring, those of two arcs first."""
    going: dict[int, list[_Arc]] = defaultdict(list)
    for arc in arcs:
        going[arc.start].append(arc)
    for most in (2, len(arcs)):
        for arc in arcs:
            while arc.units:
                ring = _shortest(arc, going, most)
                if ring is None:
                    break
                units = min(one.units for one in ring)
                for one in ring:
                    one.units -= units
                yield tuple(one.order for one in ring)
    if any(arc.units for arc in arcs):
        raise ArithmeticError("units of the plan left another building than before")


def _shortest(arc: _Arc, going: dict[int, list[_Arc]], most: int) -> list[_Arc] | None:
    """The shortest ring through an arc, of at most so many arcs."""
    came: dict[int, _Arc] = {}
    queue = deque([(arc.end, 1)])
    seen = {arc.end}
    while queue:
        place, length = queue.popleft()
        if place == arc.start:
            ring = [arc]
            while place != arc.end:
                ring.append(came[place])
                place = came[place].start
            return ring
        if length == most:
            continue
        for other in going[place]:
            if other.units and other.end not in seen:
                seen.add(other.end)
                came[other.end] = other
                queue.append((other.end, length + 1))
    return None


def _lead(leader: dict[int, int], order: int) -> int:
    while leader[order] != order:
        leader[order] = leader[leader[order]]
        order = leader[order]
    return order
