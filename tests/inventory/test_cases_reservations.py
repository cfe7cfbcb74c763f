"""How reservations behave, seen from outside: one test for each acceptance case, by its number."""

from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.inventory.v1 import (
    Account,
    ListReservationsRequest,
    Movement,
    Reservation,
    ReservationMode,
)
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import item, selection
from tests.inventory.shop import Shop


async def figures(shop: Shop, place: str) -> tuple[int, int, int]:
    """On hand, reserved and available."""
    balance = await shop.balance(place)
    return balance.on_hand, balance.reserved, await shop.available(place)


async def account_of(shop: Shop, order_id: str) -> int:
    """What the entries of an order leave in the account of promised units."""
    movements = await shop.movements(order_id=order_id)
    entries = [entry for movement in movements for entry in movement.entries]
    reserved = Account.ACCOUNT_RESERVED
    return sum(
        entry.quantity * ((entry.to_account == reserved) - (entry.from_account == reserved))
        for entry in entries
    )


async def test_inv_1_an_expired_reservation_no_longer_holds_stock(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.reserve({"MUG at A": 3}, hold_seconds=60)
    await shop.let_pass(61)

    assert await shop.available("MUG at A") == 5
    await shop.reserve({"MUG at A": 5}, order_id="ANOTHER")
    assert await figures(shop, "MUG at A") == (5, 5, 0)
    assert await shop.is_sound()


async def test_inv_2_an_order_does_not_compete_with_itself(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    mine = await shop.reserve({"MUG at A": 3}, order_id="R")
    assert await shop.available("MUG at A") == 2

    assert await shop.available("MUG at A", excluding=[mine.reservation_id]) == 5
    changed = await shop.reserve({"MUG at A": 5}, order_id="R", replaces=[mine.reservation_id])

    assert [line.quantity for line in changed.lines] == [5]
    assert await figures(shop, "MUG at A") == (5, 5, 0)


async def test_inv_3_reservations_that_are_switched_off_are_not_counted(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.reserve({"MUG at A": 3})

    await shop.put_items(item("MUG", reservation_mode=ReservationMode.RESERVATION_MODE_NONE))

    assert await shop.available("MUG at A") == 5


async def test_inv_4_every_short_line_is_named(shop: Shop) -> None:
    await shop.stock({"X at A": 1, "Y at A": 9, "Z at A": 2})
    await shop.reserve({"Z at A": 2})

    with pytest.raises(InsufficientStock) as refusal:
        await shop.reserve({"X at A": 4, "Y at A": 2, "Z at A": 3})

    facts = refusal.value.facts()
    assert facts == {
        "sku": "X", "locationId": "A", "wanted": "4", "available": "1",
        "sku-2": "Z", "locationId-2": "A", "wanted-2": "3", "available-2": "0",
        "rows": "2",
    }  # fmt: skip
    assert await figures(shop, "Y at A") == (9, 0, 9)


async def test_inv_5_reserve_release_reserve_again(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    first = await shop.reserve([("1", "MUG at A", 4)])
    assert await figures(shop, "MUG at A") == (10, 4, 6)

    await shop.release(first.reservation_id, selection("1"))
    assert await figures(shop, "MUG at A") == (10, 0, 10)

    await shop.reserve([("1", "MUG at A", 4)])
    assert await figures(shop, "MUG at A") == (10, 4, 6)


async def test_inv_6_more_than_available_is_refused(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.reserve({"MUG at A": 7})

    with pytest.raises(InsufficientStock) as refusal:
        await shop.reserve({"MUG at A": 4})

    facts = refusal.value.facts()
    assert (facts["wanted"], facts["available"]) == ("4", "3")
    assert await figures(shop, "MUG at A") == (10, 7, 3)
    await shop.reserve({"MUG at A": 3})


async def test_inv_7_not_stocked_here(shop: Shop) -> None:
    await shop.stock({"S at A": 10})

    with pytest.raises(NotStockedHere) as reserving:
        await shop.reserve({"S at B": 1})
    with pytest.raises(NotStockedHere) as updating:
        await shop.adjust("S at B", delta=-1)

    assert reserving.value.facts() == updating.value.facts() == {"sku": "S", "locationId": "B"}


async def test_inv_8_releasing_too_much(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    made = await shop.reserve([("1", "MUG at A", 3), ("2", "MUG at A", 2)])

    reply = await shop.release(made.reservation_id, selection("1", 5), selection("2", 2))

    results = [(one.line_id, one.wanted, one.released) for one in reply.released_lines]
    assert results == [("1", 5, 3), ("2", 2, 2)]
    assert await figures(shop, "MUG at A") == (10, 0, 10)


async def test_inv_9_reserved_never_falls_below_zero_when_goods_leave(shop: Shop) -> None:
    await shop.stock({"X at A": 10, "Y at A": 10})
    made = await shop.reserve([("1", "X at A", 2), ("2", "Y at A", 5)], confirm=True)

    reply = await shop.ship(
        made.reservation_id, selection("1", 3), selection("2", 5), over_ship=True
    )

    assert await figures(shop, "X at A") == (7, 0, 7)
    assert await figures(shop, "Y at A") == (5, 0, 5)
    assert [(one.line_id, one.quantity) for one in reply.over_shipped] == [("1", 1)]
    assert await shop.is_sound()


async def test_inv_10_a_reservation_can_empty_the_shelf_on_paper_only(shop: Shop) -> None:
    await shop.stock({"MUG at A": 6})
    made = await shop.reserve({"MUG at A": 6})
    assert await figures(shop, "MUG at A") == (6, 6, 0)

    await shop.release(made.reservation_id)

    assert await figures(shop, "MUG at A") == (6, 0, 6)
    movements = await shop.movements(reservation_id=made.reservation_id)
    assert [(one.kind, len(one.entries)) for one in movements] == [
        (Movement.KIND_RESERVED, 1),
        (Movement.KIND_RELEASED, 1),
    ]


async def test_inv_11_the_entries_of_an_order_net_to_zero(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    placed = await shop.reserve({"MUG at A": 4}, order_id="CANCELLED", confirm=True)
    assert await account_of(shop, "CANCELLED") == 4

    await shop.release(placed.reservation_id)
    assert await account_of(shop, "CANCELLED") == 0
    assert await figures(shop, "MUG at A") == (10, 0, 10)

    second = await shop.reserve({"MUG at A": 4}, order_id="SHIPPED", confirm=True)
    await shop.ship(second.reservation_id, selection("1"))
    assert await account_of(shop, "SHIPPED") == 0
    assert await figures(shop, "MUG at A") == (6, 0, 6)
    (entry,) = (await shop.movements(order_id="SHIPPED"))[-1].entries
    assert (entry.from_account, entry.to_account, entry.quantity) == (
        Account.ACCOUNT_RESERVED,
        Account.ACCOUNT_CUSTOMER,
        4,
    )


async def test_inv_12_a_pickup_reservation_is_seen_by_everybody(shop: Shop) -> None:
    await shop.stock({"MUG at A": 55})
    await shop.reserve({"MUG at A": 35}, order_id="PICKUP", caller="storefront")

    assert await shop.available("MUG at A") == 20
    for caller in ("storefront", "marketplace", "till"):
        with pytest.raises(InsufficientStock):
            await shop.reserve({"MUG at A": 21}, caller=caller)
    assert (await shop.balance("MUG at A")).on_hand == 55


async def listed(shop: Shop, **filters: Any) -> list[str]:
    """The ids of the reservations that match, over pages of two; each page is read twice."""
    ids: list[str] = []
    token = ""
    while True:
        request = ListReservationsRequest(page_size=2, page_token=token, **filters)
        page = await shop.reservations.ListReservations(request, NO_CONTEXT)
        again = await shop.reservations.ListReservations(request, NO_CONTEXT)
        assert list(again.reservations) == list(page.reservations)
        ids += [one.reservation_id for one in page.reservations]
        token = page.next_page_token
        if not token:
            return ids


def moment_between(earlier: Reservation, later: Reservation) -> Timestamp:
    first, second = earlier.create_time.ToDatetime(), later.create_time.ToDatetime()
    found = Timestamp()
    found.FromDatetime(first + (second - first) / 2)
    return found


async def test_inv_13_finding_reservations(shop: Shop) -> None:
    await shop.stock({"MUG at A": 90, "MUG at B": 90, "CUP at A": 90})
    wishes = [
        {"MUG at A": 1},
        {"MUG at A": 2},
        {"MUG at B": 1},
        {"CUP at A": 1},
        {"MUG at A": 1, "CUP at A": 5},
        {"MUG at A": 1},
    ]
    made = []
    for wish in wishes:
        made.append(await shop.reserve(wish))
        await shop.let_pass(1)
    # Where the clock cannot be moved, all have been made earlier instead.
    made = [await shop.reservation(one.reservation_id) for one in made]
    ids = [one.reservation_id for one in made]
    after = moment_between(made[0], made[1])
    before = moment_between(made[4], made[5])

    async def found(**filters: Any) -> list[int]:
        return [ids.index(one) for one in await listed(shop, **filters)]

    assert await found() == [0, 1, 2, 3, 4, 5]
    assert await found(location_id="A") == [0, 1, 3, 4, 5]
    assert await found(sku="CUP") == [3, 4]
    assert await found(quantity=1) == [0, 2, 3, 4, 5]
    assert await found(created_after_time=after) == [1, 2, 3, 4, 5]
    assert await found(created_before_time=before) == [0, 1, 2, 3, 4]
    everything = {"location_id": "A", "sku": "MUG", "quantity": 1}
    assert await found(**everything, created_after_time=after, created_before_time=before) == [4]
