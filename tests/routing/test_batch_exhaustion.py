"""That a plan is the cheapest is checked by trying everything, and refused where it is not."""

from dataclasses import replace

import pytest

from ordermesh.routing.domain.batch.exhaustion import ORDERS_MAX, Exhaustion, exhaust
from ordermesh.routing.domain.batch.plan import BatchStatus
from ordermesh.routing.domain.batch.verification import BatchRefused, bound_of, verify_batch
from ordermesh.routing.solver.batch.engine import Budget, plan_batch
from tests.routing.batches import draw_small, optimum, with_hard_promises, with_weights

BRIEF = Budget(passes=100, moves=30, final_passes=60)


@pytest.mark.parametrize("seed", range(9))
def test_it_says_of_each_cost_what_the_compact_programme_says(seed: int) -> None:
    batch = draw_small(seed, orders=7, locations=3)
    batch = with_weights(batch, seed) if seed % 3 else batch
    batch = with_hard_promises(batch, seed) if seed % 3 == 2 else batch
    best = optimum(batch)
    assert best.is_closed
    assert best.found is not None
    prices = plan_batch(batch, 1, BRIEF).plan.prices.tolist()

    assert exhaust(batch, best.found, prices) is Exhaustion.CHEAPEST
    assert exhaust(batch, best.found - 1, prices) is Exhaustion.CHEAPEST
    assert exhaust(batch, best.found + 1, prices) is Exhaustion.CHEAPER_FOUND


def test_with_no_prices_at_all_it_only_takes_longer() -> None:
    batch = draw_small(4, orders=5, locations=3)
    best, nothing = optimum(batch).found, [0] * len(batch.capacities)
    assert best is not None
    assert bound_of(batch, nothing) < best

    assert exhaust(batch, best, nothing, 500_000) is Exhaustion.CHEAPEST
    assert exhaust(batch, best + 1, nothing, 500_000) is Exhaustion.CHEAPER_FOUND


@pytest.mark.parametrize("seed", range(5))
def test_a_plan_that_is_called_the_cheapest_and_is_not_is_refused(seed: int) -> None:
    batch = draw_small(seed, orders=12, locations=4)
    result = plan_batch(batch, seed, BRIEF)
    assert result.myopic.cost > result.plan.cost
    claimed = replace(
        result.plan,
        location=result.myopic.location,
        cost=result.myopic.cost,
        status=BatchStatus.OPTIMAL,
    )

    with pytest.raises(BatchRefused, match="cheaper"):
        verify_batch(batch, claimed)
    verify_batch(batch, replace(claimed, status=BatchStatus.FEASIBLE))


def test_what_takes_too_many_steps_or_orders_stays_open() -> None:
    batch = draw_small(3, orders=30, locations=6)
    plan = plan_batch(batch, 1, Budget(passes=5, moves=5, final_passes=5)).plan
    large = draw_small(3, orders=ORDERS_MAX + 1)

    assert exhaust(batch, plan.cost, [0] * len(batch.capacities), 50) is Exhaustion.OPEN
    assert exhaust(large, 0, [0] * len(large.capacities)) is Exhaustion.OPEN
