import time
from collections import Counter, defaultdict
from dataclasses import replace
from itertools import pairwise

import pytest

from ordermesh.kernel.money import from_decimal
from ordermesh.sample.nouns import FulfillmentMethod, Item, LocationType, Retailer, Unit
from ordermesh.sample.retailer import STOCK_RATIOS, Regime, build_retailer


@pytest.fixture(scope="module")
def retailer() -> Retailer:
    return build_retailer(1, 500)


@pytest.fixture(scope="module")
def large() -> Retailer:
    return build_retailer(4, 2_000, "scarce")


def kits(retailer: Retailer) -> list[Item]:
    return [item for item in retailer.items if item.components]


def test_the_same_seed_gives_the_same_retailer(retailer: Retailer) -> None:
    assert build_retailer(1, 500) == retailer


def test_another_seed_gives_other_stores_orders_and_stock(retailer: Retailer) -> None:
    other = build_retailer(2, 500)

    assert other.locations[10:] != retailer.locations[10:]
    assert other.orders != retailer.orders
    assert other.stock != retailer.stock
    assert other.locations[:10] == retailer.locations[:10]


def test_two_thousand_orders_are_built_in_less_than_three_seconds_of_work() -> None:
    started = time.process_time()

    build_retailer(6, 2_000)

    assert time.process_time() - started < 3


def test_there_are_ten_centres_and_two_hundred_stores(retailer: Retailer) -> None:
    types = [location.type for location in retailer.locations]

    assert types == [LocationType.DISTRIBUTION_CENTER] * 10 + [LocationType.STORE] * 200
    assert len({location.location_id for location in retailer.locations}) == 210
    assert retailer.locations[0].location_id == "DC-ONTARIO-CA"
    assert retailer.locations[0].time_zone == "America/Los_Angeles"


def test_stores_are_where_the_people_are(large: Retailer) -> None:
    states = Counter(location.address.region for location in large.locations[10:])

    assert sum(states[state] for state in ("CA", "TX", "FL", "NY")) > 40
    assert states["WY"] <= 3


def test_every_location_fulfills_at_its_declared_cost(retailer: Retailer) -> None:
    assert [row.location_id for row in retailer.network] == [
        location.location_id for location in retailer.locations
    ]
    assert [row.priority for row in retailer.network] == list(range(1, 211))
    centre, store = retailer.network[0], retailer.network[10]
    assert centre.methods == store.methods == (FulfillmentMethod.SHIP,)
    assert (centre.pick_fee, centre.labor_cost_per_unit) == (14_000, 4_500)
    assert (store.pick_fee, store.labor_cost_per_unit) == (26_000, 11_000)
    assert all(row.capacity_units_per_day for row in retailer.network)
    assert {row.handling_days for row in retailer.network} == {1}


def test_items_have_weights_sizes_prices_and_tags(retailer: Retailer) -> None:
    assert len(retailer.items) - len(kits(retailer)) == 300
    for item in retailer.items[:300]:
        assert item.unit is Unit.EACH
        assert item.name
        assert 50 <= item.weight_grams <= 15_000
        assert item.size is not None
        assert item.size.length_millimetres >= item.size.height_millimetres >= 1
        assert item.price > 0
        assert len(set(item.tags)) == len(item.tags) == 2


def test_skus_are_distinct_text(retailer: Retailer) -> None:
    skus = [item.sku for item in retailer.items]

    assert len(set(skus)) == len(skus)
    assert skus[0] == "1080414"


def test_names_do_not_end_inside_a_bracket(retailer: Retailer) -> None:
    assert all(item.name.count("(") == item.name.count(")") for item in retailer.items)
    assert retailer.items[0].name == "Candy bars (singles), 1.6 oz"


@pytest.mark.parametrize("regime", ["calm", "peak", "scarce"])
@pytest.mark.parametrize("orders", [500, 2_000])
def test_stock_follows_the_regime(regime: Regime, orders: int) -> None:
    built = build_retailer(3, orders, regime)

    assert built.units_in_stock / built.units_ordered == pytest.approx(
        STOCK_RATIOS[regime], rel=0.03
    )


def test_stock_rows_are_positive_distinct_and_of_items_that_are_no_kits(
    retailer: Retailer,
) -> None:
    plain = {item.sku for item in retailer.items if not item.components}
    places = {location.location_id for location in retailer.locations}
    keys = [(row.sku, row.location_id) for row in retailer.stock]

    assert len(set(keys)) == len(keys)
    assert all(row.quantity > 0 for row in retailer.stock)
    assert {row.sku for row in retailer.stock} <= plain
    assert {row.location_id for row in retailer.stock} <= places


def test_stock_is_at_stores_and_centres(retailer: Retailer) -> None:
    units: Counter[bool] = Counter()
    for row in retailer.stock:
        units[row.location_id.startswith("DC-")] += row.quantity

    assert 0.3 < units[True] / units.total() < 0.8


def test_orders_come_in_time_order_with_distinct_ids(retailer: Retailer) -> None:
    orders = retailer.orders

    assert len(orders) == len({order.order_id for order in orders}) == 500
    assert all(one.order_time <= other.order_time for one, other in pairwise(orders))
    assert all(order.order_time.utcoffset() is not None for order in orders)


def test_a_household_keeps_its_home(large: Retailer) -> None:
    homes = defaultdict(set)
    for order in large.orders:
        homes[order.customer_id].add(order.destination)

    assert all(len(places) == 1 for places in homes.values())
    assert any(
        sum(order.customer_id == customer for order in large.orders) > 1 for customer in homes
    )


def test_lines_are_numbered_and_ask_for_items_of_the_retailer(retailer: Retailer) -> None:
    skus = {item.sku for item in retailer.items}

    for order in retailer.orders:
        assert [line.line_id for line in order.lines] == [
            str(number) for number in range(1, len(order.lines) + 1)
        ]
        assert {line.sku for line in order.lines} <= skus
        assert len({line.sku for line in order.lines}) == len(order.lines)


def test_only_lines_of_several_units_are_kept_together_or_not(large: Retailer) -> None:
    lines = [line for order in large.orders for line in order.lines]
    several = [line for line in lines if line.quantity > 1]

    assert not any(line.keep_together for line in lines if line.quantity == 1)
    assert {line.keep_together for line in several} == {True, False}


def test_kits_are_made_of_items_that_are_ordered_together(retailer: Retailer) -> None:
    made = kits(retailer)
    parts = [component.sku for kit in made for component in kit.components]
    prices = {item.sku: item.price for item in retailer.items}

    assert [len(kit.components) for kit in made] == [2, 2, 2, 1]
    assert made[-1].components[0].quantity == 3
    assert len(set(parts)) == len(parts)
    assert [kit.may_split for kit in made] == [False, True, False, True]
    for kit in made:
        assert kit.price == sum(prices[part.sku] * part.quantity for part in kit.components)
        assert any(line.sku == kit.sku for order in retailer.orders for line in order.lines)


def test_kits_change_nothing_but_the_lines_that_ask_for_them(retailer: Retailer) -> None:
    plain = build_retailer(1, 500, kits=0)

    assert plain.items == retailer.items[:300]
    assert plain.stock == retailer.stock
    assert plain.network == retailer.network
    assert plain.units_ordered == retailer.units_ordered
    assert [replace(order, lines=()) for order in plain.orders] == [
        replace(order, lines=()) for order in retailer.orders
    ]


def test_an_order_with_a_kit_costs_what_its_lines_did(retailer: Retailer) -> None:
    plain = build_retailer(1, 500, kits=0)
    made = {kit.sku for kit in kits(retailer)}
    with_kits = [
        (one, other)
        for one, other in zip(retailer.orders, plain.orders, strict=True)
        if any(line.sku in made for line in one.lines)
    ]

    assert len(with_kits) >= 4
    for one, other in with_kits:
        assert sum(line.quantity * line.unit_price for line in one.lines) == sum(
            line.quantity * line.unit_price for line in other.lines
        )


def test_more_items_make_wider_orders(retailer: Retailer) -> None:
    wide = build_retailer(1, 500, items=4_000)

    assert len(wide.items) - len(kits(wide)) == 4_000
    assert sum(len(order.lines) for order in wide.orders) > sum(
        len(order.lines) for order in retailer.orders
    )


def test_the_retailer_says_how_it_was_made_and_that_its_costs_are_illustrative(
    retailer: Retailer,
) -> None:
    assert retailer.currency_code == "USD"
    assert retailer.facts["seed"] == 1
    assert retailer.facts["regime"] == "peak"
    assert retailer.facts["costs"] == "illustrative"
    assert retailer.facts["stock_ratio"] == round(
        retailer.units_in_stock / retailer.units_ordered, 3
    )


def test_few_orders_leave_more_stock_than_the_regime_says() -> None:
    few = build_retailer(1, 50, "scarce")

    assert few.units_in_stock / few.units_ordered > 1.03 * STOCK_RATIOS["scarce"]


def test_an_unknown_regime_is_refused() -> None:
    with pytest.raises(ValueError, match="one of calm, peak, scarce, not busy"):
        build_retailer(1, 500, "busy")  # type: ignore[arg-type]  # what is tested


def test_prices_are_in_ten_thousandths(retailer: Retailer) -> None:
    assert from_decimal("0.59") == retailer.items[0].price
