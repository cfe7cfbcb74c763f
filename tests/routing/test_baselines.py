"""The named baselines: each does what its name says, and none beats the optimum."""

from dataclasses import replace

import pytest

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.baselines import (
    BASELINES,
    CAPPED,
    fewest_splits,
    fixed_priority_list,
    nearest_single,
)
from ordermesh.routing.domain.plan import Method, Plan, Status
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.verification import verify
from ordermesh.routing.solver.solve import solve
from tests.routing.sourcing import (
    every_plan,
    line,
    location,
    problem,
    random_problem,
    units_by_location,
)

XYZ = [line(name, name) for name in "XYZ"]


def used(plan: Plan) -> list[str]:
    return [shipment.location_id for shipment in plan.shipments]


def test_the_nearest_location_with_everything_ships_it() -> None:
    held = [location("A", km=10, X=1, Y=1), location("B", km=900, X=1, Y=1, Z=1)]
    held.append(location("C", km=800, X=1, Y=1, Z=1))

    assert used(nearest_single(problem(XYZ, held))) == ["C"]


def test_without_one_location_for_all_the_nearest_gives_first() -> None:
    held = [location("A", km=300, X=1, Z=1), location("B", km=100, X=1), location("C", km=900, Y=1)]

    plan = nearest_single(problem(XYZ, held))

    assert units_by_location(plan) == {"A": {"Z": 1}, "B": {"X": 1}, "C": {"Y": 1}}


def test_the_priority_list_takes_the_first_with_everything_however_far() -> None:
    held = [location("A", km=4_000, X=1, Y=1, Z=1), location("B", km=1, X=1, Y=1, Z=1)]

    assert used(fixed_priority_list(problem(XYZ, held))) == ["A"]


def test_the_priority_list_goes_down_when_nobody_has_everything() -> None:
    held = [location("A", X=1), location("B", X=1, Y=1), location("C", Z=1)]

    plan = fixed_priority_list(problem(XYZ, held))

    assert units_by_location(plan) == {"A": {"X": 1}, "B": {"Y": 1}, "C": {"Z": 1}}


def test_fewest_splits_prefers_two_far_locations_to_three_near_ones() -> None:
    held = [location("A", km=1, X=1), location("B", km=1, Y=1), location("C", km=1, Z=1)]
    held += [location("D", km=3_000, X=1, Y=1), location("E", km=2_000, Z=1)]

    assert used(fewest_splits(problem(XYZ, held))) == ["C", "D"]


def test_fewest_splits_takes_the_set_with_the_least_average_distance() -> None:
    held = [location("A", km=500, X=1, Y=1), location("B", km=500, Z=1)]
    held += [location("C", km=10, X=1), location("D", km=700, Y=1, Z=1)]

    assert used(fewest_splits(problem(XYZ, held))) == ["C", "D"]


def test_the_nearest_set_need_not_hold_the_nearest_location() -> None:
    held = [location("A", km=100, X=1), location("B", km=200, X=1, Z=1)]
    held += [location("D", km=1_000, Y=1, Z=1), location("E", km=300, Y=1)]

    assert used(fewest_splits(problem(XYZ, held))) == ["B", "E"]


def test_equal_sets_go_by_rank() -> None:
    held = [location(name, km=100, X=1) for name in "BCA"]

    assert used(fewest_splits(problem(XYZ[:1], held))) == ["A"]


def test_fewest_splits_sums_one_line_over_locations() -> None:
    held = [location("A", MUG=3), location("B", MUG=3), location("C", MUG=4)]

    plan = fewest_splits(problem([line("1", "MUG", 7)], held))

    assert len(plan.shipments) == 2
    assert plan.is_complete


def test_fewest_splits_covers_what_there_is() -> None:
    plan = fewest_splits(problem(XYZ, [location("A", X=1), location("B", X=1, Y=1)]))

    assert units_by_location(plan) == {"B": {"X": 1, "Y": 1}}
    assert [each.sku for each in plan.unfilled] == ["Z"]


def test_a_search_that_used_up_its_tries_says_so() -> None:
    held = [location(name, {sku: 1}, km=100) for name, sku in zip("ABCDEF", "XYZXYZ", strict=True)]

    capped = fewest_splits(problem(XYZ, held), tries_max=2)
    whole = fewest_splits(problem(XYZ, held))

    assert capped.remarks[0].startswith(CAPPED)
    assert capped.is_complete
    assert whole.remarks == ()


@pytest.mark.parametrize("method", list(BASELINES))
def test_a_baseline_ships_all_or_nothing_when_asked(method: Method) -> None:
    held = [location("A", X=1), location("B", Y=1)]

    assert BASELINES[method](problem(XYZ, held, all_or_nothing=True)).shipments == ()
    assert BASELINES[method](problem(XYZ[:2], held, all_or_nothing=True)).is_complete


@pytest.mark.parametrize("method", list(BASELINES))
def test_a_baseline_keeps_limits_and_exclusions(method: Method) -> None:
    held = [location("A", capacity=1, X=1, Y=1), location("B", excluded=["X"], X=1, Z=1)]

    plan = BASELINES[method](problem(XYZ, held, shipments_max=1))

    assert len(plan.shipments) == 1
    assert len(plan.shipments[0].lines) == 1


def test_baselines_are_found_by_name() -> None:
    assert BASELINES[Method("NEAREST_SINGLE")] is nearest_single
    assert BASELINES[Method("FEWEST_SPLITS")] is fewest_splits
    assert BASELINES[Method("FIXED_PRIORITY_LIST")] is fixed_priority_list


@pytest.mark.parametrize("seed", range(200))
def test_no_baseline_is_cheaper_than_the_optimum_and_all_are_permitted(seed: int) -> None:
    wanted = random_problem(seed)
    solution = solve(wanted)

    for baseline in BASELINES.values():
        plan = baseline(wanted)
        verify(wanted, plan)
        if solution.certificate.status is not Status.INFEASIBLE or plan.shipments:
            assert plan.costs.total >= solution.certificate.objective


@pytest.mark.parametrize("seed", range(120))
def test_fewest_splits_finds_the_least_number_of_locations(seed: int) -> None:
    drawn = random_problem(seed, lines=3)
    candidates = tuple(replace(c, capacity_units=None) for c in drawn.candidates)
    groups = tuple(
        replace(g, parts=(replace(g.parts[0], sku=f"SKU-{n}"),))
        for n, g in enumerate(drawn.groups, start=1)
    )
    wanted: Problem = replace(
        drawn, groups=groups, candidates=candidates, shipments_max=None, all_or_nothing=False
    )

    plan = fewest_splits(wanted)

    left = sum(each.quantity for each in plan.unfilled)
    rivals = [p for p in every_plan(wanted) if sum(e.quantity for e in p.unfilled) <= left]
    assert len(plan.shipments) == min(len(p.shipments) for p in rivals)
    assert plan.costs.total >= Money(0)
