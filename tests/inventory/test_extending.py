"""A hold is given more time, and never more than four hours in all."""

import pytest

from ordermesh.api.inventory.v1 import ReservationLine
from ordermesh.inventory.domain.errors.reservation import (
    HoldLimit,
    NotYourReservation,
    ReservationClosed,
    ReservationExpired,
)
from tests.inventory.messages import selection
from tests.inventory.shop import Shop

HELD = ReservationLine.STATE_HELD
CONFIRMED = ReservationLine.STATE_CONFIRMED


async def test_an_extended_hold_outlives_its_first_time(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    cart = await shop.reserve({"MUG at A": 1}, hold_seconds=60)
    await shop.let_pass(50)

    await shop.extend(cart.reservation_id, 60)
    await shop.let_pass(50)

    confirmed = await shop.confirm(cart.reservation_id)
    assert [line.state for line in confirmed.lines] == [CONFIRMED]
    assert (await shop.verify())[-1].balanced


async def test_a_hold_can_be_made_shorter(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    cart = await shop.reserve({"MUG at A": 1}, hold_seconds=600)

    await shop.extend(cart.reservation_id, 10)
    await shop.let_pass(11)

    other = await shop.reserve({"MUG at A": 1})
    assert [line.state for line in other.lines] == [HELD]


async def test_no_hold_lasts_longer_than_four_hours_in_all(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    cart = await shop.reserve({"MUG at A": 1}, hold_seconds=3 * 3600)
    await shop.let_pass(2 * 3600)
    before = await shop.dump()

    with pytest.raises(HoldLimit) as refusal:
        await shop.extend(cart.reservation_id, 2 * 3600 + 60)

    assert refusal.value.facts()["reservationId"] == cart.reservation_id
    assert await shop.dump() == before
    await shop.extend(cart.reservation_id, 2 * 3600 - 60)


async def test_what_has_expired_or_is_closed_cannot_be_extended(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})
    late = await shop.reserve({"MUG at A": 1}, hold_seconds=10)
    gone = await shop.reserve({"MUG at A": 1}, hold_seconds=600)
    await shop.release(gone.reservation_id)
    await shop.let_pass(11)

    with pytest.raises(ReservationExpired):
        await shop.extend(late.reservation_id, 60)
    with pytest.raises(ReservationClosed):
        await shop.extend(gone.reservation_id, 60)


async def test_confirmed_lines_stay_confirmed(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    paid = await shop.reserve({"MUG at A": 1}, confirm=True)

    extended = await shop.extend(paid.reservation_id, 60)

    assert [line.state for line in extended.lines] == [CONFIRMED]
    assert not extended.lines[0].HasField("expire_time")


async def test_only_its_owner_extends_a_hold(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    cart = await shop.reserve({"MUG at A": 1}, caller="web", role="edge")

    with pytest.raises(NotYourReservation):
        await shop.extend(cart.reservation_id, 60, caller="kiosk")


async def test_the_rest_of_a_released_hold_is_extended(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2, "CUP at A": 1})
    cart = await shop.reserve({"MUG at A": 2, "CUP at A": 1}, hold_seconds=60)
    await shop.release(cart.reservation_id, selection(cart.lines[1].line_id, 1))

    extended = await shop.extend(cart.reservation_id, 600)

    states = sorted(line.state for line in extended.lines)
    assert states == [HELD, ReservationLine.STATE_RELEASED]
