import enum
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.kernel.money import Money
from ordermesh.sample.files.sheets import (
    Record,
    Refusal,
    amount,
    decimal,
    instant_text,
    is_printable,
    joined,
)


class Colour(enum.StrEnum):
    """What a thing looks like."""

    GREY = "GREY"
    RED = "RED"


def record(cell: str) -> tuple[Record, list[Refusal]]:
    refusals: list[Refusal] = []
    return Record("things.csv", 2, {"cell": cell}, refusals), refusals


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("", "is missing"),
        ("one", "is not a whole number"),
        ("1.0", "is not a whole number"),
        ("1e3", "is not a whole number"),
        ("1,000", "is not a whole number"),
        ("1_000", "is not a whole number"),
        ("+1", "is not a whole number"),
        ("0x10", "is not a whole number"),
        ("１２", "is not a whole number"),
        ("1 2", "is not a whole number"),
        ("nan", "is not a whole number"),
        ("-1", "is negative"),
        ("101", "is not in 0 to 100"),
        ("9" * 5_000, "is not between 0 and 100"),
        ("-" + "9" * 5_000, "is not between 0 and 100"),
    ],
)
def test_what_is_no_whole_number_of_the_range_is_refused(cell: str, why: str) -> None:
    one, refusals = record(cell)

    one.whole("cell", most=100)

    assert one.is_refused
    assert [refusal.why for refusal in refusals] == [why]
    assert len(refusals[0].value) <= 80


@pytest.mark.parametrize(("cell", "number"), [("0", 0), ("-0", 0), ("007", 7), ("100", 100)])
def test_a_whole_number_of_the_range_is_taken(cell: str, number: int) -> None:
    one, refusals = record(cell)

    assert one.whole("cell", most=100) == number
    assert refusals == []


@pytest.mark.parametrize(
    ("cell", "money"),
    [("0", 0), ("12.5", 125_000), ("0.0001", 1), ("999999999999", 9999999999990000)],
)
def test_an_amount_is_taken_exactly(cell: str, money: int) -> None:
    one, refusals = record(cell)

    assert one.money("cell") == money
    assert refusals == []


@pytest.mark.parametrize(
    "cell",
    ["", "-1", "-", "$5", "1,50", "1.00001", ".5", "5.", "1e2", "NaN", "Infinity", "9" * 13, "1 "],
)
def test_what_is_no_amount_is_refused(cell: str) -> None:
    one, refusals = record(cell)

    assert one.money("cell") == 0
    assert len(refusals) == 1


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("91", "is not between -90 and 90"),
        ("-90.01", "is not between -90 and 90"),
        ("nan", "is not a number such as 41.88"),
        ("inf", "is not a number such as 41.88"),
        ("4_1", "is not a number such as 41.88"),
        ("41,88", "is not a number such as 41.88"),
        ("41.88N", "is not a number such as 41.88"),
        ("1e1", "is not a number such as 41.88"),
    ],
)
def test_what_is_no_number_of_degrees_is_refused(cell: str, why: str) -> None:
    one, refusals = record(cell)

    one.degrees("cell", 90.0)

    assert [refusal.why for refusal in refusals] == [why]


@pytest.mark.parametrize(
    ("north", "east", "place", "refused"),
    [
        ("41.88", "-87.63", (41.88, -87.63), []),
        ("", "", None, []),
        ("41.88", "", None, ["east"]),
        ("", "-87.63", None, ["north"]),
    ],
)
def test_a_place_has_both_numbers_or_none(
    north: str, east: str, place: tuple[float, float] | None, refused: list[str]
) -> None:
    refusals: list[Refusal] = []
    one = Record("things.csv", 2, {"north": north, "east": east}, refusals)

    assert one.place("north", "east") == place
    assert [refusal.column for refusal in refusals] == refused


@pytest.mark.parametrize(
    ("cell", "instant"),
    [
        ("2026-11-27T09:30:00Z", datetime(2026, 11, 27, 9, 30, tzinfo=UTC)),
        ("2026-11-27 04:30:00-05:00", datetime(2026, 11, 27, 9, 30, tzinfo=UTC)),
        ("2026-11-27T09:30:00.250+00:00", datetime(2026, 11, 27, 9, 30, 0, 250_000, tzinfo=UTC)),
    ],
)
def test_an_instant_is_taken_in_utc(cell: str, instant: datetime) -> None:
    one, refusals = record(cell)

    assert one.instant("cell") == instant
    assert one.instant("cell").tzinfo is UTC
    assert refusals == []


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("", "is missing"),
        ("2026-11-27T09:30:00", "has no offset from UTC, such as Z or -05:00"),
        ("2026-11-27", "has no offset from UTC, such as Z or -05:00"),
        ("11/27/2026 09:30", "is not a time such as 2026-11-27T09:30:00Z"),
        ("2026-02-30T09:30:00Z", "is not a time such as 2026-11-27T09:30:00Z"),
        ("0001-01-01T00:00:00+14:00", "is not a time such as 2026-11-27T09:30:00Z"),
        ("1764235800", "is not a time such as 2026-11-27T09:30:00Z"),
        ("soon", "is not a time such as 2026-11-27T09:30:00Z"),
    ],
)
def test_what_is_no_instant_is_refused(cell: str, why: str) -> None:
    one, refusals = record(cell)

    one.instant("cell")

    assert [refusal.why for refusal in refusals] == [why]


def test_several_values_are_distinct_and_not_empty() -> None:
    one, refusals = record(" new ; sale;;")

    assert one.several("cell", most=2) == ("new", "sale")
    assert refusals == []


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("a;b;c", "has more than 2 values"),
        ("a;a", "names a value twice"),
        ("x" * 129, "has a value of more than 128 characters"),
        ("a\tb", "has a character that cannot be printed"),
    ],
)
def test_values_that_break_a_limit_are_refused(cell: str, why: str) -> None:
    one, refusals = record(cell)

    one.several("cell", most=2)

    assert [refusal.why for refusal in refusals] == [why]


@pytest.mark.parametrize(
    ("cell", "why"),
    [
        ("", "is missing"),
        ("x" * 129, "has more than 128 characters"),
        ("A\x00B", "has a character that cannot be printed"),
        ("A\nB", "has a character that cannot be printed"),
        ("A\u200bB", "has a character that cannot be printed"),
        ("A\u2028B", "has a character that cannot be printed"),
        ("A\ue000B", "has a character that cannot be printed"),
        ("A\udce9B", "is not UTF-8"),
    ],
)
def test_what_is_no_id_is_refused(cell: str, why: str) -> None:
    one, refusals = record(cell)

    one.identity("cell")

    assert [refusal.why for refusal in refusals] == [why]


@pytest.mark.parametrize("cell", ["A", "x" * 128, "gid://shop/Order/1", "#1001", "Käse 7", "鞄"])
def test_an_id_is_any_printable_text(cell: str) -> None:
    one, refusals = record(cell)

    assert one.identity("cell") == cell
    assert refusals == []


@pytest.mark.parametrize("cell", ["us", "USA", "U", "", "U1"])
def test_what_is_no_country_code_is_refused(cell: str) -> None:
    one, refusals = record(cell)

    one.country("cell")

    assert [refusal.why for refusal in refusals] == ["is not a country code such as US"]


def test_a_word_is_one_of_those_that_are_known() -> None:
    one, refusals = record("RED")

    assert one.choice("cell", Colour) is Colour.RED
    assert one.choices("cell", Colour) == (Colour.RED,)
    assert refusals == []


@pytest.mark.parametrize(("cell", "why"), [("", "is missing"), ("red", "is not one of GREY, RED")])
def test_a_word_that_is_not_known_is_refused(cell: str, why: str) -> None:
    one, refusals = record(cell)

    one.choice("cell", Colour)

    assert [refusal.why for refusal in refusals] == [why]


@pytest.mark.parametrize("cell", ["", "true", "1", "YES", "y"])
def test_what_is_neither_yes_nor_no_is_refused(cell: str) -> None:
    one, refusals = record(cell)

    assert one.yes("cell") is False
    assert [refusal.why for refusal in refusals] == ["is neither yes nor no"]


def test_a_refusal_reads_as_a_sentence() -> None:
    assert (
        str(Refusal("stock.csv", 3, "quantity", "-5", "is negative"))
        == "stock.csv, line 3, quantity: '-5' is negative"
    )


@given(st.integers(min_value=0, max_value=10**15))
def test_an_amount_that_is_written_is_read_as_it_was(money: int) -> None:
    one, refusals = record(amount(Money(money)))

    assert one.money("cell") == money
    assert refusals == []


@given(st.floats(min_value=-180, max_value=180))
def test_degrees_that_are_written_are_read_as_they_were(number: float) -> None:
    one, refusals = record(decimal(round(number, 12)))

    assert one.degrees("cell", 180.0) == round(number, 12)
    assert refusals == []


@given(st.datetimes(timezones=st.just(UTC)))
def test_an_instant_that_is_written_is_read_as_it_was(instant: datetime) -> None:
    one, refusals = record(instant_text(instant))

    assert one.instant("cell") == instant
    assert refusals == []


def test_a_value_with_a_semicolon_cannot_be_written() -> None:
    assert joined(["a", "b"]) == "a;b"
    with pytest.raises(ValueError, match="'a;b' cannot be written"):
        joined(["a;b"])


def test_letters_of_any_language_can_be_printed_and_control_characters_cannot() -> None:
    assert is_printable("Größe 5 – Ω 鞄 👜")
    assert is_printable("no-break\u00a0space")
    assert not any(
        is_printable(text) for text in ("\x7f", "a\u00ad", "\ufeff", "é\n", "\U000e0001")
    )
