from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.requests import TooManySerialNumbers
from ordermesh.inventory.domain.errors.reservation import LineNotFound
from ordermesh.inventory.domain.facts import Extra, Facts, with_facts
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.reservation import Draft, Line, LineState, Reservation
from tests.inventory.domain.moves import CUP, JAR, MUG

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def line(number: int, key: StockKey, quantity: int, line_id: str = "1", **more: object) -> Line:
    plain = Line(number, line_id, key, quantity, LineState.CONFIRMED)
    return replace(plain, **more)  # type: ignore[arg-type]  # fields by name


def draft(*lines: Line) -> Draft:
    return Draft(Reservation(UUID(int=7), "storefront", "X", NOON, lines, last_number=len(lines)))


def known(found: tuple[list[Line], list[Extra]]) -> list[tuple[int, str, tuple[str, ...]]]:
    return [(one.number, one.lot_id, one.serial_numbers) for one in found[0]]


def test_facts_are_about_a_line_and_any_of_its_items_or_the_one_that_is_named() -> None:
    pot = line(1, MUG, 1)

    assert Facts("1").covers(pot)
    assert Facts("1", "MUG").covers(pot)
    assert not Facts("1", "CUP").covers(pot)
    assert not Facts("2").covers(pot)
    assert not Facts("2", "MUG").covers(pot)


def test_serial_numbers_go_to_the_parts_in_their_order() -> None:
    parts = [line(1, MUG, 2), line(2, CUP, 1, "2"), line(3, JAR, 2)]

    found = with_facts(parts, [], [Facts("1", serial_numbers=("S1", "S2", "S3"))], draft(*parts))

    assert known(found) == [(1, "", ("S1", "S2")), (2, "", ()), (3, "", ("S3",))]


def test_as_many_serial_numbers_as_units_are_named_and_no_more() -> None:
    parts = [line(1, MUG, 2)]

    with_facts(parts, [], [Facts("1", serial_numbers=("S1", "S2"))], draft(*parts))
    with pytest.raises(TooManySerialNumbers) as refusal:
        with_facts(parts, [], [Facts("1", serial_numbers=("S1", "S2", "S3"))], draft(*parts))

    assert refusal.value.facts() == {"lineId": "1", "serialNumbers": "3", "units": "2"}


def test_facts_about_nothing_that_leaves_are_refused() -> None:
    parts = [line(1, MUG, 2)]

    with pytest.raises(LineNotFound) as refusal:
        with_facts(parts, [], [Facts("1", "CUP")], draft(*parts, line(2, CUP, 1)))

    assert refusal.value.facts()["lineId"] == "1"


def test_what_was_noted_before_and_is_not_said_again_stays() -> None:
    parts = [line(1, MUG, 2, lot_id="L1", serial_numbers=("S1", "S2"))]

    assert known(with_facts(parts, [], [], draft(*parts))) == [(1, "L1", ("S1", "S2"))]
    assert known(with_facts(parts, [], [Facts("1")], draft(*parts))) == [(1, "L1", ("S1", "S2"))]
    assert known(with_facts(parts, [], [Facts("1", lot_id="L2")], draft(*parts))) == [
        (1, "L2", ("S1", "S2"))
    ]
    assert known(with_facts(parts, [], [Facts("1", serial_numbers=("S9",))], draft(*parts))) == [
        (1, "L1", ("S9",))
    ]


def test_a_number_that_leaves_is_no_longer_that_of_a_part_that_stays() -> None:
    leaving = line(1, MUG, 1)
    work = draft(
        leaving,
        line(2, MUG, 2, serial_numbers=("S1", "S2")),
        line(3, MUG, 1, "2", serial_numbers=("S1",)),  # another line of the caller
        line(4, CUP, 1, serial_numbers=("S1",)),  # another item
        line(5, MUG, 1, serial_numbers=("S1",), state=LineState.RELEASED),  # it is closed
    )

    with_facts([leaving], [], [Facts("1", serial_numbers=("S1",))], work)

    assert {number: one.serial_numbers for number, one in work.lines.items()} == {
        1: (),
        2: ("S2",),
        3: ("S1",),
        4: ("S1",),
        5: ("S1",),
    }


def test_lines_that_have_none_of_the_numbers_are_left_as_they_are() -> None:
    leaving = line(1, MUG, 1)
    work = draft(leaving, line(2, MUG, 1, serial_numbers=("S2",)), line(3, MUG, 1))
    before = dict(work.lines)

    with_facts([leaving], [], [Facts("1", serial_numbers=("S1",))], work)

    assert all(work.lines[number] is one for number, one in before.items())


def test_what_leaves_beyond_a_line_gets_the_numbers_that_its_parts_leave() -> None:
    parts = [line(1, MUG, 2), line(2, CUP, 1, "2")]
    extras = [Extra("1", MUG, 2), Extra("2", CUP, 1)]
    said = [
        Facts("1", lot_id="L1", serial_numbers=("S1", "S2", "S3")),
        Facts("2", serial_numbers=("C1",)),
    ]

    found = with_facts(parts, extras, said, draft(*parts))

    assert known(found) == [(1, "L1", ("S1", "S2")), (2, "", ("C1",))]
    assert found[1] == [Extra("1", MUG, 2, "L1", ("S3",)), Extra("2", CUP, 1, "", ())]


def test_all_units_that_leave_count_for_how_many_numbers_there_may_be() -> None:
    parts, extras = [line(1, MUG, 1)], [Extra("1", MUG, 1)]

    with pytest.raises(TooManySerialNumbers) as refusal:
        with_facts(parts, extras, [Facts("1", serial_numbers=("A", "B", "C"))], draft(*parts))

    assert refusal.value.facts() == {"lineId": "1", "serialNumbers": "3", "units": "2"}
