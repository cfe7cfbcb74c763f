import pytest

from ordermesh.api.inventory.v1 import Account, Movement, ReservationLine, ShortOutcome
from ordermesh.inventory.domain.errors.reservation import ReservationClosed
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from tests.inventory.messages import selection
from tests.inventory.shop import Shop

SHIPPED = ReservationLine.STATE_SHIPPED
SHORT = ReservationLine.STATE_SHORT


async def test_more_than_was_promised_leaves_only_with_leave_and_only_what_is_free(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 10})
    made = await shop.reserve({"MUG at A": 2}, confirm=True)
    await shop.reserve({"MUG at A": 6})
    before = await shop.dump()

    with pytest.raises(ReservationClosed):
        await shop.ship(made.reservation_id, selection("1", 3))
    with pytest.raises(InsufficientStock) as refusal:
        await shop.ship(made.reservation_id, selection("1", 5), over_ship=True)

    assert (refusal.value.facts()["wanted"], refusal.value.facts()["available"]) == ("3", "2")
    assert await shop.dump() == before


async def test_what_left_beyond_the_promise_is_told_apart(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    made = await shop.reserve({"MUG at A": 2}, confirm=True)

    reply = await shop.ship(made.reservation_id, selection("1", 3), over_ship=True)

    extras = [(one.line_id, one.key.sku, one.quantity) for one in reply.over_shipped]
    assert extras == [("1", "MUG", 1)]
    assert [(one.quantity, one.state) for one in reply.reservation.lines] == [(2, SHIPPED)]
    movement = (await shop.movements(reservation_id=made.reservation_id))[-1]
    assert movement.movement_id == reply.movement_id
    assert [(one.from_account, one.quantity) for one in movement.entries] == [
        (Account.ACCOUNT_RESERVED, 2),
        (Account.ACCOUNT_FREE, 1),
    ]
    balance = await shop.balance("MUG at A")
    assert (balance.on_hand, balance.reserved) == (7, 0)
    assert await shop.is_sound()


async def test_an_overdue_hold_does_not_keep_goods_that_have_left(shop: Shop) -> None:
    await shop.stock({"MUG at A": 3})
    made = await shop.reserve({"MUG at A": 2}, confirm=True)
    await shop.reserve({"MUG at A": 1}, hold_seconds=10)
    await shop.let_pass(11)

    await shop.ship(made.reservation_id, selection("1", 3), over_ship=True)

    assert (await shop.balance("MUG at A")).on_hand == 0
    assert await shop.is_sound()


async def test_one_call_ships_a_part_and_shorts_the_rest(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    made = await shop.reserve({"MUG at A": 4}, confirm=True)

    reply = await shop.ship(
        made.reservation_id,
        selection("1", 3),
        rest_outcome=ShortOutcome.SHORT_OUTCOME_WRITE_OFF,
        document="PICK-7",
    )

    assert sorted((one.quantity, one.state) for one in reply.reservation.lines) == [
        (1, SHORT),
        (3, SHIPPED),
    ]
    shipped, shorted = (await shop.movements(reservation_id=made.reservation_id))[-2:]
    kinds = {shipped.kind, shorted.kind}
    assert kinds == {Movement.KIND_SHIPPED, Movement.KIND_SHORTED}
    assert {shipped.movement_id, shorted.movement_id} == {
        reply.movement_id,
        reply.short_movement_id,
    }
    assert {shipped.document, shorted.document} == {"PICK-7"}
    balance = await shop.balance("MUG at A")
    assert (balance.on_hand, balance.reserved) == (6, 0)
    assert await shop.is_sound()


async def test_where_nothing_is_left_of_the_lines_there_is_no_short_pick(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    made = await shop.reserve({"MUG at A": 4}, confirm=True)

    reply = await shop.ship(
        made.reservation_id, selection("1"), rest_outcome=ShortOutcome.SHORT_OUTCOME_BLOCK
    )

    assert reply.movement_id
    assert reply.short_movement_id == ""
