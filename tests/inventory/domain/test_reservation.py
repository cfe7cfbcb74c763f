from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.reservation import (
    Fenced,
    LineNotFound,
    NotYourReservation,
    ReservationNotFound,
)
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.reservation import (
    TRANSITIONS,
    Draft,
    Line,
    LineState,
    Reservation,
    Selection,
    take,
)

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ID = UUID(int=7)
MUG_A, MUG_B = StockKey("MUG", "A"), StockKey("MUG", "B")


def line(number: int, key: StockKey, quantity: int, line_id: str = "L1", **more: object) -> Line:
    plain = Line(number, line_id, key, quantity, LineState.CONFIRMED)
    return replace(plain, **more)  # type: ignore[arg-type]  # fields by name


def draft(*lines: Line) -> Draft:
    return Draft(Reservation(ID, "storefront", "X", NOON, lines, last_number=len(lines)))


def kit_lines() -> list[Line]:
    """Three kits of one pot and two cups, at one location."""
    pot, cup = StockKey("POT", "A"), StockKey("CUP", "A")
    return [
        line(1, pot, 3, kit_sku="TEA-SET", quantity_per_kit=1),
        line(2, cup, 6, kit_sku="TEA-SET", quantity_per_kit=2),
    ]


@pytest.mark.parametrize(("before", "after"), list(product(LineState, LineState)))
def test_a_line_goes_only_the_ways_that_the_table_has(before: LineState, after: LineState) -> None:
    one = line(1, MUG_A, 2, state=before)
    if after in TRANSITIONS[before]:
        assert one.become(after, NOON).state is after
    else:
        with pytest.raises(ValueError, match="cannot become"):
            one.become(after, NOON)


def test_a_closed_line_is_closed_for_ever_and_knows_when() -> None:
    shipped = line(1, MUG_A, 2).become(LineState.SHIPPED, NOON)

    assert not shipped.is_open
    assert shipped.close_time == NOON


def test_a_hold_is_overdue_from_the_instant_it_ends() -> None:
    held = line(1, MUG_A, 2, state=LineState.HELD, expire_time=NOON)

    assert not held.is_overdue(NOON - timedelta(microseconds=1))
    assert held.is_overdue(NOON)


def test_a_part_of_a_line_becomes_a_line_of_its_own() -> None:
    work = draft(line(1, MUG_A, 5))

    part = work.split(1, 2)

    assert (part.number, part.quantity) == (2, 2)
    assert [(one.number, one.quantity) for one in work.done().lines] == [(1, 3), (2, 2)]


def test_the_whole_of_a_line_stays_the_line() -> None:
    work = draft(line(1, MUG_A, 5))

    assert work.split(1, 5).number == 1
    assert work.done().last_number == 1


def test_a_selection_takes_lines_in_the_order_of_their_numbers() -> None:
    taking = take(draft(line(1, MUG_A, 3), line(2, MUG_B, 3)), Selection("L1", quantity=4), {})

    assert dict(taking.units) == {1: 3, 2: 1}
    assert (taking.wanted, taking.still_open, taking.taken) == (4, 6, 4)


def test_a_selection_without_quantity_takes_all_that_is_open() -> None:
    closed = line(3, MUG_A, 9, state=LineState.SHIPPED)
    taking = take(draft(line(1, MUG_A, 3), line(2, MUG_B, 3), closed), Selection("L1"), {})

    assert dict(taking.units) == {1: 3, 2: 3}
    assert taking.wanted == 6


def test_a_selection_takes_no_more_than_is_open() -> None:
    taking = take(draft(line(1, MUG_A, 3)), Selection("L1", quantity=5), {})

    assert dict(taking.units) == {1: 3}
    assert (taking.wanted, taking.taken) == (5, 3)


def test_a_selection_may_name_a_location() -> None:
    taking = take(draft(line(1, MUG_A, 3), line(2, MUG_B, 3)), Selection("L1", location_id="B"), {})

    assert dict(taking.units) == {2: 3}


def test_two_selections_of_one_request_do_not_take_the_same_units() -> None:
    work, taken = draft(line(1, MUG_A, 3)), dict[int, int]()

    take(work, Selection("L1", quantity=2), taken)
    second = take(work, Selection("L1", quantity=2), taken)

    assert dict(second.units) == {1: 1}
    assert taken == {1: 3}


def test_a_selection_of_a_line_that_is_not_there_is_refused() -> None:
    for selection in (Selection("L2"), Selection("L1", location_id="B"), Selection("L1", sku="X")):
        with pytest.raises(LineNotFound) as refusal:
            take(draft(line(1, MUG_A, 3)), selection, {})
        assert refusal.value.facts()["lineId"] == selection.line_id


def test_a_selection_of_a_kit_counts_kits() -> None:
    taking = take(draft(*kit_lines()), Selection("L1", quantity=2), {})

    assert dict(taking.units) == {1: 2, 2: 4}
    assert (taking.wanted, taking.still_open) == (2, 3)


def test_a_selection_of_one_component_counts_its_units() -> None:
    taking = take(draft(*kit_lines()), Selection("L1", sku="CUP", quantity=5), {})

    assert dict(taking.units) == {2: 5}
    assert taking.still_open == 6


def test_a_kit_is_open_as_long_as_one_of_its_components_is() -> None:
    work, taken = draft(*kit_lines()), dict[int, int]()
    take(work, Selection("L1", sku="POT", quantity=3), taken)

    rest = take(work, Selection("L1"), taken)

    assert rest.still_open == 3
    assert dict(rest.units) == {2: 6}


def test_a_line_and_a_kit_under_one_line_id_are_counted_each_its_own_way() -> None:
    work = draft(*kit_lines(), line(3, MUG_A, 4))

    taking = take(work, Selection("L1"), {})

    assert taking.still_open == 3 + 4
    assert dict(taking.units) == {1: 3, 2: 6, 3: 4}


def test_only_the_owner_and_services_acting_for_it_may_change_a_reservation() -> None:
    reservation = draft(line(1, MUG_A, 1)).reservation
    service = Actor("routing", is_service=True)

    for actor in (
        Actor("storefront"),
        Actor("storefront", on_behalf_of="Ann"),
        service,
        replace(service, on_behalf_of="storefront"),
    ):
        reservation.entered(actor, 0)
    for stranger in (
        Actor("marketplace"),
        Actor("marketplace", on_behalf_of="storefront"),
        replace(service, on_behalf_of="marketplace"),
    ):
        with pytest.raises(NotYourReservation):
            reservation.entered(stranger, 0)


def test_what_a_service_makes_for_somebody_belongs_to_that_somebody() -> None:
    assert Actor("routing", "storefront", is_service=True).owner == "storefront"
    assert Actor("routing", is_service=True).owner == "routing"
    assert Actor("storefront", "Ann").owner == "storefront"


def test_a_lower_fence_than_the_highest_seen_is_refused_and_none_is_let_pass() -> None:
    reservation = draft().reservation.entered(Actor("storefront"), 7)
    assert reservation.fence == 7

    assert reservation.entered(Actor("storefront"), 0).fence == 7
    assert reservation.entered(Actor("storefront"), 7).fence == 7
    with pytest.raises(Fenced) as refusal:
        reservation.entered(Actor("storefront"), 6)
    assert refusal.value.facts() == {
        "reservationId": str(ID),
        "fence": "6",
        "highestFence": "7",
    }


def test_a_tombstone_is_no_reservation() -> None:
    tombstone = replace(draft().reservation, is_tombstone=True)

    with pytest.raises(ReservationNotFound):
        tombstone.entered(Actor("storefront"), 0)


WAITING: dict[str, Any] = {"supply_id": "S1", "needed_by": NOON}
BROKEN: dict[str, Any] = {"supply_id": "S1", "broken_time": NOON}


@pytest.mark.parametrize("state", LineState)
def test_an_open_line_is_on_hand_or_waits_or_is_broken(state: LineState) -> None:
    def kinds(**more: Any) -> list[bool]:
        one = line(1, MUG_A, 2, state=state, **more)
        return [one.is_on_hand, one.is_waiting, one.is_broken]

    is_open = state in (LineState.HELD, LineState.CONFIRMED)
    assert kinds() == [is_open, False, False]
    assert kinds(**WAITING) == [False, is_open, False]
    assert kinds(**BROKEN) == [False, False, is_open]
    assert kinds(mode=ReservationMode.TRACK_ONLY) == [False, False, False]


def test_a_line_that_is_on_hand_waits_for_nothing_any_more() -> None:
    came = line(1, MUG_A, 2, supply_id="S1", needed_by=NOON, broken_time=NOON).on_hand()

    assert came == line(1, MUG_A, 2)


def test_a_line_was_asked_for_by_its_own_name_or_that_of_its_kit() -> None:
    assert line(1, MUG_A, 2).asked_sku == "MUG"
    assert line(1, MUG_A, 2, kit_sku="SET").asked_sku == "SET"


def test_a_hold_that_is_confirmed_has_no_end_and_is_not_closed() -> None:
    held = line(1, MUG_A, 2, state=LineState.HELD, expire_time=NOON)

    confirmed = held.become(LineState.CONFIRMED, NOON)

    assert (confirmed.expire_time, confirmed.close_time) == (None, None)
    assert held.become(LineState.EXPIRED, NOON).close_time == NOON
    assert not line(1, MUG_A, 2).is_overdue(NOON)


def test_lines_are_lost_when_they_expired_unless_they_were_reserved_again() -> None:
    lines = [line(number, MUG_A, 1, state=state) for number, state in enumerate(LineState, 1)]
    reservation = draft(*lines).reservation

    assert [one.state for one in reservation.lost_lines] == [LineState.EXPIRED]
    assert replace(reservation, renew_time=NOON).lost_lines == ()
    assert [one.state for one in reservation.open_lines] == [LineState.HELD, LineState.CONFIRMED]


def test_a_fence_is_compared_with_the_highest_that_was_seen() -> None:
    plain = draft().reservation

    assert plain.entered(Actor("storefront"), 0).fence == 0
    assert plain.entered(Actor("storefront"), 1).fence == 1
    with pytest.raises(Fenced):
        replace(plain, fence=2).entered(Actor("storefront"), 1)


def test_serial_numbers_are_split_with_the_units() -> None:
    work = draft(line(1, MUG_A, 3, serial_numbers=("S1", "S2", "S3")))

    part = work.split(1, 2)

    assert part.serial_numbers == ("S1", "S2")
    assert work.lines[1].serial_numbers == ("S3",)
    assert work.last_number == 2


def test_lines_that_are_added_get_the_next_numbers_however_few_are_known() -> None:
    """Only some lines of the reservation are at hand; the numbers of the others are taken."""
    work = Draft(Reservation(ID, "storefront", "X", NOON, (line(2, MUG_A, 3),), last_number=7))

    assert work.add(line(0, MUG_B, 1)).number == 8
    done = work.done()
    assert [one.number for one in done.lines] == [2, 8]
    assert done.last_number == 8


def mixed() -> Draft:
    return draft(
        line(1, MUG_A, 2),
        line(2, MUG_A, 2, **WAITING),
        line(3, MUG_A, 2, **BROKEN),
        line(4, MUG_B, 2),
    )


@pytest.mark.parametrize(
    ("quantity", "gives_back", "leaves"),
    [
        (1, {3: 1}, {1: 1}),
        (3, {3: 2, 2: 1}, {1: 2, 4: 1}),
        (5, {3: 2, 2: 2, 1: 1}, {1: 2, 4: 2, 2: 1}),
        (8, {3: 2, 2: 2, 1: 2, 4: 2}, {1: 2, 4: 2, 2: 2, 3: 2}),
    ],
)
def test_what_is_given_back_is_what_is_worth_least_and_what_leaves_is_what_is_there(
    quantity: int, gives_back: dict[int, int], leaves: dict[int, int]
) -> None:
    back = take(mixed(), Selection("L1", quantity=quantity), {})
    out = take(mixed(), Selection("L1", quantity=quantity), {}, on_hand_first=True)

    assert list(back.units.items()) == list(gives_back.items())
    assert list(out.units.items()) == list(leaves.items())


def test_lines_at_one_location_may_be_passed_over() -> None:
    taking = take(mixed(), Selection("L1"), {}, "A")

    assert dict(taking.units) == {4: 2}
    assert take(mixed(), Selection("L1"), {}, "B").still_open == 6
    assert take(mixed(), Selection("L1", location_id="A"), {}, "A").still_open == 0


def test_a_kit_whose_components_are_spread_is_open_by_the_one_most_is_left_of() -> None:
    pot, cup = StockKey("POT", "A"), StockKey("CUP", "A")
    kit: dict[str, Any] = {"kit_sku": "TEA-SET"}
    work = draft(
        line(1, pot, 1, quantity_per_kit=1, **kit),
        line(2, StockKey("POT", "B"), 1, quantity_per_kit=1, **kit),
        line(3, cup, 5, quantity_per_kit=2, **kit),
    )

    assert take(work, Selection("L1"), {}).still_open == 3
    one = take(work, Selection("L1", quantity=2), {})
    assert dict(one.units) == {1: 1, 2: 1, 3: 4}
    # What earlier selections of the same request have chosen is not there twice.
    taken = {3: 2}
    assert take(work, Selection("L1"), taken).still_open == 2
    assert taken == {1: 1, 2: 1, 3: 5}


def test_a_selection_goes_on_with_the_next_item_where_the_first_has_too_few() -> None:
    work = draft(*kit_lines(), line(3, MUG_A, 4))

    taking = take(work, Selection("L1", quantity=5), {})

    assert dict(taking.units) == {1: 3, 2: 6, 3: 2}
    assert (taking.wanted, taking.still_open, taking.taken) == (5, 7, 5)
