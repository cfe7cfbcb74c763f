"""The copy in Redis, with a real server that is flushed, killed, frozen and filled with lies."""

import asyncio
import random
from array import array
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import datetime, timedelta
from functools import partial

import pytest
from google.protobuf.duration_pb2 import Duration
from sqlalchemy import update

from ordermesh.api.inventory.v1 import (
    AvailabilityVector,
    CopyChange,
    CopyHead,
    GetAvailabilityRequest,
    GetAvailabilityResponse,
    KitComponent,
    KitComposition,
    PackedBalances,
    VerifyLedgerRequest,
)
from ordermesh.client import AvailabilityMatrix
from ordermesh.client import matrix as matrices
from ordermesh.client.copies import HEAD_KEY, CopyAway, Head, StockCopy, key_of, seal, unseal
from ordermesh.client.vectors import Vectors
from ordermesh.inventory.__main__ import assemble, define
from ordermesh.inventory.background import copying
from ordermesh.inventory.background.copying import Copier
from ordermesh.inventory.cache.writing import RedisCopyWriter
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.ports.copies import CopyLost
from ordermesh.inventory.settings import InventorySettings
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime import feed_pages
from ordermesh.runtime.database import Database, Transaction
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.fakes import START, FakeClock
from tests.inventory.messages import control, item
from tests.inventory.reading import insist
from tests.inventory.shop import Shop
from tests.servers import Served, serving
from tests.valkey import Valkey, find_server

PLACES = ("A", "B", "C", "D")


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    program = find_server()
    if program is None:
        pytest.skip("The copy was not tested: there is neither Valkey nor Redis.")
    server = Valkey(program)
    server.start()
    yield server
    server.close()


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let everybody look more often than in earnest."""
    monkeypatch.setattr(copying, "COMPARE_SECONDS", 0.05)
    monkeypatch.setattr(copying, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(copying, "REST_SECONDS_MAX", 0.2)
    monkeypatch.setattr(matrices, "PAUSE_SECONDS_MAX", 0.2)


@pytest.fixture
async def front(inventory_database: Database) -> Shop:
    """Short calls on the database of ``copied``."""
    opened = Shop(assemble(inventory_database, SystemClock(), RandomIds(), {}), FakeClock())
    await opened.put_locations(*PLACES)
    return opened


@pytest.fixture
async def copied(
    valkey: Valkey, inventory_database: Database, front: Shop
) -> AsyncIterator[Served]:
    """The service as a real server that keeps a copy."""
    settings = InventorySettings(port=0, redis_url=valkey.url)
    async with serving(define(inventory_database, SystemClock(), settings)) as opened:
        yield opened


@asynccontextmanager
async def following(url: str) -> AsyncIterator[AvailabilityMatrix]:
    """A reader that knows nothing but Redis."""
    async with StockCopy(url) as copy, AvailabilityMatrix(copy) as stock, asyncio.timeout(90):
        await stock.loaded()
        yield stock


async def head(valkey: Valkey) -> CopyHead | None:
    return unseal(CopyHead, await valkey.command("GET", HEAD_KEY))


async def has_copy(valkey: Valkey, *skus: str, other_than: int = 0) -> bool:
    """Whether there is a copy that knows these items."""
    found = await head(valkey)
    if found is None or found.epoch in (0, other_than):
        return False
    key = key_of(found.epoch, "vectors")
    return all([await valkey.command("HEXISTS", key, sku) for sku in skus])


async def ask(
    served: Served, skus: list[str], places: tuple[str, ...] = PLACES, *, seconds: int = 0
) -> GetAvailabilityResponse:
    """From the ledger, or from a copy that is not older than so many seconds."""
    request = GetAvailabilityRequest(skus=skus, location_ids=places)
    if seconds:
        request.max_age_duration.CopyFrom(Duration(seconds=seconds))
    return await served.mesh.availability.GetAvailability(request)


def is_copied(reply: GetAvailabilityResponse) -> bool:
    return reply.age_duration.ToNanoseconds() > 0


async def equals_the_ledger(served: Served, stock: AvailabilityMatrix, skus: list[str]) -> bool:
    reply = await ask(served, skus)
    told = array("q", stock.answer(skus, PLACES).fixed.available).tolist()
    return told == list(reply.available.quantities)


async def lie(valkey: Valkey, sku: str, units: int) -> None:
    """Put a vector into the copy that is sound in every respect, but false."""
    found = await head(valkey)
    assert found is not None
    key = key_of(found.epoch, "vectors")
    vector = unseal(AvailabilityVector, await valkey.command("HGET", key, sku))
    if vector is None:  # it was lost just now
        return
    vector.available[:] = [units for _ in vector.available]
    await valkey.command("HSET", key, sku, seal(vector))


async def test_without_redis_readers_wait_and_inventory_serves(
    valkey: Valkey, front: Shop, copied: Served
) -> None:
    await front.stock({"MUG at A": 5})
    valkey.kill()

    reply = await ask(copied, ["MUG"], seconds=10)
    assert (is_copied(reply), list(reply.available.quantities)) == (False, [5, 0, 0, 0])
    async with StockCopy(valkey.url) as copy:
        with pytest.raises(CopyAway):
            await copy.head()


async def test_a_reader_of_the_copy_knows_what_inventory_knows(
    valkey: Valkey, front: Shop, copied: Served
) -> None:
    await front.stock({"POT at A": 5, "CUP at A": 7, "CUP at B": 2})
    await front.put_items(item("TEA-SET", {"POT": 1, "CUP": 2}))
    await eventually(lambda: has_copy(valkey))
    async with following(valkey.url) as stock:
        await eventually(lambda: equals_the_ledger(copied, stock, ["POT", "CUP", "TEA-SET"]))
        assert stock.available("TEA-SET", "A") == 3

        await front.reserve({"CUP at A": 3})
        await front.put_items(item("TRIO", {"CUP": 3}), item("TEA-SET", {"POT": 1}))
        await front.stock({"MUG at D": 4})
        skus = ["POT", "CUP", "MUG", "TEA-SET", "TRIO"]
        await eventually(lambda: equals_the_ledger(copied, stock, skus))
        assert stock.load_count == 1
        assert stock.age_seconds < 30


async def test_a_control_reaches_a_reader_of_the_copy_without_a_movement(
    valkey: Valkey, front: Shop, copied: Served
) -> None:
    await front.stock({"MUG at A": 10})
    await eventually(lambda: has_copy(valkey, "MUG"))
    async with following(valkey.url) as stock:
        await front.put_controls(control("safety", "safety_stock", 4, sku="MUG"))
        await eventually(lambda: stock.available("MUG", "A") == 6)
        await front.delete_controls("safety")
        await eventually(lambda: stock.available("MUG", "A") == 10)
        assert await equals_the_ledger(copied, stock, ["MUG"])
        assert stock.load_count == 1


async def test_the_copy_answers_those_who_allow_it_as_the_ledger_would(
    valkey: Valkey, front: Shop, copied: Served
) -> None:
    await front.stock({"MUG at A": 10, "MUG at B": 0, "CUP at C": 3})
    await front.reserve({"MUG at A": 4})
    skus = ["MUG", "CUP"]
    newest = await ask(copied, skus, ())

    # The ledger also knows what has no revision yet, so that its revision alone is no measure.
    async def answer() -> bool:
        reply = await ask(copied, skus, (), seconds=60)
        return is_copied(reply) and reply.available == newest.available

    await eventually(answer)
    reply = await ask(copied, skus, (), seconds=60)
    assert reply.revision >= newest.revision
    assert (reply.on_hand, reply.reserved) == (newest.on_hand, newest.reserved)
    assert reply.totals == newest.totals == [6, 3]
    assert reply.HasField("read_time")

    # What the copy cannot know, the ledger answers.
    await front.put_items("BARE", item("SET", {"MUG": 1}))
    for wanted in (["BARE"], ["SET"]):
        assert not is_copied(await ask(copied, wanted, ("A",), seconds=60))
    assert not is_copied(await ask(copied, ["MUG"], ("D",), seconds=60))


class Held:
    """A copy that is never too old."""

    async def read(self, skus: Sequence[str]) -> tuple[Head, dict[str, AvailabilityVector]]:
        """Six of ten mugs, because four are held back."""
        vector = AvailabilityVector(
            sku="MUG", location_ids=["A"], on_hand=[10], reserved=[0], available=[6], sequences=[1]
        )
        return Head(1, 5, 0.5, START, 1, 5), dict.fromkeys(skus, vector)

    async def close(self) -> None:
        pass


async def test_who_has_not_heard_of_controls_for_long_does_not_answer_from_the_copy(
    shop: Shop, clock: FakeClock
) -> None:
    await shop.stock({"MUG at A": 10})
    database = shop.wiring.database
    other = Shop(assemble(database, clock, RandomIds(), {}, copies=Held()), clock)
    age = Duration(seconds=10)

    await shop.put_controls(control("safety", "safety_stock", 4, sku="MUG"))
    asked = await other.availability(["MUG"], ["A"], max_age_duration=age)
    assert (asked.control_version, list(asked.held_back)) == (1, [4])

    # While nothing is controlled the copy serves, for as long as the answer may be old.
    await shop.delete_controls("safety")
    await other.availability(["MUG"], ["A"])
    assert is_copied(await other.availability(["MUG"], ["A"], max_age_duration=age))
    await shop.put_controls(control("safety", "safety_stock", 4, sku="MUG"))
    clock.advance(11)
    asked = await other.availability(["MUG"], ["A"], max_age_duration=age)
    assert (asked.control_version, list(asked.held_back)) == (3, [4])


async def test_what_was_stock_and_is_a_kit_now_is_answered_by_the_ledger(
    valkey: Valkey, front: Shop, copied: Served
) -> None:
    await front.stock({"MUG at A": 6, "PAIR at A": 1})
    await front.adjust("PAIR at A", on_hand=0)
    await front.put_items(item("PAIR", {"MUG": 2}))

    async def is_known() -> bool:
        found = await head(valkey)
        if found is None or not await has_copy(valkey, "MUG", "PAIR"):
            return False
        is_kit = await valkey.command("HEXISTS", key_of(found.epoch, "kits"), "PAIR")
        return bool(is_kit) and is_copied(await ask(copied, ["MUG"], ("A",), seconds=60))

    await eventually(is_known)
    assert list((await ask(copied, ["PAIR"], ("A",))).totals) == [3]
    assert list((await ask(copied, ["PAIR"], ("A",), seconds=60)).totals) == [3]


async def test_a_copy_that_nobody_keeps_is_too_old_soon(
    valkey: Valkey, front: Shop, copied: Served
) -> None:
    await front.stock({"MUG at A": 10})
    await eventually(lambda: has_copy(valkey, "MUG"))

    async def age() -> bool:
        found = await head(valkey)
        if found is not None:
            found.copy_time.seconds -= 20
            await valkey.command("SET", HEAD_KEY, seal(found))
        return not is_copied(await ask(copied, ["MUG"], ("A",), seconds=10))

    await eventually(age)


async def test_no_lie_in_redis_sells_anything(valkey: Valkey, front: Shop, copied: Served) -> None:
    await front.stock({"MUG at A": 2})
    await eventually(lambda: has_copy(valkey, "MUG"))
    await lie(valkey, "MUG", 1000)

    assert list((await ask(copied, ["MUG"])).available.quantities) == [2, 0, 0, 0]
    with pytest.raises(InsufficientStock):
        await front.reserve({"MUG at A": 3})
    assert await front.is_sound()


@pytest.mark.parametrize("sealed", [True, False])
async def test_a_wrong_vector_is_found_and_readers_recover(
    valkey: Valkey, front: Shop, copied: Served, sealed: bool
) -> None:
    await front.stock({"MUG at A": 2, "CUP at A": 1})
    await eventually(lambda: has_copy(valkey, "MUG", "CUP"))
    before = await head(valkey)
    assert before is not None
    if sealed:
        await lie(valkey, "MUG", 1000)
    else:
        await valkey.command("HSET", key_of(before.epoch, "vectors"), "MUG", b"\x00rubbish")

    async with following(valkey.url) as stock:
        await eventually(lambda: has_copy(valkey, other_than=before.epoch))
        await eventually(lambda: equals_the_ledger(copied, stock, ["MUG", "CUP"]))


@pytest.mark.parametrize("harm", ["lost", "another", "rubbish"])
async def test_a_wrong_kit_is_found_and_readers_recover(
    valkey: Valkey, front: Shop, copied: Served, harm: str
) -> None:
    await front.stock({"MUG at A": 6})
    await front.put_items(item("PAIR", {"MUG": 2}))
    await eventually(lambda: has_copy(valkey, "MUG"))
    before = await head(valkey)
    assert before is not None
    kits = key_of(before.epoch, "kits")
    await eventually(lambda: valkey.command("HEXISTS", kits, "PAIR"))
    lie = KitComposition(sku="PAIR", components=[KitComponent(sku="MUG", quantity=1)])
    if harm == "lost":
        await valkey.command("DEL", kits)
    else:
        await valkey.command("HSET", kits, "PAIR", seal(lie) if harm == "another" else b"rubbish")

    await eventually(lambda: has_copy(valkey, other_than=before.epoch))
    async with following(valkey.url) as stock:
        await eventually(lambda: equals_the_ledger(copied, stock, ["MUG", "PAIR"]))


async def test_a_writer_that_was_replaced_writes_nothing(valkey: Valkey) -> None:
    stock = Vectors()
    stock.apply(
        PackedBalances(
            skus=["MUG"],
            location_ids=["A"],
            sku_numbers=[0],
            location_numbers=[0],
            on_hand=[3],
            reserved=[0],
            available=[3],
            sequences=[1],
        )
    )
    old, new = RedisCopyWriter(valkey.url), RedisCopyWriter(valkey.url)
    try:
        await old.begin(1, stock, 5, await old.time())
        await new.begin(2, stock, 6, await new.time())
        now = await new.time()
        change = CopyChange(epoch=1, previous_revision=5, revision=9)
        with pytest.raises(CopyLost):
            await old.write(stock, ["MUG"], change, now)
        # Nor one that skips what another has written into the same copy.
        change = CopyChange(epoch=2, previous_revision=5, revision=9)
        with pytest.raises(CopyLost):
            await new.write(stock, ["MUG"], change, now)
        found = await head(valkey)
        assert found is not None
        assert (found.epoch, found.revision) == (2, 6)
        assert await new.wrong_among(2, stock, ["MUG"]) == []
        assert await old.wrong_among(1, stock, ["MUG"]) == ["MUG"]  # removed with its copy
    finally:
        await old.close()
        await new.close()


async def test_a_reader_is_as_old_as_the_copy_that_it_follows(valkey: Valkey) -> None:
    told = PackedBalances(
        skus=["MUG"],
        location_ids=["A"],
        sku_numbers=[0],
        location_numbers=[0],
        on_hand=[3],
        reserved=[0],
        available=[3],
        sequences=[1],
    )
    stock, writer = Vectors(), RedisCopyWriter(valkey.url)
    stock.apply(told)
    whole = await writer.time() - timedelta(minutes=10)
    await writer.begin(1, stock, 5, whole)
    try:
        async with following(valkey.url) as read:
            assert read.age_seconds > 500

            # One of very many changes that have to be made good for, and nothing says how many.
            told.available[0], told.sequences[0] = 2, 2
            stock.apply(told)
            change = CopyChange(epoch=1, previous_revision=5, revision=6, packed=told)
            await writer.write(stock, ["MUG"], change, whole)
            await eventually(lambda: read.available("MUG", "A") == 2 or read.age_seconds < 500)

            assert read.age_seconds > 500
    finally:
        await writer.close()


class Scribe:
    """Notes of all that is shown how much there is of a mug, and since when it is said to be so."""

    def __init__(self) -> None:
        self.now = START
        self.is_away = self.has_refused = False
        self.shown: list[tuple[datetime, int]] = []

    async def time(self) -> datetime:
        if self.is_away:
            self.has_refused = True
            raise CopyAway("Redis does not answer.")
        return self.now

    async def begin(self, _epoch: int, vectors: Vectors, _revision: int, since: datetime) -> None:
        self.shown.append((since, vectors.figures("MUG", "A")[0]))

    async def write(
        self, vectors: Vectors, _skus: Collection[str], _change: CopyChange, since: datetime
    ) -> None:
        self.shown.append((since, vectors.figures("MUG", "A")[0]))

    async def wrong_among(self, *_: object) -> list[str]:
        return []

    async def close(self) -> None:
        pass


async def test_a_copy_never_says_that_it_is_newer_than_what_it_holds(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_pages, "PAGE_CHANGES", 3)
    await shop.stock({"MUG at A": 10, "CUP at A": 10})
    await shop.stamp()
    wiring, scribe = shop.wiring, Scribe()
    copier = Copier(wiring.database, wiring.stores, wiring.feed, scribe, None, SystemClock())
    task = asyncio.create_task(copier.run())
    await eventually(lambda: len(scribe.shown) > 1)

    # While Redis is away much happens, and the mugs are the last that change.
    scribe.is_away = True
    await eventually(lambda: scribe.has_refused)
    scribe.now += timedelta(minutes=5)
    for units in range(10):
        await shop.adjust("CUP at A", on_hand=20 + units)
    await shop.adjust("MUG at A", on_hand=0)
    await shop.stamp()
    scribe.now += timedelta(minutes=5)
    scribe.is_away = False
    await eventually(lambda: scribe.shown[-1] == (scribe.now, 0))
    await copier.stop()
    await task

    assert {units for since, units in scribe.shown if since > START} == {0}


async def test_damaged_changes_make_a_reader_load_again(
    valkey: Valkey, front: Shop, copied: Served
) -> None:
    await front.stock({"MUG at A": 9})
    await eventually(lambda: has_copy(valkey, "MUG"))
    async with following(valkey.url) as stock:
        found = await head(valkey)
        assert found is not None
        # An entry that no head speaks of, where the next change belongs; and one that vanished.
        key = key_of(found.epoch, "changes")
        await valkey.command("XADD", key, f"{found.revision + 1}-0", "change", b"rubbish")
        for _ in range(3):
            await front.reserve({"MUG at A": 1})
        await eventually(lambda: equals_the_ledger(copied, stock, ["MUG"]))
        loads = stock.load_count
        assert loads > 1
        found = await head(valkey)
        assert found is not None
        await valkey.command("XTRIM", key_of(found.epoch, "changes"), "MAXLEN", "0")
        await front.reserve({"MUG at A": 1})
        await eventually(lambda: equals_the_ledger(copied, stock, ["MUG"]))


@pytest.mark.parametrize("harm", ["flush", "kill", "freeze", "other"])
async def test_readers_recover_from_whatever_happens_to_redis(
    valkey: Valkey, front: Shop, copied: Served, harm: str
) -> None:
    await front.stock({"MUG at A": 9})
    await eventually(lambda: has_copy(valkey, "MUG"))
    async with following(valkey.url) as stock:
        if harm == "flush":
            await valkey.command("FLUSHALL")
        elif harm == "other":
            await valkey.command("FLUSHALL")
            await valkey.command("LPUSH", HEAD_KEY, "not what is expected here")
        elif harm == "kill":
            valkey.kill()
        else:
            valkey.freeze()

        await front.reserve({"MUG at A": 4})
        assert list((await ask(copied, ["MUG"], seconds=5)).totals) in ([5], [9])
        assert list((await ask(copied, ["MUG"])).totals) == [5]

        if harm == "kill":
            valkey.start()
        elif harm == "freeze":
            valkey.thaw()
        await eventually(lambda: equals_the_ledger(copied, stock, ["MUG"]))
        await front.reserve({"MUG at A": 1})
        await eventually(lambda: stock.available("MUG", "A") == 4)


@on_sqlite
async def test_what_is_not_as_the_ledger_says_is_loaded_anew(
    valkey: Valkey, front: Shop, copied: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copying, "SUSPECT_SECONDS", 0.2)
    await front.stock({"MUG at A": 9})
    await eventually(lambda: has_copy(valkey, "MUG"))
    async with following(valkey.url) as stock:
        assert stock.available("MUG", "A") == 9

        async def behind_everybodys_back(tx: Transaction) -> None:
            await tx.execute(update(balance).values(on_hand=3))

        await front.wiring.database.run(behind_everybodys_back)

        # Three, or nothing once the books were found wrong: in no case what the copy said.
        await eventually(lambda: stock.available("MUG", "A") in (3, 0))


async def test_under_load_nothing_is_sold_twice_and_no_change_is_lost(
    valkey: Valkey, front: Shop, copied: Served
) -> None:
    chance = random.Random(7)
    skus = [f"SKU-{number}" for number in range(8)]
    await front.stock({f"{sku} at {place}": 12 for sku in skus for place in PLACES})
    await eventually(lambda: has_copy(valkey))
    sold = dict.fromkeys(skus, 0)
    is_over = False

    async def buy() -> None:
        while not is_over:
            sku, wanted = chance.choice(skus), chance.choice(PLACES)
            reserve = partial(front.reserve, {f"{sku} at {wanted}": 1}, confirm=True)
            with suppress(InsufficientStock):
                await insist(reserve)
                sold[sku] += 1
            await asyncio.sleep(0.002)

    async def harm() -> None:
        for step in range(8):
            match step % 4:
                case 0:
                    await valkey.command("FLUSHALL")
                case 1:
                    valkey.kill()
                    await asyncio.sleep(0.2)
                    valkey.start()
                case 2:
                    valkey.freeze()
                    await asyncio.sleep(0.2)
                    valkey.thaw()
                case 3:
                    await eventually(lambda: has_copy(valkey, *skus))
                    await lie(valkey, chance.choice(skus), 99)
            await asyncio.sleep(0.2)

    async with following(valkey.url) as stock:
        async with asyncio.TaskGroup() as group:
            for _ in range(4):
                group.create_task(buy())
            await harm()
            is_over = True
        await eventually(lambda: equals_the_ledger(copied, stock, skus))

    reply = await ask(copied, skus)
    assert dict(zip(skus, reply.totals, strict=True)) == {
        sku: 12 * len(PLACES) - sold[sku] for sku in skus
    }
    assert sum(sold.values()) > 20
    last = [one async for one in copied.mesh.ledger.VerifyLedger(VerifyLedgerRequest())][-1]
    assert (last.balanced, last.units_oversold) == (True, 0)
