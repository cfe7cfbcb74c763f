"""The exact recurrence against an oracle that tries every plan, and its own promises."""

import random
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.plan import Method, Shortage, Status
from ordermesh.routing.domain.problem import Group, Part, Problem
from ordermesh.routing.domain.rates import declared_costs
from ordermesh.routing.domain.scale import scale_of
from ordermesh.routing.domain.verification import verify
from ordermesh.routing.solver.lattice import lattice_of, pairs_of
from ordermesh.routing.solver.reference import solve_exactly
from ordermesh.routing.solver.solve import solve
from ordermesh.routing.solver.tables import tables_of
from tests.routing.sourcing import (
    FREE,
    cheapest,
    every_plan,
    line,
    location,
    problem,
    random_problem,
    units_by_location,
)


def agrees_with_the_oracle(wanted: Problem) -> None:
    solution = solve(wanted)
    verify(wanted, solution.plan)
    certificate, best = solution.certificate, cheapest(wanted)
    assert certificate.method is Method.EXACT_DP
    if certificate.status is Status.INFEASIBLE:
        assert best is None or not best.shipments
        return
    assert best is not None
    assert certificate.bound is not None
    assert certificate.bound <= best.costs.total <= certificate.objective
    if certificate.status is Status.OPTIMAL:
        assert certificate.objective == best.costs.total
        assert len(solution.plan.shipments) <= len(best.shipments)


@pytest.mark.parametrize("seed", range(250))
def test_no_plan_is_cheaper_than_the_exact_one(seed: int) -> None:
    wanted = random_problem(seed)

    agrees_with_the_oracle(wanted)
    assert solve(wanted).certificate.status is not Status.FEASIBLE


@pytest.mark.parametrize("seed", range(100))
def test_the_bound_holds_even_where_leaving_units_pays(seed: int) -> None:
    agrees_with_the_oracle(random_problem(seed, tame=False))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(10_000, 10_000_000), units=st.integers(1, 4), lines=st.integers(1, 3))
def test_no_plan_is_cheaper_than_the_exact_one_however_drawn(
    seed: int, units: int, lines: int
) -> None:
    agrees_with_the_oracle(random_problem(seed, units=units, lines=lines, locations=3))


@pytest.mark.parametrize("seed", range(60))
def test_a_location_loses_by_no_more_than_the_cheapest_plan_that_uses_it(seed: int) -> None:
    wanted = random_problem(seed, lines=3)
    solution = solve(wanted)
    if solution.certificate.status is Status.INFEASIBLE:
        return
    plans = [p for p in every_plan(wanted) if p.is_complete or not wanted.all_or_nothing]

    for loses_by in solution.certificate.loses_by:
        using = [p for p in plans if loses_by.location_id in units_by_location(p)]
        if loses_by.amount is None:
            assert using == []
        elif using:
            dearer = min(p.costs.total for p in using) - solution.plan.costs.total
            assert loses_by.amount <= dearer
        if loses_by.location_id in units_by_location(solution.plan):
            assert loses_by.amount == 0


def test_loses_by_is_what_the_location_would_have_to_come_down() -> None:
    held = [location("A", pick_fee="5.00", MUG=1), location("B", pick_fee="7.50", MUG=1)]

    certificate = solve(problem([line("1", "MUG")], held)).certificate

    assert [each.amount for each in certificate.loses_by] == [0, from_decimal("2.50")]


def test_with_a_limit_of_shipments_a_location_loses_by_what_it_would_leave() -> None:
    held = [location("A", X=1, Y=1), location("B", X=1)]
    wanted = problem([line("1", "X"), line("2", "Y")], held, shipments_max=1)

    certificate = solve(wanted).certificate

    assert [each.amount for each in certificate.loses_by] == [0, FREE.unfilled_per_unit]


def test_the_last_unit_is_not_promised_to_two_lines_of_the_same_sku() -> None:
    held = [location("A", MUG=1), location("B", pick_fee="9.00", MUG=1)]

    solution = solve(problem([line("1", "MUG"), line("2", "MUG")], held))

    assert units_by_location(solution.plan) == {"A": {"MUG": 1}, "B": {"MUG": 1}}
    assert solution.certificate.status is Status.OPTIMAL


def test_the_last_unit_of_all_leaves_one_of_two_lines_unfilled() -> None:
    solution = solve(problem([line("1", "MUG"), line("2", "MUG")], [location("A", MUG=1)]))

    assert units_by_location(solution.plan) == {"A": {"MUG": 1}}
    (shortfall,) = solution.shortfalls
    assert (shortfall.reason, shortfall.wanted, shortfall.available, shortfall.unfilled) == (
        Shortage.INSUFFICIENT_STOCK,
        2,
        1,
        1,
    )


def test_a_cheap_location_is_not_used_twice_beyond_its_capacity() -> None:
    held = [location("A", capacity=1, X=1, Y=1), location("B", pick_fee="9.00", X=1, Y=1)]

    plan = solve(problem([line("1", "X"), line("2", "Y")], held)).plan

    assert plan.is_complete
    assert len(plan.shipments) == 1
    assert set(units_by_location(plan)) == {"B"}


def test_many_units_spread_over_many_small_stores_are_solved_exactly() -> None:
    draw = random.Random(7)
    held = [
        replace(
            location(f"{chr(65 + n)}", MUG=draw.randint(1, 3), CUP=draw.randint(0, 2)),
            pick_fee_per_parcel=Money(draw.randint(10_000, 90_000)),
        )
        for n in range(24)
    ]
    wanted = problem([line("1", "MUG", 20), line("2", "CUP", 4)], held)

    solution = solve(wanted)

    verify(wanted, solution.plan)
    assert solution.certificate.method is Method.EXACT_DP
    assert solution.certificate.status is Status.OPTIMAL


def test_components_of_one_kit_leave_together() -> None:
    kit = Group("1", (Part("CUP", 1, 100), Part("SAUCER", 1, 100)), 1)
    held = [
        location("A", CUP=1),
        location("B", SAUCER=1),
        location("C", pick_fee="9", CUP=1, SAUCER=1),
    ]

    plan = solve(problem([kit], held)).plan

    assert units_by_location(plan) == {"C": {"CUP": 1, "SAUCER": 1}}


def test_two_kits_do_not_share_the_last_component() -> None:
    kits = [Group(str(n), (Part("CUP", 1, 100), Part(f"TAG-{n}", 1, 1)), 1) for n in (1, 2)]
    held = [location("A", {"TAG-1": 1, "TAG-2": 1}, CUP=1)]

    solution = solve(problem(kits, held))

    assert units_by_location(solution.plan)["A"]["CUP"] == 1
    assert {each.sku for each in solution.shortfalls if each.wanted > each.available} == {"CUP"}


def test_the_same_problem_gives_the_same_plan_in_whatever_order_it_was_written() -> None:
    lines = [line(str(n), f"SKU-{n}", 2) for n in range(4)]
    held = [location(c, {f"SKU-{n}": 2 for n in range(4)}) for c in "ABCDE"]

    plans = {
        solve(
            problem(random.Random(seed).sample(lines, 4), random.Random(seed).sample(held, 5))
        ).plan
        for seed in range(10)
    }

    assert len(plans) == 1


def test_ties_go_to_fewer_shipments_then_to_the_first_in_rank() -> None:
    held = [
        location("A", X=1),
        location("B", Y=1),
        location("C", X=1, Y=1),
        location("D", X=1, Y=1),
    ]

    plan = solve(problem([line("1", "X"), line("2", "Y")], held)).plan

    assert set(units_by_location(plan)) == {"C"}


def test_a_split_pays_exactly_when_it_saves_more_than_its_charge() -> None:
    lines = [line("1", "X"), line("2", "Y")]
    held = [location("A", pick_fee="1", X=1), location("B", pick_fee="1", Y=1)]
    held.append(location("C", pick_fee="5", X=1, Y=1))

    def used(charge: str) -> set[str]:
        costs = replace(FREE, split_charge=from_decimal(charge))
        return set(units_by_location(solve(problem(lines, held, costs)).plan))

    assert used("2.9999") == {"A", "B"}
    assert used("3.0001") == {"C"}


def test_a_limit_of_shipments_is_named_when_it_leaves_units() -> None:
    held = [location("A", X=1), location("B", Y=1)]

    solution = solve(problem([line("1", "X"), line("2", "Y")], held, shipments_max=1))

    assert [each.reason for each in solution.shortfalls] == [Shortage.SHIPMENTS_MAX]


def test_capacity_is_named_when_it_leaves_units() -> None:
    solution = solve(problem([line("1", "X", 3)], [location("A", capacity=2, X=3)]))

    assert [(each.reason, each.unfilled) for each in solution.shortfalls] == [
        (Shortage.NO_CAPACITY, 1)
    ]


def test_a_line_that_stays_together_is_named_when_no_location_has_all_of_it() -> None:
    wanted = problem([line("1", "X", 5, whole=True)], [location("A", X=3), location("B", X=3)])

    solution = solve(wanted)

    assert [each.reason for each in solution.shortfalls] == [Shortage.NOT_TOGETHER]
    assert solution.certificate.status is Status.INFEASIBLE


def test_lines_without_any_location_are_infeasible_not_an_error() -> None:
    solution = solve(problem([line("1", "X")], []))

    assert solution.certificate.status is Status.INFEASIBLE
    assert [each.reason for each in solution.shortfalls] == [Shortage.NO_LOCATION]


def test_all_or_nothing_names_only_what_is_missing() -> None:
    wanted = problem([line("1", "X"), line("2", "Y")], [location("A", X=1)], all_or_nothing=True)

    solution = solve(wanted)

    assert solution.plan.shipments == ()
    assert [each.sku for each in solution.shortfalls] == ["Y"]


def test_prices_that_could_overflow_are_refused() -> None:
    costs = replace(FREE, unfilled_per_unit=Money(2**49))

    with pytest.raises(FieldViolation):
        solve(problem([line("1", "X", 3)], [location("A", X=3)], costs))


def test_large_prices_drop_the_ties_by_rank_but_not_the_optimum() -> None:
    costs = replace(FREE, unfilled_per_unit=Money(2**43))
    held = [location("A", X=60), location("B", X=40)]

    solution = solve(problem([line("1", "X", 60)], held, costs))

    assert units_by_location(solution.plan) == {"A": {"X": 60}}


def test_tables_charge_what_the_cost_terms_charge() -> None:
    for seed in range(20):
        wanted = random_problem(seed)
        exact = solve_exactly(wanted, scale_of(wanted))
        if exact is not None and exact.assignment is not None:
            assert solve(wanted).plan.costs.total == exact.value
        assert tables_of(wanted, scale_of(wanted)).parcel.dtype.name == "int64"


@pytest.mark.parametrize("shape", [(2,), (2, 2, 2), (4, 2), (3, 3, 2)])
def test_a_lattice_lists_every_part_of_every_state_once(shape: tuple[int, ...]) -> None:
    lattice = lattice_of(shape)
    counts = lattice.counts

    offsets, parts, rests = lattice.all_pairs
    wholes = parts + rests

    assert len(parts) == pairs_of(shape)
    assert len({*zip(wholes.tolist(), parts.tolist(), strict=True)}) == len(parts)
    assert (counts[parts] + counts[rests] == counts[wholes]).all()
    assert offsets[0] == 0


def test_six_lines_over_many_locations_fit_the_exact_budget() -> None:
    costs = declared_costs()
    lines = [line(str(n), f"SKU-{n}") for n in range(6)]
    held = [
        replace(
            location(
                "A", {f"SKU-{n % 6}": 1, f"SKU-{(n * 5 + 1) % 6}": 2}, km=10 * n, zone=2 + n % 7
            ),
            location_id=f"L-{n:03}",
            rank=n,
        )
        for n in range(210)
    ]

    certificate = solve(problem(lines, held, costs, promise_days=3)).certificate

    assert (certificate.method, certificate.status) == (Method.EXACT_DP, Status.OPTIMAL)
    assert certificate.gap == 0
