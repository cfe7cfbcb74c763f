"""Large pictures in frames: broken off, taken up again, told twice, and told wrongly."""

from collections.abc import AsyncIterator
from datetime import timedelta

import grpc
import pytest

from ordermesh.api.inventory.v1 import (
    ImportFramesRequest,
    SnapshotImport,
)
from ordermesh.client.errors import refusal_of
from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.background.sweeping import Sweeper
from ordermesh.inventory.domain.errors.feed import (
    FrameChanged,
    FrameMissing,
    ImportChanged,
    ImportCompleted,
    ImportNotFound,
    PictureInFuture,
)
from ordermesh.inventory.operations import expiry
from ordermesh.inventory.operations import imports as operation
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Database
from tests.dialects import on_sqlite
from tests.fakes import FakeClock
from tests.inventory.messages import new_id
from tests.inventory.outside import ZERO, Outside, delta, names, seen_rows, why
from tests.inventory.shop import Shop
from tests.servers import Served

IMPORT = "55555555-5555-4555-8555-555555555555"
LATER = "66666666-6666-4666-8666-666666666666"


@pytest.fixture
async def outside(shop: Shop) -> Outside:
    """A source that speaks for A and B, and some stock there."""
    await shop.stock({"MUG at A": 10, "CUP at A": 10, "JAR at A": 10, "MUG at B": 10})
    opened = Outside(shop)
    await opened.put_source()
    return opened


async def test_frames_are_applied_in_order_and_counted(outside: Outside) -> None:
    begun = await outside.begin(IMPORT)
    assert (begun.next_frame, begun.state) == (1, SnapshotImport.STATE_OPEN)

    replies = await outside.send(
        IMPORT,
        {
            1: {"MUG at A": (8, 1), "NOBODY at A": (1, 0)},
            2: {"CUP at A": (10, 1), "MUG at B": (3, 1)},
        },
    )
    done = await outside.complete(IMPORT, 2)

    assert [(one.frame, one.skipped) for one in replies] == [(1, False), (2, False)]
    assert (replies[0].counts.applied_count, replies[0].counts.quarantined_count) == (1, 1)
    assert (done.counts.applied_count, done.counts.unchanged_count) == (2, 1)
    assert [(one.reason, one.count) for one in done.counts.quarantined] == [(1, 1)]
    assert (done.next_frame, done.state) == (3, SnapshotImport.STATE_COMPLETED)
    assert [await outside.on_hand(place) for place in ("MUG at A", "CUP at A", "MUG at B")] == [
        8,
        10,
        3,
    ]
    [row] = await outside.quarantined(import_id=IMPORT)
    assert why(row) == "UNKNOWN_SKU"
    assert await outside.shop.is_sound()


async def test_a_broken_import_goes_on_after_the_last_frame_that_was_acknowledged(
    outside: Outside,
) -> None:
    await outside.begin(IMPORT)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1)}})
    await outside.tell(delta(1, "MUG at A", 1))

    assert (await outside.begin(IMPORT)).next_frame == 2
    replies = await outside.send(IMPORT, {2: {"CUP at A": (7, 1)}})

    assert [(one.frame, one.skipped) for one in replies] == [(2, False)]
    assert await outside.on_hand("MUG at A") == 7
    assert await outside.on_hand("CUP at A") == 7


async def test_frames_that_were_applied_are_skipped(outside: Outside) -> None:
    await outside.begin(IMPORT)
    first = {1: {"MUG at A": (8, 1)}, 2: {"CUP at A": (7, 1)}}
    applied = await outside.send(IMPORT, first)
    after = await outside.shop.balance("MUG at A")

    # As somebody would who knows nothing any more: from the beginning, with new request ids.
    again = await outside.send(IMPORT, {**first, 3: {"JAR at A": (5, 1)}})

    assert [one.skipped for one in again] == [True, True, False]
    assert [one.counts for one in again[:2]] == [one.counts for one in applied]
    assert await outside.shop.balance("MUG at A") == after
    assert (await outside.how_far(IMPORT)).counts.applied_count == 3


async def test_a_key_in_two_frames_is_as_doubtful_as_one_twice_in_a_frame(
    outside: Outside,
) -> None:
    await outside.begin(IMPORT)
    frames = {1: {"MUG at A": (8, 1)}, 2: {"MUG at A": (3, 1), "CUP at A": (7, 1)}}

    replies = await outside.send(IMPORT, frames)

    assert [one.counts.applied_count for one in replies] == [1, 1]
    [row] = await outside.quarantined(import_id=IMPORT)
    assert (why(row), row.snapshot_row.on_hand) == ("REPEATED", 3)
    assert [await outside.on_hand(place) for place in ("MUG at A", "CUP at A")] == [8, 7]

    # Frames that come again are no repetition; somebody may decide that the row is right.
    assert [one.skipped for one in await outside.send(IMPORT, frames)] == [True, True]
    assert len(await outside.quarantined()) == 1
    assert names((await outside.retry(row.quarantine_id)).outcomes) == ["APPLIED"]
    done = await outside.complete(IMPORT, 2)
    assert (done.counts.applied_count, done.counts.quarantined_count) == (2, 1)
    assert not (await outside.shop.dump())["snapshot_key"]


async def test_each_import_may_name_a_key_once(outside: Outside) -> None:
    await outside.begin(IMPORT)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1)}})
    await outside.begin(LATER)

    [reply] = await outside.send(LATER, {1: {"MUG at A": (7, 1)}})

    assert reply.counts.applied_count == 1
    assert await outside.on_hand("MUG at A") == 7


async def test_the_same_request_gets_the_same_answer(outside: Outside) -> None:
    await outside.begin(IMPORT)
    ids = [new_id()]
    first = await outside.send(IMPORT, {1: {"MUG at A": (8, 1)}}, ids)

    assert await outside.send(IMPORT, {1: {"MUG at A": (8, 1)}}, ids) == first


async def test_a_frame_with_other_rows_is_refused(outside: Outside) -> None:
    await outside.begin(IMPORT)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1)}})

    with pytest.raises(FrameChanged) as changed:
        await outside.send(IMPORT, {1: {"MUG at A": (7, 1)}})
    with pytest.raises(FrameMissing) as missing:
        await outside.send(IMPORT, {3: {"CUP at A": (7, 1)}})

    assert changed.value.facts() == {"importId": IMPORT, "frame": "1"}
    assert missing.value.facts() == {"importId": IMPORT, "frame": "3", "nextFrame": "2"}
    assert await outside.on_hand("MUG at A") == 8
    assert await outside.on_hand("CUP at A") == 10


async def test_an_import_is_what_it_was_announced_to_be(outside: Outside) -> None:
    await outside.begin(IMPORT, watermark=4)

    with pytest.raises(ImportChanged):
        await outside.begin(IMPORT, watermark=5)
    with pytest.raises(ImportNotFound):
        await outside.send(LATER, {1: {"MUG at A": (8, 1)}})


async def test_a_picture_of_the_future_is_not_taken(outside: Outside) -> None:
    now = await outside.now()

    with pytest.raises(PictureInFuture) as refusal:
        await outside.begin(IMPORT, taken=now + timedelta(minutes=6))

    assert refusal.value.facts()["sourceId"] == "TILL"
    with pytest.raises(ImportNotFound):
        await outside.how_far(IMPORT)
    # It does not outdate those of now.
    shown = await outside.show({"MUG at A": 8}, taken=now)
    assert names(shown.outcomes) == ["APPLIED"]


async def test_a_full_picture_too_far_ahead_outdates_none(outside: Outside) -> None:
    await outside.put_source(ahead_max=100)
    await outside.begin(IMPORT, watermark=2**62)
    [reply] = await outside.send(IMPORT, {1: {"MUG at A": (3, 1)}})
    assert reply.counts.quarantined_count == 1

    shown = await outside.show({"MUG at A": (8, 1)}, watermark=0)

    assert names(shown.outcomes) == ["APPLIED"]
    assert await outside.on_hand("MUG at A") == 8


async def test_a_completed_import_takes_nothing_more(outside: Outside) -> None:
    await outside.begin(IMPORT)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1)}})
    with pytest.raises(FrameMissing):
        await outside.complete(IMPORT, 2)
    with pytest.raises(ImportCompleted):
        await outside.complete(IMPORT, 0)
    done = await outside.complete(IMPORT, 1)

    assert await outside.complete(IMPORT, 1) == done
    assert [one.skipped for one in await outside.send(IMPORT, {1: {"MUG at A": (8, 1)}})] == [True]
    with pytest.raises(ImportCompleted):
        await outside.send(IMPORT, {2: {"CUP at A": (7, 1)}})


async def test_what_a_picture_does_not_name_stays(outside: Outside) -> None:
    await outside.begin(IMPORT)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1)}})

    await outside.complete(IMPORT, 1)

    assert await outside.on_hand("CUP at A") == 10


@on_sqlite
async def test_what_a_picture_does_not_name_is_gone_where_that_is_said(
    outside: Outside, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "ABSENT_KEYS", 1)
    await outside.shop.stock({"POT at A": 10})
    await outside.shop.reserve({"POT at A": 4}, confirm=True)
    taken = clock.now()
    clock.advance(60)
    await outside.shop.receive({"JAR at A": 3})
    await outside.begin(IMPORT, taken=taken, absent=ZERO)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1), "NOBODY at A": (2, 0)}})
    assert await outside.on_hand("CUP at A") == 10

    done = await outside.complete(IMPORT, 1)

    # The jars came after the picture; the pots are promised, so somebody must look.
    places = ("MUG at A", "CUP at A", "JAR at A", "POT at A", "MUG at B")
    assert [await outside.on_hand(place) for place in places] == [8, 0, 3, 10, 10]
    assert (done.counts.applied_count, done.counts.quarantined_count) == (3, 2)
    assert [why(row) for row in await outside.quarantined()] == ["UNKNOWN_SKU", "BELOW_RESERVED"]
    assert await outside.shop.is_sound()


async def test_a_key_whose_row_is_in_quarantine_is_not_absent(outside: Outside) -> None:
    await outside.begin(IMPORT, taken=await outside.now(), absent=ZERO)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1), "CUP at A": (-3, 1)}})

    done = await outside.complete(IMPORT, 1)

    places = ("MUG at A", "CUP at A", "JAR at A")
    assert [await outside.on_hand(place) for place in places] == [8, 10, 0]
    assert done.counts.quarantined_count == 1


async def test_what_a_picture_has_named_is_not_absent_while_that_is_forgotten(
    outside: Outside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(operation, "FORGOTTEN_KEYS", 2)
    await outside.begin(IMPORT, taken=await outside.now(), absent=ZERO)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1), "CUP at A": (7, 1), "JAR at A": (6, 1)}})

    done = await outside.complete(IMPORT, 1)

    places = ("MUG at A", "CUP at A", "JAR at A")
    assert [await outside.on_hand(place) for place in places] == [8, 7, 6]
    assert done.counts.applied_count == 3
    rows = await outside.shop.dump()
    assert not rows["snapshot_key"]


async def test_an_older_full_picture_does_not_undo_a_newer_one(outside: Outside) -> None:
    await outside.tell(*(delta(number, "MUG at A", 1) for number in range(1, 5)))
    await outside.begin(LATER, watermark=4)
    await outside.send(LATER, {1: {"MUG at A": (5, 5)}})
    await outside.begin(IMPORT, watermark=2)

    [reply] = await outside.send(IMPORT, {1: {"MUG at A": (8, 3), "CUP at A": (3, 1)}})

    assert reply.counts.outdated_count == 2
    assert await outside.on_hand("MUG at A") == 5
    # Nor does one that shows some keys only.
    shown = await outside.show({"MUG at A": (9, 2)}, watermark=3)
    assert names(shown.outcomes) == ["OUTDATED"]


async def test_an_older_picture_does_not_undo_what_a_full_one_shows_of_other_places(
    outside: Outside,
) -> None:
    await outside.tell(*(delta(number, "MUG at B", 1) for number in range(1, 5)))
    await outside.begin(IMPORT, watermark=4, location_ids=["A"])
    await outside.send(IMPORT, {1: {"MUG at B": (3, 5)}})

    reply = await outside.show({"MUG at B": (8, 5)}, watermark=2)

    assert names(reply.outcomes) == ["OUTDATED"]
    assert await outside.on_hand("MUG at B") == 3


async def test_an_older_picture_does_not_undo_a_full_one_that_was_too_far_ahead_at_first(
    outside: Outside,
) -> None:
    await outside.put_source(ahead_max=2)
    await outside.begin(IMPORT, watermark=4)
    await outside.tell(*(delta(number, "MUG at A", 1) for number in range(1, 5)))
    await outside.send(IMPORT, {1: {"MUG at A": (3, 5)}})

    reply = await outside.show({"MUG at A": (8, 5)}, watermark=2)

    assert names(reply.outcomes) == ["OUTDATED"]
    assert await outside.on_hand("MUG at A") == 3


async def test_changes_that_a_full_picture_contains_and_that_come_later_count_no_more(
    outside: Outside,
) -> None:
    await outside.begin(IMPORT, watermark=3)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1)}})

    reply = await outside.tell(
        delta(2, "MUG at A", 1), delta(3, "CUP at A", 1), delta(4, "MUG at A", 1)
    )

    # The cups' row has not come yet; when it does, it contains the sale.
    assert names(reply.outcomes) == ["CONTAINED", "APPLIED", "APPLIED"]
    await outside.send(IMPORT, {2: {"CUP at A": (9, 1)}})
    assert [await outside.on_hand(place) for place in ("MUG at A", "CUP at A")] == [7, 9]


async def test_a_full_picture_of_one_source_outdates_an_older_picture_of_another(
    outside: Outside,
) -> None:
    now = await outside.now()
    await outside.put_source("ERP", location_ids=["A"])
    await outside.begin(IMPORT, taken=now)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1)}})

    reply = await outside.show(
        {"MUG at A": 10, "CUP at A": (9, 1)}, taken=now - timedelta(seconds=10), source_id="ERP"
    )

    # The import says nothing of cups.
    assert names(reply.outcomes) == ["OUTDATED", "APPLIED"]
    assert await outside.on_hand("MUG at A") == 8


async def test_a_stream_ends_with_the_refusal_of_a_frame(
    served: Served, inventory_database: Database, clock: FakeClock
) -> None:
    """Also when it comes over the wire, with the frames before it acknowledged."""
    shop = Shop(assemble(inventory_database, clock, RandomIds(), {}), clock)
    await shop.put_locations("A", "B")
    await shop.stock({"MUG at A": 10})
    outside = Outside(shop)
    await outside.put_source()
    await outside.begin(IMPORT)

    async def frames() -> AsyncIterator[ImportFramesRequest]:
        for number in (1, 3):
            yield ImportFramesRequest(
                request_id=new_id(),
                import_id=IMPORT,
                frame=number,
                rows=seen_rows({"MUG at A": (8, 1)}),
            )

    acknowledged: list[int] = []

    async def listen() -> None:
        async for reply in served.mesh.feeds.ImportFrames(frames()):
            acknowledged.append(reply.frame)  # noqa: PERF401 - what came before the end is kept

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await listen()

    refusal = refusal_of(error.value)
    assert acknowledged == [1]
    assert refusal is not None
    assert (refusal.code, refusal.reason) == (
        grpc.StatusCode.FAILED_PRECONDITION,
        "FRAME_MISSING",
    )
    assert refusal.metadata == {"importId": IMPORT, "frame": "3", "nextFrame": "2"}


@on_sqlite
async def test_an_import_is_forgotten_when_it_did_not_go_on_for_a_week(
    outside: Outside, clock: FakeClock
) -> None:
    sweeper = Sweeper(outside.shop.wiring.database, outside.shop.wiring.stores, clock, 2.0)
    await outside.begin(IMPORT, taken=clock.now(), absent=ZERO)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1)}, 2: {"CUP at A": (7, 1)}})
    clock.advance(timedelta(days=7).total_seconds())
    await sweeper.sweep()
    assert (await outside.how_far(IMPORT)).next_frame == 3

    clock.advance(timedelta(days=2).total_seconds())
    await sweeper.sweep()

    with pytest.raises(ImportNotFound):
        await outside.how_far(IMPORT)
    assert await outside.on_hand("MUG at A") == 8
    rows = await outside.shop.dump()
    assert not rows["snapshot_frame"]
    assert not rows["snapshot_key"]


@on_sqlite
async def test_what_a_forgotten_import_has_named_is_not_absent(
    outside: Outside, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(expiry, "IMPORT_ROWS", 1)
    sweeper = Sweeper(outside.shop.wiring.database, outside.shop.wiring.stores, clock, 2.0)
    await outside.begin(IMPORT, taken=clock.now(), absent=ZERO)
    await outside.send(IMPORT, {1: {"MUG at A": (8, 1), "CUP at A": (7, 1), "JAR at A": (6, 1)}})
    clock.advance(timedelta(days=9).total_seconds())
    await sweeper.sweep()

    await outside.complete(IMPORT, 1)

    places = ("MUG at A", "CUP at A", "JAR at A")
    assert [await outside.on_hand(place) for place in places] == [8, 7, 6]
