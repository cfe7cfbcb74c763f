import importlib.resources
import itertools
from datetime import UTC, datetime

import pytest

from ordermesh.sample.baskets import Baskets, read_baskets


@pytest.fixture(scope="module")
def baskets() -> Baskets:
    return read_baskets()


def test_the_extract_is_at_most_three_megabytes() -> None:
    packed = importlib.resources.files("ordermesh.sample").joinpath("baskets.xz").read_bytes()

    assert len(packed) <= 3_000_000


def test_the_extract_holds_what_its_readme_says(baskets: Baskets) -> None:
    lines = baskets.columns["basket_line_count"]

    assert len(baskets) == 74_442
    assert len(baskets.products) == 27_786
    assert sum(lines) == len(baskets.columns["line_product"]) == 184_687
    assert round(sum(lines) / len(baskets), 2) == 2.48
    assert len(set(baskets.columns["basket_household"])) == 2_417
    assert len(set(baskets.columns["basket_store"])) == 358


def test_baskets_come_in_time_order_and_are_numbered(baskets: Baskets) -> None:
    first = list(itertools.islice(baskets, 2_000))

    assert [basket.number for basket in first] == list(range(2_000))
    assert all(one.time <= other.time for one, other in itertools.pairwise(first))
    assert first[0].time == datetime(2017, 1, 1, 13, 28, 35, tzinfo=UTC)


def test_every_line_is_read_once_and_every_basket_has_one(baskets: Baskets) -> None:
    read = list(baskets)

    assert all(basket.lines for basket in read)
    assert sum(len(basket.lines) for basket in read) == 184_687
    assert read[-1].time == datetime(2018, 1, 1, 3, 50, 3, tzinfo=UTC)


def test_a_basket_says_what_was_bought_where_and_for_how_much(baskets: Baskets) -> None:
    last = list(baskets)[-1]

    assert (last.household_id, last.store_id) == (679, 447)
    assert [
        (line.product.product_id, line.product.kind, line.quantity, line.sales_cents)
        for line in last.lines
    ] == [(909086, "CHEWING GUM", 2, 198), (14025548, "CHEWING GUM", 1, 79)]
    assert [line.loyalty_discount_cents for line in last.lines] == [0, 20]


def test_promotions_are_known_for_a_part_of_the_lines(baskets: Baskets) -> None:
    lines = [line for basket in baskets for line in basket.lines]

    assert {line.display for line in lines} == set("012345679A")
    assert {line.mailer for line in lines} == set("0ACDFHJLX")
    assert 0.05 < sum(line.display != "0" for line in lines) / len(lines) < 0.15


def test_products_come_by_popularity(baskets: Baskets) -> None:
    sold = [0] * len(baskets.products)
    for product in baskets.columns["line_product"]:
        sold[product] += 1

    assert sold == sorted(sold, reverse=True)
    assert sold[-1] >= 1
    assert baskets.products[0].kind == "CANDY BARS (SINGLES)(INCLUDING"
    assert len({product.product_id for product in baskets.products}) == len(baskets.products)
