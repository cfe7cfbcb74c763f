"""A year of baskets of general merchandise, read from the committed extract in time order."""

import importlib.resources
import itertools
from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from ordermesh.sample.columns import Packed, unpack

NOT_PROMOTED = "0"
"""The code of a display or mailer in which the product was not, or of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Product:
    """What was sold, in the source's words; a word that the source lacks is empty."""

    product_id: int
    department: str
    brand: str
    category: str
    kind: str
    package_size: str


@dataclass(frozen=True, slots=True)
class BasketLine:
    """One product in one basket. Amounts are in cents and for the whole line.

    ``sales_cents`` is what the retailer received. The discounts were taken off before: that of
    the loyalty card, of a manufacturer's coupon, and of the retailer's match of such a coupon.
    A quantity of 0 occurs in the source. ``display`` and ``mailer`` are the source's codes of the
    promotion in that store and week.
    """

    product: Product
    quantity: int
    sales_cents: int
    loyalty_discount_cents: int
    coupon_discount_cents: int
    coupon_match_cents: int
    display: str
    mailer: str


@dataclass(frozen=True, slots=True)
class Basket:
    """What one household bought at one store in one visit; ``number`` is its place in time."""

    number: int
    time: datetime
    household_id: int
    store_id: int
    lines: tuple[BasketLine, ...]


class Baskets:
    """The extract: products by popularity, and baskets in time order, made as they are read.

    ``columns`` are for those who count rather than read. There is one number per basket in
    ``basket_time`` (seconds since 1970), ``basket_household``, ``basket_store`` and
    ``basket_line_count``; one per line, basket after basket, in ``line_product`` (its place in
    ``products``), ``line_quantity``, ``line_sales_value``, ``line_retail_disc``,
    ``line_coupon_disc``, ``line_coupon_match_disc``, ``line_display_location`` and
    ``line_mailer_location``.
    """

    def __init__(self, packed: Packed) -> None:
        self.columns: Mapping[str, array[int]] = packed.columns
        self._words = cast("Mapping[str, list[str]]", packed.notes["words"])
        self.products: tuple[Product, ...] = tuple(
            itertools.starmap(
                Product,
                zip(
                    self.columns["product_id"],
                    *(
                        self._spelled(f"product_{name}", name)
                        for name in (
                            "department",
                            "brand",
                            "product_category",
                            "product_type",
                            "package_size",
                        )
                    ),
                    strict=True,
                ),
            )
        )

    def __len__(self) -> int:
        """The number of baskets."""
        return len(self.columns["basket_time"])

    def __iter__(self) -> Iterator[Basket]:
        """Every basket, the earliest first."""
        lines = self._lines()
        baskets = zip(
            self.columns["basket_time"],
            self.columns["basket_household"],
            self.columns["basket_store"],
            self.columns["basket_line_count"],
            strict=True,
        )
        for number, (seconds, household_id, store_id, line_count) in enumerate(baskets):
            yield Basket(
                number=number,
                time=datetime.fromtimestamp(seconds, UTC),
                household_id=household_id,
                store_id=store_id,
                lines=tuple(itertools.islice(lines, line_count)),
            )

    def _lines(self) -> Iterator[BasketLine]:
        return itertools.starmap(
            BasketLine,
            zip(
                map(self.products.__getitem__, self.columns["line_product"]),
                self.columns["line_quantity"],
                self.columns["line_sales_value"],
                self.columns["line_retail_disc"],
                self.columns["line_coupon_disc"],
                self.columns["line_coupon_match_disc"],
                self._spelled("line_display_location", "display_location"),
                self._spelled("line_mailer_location", "mailer_location"),
                strict=True,
            ),
        )

    def _spelled(self, column: str, words: str) -> Iterator[str]:
        return map(self._words[words].__getitem__, self.columns[column])


def read_baskets() -> Baskets:
    """The committed extract."""
    place = importlib.resources.files("ordermesh.sample").joinpath("baskets.xz")
    return Baskets(unpack(place.read_bytes()))
