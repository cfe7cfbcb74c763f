import asyncio

import pytest

from ordermesh.api.inventory.v1 import (
    ErrorReason,
    ReserveBulkRequest,
    ReserveResponse,
    SupplyWait,
)
from ordermesh.inventory.domain.errors.catalog import UnknownSku
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.runtime.validation import InvalidFields, validate
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import Wanted, item, location
from tests.inventory.reading import insist
from tests.inventory.shop import Shop

INSUFFICIENT = ErrorReason.ERROR_REASON_INSUFFICIENT_STOCK
NOT_STOCKED = ErrorReason.ERROR_REASON_NOT_STOCKED_HERE
NOTHING_MISSING = ErrorReason.ERROR_REASON_UNSPECIFIED


async def take(shop: Shop, wanted: Wanted, **fields: object) -> ReserveResponse:
    return await shop.ask(shop.wish(wanted, best_effort=True, **fields))


def verdicts(reply: ReserveResponse) -> list[tuple[str, int, int, int, int]]:
    return [
        (one.line_id, one.wanted, one.granted, one.missing, one.reason)
        for one in reply.line_verdicts
    ]


async def test_nothing_of_anything_is_refused_and_nothing_is_written(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})
    await shop.reserve({"MUG at A": 2})
    before = await shop.dump()

    with pytest.raises(InsufficientStock) as refusal:
        await take(shop, {"MUG at A": 1})
    assert refusal.value.facts() == {
        "sku": "MUG", "locationId": "A", "wanted": "1", "available": "0",
    }  # fmt: skip
    with pytest.raises(UnknownSku):
        await take(shop, {"MUG at A": 1, "NOBODY at A": 1})

    assert await shop.dump() == before


async def test_a_reservation_holds_what_there_is_and_says_what_is_missing(shop: Shop) -> None:
    await shop.stock({"MUG at A": 3, "CUP at A": 0, "POT at B": 5})

    reply = await take(
        shop,
        [("1", "MUG at A", 2), ("2", "MUG at A", 2), ("3", "CUP at A", 1), ("4", "POT at B", 5)],
    )

    assert verdicts(reply) == [
        ("1", 2, 2, 0, NOTHING_MISSING),
        ("2", 2, 1, 1, INSUFFICIENT),
        ("3", 1, 0, 1, NOT_STOCKED),
        ("4", 5, 5, 0, NOTHING_MISSING),
    ]
    lines = [(line.line_id, line.quantity) for line in reply.reservation.lines]
    assert lines == [("1", 2), ("2", 1), ("4", 5)]
    assert await shop.available("MUG at A") == 0
    assert await shop.is_sound()


async def test_kits_are_held_whole(shop: Shop) -> None:
    await shop.stock({"POT at A": 9, "CUP at A": 5})
    await shop.put_items(item("SET", {"POT": 1, "CUP": 2}))

    reply = await take(shop, {"SET at A": 3})

    assert verdicts(reply) == [("1", 3, 2, 1, INSUFFICIENT)]
    assert [(line.key.sku, line.quantity) for line in reply.reservation.lines] == [
        ("POT", 2),
        ("CUP", 4),
    ]


async def test_an_overdue_hold_is_no_reason_to_take_less(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    await shop.reserve({"MUG at A": 4}, hold_seconds=10)
    await shop.let_pass(11)

    reply = await take(shop, {"MUG at A": 7})

    assert verdicts(reply) == [("1", 7, 5, 2, INSUFFICIENT)]
    assert await shop.is_sound()


async def test_what_is_switched_off_is_not_taken(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5, "MUG at B": 5})
    await shop.put_locations(location("A", disabled=True))

    reply = await take(shop, {"MUG at A": 1, "MUG at B": 1})

    assert verdicts(reply) == [
        ("1", 1, 0, 1, INSUFFICIENT),
        ("2", 1, 1, 0, NOTHING_MISSING),
    ]


async def test_a_cart_that_grew_takes_over_its_own_units_first(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    cart = await shop.reserve({"MUG at A": 4})

    reply = await take(shop, {"MUG at A": 9}, replaces_reservation_ids=[cart.reservation_id])

    assert verdicts(reply) == [("1", 9, 5, 4, INSUFFICIENT)]
    assert (await shop.balance("MUG at A")).reserved == 5


async def test_the_same_request_gets_the_same_verdicts_after_a_restock(shop: Shop) -> None:
    await shop.stock({"MUG at A": 1})
    request = shop.wish({"MUG at A": 2}, best_effort=True)
    first = await shop.ask(request)
    await shop.receive({"MUG at A": 5})

    assert await shop.ask(request) == first
    assert (await shop.balance("MUG at A")).reserved == 1


async def test_of_many_in_one_call_each_takes_what_the_ones_before_have_left(shop: Shop) -> None:
    await shop.stock({"MUG at A": 5})
    wishes = [shop.wish({"MUG at A": 2}, best_effort=True) for _ in range(4)]

    with shop.calling("ReserveBulk"):
        reply = await shop.reservations.ReserveBulk(ReserveBulkRequest(requests=wishes), NO_CONTEXT)

    granted = [one.reply.line_verdicts[0].granted for one in reply.verdicts[:3]]
    assert granted == [2, 2, 1]
    assert reply.verdicts[3].HasField("refusal")
    assert await shop.is_sound()


async def test_many_at_once_never_take_more_than_there_is(shop: Shop) -> None:
    await shop.stock({"MUG at A": 20, "MUG at B": 3})

    async def one() -> int:
        request = shop.wish({"MUG at A": 3, "MUG at B": 1}, best_effort=True)
        try:
            reply = await insist(lambda: shop.ask(request))
        except InsufficientStock:
            return 0
        return sum(verdict.granted for verdict in reply.line_verdicts)

    assert sum(await asyncio.gather(*(one() for _ in range(12)))) == 23
    assert await shop.is_sound()


async def test_a_best_effort_that_waits_for_supply_is_refused_as_malformed(shop: Shop) -> None:
    await shop.stock({"MUG at A": 2})
    before = await shop.dump()
    patient = shop.wish({"MUG at A": 1}, best_effort=True)
    patient.lines[0].wait.SetInParent()
    whole = shop.wish({"MUG at A": 1}, best_effort=True, wait=SupplyWait())

    with pytest.raises(InvalidFields) as refusal:
        await shop.ask(patient)
    assert [(one.field, one.rule) for one in refusal.value.violations] == [
        ("lines[0].wait", "reserve.best_effort")
    ]
    with pytest.raises(InvalidFields, match="best_effort, wait"):
        validate(whole)
    assert await shop.dump() == before
