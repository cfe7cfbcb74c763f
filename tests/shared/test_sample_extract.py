from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from numpy.typing import NDArray

from ordermesh.sample.baskets import Baskets
from ordermesh.sample.columns import unpack
from ordermesh.sample.extract import ArrowColumn, ArrowTable, extract

NOON = "2017-03-01T12:00:00"
LATER = "2017-03-01T12:00:05"


@dataclass(frozen=True)
class FakeColumn:
    """A column of the source that lies in memory."""

    values: Sequence[object]

    def to_numpy(self) -> NDArray[np.generic]:
        kind = "datetime64[ns]" if self.values and isinstance(self.values[0], str) else None
        return np.array(self.values, dtype=kind)

    def take(self, rows: NDArray[np.int64]) -> "FakeColumn":
        return FakeColumn([self.values[row] for row in rows.tolist()])

    def to_pylist(self) -> Sequence[object]:
        return self.values


@dataclass(frozen=True)
class FakeTable:
    """A table of the source that lies in memory."""

    columns: Mapping[str, Sequence[object]]

    def column(self, name: str) -> ArrowColumn:
        return FakeColumn(self.columns[name])


class FakeSource:
    """A shop that sells a broom, a lipstick and milk, and whose promotions name more than that."""

    def __init__(self) -> None:
        self.tables: dict[str, dict[str, list[object]]] = {
            "products": {
                "product_id": [5, 9, 7],
                "department": ["GROCERY", "COSMETICS", "DRUG GM"],
                "brand": ["Private", "National", "National"],
                "product_category": ["MILK", "MAKEUP", "BROOMS  AND MOPS"],
                "product_type": ["MILK", "LIPSTICK", None],
                "package_size": [None, "1 CT", "  1  EA "],
            },
            "transactions": {
                "household_id": [2, 2, 1, 1, 3],
                "store_id": [30, 30, 30, 30, 31],
                "basket_id": [200, 200, 100, 100, 300],
                "product_id": [9, 7, 9, 5, 7],
                "quantity": [1, 2, 1, 6, 0],
                "week": [9, 9, 9, 9, 10],
                "transaction_timestamp": [LATER, LATER, NOON, NOON, LATER],
                "sales_value": [4.99, 7.1, 0.29, 2.0, 0.0],
                "retail_disc": [0.0, 0.57, 0.0, 0.0, 0.0],
                "coupon_disc": [0.0, 0.0, 0.1, 0.0, 0.0],
                "coupon_match_disc": [0.0, 0.0, 0.05, 0.0, 0.0],
            },
            "promotions": {
                "product_id": [9, 9, 7, 8],
                "store_id": [30, 30, 30, 30],
                "week": [9, 9, 8, 9],
                "display_location": ["3", "0", "5", "1"],
                "mailer_location": ["0", "A", "D", "C"],
            },
        }

    def __call__(self, name: str, columns: Sequence[str]) -> ArrowTable:
        return FakeTable({column: self.tables[name][column] for column in columns})


def read(source: FakeSource) -> Baskets:
    return Baskets(unpack(extract(source, "0.0.0")))


def test_baskets_are_put_into_time_order_with_other_departments_left_out() -> None:
    found = list(read(FakeSource()))

    assert [(basket.household_id, basket.store_id) for basket in found] == [
        (1, 30),
        (2, 30),
        (3, 31),
    ]
    assert [[line.product.product_id for line in basket.lines] for basket in found] == [
        [9],
        [7, 9],
        [7],
    ]


def test_amounts_are_whole_cents() -> None:
    first, second, _ = read(FakeSource())

    assert first.lines[0].sales_cents == 29
    assert (first.lines[0].coupon_discount_cents, first.lines[0].coupon_match_cents) == (10, 5)
    assert (second.lines[0].sales_cents, second.lines[0].loyalty_discount_cents) == (710, 57)


def test_a_promotion_belongs_to_the_product_the_store_and_the_week() -> None:
    first, second, _ = read(FakeSource())

    assert (first.lines[0].display, first.lines[0].mailer) == ("3", "A")
    assert (second.lines[0].display, second.lines[0].mailer) == ("0", "0")


def test_words_have_single_spaces_and_missing_ones_are_empty() -> None:
    products = {product.product_id: product for product in read(FakeSource()).products}

    assert products[7].category == "BROOMS AND MOPS"
    assert (products[7].kind, products[7].package_size) == ("", "1 EA")


def test_the_order_of_the_source_does_not_matter() -> None:
    turned = FakeSource()
    for table in turned.tables.values():
        for column in table.values():
            column.reverse()

    assert extract(turned, "0.0.0") == extract(FakeSource(), "0.0.0")


def test_a_basket_of_two_instants_is_refused() -> None:
    source = FakeSource()
    source.tables["transactions"]["transaction_timestamp"][2:4] = [NOON, LATER]
    source.tables["transactions"]["product_id"][3] = 7
    source.tables["transactions"]["basket_id"][4] = 100

    with pytest.raises(ValueError, match="lines of several instants"):
        extract(source, "0.0.0")
