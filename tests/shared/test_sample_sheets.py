from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ordermesh.sample.files.sheets import (
    Column,
    Refusal,
    Sheet,
)

COLUMNS = (
    Column("sku", "the item", required=True),
    Column("quantity", "how many", required=True),
    Column("colour", "what it looks like", default="grey"),
)


def read(path: Path, content: bytes) -> tuple[list[tuple[str, str, str]], list[str]]:
    """The raw cells of every record, and the refusals without the name of the file."""
    path.write_bytes(content)
    sheet = Sheet(path, COLUMNS)
    rows = [(each.raw("sku"), each.raw("quantity"), each.raw("colour")) for each in sheet.records()]
    return rows, [str(refusal).removeprefix(f"{path}, ") for refusal in sheet.refusals]


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "things.csv"


@pytest.mark.parametrize(
    "content",
    [
        b"sku,quantity,colour\nA,1,red\n",
        b"sku,quantity,colour\nA,1,red",
        b"sku,quantity,colour\r\nA,1,red\r\n",
        b"sku,quantity,colour\rA,1,red\r",
        b"\xef\xbb\xbfsku,quantity,colour\nA,1,red\n",
        b'"sku","quantity","colour"\n"A","1","red"\n',
        b"colour,sku,quantity\nred,A,1\n",
        b" SKU , Quantity,COLOUR\n A , 1 ,red \n",
        b"\n\nsku,quantity,colour\n\nA,1,red\n,,\n\n",
        b"sku,quantity,colour\nA,1,red,,,\n",
    ],
)
def test_the_same_record_is_read_however_the_file_is_written(file: Path, content: bytes) -> None:
    assert read(file, content) == ([("A", "1", "red")], [])


def test_quoted_cells_hold_commas_quotes_and_line_breaks(file: Path) -> None:
    rows, refusals = read(file, b'sku,quantity,colour\n"A,""B""",1,"red\nand grey"\nC,2,red\n')

    assert rows == [('A,"B"', "1", "red\nand grey"), ("C", "2", "red")]
    assert refusals == []


def test_an_empty_cell_and_a_column_that_is_not_there_stand_for_the_default(file: Path) -> None:
    assert read(file, b"sku,quantity\nA,1\n") == ([("A", "1", "grey")], [])
    assert read(file, b"sku,quantity,colour\nA,1,\n") == ([("A", "1", "grey")], [])


def test_a_header_alone_is_a_file_without_records(file: Path) -> None:
    assert read(file, b"sku,quantity,colour\n") == ([], [])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf", b",,\n"])
def test_an_empty_file_is_refused(file: Path, content: bytes) -> None:
    assert read(file, content) == (
        [],
        ["line 1: the file is empty: its first line names the columns"],
    )


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("sku,quantity\nA,1\n".encode("utf-16"), "the file is UTF-16: save it as UTF-8"),
        (
            b"PK\x03\x04\x14\x00\x00\x00",
            "the file is a spreadsheet or an archive: save it as CSV",
        ),
        (b"\x1f\x8b\x08\x00\x00", "the file is compressed: unpack it first"),
    ],
)
def test_what_is_no_text_is_named(file: Path, content: bytes, why: str) -> None:
    assert read(file, content) == ([], [f"line 1: {why}"])


def test_a_file_without_a_required_column_is_not_read(file: Path) -> None:
    rows, refusals = read(file, b"colour\nred\n")

    assert rows == []
    assert refusals == [
        "line 1, sku: is missing from the header: nothing is read",
        "line 1, quantity: is missing from the header: nothing is read",
    ]


def test_a_file_with_another_separator_is_not_read(file: Path) -> None:
    rows, refusals = read(file, b"sku;quantity\nA;1\n")

    assert rows == []
    assert refusals[0] == "line 1, sku;quantity: is not a known column: it is not read"


def test_a_column_named_twice_is_refused_with_the_file(file: Path) -> None:
    assert read(file, b"sku,quantity,SKU\nA,1,B\n") == ([], ["line 1, sku: names a column twice"])


def test_an_unknown_column_is_refused_and_the_others_are_read(file: Path) -> None:
    rows, refusals = read(file, b"sku,size,quantity\nA,XL,1\n")

    assert rows == [("A", "1", "grey")]
    assert refusals == ["line 1, size: is not a known column: it is not read"]


def test_a_column_without_a_name_is_refused_and_the_others_are_read(file: Path) -> None:
    rows, refusals = read(file, b"sku,quantity,,\nA,1,x,y\n")

    assert rows == [("A", "1", "grey")]
    assert refusals == ["line 1: is not a known column: it is not read"]


def test_a_record_with_more_or_fewer_cells_is_refused_and_the_next_is_read(file: Path) -> None:
    rows, refusals = read(file, b"sku,quantity,colour\nA,1\nB,2,red,big\nC,3,red\n")

    assert rows == [("C", "3", "red")]
    assert refusals == [
        "line 2: has 2 cells where the header has 3",
        "line 3: has 4 cells where the header has 3",
    ]


def test_lines_are_counted_as_an_editor_does(file: Path) -> None:
    _, refusals = read(file, b'sku,quantity,colour\n\n"A\nB",1,red\nC\n')

    assert refusals == ["line 5: has 1 cells where the header has 3"]


def test_a_broken_quote_refuses_its_record_alone(file: Path) -> None:
    rows, refusals = read(file, b'sku,quantity,colour\n"A"x,1,red\nB,2,red\n')

    assert rows == [("B", "2", "red")]
    assert refusals == ["""line 2: cannot be read as CSV: ',' expected after '"'"""]


def test_a_quote_that_is_never_closed_is_refused_where_it_opens(file: Path) -> None:
    rows, refusals = read(file, b'sku,quantity,colour\nA,1,red\n"B,2,red\nC,3,red\n')

    assert rows == [("A", "1", "red")]
    assert refusals == ["line 3: cannot be read as CSV: unexpected end of data"]


def test_a_quote_that_swallows_a_large_file_ends_the_reading(file: Path) -> None:
    rows, refusals = read(file, b'sku,quantity,colour\n"A,1,red\n' + b"B,2,red\n" * 50_000)

    assert rows == []
    assert refusals == [
        "line 2: cannot be read as CSV: field larger than field limit (131072)",
        "line 2: nothing is read from here on",
    ]


def test_cells_that_are_not_utf_8_are_refused_alone(file: Path) -> None:
    file.write_bytes("sku,quantity,colour\nCafé,1,red\nB,2,red\n".encode("latin-1"))
    sheet = Sheet(file, COLUMNS)

    read_cells = [(each.identity("sku"), each.is_refused) for each in sheet.records()]

    assert [refused for _, refused in read_cells] == [True, False]
    assert sheet.refusals == [Refusal(str(file), 2, "sku", "Caf\\xe9", "is not UTF-8")]


def test_a_file_that_is_not_there_is_an_error_of_the_machine(file: Path) -> None:
    with pytest.raises(FileNotFoundError):
        list(Sheet(file, COLUMNS).records())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_no_bytes_can_break_the_reading(file: Path, content: bytes) -> None:
    file.write_bytes(b"sku,quantity,colour\n" + content)
    sheet = Sheet(file, COLUMNS)

    for record in sheet.records():
        record.identity("sku")
        record.whole("quantity", most=10)
        record.several("colour", most=2)

    assert all(str(refusal).encode() for refusal in sheet.refusals)
