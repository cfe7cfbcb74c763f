"""Other plans: the next best, and all with the fewest shipments."""

import itertools
from dataclasses import replace

import pytest

from ordermesh.api.routing.v1 import FindAlternativesRequest
from ordermesh.routing.domain.alternatives import fewest_shipments, next_best
from ordermesh.routing.domain.judging import tier_values
from ordermesh.routing.domain.plan import Plan
from ordermesh.routing.domain.verification import verify
from ordermesh.routing.solver.solve import solve
from tests.routing.house import House, line
from tests.routing.rich import rich_problem
from tests.routing.sourcing import FEWEST, every_plan, location, problem, random_problem
from tests.routing.sourcing import line as group


def sets_of(plans: tuple[Plan, ...]) -> set[frozenset[str]]:
    return {frozenset(one.location_id for one in plan.shipments) for plan in plans}


@pytest.mark.parametrize(("of_a", "size"), [(3, 2), (2, 3)], ids=["pairs", "triples"])
def test_src_12_exactly_the_smallest_sets_are_returned(of_a: int, size: int) -> None:
    held = [location("A", MUG=of_a), *(location(name, MUG=1) for name in "BCD")]
    wanted = problem([group("1", "MUG", 4)], held, FEWEST)

    found = fewest_shipments(wanted, solve, 10_000)

    others = itertools.combinations("BCD", size - 1)
    assert sets_of(found.plans) == {frozenset({"A", *rest}) for rest in others}
    assert found.is_complete


def test_src_17_a_search_that_is_cut_short_admits_it() -> None:
    held = [
        replace(location("A", MUG=1, km=10 * n), location_id=f"L{n:03}", rank=n) for n in range(60)
    ]
    wanted = problem([group("1", "MUG", 2)], held, FEWEST)

    found = fewest_shipments(wanted, solve, 1_000)

    assert found.examined == 1_000
    assert not found.is_complete
    assert all(len(plan.shipments) == 2 for plan in found.plans)


def test_an_order_that_nobody_fills_has_no_fewest_shipments() -> None:
    wanted = problem([group("1", "MUG", 9)], [location("A", MUG=1), location("B", MUG=1)], FEWEST)

    found = fewest_shipments(wanted, solve, 1_000)

    assert found.plans == ()
    assert found.is_complete


@pytest.mark.parametrize("seed", range(25))
def test_the_next_best_are_those_that_trying_everything_finds(seed: int) -> None:
    wanted = replace(random_problem(seed, lines=2, locations=4), all_or_nothing=False)
    cheapest: dict[frozenset[str], int] = {}
    for plan in every_plan(wanted):
        used = frozenset(one.location_id for one in plan.shipments)
        cheapest[used] = min(plan.costs.total, cheapest.get(used, plan.costs.total))
    cheapest.pop(frozenset(), None)

    found = next_best(wanted, solve, 3)

    costs = [plan.costs.total for plan in found]
    assert costs == sorted(costs)
    for plan in found:
        verify(wanted, plan)
        (used,) = sets_of((plan,))
        assert plan.costs.total == cheapest[used]
    told = sets_of(found)
    missed = [cost for used, cost in cheapest.items() if not any(better <= used for better in told)]
    if len(found) == 3:
        assert all(cost >= costs[-1] for cost in missed)


def test_what_is_next_best_the_tiers_say_and_not_the_cost() -> None:
    for seed in range(60):
        wanted = replace(rich_problem(seed), all_or_nothing=False)
        if len(wanted.tiers) == 1:
            continue

        found = [tier_values(wanted, plan) for plan in next_best(wanted, solve, 10)]

        assert found == sorted(found), seed


async def test_alternatives_are_listed_for_a_decision(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5, "MUG at WEST": 1})
    await house.submit("O-1", line("1", "MUG", 3))
    (decision_id,) = (await house.order("O-1")).decision_ids
    sourcing = house.mesh.sourcing

    best = await sourcing.FindAlternatives(
        FindAlternativesRequest(decision_id=decision_id, plans_max=2)
    )
    fewest = await sourcing.FindAlternatives(
        FindAlternativesRequest(decision_id=decision_id, fewest_shipments=True)
    )

    assert [one.plan.shipments[0].location_id for one in best.alternatives] == ["NEAR", "EAST"]
    assert best.alternatives[0].cost.units <= best.alternatives[1].cost.units
    places = {one.plan.shipments[0].location_id for one in fewest.alternatives}
    assert places == {"NEAR", "EAST"}
    assert fewest.complete
    assert fewest.sets_examined >= 3
