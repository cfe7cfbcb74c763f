"""Promised goods are not found when they are to be picked."""

import pytest

from ordermesh.api.inventory.v1 import (
    Account,
    BlockedKind,
    Movement,
    ReservationLine,
    ShortOutcome,
)
from ordermesh.inventory.domain.errors.reservation import ReservationClosed
from tests.inventory.messages import item, selection
from tests.inventory.shop import Shop

WRITE_OFF = ShortOutcome.SHORT_OUTCOME_WRITE_OFF
BLOCK = ShortOutcome.SHORT_OUTCOME_BLOCK
RELEASE = ShortOutcome.SHORT_OUTCOME_RELEASE


@pytest.mark.parametrize(
    ("outcome", "target", "figures"),
    [
        (WRITE_OFF, Account.ACCOUNT_LOSS, (8, 1, 7, 0)),
        (BLOCK, Account.ACCOUNT_MISSING, (8, 1, 7, 2)),
        (RELEASE, Account.ACCOUNT_FREE, (10, 1, 9, 0)),
    ],
)
async def test_the_outcome_says_what_becomes_of_the_units(
    shop: Shop,
    outcome: ShortOutcome.ValueType,
    target: Account.ValueType,
    figures: tuple[int, int, int, int],
) -> None:
    await shop.stock({"MUG at A": 10})
    paid = await shop.reserve([("1", "MUG at A", 3)], confirm=True, order_id="O-1")

    reply = await shop.short(paid.reservation_id, selection("1", 2), outcome=outcome)

    states = {line.state: line.quantity for line in reply.reservation.lines}
    assert states == {ReservationLine.STATE_CONFIRMED: 1, ReservationLine.STATE_SHORT: 2}
    made = (await shop.movements(sku="MUG"))[-1]
    assert (made.movement_id, made.kind) == (reply.movement_id, Movement.KIND_SHORTED)
    assert (made.order_id, made.actor.caller) == ("O-1", "routing")
    assert [(one.from_account, one.to_account, one.quantity) for one in made.entries] == [
        (Account.ACCOUNT_RESERVED, target, 2)
    ]
    balance = await shop.balance("MUG at A")
    found = (balance.on_hand, balance.reserved, balance.available, balance.blocked)
    assert found == figures
    assert (await shop.verify())[-1].balanced


async def test_what_is_short_is_closed_for_ever(shop: Shop) -> None:
    await shop.stock({"MUG at A": 3})
    paid = await shop.reserve([("1", "MUG at A", 3)], confirm=True)
    await shop.short(paid.reservation_id, selection("1", 2))

    with pytest.raises(ReservationClosed) as refusal:
        await shop.short(paid.reservation_id, selection("1", 2))

    assert refusal.value.facts()["open"] == "1"
    await shop.release(paid.reservation_id)
    assert (await shop.balance("MUG at A")).on_hand == 1


async def test_a_part_of_a_kit_can_be_short(shop: Shop) -> None:
    await shop.put_items("POT", "CUP", item("SET", {"POT": 1, "CUP": 2}))
    await shop.receive({"POT at A": 1, "CUP at A": 2})
    paid = await shop.reserve([("1", "SET at A", 1)], confirm=True)

    await shop.short(paid.reservation_id, selection("1", 1, sku="CUP"), outcome=BLOCK)

    cups, pots = await shop.balance("CUP at A"), await shop.balance("POT at A")
    assert (cups.on_hand, cups.reserved, cups.blocked) == (1, 1, 1)
    assert (pots.on_hand, pots.reserved, pots.blocked) == (1, 1, 0)


@pytest.mark.parametrize("swept", [True, False])
@pytest.mark.parametrize("verb", ["short", "ship"])
async def test_a_short_pick_is_not_taken_for_the_deficit_of_an_overdue_hold(
    shop: Shop, verb: str, swept: bool
) -> None:
    await shop.stock({"MUG at A": 6})
    await shop.reserve({"MUG at A": 3}, hold_seconds=60)
    order = await shop.reserve({"MUG at A": 3}, confirm=True)
    await shop.block(("MUG at A", 3, BlockedKind.BLOCKED_KIND_MISSING))
    await shop.let_pass(61)
    if swept:
        await shop.sweep()

    if verb == "short":
        await shop.short(order.reservation_id, selection("1"))
    else:
        await shop.ship(
            order.reservation_id,
            selection("1", 1),
            rest_outcome=WRITE_OFF,
        )

    there = await shop.balance("MUG at A")
    assert (there.on_hand, there.available) == (0, 0)
    assert await shop.is_sound()
