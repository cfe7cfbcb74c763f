"""What will come: levels from what came, drawn futures, and prices: what a unit more is worth."""

from dataclasses import replace

import numpy as np
import pytest

from ordermesh.routing.bench.online import measure_online
from ordermesh.routing.bench.streams import Asked, Forecast, draw_stream
from ordermesh.routing.domain.batch.cells import NEVER, cells_of
from ordermesh.routing.domain.batch.instance import NO_LIMIT, Batch, Integers
from ordermesh.routing.domain.foresight.futures import weights_of, with_orders
from ordermesh.routing.domain.foresight.levels import back_test, levels_of, season_of
from ordermesh.routing.solver.batch.foresight import (
    charged,
    mean_prices,
    myopic_total,
    one_by_one,
    price_max,
    prices_of,
)
from ordermesh.routing.solver.batch.searching import Search
from tests.routing.batches import column, draw_small, optimum

CENTS = 100
"""Money is in 1e-4: so many make a cent."""


def test_what_was_never_asked_for_has_no_level_and_what_always_was_has_its_size() -> None:
    asked = np.array([[0, 3], [0, 3], [0, 3]], np.int64)

    assert levels_of(asked).units.tolist() == pytest.approx([0.0, 3.0])
    assert levels_of(np.zeros((0, 2), np.int64)).units.tolist() == [0.0, 0.0]


def test_what_is_not_asked_for_any_more_fades_with_every_period() -> None:
    began = [[4]] * 5
    levels = [
        float(levels_of(np.array([*began, *[[0]] * silent], np.int64)).units[0])
        for silent in range(6)
    ]

    assert levels == sorted(levels, reverse=True)
    assert levels[5] < 0.6 * levels[0]


def test_a_level_is_the_smoothed_chance_times_the_smoothed_size() -> None:
    asked = np.array([[2], [0], [4], [0]], np.int64)
    # From the means, a half and 3: chance and size go a tenth of the way to each period.
    chance, size = 0.5, 3.0
    for units in (2, 0, 4, 0):
        chance += 0.1 * ((units > 0) - chance)
        size += 0.1 * (units - size) if units else 0.0

    assert levels_of(asked).units[0] == pytest.approx(chance * size)


def test_a_new_item_takes_a_part_of_its_categorys_level_and_the_category_keeps_its_own() -> None:
    asked = np.array([[6, 0, 0]] * 8, np.int64)

    alone = levels_of(asked).units
    shared = levels_of(asked, ["TEA", "TEA", "NAILS"]).units

    assert shared[1] > 0
    assert shared[2] == 0
    assert shared[:2].sum() == pytest.approx(alone[:2].sum())


def test_a_season_is_taken_out_and_put_back_and_promotions_scale_items() -> None:
    asked = np.array([[1, 2], [3, 6]] * 6, np.int64)
    season = season_of(asked, 2)

    levels = levels_of(asked, season=np.tile(season, 6))

    assert season.tolist() == pytest.approx([0.5, 1.5])
    assert levels.at(season[0]).tolist() == pytest.approx([1.0, 2.0])
    assert levels.at(season[1], {1: 2.0}).tolist() == pytest.approx([3.0, 12.0])


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(ValueError, match="none negative"):
        levels_of(np.array([[-1]], np.int64))
    with pytest.raises(ValueError, match="above 0"):
        levels_of(np.array([[1]], np.int64), season=np.array([0.0]))
    with pytest.raises(ValueError, match="not negative"):
        levels_of(np.array([[1]], np.int64)).at(1.0, {0: -2.0})


def test_a_back_test_knows_only_what_was_before() -> None:
    steady = np.array([[5, 0]] * 10, np.int64)
    ended = np.array([[5, 0]] * 10 + [[0, 5]] * 10, np.int64)

    assert back_test(steady, 4).error == pytest.approx(0.0)
    told = back_test(ended, 4)
    assert told.periods == 16
    # What has ended fades faster than a mean of all periods does.
    assert 0 < told.error < told.naive_error


def test_orders_are_drawn_so_that_items_come_as_their_levels_say() -> None:
    order = np.array([0, 1, 1, 2], np.int64)
    item = np.array([0, 0, 1, 1], np.int64)
    units = np.ones(4, np.int64)

    weights = weights_of(order, item, units, np.array([3.0, 1.0]), 3)

    assert weights.sum() == pytest.approx(1.0)
    assert weights[0] > weights[1] > weights[2]
    drawn = np.bincount(item, weights=units * weights[order])
    assert drawn[0] / drawn.sum() == pytest.approx(0.75, abs=0.02)


def test_some_orders_of_a_batch_cost_what_they_cost_in_a_batch_of_their_own() -> None:
    batch = draw_small(3, orders=10)
    cells = cells_of(batch)
    chosen = np.array([7, 2, 2, 9], np.int64)
    groups = np.array([0, 1, 0, 1], np.int64)
    places = len(batch.locations.ids)
    room = np.concatenate([batch.stock.units, batch.locations.capacity, batch.locations.capacity])

    some = with_orders(cells, chosen, groups, places, room)

    plenty = np.full(len(room), 10**6, np.int64)
    picks, total = one_by_one(some, plenty.copy(), np.zeros(len(room), np.int64))
    alone = [
        one_by_one(
            with_orders(cells, np.array([one]), np.zeros(1, np.int64), places, room),
            plenty.copy(),
            np.zeros(len(room), np.int64),
        )[1]
        for one in chosen.tolist()
    ]
    assert total == sum(alone)
    used = some.row_location[picks[picks >= 0]]
    order = np.repeat(np.arange(4), np.diff(some.first_atom))[picks >= 0]
    assert (used // places == groups[order]).all()
    assert myopic_total(cells, batch.capacities) == Search(batch, cells, 1, map).myopic().total


def test_what_is_charged_is_the_price_of_the_stock_and_what_is_gone_cannot_be_sent() -> None:
    batch = draw_small(5)
    cells = cells_of(batch)
    prices = np.arange(len(batch.stock.units), dtype=np.int64) * 10
    left = batch.stock.units.copy()
    left[0] = 0

    paid = charged(cells, prices, left)

    there = paid.cell_cost < NEVER
    assert not (cells.cell_stock[there] == 0).any()
    more = paid.cell_cost[there] - cells.cell_cost[there]
    assert (more % prices[cells.cell_stock[there]].clip(1) == 0).all()
    assert more.max() > 0


def test_futures_are_averaged_and_none_is_dearer_than_going_elsewhere() -> None:
    cells = cells_of(draw_small(1))

    assert mean_prices([column([0, 40, 9_000]), column([10, 20, 1])], 3_000).tolist() == [
        5,
        30,
        3_000,
    ]
    assert price_max(cells, 5 * cells.orders * 700) == 700


def single_units(seed: int) -> Batch:
    """Each order wants one unit, and only stock is short: the programme has no gap."""
    batch = draw_small(seed, orders=14, locations=3, skus=3, atoms=1)
    ones = np.ones(len(batch.atoms.units), np.int64)
    room = np.full(len(batch.locations.ids), NO_LIMIT, np.int64)
    return replace(
        batch,
        atoms=replace(batch.atoms, units=ones),
        locations=replace(batch.locations, capacity=room),
        stock=replace(batch.stock, units=np.minimum(batch.stock.units, 3)),
    )


def with_units(batch: Batch, row: int, more: int) -> Batch:
    units: Integers = batch.stock.units.copy()
    units[row] += more
    return replace(batch, stock=replace(batch.stock, units=units))


@pytest.mark.parametrize("seed", range(6))
def test_a_price_is_what_one_unit_more_saves_and_one_less_costs_when_solved_again(
    seed: int,
) -> None:
    batch = single_units(seed)
    prices = prices_of(cells_of(batch), batch.capacities, 2_000)
    cost = optimum(batch).found
    assert cost is not None

    priced = 0
    for row in range(len(batch.stock.units)):
        richer = optimum(with_units(batch, row, 1)).found
        assert richer is not None
        assert cost - richer <= prices[row] + 5 * CENTS
        if batch.stock.units[row] > 1:
            poorer = optimum(with_units(batch, row, -1)).found
            assert poorer is not None
            assert prices[row] <= poorer - cost + 5 * CENTS
            priced += int(prices[row] > 5 * CENTS)
    assert (prices >= 0).all()
    if seed == 0:
        # Not only what is worth nothing was looked at.
        assert priced > 0


def test_a_stream_is_the_same_every_time_and_knows_nothing_of_what_comes() -> None:
    asked = Asked(orders=60, periods=3, seeds=1)
    one, other = draw_stream(asked, 4), draw_stream(asked, 4)

    assert one.batch.orders.ids == other.batch.orders.ids
    assert len(one.batch.orders.ids) == 5 * 60
    assert one.history == 4 * 60
    assert [len(one.orders_of(period)) for period in range(3)] == [20, 20, 20]


def test_a_small_stream_is_decided_within_stock_and_labor_and_above_the_bound() -> None:
    found = measure_online(Asked(orders=90, periods=3, seeds=1))

    above = found["above_bound"]
    assert isinstance(above, dict)
    assert all(share >= 0 for share in above.values())
    assert above["waves priced"] <= above["nearest single"]
    assert found["costs"] == "illustrative"
    closed, least = found["gap_closed"], found["gap_closed_least"]
    assert isinstance(closed, float)
    assert closed == least == found["gap_closed_most"]
    assert found["gap_closed_deviation"] == 0
    # What is not closed is lost somewhere, to the last share of it.
    lost = [found[name] for name in ("lost_knowing_all", "lost_by_policy", "lost_by_forecast")]
    assert all(isinstance(share, float) for share in lost)
    assert sum(map(float, map(str, lost))) == pytest.approx(1 - closed, abs=1e-3)
    assert 0 <= float(str(lost[0])) <= 1


def test_what_a_forecast_draws_was_before_and_what_nobody_knows_came_after() -> None:
    stream = draw_stream(Asked(orders=60, periods=3, seeds=1), 4)
    random = np.random.default_rng(1)

    drawn = Forecast.of(stream).drawn(0, 500, random)
    true = stream.true_future(0, 0, random)

    assert drawn.max() < stream.history
    assert true.tolist() == [*stream.orders_of(1).tolist(), *stream.orders_of(2).tolist()]
    assert stream.true_future(2, 0, random).tolist() == []
