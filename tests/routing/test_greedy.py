"""The greedy that a batch is compared with knows all prices, and never does the impossible."""

from dataclasses import replace

import numpy as np
import pytest

from ordermesh.routing.bench.greedy import decide_greedily
from ordermesh.routing.domain.batch.baselines import RULES, decide_by
from ordermesh.routing.domain.batch.plan import BatchPlan, BatchStatus, cost_of_plan
from ordermesh.routing.domain.batch.verification import find_batch_faults
from ordermesh.routing.solver.batch.engine import Budget, plan_batch
from tests.routing.batches import column, draw_small, with_hard_promises, with_weights


@pytest.mark.parametrize("seed", range(12))
def test_its_plans_can_be_carried_out_and_it_is_no_straw_man(seed: int) -> None:
    batch = draw_small(seed, orders=30, locations=5)
    batch = with_weights(batch, seed) if seed % 3 else batch
    batch = with_hard_promises(batch, seed) if seed % 3 == 2 else batch

    location = decide_greedily(batch)

    cost = cost_of_plan(batch, location)
    claimed = BatchPlan(location, cost, 0, column([]), BatchStatus.FEASIBLE)
    assert find_batch_faults(batch, claimed, with_bound=False) == []
    bound = plan_batch(batch, 1, Budget(passes=60, moves=0, final_passes=0)).plan.bound
    assert bound <= cost


def test_over_many_batches_it_beats_every_rule_that_does_not_know_all_prices() -> None:
    total = dict.fromkeys(("greedy", *RULES), 0)
    for seed in range(10):
        batch = draw_small(seed, orders=40, locations=6)
        total["greedy"] += cost_of_plan(batch, decide_greedily(batch))
        for name, rule in RULES.items():
            total[name] += cost_of_plan(batch, decide_by(batch, rule))

    assert min(total, key=lambda name: total[name]) == "greedy"


def test_it_is_the_same_every_time() -> None:
    batch = draw_small(3, orders=40)

    assert np.array_equal(decide_greedily(batch), decide_greedily(batch))


def test_where_nothing_lies_everything_stays() -> None:
    batch = draw_small(3, orders=5)
    empty = replace(
        batch, locations=replace(batch.locations, capacity=column([0] * len(batch.locations.ids)))
    )

    assert set(decide_greedily(empty).tolist()) == {-1}
