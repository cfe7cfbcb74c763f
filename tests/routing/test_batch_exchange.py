"""A batch and its plan survive being written down, and nothing else is read as one."""

import json

import numpy as np
import pytest

from ordermesh.routing.domain.batch.exchange import (
    NotABatch,
    digest_of,
    dump_batch,
    dump_plan,
    load_batch,
    load_plan,
)
from ordermesh.routing.domain.batch.instance import NO_LIMIT
from ordermesh.routing.domain.batch.verification import verify_batch
from ordermesh.routing.solver.batch.engine import Budget, plan_batch
from tests.routing.batches import draw_small, with_hard_promises, with_weights

BRIEF = Budget(passes=20, moves=5, final_passes=10)


def test_a_batch_is_the_same_after_it_was_written_and_read() -> None:
    batch = draw_small(1)

    again = load_batch(dump_batch(batch))

    assert dump_batch(again) == dump_batch(batch)
    assert digest_of(again) == digest_of(batch)
    assert again.costs == batch.costs
    assert (again.locations.capacity == batch.locations.capacity).all()
    assert (again.locations.capacity == NO_LIMIT).any()


def test_brackets_and_hard_promises_are_written_and_read() -> None:
    batch = with_hard_promises(with_weights(draw_small(1), 1), 1)

    again = load_batch(dump_batch(batch))

    assert dump_batch(again) == dump_batch(batch)
    assert dump_batch(batch) != dump_batch(draw_small(1))
    plan = plan_batch(again, 1, BRIEF).plan
    verify_batch(batch, load_plan(batch, dump_plan(again, plan)))


@pytest.mark.parametrize(
    ("up_to_grams", "price"),
    [
        ([], []),
        ([500, 500], [1, 2]),
        ([500, 1_000], [2, 1]),
        ([500], [1, 2]),
        ([0], [1]),
        ([500], [-1]),
        ([500.5], [1]),
    ],
)
def test_brackets_that_cannot_be_meant_are_not_read(
    up_to_grams: list[int], price: list[int]
) -> None:
    batch = json.loads(dump_batch(draw_small(1)))
    zones = len(batch["costs"]["zones"])
    batch["brackets"] = {"up_to_grams": up_to_grams, "price": [price] * zones}

    with pytest.raises(NotABatch):
        load_batch(json.dumps(batch))


def test_a_plan_is_the_same_after_it_was_written_and_read() -> None:
    batch = draw_small(2)
    plan = plan_batch(batch, 1, BRIEF).plan

    again = load_plan(batch, dump_plan(batch, plan))

    verify_batch(batch, again)
    assert (again.location == plan.location).all()
    assert (again.prices == plan.prices).all()
    assert (again.cost, again.bound, again.status) == (plan.cost, plan.bound, plan.status)


def test_a_plan_of_another_batch_is_not_read() -> None:
    batch, other = draw_small(3), draw_small(4)
    text = dump_plan(batch, plan_batch(batch, 1, BRIEF).plan)

    with pytest.raises(NotABatch, match="another batch"):
        load_plan(other, text)


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ("form", "something/2"),
        ("orders", {}),
        ("atoms.units", [1.5]),
        ("atoms.units", [0]),
        ("atoms.item", [99] * 100),
        ("stock.units", "many"),
        ("costs.zones", []),
        ("costs.split_charge", -1),
        ("costs.split_charge", "2.00"),
        ("orders.ids", ["O0"] * 12),
        ("orders.first_atom", [0]),
        ("distance_km", [[1]]),
        ("locations.capacity", [-2, 1, 1, 1]),
    ],
)
def test_what_is_no_batch_is_not_read(path: str, wrong: object) -> None:
    found = json.loads(dump_batch(draw_small(5)))
    inner = found
    *way, last = path.split(".")
    for step in way:
        inner = inner[step]
    inner[last] = wrong

    with pytest.raises(NotABatch):
        load_batch(json.dumps(found))


@pytest.mark.parametrize("text", ["", "[]", "{", "null", '{"form": 1}'])
def test_what_is_not_json_of_the_form_is_not_read(text: str) -> None:
    with pytest.raises(NotABatch):
        load_batch(text)


def test_an_order_too_wide_is_no_batch() -> None:
    found = json.loads(dump_batch(draw_small(6, orders=1, atoms=1)))
    for name in ("line", "item", "units", "penalty"):
        found["atoms"][name] *= 13
    found["orders"]["first_atom"] = [0, 13]

    with pytest.raises(NotABatch, match="atoms"):
        load_batch(json.dumps(found))


def test_amounts_too_large_to_add_up_are_refused() -> None:
    found = json.loads(dump_batch(draw_small(6)))
    found["atoms"]["penalty"] = [2**49] * len(found["atoms"]["penalty"])

    with pytest.raises(NotABatch, match="too large"):
        load_batch(json.dumps(found))


def test_columns_are_whole_numbers() -> None:
    assert draw_small(1).distance_km.dtype == np.int64
