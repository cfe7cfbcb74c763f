"""The verifier of batches refuses whatever is not true, to the last unit and the last integer."""

import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from ordermesh.routing.domain.batch.instance import Batch, Integers
from ordermesh.routing.domain.batch.plan import LEFT, BatchPlan
from ordermesh.routing.domain.batch.verification import (
    BatchRefused,
    bound_of,
    find_batch_faults,
    verify_batch,
)
from ordermesh.routing.solver.batch.engine import Budget, plan_batch
from tests.routing.batches import draw_small

TAMPERED = 300


@pytest.fixture(scope="module")
def batch() -> Batch:
    return draw_small(21, orders=40, locations=5)


@pytest.fixture(scope="module")
def plan(batch: Batch) -> BatchPlan:
    return plan_batch(batch, 1, Budget(passes=60, moves=20, final_passes=20)).plan


def test_what_is_true_is_accepted(batch: Batch, plan: BatchPlan) -> None:
    verify_batch(batch, plan)


@pytest.mark.parametrize("difference", [-1, 1])
def test_a_cost_that_is_one_off_is_refused(batch: Batch, plan: BatchPlan, difference: int) -> None:
    with pytest.raises(BatchRefused, match="costs"):
        verify_batch(batch, replace(plan, cost=plan.cost + difference))


def test_a_bound_that_is_one_above_what_prices_prove_is_refused(
    batch: Batch, plan: BatchPlan
) -> None:
    with pytest.raises(BatchRefused, match="prove"):
        verify_batch(batch, replace(plan, bound=bound_of(batch, plan.prices.tolist()) + 1))


def test_a_bound_above_the_plan_is_refused_without_its_proof(batch: Batch, plan: BatchPlan) -> None:
    with pytest.raises(BatchRefused, match="above the plan"):
        verify_batch(batch, replace(plan, bound=plan.cost + 1), with_bound=False)


def test_a_negative_price_proves_nothing(batch: Batch, plan: BatchPlan) -> None:
    prices = plan.prices.copy()
    prices[3] = -1

    with pytest.raises(BatchRefused, match="negative"):
        verify_batch(batch, replace(plan, prices=prices))


def test_prices_of_other_resources_prove_nothing(batch: Batch, plan: BatchPlan) -> None:
    with pytest.raises(BatchRefused, match="one price for each"):
        verify_batch(batch, replace(plan, prices=plan.prices[:-1]))


def test_one_unit_more_than_there_is_is_refused(batch: Batch, plan: BatchPlan) -> None:
    row, used = _fullest_row(batch, plan)
    units = batch.stock.units.copy()
    units[row] = used - 1

    scarcer = replace(batch, stock=replace(batch.stock, units=units))

    assert any("stock row" in one for one in find_batch_faults(scarcer, plan))


def test_one_unit_more_than_a_location_can_send_is_refused(batch: Batch, plan: BatchPlan) -> None:
    place = int(plan.location.max())
    sent = int(batch.atoms.units[plan.location == place].sum())
    capacity = batch.locations.capacity.copy()
    capacity[place] = sent - 1

    weaker = replace(batch, locations=replace(batch.locations, capacity=capacity))

    assert any("can send" in one for one in find_batch_faults(weaker, plan))


def test_a_plan_that_forgets_an_atom_is_refused(batch: Batch, plan: BatchPlan) -> None:
    with pytest.raises(BatchRefused, match="every atom"):
        verify_batch(batch, replace(plan, location=plan.location[:-1]))


def test_a_location_that_does_not_exist_is_refused(batch: Batch, plan: BatchPlan) -> None:
    with pytest.raises(BatchRefused, match="not there"):
        verify_batch(batch, replace(plan, location=_with(plan.location, 0, 99)))


def test_every_tampered_plan_is_refused(batch: Batch, plan: BatchPlan) -> None:
    draw = random.Random(8)
    proven = bound_of(batch, plan.prices.tolist())
    ways: list[Callable[[], BatchPlan]] = [
        lambda: replace(plan, cost=plan.cost + draw.choice([-1, 1]) * draw.randint(1, 10**6)),
        lambda: replace(plan, bound=proven + draw.randint(1, 10**6)),
        lambda: replace(plan, location=_moved(batch, plan, draw)),
        lambda: replace(plan, prices=_with(plan.prices, draw.randrange(20), -draw.randint(1, 99))),
        lambda: replace(plan, location=np.delete(plan.location, draw.randrange(30))),
    ]

    accepted = [
        number
        for number in range(TAMPERED)
        if not find_batch_faults(batch, ways[number % len(ways)]())
    ]

    assert accepted == []


def _fullest_row(batch: Batch, plan: BatchPlan) -> tuple[int, int]:
    used = np.zeros(len(batch.stock.units), np.int64)
    for atom, place in enumerate(plan.location.tolist()):
        if place != LEFT:
            item = batch.atoms.item[atom]
            here = (batch.stock.item == item) & (batch.stock.location == place)
            used[here] += batch.atoms.units[atom]
    fullest = int(used.argmax())
    return fullest, int(used[fullest])


def _moved(batch: Batch, plan: BatchPlan, draw: random.Random) -> Integers:
    """One atom somewhere else, where it costs something else or may not be."""
    atom = draw.randrange(len(plan.location))
    others = [p for p in range(-1, len(batch.locations.ids)) if p != plan.location[atom]]
    return _with(plan.location, atom, draw.choice(others))


def _with(numbers: Integers, place: int, number: int) -> Integers:
    changed = numbers.copy()
    changed[place] = number
    return changed
