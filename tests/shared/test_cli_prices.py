"""What `ordermesh prices` shows."""

import io
from datetime import UTC, datetime

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from rich.console import Console, Group

from ordermesh.api.routing.v1 import (
    ForecastAccuracy,
    LaborPrice,
    PriceSet,
    StockPrice,
    StockSuggestion,
)
from ordermesh.cli.pricing import labor_table, set_table, stock_table, suggestion_table


def shown(group: Group) -> str:
    console = Console(file=io.StringIO(), width=160)
    console.print(group)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def usd(units: int, cents: int = 0) -> Money:
    return Money(currency_code="USD", units=units, nanos=cents * 10_000_000)


def made(**fields: object) -> PriceSet:
    time = Timestamp()
    time.FromDatetime(datetime(2026, 11, 25, 17, 5, tzinfo=UTC))
    usual = {
        "version": 7,
        "create_time": time,
        "strength_permille": 500,
        "currency_code": "USD",
        "horizon": Duration(seconds=7 * 86_400),
        "orders": 1_200,
        "days": 56,
        "futures": 4,
        "orders_ahead": 150,
        "cause": "changed: network",
    }
    return PriceSet(**{**usual, **fields})  # type: ignore[arg-type]


def test_a_version_is_shown_with_how_good_its_forecast_was() -> None:
    accuracy = ForecastAccuracy(error=0.613, naive_error=0.702, bias=-0.021, days=28)
    words = shown(set_table(made(accuracy=accuracy)))

    for told in (
        "Prices, version 7",
        "2026-11-25 17:05 UTC: changed: network",
        "50 % now",
        "1200 orders over 56 days",
        "7.0 days, 4 futures of 150 orders",
        "off by 61% of all units",
        "over 28 days",
        "70%",
        "-2% in all",
    ):
        assert told in words
    assert "too few days" in shown(set_table(made()))


def test_units_and_hours_are_shown_with_what_they_are_worth() -> None:
    mug = StockPrice(
        sku="MUG[b]",
        location_id="S-1",
        price=usd(1, 25),
        units=3,
        last_unit_worth=usd(2, 5),
        next_unit_worth=usd(0, 90),
        missing_permille=2_400,
    )
    words = shown(stock_table([mug], "USD"))
    for told in ("MUG[b]", "S-1", "1.25", "2.05", "0.90", "2.4"):
        assert told in words

    work = LaborPrice(location_id="DC-1", price=usd(0, 40), units=12, hour_worth=usd(18))
    free = LaborPrice(location_id="DC-2", price=usd(0, 10))
    words = shown(labor_table([work, free], "USD"))
    for told in ("DC-1", "12", "0.40", "18.00", "DC-2", "0.10"):
        assert told in words


def test_suggestions_name_where_units_come_from_or_that_they_are_bought() -> None:
    moved = StockSuggestion(
        kind=StockSuggestion.KIND_TRANSFER,
        sku="MUG",
        from_location_id="DC-1",
        to_location_id="S-1",
        units=4,
        value=usd(9, 50),
    )
    bought = StockSuggestion(
        kind=StockSuggestion.KIND_REPLENISHMENT,
        sku="LAMP",
        to_location_id="S-2",
        units=2,
        value=usd(3),
    )
    words = shown(suggestion_table([moved, bought], made()))
    for told in ("DC-1", "S-1", "9.50", "a supplier", "S-2", "3.00", "within 7.0 days"):
        assert told in words
