from collections.abc import Callable
from pathlib import Path

import pytest

from ordermesh.kernel.money import from_decimal
from ordermesh.sample.files.items import read_items
from ordermesh.sample.files.sheets import Refusal
from ordermesh.sample.nouns import (
    Item,
    KitComponent,
    Unit,
)

Write = Callable[[str], Path]

ITEM = "sku,name,weight_grams,price,components\n"


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


def test_an_item_needs_no_more_than_five_cells(write: Write) -> None:
    read = read_items(write(ITEM + "BROOM,Broom,900,12.50,\n"))

    assert read.refusals == ()
    assert read.rows == (
        Item(
            sku="BROOM",
            name="Broom",
            department="",
            unit=Unit.EACH,
            weight_grams=900,
            size=None,
            tags=(),
            handling=(),
            price=from_decimal("12.5"),
        ),
    )


def test_every_bad_cell_of_an_item_is_refused_and_the_next_item_is_read(write: Write) -> None:
    columns = "sku,name,unit,weight_grams,length_millimetres,handling,price,may_split\n"

    read = read_items(write(columns + ",,each,-1,x,WET,free,maybe\nB,Broom,EACH,1,,,1,no\n"))

    assert [item.sku for item in read.rows] == ["B"]
    assert told(read.refusals) == [
        (2, "sku", "is missing"),
        (2, "name", "is missing"),
        (2, "unit", "is not one of EACH, GRAM, MILLIMETRE, MILLILITRE"),
        (2, "weight_grams", "is negative"),
        (2, "length_millimetres", "is not a whole number"),
        (2, "width_millimetres", "is missing"),
        (2, "height_millimetres", "is missing"),
        (2, "handling", "is not one of HAZARDOUS, CHILLED, FROZEN, OVERSIZE, FRAGILE"),
        (2, "price", "is not an amount such as 12.50, with up to 4 decimals"),
        (2, "may_split", "is neither yes nor no"),
    ]
    assert read.refusals[0].file.endswith("file.csv")
    assert read.refusals[3].value == "-1"


def test_the_first_of_two_items_with_one_sku_is_kept(write: Write) -> None:
    read = read_items(write(ITEM + "A,First,1,1,\nA,Second,1,1,\nA,Third,1,1,\n"))

    assert [item.name for item in read.rows] == ["First"]
    assert told(read.refusals) == [
        (3, "sku", "is on line 2 already"),
        (4, "sku", "is on line 2 already"),
    ]


def test_a_kit_may_stand_before_its_components_and_comes_after_them(write: Write) -> None:
    read = read_items(write(ITEM + "K,Kit,1,1, A : 2 ;B:1\nA,A,1,1,\nB,B,1,1,\n"))

    assert read.refusals == ()
    assert [item.sku for item in read.rows] == ["A", "B", "K"]
    assert read.rows[2].components == (KitComponent("A", 2), KitComponent("B", 1))


@pytest.mark.parametrize(
    ("components", "why"),
    [
        ("A:2;A:3", "names A twice"),
        ("A:1;A:1", "names a value twice"),
        ("C:1", "names C, which is unknown or refused"),
        ("BAD:1", "names BAD, which is unknown or refused"),
        ("K:1", "names K, which is a kit"),
        ("L:1", "names L, which is a kit"),
        *(
            (wrong, "is not SKU:QUANTITY;SKU:QUANTITY with quantities from 1 to 1000000")
            for wrong in ("A", "A:", ":1", "A:0", "A:-1", "A:1.5", "A:1000001", "A:" + "9" * 90)
        ),
        ("A:²", "is not SKU:QUANTITY;SKU:QUANTITY with quantities from 1 to 1000000"),
    ],
)
def test_a_kit_is_made_of_items_of_the_file(write: Write, components: str, why: str) -> None:
    text = f"A,A,1,1,\nL,L,1,1,A:1\nBAD,,1,1,\nK,K,1,1,{components}\n"

    read = read_items(write(ITEM + text))

    assert [item.sku for item in read.rows] == ["A", "L"]
    assert [refusal for refusal in told(read.refusals) if refusal[0] == 5] == [
        (5, "components", why)
    ]
