from collections.abc import Callable
from pathlib import Path

import pytest

from ordermesh.kernel.money import from_decimal
from ordermesh.sample.files.sheets import Refusal
from ordermesh.sample.files.stock import read_stock
from ordermesh.sample.nouns import (
    Item,
    KitComponent,
    Location,
    LocationType,
    PostalAddress,
    StockRow,
    Unit,
)

Write = Callable[[str], Path]


def item(sku: str, *components: KitComponent) -> Item:
    """An item, or a kit of these components."""
    return Item(
        sku=sku,
        name=sku.capitalize(),
        department="",
        unit=Unit.EACH,
        weight_grams=900,
        size=None,
        tags=(),
        handling=(),
        price=from_decimal("1"),
        components=components,
    )


ITEMS = (item("RETRO-BROOM"), item("GIFT", KitComponent("RETRO-BROOM", 2)))
LOCATIONS = tuple(
    Location(
        location_id=location_id,
        name=location_id,
        type=LocationType.STORE,
        address=PostalAddress("US", "IL", "Joliet", "60436"),
        latitude=41.4884,
        longitude=-88.1572,
        time_zone="America/Chicago",
    )
    for location_id in ("DC-1", "3PL-1")
)


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a file and says where."""

    def written(text: str) -> Path:
        path = tmp_path / "file.csv"
        path.write_text(text, encoding="utf-8")
        return path

    return written


def told(refusals: tuple[Refusal, ...]) -> list[tuple[int, str, str]]:
    """Line, column and reason of each."""
    return [(refusal.line, refusal.column, refusal.why) for refusal in refusals]


def test_stock_of_unknown_items_places_and_kits_is_refused(write: Write) -> None:
    read = read_stock(
        write(
            "sku,location_id,quantity\n"
            "RETRO-BROOM,DC-1,5\n"
            "BROOM,DC-1,5\n"
            "GIFT,DC-1,5\n"
            "RETRO-BROOM,DC-2,5\n"
            "RETRO-BROOM,DC-1,6\n"
            "RETRO-BROOM,3PL-1,-5\n"
            "RETRO-BROOM,3PL-1,1000000001\n"
            ",,\n"
            ",DC-1,1\n"
        ),
        ITEMS,
        LOCATIONS,
    )

    assert read.rows == (StockRow("RETRO-BROOM", "DC-1", 5),)
    assert told(read.refusals) == [
        (3, "sku", "is not an item that is known"),
        (4, "sku", "is a kit: stock is kept of its components"),
        (5, "location_id", "is not a location that is known"),
        (6, "sku", "is on line 2 already for this location"),
        (7, "quantity", "is negative"),
        (8, "quantity", "is not in 0 to 1000000000"),
        (8, "sku", "is on line 7 already for this location"),
        (10, "sku", "is missing"),
    ]


def test_stock_is_read_without_items_and_locations_too(write: Write) -> None:
    read = read_stock(write("sku,location_id,quantity\nA,B,0\n"))

    assert read == ((StockRow("A", "B", 0),), ())
