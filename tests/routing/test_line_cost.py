"""What a location takes for each order line, once for all that leaves of it."""

import json
from dataclasses import replace

import pytest

from ordermesh.api.routing import v1
from ordermesh.client import proof
from ordermesh.kernel.money import Money, from_decimal
from ordermesh.routing.domain.plan import Method, assemble
from ordermesh.routing.domain.problem import Candidate, Problem
from ordermesh.routing.domain.scale import scale_of
from ordermesh.routing.domain.verification import find_faults, verify
from ordermesh.routing.solver.solve import solve
from ordermesh.routing.solver.wide import solve_wide
from tests.routing.house import House, entry, usd
from tests.routing.house import line as order_line
from tests.routing.sourcing import FREE, cheapest, line, location, problem, random_problem
from tests.routing.test_explaining import decided
from tests.routing.test_pickup import cents


def charging(candidate: Candidate, amount: str) -> Candidate:
    return replace(candidate, labor_per_line=from_decimal(amount))


def charged(seed: int) -> Problem:
    """A random problem in which every other location charges for lines."""
    wanted = random_problem(seed)
    candidates = [
        replace(one, labor_per_line=Money(25_000 * (place % 2)))
        for place, one in enumerate(wanted.candidates)
    ]
    return replace(wanted, candidates=tuple(candidates))


def test_a_claim_that_leaves_out_the_lines_is_refused() -> None:
    here = charging(location("A", MUG=3, LAMP=2), "1.50")
    wanted = problem([line("1", "MUG", 3), line("2", "LAMP", 2)], [here])
    free = replace(wanted, candidates=(charging(here, "0"),))
    plan = assemble(free, {"A": {0: 3, 1: 2}})

    assert [(one.rule, one.expected, one.found) for one in find_faults(wanted, plan)] == [
        ("cost", 30_000, 0),
        ("cost", 30_000, 0),
    ]


def test_a_line_is_charged_once_where_anything_leaves_of_it() -> None:
    places = [charging(location("A", MUG=2, LAMP=2), "1.50"), charging(location("B", MUG=1), "4")]
    wanted = problem([line("1", "MUG", 3), line("2", "LAMP", 2)], places)

    plan = solve(wanted).plan

    verify(wanted, plan)
    labor = {one.location_id: one.costs.labor for one in plan.shipments}
    # Two lamps and two mugs are two lines; the third mug is the same line somewhere else.
    assert labor == {"A": from_decimal("3"), "B": from_decimal("4")}


def test_a_line_comes_from_one_place_where_two_would_both_charge_for_it() -> None:
    places = [charging(location("A", MUG=2), "1"), charging(location("B", MUG=3), "1.50")]
    wanted = problem([line("1", "MUG", 3)], places, FREE)

    assert [one.location_id for one in solve(wanted).plan.shipments] == ["B"]


@pytest.mark.parametrize("start", range(0, 120, 40))
def test_the_plan_is_the_cheapest_of_all_there_are(start: int) -> None:
    for seed in range(start, start + 40):
        wanted = charged(seed)
        solution = solve(wanted)
        verify(wanted, solution.plan)
        best = cheapest(wanted)
        assert solution.certificate.method is Method.EXACT_DP
        if best is not None:
            assert solution.plan.costs.total == best.costs.total, seed


@pytest.mark.parametrize("seed", range(20))
def test_the_programme_agrees_with_the_recurrence(seed: int) -> None:
    wanted = charged(seed)
    exact = solve(wanted).certificate

    plan, _, bound = solve_wide(wanted, scale_of(wanted))

    verify(wanted, plan)
    if bound is not None:
        assert bound <= exact.objective <= plan.costs.total


async def test_a_location_of_the_network_charges_for_lines(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "LAMP at NEAR": 5})
    dear = entry("NEAR", priority=1, labor_cost_per_line=usd(2))
    await house.network(dear)
    reply = await house.mesh.network.ListNetworkLocations(v1.ListNetworkLocationsRequest())
    told = {one.location_id: one for one in reply.locations}
    assert told["NEAR"].labor_cost_per_line == usd(2)
    assert not told["EAST"].HasField("labor_cost_per_line")

    await house.submit("O-1", order_line("1", "MUG", 3), order_line("2", "LAMP", 1))

    decision = await decided(house)
    kind = v1.CostTerm.KIND_LABOR
    (labor,) = [cents(one.amount) for one in decision.cost_terms if one.kind == kind]
    assert labor == 2 * 200 + 4 * 45
    exported = await house.mesh.sourcing.ExportDecision(
        v1.ExportDecisionRequest(decision_id=decision.decision_id)
    )
    proof.check(json.loads(exported.record_json))
