"""Exact sourcing against trying every plan and the named baselines.

Network, stock and orders are drawn from the seed; prices are the declared ones, which are nobody's.
Every plan is checked by the independent verifier. Times are ratios within one run, so that they
mean the same on every machine.
"""

import itertools
import random
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ordermesh.routing.domain.baselines import BASELINES
from ordermesh.routing.domain.building import build_problem
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.plan import Plan, Solution, Status, assemble
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.rates import LocationKind, declared_costs, declared_handling
from ordermesh.routing.domain.sourcing import (
    SourcingLine,
    SourcingLocation,
    SourcingOrder,
    SourcingPolicy,
)
from ordermesh.routing.domain.verification import find_faults, verify
from ordermesh.routing.solver.solve import solve

CENTRES = 10
SKUS = 400
SMALL_ORDERS = 40
SMALL_LOCATIONS = 4

Solver = Callable[[Problem], Solution]

_LATITUDES, _LONGITUDES = (28.0, 47.0), (-120.0, -75.0)


@dataclass(frozen=True)
class Market:
    """A network with its stock: units by location id, then SKU."""

    locations: tuple[SourcingLocation, ...]
    stock: Mapping[str, Mapping[str, int]]


@dataclass
class Tally:
    """What one way of sourcing came to over all orders. ``cost`` is in 1e-4 of the currency."""

    cost: int = 0
    extra_parcels: int = 0
    unfilled_units: int = 0
    seconds: float = 0.0

    def add(self, plan: Plan, seconds: float) -> None:
        """Count one more order."""
        self.cost += plan.costs.total
        self.extra_parcels += max(0, plan.parcels - 1)
        self.unfilled_units += sum(line.quantity for line in plan.unfilled)
        self.seconds += seconds


def compare(orders: int, stores: int, seed: int) -> bool:
    """Run both comparisons and print them; gives whether nothing was cheaper than is possible."""
    draw = random.Random(seed)  # noqa: S311 - the seed makes it the same every time
    market = draw_market(draw, stores)
    solve(draw_problem(draw, market, lines_max=1, units_max=1))  # loads what is loaded once
    say(f"Exact sourcing: {CENTRES} centres, {stores} stores, seed {seed}.")
    is_right = compare_with_everything(draw, market, solve)
    return compare_with_baselines(draw, market, solve, orders) and is_right


def compare_with_everything(draw: random.Random, market: Market, solver: Solver) -> bool:
    """Small orders, solved and by trying every plan; gives whether none of these was cheaper."""
    exact, everything, equal = Tally(), Tally(), 0
    for _ in range(SMALL_ORDERS):
        some = Market(tuple(draw.sample(market.locations, SMALL_LOCATIONS)), market.stock)
        problem = draw_problem(draw, some, lines_max=3, units_max=2)
        solved = _count(exact, problem, lambda wanted: solver(wanted).plan)
        tried = _count(everything, problem, cheapest_of_all)
        equal += solved.costs.total == tried.costs.total
    say(
        f"\nTrying every plan of {SMALL_ORDERS} small orders: {equal} have the cost that was solved"
        f" for, in {everything.seconds / exact.seconds:.0f} times the time."
    )
    return equal == SMALL_ORDERS


def compare_with_baselines(
    draw: random.Random, market: Market, solver: Solver, orders: int
) -> bool:
    """Orders, solved and by the named baselines; gives whether no baseline was below the bound."""
    exact = Tally()
    baselines = {method: Tally() for method in BASELINES}
    proven, is_right = 0, True
    for _ in range(orders):
        problem = draw_problem(draw, market, lines_max=5, units_max=3)
        started = time.perf_counter()
        solution = solver(problem)
        exact.add(solution.plan, time.perf_counter() - started)
        verify(problem, solution.plan)
        proven += solution.certificate.status is Status.OPTIMAL
        bound = solution.certificate.bound
        for method, rule in BASELINES.items():
            plan = _count(baselines[method], problem, rule)
            is_right = is_right and (bound is None or bound <= plan.costs.total)
    say(f"\n{orders} orders, {proven} of them proven to be the cheapest. Exact is 1.\n")
    say(f"{'':22}{'cost':>8}{'time':>8}{'parcels beyond the first':>28}{'unfilled':>10}")
    rows: list[tuple[str, Tally]] = [("EXACT", exact), *baselines.items()]
    for name, tally in rows:
        say(
            f"{name.lower().replace('_', ' '):22}{tally.cost / exact.cost:>8.3f}"
            f"{tally.seconds / exact.seconds:>8.2f}{tally.extra_parcels / orders:>18.2f} per order"
            f"{tally.unfilled_units:>10}"
        )
    return is_right


def cheapest_of_all(problem: Problem) -> Plan:
    """The cheapest of all plans that the verifier lets pass, by trying every place for every atom.

    Its time grows with the power of the units: it is for a handful of locations and lines.
    """
    permitted = (plan for plan in _every_plan(problem) if not find_faults(problem, plan))
    return min(permitted, key=lambda plan: plan.costs.total)


def draw_market(draw: random.Random, stores: int) -> Market:
    """Centres that have most things, and stores that have few of some."""
    locations: list[SourcingLocation] = []
    stock: dict[str, dict[str, int]] = {}
    for number in range(CENTRES + stores):
        is_centre = number < CENTRES
        rates = declared_handling(LocationKind.DC if is_centre else LocationKind.STORE)
        location = SourcingLocation(
            location_id=f"{'DC' if is_centre else 'STORE'}-{number:03}",
            place=_place(draw),
            rank=number,
            pick_fee_per_parcel=rates.pick_fee_per_parcel,
            labor_per_unit=rates.labor_per_unit,
            handling_days=1,
        )
        locations.append(location)
        share, most = (0.6, 40) if is_centre else (0.2, 3)
        stock[location.location_id] = {
            f"SKU-{sku:03}": draw.randint(1, most) for sku in range(SKUS) if draw.random() < share
        }
    return Market(tuple(locations), stock)


def draw_problem(draw: random.Random, market: Market, *, lines_max: int, units_max: int) -> Problem:
    """An order of a few things, the popular ones more often, for somewhere in the country."""
    skus = {
        int(SKUS * draw.random() ** 2): draw.randint(1, units_max)
        for _ in range(draw.randint(1, lines_max))
    }
    lines = tuple(
        SourcingLine(
            line_id=str(number),
            sku=f"SKU-{sku:03}",
            quantity=quantity,
            weight_grams=200 + 37 * sku % 2_800,
            divisible=True,
        )
        for number, (sku, quantity) in enumerate(skus.items(), start=1)
    )
    order = SourcingOrder("bench", lines, _place(draw))
    policy = SourcingPolicy(costs=declared_costs(), promise_days=draw.choice([3, 5]))
    return build_problem(order, market.locations, policy, market.stock)


def _every_plan(problem: Problem) -> Iterator[Plan]:
    nowhere_or_somewhere = ("", *(candidate.location_id for candidate in problem.candidates))
    ways: Sequence[Sequence[tuple[str, ...]]] = [
        list(itertools.combinations_with_replacement(nowhere_or_somewhere, group.atoms))
        for group in problem.groups
    ]
    for chosen in itertools.product(*ways):
        assignment: dict[str, dict[int, int]] = {}
        for group, places in enumerate(chosen):
            for place in filter(None, places):
                atoms = assignment.setdefault(place, {})
                atoms[group] = atoms.get(group, 0) + 1
        yield assemble(problem, assignment)


def _count(tally: Tally, problem: Problem, rule: Callable[[Problem], Plan]) -> Plan:
    started = time.perf_counter()
    plan = rule(problem)
    tally.add(plan, time.perf_counter() - started)
    verify(problem, plan)
    return plan


def _place(draw: random.Random) -> Place:
    return Place.from_degrees(draw.uniform(*_LATITUDES), draw.uniform(*_LONGITUDES))


def say(line: str) -> None:
    """Print a line."""
    sys.stdout.write(line + "\n")
