import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from opentelemetry import trace
from sqlalchemy import func, select, update

from ordermesh.runtime import feed as feeds
from ordermesh.runtime import feed_pages
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.feed import (
    LEASE_SECONDS,
    Change,
    Feed,
    NewChange,
    Page,
    RevisionCompacted,
    Sequencer,
)
from ordermesh.runtime.feed_pages import read_page
from ordermesh.runtime.tables import feed, leader
from tests.dialects import on_postgresql
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.spans import Spans


@asynccontextmanager
async def sequencing(database: Database, clock: FakeClock) -> AsyncIterator[Sequencer]:
    sequencer = Sequencer(database, clock)
    task = asyncio.create_task(sequencer.run())
    try:
        yield sequencer
    finally:
        await sequencer.stop()
        await task


async def append(database: Database, *keys: str, topic: str = "item") -> None:
    async def write(tx: Transaction) -> None:
        for key in keys:
            await feeds.append(tx, topic=topic, key=key, payload=key.encode())

    await database.run(write)


async def stamp_all(database: Database, clock: FakeClock) -> None:
    await end_the_lease(database)
    sequencer = Sequencer(database, clock)
    while await sequencer.stamp():
        pass


async def revision(database: Database) -> int:
    return await database.read(feeds.revision)


async def take(pages: AsyncIterator[Page], count: int) -> list[Change]:
    """The next so many changes."""
    changes: list[Change] = []
    async for page in pages:
        changes.extend(page.changes)
        if len(changes) >= count:
            break
    return changes


async def test_a_change_gets_its_revision_after_the_commit(
    database: Database, clock: FakeClock
) -> None:
    assert await revision(database) == 0
    async with sequencing(database, clock):
        await append(database, "RETRO-CLOCK")
        await eventually(lambda: revision_is(database, 1))


async def revision_is(database: Database, expected: int) -> bool:
    return await revision(database) == expected


async def test_a_change_that_is_rolled_back_leaves_no_gap(
    database: Database, clock: FakeClock
) -> None:
    async def fail(tx: Transaction) -> None:
        await feeds.append(tx, topic="item", key="LOST", payload=b"")
        raise ValueError("no")

    await append(database, "A")
    with pytest.raises(ValueError, match="no"):
        await database.run(fail)
    await append(database, "B")
    await stamp_all(database, clock)

    changes = await take(Feed(database, clock).watch("item", 1), 2)

    assert [(change.revision, change.key) for change in changes] == [(1, "A"), (2, "B")]


@on_postgresql  # SQLite has one writer at a time
async def test_a_number_that_commits_late_is_stamped_late_and_not_skipped(
    database: Database, clock: FakeClock
) -> None:
    """The first transaction takes the lower number and commits after the second was stamped."""
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: Transaction) -> None:
        await feeds.append(tx, topic="item", key="LATE", payload=b"")
        inside.set()
        await go_on.wait()

    first = asyncio.create_task(database.run(slow))
    await inside.wait()
    await append(database, "EARLY")
    await stamp_all(database, clock)
    pages = Feed(database, clock).watch("item", 1)
    assert [change.key for change in await take(pages, 1)] == ["EARLY"]
    go_on.set()
    await first
    await stamp_all(database, clock)

    changes = await take(Feed(database, clock).watch("item", 2), 1)

    assert [(change.revision, change.key) for change in changes] == [(2, "LATE")]


async def test_revisions_have_no_gap_under_concurrent_writers_and_every_watcher_sees_all(
    database: Database, clock: FakeClock
) -> None:
    writers, each = 12, 15
    chance = random.Random(3)

    async def write(name: int) -> None:
        for number in range(each):
            await append(database, f"{name}:{number}")
            await asyncio.sleep(chance.random() * 0.002)

    async def watch(start: int) -> list[Change]:
        return await take(Feed(database, clock).watch("item", start), writers * each)

    async with sequencing(database, clock), sequencing(database, clock):
        watchers = [asyncio.create_task(watch(1)) for _ in range(3)]
        await asyncio.gather(*(write(name) for name in range(writers)))
        seen = await asyncio.gather(*watchers)

    for changes in seen:
        assert [change.revision for change in changes] == list(range(1, writers * each + 1))
        for name in range(writers):
            own = [change.key for change in changes if change.key.startswith(f"{name}:")]
            assert own == [f"{name}:{number}" for number in range(each)]


async def test_many_changes_are_appended_at_once_in_their_order(
    database: Database, clock: FakeClock
) -> None:
    new = [NewChange(f"SKU-{number}", b"%d" % number, number) for number in range(2_500)]

    async def append(tx: Transaction) -> None:
        now = await tx.now()
        await feeds.append_all(tx, topic="item", changes=new, now=now)
        await feeds.append_all(tx, topic="item", changes=[], now=now)

    await database.run(append)
    await stamp_all(database, clock)

    changes = await take(Feed(database, clock).watch("item", 1), 2_500)
    assert [(change.key, change.sequence) for change in changes] == [
        (f"SKU-{number}", number) for number in range(2_500)
    ]


async def test_a_watch_begins_with_a_mark_and_gives_one_every_five_seconds(
    database: Database, clock: FakeClock
) -> None:
    await append(database, "A")
    await stamp_all(database, clock)
    pages = Feed(database, clock).watch("item", 0)

    assert await anext(pages) == Page(1, ())
    waiting = asyncio.ensure_future(anext(pages))
    for _ in range(4):
        await eventually(lambda: clock.sleepers == 1)
        clock.advance(1.0)
    await eventually(lambda: clock.sleepers == 1)
    assert not waiting.done()
    clock.advance(1.0)
    assert await waiting == Page(1, ())


async def test_marks_count_the_revisions_of_other_topics(
    database: Database, clock: FakeClock
) -> None:
    await append(database, "A", "B", topic="location")
    await append(database, "C", topic="item")
    await append(database, "D", topic="location")
    await stamp_all(database, clock)

    page = await anext(Feed(database, clock).watch("item", 1))

    assert (page.revision, [change.key for change in page.changes]) == (4, ["C"])


async def test_a_watch_from_now_gives_only_what_comes(database: Database, clock: FakeClock) -> None:
    await append(database, "OLD")
    await stamp_all(database, clock)
    pages = Feed(database, clock).watch("item", 0)
    assert await anext(pages) == Page(1, ())

    await append(database, "NEW")
    await stamp_all(database, clock)

    page = await anext(pages)
    assert [(change.revision, change.key) for change in page.changes] == [(2, "NEW")]


async def test_a_follower_that_starts_again_from_its_last_mark_misses_nothing(
    database: Database, clock: FakeClock
) -> None:
    seen: list[str] = []
    following = 1
    for number in range(5):
        await append(database, f"{number}", topic="item" if number % 2 else "location")
        await stamp_all(database, clock)
        page = await anext(Feed(database, clock).watch("item", following))
        seen.extend(change.key for change in page.changes)
        following = page.revision + 1

    assert seen == ["1", "3"]


async def test_a_revision_that_was_forgotten_is_refused_with_the_oldest_that_is_kept(
    database: Database, clock: FakeClock
) -> None:
    await append(database, "A", "B", "C")
    await stamp_all(database, clock)
    await age(database, up_to_revision=2)
    assert await database.run(forget) == 2

    with pytest.raises(RevisionCompacted) as raised:
        await anext(Feed(database, clock).watch("item", 2))

    assert raised.value.reason == "REVISION_COMPACTED"
    assert raised.value.facts() == {"oldestRevision": "3"}
    page = await anext(Feed(database, clock).watch("item", 3))
    assert [change.key for change in page.changes] == ["C"]


async def age(database: Database, up_to_revision: int) -> None:
    async def write(tx: Transaction) -> None:
        old = await tx.now() - timedelta(days=30)
        await tx.execute(
            update(feed).where(feed.c.revision <= up_to_revision).values(create_time=old)
        )

    await database.run(write)


async def forget(tx: Transaction) -> int:
    return await feeds.compact(tx, await tx.now() - timedelta(days=14))


async def append_packed(database: Database, *keys: str, topic: str = "item") -> None:
    changes = [NewChange(key, key.encode(), number) for number, key in enumerate(keys)]
    await database.run(
        lambda tx: feeds.append_all(tx, topic=topic, changes=changes, now=datetime.now(UTC))
    )


async def test_changes_of_one_transaction_are_one_row_and_a_revision_each(
    database: Database, clock: FakeClock
) -> None:
    await append(database, "A")
    await append_packed(database, "B", "C", "D")
    await append_packed(database, "X", "Y", topic="location")
    await append(database, "E")
    await stamp_all(database, clock)

    assert await revision(database) == 7
    rows = await database.read(lambda tx: tx.execute(select(feed.c.revision, feed.c.packed)))
    assert sorted(map(tuple, rows)) == [(1, None), (4, 3), (6, 2), (7, None)]
    for start in range(1, 8):
        page = await anext(Feed(database, clock).watch(("item", "location"), start))
        assert [change.revision for change in page.changes] == list(range(start, 8))
        assert "".join(change.key for change in page.changes) == "ABCDXYE"[start - 1 :]
    page = await anext(Feed(database, clock).watch("location", 1))
    assert [(change.revision, change.key, change.sequence) for change in page.changes] == [
        (5, "X", 0),
        (6, "Y", 1),
    ]


async def test_a_page_may_end_inside_of_a_row(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_pages, "PAGE_CHANGES", 2)
    await append_packed(database, "A", "B", "C")
    await append_packed(database, "D", "E")
    await stamp_all(database, clock)

    pages, start = [], 1
    while start <= 5:
        page, is_full = await database.read(partial(read_page, topics=["item"], start=start))
        pages.append(("".join(change.key for change in page.changes), page.revision, is_full))
        start = page.revision + 1

    assert pages == [("AB", 2, True), ("CD", 4, True), ("E", 5, False)]


async def test_a_row_is_kept_as_long_as_one_of_its_changes_is(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "COMPACT_ROWS", 4)
    await append_packed(database, "A", "B", "C")
    await append_packed(database, "D", "E")
    await append_packed(database, "F")
    await stamp_all(database, clock)
    await age(database, up_to_revision=5)

    assert await database.run(forget) == 1
    page = await anext(Feed(database, clock).watch("item", 5))
    assert [change.key for change in page.changes] == ["E", "F"]
    assert await database.run(forget) == 1
    assert await database.run(forget) == 0
    page = await anext(Feed(database, clock).watch("item", 6))
    assert [change.key for change in page.changes] == ["F"]


async def test_forgetting_everything_keeps_the_count(database: Database, clock: FakeClock) -> None:
    await append(database, "A", "B")
    await stamp_all(database, clock)
    await age(database, up_to_revision=2)

    assert await database.run(forget) == 2
    assert await database.run(forget) == 0
    await append(database, "C")
    await stamp_all(database, clock)

    assert await revision(database) == 3
    page = await anext(Feed(database, clock).watch("item", 3))
    assert [(change.revision, change.key) for change in page.changes] == [(3, "C")]


async def test_what_has_no_revision_yet_is_never_forgotten(
    database: Database, clock: FakeClock
) -> None:
    await append(database, "A")
    await database.run(
        lambda tx: tx.execute(update(feed).values(create_time=clock.now() - timedelta(days=99)))
    )

    assert await database.run(forget) == 0
    await stamp_all(database, clock)
    assert await revision(database) == 1


async def test_a_watcher_whose_place_is_forgotten_under_it_is_told(
    database: Database, clock: FakeClock
) -> None:
    await append(database, "A")
    await stamp_all(database, clock)
    pages = Feed(database, clock).watch("item", 1)
    await anext(pages)
    await append(database, "B", "C")
    await stamp_all(database, clock)
    await age(database, up_to_revision=3)
    await database.run(forget)

    with pytest.raises(RevisionCompacted):
        await anext(pages)


async def test_a_start_beyond_the_next_revision_is_of_another_history(
    database: Database, clock: FakeClock
) -> None:
    """A database that was restored to an older point gave out revisions that it forgot."""
    await append(database, "A")
    await stamp_all(database, clock)

    with pytest.raises(RevisionCompacted):
        await anext(Feed(database, clock).watch("item", 3))
    assert await anext(Feed(database, clock).watch("item", 2)) == Page(1, ())


async def test_only_one_sequencer_leads_until_its_lease_ends(
    database: Database, clock: FakeClock
) -> None:
    first, second = Sequencer(database, clock), Sequencer(database, clock)
    await append(database, "A")
    assert await first.stamp()
    await append(database, "B")

    assert not await second.stamp()
    assert await revision(database) == 1
    await end_the_lease(database)

    assert await second.stamp()
    assert await revision(database) == 2


async def end_the_lease(database: Database) -> None:
    async def write(tx: Transaction) -> None:
        over = await tx.now() - timedelta(seconds=LEASE_SECONDS)
        await tx.execute(update(leader).values(lease_until=over))

    await database.run(write)


async def test_a_sequencer_that_stops_lets_another_lead_at_once(
    database: Database, clock: FakeClock
) -> None:
    async with sequencing(database, clock):
        await append(database, "A")
        await eventually(lambda: revision_is(database, 1))
    async with sequencing(database, clock):
        await append(database, "B")
        await eventually(lambda: revision_is(database, 2))


async def test_two_sequencers_that_both_believe_to_lead_still_leave_no_gap(
    database: Database, clock: FakeClock
) -> None:
    async def write() -> None:
        for number in range(20):
            await append(database, f"{number}", f"{number}'")

    async def stamp_and_take_over(sequencer: Sequencer) -> None:
        for _ in range(20):
            await end_the_lease(database)
            await sequencer.stamp()

    await asyncio.gather(
        write(), *(stamp_and_take_over(Sequencer(database, clock)) for _ in range(2))
    )
    await stamp_all(database, clock)

    async def look(tx: Transaction) -> list[int]:
        result = await tx.execute(select(feed.c.revision).order_by(feed.c.revision))
        return list(result.scalars())

    assert await database.read(look) == list(range(1, 41))


async def test_an_idle_leader_keeps_its_lease(database: Database, clock: FakeClock) -> None:
    async def fence(tx: Transaction) -> int:
        return int((await tx.execute(select(func.max(leader.c.fence)))).scalar_one())

    async with sequencing(database, clock):
        await eventually(lambda: is_fence(database, 1))
        for _ in range(3):
            await eventually(lambda: clock.sleepers == 1)
            clock.advance(1.0)
        await eventually(lambda: is_fence(database, 2))
    assert await database.read(fence) == 2


async def is_fence(database: Database, expected: int) -> bool:
    async def look(tx: Transaction) -> int:
        return int((await tx.execute(select(leader.c.fence))).scalar_one())

    return await database.read(look) == expected


async def test_a_change_carries_the_trace_of_whoever_made_it(
    database: Database, clock: FakeClock, spans: Spans
) -> None:
    with trace.get_tracer("tests").start_as_current_span("receive") as span:
        await append(database, "A")
    await stamp_all(database, clock)

    (change,) = await take(Feed(database, clock).watch("item", 1), 1)

    assert f"{span.get_span_context().trace_id:032x}" in change.trace["traceparent"]
