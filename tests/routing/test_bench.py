"""The benchmark compares fairly, and says so when a solver claims too much."""

import random
from dataclasses import replace

import pytest

from ordermesh.kernel.money import Money
from ordermesh.routing.bench.compared import (
    cheapest_of_all,
    compare_with_baselines,
    compare_with_everything,
    draw_market,
)
from ordermesh.routing.bench.single import check, time_orders
from ordermesh.routing.domain.baselines import fixed_priority_list
from ordermesh.routing.domain.plan import Solution
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.solver.solve import solve
from tests.routing.sourcing import cheapest, random_problem


@pytest.mark.parametrize("seed", range(20))
def test_trying_every_plan_finds_the_cheapest(seed: int) -> None:
    wanted = replace(random_problem(seed, lines=2, locations=3), all_or_nothing=False)
    oracle = cheapest(wanted)

    assert oracle is not None
    assert cheapest_of_all(wanted).costs.total == oracle.costs.total


def test_the_exact_solver_passes(capsys: pytest.CaptureFixture[str]) -> None:
    draw = random.Random(3)
    market = draw_market(draw, stores=5)

    assert compare_with_everything(draw, market, solve)
    assert compare_with_baselines(draw, market, solve, orders=10)
    assert "10 of them proven" in capsys.readouterr().out


def test_a_solver_that_is_not_the_cheapest_does_not_pass() -> None:
    def by_rule_of_thumb(wanted: Problem) -> Solution:
        return replace(solve(wanted), plan=fixed_priority_list(wanted))

    draw = random.Random(3)

    assert not compare_with_everything(draw, draw_market(draw, stores=5), by_rule_of_thumb)


def test_a_bound_above_a_plan_that_exists_does_not_pass() -> None:
    def boastful(wanted: Problem) -> Solution:
        solution = solve(wanted)
        certificate = solution.certificate
        return replace(
            solution, certificate=replace(certificate, bound=Money(10 * certificate.objective))
        )

    draw = random.Random(3)

    assert not compare_with_baselines(draw, draw_market(draw, stores=5), boastful, orders=3)


def test_the_kernel_is_timed_on_the_orders_that_are_solved() -> None:
    times = time_orders(random.Random(1), 3, atoms=4, locations=20, stocked=0.9)

    assert len(times.kernel) == len(times.whole) == 3
    assert all(spent >= 0 for spent in times.kernel)


def test_the_checks_find_nothing_wrong_with_the_exact_solver() -> None:
    found = check(random.Random(2), 12)

    assert found == {"oracle_disagreements": 0, "verifier_failures": 0, "replay_mismatches": 0}
