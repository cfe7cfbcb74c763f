import asyncio

import pytest

from ordermesh.api.inventory.v1 import (
    ErrorReason,
    Movement,
    Reservation,
    ReservationLine,
    ReservationMode,
    ReserveLine,
    ShortOutcome,
)
from ordermesh.inventory.domain.errors.reservation import ReservationClosed
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from tests.inventory.messages import item, key, selection
from tests.inventory.reading import insist
from tests.inventory.shop import Shop

NONE = ReservationMode.RESERVATION_MODE_NONE
TRACK = ReservationMode.RESERVATION_MODE_TRACK_ONLY
RESERVE = ReservationMode.RESERVATION_MODE_RESERVE
UNSAID = ReservationMode.RESERVATION_MODE_UNSPECIFIED


def line(line_id: str, place: str, quantity: int, mode: int = UNSAID) -> ReserveLine:
    return ReserveLine(
        line_id=line_id, key=key(place), quantity=quantity, mode=ReservationMode.ValueType(mode)
    )


async def take(shop: Shop, *lines: ReserveLine, **fields: object) -> Reservation:
    return (await shop.ask(shop.wish(lines, **fields))).reservation


def states(reservation: Reservation) -> list[tuple[str, int, str]]:
    return [
        (one.line_id, one.quantity, ReservationLine.State.Name(one.state).removeprefix("STATE_"))
        for one in reservation.lines
    ]


async def test_demand_is_tracked_only_where_there_is_a_record(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})

    with pytest.raises(NotStockedHere) as refusal:
        await take(shop, line("1", "MUG at A", 1), line("2", "MUG at B", 1, TRACK))

    assert refusal.value.facts() == {"sku": "MUG", "locationId": "B"}
    assert (await shop.balance("MUG at A")).reserved == 0


async def test_tracked_demand_may_be_more_than_there_is_and_moves_nothing(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})

    made = await take(shop, line("1", "MUG at A", 7, TRACK), order_id="X")

    assert [(one.quantity, one.mode) for one in made.lines] == [(7, TRACK)]
    balance = await shop.balance("MUG at A")
    assert (balance.on_hand, balance.reserved, balance.available) == (2, 0, 2)
    assert [one.kind for one in await shop.movements(sku="MUG")] == [Movement.KIND_RECEIVED]
    assert await shop.is_sound()


async def test_a_line_that_nobody_records_is_not_in_the_reservation(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})

    made = await take(
        shop,
        line("1", "MUG at A", 99, NONE),
        line("2", "MUG at B", 1, NONE),
        line("3", "MUG at A", 2),
    )

    assert states(made) == [("3", 2, "HELD")]
    nothing = await take(shop, line("1", "MUG at A", 99, NONE))
    assert states(nothing) == []
    assert states(await shop.confirm(nothing.reservation_id)) == []
    assert await shop.is_sound()


async def test_a_cart_of_which_nothing_is_recorded_may_become_an_order(shop: Shop) -> None:
    await shop.put_items(item("GIFT", reservation_mode=NONE))
    await shop.stock({"MUG at A": 1})
    cart = await shop.reserve({"GIFT at A": 1})

    order = await shop.reserve({"MUG at A": 1}, confirm=True, replaces=[cart.reservation_id])

    assert states(order) == [("1", 1, "CONFIRMED")]
    assert await shop.is_sound()


async def test_the_item_says_the_mode_and_a_line_overrides_it(shop: Shop) -> None:
    await shop.put_items(item("MUG", reservation_mode=TRACK), item("CUP", reservation_mode=NONE))
    await shop.receive({"MUG at A": 2, "CUP at A": 2})

    made = await take(
        shop,
        line("1", "MUG at A", 9),
        line("2", "CUP at A", 9),
        line("3", "MUG at A", 1, RESERVE),
        line("4", "CUP at A", 1, RESERVE),
        line("5", "CUP at A", 9, TRACK),
    )

    assert [(one.line_id, one.mode) for one in made.lines] == [
        ("1", TRACK),
        ("3", RESERVE),
        ("4", RESERVE),
        ("5", TRACK),
    ]
    with pytest.raises(InsufficientStock):
        await take(shop, line("1", "CUP at A", 2, RESERVE))


async def test_of_a_kit_the_kit_says_the_mode_and_else_each_component(shop: Shop) -> None:
    await shop.put_items(item("POT"), item("CUP", reservation_mode=TRACK))
    await shop.put_items(
        item("SET", {"POT": 1, "CUP": 2}),
        item("SHOWN", {"POT": 1, "CUP": 2}, reservation_mode=RESERVE),
    )
    await shop.receive({"POT at A": 5, "CUP at A": 3})

    made = await take(shop, line("1", "SET at A", 2))
    assert [(one.key.sku, one.quantity, one.mode) for one in made.lines] == [
        ("POT", 2, RESERVE),
        ("CUP", 4, TRACK),
    ]
    with pytest.raises(InsufficientStock):
        await take(shop, line("1", "SHOWN at A", 2))


async def test_an_item_that_is_not_reserved_any_more_has_all_that_is_on_hand(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "POT at A": 9})
    await shop.put_items(item("SET", {"MUG": 2, "POT": 1}))
    await shop.reserve({"MUG at A": 3})
    assert await shop.available("MUG at A") == 2

    await shop.put_items(item("MUG", reservation_mode=NONE))

    assert await shop.available("MUG at A") == 5
    assert await shop.available("SET at A") == 2
    balance = await shop.balance("MUG at A")
    assert (balance.reserved, balance.available) == (3, 5)
    # Units are still promised: who wants some held must not get those.
    with pytest.raises(InsufficientStock):
        await take(shop, line("1", "MUG at A", 3, RESERVE))
    await shop.put_items(item("MUG"))
    assert await shop.available("MUG at A") == 2


async def test_tracked_demand_is_confirmed_moved_and_shipped_from_what_is_free(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1, "MUG at B": 4})
    made = await take(shop, line("1", "MUG at A", 3, TRACK), line("2", "MUG at B", 1))
    await shop.confirm(made.reservation_id)
    with pytest.raises(InsufficientStock) as refusal:
        await shop.ship(made.reservation_id, selection("1"))
    assert (refusal.value.facts()["wanted"], refusal.value.facts()["available"]) == ("3", "1")
    with pytest.raises(InsufficientStock):
        await shop.reassign(made.reservation_id, (selection("1"), "C"))

    await shop.reassign(made.reservation_id, (selection("1"), "B"))
    shipped = await shop.ship(made.reservation_id, selection("1"), selection("2"))

    assert states(shipped.reservation) == [("1", 3, "SHIPPED"), ("2", 1, "SHIPPED")]
    balance = await shop.balance("MUG at B")
    assert (balance.on_hand, balance.reserved) == (0, 0)
    assert await shop.is_sound()


async def test_tracked_demand_expires_and_is_released_without_a_movement(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    expiring = await shop.ask(shop.wish([line("1", "MUG at A", 3, TRACK)]))
    released = await take(shop, line("1", "MUG at A", 3, TRACK))
    await shop.release(released.reservation_id, selection("1", 2))
    await shop.let_pass(901)

    # Its time has passed, and it holds nothing that others could have.
    with pytest.raises(InsufficientStock):
        await shop.reserve({"MUG at A": 2})
    await shop.sweep()

    swept = await shop.reservation(expiring.reservation.reservation_id)
    assert states(swept) == [("1", 3, "EXPIRED")]
    again = await shop.confirm(swept.reservation_id, again=True)
    assert states(again) == [("1", 3, "EXPIRED"), ("1", 3, "CONFIRMED")]
    assert [one.kind for one in await shop.movements(sku="MUG")] == [Movement.KIND_RECEIVED]
    assert await shop.is_sound()


async def test_a_short_pick_of_tracked_demand_only_closes_it(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    made = await take(shop, line("1", "MUG at A", 3, TRACK), confirm=True)

    reply = await shop.short(
        made.reservation_id, selection("1"), outcome=ShortOutcome.SHORT_OUTCOME_WRITE_OFF
    )

    assert states(reply.reservation) == [("1", 3, "SHORT")]
    assert reply.movement_id == ""
    assert (await shop.balance("MUG at A")).on_hand == 5
    with pytest.raises(ReservationClosed):
        await shop.ship(made.reservation_id, selection("1"))


async def test_a_best_effort_is_not_short_of_what_holds_no_units(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})

    reply = await shop.ask(
        shop.wish(
            [
                line("1", "MUG at A", 9, TRACK),
                line("2", "MUG at A", 9, NONE),
                line("3", "MUG at A", 2),
                line("4", "MUG at B", 2, TRACK),
            ],
            best_effort=True,
        )
    )

    assert [(one.line_id, one.granted, one.reason) for one in reply.line_verdicts] == [
        ("1", 9, ErrorReason.ERROR_REASON_UNSPECIFIED),
        ("2", 9, ErrorReason.ERROR_REASON_UNSPECIFIED),
        ("3", 1, ErrorReason.ERROR_REASON_INSUFFICIENT_STOCK),
        ("4", 0, ErrorReason.ERROR_REASON_NOT_STOCKED_HERE),
    ]
    assert states(reply.reservation) == [("1", 9, "HELD"), ("3", 1, "HELD")]


async def test_an_expiry_and_a_confirmation_of_tracked_demand_never_cross(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    for number in range(6):
        made = await shop.ask(shop.wish([line("1", "MUG at A", 1, TRACK)]))
        promise = made.reservation.reservation_id
        await shop.let_pass(901 if number % 2 else 0)

        await asyncio.gather(
            insist(lambda one=promise: shop.confirm(one)),  # type: ignore[misc]  # bound early
            insist(shop.sweep),
            return_exceptions=True,
        )

        expected = "EXPIRED" if number % 2 else "CONFIRMED"
        assert states(await shop.reservation(promise)) == [("1", 1, expected)]
