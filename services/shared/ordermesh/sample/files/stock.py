"""``stock.csv``: units of each item at each location, one pair a line."""

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

from ordermesh.sample.files.sheets import Column, Reading, Sheet
from ordermesh.sample.nouns import Item, Location, StockRow

COLUMNS = (
    Column("sku", "the item; a kit has no stock of its own", required=True),
    Column("location_id", "where it is; each pair of item and location once", required=True),
    Column("quantity", "units on hand", required=True),
)
_QUANTITY_MAX = 1_000_000_000


def read_stock(
    path: Path,
    items: Collection[Item] | None = None,
    locations: Collection[Location] | None = None,
) -> Reading[StockRow]:
    """The stock of this file; items and locations are checked where they are given.

    Raises ``OSError`` when the file cannot be read.
    """
    sheet = Sheet(path, COLUMNS)
    is_kit = None if items is None else {item.sku: bool(item.components) for item in items}
    places = None if locations is None else {location.location_id for location in locations}
    rows: list[StockRow] = []
    lines: dict[tuple[str, str], int] = {}
    for record in sheet.records():
        row = StockRow(
            sku=record.identity("sku"),
            location_id=record.identity("location_id"),
            quantity=record.whole("quantity", most=_QUANTITY_MAX),
        )
        if row.sku and is_kit is not None and row.sku not in is_kit:
            record.refuse("sku", "is not an item that is known")
        elif is_kit is not None and is_kit.get(row.sku):
            record.refuse("sku", "is a kit: stock is kept of its components")
        if row.location_id and places is not None and row.location_id not in places:
            record.refuse("location_id", "is not a location that is known")
        first = lines.setdefault((row.sku, row.location_id), record.line)
        if row.sku and row.location_id and first != record.line:
            record.refuse("sku", f"is on line {first} already for this location")
        if not record.is_refused:
            rows.append(row)
    return sheet.reading(rows)


def stock_cells(rows: Iterable[StockRow]) -> Iterator[tuple[object, ...]]:
    """The cells of each row, in the order of ``COLUMNS``."""
    for row in rows:
        yield row.sku, row.location_id, row.quantity
