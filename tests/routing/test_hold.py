"""How new work comes by its stock: whole reservations are replaced, parts of others are kept."""

from dataclasses import replace
from uuid import UUID

from ordermesh.routing.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentState,
    Hold,
)
from ordermesh.routing.domain.hold import (
    HeldUnits,
    hand_over,
    keep,
    keepable,
    replaceable,
)
from tests.routing.test_lifecycles import work

FIRST, SECOND = UUID(int=11), UUID(int=12)


def holding(
    state: FulfillmentState, reservation: UUID, units: int, *, location: str, line: str = "1"
) -> FulfillmentOrder:
    return work(
        state,
        FulfillmentLine(line, "MUG", units, reservation, units),
        fulfillment_order_id=f"{state}-{location}-{line}",
        location_id=location,
        hold=Hold.HELD,
    )


def planned(location: str, units: int, line: str = "1") -> FulfillmentOrder:
    return work(
        FulfillmentState.PLANNED,
        FulfillmentLine(line, "MUG", units),
        fulfillment_order_id=f"NEW-{location}",
        location_id=location,
    )


def test_a_reservation_that_is_decided_again_as_a_whole_is_replaced() -> None:
    freed = holding(FulfillmentState.CANCELLED, FIRST, 2, location="NEAR")

    assert replaceable([freed]) == (FIRST,)
    assert keepable([freed], (FIRST,)) == ()
    (after,) = hand_over([freed], [planned("EAST", 2)], (FIRST,))
    assert (after.hold, after.lines[0].held) == (Hold.NONE, 0)


def test_a_reservation_of_which_a_part_goes_on_is_not_replaced() -> None:
    freed = holding(FulfillmentState.REJECTED, FIRST, 2, location="NEAR")
    begun = holding(FulfillmentState.ACCEPTED, FIRST, 1, location="EAST", line="2")

    assert replaceable([freed, begun]) == ()
    assert keepable([freed, begun], ()) == (HeldUnits("MUG", "NEAR", 2),)


def test_new_work_keeps_what_the_order_holds_at_the_place_and_reserves_the_rest() -> None:
    freed = holding(FulfillmentState.CANCELLED, FIRST, 2, location="NEAR")
    begun = holding(FulfillmentState.ACCEPTED, FIRST, 1, location="EAST", line="2")

    (new,) = keep([planned("NEAR", 5)], [freed, begun], ())

    assert [(line.quantity, line.reservation_id) for line in new.lines] == [(2, FIRST), (3, None)]


def test_what_nobody_keeps_is_surplus() -> None:
    freed = holding(FulfillmentState.CANCELLED, FIRST, 5, location="NEAR")
    begun = holding(FulfillmentState.ACCEPTED, FIRST, 1, location="EAST", line="2")
    new = keep([planned("NEAR", 2)], [freed, begun], ())

    after, untouched = hand_over([freed, begun], new, ())

    assert (after.hold, after.lines[0].held) == (Hold.SURPLUS, 3)
    assert untouched == begun


def test_units_are_kept_once_even_when_two_closed_orders_held_them() -> None:
    older = holding(FulfillmentState.REJECTED, FIRST, 1, location="NEAR")
    newer = replace(
        holding(FulfillmentState.CANCELLED, SECOND, 1, location="NEAR"), fulfillment_order_id="F-9"
    )
    begun = [
        holding(FulfillmentState.ACCEPTED, FIRST, 1, location="EAST", line="2"),
        holding(FulfillmentState.ACCEPTED, SECOND, 1, location="WEST", line="3"),
    ]
    before = [older, newer, *begun]

    (new,) = keep([planned("NEAR", 2)], before, ())

    assert [(line.quantity, line.reservation_id) for line in new.lines] == [
        (1, FIRST),
        (1, SECOND),
    ]
    assert [one.hold for one in hand_over(before, [new], ())[:2]] == [Hold.NONE, Hold.NONE]


def test_surplus_is_never_counted_on_again() -> None:
    left = replace(
        holding(FulfillmentState.CANCELLED, FIRST, 2, location="NEAR"), hold=Hold.SURPLUS
    )

    assert replaceable([left]) == ()
    assert keepable([left], ()) == ()
    assert keep([planned("NEAR", 2)], [left], ())[0].lines[0].reservation_id is None
