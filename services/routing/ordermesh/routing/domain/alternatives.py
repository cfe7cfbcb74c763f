"""Other plans than the best one: the next best, and all that have the fewest shipments."""

import heapq
import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from ordermesh.routing.domain.judging import tier_values
from ordermesh.routing.domain.plan import Plan, Solution
from ordermesh.routing.domain.problem import Candidate, Problem

Solve = Callable[[Problem], Solution]
"""Who finds plans."""


@dataclass(frozen=True, slots=True)
class FewestShipments:
    """Complete plans with the fewest shipments, the cheapest of each set of locations, by cost.

    ``examined`` sets were looked at. Where that were not all, ``is_complete`` is false and nothing
    is claimed beyond them.
    """

    plans: tuple[Plan, ...]
    examined: int
    is_complete: bool


def next_best(problem: Problem, solve: Solve, number: int) -> tuple[Plan, ...]:
    """The best plans of different locations, the optimum first, at most so many.

    What is better the problem's tiers say, and without tiers the cost.

    A plan counts only if it leaves out a location of every better one: the same plan with one more
    stop is no alternative. Each is the optimum of the problem without some locations, and every
    such set of locations is reached by leaving out one after the other.
    """
    found: dict[frozenset[str], Plan] = {}
    seen = {frozenset[str]()}
    order = itertools.count()
    first = solve(problem).plan
    waiting: list[_Waiting] = []
    _push(problem, waiting, next(order), frozenset(), first)
    while waiting and len(found) < number:
        _, _, without, plan = heapq.heappop(waiting)
        used = frozenset(shipment.location_id for shipment in plan.shipments)
        if not any(better <= used for better in found):
            found[used] = plan
        for location_id in sorted(used):
            left_out = without | {location_id}
            if left_out in seen:
                continue
            seen.add(left_out)
            rest = tuple(c for c in problem.candidates if c.location_id not in left_out)
            if rest:
                other = solve(replace(problem, candidates=rest)).plan
                _push(problem, waiting, next(order), left_out, other)
    return tuple(found.values())


_Waiting = tuple[tuple[int, ...], int, frozenset[str], Plan]


def _push(
    problem: Problem, waiting: list[_Waiting], place: int, without: frozenset[str], plan: Plan
) -> None:
    """Plans that ship something wait; ``place`` decides between equals."""
    if plan.shipments:
        heapq.heappush(waiting, (tier_values(problem, plan), place, without, plan))


def fewest_shipments(problem: Problem, solve: Solve, sets_max: int) -> FewestShipments:
    """Sets of one, two, three ... locations that fill everything, up to so many sets.

    The search ends with the first size that does. Without any such set there are no plans.
    """
    examined = 0
    most = min(problem.shipments_max or len(problem.candidates), len(problem.candidates))
    for size in range(1, most + 1):
        plans: list[Plan] = []
        for chosen in itertools.combinations(problem.candidates, size):
            if examined == sets_max:
                return FewestShipments(_by_cost(plans), examined, False)
            examined += 1
            if _could_fill(problem, chosen):
                alone = replace(problem, candidates=chosen, shipments_max=size, all_or_nothing=True)
                plan = solve(alone).plan
                if plan.shipments and plan.is_complete:
                    plans.append(plan)
        if plans:
            return FewestShipments(_by_cost(plans), examined, True)
    return FewestShipments((), examined, True)


def _could_fill(problem: Problem, chosen: Sequence[Candidate]) -> bool:
    """Whether the stock of these locations is enough, wherever it is taken from."""
    held: dict[str, int] = {}
    for candidate in chosen:
        for sku, units in candidate.available:
            held[sku] = held.get(sku, 0) + units
    return all(held.get(sku, 0) >= units for sku, units in problem.wanted.items())


def _by_cost(plans: list[Plan]) -> tuple[Plan, ...]:
    return tuple(sorted(plans, key=lambda plan: plan.costs.total))
