import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.inventory.v1 import (
    Item,
    ListBalancesRequest,
    ListItemsRequest,
    ListLocationsRequest,
    ListMovementsRequest,
    ListReservationsRequest,
    Reservation,
    ReservationLine,
)
from ordermesh.api.order.v1 import ExternalReference
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.movement import Document, StockLine
from ordermesh.inventory.operations.stock import receive_stock
from ordermesh.runtime import pages
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import revision
from ordermesh.runtime.limits import Limits
from ordermesh.runtime.pages import InvalidPageToken, page_token
from tests.dialects import on_postgresql
from tests.inventory.messages import item
from tests.inventory.shop import Shop


async def found(shop: Shop, page_size: int = 0, **filters: Any) -> list[Reservation]:
    """All reservations that match, gathered page by page."""
    all_found: list[Reservation] = []
    token = ""
    while True:
        request = ListReservationsRequest(page_size=page_size, page_token=token, **filters)
        reply = await shop.reservations.ListReservations(request, shop.no_context)
        assert not page_size or len(reply.reservations) <= page_size
        all_found += reply.reservations
        token = reply.next_page_token
        if not token:
            return all_found


def orders(reservations: Sequence[Reservation]) -> str:
    return " ".join(one.order_id for one in reservations)


@pytest.fixture
async def four(shop: Shop) -> Sequence[Reservation]:
    """Reservations that differ in location, SKU, quantity and creation time, as they are listed."""
    await shop.stock({"MUG at A": 99, "MUG at B": 99, "CUP at A": 99})
    for order_id, wanted in (
        ("ONE", {"MUG at A": 1}),
        ("TWO", {"MUG at B": 2, "CUP at A": 1}),
        ("THREE", {"CUP at A": 2}),
        ("FOUR", {"MUG at A": 2}),
    ):
        await shop.reserve(wanted, order_id=order_id, hold_seconds=3600)
        await shop.let_pass(1)
    return await found(shop)


async def test_reservations_are_found_by_any_filter_and_by_all(
    shop: Shop, four: Sequence[Reservation]
) -> None:
    second = four[1].create_time

    assert orders(await found(shop)) == "ONE TWO THREE FOUR"
    assert orders(await found(shop, location_id="A")) == "ONE TWO THREE FOUR"
    assert orders(await found(shop, location_id="B")) == "TWO"
    assert orders(await found(shop, sku="MUG")) == "ONE TWO FOUR"
    assert orders(await found(shop, quantity=2)) == "TWO THREE FOUR"
    assert orders(await found(shop, order_id="THREE")) == "THREE"
    assert orders(await found(shop, created_after_time=second)) == "TWO THREE FOUR"
    assert orders(await found(shop, created_before_time=second)) == "ONE"
    every: dict[str, Any] = {
        "location_id": "A",
        "sku": "MUG",
        "quantity": 2,
        "created_after_time": second,
        "state": ReservationLine.STATE_HELD,
    }
    assert orders(await found(shop, **every)) == "FOUR"
    assert orders(await found(shop, sku="NOBODY")) == ""


async def test_the_filters_of_lines_must_hold_for_one_line(
    shop: Shop, four: Sequence[Reservation]
) -> None:
    assert orders(await found(shop, sku="MUG", location_id="A")) == "ONE FOUR"


async def test_pages_give_each_once_in_one_order(shop: Shop, four: Sequence[Reservation]) -> None:
    assert orders(await found(shop, page_size=1)) == "ONE TWO THREE FOUR"
    assert orders(await found(shop, page_size=3)) == "ONE TWO THREE FOUR"


async def test_an_overdue_hold_is_listed_as_expired(
    shop: Shop, four: Sequence[Reservation]
) -> None:
    await shop.confirm(four[0].reservation_id)
    await shop.let_pass(3600)

    assert orders(await found(shop, state=ReservationLine.STATE_HELD)) == ""
    assert orders(await found(shop, state=ReservationLine.STATE_CONFIRMED)) == "ONE"
    assert orders(await found(shop, state=ReservationLine.STATE_EXPIRED)) == "TWO THREE FOUR"


async def test_a_kit_is_found_by_its_own_sku(shop: Shop, four: Sequence[Reservation]) -> None:
    await shop.put_items(item("SET", {"MUG": 1}))
    await shop.reserve({"SET at A": 1}, order_id="KIT")

    assert orders(await found(shop, sku="SET")) == "KIT"


async def test_a_release_that_came_first_is_not_listed(shop: Shop) -> None:
    await shop.release("77777777-7777-4777-8777-777777777777")

    assert await found(shop) == []


async def test_a_page_of_many_lines_is_cut_before_it_is_too_large(shop: Shop) -> None:
    skus = [f"SKU-{number}" for number in range(1000)]
    await shop.stock({f"{sku} at A": 9 for sku in skus})
    for number in range(7):
        await shop.let_pass(1)
        await shop.reserve({f"{sku} at A": 1 for sku in skus}, order_id=str(number))

    request = ListReservationsRequest(page_size=1000)
    reply = await shop.reservations.ListReservations(request, shop.no_context)
    assert orders(reply.reservations) == "0 1 2 3 4"
    movements = await shop.ledger.ListMovements(
        ListMovementsRequest(location_id="A", page_size=1000), shop.no_context
    )
    assert len(movements.movements) == 5

    assert orders(await found(shop, page_size=1000)) == "0 1 2 3 4 5 6"


async def test_items_and_locations_are_listed_in_the_order_of_their_ids(shop: Shop) -> None:
    await shop.put_items("b", "a", "B", "ä", "10", "9")
    skus: list[str] = []
    token = ""
    while True:
        request = ListItemsRequest(page_size=2, page_token=token)
        reply = await shop.items.ListItems(request, shop.no_context)
        skus += [one.sku for one in reply.items]
        token = reply.next_page_token
        if not token:
            break
    assert skus == ["10", "9", "B", "a", "b", "ä"]

    places = await shop.locations.ListLocations(ListLocationsRequest(page_size=3), shop.no_context)
    assert [one.location_id for one in places.locations] == ["A", "B", "C"]
    rest = ListLocationsRequest(page_size=3, page_token=places.next_page_token)
    last = await shop.locations.ListLocations(rest, shop.no_context)
    assert [one.location_id for one in last.locations] == ["D"]
    assert last.next_page_token == ""


async def test_balances_are_listed_in_the_order_of_sku_and_location(shop: Shop) -> None:
    await shop.stock({"b at B": 1, "b at A": 2, "a at C": 3, "a at A": 4, "c at D": 5})
    figures: list[int] = []
    token = ""
    while True:
        request = ListBalancesRequest(page_size=2, page_token=token, skus=["a", "b"])
        reply = await shop.ledger.ListBalances(request, shop.no_context)
        figures += [one.on_hand for one in reply.balances]
        token = reply.next_page_token
        if not token:
            break

    assert figures == [4, 3, 2, 1]


async def test_movements_need_a_filter_and_are_listed_the_oldest_first(shop: Shop) -> None:
    await shop.stock({"MUG at A": 9})
    for number in range(5):
        await shop.let_pass(1)
        await shop.adjust("MUG at A", delta=-1, note=str(number))

    with pytest.raises(TooMuchAsked):
        await shop.movements()
    notes: list[str] = []
    token = ""
    while True:
        request = ListMovementsRequest(sku="MUG", location_id="A", page_size=2, page_token=token)
        reply = await shop.ledger.ListMovements(request, shop.no_context)
        notes += [one.note for one in reply.movements]
        token = reply.next_page_token
        if not token:
            break
    assert notes == ["", "0", "1", "2", "3", "4"]
    assert await shop.movements(sku="MUG", location_id="B") == []


async def test_movements_of_one_transaction_are_in_the_order_of_their_causes(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    for _ in range(5):
        cart = await shop.reserve({"MUG at A": 1})
        await shop.let_pass(1)
        order = await shop.reserve({"MUG at A": 1}, replaces=[cart.reservation_id])
        movements = await shop.movements(sku="MUG")
        assert [one.reservation_id for one in movements[-2:]] == [
            cart.reservation_id,
            order.reservation_id,
        ]
        await shop.release(order.reservation_id)
        await shop.let_pass(1)


@pytest.mark.parametrize("token", ["x", "!!!!", "AAAAAAAAAAAAAAAA", "e30="])
async def test_a_token_that_no_list_made_is_refused(shop: Shop, token: str) -> None:
    for call in (
        shop.items.ListItems(ListItemsRequest(page_token=token), shop.no_context),
        shop.locations.ListLocations(ListLocationsRequest(page_token=token), shop.no_context),
        shop.ledger.ListBalances(ListBalancesRequest(page_token=token), shop.no_context),
        shop.movements(sku="MUG", page_token=token),
        found_once(shop, token),
    ):
        with pytest.raises(InvalidPageToken) as refusal:
            await call
        assert refusal.value.facts() == {"pageToken": token}


async def found_once(shop: Shop, token: str) -> None:
    request = ListReservationsRequest(page_token=token)
    await shop.reservations.ListReservations(request, shop.no_context)


async def test_a_token_is_good_for_its_own_list_and_filters_alone(shop: Shop) -> None:
    await shop.put_items("a", "b", "c")
    first = await shop.items.ListItems(ListItemsRequest(page_size=1), shop.no_context)
    token = first.next_page_token

    # Another size of page is no other list.
    rest = ListItemsRequest(page_size=2, page_token=token)
    reply = await shop.items.ListItems(rest, shop.no_context)
    assert [one.sku for one in reply.items] == ["b", "c"]
    with pytest.raises(InvalidPageToken):
        await shop.locations.ListLocations(ListLocationsRequest(page_token=token), shop.no_context)
    await shop.stock({"a at A": 1, "a at B": 1})
    balances = await shop.ledger.ListBalances(
        ListBalancesRequest(skus=["a"], page_size=1), shop.no_context
    )
    other = ListBalancesRequest(skus=["b"], page_token=balances.next_page_token)
    with pytest.raises(InvalidPageToken):
        await shop.ledger.ListBalances(other, shop.no_context)


async def test_the_longest_ids_still_make_a_token_that_is_let_in(shop: Shop) -> None:
    long_ids = [letter * 128 for letter in "xy"]
    await shop.put_items(*long_ids)

    reply = await shop.items.ListItems(ListItemsRequest(page_size=1), shop.no_context)

    assert len(reply.next_page_token) <= 2_048


@pytest.mark.parametrize(
    "last",
    [
        ["2026-03-02T12:00:00", "77777777-7777-4777-8777-777777777777"],
        ["0001-01-01T00:00:00+14:00", "77777777-7777-4777-8777-777777777777"],
        ["2026-03-02T12:00:00+00:00", "seven"],
        ["soon", "77777777-7777-4777-8777-777777777777"],
        ["2026-03-02T12:00:00+00:00"],
    ],
)
async def test_a_token_whose_place_was_made_up_is_refused(shop: Shop, last: list[str]) -> None:
    token = page_token(ListReservationsRequest(), *last)

    with pytest.raises(InvalidPageToken):
        await found_once(shop, token)


@pytest.mark.parametrize("seconds", [-(10**18), -62_135_596_800, 0, 253_402_300_799, 10**18])
async def test_any_instant_can_be_asked_for(shop: Shop, seconds: int) -> None:
    await shop.stock({"MUG at A": 9})
    await shop.reserve({"MUG at A": 1}, order_id="ONE")
    instant = Timestamp(seconds=seconds)

    before = await found(shop, created_before_time=instant)
    after = await found(shop, created_after_time=instant)

    assert orders([*before, *after]) == "ONE"


def rich(sku: str) -> Item:
    """An item that other systems know by many names."""
    names = [ExternalReference(system=f"{n:0128}", id=sku.rjust(128, "-")) for n in range(50)]
    return item(sku, external_refs=names)


async def test_items_that_are_too_large_for_one_reply_come_on_several_pages(shop: Shop) -> None:
    wanted = [f"SKU-{number:03}" for number in range(400)]
    await shop.put_items(*map(rich, wanted))

    skus: list[str] = []
    token, has_more = "", True
    while has_more:
        request = ListItemsRequest(page_size=1000, page_token=token)
        reply = await shop.items.ListItems(request, shop.no_context)
        assert reply.ByteSize() <= Limits.reply_bytes
        skus += [one.sku for one in reply.items]
        token = reply.next_page_token
        has_more = bool(token)

    assert skus == wanted


async def test_what_is_listed_comes_once_however_little_a_page_carries(
    shop: Shop, four: Sequence[Reservation], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = ListMovementsRequest(location_id="A", page_size=1000)
    movements = (await shop.ledger.ListMovements(whole, shop.no_context)).movements
    monkeypatch.setattr(pages, "PAGE_BYTES", 1)

    assert await found(shop, page_size=1000) == list(four)

    seen: list[str] = []
    token, has_more = "", True
    while has_more:
        request = ListMovementsRequest(location_id="A", page_size=1000, page_token=token)
        reply = await shop.ledger.ListMovements(request, shop.no_context)
        seen += [one.movement_id for one in reply.movements]
        token = reply.next_page_token
        has_more = bool(token)
        assert len(reply.movements) == 1
    assert seen == [one.movement_id for one in movements]


@on_postgresql
async def test_no_page_says_that_it_contains_what_committed_after_the_first(shop: Shop) -> None:
    await shop.put_items("MUG", "CUP")
    is_made, may_commit = asyncio.Event(), asyncio.Event()

    async def receive(tx: Transaction) -> None:
        line = StockLine(StockKey("MUG", "A"), 1)
        await receive_stock(shop.wiring.stores, tx, [line], Document(Actor("slow")))
        is_made.set()
        await may_commit.wait()

    receiving = asyncio.create_task(shop.wiring.database.run(receive))
    await is_made.wait()
    for _ in range(3):
        await shop.receive({"CUP at A": 1})
    await shop.stamp()
    request = ListMovementsRequest(location_id="A", page_size=2)
    first = await shop.ledger.ListMovements(request, shop.no_context)
    # It is older than those of the first page, and committed after them.
    may_commit.set()
    await receiving
    await shop.stamp()
    request.page_token = first.next_page_token
    second = await shop.ledger.ListMovements(request, shop.no_context)

    found = [one.actor.caller for page in (first, second) for one in page.movements]
    assert found == ["developer"] * 3
    assert second.revision == first.revision < await shop.wiring.database.read(revision)
