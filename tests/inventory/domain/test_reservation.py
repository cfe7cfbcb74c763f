from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.reservation import (
    Fenced,
    LineNotFound,
    NotYourReservation,
    ReservationNotFound,
)
from ordermesh.inventory.domain.key import Actor, StockKey
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
