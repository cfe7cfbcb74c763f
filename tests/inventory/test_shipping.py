import asyncio

import pytest

from ordermesh.api.inventory.v1 import (
    Account,
    BlockedKind,
    Movement,
    ReservationLine,
    ShippedUnits,
    ShortOutcome,
)
from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.errors.reservation import (
    Fenced,
    NotYourReservation,
    ReservationClosed,
)
from ordermesh.inventory.domain.errors.stock import (
    InsufficientStock,
    KeyQuarantined,
    ShortOfStock,
)
from ordermesh.kernel.errors import DomainError, RuleViolated
from tests.inventory.messages import leaving, new_id, selection
from tests.inventory.reading import insist
from tests.inventory.shop import Shop
from tests.inventory.test_suspects import Office, free, mend, spoil

MISSING = BlockedKind.BLOCKED_KIND_MISSING
CONFIRMED = ReservationLine.STATE_CONFIRMED
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


async def paid(shop: Shop, place: str, units: int, **fields: object) -> str:
    made = await shop.reserve({place: units}, confirm=True, **fields)  # type: ignore[arg-type]  # fields by name
    return made.reservation_id


async def states(shop: Shop, *reservation_ids: str) -> list[list[tuple[int, int]]]:
    return [
        [(line.quantity, line.state) for line in (await shop.reservation(one)).lines]
        for one in reservation_ids
    ]


async def test_goods_of_several_reservations_leave_together_by_one_document(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "CUP at B": 5})
    first, second = await paid(shop, "MUG at A", 3), await paid(shop, "CUP at B", 2)

    reply = await shop.ship_bulk(
        leaving(second, selection("1")), leaving(first, selection("1", 2)), document="NOTE-7"
    )

    told = reply.shipped_reservations
    assert [one.reservation_id for one in told] == [second, first]
    assert await states(shop, first, second) == [[(1, CONFIRMED), (2, SHIPPED)], [(2, SHIPPED)]]
    for one in told:
        movement = (await shop.movements(reservation_id=one.reservation_id))[-1]
        assert movement.kind == Movement.KIND_SHIPPED
        assert (movement.movement_id, movement.document) == (one.movement_id, "NOTE-7")
    assert (await shop.balance("MUG at A")).on_hand == 3
    assert (await shop.balance("CUP at B")).on_hand == 3
    assert await shop.is_sound()


async def test_what_is_not_there_for_all_together_stays_where_it_is(shop: Shop) -> None:
    await shop.stock({"MUG at A": 3, "CUP at A": 1})
    first, second = await paid(shop, "MUG at A", 2), await paid(shop, "MUG at A", 1)
    sound = await paid(shop, "CUP at A", 1)
    await shop.block(("MUG at A", 1, MISSING))
    before = await shop.dump()
    request_id = new_id()

    for _ in range(2):
        with pytest.raises(RuleViolated) as refusal:
            await shop.ship_bulk(
                *(leaving(one, selection("1")) for one in (sound, first, second)),
                request_id=request_id,
            )
        assert refusal.value.reason == ShortOfStock.reason
        assert refusal.value.facts() == {
            "sku": "MUG", "locationId": "A", "wanted": "3", "onHand": "2",
        }  # fmt: skip

    assert await shop.dump() == before
    await shop.ship_bulk(*(leaving(one, selection("1")) for one in (sound, first)))
    assert await shop.is_sound()


async def test_one_that_is_closed_keeps_all_here_and_is_named(shop: Shop) -> None:
    await shop.stock({"MUG at A": 4})
    ready, gone = await paid(shop, "MUG at A", 2), await paid(shop, "MUG at A", 2)
    await shop.ship(gone, selection("1", 1))
    before = await shop.dump()

    with pytest.raises(ReservationClosed) as refusal:
        await shop.ship_bulk(leaving(ready, selection("1")), leaving(gone, selection("1", 2)))

    assert refusal.value.facts() == {
        "reservationId": gone, "lineId": "1", "wanted": "2", "open": "1",
    }  # fmt: skip
    assert await shop.dump() == before


async def test_fences_and_owners_of_what_leaves_are_those_of_each_reservation(shop: Shop) -> None:
    await shop.stock({"MUG at A": 4})
    mine, fenced = await paid(shop, "MUG at A", 1), await paid(shop, "MUG at A", 1, fence=9)
    foreign = await paid(shop, "MUG at A", 1, caller="somebody")
    ours = leaving(mine, selection("1"))

    with pytest.raises(Fenced) as refusal:
        await shop.ship_bulk(ours, leaving(fenced, selection("1"), fence=5))
    assert refusal.value.facts()["reservationId"] == fenced
    with pytest.raises(NotYourReservation):
        await shop.ship_bulk(ours, leaving(foreign, selection("1")))

    await shop.ship_bulk(ours, leaving(fenced, selection("1"), fence=10))
    assert (await shop.reservation(fenced)).fence == 10


async def test_each_says_whether_more_leaves_and_what_becomes_of_its_rest(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    more, less = await paid(shop, "MUG at A", 2), await paid(shop, "MUG at A", 4)
    overdue = await shop.reserve({"MUG at A": 4}, hold_seconds=10)
    await shop.let_pass(11)

    reply = await shop.ship_bulk(
        leaving(more, selection("1", 5), over_ship=True),
        leaving(less, selection("1", 1), rest_outcome=ShortOutcome.SHORT_OUTCOME_WRITE_OFF),
    )

    first, second = reply.shipped_reservations
    assert [(one.line_id, one.quantity) for one in first.over_shipped] == [("1", 3)]
    assert (first.short_movement_id, list(second.over_shipped)) == ("", [])
    assert second.short_movement_id
    assert await states(shop, less) == [[(3, SHORT), (1, SHIPPED)]]
    assert await states(shop, overdue.reservation_id) == [[(4, ReservationLine.STATE_EXPIRED)]]
    balance = await shop.balance("MUG at A")
    assert (balance.on_hand, balance.reserved) == (1, 0)
    assert await shop.is_sound()


async def test_free_units_do_not_leave_for_two(shop: Shop) -> None:
    await shop.stock({"MUG at A": 6})
    both = [await paid(shop, "MUG at A", 2), await paid(shop, "MUG at A", 1)]
    before = await shop.dump()

    with pytest.raises(InsufficientStock) as refusal:
        await shop.ship_bulk(*(leaving(one, selection("1", 4), over_ship=True) for one in both))

    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "wanted": "5", "available": "3",
    }  # fmt: skip
    assert await shop.dump() == before


async def test_a_unit_does_not_leave_by_two_reservations(shop: Shop) -> None:
    await shop.stock({"MUG at A": 6})
    both = [await paid(shop, "MUG at A", 1), await paid(shop, "MUG at A", 1)]
    units = [ShippedUnits(line_id="1", serial_numbers=["S1"])]

    with pytest.raises(DuplicateEntry) as refusal:
        await shop.ship_bulk(*(leaving(one, selection("1"), units=units) for one in both))

    assert refusal.value.facts() == {"field": "units.serial_numbers", "value": "S1"}


async def test_what_left_together_is_answered_alike_when_it_is_sent_again(shop: Shop) -> None:
    await shop.stock({"MUG at A": 4})
    parts = [leaving(await paid(shop, "MUG at A", 2), selection("1")) for _ in range(2)]
    request_id = new_id()

    first = await shop.ship_bulk(*parts, request_id=request_id)
    again = await shop.ship_bulk(*parts, request_id=request_id)

    assert again == first
    assert (await shop.balance("MUG at A")).on_hand == 0
    with pytest.raises(DomainError) as reused:
        await shop.ship_bulk(*reversed(parts), request_id=request_id)
    assert reused.value.reason == "REQUEST_ID_REUSED"


async def test_what_stayed_for_its_books_leaves_when_they_are_right_again(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10, "MUG at B": 10})
    parts = [
        leaving(await paid(shop, place, 2), selection("1")) for place in ("MUG at B", "MUG at A")
    ]
    await spoil(shop, "MUG at A")
    await Office(shop).auditor.look()
    request_id = new_id()

    with pytest.raises(KeyQuarantined):
        await shop.ship_bulk(*parts, request_id=request_id)
    assert (await shop.balance("MUG at B")).reserved == 2
    await mend(shop, "MUG at A")
    await free(shop, "MUG at A")

    await shop.ship_bulk(*parts, request_id=request_id)
    assert (await shop.balance("MUG at B")).reserved == 0


async def test_who_ships_in_another_order_is_in_nobodys_way(no_deadlocks: None, shop: Shop) -> None:
    await shop.stock({"MUG at A": 20, "MUG at B": 20})
    ids = [await paid(shop, place, 10) for place in ("MUG at A", "MUG at B", "MUG at A")]

    async def leave(order: list[str]) -> None:
        parts = [leaving(one, selection("1", 1)) for one in order]
        await insist(lambda: shop.ship_bulk(*parts))

    await asyncio.gather(*(leave(ids[turn % 3 :] + ids[: turn % 3]) for turn in range(9)))

    assert (await shop.balance("MUG at A")).on_hand == 2
    assert (await shop.balance("MUG at B")).on_hand == 11
    assert await shop.is_sound()
