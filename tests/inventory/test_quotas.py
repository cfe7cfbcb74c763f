import asyncio
from collections.abc import Sequence

import pytest

from ordermesh.api.inventory.v1 import ReservationMode, ReserveBulkRequest, SupplyWait
from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.domain.errors.reservation import HoldQuotaExceeded
from ordermesh.inventory.domain.quotas import HoldQuotas
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Database
from tests.fakes import FakeClock
from tests.inventory.bulk import reasons
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.conftest import NOWHERE
from tests.inventory.expecting import Expecting
from tests.inventory.messages import Wanted
from tests.inventory.reading import insist
from tests.inventory.shop import Shop


@pytest.fixture
async def shop(database: Database, clock: FakeClock) -> Shop:
    """Two holds and three units of an item a shopper; four holds for a caller from outside."""
    quotas = HoldQuotas(customer_reservations=2, customer_units=3, caller_reservations=4)
    opened = Shop(assemble(database, clock, RandomIds(), NOWHERE, quotas=quotas), clock)
    await opened.put_locations("A", "B")
    await opened.stock({"MUG at A": 50, "MUG at B": 50, "CUP at A": 50})
    return opened


async def take(
    shop: Shop,
    wanted: Wanted,
    customer: str = "ANN",
    replaces: Sequence[str] = (),
    **fields: object,
) -> str:
    request = shop.wish(wanted, customer=customer, replaces_reservation_ids=replaces, **fields)
    return (await shop.ask(request)).reservation.reservation_id


async def test_one_hold_too_many_is_refused_with_the_facts(shop: Shop) -> None:
    await take(shop, {"MUG at A": 1})
    await take(shop, {"CUP at A": 1})
    before = await shop.dump()

    with pytest.raises(HoldQuotaExceeded) as refusal:
        await take(shop, {"CUP at A": 1})

    assert refusal.value.facts() == {
        "per": "customer", "of": "reservations", "limit": "2", "held": "2", "wanted": "1",
    }  # fmt: skip
    assert await shop.dump() == before
    await take(shop, {"CUP at A": 1}, "BOB")
    await take(shop, {"CUP at A": 1}, "")


async def test_units_of_an_item_are_counted_over_places_and_holds(shop: Shop) -> None:
    await take(shop, {"MUG at A": 1, "MUG at B": 1})

    with pytest.raises(HoldQuotaExceeded) as refusal:
        await take(shop, {"MUG at A": 2, "CUP at A": 3})

    assert refusal.value.facts() == {
        "per": "customer", "of": "units", "limit": "3", "held": "2", "wanted": "2", "sku": "MUG",
    }  # fmt: skip
    await take(shop, {"MUG at A": 1, "CUP at A": 3})


async def test_what_is_bought_released_or_overdue_is_no_hold(shop: Shop) -> None:
    await shop.confirm(await take(shop, {"MUG at A": 3}))
    await take(shop, {"MUG at A": 3}, confirm=True)
    await shop.release(await take(shop, {"MUG at A": 3}))
    await take(shop, {"MUG at A": 3})
    await shop.let_pass(901)

    await take(shop, {"MUG at A": 3})


async def test_a_cart_that_changes_does_not_count_twice(shop: Shop) -> None:
    first = await take(shop, {"MUG at A": 2})
    await take(shop, {"CUP at A": 1})

    await take(shop, {"MUG at A": 3}, replaces=[first])

    with pytest.raises(HoldQuotaExceeded):
        await take(shop, {"CUP at A": 1})


async def test_a_best_effort_counts_what_it_gets(shop: Shop) -> None:
    await shop.adjust("MUG at A", on_hand=2)

    await take(shop, {"MUG at A": 9}, best_effort=True)


async def test_of_many_at_once_no_more_get_through_than_may(shop: Shop, no_deadlocks: None) -> None:
    async def one(customer: str) -> bool:
        request = shop.wish({"MUG at A": 1}, customer=customer)
        try:
            await insist(lambda: shop.ask(request))
        except HoldQuotaExceeded:
            return False
        return True

    async def bulk() -> int:
        wishes = [shop.wish({"MUG at B": 1}, customer=name) for name in ("ANN", "BOB") * 3]
        with shop.calling("ReserveBulk"):
            reply = await shop.reservations.ReserveBulk(
                ReserveBulkRequest(requests=wishes), NO_CONTEXT
            )
        return sum(one.HasField("reply") for one in reply.verdicts)

    outcomes = await asyncio.gather(bulk(), *(one(name) for name in ("ANN", "BOB") * 4))

    assert sum(outcomes) == 4
    assert await shop.is_sound()


async def test_a_caller_from_outside_has_so_many_holds_and_others_any_number(shop: Shop) -> None:
    for _ in range(4):
        await shop.reserve({"MUG at A": 1}, caller="storefront", role="edge")

    with pytest.raises(HoldQuotaExceeded) as refusal:
        await shop.reserve({"MUG at A": 1}, caller="storefront", role="edge")

    assert refusal.value.facts() == {
        "per": "caller", "of": "reservations", "limit": "4", "held": "4", "wanted": "1",
    }  # fmt: skip
    await shop.reserve({"MUG at A": 1}, caller="storefront", role="edge", confirm=True)
    await shop.reserve({"MUG at A": 1}, caller="marketplace", role="edge")
    for _ in range(6):
        await shop.reserve({"MUG at A": 1})


async def test_who_waits_for_supply_holds_it(shop: Shop) -> None:
    expecting = await Expecting.open(shop, "POT")
    await shop.receive({"POT at A": 1})
    await expecting.expect("S", "POT at A", 100, 3)
    await take(shop, {"POT at A": 3}, wait=SupplyWait())

    for customer, quantity, held in (("ANN", 1, "3"), ("BOB", 30, "0")):
        with pytest.raises(HoldQuotaExceeded) as refusal:
            await take(shop, {"POT at A": quantity}, customer, wait=SupplyWait())
        assert refusal.value.facts() == {
            "per": "customer", "of": "units", "sku": "POT", "limit": "3", "held": held,
            "wanted": str(quantity),
        }  # fmt: skip
    await take(shop, {"MUG at A": 1})
    with pytest.raises(HoldQuotaExceeded):
        await take(shop, {"CUP at A": 1})


async def test_who_takes_over_what_was_confirmed_holds_one_more(shop: Shop) -> None:
    async def ask(**fields: object) -> str:
        made = await shop.reserve(
            {"CUP at A": 1},
            caller="shopfront",
            role="edge",
            **fields,  # type: ignore[arg-type]
        )
        return made.reservation_id

    bought = await ask(confirm=True)
    holds = [await ask() for _ in range(4)]

    with pytest.raises(HoldQuotaExceeded) as refusal:
        await ask(replaces=[bought])
    assert refusal.value.facts() == {
        "per": "caller", "of": "reservations", "limit": "4", "held": "4", "wanted": "1",
    }  # fmt: skip
    await ask(replaces=[bought, holds[0]])
    with pytest.raises(HoldQuotaExceeded):
        await ask()


async def test_demand_that_is_only_recorded_is_no_hold_of_its_caller(shop: Shop) -> None:
    tracked = shop.wish({"CUP at A": 1}).lines
    tracked[0].mode = ReservationMode.RESERVATION_MODE_TRACK_ONLY
    for _ in range(5):
        await shop.ask(shop.wish(tracked), caller="shopfront", role="edge")

    await shop.reserve({"CUP at A": 1}, caller="shopfront", role="edge")


async def test_in_one_call_who_comes_after_one_that_is_put_off_finds_its_hold(shop: Shop) -> None:
    await take(shop, {"CUP at A": 1})
    cart = shop.wish({"MUG at A": 1})
    successor = shop.wish(
        {"MUG at A": 1}, customer="ANN", replaces_reservation_ids=[cart.reservation_id]
    )
    requests = [cart, successor, shop.wish({"CUP at A": 1}, customer="ANN")]

    with shop.calling("ReserveBulk"):
        reply = await shop.reservations.ReserveBulk(
            ReserveBulkRequest(requests=requests), NO_CONTEXT
        )

    assert reasons(reply.verdicts) == ["", "", "HOLD_QUOTA_EXCEEDED"]


async def test_in_one_call_what_its_caller_gives_up_makes_room_for_who_comes_after(
    shop: Shop,
) -> None:
    mine = [
        (await shop.ask(shop.wish({"MUG at A": 1}), "web", "edge")).reservation.reservation_id
        for _ in range(3)
    ]
    cart = shop.wish({"MUG at A": 1})
    successor = shop.wish({"MUG at A": 1}, replaces_reservation_ids=[cart.reservation_id, mine[0]])

    with shop.calling("ReserveBulk", "web", "edge"):
        reply = await shop.reservations.ReserveBulk(
            ReserveBulkRequest(requests=[cart, successor, shop.wish({"CUP at A": 1})]), NO_CONTEXT
        )

    assert reasons(reply.verdicts) == ["", "", ""]
