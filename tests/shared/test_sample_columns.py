import lzma

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordermesh.sample.columns import pack, unpack

NUMBERS = st.lists(st.integers(min_value=0, max_value=(1 << 32) - 1), max_size=50)


@settings(max_examples=25)
@given(NUMBERS, NUMBERS)
def test_columns_come_back_as_they_were_packed(one: list[int], other: list[int]) -> None:
    packed = unpack(pack({"note": "x"}, {"one": one, "other": other}))

    assert packed.notes == {"note": "x"}
    assert {name: list(column) for name, column in packed.columns.items()} == {
        "one": one,
        "other": other,
    }


@settings(max_examples=25)
@given(NUMBERS)
def test_a_column_of_differences_comes_back_as_it_was(numbers: list[int]) -> None:
    rising = sorted(numbers)

    packed = unpack(pack({}, {"time": rising}, differences=frozenset({"time"})))

    assert list(packed.columns["time"]) == rising


def test_the_same_columns_give_the_same_bytes() -> None:
    columns = {"one": [1, 70_000, 3], "other": [0]}

    assert pack({"b": 1, "a": 2}, columns) == pack({"a": 2, "b": 1}, columns)


@pytest.mark.parametrize("number", [-1, 1 << 32])
def test_a_number_that_does_not_fit_is_refused(number: int) -> None:
    with pytest.raises(ValueError, match="the column one holds a number"):
        pack({}, {"one": [number]})


def test_a_column_of_differences_that_falls_is_refused() -> None:
    with pytest.raises(ValueError, match="the column time holds a number below 0"):
        pack({}, {"time": [2, 1]}, differences=frozenset({"time"}))


@pytest.mark.parametrize(
    "damaged",
    [
        b"",
        b"not packed",
        lzma.compress(b"no header"),
        lzma.compress(b'{"format": "another"}\n'),
        lzma.compress(b"[]\n"),
        pack({}, {"one": [1, 2, 3]})[:-8],
    ],
)
def test_what_was_not_packed_is_refused(damaged: bytes) -> None:
    with pytest.raises(ValueError, match="packed file"):
        unpack(damaged)


def test_a_column_that_is_cut_short_is_refused() -> None:
    plain = lzma.decompress(pack({}, {"one": [1, 2, 3]}))

    with pytest.raises(ValueError, match="the column one is cut short"):
        unpack(lzma.compress(plain[:-1]))
