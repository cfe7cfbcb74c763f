"""What moves while a count goes on is not counted twice, and nothing is lost twice."""

import pytest

from ordermesh.api.inventory.v1 import (
    AdjustmentReason,
)
from ordermesh.api.order.v1 import Disposition
from ordermesh.inventory.domain.errors.counts import (
    CountOvertaken,
)
from tests.inventory.desk import (
    ACCEPTED,
    LOST,
    MISSING,
    RECOUNT,
    Desk,
    figures,
)
from tests.inventory.messages import selection
from tests.inventory.outside import Outside


async def test_picks_during_the_count_are_not_counted_twice(desk: Desk) -> None:
    paid = await desk.shop.reserve({"MUG at A": 4}, confirm=True)
    await desk.begin("MUG", threshold_units=1)
    await desk.shop.ship(paid.reservation_id, selection("1", 3))
    await desk.shop.receive({"MUG at A": 5})

    # Of the ten that were there when it began nine were found.
    await desk.submit("Ann", {"MUG": 9})

    assert await figures(desk) == (9 - 3 + 5, 1, 0, 0)
    assert await desk.shop.is_sound()


async def test_two_counts_of_one_item_find_the_same_loss_once(desk: Desk) -> None:
    for count_id in ("C-1", "C-2"):
        await desk.plan(count_id, "MUG", threshold_units=5)
        await desk.open(count_id)
    await desk.submit("Ann", {"MUG": 8}, "C-1")
    made = len(await desk.shop.movements(sku="MUG"))

    line = (await desk.submit("Bob", {"MUG": 8}, "C-2"))["MUG"]

    assert (line.state, line.tallies[0].expected, line.tallies[0].variance) == (ACCEPTED, 8, 0)
    assert len(await desk.shop.movements(sku="MUG")) == made
    assert await figures(desk) == (8, 0, 0, 0)


async def test_a_count_that_contradicts_another_is_judged_by_what_the_other_found(
    desk: Desk,
) -> None:
    for count_id, units in (("C-1", 5), ("C-2", 1)):
        await desk.plan(count_id, "MUG", threshold_units=units)
        await desk.open(count_id)
    await desk.submit("Ann", {"MUG": 8}, "C-1")

    # As many as the books said when it began, and two more than they say now.
    line = (await desk.submit("Bob", {"MUG": 10}, "C-2"))["MUG"]

    assert line.state == RECOUNT
    assert await figures(desk) == (8, 0, 0, 0)


async def test_a_short_pick_that_was_written_off_meanwhile_is_not_lost_twice(desk: Desk) -> None:
    paid = await desk.shop.reserve({"MUG at A": 2}, confirm=True)
    await desk.begin("MUG", threshold_units=5)
    await desk.shop.short(paid.reservation_id, selection("1"))
    assert await figures(desk) == (8, 0, 0, 0)

    await desk.submit("Ann", {"MUG": 8})

    assert await figures(desk) == (8, 0, 0, 0)


async def test_a_loss_that_a_picture_showed_meanwhile_is_not_lost_twice(desk: Desk) -> None:
    outside = Outside(desk.shop)
    await outside.put_source()
    await desk.begin("MUG", threshold_units=5)
    await outside.show({"MUG at A": (8, 1)}, watermark=0)

    await desk.submit("Ann", {"MUG": 8})

    assert await figures(desk) == (8, 0, 0, 0)


@pytest.mark.parametrize(
    ("reason", "left"),
    [
        (AdjustmentReason.ADJUSTMENT_REASON_LOST, 8),
        (AdjustmentReason.ADJUSTMENT_REASON_CORRECTION, 8),
        # What is damaged was there and is taken away.
        (AdjustmentReason.ADJUSTMENT_REASON_DAMAGED, 6),
    ],
)
async def test_what_was_corrected_meanwhile_is_no_movement_of_goods(
    desk: Desk, reason: AdjustmentReason.ValueType, left: int
) -> None:
    await desk.begin("MUG", threshold_units=5)
    await desk.shop.adjust("MUG at A", delta=-2, reason=reason)

    await desk.submit("Ann", {"MUG": 8})

    assert await figures(desk) == (left, 0, 0, 0)


async def test_missing_units_that_were_given_up_meanwhile_are_not_lost_twice(desk: Desk) -> None:
    await desk.shop.block(("MUG at A", 2, MISSING))
    await desk.begin("MUG", threshold_units=5)
    await desk.shop.dispose(("MUG at A", 2, Disposition.DISPOSITION_DISCARD, MISSING))

    await desk.submit("Ann", {"MUG": 8})

    assert await figures(desk) == (8, 0, 0, 0)


async def test_what_is_corrected_between_a_recount_and_its_acceptance_is_lost_once(
    desk: Desk,
) -> None:
    paid = await desk.shop.reserve({"MUG at A": 4}, confirm=True)
    await desk.begin("MUG")
    for counter in ("Ann", "Bob"):
        await desk.submit(counter, {"MUG": 8})
    await desk.shop.ship(paid.reservation_id, selection("1", 1))
    await desk.shop.adjust("MUG at A", delta=-2, reason=LOST)

    await desk.accept("Cat")

    assert await figures(desk) == (8 - 1, 3, 0, 0)
    assert await desk.shop.is_sound()


async def test_what_was_declared_missing_meanwhile_is_not_lost_twice(desk: Desk) -> None:
    await desk.begin("MUG")
    await desk.shop.block(("MUG at A", 2, MISSING))
    for counter in ("Ann", "Bob"):
        await desk.submit(counter, {"MUG": 8})

    count = await desk.accept("Cat")

    assert count.lines[0].settled_missing == 2
    assert await figures(desk) == (8, 0, 0, 0)
    assert await desk.shop.is_sound()


async def test_overdue_holds_go_before_a_count_breaks_a_promise(desk: Desk) -> None:
    await desk.shop.reserve({"MUG at A": 5}, order_id="O-1", confirm=True)
    await desk.shop.reserve({"MUG at A": 5})
    await desk.shop.let_pass(15 * 60 + 1)
    await desk.begin("MUG", threshold_units=9)

    await desk.submit("Ann", {"MUG": 5})

    assert await figures(desk) == (5, 5, 0, 0)


async def test_a_count_that_found_less_than_has_left_is_made_again(desk: Desk) -> None:
    paid = await desk.shop.reserve({"MUG at A": 6}, confirm=True)
    await desk.begin("MUG", threshold_units=9)
    await desk.shop.ship(paid.reservation_id, selection("1"))

    # Counted after the six had left, so the books would fall below zero.
    line = (await desk.submit("Ann", {"MUG": 4}))["MUG"]
    assert line.state == RECOUNT

    assert (await desk.submit("Bob", {"MUG": 4}))["MUG"].state == ACCEPTED
    assert await figures(desk) == (4, 0, 0, 0)


async def test_what_left_since_it_was_counted_cannot_be_accepted_away(desk: Desk) -> None:
    paid = await desk.shop.reserve({"MUG at A": 6}, confirm=True)
    await desk.begin("MUG")
    for counter in ("Ann", "Bob"):
        await desk.submit(counter, {"MUG": 2})
    await desk.shop.ship(paid.reservation_id, selection("1"))

    with pytest.raises(CountOvertaken) as refusal:
        await desk.accept("Cat")

    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "countId": "C-1", "counted": "2",
    }  # fmt: skip
    assert await figures(desk) == (4, 0, 0, 0)
