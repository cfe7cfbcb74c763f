"""Prices of stock and labor: what they prove grows, whatever it is that is to be reached."""

import numpy as np
import pytest

from ordermesh.routing.domain.batch.cells import cells_of
from ordermesh.routing.domain.batch.instance import Batch
from ordermesh.routing.domain.batch.verification import bound_of
from ordermesh.routing.solver.batch.bounding import Bound, Pricing
from tests.routing.batches import draw_small


def improved(batch: Batch, target: int, passes: int) -> Bound:
    return Pricing(cells_of(batch), batch.capacities, map).improve(target, passes, 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_target_far_above_the_cheapest_plan_wastes_few_passes(seed: int) -> None:
    # Who audits begins with what happened, and that may cost half as much again.
    batch = draw_small(seed, orders=80, locations=6)
    nothing = np.zeros(len(batch.capacities), np.int64)
    bare = bound_of(batch, nothing.tolist())
    known = improved(batch, 3 * bare, 400).value

    found = improved(batch, 3 * bare, 60)

    assert bare < found.value <= known
    assert found.value - bare >= 0.8 * (known - bare)


def test_what_is_proven_is_what_the_prices_prove() -> None:
    batch = draw_small(4, orders=40)

    found = improved(batch, 10**9, 40)

    assert found.value == bound_of(batch, found.prices.tolist())
    assert (found.prices >= 0).all()
