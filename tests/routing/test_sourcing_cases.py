"""Acceptance cases of sourcing: what a decision must be, whatever method found it.

*Fewest* and *ranked* are policies whose tiers are prices that lie far apart.
"""

from dataclasses import replace

import pytest

from ordermesh.kernel.money import from_decimal
from ordermesh.routing.domain.building import build_problem
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.plan import Method, Shortage, Solution, Status
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.sourcing import SourcingLine, SourcingOrder, SourcingPolicy
from ordermesh.routing.domain.verification import verify
from ordermesh.routing.solver.solve import solve
from tests.routing.sourcing import (
    FEWEST,
    FREE,
    HOME,
    line,
    location,
    problem,
    ranked,
    units_by_location,
)


def sourced(wanted: Problem) -> Solution:
    solution = solve(wanted)
    verify(wanted, solution.plan)
    assert solve(wanted) == solution
    return solution


def test_src_1_two_locations_fill_together_what_neither_has_alone() -> None:
    wanted = problem([line("1", "MUG", 5)], [location("A", MUG=2), location("B", MUG=3)], FEWEST)

    plan = sourced(wanted).plan

    assert units_by_location(plan) == {"A": {"MUG": 2}, "B": {"MUG": 3}}


@pytest.mark.parametrize("groups", [1, 5], ids=["one line of five", "five lines of one"])
def test_src_2_not_enough_anywhere_is_infeasible_and_names_the_sku(groups: int) -> None:
    lines = [line(str(number), "MUG", 5 // groups) for number in range(groups)]
    wanted = problem(
        lines, [location("A", MUG=1), location("B", MUG=1)], FEWEST, all_or_nothing=True
    )

    solution = sourced(wanted)

    assert solution.certificate.status is Status.INFEASIBLE
    assert solution.certificate.bound is None
    assert solution.plan.shipments == ()
    first = solution.shortfalls[0]
    assert (first.reason, first.sku) == (Shortage.INSUFFICIENT_STOCK, "MUG")
    assert (first.wanted, first.available) == (5, 2)
    assert sum(each.unfilled for each in solution.shortfalls) == 3


def test_src_3_three_locations_are_needed_and_three_are_used() -> None:
    held = [location(name, MUG=2) for name in "ABC"]

    plan = sourced(problem([line("1", "MUG", 5)], held, FEWEST)).plan

    shipped = [shipment.lines[0].quantity for shipment in plan.shipments]
    assert sorted(shipped) == [1, 2, 2]


def test_src_5_no_unit_is_assigned_twice() -> None:
    held = ranked([location("A", MUG=2), location("B", MUG=5)])

    plan = sourced(problem([line("1", "MUG", 5)], held)).plan

    assert units_by_location(plan) == {"A": {"MUG": 2}, "B": {"MUG": 3}}


def test_src_7_of_twins_the_first_ranked_ships_everything() -> None:
    wanted = problem([line("1", "MUG", 5)], [location("A", MUG=5), location("B", MUG=5)], FEWEST)

    plan = sourced(wanted).plan

    assert units_by_location(plan) == {"A": {"MUG": 5}}


def test_src_8_the_highest_rank_ships_first_and_the_rest_spills() -> None:
    held = ranked([location("A", MUG=3), location("B", MUG=4)])

    plan = sourced(problem([line("1", "MUG", 5)], held)).plan

    assert units_by_location(plan) == {"A": {"MUG": 3}, "B": {"MUG": 2}}


def test_src_9_reserved_units_are_not_there() -> None:
    on_hand, reserved = 4, 3
    held = ranked([location("A", MUG=on_hand - reserved), location("B", MUG=9)])

    plan = sourced(problem([line("1", "MUG", 5)], held)).plan

    assert units_by_location(plan) == {"A": {"MUG": 1}, "B": {"MUG": 4}}


def test_src_10_a_priority_order_over_two_skus() -> None:
    held = ranked([location("A", SKU1=55), location("B", SKU1=30, SKU4=10)])

    solution = sourced(problem([line("1", "SKU1", 80), line("2", "SKU4", 4)], held))

    assert units_by_location(solution.plan) == {"A": {"SKU1": 55}, "B": {"SKU1": 25, "SKU4": 4}}
    assert solution.plan.is_complete
    assert solution.certificate.method is Method.EXACT_DP


def test_src_11_one_sku_is_summed_over_the_set() -> None:
    held = [location("A", MUG=4), location("B", MUG=3), location("C", MUG=1)]

    plan = sourced(problem([line("1", "MUG", 6)], held, FEWEST, shipments_max=2)).plan

    shipped = units_by_location(plan)
    assert set(shipped) == {"A", "B"}
    assert sum(units["MUG"] for units in shipped.values()) == 6


@pytest.mark.parametrize(
    ("splits_max", "locations", "cost"), [(0, {"C"}, "30.00"), (1, {"A", "B"}, "12.00")]
)
def test_src_13_most_splits_decide_between_one_dear_and_two_cheap_locations(
    splits_max: int, locations: set[str], cost: str
) -> None:
    held = [
        location("A", pick_fee="5.00", X=1, Y=1),
        location("B", pick_fee="7.00", Z=1),
        location("C", pick_fee="30.00", X=1, Y=1, Z=1),
    ]
    lines = [line(name, name) for name in "XYZ"]

    plan = sourced(problem(lines, held, FREE, shipments_max=splits_max + 1)).plan

    assert set(units_by_location(plan)) == locations
    assert plan.costs.total == from_decimal(cost)


def test_four_of_one_product_leave_from_two_places_within_one_line() -> None:
    wanted = problem([line("1", "MUG", 4)], [location("A", MUG=3), location("B", MUG=1)])

    plan = sourced(wanted).plan

    assert units_by_location(plan) == {"A": {"MUG": 3}, "B": {"MUG": 1}}
    assert {each.line_id for shipment in plan.shipments for each in shipment.lines} == {"1"}


def test_a_weight_limit_pairs_heavy_units_with_light_ones() -> None:
    costs = replace(FREE, parcel_limit_grams=15_000)
    lines = [line("1", "ANVIL", 4, grams=10_000), line("2", "HAMMER", 4, grams=4_900)]

    plan = sourced(problem(lines, [location("A", ANVIL=4, HAMMER=4)], costs)).plan

    weights = [parcel.weight_grams for parcel in plan.shipments[0].parcels]
    assert weights == [14_900] * 4


def test_a_unit_heavier_than_the_limit_is_a_parcel_of_its_own() -> None:
    costs = replace(FREE, parcel_limit_grams=15_000)

    plan = sourced(
        problem([line("1", "SAFE", 3, grams=20_000)], [location("A", SAFE=3)], costs)
    ).plan

    parcels = plan.shipments[0].parcels
    assert [sum(each.quantity for each in parcel.lines) for parcel in parcels] == [1, 1, 1]


@pytest.mark.parametrize("quantity", [None, 0])
def test_src_29_an_order_without_lines_is_refused_naming_the_field(quantity: int | None) -> None:
    lines = () if quantity is None else (SourcingLine("1", "MUG", quantity),)

    with pytest.raises(FieldViolation) as refusal:
        build_problem(SourcingOrder("order-1", lines, HOME), [], SourcingPolicy(FREE), {})

    assert refusal.value.facts()["field"] == "lines"


def test_src_29_an_order_without_locations_is_refused_naming_the_field() -> None:
    order = SourcingOrder("order-1", (SourcingLine("1", "MUG", 1),), HOME)

    with pytest.raises(FieldViolation) as refusal:
        build_problem(order, [], SourcingPolicy(FREE), {})

    assert refusal.value.facts()["field"] == "locations"
