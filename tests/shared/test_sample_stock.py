import numpy as np
import pytest

from ordermesh.sample.stock import Ordered, draw_capacities, draw_stock, hub_shares

SHARES = hub_shares(np.array([0.09, 0.08, 0.04, 0.14, 0.13, 0.08, 0.06, 0.08, 0.22, 0.08]))
CENTRES = len(SHARES)


def ordered(items: int = 800, busiest: int = 400) -> Ordered:
    """Items of which ever fewer are ordered, down to none."""
    lines = np.floor(busiest / np.arange(1, items + 1)).astype(np.int64)
    return Ordered(lines=lines, units=lines + lines // 3, hub_shares=SHARES, store_count=200)


def test_shares_of_centres_follow_the_people_and_leave_none_out() -> None:
    shares = hub_shares(np.array([1.0, 0.0]))

    assert shares.tolist() == pytest.approx([1.03 / 1.06, 0.03 / 1.06])


def test_an_items_rank_is_its_place_by_lines() -> None:
    few = Ordered(
        lines=np.array([2, 9, 2, 5]),
        units=np.array([2, 9, 2, 5]),
        hub_shares=SHARES,
        store_count=1,
    )

    assert few.ranks().tolist() == [0.5, 0.0, 0.75, 0.25]


@pytest.mark.parametrize(("ratio", "start"), [(15.0, 10.0), (4.6, 3.0), (1.7, 1.0)])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_total_stock_is_within_three_percent_of_the_wanted_ratio(
    ratio: float, start: float, seed: int
) -> None:
    wanted = ordered(busiest=4_000)

    stocked = draw_stock(np.random.default_rng(seed), wanted, ratio, start)

    assert stocked.units.sum() / wanted.units.sum() == pytest.approx(ratio, rel=0.03)


def test_the_same_state_gives_the_same_stock_and_leaves_the_same_state() -> None:
    one, other = np.random.default_rng(5), np.random.default_rng(5)

    first, second = (draw_stock(random, ordered(), 4.6, 3.0) for random in (one, other))

    assert (first.units == second.units).all()
    assert one.random() == other.random()


def test_the_search_leaves_the_state_that_its_result_comes_from() -> None:
    searched, direct = np.random.default_rng(5), np.random.default_rng(5)

    found = draw_stock(searched, ordered(), 4.6, 3.0)
    again = draw_stock(direct, ordered(), 4.6, found.looseness)

    assert (found.units == again.units).all()
    assert searched.random() == direct.random()


def test_a_ratio_that_cannot_be_reached_gives_the_nearest() -> None:
    mostly_unsold = ordered(items=3_000, busiest=5)

    stocked = draw_stock(np.random.default_rng(1), mostly_unsold, 1.7, 1.0)

    assert stocked.units.sum() / mostly_unsold.units.sum() > 1.7 * 1.03


def test_no_cell_is_negative_and_stores_hold_few_units() -> None:
    units = draw_stock(np.random.default_rng(1), ordered(), 15.0, 10.0).units

    assert units.shape == (800, CENTRES + 200)
    assert units.min() == 0
    assert units[:, CENTRES:].max() < 20


def test_popular_items_lie_in_more_places() -> None:
    places = (draw_stock(np.random.default_rng(1), ordered(), 4.6, 3.0).units > 0).sum(axis=1)

    assert places[:40].mean() > 2 * places[400:].mean()


def test_all_but_flash_items_cover_what_was_ordered() -> None:
    wanted = ordered(busiest=40_000)

    units = draw_stock(np.random.default_rng(1), wanted, 1.7, 1.0).units.sum(axis=1)
    short = units < wanted.units

    assert 0 < short.sum() <= round(0.05 * len(units))
    assert (units[short] >= np.floor(0.85 * wanted.units[short])).all()


def test_an_item_that_lies_nowhere_is_raised_in_two_centres_at_most() -> None:
    rare = Ordered(
        lines=np.full(200, 1),
        units=np.full(200, 30),
        hub_shares=SHARES,
        store_count=1,
    )

    units = draw_stock(np.random.default_rng(1), rare, 1.3, 1e-9).units

    assert (units.sum(axis=1) >= 25).all()
    assert (units[:, :CENTRES] > 0).sum(axis=1).min() <= 2


def test_capacities_are_drawn_around_the_units_ordered() -> None:
    wanted = ordered(busiest=4_000)
    total = int(wanted.units.sum())

    capacities = draw_capacities(np.random.default_rng(1), wanted)

    centres, stores = capacities[:CENTRES], capacities[CENTRES:]
    assert (centres >= 0.80 * 0.8 * total * SHARES).all()
    assert (centres <= 0.80 * 1.25 * total * SHARES + 1).all()
    assert (stores >= 0.45 * 0.4 * total / 200).all()
    assert (stores <= 0.45 * 1.8 * total / 200 + 1).all()


def test_every_store_can_handle_two_units() -> None:
    assert draw_capacities(np.random.default_rng(1), ordered(busiest=1))[CENTRES:].min() == 2
