"""Writes a retailer as CSV files, which are an example to copy and can be read back."""

import csv
from collections.abc import Iterable, Sequence
from pathlib import Path

from ordermesh.sample.files import items, network, orders, stock
from ordermesh.sample.files.sheets import Column
from ordermesh.sample.nouns import Retailer


def write_csv(retailer: Retailer, directory: Path) -> tuple[Path, ...]:
    """``items.csv``, ``network.csv``, ``stock.csv`` and ``orders.csv`` in this directory.

    The directory is made if need be, and files of these names are replaced. Raises ``ValueError``
    where a tag, an address line or a component holds a semicolon, and ``OSError`` when a file
    cannot be written.
    """
    directory.mkdir(parents=True, exist_ok=True)
    fulfilling = zip(retailer.locations, retailer.network, strict=True)
    return (
        _write(directory / "items.csv", items.COLUMNS, items.item_cells(retailer.items)),
        _write(directory / "network.csv", network.COLUMNS, network.network_cells(fulfilling)),
        _write(directory / "stock.csv", stock.COLUMNS, stock.stock_cells(retailer.stock)),
        _write(directory / "orders.csv", orders.COLUMNS, orders.order_cells(retailer.orders)),
    )


def _write(path: Path, columns: Sequence[Column], rows: Iterable[tuple[object, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in columns)
        writer.writerows(rows)
    return path
