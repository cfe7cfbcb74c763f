"""What a channel may promise, followed: controls reach readers with no movement of stock."""

import asyncio
from collections.abc import Awaitable
from contextlib import aclosing
from datetime import datetime, timedelta
from typing import Any, cast

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.inventory.v1 import WatchAvailabilityRequest
from ordermesh.client import AvailabilityMatrix, StockCopy
from ordermesh.client import matrix as matrices
from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.queries import channel_watch, watching
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime import feed as feeds
from ordermesh.runtime.database import Database
from ordermesh.runtime.validation import InvalidFields, validate
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.inventory.messages import control, item, location
from tests.inventory.shop import Shop
from tests.inventory.test_matrix import loaded, on_port
from tests.inventory.test_watching import unpacked, until_revision, watch
from tests.servers import Served


@pytest.fixture
async def front(inventory_database: Database, clock: FakeClock) -> Shop:
    """Short calls on the database of ``served``, with locations A to D."""
    opened = Shop(assemble(inventory_database, SystemClock(), RandomIds(), {}), clock)
    await opened.put_locations("A", "B", "C", "D")
    return opened


class Reader:
    """A task of its own that follows a matrix and notes every figure of the mugs at A."""

    def __init__(self, stock: AvailabilityMatrix) -> None:
        self.seen = [stock.available("MUG", "A")]
        self._stock = stock
        self._task = asyncio.create_task(self._follow())

    async def _follow(self) -> None:
        async for _ in self._stock.changes():
            self.seen.append(self._stock.available("MUG", "A"))

    async def saw(self, *figures: int) -> None:
        """Wait until these were seen, in this order, each perhaps more than once."""
        await eventually(lambda: _without_repeats(self.seen) == list(figures))

    async def close(self) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)


def _without_repeats(figures: list[int]) -> list[int]:
    return [one for place, one in enumerate(figures) if place == 0 or figures[place - 1] != one]


async def sequence_of(front: Shop) -> int:
    return (await front.balance("MUG at A")).sequence


@pytest.mark.parametrize("channel", ["", "web"])
async def test_a_control_that_is_put_and_deleted_reaches_readers_without_a_movement(
    front: Shop, served: Served, channel: str
) -> None:
    await front.stock({"MUG at A": 10})
    before = await sequence_of(front)
    async with loaded(served.mesh, channel=channel) as stock:
        reader = Reader(stock)

        await front.put_controls(control("safety", "safety_stock", 4, channel=channel))
        await reader.saw(10, 6)
        await front.put_controls(control("safety", "safety_stock", 1, channel=channel))
        await reader.saw(10, 6, 9)
        await front.delete_controls("safety")
        await reader.saw(10, 6, 9, 10)

        await reader.close()
        assert stock.load_count == 1
    assert await sequence_of(front) == before


@pytest.mark.parametrize("channel", ["", "web"])
async def test_the_start_and_the_end_of_a_control_reach_readers_by_themselves(
    front: Shop, served: Served, channel: str
) -> None:
    await front.stock({"MUG at A": 10})
    async with loaded(served.mesh, channel=channel) as stock:
        reader = Reader(stock)
        now = await front.wiring.database.read(lambda tx: tx.now())
        off = control("sale", "exclude", 1, sku="MUG", channel=channel)
        off.start_time.CopyFrom(stamp(now + timedelta(seconds=1.5)))
        off.end_time.CopyFrom(stamp(now + timedelta(seconds=3)))
        await front.put_controls(off)

        await reader.saw(10, 0, 10)

        await reader.close()
        assert stock.load_count == 1


def stamp(instant: datetime) -> Timestamp:
    made = Timestamp()
    made.FromDatetime(instant)
    return made


async def test_what_one_channel_may_not_sell_others_still_may(front: Shop, served: Served) -> None:
    await front.stock({"MUG at A": 10})
    async with (
        loaded(served.mesh, channel="web") as web,
        loaded(served.mesh, channel="app") as app,
        loaded(served.mesh) as anybody,
    ):
        await front.put_controls(control("none", "exclude", 1, channel="web"))
        await eventually(lambda: web.total("MUG") == 0)

        await front.receive({"MUG at A": 1})
        await eventually(lambda: app.total("MUG") == anybody.total("MUG") == 11)
        assert web.total("MUG") == 0


async def test_a_pool_is_for_its_channel_and_missing_to_all_others(
    front: Shop, served: Served
) -> None:
    await front.stock({"MUG at A": 10})
    async with (
        loaded(served.mesh, channel="app") as app,
        loaded(served.mesh, channel="web") as web,
        loaded(served.mesh) as anybody,
    ):
        await front.put_controls(control("flash", "pool", 6, channel="app", sku="MUG"))
        await eventually(lambda: app.total("MUG") == 6)
        await eventually(lambda: web.total("MUG") == anybody.total("MUG") == 4)

        await front.reserve({"MUG at A": 2}, channel="app")
        await eventually(lambda: app.total("MUG") == 4)
        assert (web.total("MUG"), anybody.total("MUG")) == (4, 4)


async def test_tags_and_groups_that_controls_name_reach_readers_too(
    front: Shop, served: Served
) -> None:
    await front.put_items(item("MUG"), item("CUP", tags=["fragile"]))
    await front.receive({"MUG at A": 10, "CUP at A": 10, "CUP at B": 10})
    async with loaded(served.mesh, channel="web") as web, loaded(served.mesh) as anybody:
        await front.put_controls(control("fragile", "buffer_units", 3, tag="fragile"))
        await eventually(lambda: web.total("CUP") == anybody.total("CUP") == 14)
        assert web.total("MUG") == 10

        await front.put_items(item("MUG", tags=["fragile"]))
        await eventually(lambda: web.total("MUG") == anybody.total("MUG") == 7)

        await front.put_controls(control("west", "exclude", 1, location_group="west"))
        await front.put_locations(location("B", groups=["west"]))
        await eventually(lambda: web.total("CUP") == anybody.total("CUP") == 7)


async def test_kits_follow_what_controls_leave_of_their_components(
    front: Shop, served: Served
) -> None:
    await front.stock({"POT at A": 5, "CUP at A": 8})
    await front.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}))
    async with loaded(served.mesh, skus=["TEA-SET"], channel="web") as web:
        assert web.available("TEA-SET", "A") == 4
        await front.put_controls(control("cups", "cap", 5, sku="CUP", channel="web"))
        await eventually(lambda: web.available("TEA-SET", "A") == 2)


async def test_a_reader_of_a_channel_that_was_cut_off_loads_anew(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matrices, "PAUSE_SECONDS_MAX", 0.2)
    async with on_port(database_url, 0) as (front, served):
        port = int(served.targets["inventory"].rpartition(":")[2])
        await front.put_locations("A")
        await front.stock({"MUG at A": 10})
        mesh = served.as_caller("webshop")
        matrix = AvailabilityMatrix(mesh, channel="web")
        stock = await matrix.__aenter__()
        await stock.loaded()
    try:
        database = await Database.open(database_url, clock=SystemClock())
        quiet = Shop(assemble(database, SystemClock(), RandomIds(), {}), FakeClock())
        await quiet.put_controls(control("cap", "cap", 2, channel="web"))
        await database.close()
        async with on_port(database_url, port):
            await eventually(lambda: stock.available("MUG", "A") == 2)
            assert stock.load_count == 2
    finally:
        await matrix.__aexit__(None, None, None)
        await mesh.close()


def test_the_watch_of_a_channel_begins_with_a_snapshot() -> None:
    with pytest.raises(InvalidFields):
        validate(WatchAvailabilityRequest(channel="web"))
    with pytest.raises(InvalidFields):
        validate(WatchAvailabilityRequest(channel="web", start_revision=3))
    validate(WatchAvailabilityRequest(channel="web", snapshot=True))


async def test_a_copy_is_not_of_a_channel() -> None:
    async with StockCopy("redis://127.0.0.1:1") as copy:
        with pytest.raises(ValueError, match="as a whole"):
            AvailabilityMatrix(copy, channel="web")


async def test_only_what_was_chosen_is_told_page_by_page(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "BALANCES_PAGE", 1)
    monkeypatch.setattr(channel_watch, "BALANCES_PAGE", 1)
    await shop.stock({"MUG at A": 10, "MUG at B": 10, "MUG at C": 10, "CUP at A": 10})
    await shop.stamp()
    asked = {"skus": ["MUG"], "location_ids": ["A", "B"], "channel": "web"}
    async with aclosing(cast("Any", watch(shop, snapshot=True, packed=True, **asked))) as replies:
        read = await until_revision(replies)
        at = read[-1].revision
        await shop.put_controls(control("cap", "cap", 4, channel="web"))
        told = await _rows(replies, 2)
        await shop.reserve({"CUP at A": 1, "MUG at C": 1})
        await shop.reserve({"MUG at B": 1})
        await shop.stamp()
        last = await _rows(replies, 1)

    assert [reply.revision for reply in read[:-1]] == [0, 0]
    assert at > 0
    assert told == [("MUG", "A", (10, 0, 4, 1)), ("MUG", "B", (10, 0, 4, 1))]
    assert last == [("MUG", "B", (10, 1, 4, 2))]


async def _rows(replies: Any, count: int) -> list[Any]:
    rows: list[Any] = []
    while len(rows) < count:
        rows += unpacked((await _next(replies)).packed)
    return rows


async def _next(replies: Any) -> Any:
    reply: Awaitable[Any] = anext(replies)
    async with asyncio.timeout(30):
        return await reply


async def test_a_watch_with_nothing_to_tell_gives_marks_of_progress(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel_watch, "MARK_SECONDS", 0.0)
    await shop.stock({"MUG at A": 10})
    await shop.stamp()
    async with aclosing(
        cast("Any", watch(shop, snapshot=True, packed=True, channel="web"))
    ) as replies:
        await until_revision(replies)
        mark = await _next(replies)
    assert (mark.revision > 0, len(mark.packed.skus)) == (True, 0)


def test_marks_come_as_often_as_the_contract_says() -> None:
    assert feeds.MARK_SECONDS <= 5
    assert channel_watch.LOOK_SECONDS < 1
