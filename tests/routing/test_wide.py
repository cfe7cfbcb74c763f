"""Orders beyond the exact budget: a plan in bounded time, with a bound that holds."""

import random
import time
from dataclasses import replace

import pytest

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.baselines import BASELINES
from ordermesh.routing.domain.judging import tier_values
from ordermesh.routing.domain.plan import Method, Shortage, Status
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.rates import CostModel, declared_costs
from ordermesh.routing.domain.scale import scale_of
from ordermesh.routing.domain.verification import verify
from ordermesh.routing.solver.prices import find_prices
from ordermesh.routing.solver.programme import Programme
from ordermesh.routing.solver.reference import solve_exactly
from ordermesh.routing.solver.solve import solve
from ordermesh.routing.solver.tables import tables_of
from ordermesh.routing.solver.wide import solve_wide
from tests.routing.rich import TIERS, best_tiers, rich_problem
from tests.routing.sourcing import FREE, line, location, problem, random_problem


def wide_problem(
    seed: int,
    lines: int,
    locations: int,
    *,
    density: float = 0.25,
    costs: CostModel | None = None,
    all_or_nothing: bool = False,
) -> Problem:
    """Lines of one to three units over a country; a location has so large a share of the SKUs."""
    draw = random.Random(seed)
    rates = costs or declared_costs()
    candidates = []
    for place in range(locations):
        km = draw.randint(10, 4_400)
        zone = rates.zone_at(km)
        assert zone is not None
        held = {f"S{n}": draw.randint(1, 4) for n in range(lines) if draw.random() < density}
        near = location("A", held, km=km, zone=zone.zone, transit_days=zone.transit_days)
        candidates.append(
            replace(
                near,
                location_id=f"L{place:03}",
                rank=place,
                pick_fee_per_parcel=Money(14_000),
                labor_per_unit=Money(4_500),
            )
        )
    groups = [
        line(f"{n:03}", f"S{n}", draw.choice([1, 1, 2, 3]), grams=draw.randint(50, 6_000))
        for n in range(lines)
    ]
    return problem(groups, candidates, rates, promise_days=3, all_or_nothing=all_or_nothing)


@pytest.mark.parametrize("seed", range(60))
def test_the_programme_agrees_with_the_recurrence(seed: int) -> None:
    wanted = random_problem(seed)
    exact = solve(wanted)
    assert exact.certificate.method is Method.EXACT_DP

    plan, status, bound = solve_wide(wanted, scale_of(wanted))

    verify(wanted, plan)
    if exact.certificate.status is Status.INFEASIBLE:
        assert (status, bound) == (Status.INFEASIBLE, None)
        return
    assert bound is not None
    assert bound <= exact.certificate.objective <= plan.costs.total
    if wanted.costs.parcel_limit_grams is None:
        assert status is Status.OPTIMAL
    if status is Status.OPTIMAL:
        assert plan.costs.total == exact.certificate.objective


@pytest.mark.parametrize("seed", range(40))
def test_the_bound_of_the_programme_holds_where_leaving_units_pays(seed: int) -> None:
    wanted = random_problem(seed, tame=False)
    exact = solve(wanted).certificate

    plan, _, bound = solve_wide(wanted, scale_of(wanted))

    verify(wanted, plan)
    if bound is not None and exact.status is Status.OPTIMAL:
        assert bound <= exact.objective <= plan.costs.total


def full_parcels(seed: int) -> Problem:
    """Units of which two, three or four fill a parcel to the gram."""
    drawn = random_problem(seed)
    groups = tuple(
        replace(g, parts=tuple(replace(p, weight_grams=12_000 // (2 + n % 3)) for p in g.parts))
        for n, g in enumerate(drawn.groups)
    )
    costs = replace(drawn.costs, parcel_limit_grams=12_000)
    return replace(drawn, groups=groups, costs=costs)


@pytest.mark.parametrize("seed", range(80))
def test_prices_bound_the_optimum_under_every_share_of_the_weight_limit(seed: int) -> None:
    wanted = full_parcels(seed)
    exact = solve_exactly(wanted, scale_of(wanted))
    assert exact is not None
    if exact.assignment is None:
        return

    found = find_prices(wanted, tables_of(wanted, scale_of(wanted)), 2 * exact.value)

    # Prices charge the split for the first parcel too.
    assert all(each.bound <= exact.value + wanted.costs.split_charge for each in found)
    assert len(found) == 3


@pytest.mark.parametrize("seed", [2, 10, 14])
def test_of_many_lines_in_one_shipment_none_is_better_than_what_is_called_best(seed: int) -> None:
    for tiers in (one for one in TIERS if len(one) > 1):
        wanted = wide_problem(seed, 5, 3, density=0.8)
        lines = [line(f"{n:03}", f"S{n % 5}", 1 + n % 6, grams=600) for n in range(14)]
        wanted = replace(wanted, groups=tuple(lines), shipments_max=1, tiers=tiers)

        solution = solve(wanted)

        if solution.certificate.status is not Status.OPTIMAL:
            continue
        for candidate in wanted.candidates:
            alone = solve(replace(wanted, candidates=(candidate,))).plan
            assert tier_values(wanted, solution.plan) <= tier_values(wanted, alone), tiers


def test_prices_that_run_away_while_they_climb_prove_nothing() -> None:
    wanted = rich_problem(1110)
    scale = scale_of(wanted)
    exact = solve_exactly(wanted, scale)
    assert exact is not None

    plan, status, _ = solve_wide(wanted, scale)

    for prices in find_prices(wanted, tables_of(wanted, scale), 7_951_443_043):
        assert prices.bound <= exact.value
    assert status is not Status.OPTIMAL or tier_values(wanted, plan) == best_tiers(wanted)


def test_the_programme_counts_the_parcels_that_a_shipment_fills() -> None:
    costs = replace(FREE, parcel_limit_grams=3_000)
    wanted = problem(
        [line("1", "MUG", 4, grams=1_500)], [location("A", pick_fee="5", MUG=4)], costs
    )
    tables = tables_of(wanted, scale_of(wanted))

    bound = Programme(wanted, tables, tables.holds > 0).run(1.0, 10.0)

    assert bound == from_decimal("10")


@pytest.mark.parametrize("limit", [None, 12_000])
def test_a_wide_order_gets_a_plan_with_a_bound_no_worse_than_any_baseline(
    limit: int | None,
) -> None:
    wanted = wide_problem(1, 30, 40, costs=declared_costs(parcel_limit_grams=limit))

    solution = solve(wanted)

    verify(wanted, solution.plan)
    certificate = solution.certificate
    assert certificate.method is Method.CP_SAT
    assert certificate.status in (Status.OPTIMAL, Status.FEASIBLE)
    assert certificate.bound is not None
    assert 0 < certificate.bound <= certificate.objective
    for baseline in BASELINES.values():
        assert certificate.objective <= baseline(wanted).costs.total


def test_five_hundred_lines_are_answered_in_bounded_time() -> None:
    wanted = wide_problem(2, 500, 210)
    start = time.monotonic()

    solution = solve(wanted)

    assert time.monotonic() - start < 60
    verify(wanted, solution.plan)
    gap = solution.certificate.gap
    assert gap is not None
    assert gap < 0.25


def test_the_same_wide_order_gets_the_same_plan() -> None:
    wanted = wide_problem(3, 20, 30)

    assert solve(wanted) == solve(wanted)


def test_a_line_of_a_million_units_is_answered() -> None:
    held = [location(name, MUG=400_000) for name in "ABC"]
    costs = replace(FREE, unfilled_per_unit=Money(60_000), split_charge=Money(20_000))
    wanted = problem([line("1", "MUG", 1_000_000)], held, costs)

    solution = solve(wanted)

    verify(wanted, solution.plan)
    assert solution.plan.is_complete
    assert solution.certificate.status is Status.OPTIMAL


def test_a_wide_order_that_cannot_be_filled_whole_is_infeasible_with_its_reason() -> None:
    wanted = wide_problem(4, 40, 30, all_or_nothing=True)
    missing = wanted.groups[7].parts[0].sku
    without = tuple(
        replace(c, available=tuple(pair for pair in c.available if pair[0] != missing))
        for c in wanted.candidates
    )

    solution = solve(replace(wanted, candidates=without))

    assert solution.certificate.status is Status.INFEASIBLE
    assert solution.plan.shipments == ()
    assert Shortage.INSUFFICIENT_STOCK in {each.reason for each in solution.shortfalls}
    assert missing in {each.sku for each in solution.shortfalls}


def test_a_wide_order_keeps_its_limit_of_shipments() -> None:
    wanted = replace(wide_problem(5, 30, 20, density=0.6), shipments_max=3)

    solution = solve(wanted)

    verify(wanted, solution.plan)
    assert len(solution.plan.shipments) <= 3


def test_wide_orders_of_kits_and_shared_skus_are_within_stock() -> None:
    drawn = wide_problem(6, 24, 20, density=0.5)
    groups = tuple(
        replace(g, parts=(replace(g.parts[0], sku=f"S{n // 2}"),))
        for n, g in enumerate(drawn.groups)
    )
    wanted = replace(drawn, groups=groups)

    solution = solve(wanted)

    verify(wanted, solution.plan)
    assert solution.certificate.bound is not None
    assert solution.certificate.bound <= solution.certificate.objective
