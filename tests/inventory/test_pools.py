"""Ring-fenced quantities: units that are for one channel alone while its pool runs."""

from collections import Counter

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from sqlalchemy import select

from ordermesh.api.inventory.v1 import ShortOutcome
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.store.tables.controls import pool_use
from ordermesh.inventory.store.tables.reservations import line
from ordermesh.runtime.database import Transaction
from tests.inventory.messages import control, item, selection
from tests.inventory.shop import Shop


@pytest.fixture
async def flash(shop: Shop) -> Shop:
    """Ten mugs, of which four are for the app."""
    await shop.stock({"MUG at A": 10, "MUG at B": 10})
    await shop.put_controls(control("flash", "pool", 4, channel="app", sku="MUG", location_id="A"))
    return shop


async def views(shop: Shop) -> tuple[int, int]:
    """What the app and the store may sell at A."""
    app, store = [await shop.available("MUG at A", channel=name) for name in ("app", "store")]
    return app, store


async def is_counted_right(shop: Shop) -> bool:
    """Whether what was taken from each pool is what the lines say."""

    async def read(tx: Transaction) -> bool:
        taken = await tx.execute(select(pool_use).where(pool_use.c.taken > 0))
        held = await tx.execute(
            select(line).where(line.c.pool.is_not(None), line.c.state.in_([1, 2, 3]))
        )
        sums: Counter[tuple[int, int, int]] = Counter()
        for row in held:
            sums[row.pool, row.item_id, row.location_id] += row.quantity
        return sums == {(row.number, row.item_id, row.location_id): row.taken for row in taken}

    return await shop.wiring.database.read(read)


async def test_units_of_a_pool_are_for_its_channel_alone(flash: Shop) -> None:
    assert await views(flash) == (4, 6)
    with pytest.raises(InsufficientStock) as refusal:
        await flash.reserve({"MUG at A": 7}, channel="store")
    assert refusal.value.facts()["available"] == "6"
    with pytest.raises(InsufficientStock):
        await flash.reserve({"MUG at A": 7})
    with pytest.raises(InsufficientStock):
        await flash.reserve({"MUG at A": 5}, channel="app")

    await flash.reserve({"MUG at A": 6}, channel="store")
    await flash.reserve({"MUG at A": 4}, channel="app")

    assert await views(flash) == (0, 0)
    assert await is_counted_right(flash)


async def test_what_is_sold_from_a_pool_stays_taken_and_what_comes_back_does_not(
    flash: Shop,
) -> None:
    made = await flash.reserve({"MUG at A": 4}, channel="app", confirm=True)
    await flash.ship(made.reservation_id, selection("1", 1))
    assert await views(flash) == (0, 6)
    await flash.release(made.reservation_id, selection("1", 2))
    assert await views(flash) == (2, 6)
    await flash.short(
        made.reservation_id,
        selection("1", 1),
        outcome=ShortOutcome.SHORT_OUTCOME_WRITE_OFF,
    )

    assert await views(flash) == (3, 5)
    assert await is_counted_right(flash)
    assert await flash.is_sound()


async def test_expired_units_go_back_into_their_pool_at_once(flash: Shop) -> None:
    await flash.reserve({"MUG at A": 1}, channel="store", hold_seconds=60)
    await flash.reserve({"MUG at A": 3}, channel="app", hold_seconds=90)
    await flash.let_pass(91)

    assert await views(flash) == (4, 6)
    await flash.reserve({"MUG at A": 4}, channel="app")

    assert await views(flash) == (0, 6)
    assert await is_counted_right(flash)


async def test_a_cart_becomes_an_order_from_the_same_pool(flash: Shop) -> None:
    cart = await flash.reserve({"MUG at A": 4}, channel="app")
    order = await flash.reserve(
        {"MUG at A": 4}, channel="app", replaces=[cart.reservation_id], confirm=True
    )

    assert order.lines[0].quantity == 4
    assert await views(flash) == (0, 6)
    assert await is_counted_right(flash)


async def test_a_promise_that_goes_elsewhere_leaves_its_pool(flash: Shop) -> None:
    made = await flash.reserve({"MUG at A": 3}, channel="app", confirm=True)
    await flash.reassign(made.reservation_id, (selection("1", 2), "B"))
    assert await views(flash) == (3, 6)
    await flash.reassign(made.reservation_id, (selection("1", 1, location_id="B"), "A"))

    assert await views(flash) == (2, 6)
    assert await is_counted_right(flash)


async def test_a_pool_that_has_ended_is_everybodys_and_counts_what_it_lost(flash: Shop) -> None:
    made = await flash.reserve({"MUG at A": 4}, channel="app")
    past = Timestamp(seconds=1_000)
    await flash.put_controls(
        control("flash", "pool", 4, channel="app", sku="MUG", location_id="A", end_time=past)
    )
    assert await views(flash) == (6, 6)
    await flash.release(made.reservation_id)

    assert await views(flash) == (10, 10)
    assert await is_counted_right(flash)


async def test_a_pool_may_be_made_smaller_than_what_was_taken(flash: Shop) -> None:
    await flash.reserve({"MUG at A": 3}, channel="app")
    smaller = control("flash", "pool", 2, channel="app", sku="MUG", location_id="A")
    await flash.put_controls(smaller)

    assert await views(flash) == (0, 7)
    smaller.value = 5
    await flash.put_controls(smaller)
    assert await views(flash) == (2, 5)


async def test_a_pool_that_is_put_again_after_its_end_is_a_new_one(flash: Shop) -> None:
    old = await flash.reserve({"MUG at A": 3}, channel="app")
    await flash.delete_controls("flash")
    await flash.put_controls(control("flash", "pool", 4, channel="app", sku="MUG", location_id="A"))
    assert await views(flash) == (4, 3)
    await flash.release(old.reservation_id)

    assert await views(flash) == (4, 6)
    assert await is_counted_right(flash)


async def test_kits_take_their_components_from_pools(flash: Shop) -> None:
    await flash.put_items(item("SET", {"MUG": 2}))
    assert await flash.available("SET at A", channel="app") == 2
    assert await flash.available("SET at A", channel="store") == 3
    await flash.reserve({"SET at A": 2}, channel="app")
    with pytest.raises(InsufficientStock):
        await flash.reserve({"MUG at A": 1}, channel="app")

    assert await is_counted_right(flash)


async def test_many_at_one_moment_share_a_pool_without_one_unit_too_many(flash: Shop) -> None:
    import asyncio

    async def buy(channel: str) -> bool:
        try:
            await flash.reserve({"MUG at A": 1}, channel=channel)
        except InsufficientStock:
            return False
        return True

    sold = await asyncio.gather(*(buy(name) for name in ["app", "store", "web"] * 8))

    by_channel = [sum(sold[start::3]) for start in range(3)]
    assert by_channel[0] == 4
    assert by_channel[1] + by_channel[2] == 6
    assert await is_counted_right(flash)
    assert await flash.is_sound()
