"""Threshold events: low, out and back, for items and kits, each told once."""

import asyncio
from contextvars import Context
from functools import partial
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.inventory.v1 import (
    AvailabilityBack,
    AvailabilityCrossing,
    AvailabilityLevel,
    BalanceChange,
)
from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.background.levels import TOPICS, LevelWatcher
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.operations.controls import put_controls
from ordermesh.inventory.queries import levels
from ordermesh.inventory.queries.availability import get_availability
from ordermesh.inventory.wire import controls as wire
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import Sequencer
from tests.dialects import on_postgresql
from tests.inventory.messages import control, item, location
from tests.inventory.reading import changes_told
from tests.inventory.shop import Shop

PREFIX = "ordermesh.availability."


class Watch:
    """Looks when it is told to, and gives what was told since the last look."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop
        self._given = 0
        self._sequencer = Sequencer(shop.wiring.database, SystemClock())
        self.watcher = self.another()

    def another(self) -> LevelWatcher:
        wiring = self._shop.wiring
        return LevelWatcher(wiring.database, wiring.feed, wiring.stores, SystemClock())

    async def look(self) -> list[tuple[str, str, str, int]]:
        """What was told: the crossing, the SKU, the channel and what is available."""
        await self.pass_on(self.watcher)
        told = await self.told()
        new, self._given = told[self._given :], len(told)
        return [(kind, one.sku, one.channel, one.available) for kind, one in new]

    async def pass_on(self, watcher: LevelWatcher) -> None:
        while await self._sequencer.stamp():
            pass
        await watcher.look_at_controls()
        await self.follow(watcher)

    async def follow(self, watcher: LevelWatcher) -> None:
        """Let it look at balances alone: at controls another task of it looks."""
        database = self._shop.wiring.database
        while await self._sequencer.stamp():
            pass
        watched = await database.read(self._shop.wiring.stores.levels.watched)
        pages = self._shop.wiring.feed.watch(TOPICS, watched.revision + 1)
        await watcher.look(await anext(pages))
        await pages.aclose()  # type: ignore[attr-defined]

    async def told(self) -> list[tuple[str, AvailabilityCrossing]]:
        envelopes = [one for one in await events(self._shop) if one.type.startswith(PREFIX)]
        return [
            (
                one.type.removeprefix(PREFIX).removesuffix(".v1"),
                # All four have the same one field.
                AvailabilityBack.FromString(one.payload).crossing,
            )
            for one in envelopes
        ]


async def rows(shop: Shop, topic: str) -> list[Any]:
    return [change.payload for change in await changes_told(shop.wiring.database, topic)]


async def events(shop: Shop) -> list[EventEnvelope]:
    return [EventEnvelope.FromString(payload) for payload in await rows(shop, "event")]


@pytest.fixture
async def watch(shop: Shop) -> Watch:
    """Ten mugs, of which three are few for the web."""
    await shop.stock({"MUG at A": 6, "MUG at B": 4, "CUP at A": 50})
    await shop.put_controls(control("low", "low_level", 3, sku="MUG", channel="web"))
    watch = Watch(shop)
    assert await watch.look() == []
    return watch


async def test_each_crossing_is_told_once(shop: Shop, watch: Watch) -> None:
    first = await shop.reserve({"MUG at A": 6})
    assert await watch.look() == []
    few = await shop.reserve({"MUG at B": 2})
    assert await watch.look() == [("low", "MUG", "web", 2)]
    await shop.reserve({"MUG at B": 1})
    assert await watch.look() == []
    last = await shop.reserve({"MUG at B": 1})
    assert await watch.look() == [("out", "MUG", "web", 0)]
    assert await watch.look() == []
    await shop.release(last.reservation_id)
    assert await watch.look() == [("back", "MUG", "web", 1)]
    await shop.release(first.reservation_id)
    assert await watch.look() == [("recovered", "MUG", "web", 7)]
    await shop.release(few.reservation_id)
    assert await watch.look() == []

    told = [one for one in await events(shop) if one.type.startswith(PREFIX)]
    assert [one.sequence for one in told] == [1, 2, 3, 4]
    assert len({one.aggregate_id for one in told}) == 1
    crossing = AvailabilityBack.FromString(told[2].payload).crossing
    assert crossing.previous_level == AvailabilityLevel.AVAILABILITY_LEVEL_OUT
    assert crossing.level == AvailabilityLevel.AVAILABILITY_LEVEL_LOW
    assert (crossing.low_level, crossing.control_version) == (3, 1)


async def test_several_who_watch_tell_nothing_twice(shop: Shop, watch: Watch) -> None:
    others = [watch.another() for _ in range(2)]
    await shop.reserve({"MUG at A": 6, "MUG at B": 4})

    for one in others:
        await watch.pass_on(one)

    assert await watch.look() == [("out", "MUG", "web", 0)]


async def test_what_was_told_and_that_it_was_told_are_one(
    shop: Shop, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.reserve({"MUG at A": 6, "MUG at B": 4})

    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("the power went")

    # The watcher dies after the events are written, before it has noted how far it looked.
    with monkeypatch.context() as patch:
        patch.setattr(shop.wiring.stores.levels, "note", fail)
        with pytest.raises(RuntimeError):
            await watch.look()
    with monkeypatch.context() as patch:
        patch.setattr(shop.wiring.stores.levels, "save", fail)
        await shop.receive({"MUG at A": 1})
        with pytest.raises(RuntimeError):
            await watch.look()

    assert await watch.look() == [("out", "MUG", "web", 0), ("back", "MUG", "web", 1)]


@pytest.mark.parametrize("has_looked", [False, True], ids=["restarted", "another that lags"])
async def test_who_knows_no_controls_yet_passes_no_crossing_by(
    shop: Shop, has_looked: bool
) -> None:
    watch = Watch(shop)
    fresh = assemble(shop.wiring.database, SystemClock(), RandomIds(), {})
    late = LevelWatcher(fresh.database, fresh.feed, fresh.stores, SystemClock())
    await shop.stock({"MUG at A": 10})
    if has_looked:
        await late.look_at_controls()  # nothing is controlled so far
    await shop.put_controls(control("low", "low_level", 3, sku="MUG"))
    assert await watch.look() == []

    # Who has told so far dies before it hears of this; the other hears of it, and only once.
    await shop.adjust("MUG at A", on_hand=0)
    await watch.follow(late)

    assert [(kind, one.sku) for kind, one in await watch.told()] == [("out", "MUG")]


async def test_a_kit_crosses_when_a_component_does(shop: Shop, watch: Watch) -> None:
    await shop.put_items(item("SET", {"MUG": 2, "CUP": 1}, tags=["gift"]))
    await shop.put_controls(control("sets", "low_level", 2, tag="gift"))
    assert await watch.look() == []

    await shop.reserve({"MUG at A": 1})
    assert set(await watch.look()) == {("low", "SET", "", 2), ("low", "SET", "web", 2)}
    await shop.reserve({"MUG at A": 4})
    assert set(await watch.look()) == {("out", "SET", "", 0), ("out", "SET", "web", 0)}
    # Another composition needs no mugs.
    await shop.put_items(item("SET", {"CUP": 1}, tags=["gift"]))
    assert set(await watch.look()) == {("back", "SET", "", 50), ("back", "SET", "web", 50)}


async def test_an_item_of_more_kits_and_locations_than_one_read_answers_is_looked_at_too(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(levels, "get_availability", partial(get_availability, pairs_max=30))
    places = [f"STORE-{number}" for number in range(8)]
    await shop.put_locations(*places)
    await shop.stock({f"MUG at {place}": 1 for place in places})
    await shop.put_items(*(item(f"SET-{number}", {"MUG": 1}) for number in range(10)))
    await shop.put_controls(control("low", "low_level", 3))
    watch = Watch(shop)
    assert await watch.look() == []

    await shop.adjust("MUG at STORE-0", on_hand=0)
    await shop.put_controls(control("none", "exclude", 1, sku="SET-9"))

    assert await watch.look() == [("out", "SET-9", "", 0)]


@on_postgresql
async def test_a_look_sees_balances_and_pools_of_one_moment(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.stock({"MUG at A": 10})
    await shop.put_controls(
        control("flash", "pool", 9, channel="app", sku="MUG"),
        control("low", "low_level", 0, sku="MUG"),
    )
    watch, stores = Watch(shop), shop.wiring.stores
    held = await shop.reserve({"MUG at A": 9}, channel="app")
    # One mug is left to all who name no channel, now and later.
    assert await watch.look() == []
    read = stores.ledger.stock_of

    async def meanwhile(*arguments: Any) -> Any:
        """What was promised to the channel comes back after the balances were read."""
        rows = await read(*arguments)
        monkeypatch.undo()
        release = shop.release(held.reservation_id)
        await asyncio.create_task(release, context=Context())
        return rows

    monkeypatch.setattr(stores.ledger, "stock_of", meanwhile)
    await shop.put_items(item("MUG", tags=["blue"]))

    # The channel has mugs again. To all others nothing has happened.
    assert [one for one in await watch.look() if one[2] == ""] == []


async def test_a_control_can_cross_a_level_too(shop: Shop, watch: Watch) -> None:
    await shop.put_controls(control("safety", "safety_stock", 5, sku="MUG"))
    assert await watch.look() == [("low", "MUG", "web", 1)]
    await shop.put_controls(control("none", "exclude", 1, channel="web"))
    assert await watch.look() == [("out", "MUG", "web", 0)]
    await shop.delete_controls("none", "safety")
    assert await watch.look() == [("back", "MUG", "web", 10)]


async def test_a_pool_that_ends_lets_others_have_its_rest(shop: Shop, watch: Watch) -> None:
    now = await shop.wiring.database.read(lambda tx: tx.now())
    pool = control("flash", "pool", 6, channel="app", sku="MUG", location_id="A")
    await shop.put_controls(pool)
    await shop.reserve({"MUG at B": 4})
    assert await watch.look() == [("out", "MUG", "web", 0)]

    pool.end_time.CopyFrom(Timestamp(seconds=int(now.timestamp()) - 5))
    await shop.put_controls(pool)

    assert await watch.look() == [("back", "MUG", "web", 6)]


async def test_a_location_is_watched_where_a_control_says_so(shop: Shop, watch: Watch) -> None:
    await shop.put_locations(location("B", groups=["west"]))
    await shop.put_controls(control("west", "low_level", 1, location_group="west", sku="MUG"))
    assert await watch.look() == []

    await shop.reserve({"MUG at B": 4})

    await watch.look()
    told = {(kind, one.channel, one.location_id) for kind, one in await watch.told()}
    assert told == {("out", "", "B"), ("out", "web", "B")}


async def test_what_is_not_watched_any_more_is_looked_at_afresh_later(
    shop: Shop, watch: Watch
) -> None:
    await shop.delete_controls("low")
    assert await watch.look() == []
    await shop.reserve({"MUG at A": 6, "MUG at B": 4})
    assert await watch.look() == []
    await shop.put_controls(control("low", "low_level", 3, sku="MUG", channel="web"))
    assert await watch.look() == []

    await shop.receive({"MUG at A": 5})

    assert await watch.look() == [("back", "MUG", "web", 5)]


async def test_watchers_of_balances_hear_what_controls_took_and_gave_back(
    shop: Shop, watch: Watch
) -> None:
    await shop.put_controls(control("safety", "safety_stock", 2, tag="fragile"))
    await shop.put_items(item("MUG", tags=["fragile"]))
    before = len(await rows(shop, "availability"))
    await shop.put_controls(control("safety", "safety_stock", 3, tag="fragile"))
    await watch.look()

    told = [
        BalanceChange.FromString(payload) for payload in (await rows(shop, "availability"))[before:]
    ]

    latest = {one.key.location_id: one.available for one in told if one.key.sku == "MUG"}
    assert latest == {"A": 3, "B": 1}
    # What only a channel can tell is not told to all.
    before = len(await rows(shop, "availability"))
    await shop.put_controls(control("web", "cap", 1, channel="web"))
    await watch.look()
    assert len(await rows(shop, "availability")) == before


@on_postgresql
@pytest.mark.parametrize("what", ["tag", "group"])
async def test_who_is_tagged_while_a_control_names_the_tag_is_told_of_too(
    shop: Shop, watch: Watch, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    controls = shop.wiring.stores.controls
    is_put, may_commit, has_come, may_go = (asyncio.Event() for _ in range(4))
    disturb = controls.disturb

    async def disturbing(tx: Transaction) -> None:
        has_come.set()
        await disturb(tx)
        await may_go.wait()

    monkeypatch.setattr(controls, "disturb", disturbing)
    scope = {"tag": "fragile"} if what == "tag" else {"location_group": "west"}
    named = wire.control(control("safety", "safety_stock", 2, **scope))

    async def put(tx: Transaction) -> None:
        await put_controls(shop.wiring.stores, tx, [named], Actor("developer"))
        is_put.set()
        await may_commit.wait()

    # The control waits for its commit, and whoever puts the item or the location waits for it.
    putting = asyncio.create_task(shop.wiring.database.run(put))
    await is_put.wait()
    changing = asyncio.create_task(
        shop.put_items(item("MUG", tags=["fragile"]))
        if what == "tag"
        else shop.put_locations(location("A", groups=["west"]))
    )
    await has_come.wait()
    may_commit.set()
    await putting
    await watch.watcher.look_at_controls()
    may_go.set()
    await changing

    told = [BalanceChange.FromString(payload) for payload in await rows(shop, "availability")]
    latest = {(one.key.sku, one.key.location_id): one.available for one in told}
    assert latest["MUG", "A"] == await shop.available("MUG at A") == 4


@on_postgresql
async def test_what_is_told_anew_of_balances_is_what_is_so_by_then(
    shop: Shop, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    await shop.stock({"MUG at A": 6})
    await shop.put_controls(control("west", "exclude", 1, location_group="west"))
    ledger = shop.wiring.stores.ledger
    tell = ledger.tell

    async def meanwhile(tx: Transaction, *what: Any) -> None:
        """The location joins the group when the watcher has looked and is about to tell."""
        monkeypatch.undo()
        joining = shop.put_locations(location("A", groups=["west"]))
        await asyncio.create_task(joining, context=Context())
        await tell(tx, *what)

    monkeypatch.setattr(ledger, "tell", meanwhile)
    await watch.watcher.look_at_controls()

    told = [BalanceChange.FromString(payload) for payload in await rows(shop, "availability")]
    assert [one.available for one in told if one.key.location_id == "A"][-1] == 0


async def test_a_channel_that_a_control_names_first_crosses_from_where_all_are(
    shop: Shop, watch: Watch
) -> None:
    await shop.put_controls(control("all", "low_level", 3, sku="CUP"))
    assert await watch.look() == []

    await shop.put_controls(control("none", "exclude", 1, channel="app"))
    assert await watch.look() == [("out", "CUP", "app", 0)]
    await shop.adjust("CUP at A", delta=-1)
    assert await watch.look() == []
    await shop.delete_controls("none")
    assert await watch.look() == [("back", "CUP", "app", 49)]
    assert await watch.look() == []

    # It is named by nothing now, so what all are told is what there is to tell.
    await shop.adjust("CUP at A", on_hand=0)
    assert set(await watch.look()) == {("out", "CUP", "", 0), ("out", "CUP", "web", 0)}
    # What is named while all have none has nothing to lose, and comes back with all.
    await shop.put_controls(control("few", "cap", 9, channel="app"))
    assert await watch.look() == []
    await shop.adjust("CUP at A", on_hand=20)
    assert set(await watch.look()) == {
        ("back", "CUP", "", 20), ("back", "CUP", "app", 9), ("back", "CUP", "web", 20),
    }  # fmt: skip


async def test_a_movement_at_the_moment_when_a_channel_is_named_is_told_for_both(
    shop: Shop, watch: Watch
) -> None:
    await shop.put_controls(control("all", "low_level", 3, sku="CUP"))
    assert await watch.look() == []

    await shop.put_controls(control("held", "buffer_units", 2, channel="app"))
    await shop.adjust("CUP at A", on_hand=5)

    assert await watch.look() == [("low", "CUP", "app", 3)]
    await shop.delete_controls("held")
    await shop.adjust("CUP at A", on_hand=0)
    # The channel had a level of its own, so its last crossing is told with that of all.
    assert set(await watch.look()) == {
        ("out", "CUP", "", 0), ("out", "CUP", "app", 0), ("out", "CUP", "web", 0),
    }  # fmt: skip
    await shop.adjust("CUP at A", on_hand=9)
    assert set(await watch.look()) == {("back", "CUP", "", 9), ("back", "CUP", "web", 9)}
