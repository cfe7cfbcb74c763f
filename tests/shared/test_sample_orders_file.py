from collections.abc import Callable
from pathlib import Path

import pytest

from ordermesh.kernel.money import from_decimal
from ordermesh.sample.files.orders import read_orders
from ordermesh.sample.files.sheets import Refusal
from ordermesh.sample.nouns import (
    Destination,
    Item,
    KitComponent,
    Unit,
)

Write = Callable[[str], Path]

ORDER = "order_id,order_time,postal_code,sku,quantity,unit_price,{}\n"
NOON = "2026-11-27T12:00:00Z"


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


def test_lines_of_one_order_need_not_stand_together(write: Write) -> None:
    read = read_orders(
        write(
            ORDER.format("line_id")
            + f"1,{NOON},10001,A,1,1,\n2,{NOON},10001,A,1,1,x\n1,{NOON},10001,B,2,1,\n"
        )
    )

    assert read.refusals == ()
    assert [
        (order.order_id, [(line.line_id, line.sku) for line in order.lines]) for order in read.rows
    ] == [("1", [("1", "A"), ("2", "B")]), ("2", [("x", "A")])]
    assert read.rows[0].channel_order_id == "1"
    assert read.rows[0].destination == Destination("US", "", "10001", None, None)


def test_an_order_with_a_refused_line_is_left_out_whole(write: Write) -> None:
    read = read_orders(
        write(
            ORDER.format("promise_days")
            + f"1,{NOON},10001,A,1,1,2\n1,{NOON},10001,B,0,1,2\n2,{NOON},10001,A,1,1,2\n"
        )
    )

    assert [order.order_id for order in read.rows] == ["2"]
    assert told(read.refusals) == [
        (2, "order_id", "is left out: line 3 was refused"),
        (3, "quantity", "is not in 1 to 1000000"),
    ]


def test_what_belongs_to_the_order_is_the_same_on_each_line(write: Write) -> None:
    read = read_orders(
        write(ORDER.format("promise_days") + f"1,{NOON},10001,A,1,1,2\n1,{NOON},10002,B,1,1,3\n")
    )

    assert read.rows == ()
    assert told(read.refusals) == [
        (2, "order_id", "is left out: line 3 was refused"),
        (3, "postal_code", "differs from line 2 of the same order"),
        (3, "promise_days", "differs from line 2 of the same order"),
    ]


def test_a_line_id_stands_once_in_an_order(write: Write) -> None:
    read = read_orders(
        write(
            ORDER.format("line_id")
            + f"1,{NOON},10001,A,1,1,2\n1,{NOON},10001,B,1,1,\n2,{NOON},10001,B,1,1,2\n"
        )
    )

    assert [order.order_id for order in read.rows] == ["2"]
    assert told(read.refusals)[-1] == (3, "line_id", "2 is on line 2 already in this order")


def test_a_channels_id_belongs_to_one_order(write: Write) -> None:
    read = read_orders(
        write(
            ORDER.format("channel,channel_order_id")
            + f"1,{NOON},10001,A,1,1,amazon,X\n"
            + f"2,{NOON},10001,A,1,1,amazon,X\n"
            + f"3,{NOON},10001,A,1,1,ebay,X\n"
        )
    )

    assert [order.order_id for order in read.rows] == ["1", "3"]
    assert told(read.refusals)[0] == (
        3,
        "channel_order_id",
        "is on line 2 already for another order",
    )


def test_every_bad_cell_of_an_order_line_is_refused(write: Write) -> None:
    read = read_orders(
        write(
            ORDER.format("country_code,latitude,longitude,promise_days,keep_together")
            + ",yesterday,,,1e9,-5,us,1,,366,y\n"
            + f"2,{NOON},10001,UNKNOWN,99999999999999999999,1,US,,,0,no\n"
        ),
        ITEMS,
    )

    assert read.rows == ()
    assert {refusal.column for refusal in read.refusals if refusal.line == 2} == {
        "order_id",
        "order_time",
        "postal_code",
        "sku",
        "quantity",
        "unit_price",
        "country_code",
        "longitude",
        "promise_days",
        "keep_together",
    }
    assert told(read.refusals)[-3:] == [
        (3, "quantity", "is not between 1 and 1000000"),
        (3, "sku", "is not an item that is known"),
        (3, "order_id", "is left out: line 3 was refused"),
    ]


def test_an_order_of_too_many_lines_is_left_out(write: Write) -> None:
    lines = "".join(f"1,{NOON},10001,SKU-{number},1,1,\n" for number in range(501))

    read = read_orders(write(ORDER.format("line_id") + lines))

    assert read.rows == ()
    assert (502, "order_id", "has more than 500 lines") in told(read.refusals)
