"""Requests of one call are decided in their order, whatever each of them needs."""

from typing import Any
from uuid import UUID

import pytest

from ordermesh.api.inventory.v1 import (
    ReservationLine,
    ReserveLine,
)
from ordermesh.inventory.domain.reserving import Ask, Reserved, reserve
from ordermesh.inventory.operations import reserving
from tests.inventory.bulk import bulk, held_for, one, reason, reasons, wish
from tests.inventory.messages import item, key, new_id, reserve_lines
from tests.inventory.shop import Shop

EXPIRED = ReservationLine.STATE_EXPIRED

pytestmark = pytest.mark.usefixtures("reserving")


async def test_demand_of_several_for_the_last_units_is_decided_in_their_order(shop: Shop) -> None:
    await shop.stock({"MUG at A": 100})
    wanted = [wish("MUG at A", quantity) for quantity in (60, 50, 30, 20, 10, 1)]

    verdicts = await bulk(shop, *wanted)

    assert [reason(verdict) == "" for verdict in verdicts] == [
        True,
        False,
        True,
        False,
        True,
        False,
    ]
    assert (await shop.balance("MUG at A")).reserved == 100
    assert await shop.is_sound()


async def test_movements_of_one_batch_are_listed_in_the_order_of_their_entries(shop: Shop) -> None:
    await shop.stock({"MUG at A": 9})
    # The ids of reservations say nothing about who came first.
    ids = [str(UUID(int=number, version=4)) for number in (9, 3, 7, 1)]

    assert reasons(await bulk(shop, *(wish(reservation_id=one) for one in ids))) == [""] * 4

    made = [one for one in await shop.movements(sku="MUG") if one.reservation_id]
    assert [one.reservation_id for one in made] == ids
    assert [one.entries[0].sequence for one in made] == [2, 3, 4, 5]


async def test_nobody_gets_units_before_those_of_the_call_that_came_first(shop: Shop) -> None:
    await shop.stock({"MUG at A": 8, "CUP at A": 1})
    await one(shop, held_for(wish("MUG at A", 3), 5))
    await shop.let_pass(6)
    # The second needs what is overdue, the third only what is free.
    wanted = [wish("CUP at A"), wish("MUG at A", 7), wish("MUG at A", 4), wish("MUG at A")]

    verdicts = await bulk(shop, *wanted)

    assert reasons(verdicts) == ["", "", "INSUFFICIENT_STOCK", ""]
    assert (await shop.balance("MUG at A")).reserved == 8
    assert await shop.is_sound()


async def test_what_is_not_plain_is_decided_before_the_plain_that_comes_after_it(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 7})
    for _ in range(3):
        # From the third on PostgreSQL decides on what is remembered.
        await one(shop, wish("MUG at A"))
    wanted = [wish("MUG at A", 3, best_effort=True), wish("MUG at A", 2), wish("MUG at A")]

    verdicts = await bulk(shop, *wanted)

    assert reasons(verdicts) == ["", "INSUFFICIENT_STOCK", ""]
    assert await shop.is_sound()


async def test_kits_and_their_parts_draw_on_the_same_units(shop: Shop) -> None:
    await shop.stock({"POT at A": 2, "CUP at A": 5})
    await shop.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}))

    verdicts = await bulk(shop, wish("TEA-SET at A"), wish("CUP at A", 2), wish("TEA-SET at A"))

    assert reasons(verdicts) == ["", "", "INSUFFICIENT_STOCK"]
    assert [await shop.available(place) for place in ("POT at A", "CUP at A")] == [1, 1]
    assert await shop.is_sound()


async def test_an_item_that_becomes_a_kit_is_taken_apart_from_then_on(shop: Shop) -> None:
    await shop.stock({"POT at A": 2, "CUP at A": 5})
    await shop.put_items("SET")
    assert reasons(await bulk(shop, wish("SET at A"), wish("POT at A"))) == ["NOT_STOCKED_HERE", ""]

    await shop.put_items(item("SET", {"POT": 1, "CUP": 2}))
    made = await bulk(shop, wish("SET at A"))

    assert reasons(made) == [""]
    lines = made[0].reply.reservation.lines
    assert [(line.key.sku, line.quantity) for line in lines] == [("POT", 1), ("CUP", 2)]

    await shop.put_items(item("SET", {"CUP": 3}))
    (changed,) = await bulk(shop, wish("SET at A"))
    assert [(line.key.sku, line.quantity) for line in changed.reply.reservation.lines] == [
        ("CUP", 3)
    ]


async def test_an_item_that_is_switched_off_is_refused_from_then_on(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "CUP at A": 5})
    assert reasons(await bulk(shop, wish())) == [""]

    await shop.put_items(item("MUG", unsellable=True))

    assert reasons(await bulk(shop, wish(), wish("CUP at A"))) == ["INSUFFICIENT_STOCK", ""]
    await shop.put_items(item("MUG"))
    assert reasons(await bulk(shop, wish())) == [""]


async def test_two_wishes_about_one_reservation_are_decided_one_after_the_other(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 3})
    cart = wish("MUG at A", 3)
    await bulk(shop, cart)
    orders = [wish("MUG at A", 2, replaces_reservation_ids=[cart.reservation_id]) for _ in range(3)]

    verdicts = await bulk(shop, *orders)

    assert reasons(verdicts) == ["", "RESERVATION_CLOSED", "RESERVATION_CLOSED"]
    assert (await shop.balance("MUG at A")).reserved == 2
    assert await shop.is_sound()


async def test_a_cart_and_the_order_that_replaces_it_may_come_in_one_call(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    cart = wish("MUG at A")
    order = wish("MUG at A", replaces_reservation_ids=[cart.reservation_id], confirm=True)

    verdicts = await bulk(shop, cart, order)

    assert reasons(verdicts) == ["", ""]
    assert verdicts[1].reply.reservation.lines[0].state == ReservationLine.STATE_CONFIRMED
    assert (await shop.balance("MUG at A")).reserved == 1
    assert await shop.is_sound()


async def test_what_comes_after_one_that_is_put_off_and_wants_of_the_same_is_decided_after_it(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 3, "CUP at A": 1})
    cart = wish("MUG at A", 1)
    order = wish("MUG at A", 3, replaces_reservation_ids=[cart.reservation_id])

    verdicts = await bulk(shop, cart, order, wish("MUG at A", 2), wish("CUP at A"))

    assert reasons(verdicts) == ["", "", "INSUFFICIENT_STOCK", ""]
    assert (await shop.balance("MUG at A")).reserved == 3
    assert await shop.is_sound()


async def test_who_is_put_off_is_not_overtaken_where_another_makes_the_transaction_fail(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.stock({"MUG at A": 3, "CUP at A": 1})

    def stumble(ledger: Any, actor: Any, ask: Ask, *rest: Any, **how: Any) -> Reserved:
        if ask.order_id == "POISON":
            raise ArithmeticError("a bug")
        return reserve(ledger, actor, ask, *rest, **how)

    monkeypatch.setattr(reserving, "reserve", stumble)
    of_a_lot = ReserveLine(line_id="1", key=key("MUG at A"), quantity=1, lot_id="L1")
    cart = wish(lines=[of_a_lot])
    order = wish("MUG at A", 3, replaces_reservation_ids=[cart.reservation_id])
    poison = wish(
        order_id="POISON",
        lines=[ReserveLine(line_id="1", key=key("CUP at A"), quantity=1, lot_id="L1")],
    )

    verdicts = await bulk(shop, cart, order, wish("MUG at A", 2), poison)

    assert reasons(verdicts) == ["", "", "INSUFFICIENT_STOCK", "INTERNAL"]
    assert (await shop.balance("MUG at A")).reserved == 3
    assert await shop.is_sound()


async def test_who_waits_for_an_overdue_hold_is_not_overtaken_by_those_after_it(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 1, "MUG at B": 6})
    await shop.reserve({"MUG at A": 1, "MUG at B": 5}, hold_seconds=60)
    await shop.let_pass(61)

    verdicts = await bulk(shop, wish("MUG at A"), wish("MUG at B", 6), wish("MUG at B"))

    assert reasons(verdicts) == ["", "", "INSUFFICIENT_STOCK"]
    assert await shop.is_sound()


async def test_what_a_cart_gives_back_is_not_taken_by_who_comes_after_its_successor(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 2, "CUP at A": 2})
    cart = wish("MUG at A", 2)
    await bulk(shop, cart)
    smaller = wish("CUP at A", 1, replaces_reservation_ids=[cart.reservation_id])
    twin = wish("CUP at A", 1, reservation_id=smaller.reservation_id)
    larger = wish("CUP at A", 1, replaces_reservation_ids=[smaller.reservation_id])

    verdicts = await bulk(shop, smaller, twin, larger, wish("CUP at A", 2), wish("MUG at A", 2))

    assert reasons(verdicts) == ["", "RESERVATION_ID_TAKEN", "", "INSUFFICIENT_STOCK", ""]
    assert await shop.is_sound()


async def test_the_same_reservation_asked_for_by_two_requests_is_made_once(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    first = wish("MUG at A", 2)
    twin = wish("MUG at A", 1, reservation_id=first.reservation_id)

    assert reasons(await bulk(shop, first, twin)) == ["", "RESERVATION_ID_TAKEN"]

    assert (await shop.balance("MUG at A")).reserved == 2
    gone = new_id()
    await shop.release(gone)
    late = wish("MUG at A", reservation_id=gone)
    assert reasons(await bulk(shop, late, wish())) == ["RESERVATION_RELEASED", ""]
    assert await shop.is_sound()


async def test_overdue_holds_are_taken_over_inside_of_a_batch(shop: Shop) -> None:
    await shop.stock({"MUG at A": 6, "CUP at A": 1})
    wide = wish(
        lines=reserve_lines([("1", "MUG at A", 2), ("2", "CUP at A", 1)]),
    )
    old = [held_for(wide, 10), held_for(wish("MUG at A", 2), 10), held_for(wish(quantity=2), 900)]
    assert reasons(await bulk(shop, *old)) == ["", "", ""]
    await shop.let_pass(11)

    verdicts = await bulk(
        shop,
        wish("MUG at A", 1),
        wish("MUG at A", 2),
        wish("CUP at A", 1),
        wish("MUG at A", 1),
        wish("MUG at A", 1),
    )

    assert reasons(verdicts) == ["", "", "", "", "INSUFFICIENT_STOCK"]
    assert [line.state for line in (await shop.reservation(wide.reservation_id)).lines] == [
        EXPIRED,
        EXPIRED,
    ]
    assert (await shop.balance("MUG at A")).reserved == 6
    assert (await shop.balance("CUP at A")).reserved == 1
    assert await shop.is_sound()


async def test_a_hold_that_one_took_over_is_closed_for_the_next_of_the_batch(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})
    cart = held_for(wish("MUG at A", 2), 10)
    await bulk(shop, cart)
    await shop.let_pass(11)

    verdicts = await bulk(
        shop,
        wish("MUG at A", 2),
        wish("MUG at A", 1, replaces_reservation_ids=[cart.reservation_id]),
    )

    assert reasons(verdicts) == ["", "RESERVATION_CLOSED"]
    assert await shop.is_sound()
