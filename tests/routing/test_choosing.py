"""The restricted master part by part: everybody is in one part, and no plan gets dearer."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from ordermesh.routing.domain.batch.baselines import RULES, decide_by
from ordermesh.routing.domain.batch.cells import cells_of
from ordermesh.routing.domain.batch.plan import cost_of_plan
from ordermesh.routing.domain.batch.verification import verify_batch
from ordermesh.routing.solver.batch import choosing, engine
from ordermesh.routing.solver.batch.choosing import Choosing, Cut
from ordermesh.routing.solver.batch.engine import Budget, plan_batch
from ordermesh.routing.solver.batch.master import Chosen, Master, solve_master
from tests.routing.batches import draw_small

BATCH = draw_small(7, orders=60, locations=6, skus=12)


def solved(master: Master) -> Chosen | None:
    return solve_master(master, 60.0)


@pytest.mark.parametrize("cut", list(Cut))
def test_every_order_is_in_one_part(cut: Cut, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "PART", 9)

    parts = Choosing(BATCH, cells_of(BATCH), 1, map)._parts(cut)

    assert len(parts) == 8
    assert sorted(np.concatenate(parts).tolist()) == list(range(60))


def test_who_wants_the_same_item_is_in_one_part(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "PART", 15)
    batch = draw_small(7, orders=60, locations=6, skus=12, atoms=1)

    parts = Choosing(batch, cells_of(batch), 1, map)._parts(Cut.SAME_ITEMS)

    wanted = [set(batch.atoms.item[batch.orders.first_atom[part]].tolist()) for part in parts]
    # Only the item at each border is in two of them.
    shared = [len(one & other) for one, other in itertools.pairwise(wanted)]
    assert max(shared) <= 1
    assert len(set().union(*wanted)) + sum(shared) == sum(map(len, wanted))


def test_each_round_begins_with_the_plan_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(choosing, "PART", 10)
    monkeypatch.setattr(engine, "WORTH", 10**9)
    start = decide_by(BATCH, RULES["fixed priority list"])
    budget = Budget(passes=40, moves=0, final_passes=10, masters=1)

    once = plan_batch(BATCH, 1, budget, choose=solved, start=start).plan
    often = plan_batch(BATCH, 1, replace(budget, rounds=4), choose=solved, start=start).plan

    verify_batch(BATCH, often)
    assert often.cost < once.cost < cost_of_plan(BATCH, start)
