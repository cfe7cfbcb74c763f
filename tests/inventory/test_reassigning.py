import asyncio

import pytest

from ordermesh.inventory.domain.errors.reservation import (
    Fenced,
    NotYourReservation,
    ReservationNotFound,
)
from ordermesh.inventory.domain.errors.stock import InsufficientStock, KeyQuarantined
from ordermesh.kernel.errors import DomainError, NotFound
from tests.inventory.messages import control, item, new_id, selection
from tests.inventory.reading import insist
from tests.inventory.shop import Shop
from tests.inventory.test_suspects import Office, free, mend, spoil


def places(reservation: object) -> list[tuple[str, int]]:
    return [(line.key.location_id, line.quantity) for line in reservation.lines]  # type: ignore[attr-defined]  # a reservation


async def test_one_that_cannot_move_keeps_all_where_they_are(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2, "MUG at B": 5, "CUP at A": 1})
    movable = await shop.reserve({"MUG at A": 2})
    stuck = await shop.reserve({"CUP at A": 1})
    before = await shop.dump()

    with pytest.raises(InsufficientStock) as refusal:
        await shop.reassign_bulk(
            {
                movable.reservation_id: [(selection("1"), "B")],
                stuck.reservation_id: [(selection("1"), "B")],
            }
        )

    assert refusal.value.facts() == {
        "sku": "CUP", "locationId": "B", "wanted": "1", "available": "0",
    }  # fmt: skip
    assert await shop.dump() == before


async def test_fences_and_owners_are_those_of_each_reservation(shop: Shop) -> None:
    await shop.stock({"MUG at A": 4, "MUG at B": 4})
    mine = await shop.reserve({"MUG at A": 1}, fence=1)
    fenced = await shop.reserve({"MUG at A": 1}, fence=9)
    foreign = await shop.reserve({"MUG at A": 1}, caller="somebody")

    with pytest.raises(Fenced) as refusal:
        await shop.reassign_bulk(
            {one.reservation_id: [(selection("1"), "B")] for one in (mine, fenced)}, fence=5
        )
    assert refusal.value.facts()["reservationId"] == fenced.reservation_id
    with pytest.raises(NotYourReservation):
        await shop.reassign_bulk(
            {one.reservation_id: [(selection("1"), "B")] for one in (mine, foreign)}
        )


async def test_two_orders_swap_their_places_where_nothing_is_free(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2, "MUG at B": 2})
    first = await shop.reserve({"MUG at A": 2}, confirm=True)
    second = await shop.reserve({"MUG at B": 2})

    moved = await shop.reassign_bulk(
        {
            first.reservation_id: [(selection("1"), "B")],
            second.reservation_id: [(selection("1"), "A")],
        }
    )

    assert [places(one) for one in moved] == [[("B", 2)], [("A", 2)]]
    assert [one.reservation_id for one in moved] == [first.reservation_id, second.reservation_id]
    assert await shop.is_sound()


async def test_overdue_holds_of_others_make_room(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2, "MUG at B": 2})
    await shop.reserve({"MUG at B": 2}, hold_seconds=10)
    await shop.let_pass(11)
    ids = [(await shop.reserve({"MUG at A": 1})).reservation_id for _ in range(2)]

    moved = await shop.reassign_bulk({one: [(selection("1"), "B")] for one in ids})

    assert [places(one) for one in moved] == [[("B", 1)], [("B", 1)]]
    assert await shop.is_sound()


async def test_nobody_gets_in_between_while_promises_move(no_deadlocks: None, shop: Shop) -> None:
    await shop.stock({"MUG at A": 3, "MUG at B": 3})
    at_a = [(await shop.reserve({"MUG at A": 1})).reservation_id for _ in range(3)]
    at_b = [(await shop.reserve({"MUG at B": 1})).reservation_id for _ in range(3)]

    async def swap() -> None:
        one = {key: [(selection("1"), "B")] for key in at_a}
        other = {key: [(selection("1"), "A")] for key in at_b}
        await insist(lambda: shop.reassign_bulk({**one, **other}))

    async def snatch(place: str) -> str:
        try:
            await insist(lambda: shop.reserve({place: 1}))
        except DomainError as refusal:
            return refusal.reason
        return "HELD"

    outcomes = await asyncio.gather(
        swap(), *(snatch(f"MUG at {place}") for place in "AB" for _ in range(4))
    )

    assert set(outcomes[1:]) == {"INSUFFICIENT_STOCK"}
    assert places(await shop.reservation(at_a[0])) == [("B", 1)]
    assert await shop.is_sound()


async def test_what_was_refused_for_its_books_stays_refused_when_they_are_right_again(
    shop: Shop,
) -> None:
    await shop.stock({"MUG at A": 10, "MUG at B": 10})
    held = await shop.reserve({"MUG at A": 2}, confirm=True)
    moves = {held.reservation_id: [(selection("1"), "B")]}
    await spoil(shop, "MUG at A")
    await Office(shop).auditor.look()
    request_id = new_id()

    with pytest.raises(KeyQuarantined):
        await shop.reassign_bulk(moves, request_id=request_id)
    await mend(shop, "MUG at A")
    await free(shop, "MUG at A")

    with pytest.raises(DomainError) as again:
        await shop.reassign_bulk(moves, request_id=request_id)
    assert again.value.reason == "KEY_QUARANTINED"
    assert again.value.facts() == {"sku": "MUG", "locationId": "A"}
    (moved,) = await shop.reassign_bulk(moves)
    assert places(moved) == [("B", 2)]


async def test_what_was_not_there_stays_not_there_for_the_same_request(shop: Shop) -> None:
    # Whoever asked has gone on with what it was told, and a late twin of it may ask once more.
    await shop.stock({"MUG at A": 10, "MUG at B": 10})
    reservation_id, request_id = new_id(), new_id()
    moves = {reservation_id: [(selection("1"), "B")]}

    with pytest.raises(ReservationNotFound):
        await shop.reassign_bulk(moves, request_id=request_id)
    held = await shop.reserve({"MUG at A": 2}, reservation_id=reservation_id, confirm=True)

    with pytest.raises(NotFound) as again:
        await shop.reassign_bulk(moves, request_id=request_id)
    assert again.value.reason == "RESERVATION_NOT_FOUND"
    assert again.value.facts() == {"reservationId": reservation_id}
    assert places(await shop.reservation(held.reservation_id)) == [("A", 2)]
    (moved,) = await shop.reassign_bulk(moves)
    assert places(moved) == [("B", 2)]


async def test_a_kit_goes_nowhere_where_it_may_not_be_sold(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10, "MUG at B": 10, "MUG at C": 10})
    await shop.put_items(item("PAIR", {"MUG": 2}))
    await shop.put_controls(
        control("none", "exclude", 1, sku="PAIR", location_id="B"),
        control("few", "cap", 1, sku="PAIR", location_id="C"),
    )
    made = await shop.reserve({"PAIR at A": 2, "MUG at A": 1}, confirm=True)
    before = await shop.dump()

    for place, there in (("B", "0"), ("C", "1")):
        with pytest.raises(InsufficientStock) as refusal:
            await shop.reassign(made.reservation_id, (selection("1"), place))
        assert refusal.value.facts() == {
            "sku": "PAIR", "locationId": place, "wanted": "2", "available": there,
        }  # fmt: skip
    assert await shop.dump() == before

    await shop.reassign(made.reservation_id, (selection("2"), "B"))
    await shop.reassign(made.reservation_id, (selection("1", 1), "C"))
    await shop.put_items(item("PAIR", {"MUG": 2}, unsellable=True))
    with pytest.raises(InsufficientStock):
        await shop.reassign(made.reservation_id, (selection("1", location_id="A"), "C"))
    assert await shop.is_sound()


async def test_a_kit_is_kept_from_a_channel_wherever_it_would_go(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10, "MUG at B": 10})
    await shop.put_items(item("PAIR", {"MUG": 2}, tags=["gift"]))
    no_gifts = control("gifts", "exclude", 1, tag="gift", channel="web", location_id="B")
    await shop.put_controls(no_gifts)
    web = await shop.reserve({"PAIR at A": 1}, confirm=True, channel="web")
    store = await shop.reserve({"PAIR at A": 1}, confirm=True, channel="store")

    await shop.reassign(store.reservation_id, (selection("1"), "B"))
    with pytest.raises(InsufficientStock):
        await shop.reassign(web.reservation_id, (selection("1"), "B"))
