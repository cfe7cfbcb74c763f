"""Where physical truth falls below promises, somebody is told who is short of what."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select, update

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.inventory.v1 import (
    BlockedKind,
    ListShortfallsRequest,
    Shortfall,
    ShortfallClosed,
    ShortfallOpened,
)
from ordermesh.inventory.store.tables.shortfalls import shortfall
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.outbox import TOPIC
from ordermesh.runtime.pages import InvalidPageToken
from ordermesh.runtime.tables import feed, work
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import selection
from tests.inventory.shop import Shop

MISSING = BlockedKind.BLOCKED_KIND_MISSING
OPENED, CLOSED = "ordermesh.shortfall.opened.v1", "ordermesh.shortfall.closed.v1"


async def shortfalls(shop: Shop, **filters: Any) -> list[Shortfall]:
    request = ListShortfallsRequest(**filters)
    return list((await shop.ledger.ListShortfalls(request, NO_CONTEXT)).shortfalls)


def told(found: Sequence[Shortfall]) -> list[tuple[str, int, int]]:
    return [(one.order_id, one.quantity, one.open_quantity) for one in found]


async def events(shop: Shop) -> list[EventEnvelope]:
    async def read(tx: Transaction) -> list[EventEnvelope]:
        rows = await tx.execute(
            select(feed.c.payload).where(feed.c.topic == TOPIC).order_by(feed.c.change_id)
        )
        envelopes = [EventEnvelope.FromString(row.payload) for row in rows]
        return [one for one in envelopes if one.aggregate_type == "shortfall"]

    return await shop.wiring.database.read(read)


@pytest.fixture
async def promised(shop: Shop) -> Shop:
    """Ten mugs, promised to a cart, then to two orders, the younger one last."""
    await shop.stock({"MUG at A": 10, "MUG at B": 10})
    await shop.reserve({"MUG at A": 2}, reservation_id=str(UUID(int=9)))
    await shop.reserve({"MUG at A": 4}, order_id="OLD", confirm=True, reservation_id=OLD)
    await shop.let_pass(1)
    await shop.reserve({"MUG at A": 3}, order_id="YOUNG", confirm=True, reservation_id=YOUNG)
    return shop


OLD, YOUNG = str(UUID(int=7)), str(UUID(int=8))


async def test_no_shortfall_while_free_units_bear_the_loss(promised: Shop) -> None:
    await promised.block(("MUG at A", 1, MISSING))

    assert await shortfalls(promised, include_closed=True) == []
    assert await events(promised) == []


async def test_the_youngest_order_is_hit_first_and_then_the_next(promised: Shop) -> None:
    await promised.block(("MUG at A", 5, MISSING))

    found = await shortfalls(promised)

    assert sorted(told(found)) == [("OLD", 1, 1), ("YOUNG", 3, 3)]
    young = next(one for one in found if one.order_id == "YOUNG")
    assert (young.reservation_id, list(young.line_ids)) == (YOUNG, ["1"])
    assert (
        young.movement_id == (await promised.movements(sku="MUG", location_id="A"))[-1].movement_id
    )
    assert (await promised.balance("MUG at A")).short == 4
    assert await promised.is_sound()


async def test_only_when_no_order_is_left_a_cart_is_hit(promised: Shop) -> None:
    await promised.block(("MUG at A", 10, MISSING))

    assert sorted(told(await shortfalls(promised))) == [("", 2, 2), ("OLD", 4, 4), ("YOUNG", 3, 3)]


async def test_a_second_loss_is_told_beside_the_first(promised: Shop) -> None:
    await promised.block(("MUG at A", 3, MISSING))
    await promised.block(("MUG at A", 3, MISSING))

    assert sorted(told(await shortfalls(promised))) == [
        ("OLD", 2, 2), ("YOUNG", 1, 1), ("YOUNG", 2, 2),
    ]  # fmt: skip
    assert await promised.is_sound()


async def test_a_receipt_pays_the_oldest_first(promised: Shop) -> None:
    await promised.block(("MUG at A", 3, MISSING))
    (oldest,) = await shortfalls(promised)
    await promised.let_pass(1)
    await promised.block(("MUG at A", 3, MISSING))

    await promised.receive({"MUG at A": 3})

    found = await shortfalls(promised, include_closed=True)
    assert oldest.shortfall_id in {one.shortfall_id for one in found if not one.open_quantity}
    assert sum(one.open_quantity for one in found) == 2
    assert await promised.is_sound()


async def test_who_moves_elsewhere_is_not_short_any_more(promised: Shop) -> None:
    await promised.block(("MUG at A", 5, MISSING))

    await promised.reassign(YOUNG, (selection("1"), "B"))

    assert told(await shortfalls(promised)) == [("OLD", 1, 1)]
    balance = await promised.balance("MUG at A")
    assert (balance.on_hand, balance.reserved, balance.short) == (5, 6, 1)
    assert await promised.is_sound()


async def test_a_promise_that_is_given_back_pays_for_the_others(promised: Shop) -> None:
    await promised.block(("MUG at A", 5, MISSING))

    await promised.release(OLD)

    # Four came back: one was short itself, three pay for the younger one.
    assert await shortfalls(promised) == []
    assert (await promised.balance("MUG at A")).available == 0
    assert await promised.is_sound()


async def test_a_short_pick_closes_the_promise_and_its_shortfall(promised: Shop) -> None:
    await promised.block(("MUG at A", 4, MISSING))

    await promised.short(YOUNG, selection("1", 3))

    assert await shortfalls(promised) == []
    balance = await promised.balance("MUG at A")
    assert (balance.on_hand, balance.reserved, balance.short) == (6, 6, 0)
    assert await promised.is_sound()


async def test_an_expired_hold_pays_too(promised: Shop) -> None:
    await promised.block(("MUG at A", 2, MISSING))
    assert told(await shortfalls(promised)) == [("YOUNG", 1, 1)]
    await promised.let_pass(15 * 60 + 1)

    await promised.reserve({"MUG at B": 1})
    with pytest.raises(Exception, match="Less is available"):
        await promised.reserve({"MUG at A": 2})
    await promised.reserve({"MUG at A": 1})

    assert await shortfalls(promised) == []
    assert await promised.is_sound()


async def test_who_is_served_though_named_leaves_another_short(promised: Shop) -> None:
    await promised.block(("MUG at A", 4, MISSING))
    assert told(await shortfalls(promised)) == [("YOUNG", 3, 3)]

    # The location packed for the younger order all the same.
    await promised.ship(YOUNG, selection("1"))

    assert told(await shortfalls(promised)) == [("OLD", 3, 3)]
    assert await promised.is_sound()


async def test_opening_and_closing_are_told_to_routing_and_on_the_feed(promised: Shop) -> None:
    await promised.block(("MUG at A", 2, MISSING))
    await promised.receive({"MUG at A": 5})

    opened, closed = await events(promised)

    assert (opened.type, opened.sequence, opened.order_id) == (OPENED, 1, "YOUNG")
    assert (closed.type, closed.sequence, closed.order_id) == (CLOSED, 2, "YOUNG")
    first = ShortfallOpened.FromString(opened.payload).shortfall
    last = ShortfallClosed.FromString(closed.payload).shortfall
    assert first.shortfall_id == last.shortfall_id == opened.aggregate_id
    assert (first.quantity, first.open_quantity, last.open_quantity) == (1, 1, 0)
    assert last.HasField("close_time")

    async def deliveries(tx: Transaction) -> list[str]:
        rows = await tx.execute(select(work.c.kind).where(work.c.key.startswith("shortfall/")))
        return list(rows.scalars())

    assert await promised.wiring.database.read(deliveries) == ["deliver.routing"] * 2


async def test_shortfalls_are_listed_by_what_they_are_about_in_pages(promised: Shop) -> None:
    await promised.block(("MUG at A", 9, MISSING))

    assert told(await shortfalls(promised, order_id="OLD")) == [("OLD", 4, 4)]
    assert len(await shortfalls(promised, sku="MUG", location_id="A")) == 3
    assert await shortfalls(promised, location_id="B") == []
    seen: list[str] = []
    token = ""
    while True:
        request = ListShortfallsRequest(page_size=2, page_token=token)
        reply = await promised.ledger.ListShortfalls(request, NO_CONTEXT)
        seen += [one.order_id for one in reply.shortfalls]
        token = reply.next_page_token
        if not token:
            break
    assert sorted(seen) == ["", "OLD", "YOUNG"]
    with pytest.raises(InvalidPageToken):
        await shortfalls(promised, page_token="bm90IG1pbmU")


async def test_a_shortfall_that_was_edited_is_found(promised: Shop) -> None:
    await promised.block(("MUG at A", 2, MISSING))

    async def edit(tx: Transaction) -> None:
        await tx.execute(update(shortfall).values(quantity=3, open_quantity=3))

    await promised.wiring.database.run(edit)
    found = [one for reply in await promised.verify() for one in reply.findings]

    assert [(one.invariant, one.key.location_id, one.recorded, one.expected) for one in found] == [
        ("SHORT_IS_SUM_OF_SHORTFALLS", "A", 1, 3)
    ]
