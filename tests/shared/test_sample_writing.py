from dataclasses import replace
from datetime import UTC, datetime
from importlib.resources import files as resources
from pathlib import Path

import pytest

from ordermesh.kernel.money import from_decimal
from ordermesh.sample.files import items, network, orders, stock
from ordermesh.sample.files.items import read_items
from ordermesh.sample.files.network import read_network
from ordermesh.sample.files.orders import read_orders
from ordermesh.sample.files.sheets import Column
from ordermesh.sample.files.stock import read_stock
from ordermesh.sample.files.writing import write_csv
from ordermesh.sample.nouns import (
    Destination,
    FulfillmentMethod,
    Handling,
    Item,
    KitComponent,
    Location,
    LocationType,
    NetworkLocation,
    Order,
    OrderLine,
    PostalAddress,
    Retailer,
    Size,
    StockRow,
    Unit,
)
from ordermesh.sample.retailer import build_retailer

BROOM = Item(
    sku="RETRO-BROOM",
    name='Broom, 12", "classic"',
    department="Home",
    unit=Unit.EACH,
    weight_grams=900,
    size=Size(1200, 300, 80),
    tags=("home", "slow"),
    handling=(Handling.OVERSIZE, Handling.FRAGILE),
    price=from_decimal("12.3456"),
)
RIBBON = Item(
    sku="RIBBON:RED",
    name="Rotes Band für Geschenke",
    department="",
    unit=Unit.MILLIMETRE,
    weight_grams=0,
    size=None,
    tags=(),
    handling=(),
    price=from_decimal("0.0001"),
)
GIFT = Item(
    sku="GIFT",
    name="Broom with a ribbon",
    department="Home",
    unit=Unit.EACH,
    weight_grams=900,
    size=None,
    tags=("kit",),
    handling=(),
    price=from_decimal("13"),
    components=(KitComponent("RETRO-BROOM", 1), KitComponent("RIBBON:RED", 1500)),
    may_split=True,
)
CENTRE = Location(
    location_id="DC-1",
    name="Centre",
    type=LocationType.DISTRIBUTION_CENTER,
    address=PostalAddress("US", "IL", "Joliet", "60436", ("1 Main Street", "Dock 7")),
    latitude=41.4884,
    longitude=-88.1572,
    time_zone="America/Chicago",
    tags=("owned",),
)
ABROAD = Location(
    location_id="3PL-1",
    name="Berlin",
    type=LocationType.THIRD_PARTY_LOGISTICS,
    address=PostalAddress("DE", "", "Berlin", "10115"),
    latitude=52.53,
    longitude=1e-05,
    time_zone="Europe/Berlin",
)
FULFILLING = (
    NetworkLocation(
        "DC-1", (FulfillmentMethod.SHIP,), 1, from_decimal("1.40"), from_decimal("0.45"), 500, 1
    ),
    NetworkLocation("3PL-1", (), 0, from_decimal("0"), from_decimal("2"), None, 0),
)
ORDERED = Order(
    order_id="#1001",
    channel="amazon",
    channel_order_id="113-1",
    customer_id="C-7",
    order_time=datetime(2026, 11, 27, 12, 0, tzinfo=UTC),
    destination=Destination("US", "NY", "00501", 40.8, -73.0),
    promise_days=2,
    lines=(
        OrderLine("a", "GIFT", 1, from_decimal("13"), keep_together=False),
        OrderLine("b", "RETRO-BROOM", 3, from_decimal("11.99"), keep_together=True),
    ),
)
UNPLACED = Order(
    order_id="#1002",
    channel="web",
    channel_order_id="#1002",
    customer_id="",
    order_time=datetime(2026, 11, 27, 12, 0, 1, 500_000, tzinfo=UTC),
    destination=Destination("DE", "", "10115", None, None),
    promise_days=0,
    lines=(OrderLine("1", "RIBBON:RED", 250, from_decimal("0"), keep_together=False),),
)
RETAILER = Retailer(
    currency_code="EUR",
    items=(BROOM, RIBBON, GIFT),
    locations=(CENTRE, ABROAD),
    network=FULFILLING,
    stock=(StockRow("RETRO-BROOM", "DC-1", 5), StockRow("RIBBON:RED", "3PL-1", 0)),
    orders=(ORDERED, UNPLACED),
    facts={},
)


def test_a_retailer_that_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    paths = write_csv(RETAILER, tmp_path / "new" / "folder")

    read = read_items(paths[0])
    places = read_network(paths[1])
    rows = read_stock(paths[2], read.rows, [location for location, _ in places.rows])
    wanted = read_orders(paths[3], read.rows)

    assert [path.name for path in paths] == ["items.csv", "network.csv", "stock.csv", "orders.csv"]
    assert read == (RETAILER.items, ())
    assert places == (tuple(zip(RETAILER.locations, RETAILER.network, strict=True)), ())
    assert rows == (RETAILER.stock, ())
    assert wanted == (RETAILER.orders, ())


def test_the_sample_retailer_that_is_written_is_read_as_it_was(tmp_path: Path) -> None:
    sample = build_retailer(1, 500)

    paths = write_csv(sample, tmp_path)

    assert read_items(paths[0]) == (sample.items, ())
    assert read_network(paths[1]) == (
        tuple(zip(sample.locations, sample.network, strict=True)),
        (),
    )
    assert read_stock(paths[2], sample.items, sample.locations) == (sample.stock, ())
    assert read_orders(paths[3], sample.items) == (sample.orders, ())


def test_the_same_retailer_gives_the_same_bytes(tmp_path: Path) -> None:
    once = [path.read_bytes() for path in write_csv(RETAILER, tmp_path)]

    assert [path.read_bytes() for path in write_csv(RETAILER, tmp_path)] == once


def test_a_tag_with_a_semicolon_cannot_be_written(tmp_path: Path) -> None:
    broken = replace(RETAILER, items=(replace(BROOM, tags=("a;b",)),))

    with pytest.raises(ValueError, match="'a;b' cannot be written"):
        write_csv(broken, tmp_path)


@pytest.mark.parametrize("columns", [items.COLUMNS, network.COLUMNS, stock.COLUMNS, orders.COLUMNS])
def test_every_column_is_explained_in_the_readme(columns: tuple[Column, ...]) -> None:
    readme = resources("ordermesh.sample").joinpath("README.md").read_text()

    for column in columns:
        default = f"`{column.default}`" if column.default else ""
        last = "required" if column.required else default
        assert f"| `{column.name}` | {column.meaning} | {last} |" in readme
