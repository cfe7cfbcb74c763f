import asyncio
from functools import partial

from sqlalchemy import select

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.inventory.v1 import Movement, ReservationExpired, ReservationLine
from ordermesh.inventory.background.stamping import Stamper
from ordermesh.inventory.background.sweeping import Sweeper
from ordermesh.inventory.operations.expiry import SWEEP_LINES
from ordermesh.inventory.store.items import SqlItemStore
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import Sequencer
from ordermesh.runtime.tables import feed, work
from tests.eventually import eventually
from tests.inventory.messages import new_id
from tests.inventory.shop import Shop


def sweeper(shop: Shop) -> Sweeper:
    return Sweeper(shop.wiring.database, shop.wiring.stores, SystemClock(), 2.0)


async def events(shop: Shop) -> list[EventEnvelope]:
    async def read(tx: Transaction) -> list[EventEnvelope]:
        found = await tx.execute(
            select(feed.c.payload).where(feed.c.topic == "event").order_by(feed.c.change_id)
        )
        return [EventEnvelope.FromString(payload) for payload in found.scalars()]

    return await shop.wiring.database.read(read)


async def test_a_sweep_takes_back_what_is_overdue_and_nothing_else(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10, "CUP at A": 10})
    slow = await shop.reserve({"MUG at A": 3, "CUP at A": 2}, order_id="SLOW", hold_seconds=60)
    await shop.reserve({"MUG at A": 1}, hold_seconds=600)
    await shop.reserve({"MUG at A": 1}, confirm=True)
    await shop.let_pass(61)

    assert await sweeper(shop).sweep() == 2
    assert await sweeper(shop).sweep() == 0

    lines = (await shop.reservation(slow.reservation_id)).lines
    assert {line.state for line in lines} == {ReservationLine.STATE_EXPIRED}
    assert (await shop.balance("MUG at A")).reserved == 2
    movement = (await shop.movements(order_id="SLOW"))[-1]
    assert (movement.kind, movement.actor.caller) == (Movement.KIND_EXPIRED, "inventory")
    assert len(movement.entries) == 2
    assert await shop.is_sound()


async def test_peers_are_told_once_with_the_lines(shop: Shop) -> None:
    await shop.stock({"MUG at A": 10, "CUP at A": 10})
    slow = await shop.reserve({"MUG at A": 3, "CUP at A": 2}, order_id="SLOW", hold_seconds=60)
    await shop.let_pass(61)
    # One line is taken by another order, the other by the sweep: two events, in order.
    await shop.reserve({"MUG at A": 10})
    await sweeper(shop).sweep()

    told = await events(shop)
    payloads = [ReservationExpired.FromString(event.payload) for event in told]

    assert [event.type for event in told] == ["ordermesh.reservation.expired.v1"] * 2
    assert [event.sequence for event in told] == [1, 2]
    assert {event.aggregate_id for event in told} == {slow.reservation_id}
    assert {event.order_id for event in told} == {"SLOW"}
    assert [line.key.sku for payload in payloads for line in payload.lines] == ["MUG", "CUP"]

    async def waiting(tx: Transaction) -> list[str]:
        return list((await tx.execute(select(work.c.kind))).scalars())

    assert await shop.wiring.database.read(waiting) == ["deliver.routing"] * 2


async def test_a_large_backlog_is_swept_in_small_transactions(shop: Shop) -> None:
    count = SWEEP_LINES + 20
    await shop.stock({"MUG at A": count})
    await shop.reserve([(str(n), "MUG at A", 1) for n in range(count)], hold_seconds=60)
    await shop.let_pass(61)

    assert await sweeper(shop).sweep() == count
    assert (await shop.balance("MUG at A")).reserved == 0


async def test_tombstones_are_forgotten_after_more_than_a_week(shop: Shop) -> None:
    if shop.wiring.database.dialect == "postgresql":
        # There the age is the database's to tell; the statement itself runs in every sweep.
        await sweeper(shop).sweep()
        return
    reservation_id = new_id()
    await shop.release(reservation_id)
    await shop.let_pass(7 * 24 * 3600)
    await sweeper(shop).sweep()
    assert len((await shop.dump())["reservation"]) == 1

    await shop.let_pass(2 * 24 * 3600)
    await sweeper(shop).sweep()

    assert (await shop.dump())["reservation"] == []


async def test_items_note_the_revision_of_their_last_change_alone(shop: Shop) -> None:
    await shop.put_items("MUG", "CUP")
    database = shop.wiring.database
    running = [
        asyncio.create_task(one.run())
        for one in (
            Sequencer(database, SystemClock()),
            Stamper(database, shop.wiring.feed, "item", SqlItemStore()),
        )
    ]
    try:
        await eventually(partial(has_revisions, shop, {"CUP": 6, "MUG": 5}))
        await shop.put_items("MUG", "POT")
        await eventually(partial(has_revisions, shop, {"CUP": 6, "MUG": 5, "POT": 7}))
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def has_revisions(shop: Shop, expected: dict[str, int]) -> bool:
    """Whether the items have these revisions; the locations of the shop took the first four."""
    return {one.sku: one.revision for one in await shop.all_items()} == expected
