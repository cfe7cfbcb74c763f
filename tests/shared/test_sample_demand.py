from collections import Counter

import numpy as np
import pytest

from ordermesh.sample.baskets import Baskets, read_baskets
from ordermesh.sample.columns import Packed, pack, unpack
from ordermesh.sample.demand import NOT_SENT_IN_PARCELS, Demand, draw_demand, item_count


@pytest.fixture(scope="module")
def baskets() -> Baskets:
    return read_baskets()


@pytest.fixture(scope="module")
def demand(baskets: Baskets) -> Demand:
    return draw_demand(np.random.default_rng(7), baskets, 3_000, 4_000)


def small_shop(*lines_of_baskets: list[tuple[int, int, int]]) -> Baskets:
    """Baskets of (product, quantity, cents); of four products the last is not sent in parcels."""
    lines = [line for lines in lines_of_baskets for line in lines]
    nothing = [0] * len(lines)
    columns = {
        "basket_time": list(range(len(lines_of_baskets))),
        "basket_household": [1] * len(lines_of_baskets),
        "basket_store": [1] * len(lines_of_baskets),
        "basket_line_count": [len(lines) for lines in lines_of_baskets],
        "line_product": [product for product, _, _ in lines],
        "line_quantity": [quantity for _, quantity, _ in lines],
        "line_sales_value": [cents for _, _, cents in lines],
        "line_retail_disc": [10 * quantity for _, quantity, _ in lines],
        "line_coupon_disc": nothing,
        "line_coupon_match_disc": nothing,
        "line_display_location": nothing,
        "line_mailer_location": nothing,
        "product_id": [11, 12, 13, 14],
        "product_department": [0] * 4,
        "product_brand": [0] * 4,
        "product_product_category": [0, 0, 0, 1],
        "product_product_type": [0] * 4,
        "product_package_size": [0] * 4,
    }
    words: dict[str, object] = {
        name: ["SOAP", "FROZEN"]
        for name in (
            "department",
            "brand",
            "product_category",
            "product_type",
            "package_size",
            "display_location",
            "mailer_location",
        )
    }
    packed: Packed = unpack(pack({"words": words}, columns))
    return Baskets(packed)


@pytest.mark.parametrize(
    ("orders", "items"), [(1, 300), (750, 300), (1_000, 400), (10_000, 4_000), (90_000, 20_000)]
)
def test_two_items_are_carried_for_five_orders(orders: int, items: int) -> None:
    assert item_count(orders) == items


def test_as_many_orders_come_as_were_asked_for(demand: Demand) -> None:
    assert len(demand.orders) == 3_000
    assert len({(order.basket, order.part) for order in demand.orders}) == 3_000


def test_orders_come_in_time_order(demand: Demand) -> None:
    places = [(order.basket, order.part) for order in demand.orders]

    assert places == sorted(places)


def test_only_parcels_are_sold(baskets: Baskets, demand: Demand) -> None:
    categories = {baskets.products[place].category for place in demand.products}

    assert categories.isdisjoint(NOT_SENT_IN_PARCELS)
    assert "CANDY - CHECKLANE" in categories


def test_every_category_that_is_not_sold_is_one_of_the_extract(baskets: Baskets) -> None:
    assert {product.category for product in baskets.products} >= NOT_SENT_IN_PARCELS


def test_no_order_is_wider_than_six_lines_or_asks_for_more_than_three(demand: Demand) -> None:
    assert {len(order.lines) for order in demand.orders} == {1, 2, 3, 4, 5, 6}
    assert {line.quantity for order in demand.orders for line in order.lines} == {1, 2, 3}


def test_an_order_names_an_item_once(demand: Demand) -> None:
    assert all(
        len({line.item for line in order.lines}) == len(order.lines) for order in demand.orders
    )


def test_widths_are_near_those_of_the_whole_extract_when_most_items_are_carried(
    baskets: Baskets,
) -> None:
    wide = draw_demand(np.random.default_rng(3), baskets, 20_000, 20_000)
    widths = Counter(len(order.lines) for order in wide.orders)

    for width, share in enumerate((0.47, 0.22, 0.12, 0.07, 0.04, 0.08), start=1):
        assert widths[width] / 20_000 == pytest.approx(share, abs=0.03)


def test_divisible_lines_are_a_part_of_those_with_several_units(demand: Demand) -> None:
    lines = [line for order in demand.orders for line in order.lines]
    several = [line for line in lines if line.quantity > 1]

    assert not any(line.divisible for line in lines if line.quantity == 1)
    assert sum(line.divisible for line in several) / len(several) == pytest.approx(0.15, abs=0.03)


def test_promises_are_two_three_or_five_days(demand: Demand) -> None:
    days = Counter(order.promise_days for order in demand.orders)

    assert [days[2] / 3_000, days[3] / 3_000, days[5] / 3_000] == pytest.approx(
        [0.3, 0.4, 0.3], abs=0.03
    )


def test_units_and_lines_are_counted_by_item(demand: Demand) -> None:
    lines = [line for order in demand.orders for line in order.lines]

    assert demand.lines_by_item().sum() == len(lines)
    assert demand.units_by_item().sum() == sum(line.quantity for line in lines)
    assert len(demand.lines_by_item()) == len(demand.units_by_item()) == 4_000


def test_the_start_is_drawn(baskets: Baskets) -> None:
    starts = {
        draw_demand(np.random.default_rng(seed), baskets, 5, 300).orders[0].basket
        for seed in range(5)
    }

    assert len(starts) == 5


def test_a_wide_basket_becomes_several_orders() -> None:
    shop = small_shop([(0, 1, 100), (1, 1, 100), (2, 1, 100)] * 3)

    drawn = draw_demand(np.random.default_rng(1), shop, 2, 3)

    assert [(order.basket, order.part, len(order.lines)) for order in drawn.orders] == [
        (0, 1, 6),
        (0, 2, 3),
    ]


def test_what_was_not_bought_or_is_not_sold_leaves_the_basket() -> None:
    shop = small_shop([(3, 1, 100)], [(0, 0, 0), (1, 2, 500), (2, 9, 900)], [(0, 1, 100)])

    (first,) = draw_demand(np.random.default_rng(1), shop, 1, 3).orders[:1]
    both = draw_demand(np.random.default_rng(1), shop, 2, 3).orders

    assert first.basket in (1, 2)
    assert [(order.basket, len(order.lines)) for order in both] == [(1, 2), (2, 1)]
    assert [(line.item, line.quantity) for line in both[0].lines] == [(1, 2), (2, 3)]


def test_prices_are_for_one_unit_of_all_that_were_bought() -> None:
    shop = small_shop([(0, 3, 200), (1, 9, 900)], [(2, 1, 50)])

    drawn = draw_demand(np.random.default_rng(1), shop, 2, 3)

    assert [line.unit_price for line in drawn.orders[0].lines] == [6_667, 10_000]
    assert drawn.prices.tolist() == [7_667, 11_000, 6_000]


def test_the_usual_price_is_the_lower_median() -> None:
    shop = small_shop([(0, 1, 400)], [(0, 1, 100)], [(0, 1, 200)], [(0, 1, 300)])

    assert draw_demand(np.random.default_rng(1), shop, 4, 1).prices.tolist() == [21_000]


def test_more_orders_than_there_are_baskets_are_refused(baskets: Baskets) -> None:
    with pytest.raises(ValueError, match="gives between 1 and 25482 orders, not 30000"):
        draw_demand(np.random.default_rng(1), baskets, 30_000, 300)


@pytest.mark.parametrize("orders", [0, -1])
def test_no_orders_are_refused(baskets: Baskets, orders: int) -> None:
    with pytest.raises(ValueError, match=f"not {orders}"):
        draw_demand(np.random.default_rng(1), baskets, orders, 300)


def test_more_items_than_are_sold_are_refused(baskets: Baskets) -> None:
    with pytest.raises(ValueError, match="items to sell, not 27786"):
        draw_demand(np.random.default_rng(1), baskets, 10, 27_786)
