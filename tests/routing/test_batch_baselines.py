"""The rules that a batch is compared with do what they are named for, and never the impossible."""

from dataclasses import replace

import numpy as np
import pytest

from ordermesh.routing.domain.batch.baselines import (
    RULES,
    cheapest_per_line,
    decide_by,
    fewest_splits,
    fixed_priority_list,
    nearest_single,
    static_ranking,
)
from ordermesh.routing.domain.batch.instance import (
    NO_LIMIT,
    Atoms,
    Batch,
    Items,
    Locations,
    Orders,
    Stock,
)
from ordermesh.routing.domain.batch.plan import (
    LEFT,
    BatchPlan,
    BatchStatus,
    cost_of_plan,
    service_of,
)
from ordermesh.routing.domain.batch.verification import find_batch_faults
from ordermesh.routing.domain.rates import declared_costs
from tests.routing.batches import column, draw_small


@pytest.mark.parametrize("name", RULES)
@pytest.mark.parametrize("seed", range(4))
def test_every_rule_makes_a_plan_that_the_verifier_accepts(name: str, seed: int) -> None:
    batch = draw_small(seed, orders=30, locations=5)

    location = decide_by(batch, RULES[name])

    plan = BatchPlan(location, cost_of_plan(batch, location), 0, column([]), BatchStatus.FEASIBLE)
    assert find_batch_faults(batch, plan, with_bound=False) == []


def test_the_list_is_asked_before_the_neighbour() -> None:
    batch = _two_lines(kilometres=[3_000, 20, 900], held=[[0, 1], [0, 1], [0, 1]])

    assert decide_by(batch, fixed_priority_list).tolist() == [0, 0]
    assert decide_by(batch, nearest_single).tolist() == [1, 1]


def test_the_nearest_that_has_all_is_taken_before_nearer_ones_that_have_some() -> None:
    batch = _two_lines(kilometres=[900, 20, 30], held=[[0, 1], [0], [1]])

    assert decide_by(batch, nearest_single).tolist() == [0, 0]


def test_the_fewest_splits_are_found_where_ranking_covers_with_more() -> None:
    # The first covers most; the other two cover all of it without the first.
    batch = _lines(4, [300, 310, 320], [[1, 2], [0, 1], [2, 3]])

    assert sorted(set(decide_by(batch, fewest_splits).tolist())) == [1, 2]
    assert len(set(decide_by(batch, static_ranking).tolist())) == 3


def test_the_cheapest_per_line_does_not_see_that_one_place_has_both() -> None:
    batch = _two_lines(kilometres=[20, 500, 30], held=[[0], [0, 1], [1]])

    assert decide_by(batch, cheapest_per_line).tolist() == [0, 2]


def test_what_an_order_took_is_gone_for_the_next() -> None:
    batch = _two_lines(kilometres=[20, 500, 30], held=[[0, 1], [0, 1], []], orders=2)

    assert decide_by(batch, nearest_single).tolist() == [0, 0, 1, 1]


def test_what_nobody_has_is_left_and_charged() -> None:
    batch = _two_lines(kilometres=[20, 500, 30], held=[[0], [], []])

    location = decide_by(batch, nearest_single)

    assert location.tolist() == [0, LEFT]
    assert service_of(batch, location).unfilled_units == 1
    assert service_of(batch, location).penalties == 260_000


def test_late_lines_days_and_parcels_are_counted() -> None:
    batch = _two_lines(kilometres=[20, 4_000, 30], held=[[0], [1], []])
    batch = replace(batch, orders=replace(batch.orders, promise_days=column([2])))

    found = service_of(batch, decide_by(batch, nearest_single))

    assert (found.extra_parcels, found.split_orders) == (1, 1)
    assert found.days == 6.0
    assert found.late == 0.5


def _two_lines(kilometres: list[int], held: list[list[int]], orders: int = 1) -> Batch:
    return _lines(2, kilometres, held, orders)


def _lines(lines: int, kilometres: list[int], held: list[list[int]], orders: int = 1) -> Batch:
    """Orders of one unit of each item; each location holds one of some items."""
    rows = sorted((item, place) for place, items in enumerate(held) for item in items)
    places = len(kilometres)
    return Batch(
        name="lines",
        costs=declared_costs(),
        locations=Locations(
            ids=tuple(f"L{place}" for place in range(places)),
            pick_fee=column([14_000] * places),
            labor_per_unit=column([4_500] * places),
            handling_days=column([1] * places),
            capacity=column([NO_LIMIT] * places),
        ),
        items=Items(tuple(f"S{item}" for item in range(lines)), column([1_000] * lines)),
        stock=Stock(
            column([item for item, _ in rows]),
            column([place for _, place in rows]),
            column([1] * len(rows)),
            column([0] * len(rows)),
        ),
        orders=Orders(
            tuple(f"O{order}" for order in range(orders)),
            column([0] * orders),
            column([-1] * orders),
            column([lines * order for order in range(orders + 1)]),
        ),
        atoms=Atoms(
            column(list(range(lines)) * orders),
            column(list(range(lines)) * orders),
            column([1] * lines * orders),
            column([260_000] * lines * orders),
        ),
        distance_km=np.array([kilometres], np.int64),
    )
