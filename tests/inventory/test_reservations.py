import asyncio
from collections import defaultdict

import pytest

from ordermesh.api.inventory.v1 import Account, Movement, ReservationLine
from ordermesh.inventory.domain.errors.catalog import UnknownLocation, UnknownSku
from ordermesh.inventory.domain.errors.requests import DuplicateEntry, TooMuchAsked
from ordermesh.inventory.domain.errors.reservation import (
    Fenced,
    LineNotFound,
    NotYourReservation,
    ReservationClosed,
    ReservationExpired,
    ReservationIdTaken,
    ReservationNotFound,
    ReservationReleased,
)
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from ordermesh.kernel.errors import DomainError, RuleViolated
from ordermesh.runtime.validation import InvalidFields
from tests.inventory.messages import item, location, new_id, selection
from tests.inventory.reading import insist
from tests.inventory.shop import Shop

HELD = ReservationLine.STATE_HELD
CONFIRMED = ReservationLine.STATE_CONFIRMED
RELEASED = ReservationLine.STATE_RELEASED
EXPIRED = ReservationLine.STATE_EXPIRED
SHIPPED = ReservationLine.STATE_SHIPPED


async def held_for(shop: Shop, order_id: str) -> int:
    """What the entries of an order leave in the account of promised units."""
    held = 0
    for movement in await shop.movements(order_id=order_id):
        for entry in movement.entries:
            held += entry.quantity * (entry.to_account == Account.ACCOUNT_RESERVED)
            held -= entry.quantity * (entry.from_account == Account.ACCOUNT_RESERVED)
    return held


async def test_an_order_does_not_compete_with_itself(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    cart = await shop.reserve({"MUG at A": 3})

    assert await shop.available("MUG at A") == 2
    assert await shop.available("MUG at A", excluding=[cart.reservation_id]) == 5
    await shop.reserve({"MUG at A": 5}, replaces=[cart.reservation_id])

    assert (await shop.balance("MUG at A")).reserved == 5
    assert await shop.available("MUG at A") == 0
    assert [line.state for line in (await shop.reservation(cart.reservation_id)).lines] == [
        RELEASED
    ]
    assert await shop.is_sound()


async def test_a_cart_that_is_named_in_two_spellings_gives_its_units_back_once(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    cart = await shop.reserve({"MUG at A": 5}, confirm=True)
    await shop.reserve({"MUG at A": 5}, confirm=True)

    spellings = [cart.reservation_id.lower(), cart.reservation_id.upper()]
    with pytest.raises(InvalidFields) as refusal:
        await shop.reserve({"MUG at A": 1}, confirm=True, replaces=spellings)

    (violation,) = refusal.value.violations
    assert violation.field == "replaces_reservation_ids[1]"
    assert (await shop.balance("MUG at A")).reserved == 10
    assert await shop.is_sound()


async def test_a_cart_that_holds_the_last_unit_becomes_its_own_order(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    cart = await shop.reserve({"MUG at A": 1})
    with pytest.raises(InsufficientStock):
        await shop.reserve({"MUG at A": 1}, order_id="SOMEBODY-ELSE")

    order = await shop.reserve(
        {"MUG at A": 1}, order_id="X", confirm=True, replaces=[cart.reservation_id]
    )

    assert [line.state for line in order.lines] == [CONFIRMED]
    assert (await shop.balance("MUG at A")).reserved == 1


async def test_every_short_line_is_named_and_nothing_is_held(shop: Shop) -> None:
    await shop.stock({"X at A": 1, "Y at A": 9, "Z at A": 1})
    await shop.reserve({"Z at A": 1})
    before = await shop.dump()

    with pytest.raises(InsufficientStock) as refusal:
        await shop.reserve({"X at A": 4, "Y at A": 2, "Z at A": 3})

    facts = refusal.value.facts()
    assert {facts["sku"], facts["sku-2"], facts["rows"]} == {"X", "Z", "2"}
    assert (facts["wanted"], facts["available"]) == ("4", "1")
    assert (facts["wanted-2"], facts["available-2"]) == ("3", "0")
    assert await shop.dump() == before


async def test_reserve_release_reserve_again(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    first = await shop.reserve([("LINE-1", "MUG at A", 4)])
    assert (await shop.balance("MUG at A")).reserved == 4
    assert await shop.available("MUG at A") == 6

    await shop.release(first.reservation_id, selection("LINE-1"))
    assert (await shop.balance("MUG at A")).reserved == 0
    assert await shop.available("MUG at A") == 10

    await shop.reserve([("LINE-1", "MUG at A", 4)])
    assert (await shop.balance("MUG at A")).reserved == 4
    assert await shop.available("MUG at A") == 6


async def test_more_than_available_is_refused(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.reserve({"MUG at A": 7})

    with pytest.raises(InsufficientStock) as refusal:
        await shop.reserve({"MUG at A": 4})

    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "wanted": "4", "available": "3",
    }  # fmt: skip
    balance = await shop.balance("MUG at A")
    assert (balance.on_hand, balance.reserved) == (10, 7)
    await shop.reserve({"MUG at A": 3})


async def test_what_is_not_stocked_here_cannot_be_reserved_here(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})

    with pytest.raises(NotStockedHere) as refusal:
        await shop.reserve({"MUG at B": 1})

    assert refusal.value.facts() == {"sku": "MUG", "locationId": "B"}


async def test_releasing_too_much_says_what_was_wanted_and_what_was_released(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    made = await shop.reserve([("1", "MUG at A", 3), ("2", "MUG at A", 2)])

    reply = await shop.release(made.reservation_id, selection("1", 5), selection("2", 2))

    released = [(line.line_id, line.wanted, line.released) for line in reply.released_lines]
    assert released == [("1", 5, 3), ("2", 2, 2)]
    balance = await shop.balance("MUG at A")
    assert (balance.on_hand, balance.reserved) == (10, 0)


async def test_a_reservation_empties_the_shelf_on_paper_only(shop: Shop) -> None:
    await shop.stock({"MUG at A": 6})
    made = await shop.reserve({"MUG at A": 6})
    assert await shop.available("MUG at A") == 0
    assert (await shop.balance("MUG at A")).on_hand == 6

    await shop.release(made.reservation_id)

    assert await shop.available("MUG at A") == 6
    kinds = [movement.kind for movement in await shop.movements(sku="MUG")]
    assert kinds == [Movement.KIND_RECEIVED, Movement.KIND_RESERVED, Movement.KIND_RELEASED]


async def test_the_entries_of_an_order_net_to_zero(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10})
    cancelled = await shop.reserve({"MUG at A": 4}, order_id="CANCELLED", confirm=True)
    assert await held_for(shop, "CANCELLED") == 4
    await shop.release(cancelled.reservation_id)
    assert await held_for(shop, "CANCELLED") == 0
    assert (await shop.balance("MUG at A")).on_hand == 10

    shipped = await shop.reserve({"MUG at A": 4}, order_id="SHIPPED", confirm=True)
    reply = await shop.ship(shipped.reservation_id, selection("1"), document="NOTE-7")

    assert await held_for(shop, "SHIPPED") == 0
    assert (await shop.balance("MUG at A")).on_hand == 6
    movement = (await shop.movements(order_id="SHIPPED"))[-1]
    assert movement.movement_id == reply.movement_id
    assert (movement.document, movement.actor.caller) == ("NOTE-7", "developer")
    assert [line.state for line in reply.reservation.lines] == [SHIPPED]


async def test_a_pickup_reservation_is_seen_by_everybody(shop: Shop) -> None:
    await shop.stock({"MUG at A": 55})
    await shop.reserve({"MUG at A": 35}, order_id="PICKUP", caller="storefront")

    assert await shop.available("MUG at A") == 20
    assert (await shop.balance("MUG at A")).on_hand == 55
    with pytest.raises(InsufficientStock):
        await shop.reserve({"MUG at A": 21}, caller="marketplace")


async def test_the_same_sku_twice_in_one_request_is_summed(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})

    with pytest.raises(InsufficientStock) as refusal:
        await shop.reserve([("1", "MUG at A", 3), ("2", "MUG at A", 3)])

    assert refusal.value.facts()["wanted"] == "6"


async def test_two_kits_that_share_a_component_are_summed(shop: Shop) -> None:
    await shop.stock({"POT at A": 9, "CUP at A": 5})
    await shop.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}), item("PAIR", {"CUP": 2}))

    with pytest.raises(InsufficientStock) as refusal:
        await shop.reserve({"TEA-SET at A": 2, "PAIR at A": 1})
    assert (refusal.value.facts()["sku"], refusal.value.facts()["wanted"]) == ("CUP", "6")

    made = await shop.reserve({"TEA-SET at A": 1, "PAIR at A": 1})
    lines = [
        (line.line_id, line.key.sku, line.quantity, line.kit_sku, line.quantity_per_kit)
        for line in made.lines
    ]
    assert lines == [
        ("1", "POT", 1, "TEA-SET", 1),
        ("1", "CUP", 2, "TEA-SET", 2),
        ("2", "CUP", 2, "PAIR", 2),
    ]


async def test_kits_are_shipped_and_released_by_the_kit(shop: Shop) -> None:
    await shop.stock({"POT at A": 3, "CUP at A": 6})
    await shop.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}))
    made = await shop.reserve({"TEA-SET at A": 3}, confirm=True)

    await shop.ship(made.reservation_id, selection("1", 1))
    reply = await shop.release(made.reservation_id, selection("1", 5))

    assert [(line.wanted, line.released) for line in reply.released_lines] == [(5, 2)]
    assert (await shop.balance("POT at A")).on_hand == 2
    assert (await shop.balance("CUP at A")).on_hand == 4
    assert await shop.is_sound()


async def test_too_many_components_are_refused(shop: Shop) -> None:
    parts = {f"PART-{number}": 1 for number in range(50)}
    await shop.put_items(*parts)
    await shop.put_items(item("CASE", parts))

    with pytest.raises(TooMuchAsked):
        await shop.reserve([(str(number), "CASE at A", 1) for number in range(101)])


async def test_one_line_id_with_one_key_is_asked_for_once(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "MUG at B": 5})
    await shop.reserve([("1", "MUG at A", 1), ("1", "MUG at B", 1)])

    with pytest.raises(DuplicateEntry):
        await shop.reserve([("1", "MUG at A", 1), ("1", "MUG at A", 1)])


async def test_what_does_not_exist_is_named_all_of_it(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})

    with pytest.raises(UnknownSku) as skus:
        await shop.reserve({"MUG at A": 1, "NO-1 at A": 1, "NO-2 at NOWHERE": 1})
    assert (skus.value.facts()["sku"], skus.value.facts()["sku-2"]) == ("NO-1", "NO-2")
    with pytest.raises(UnknownLocation) as places:
        await shop.reserve({"MUG at NOWHERE": 1})
    assert places.value.facts() == {"locationId": "NOWHERE"}


async def test_at_a_location_that_is_switched_off_nothing_is_promised(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.put_locations(location("A", disabled=True))

    with pytest.raises(InsufficientStock) as refusal:
        await shop.reserve({"MUG at A": 1})

    assert refusal.value.facts()["available"] == "0"


async def test_an_overdue_hold_is_sellable_at_once_unswept(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.reserve({"MUG at A": 3}, order_id="SLOW")
    await shop.let_pass(15 * 60 + 1)

    assert await shop.available("MUG at A") == 5
    await shop.reserve({"MUG at A": 5}, order_id="QUICK")

    kinds = [movement.kind for movement in await shop.movements(order_id="SLOW")]
    assert kinds == [Movement.KIND_RESERVED, Movement.KIND_EXPIRED]
    assert await shop.is_sound()


async def test_an_overdue_hold_reads_as_expired_and_cannot_be_confirmed(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    slow = await shop.reserve({"MUG at A": 3})
    await shop.let_pass(15 * 60 + 1)

    assert [line.state for line in (await shop.reservation(slow.reservation_id)).lines] == [EXPIRED]
    balance = await shop.balance("MUG at A")
    assert (balance.available, balance.reserved) == (5, 3)
    with pytest.raises(ReservationExpired):
        await shop.confirm(slow.reservation_id)
    await shop.reserve({"MUG at A": 5})
    with pytest.raises(ReservationClosed):
        await shop.reserve({"MUG at A": 1}, replaces=[slow.reservation_id])


async def test_a_release_that_overtakes_its_reserve_is_remembered(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    reservation_id = new_id()

    reply = await shop.release(reservation_id, selection("1", 2))
    assert not reply.HasField("reservation")
    assert [(line.wanted, line.released) for line in reply.released_lines] == [(2, 0)]
    again = await shop.release(reservation_id)
    assert not again.HasField("reservation")

    with pytest.raises(ReservationReleased):
        await shop.reserve({"MUG at A": 1}, reservation_id=reservation_id)
    with pytest.raises(ReservationNotFound):
        await shop.reservation(reservation_id)
    with pytest.raises(NotYourReservation):
        await shop.release(reservation_id, caller="marketplace")


async def test_an_id_is_taken_by_the_first(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    made = await shop.reserve({"MUG at A": 1})

    with pytest.raises(ReservationIdTaken):
        await shop.reserve({"MUG at A": 1}, reservation_id=made.reservation_id)


async def test_a_reservation_belongs_to_its_owner(shop: Shop) -> None:
    await shop.stock({"MUG at A": 9})
    made = await shop.reserve(
        {"MUG at A": 1}, caller="routing", role="routing", on_behalf_of="storefront"
    )
    assert made.owner == "storefront"

    with pytest.raises(NotYourReservation):
        await shop.confirm(made.reservation_id, caller="marketplace")
    with pytest.raises(NotYourReservation):
        await shop.reserve({"MUG at A": 1}, replaces=[made.reservation_id], caller="marketplace")
    await shop.reserve({"MUG at A": 1}, replaces=[made.reservation_id], caller="storefront")


async def test_a_worker_that_slept_through_its_lease_is_fenced_off(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "MUG at B": 5})
    made = await shop.reserve({"MUG at A": 2}, fence=1)
    await shop.confirm(made.reservation_id, fence=3)

    with pytest.raises(Fenced):
        await shop.confirm(made.reservation_id, fence=2)
    with pytest.raises(Fenced):
        await shop.release(made.reservation_id, fence=2)
    with pytest.raises(Fenced):
        await shop.ship(made.reservation_id, selection("1"), fence=2)
    with pytest.raises(Fenced):
        await shop.reassign(made.reservation_id, (selection("1"), "B"), fence=2)
    assert (await shop.reservation(made.reservation_id)).fence == 3


async def test_a_worker_that_slept_through_its_lease_takes_nothing_over(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    made = await shop.reserve({"MUG at A": 2}, order_id="O-1", fence=1)
    await shop.confirm(made.reservation_id, fence=3)

    with pytest.raises(Fenced):
        await shop.reserve({"MUG at A": 2}, order_id="O-1", replaces=[made.reservation_id], fence=2)

    assert [line.state for line in (await shop.reservation(made.reservation_id)).lines] == [
        ReservationLine.STATE_CONFIRMED
    ]


async def test_the_fence_of_one_cart_is_not_compared_with_that_of_another(shop: Shop) -> None:
    await shop.stock({"MUG at A": 3})
    cart = await shop.reserve({"MUG at A": 2}, fence=1_000)

    made = await shop.reserve({"MUG at A": 3}, replaces=[cart.reservation_id], fence=1)

    assert made.fence == 1
    assert await shop.is_sound()


async def test_the_fences_of_a_cart_compare_with_nobodys(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})
    cart = await shop.reserve({"MUG at A": 2}, fence=1_000)

    made = await shop.reserve(
        {"MUG at A": 2}, order_id="O-1", replaces=[cart.reservation_id], fence=1
    )

    assert made.fence == 1
    assert (await shop.reservation(cart.reservation_id)).fence == 1_000
    assert await shop.is_sound()


async def test_a_promise_goes_elsewhere_in_one_step(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "MUG at B": 2})
    made = await shop.reserve({"MUG at A": 3}, confirm=True)

    moved = await shop.reassign(made.reservation_id, (selection("1", 2), "B"))

    places = sorted((line.key.location_id, line.quantity) for line in moved.lines)
    assert places == [("A", 1), ("B", 2)]
    assert (await shop.balance("MUG at A")).reserved == 1
    assert (await shop.balance("MUG at B")).reserved == 2
    with pytest.raises(InsufficientStock):
        await shop.reassign(made.reservation_id, (selection("1", 1), "C"))
    assert await shop.is_sound()


async def test_a_reservation_that_does_not_exist_is_not_found(shop: Shop) -> None:
    for call in (
        shop.confirm(new_id()),
        shop.reassign(new_id(), (selection("1"), "B")),
        shop.ship(new_id(), selection("1")),
    ):
        with pytest.raises(ReservationNotFound):
            await call


async def test_a_line_that_does_not_exist_is_not_found(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    made = await shop.reserve({"MUG at A": 3}, confirm=True)

    for call in (
        shop.ship(made.reservation_id, selection("9")),
        shop.release(made.reservation_id, selection("9")),
        shop.reassign(made.reservation_id, (selection("9"), "B")),
    ):
        with pytest.raises(LineNotFound):
            await call


async def test_a_retry_gets_the_first_answer_refusals_included(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    yes, no = new_id(), new_id()
    winner, loser = new_id(), new_id()
    first = await shop.reserve({"MUG at A": 1}, request_id=yes, reservation_id=winner)
    with pytest.raises(InsufficientStock):
        await shop.reserve({"MUG at A": 1}, request_id=no, reservation_id=loser)
    await shop.receive({"MUG at A": 5})

    again = await shop.reserve({"MUG at A": 1}, request_id=yes, reservation_id=winner)
    with pytest.raises(RuleViolated) as refusal:
        await shop.reserve({"MUG at A": 1}, request_id=no, reservation_id=loser)

    assert again == first
    assert refusal.value.reason == "INSUFFICIENT_STOCK"
    assert (await shop.balance("MUG at A")).reserved == 1


async def test_two_orders_for_the_last_unit_have_one_winner(shop: Shop) -> None:
    rounds = 20
    await shop.stock({f"SKU-{number} at A": 1 for number in range(rounds)})
    for number in range(rounds):
        place = f"SKU-{number} at A"
        outcomes = await asyncio.gather(
            *(shop.reserve({place: 1}, order_id=order) for order in "XY"), return_exceptions=True
        )
        refusals = [outcome for outcome in outcomes if isinstance(outcome, BaseException)]
        assert [type(refusal) for refusal in refusals] == [InsufficientStock]
    assert await shop.is_sound()


async def test_crossed_orders_of_lines_do_not_block_each_other(shop: Shop) -> None:
    skus = [f"SKU-{number}" for number in range(8)]
    await shop.stock({f"{sku} at A": 1000 for sku in skus})

    async def buy(number: int) -> None:
        turned = skus[number % 8 :] + skus[: number % 8]
        wanted = {f"{sku} at A": 1 for sku in turned}
        made = await insist(lambda: shop.reserve(wanted, confirm=True))
        if number % 3 == 0:
            await insist(lambda: shop.release(made.reservation_id))
        elif number % 3 == 1:
            lines = [selection(str(line)) for line in range(1, 9)]
            await insist(lambda: shop.ship(made.reservation_id, *lines))

    outcomes = await asyncio.gather(*(buy(number) for number in range(24)), return_exceptions=True)

    assert [outcome for outcome in outcomes if outcome is not None] == []
    assert await shop.is_sound()


async def test_a_thousand_lines_are_reserved_and_shipped_at_once(shop: Shop) -> None:
    skus = [f"SKU-{number}" for number in range(1000)]
    await shop.stock({f"{sku} at A": 2 for sku in skus})
    made = await shop.reserve({f"{sku} at A": 1 for sku in skus}, confirm=True)
    assert len(made.lines) == 1000

    await shop.ship(made.reservation_id, *(selection(str(line)) for line in range(1, 1001)))

    assert (await shop.balance("SKU-999 at A")).on_hand == 1
    assert await shop.is_sound()


async def test_a_refusal_leaves_no_trace(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "CUP at A": 5})
    made = await shop.reserve({"MUG at A": 3}, order_id="X")
    before = await shop.dump()
    refusals: dict[str, int] = defaultdict(int)
    for call in (
        shop.reserve({"MUG at A": 3, "CUP at A": 1}),
        shop.reserve({"MUG at A": 2}, replaces=[made.reservation_id, new_id()]),
        shop.ship(made.reservation_id, selection("1")),
        shop.reassign(made.reservation_id, (selection("1"), "B")),
        shop.confirm(made.reservation_id, caller="marketplace"),
        shop.transfer(("CUP at A", "B", 9)),
        shop.adjust("MUG at A", on_hand=2),
    ):
        with pytest.raises(DomainError) as refusal:
            await call
        refusals[refusal.value.reason] += 1

    assert refusals == {
        "INSUFFICIENT_STOCK": 3,
        "RESERVATION_NOT_FOUND": 1,
        "RESERVATION_NOT_CONFIRMED": 1,
        "NOT_YOUR_RESERVATION": 1,
        "ON_HAND_BELOW_RESERVED": 1,
    }
    assert await shop.dump() == before
