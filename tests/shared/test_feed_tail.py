"""The end of the feed is read once for all who watch."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ordermesh.runtime import feed as feeds
from ordermesh.runtime import feed_tail
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.feed import Feed, Page, RevisionCompacted, Sequencer
from ordermesh.runtime.feed_tail import FeedTail
from tests.fakes import FakeClock


class Counted(FeedTail):
    """Counts what it reads."""

    reads = 0

    async def _refresh(self) -> bool:
        before = self._reads
        try:
            return await super()._refresh()
        finally:
            type(self).reads += self._reads > before


async def append(database: Database, clock: FakeClock, *keys: str, topic: str = "item") -> None:
    async def write(tx: Transaction) -> None:
        for key in keys:
            await feeds.append(tx, topic=topic, key=key, payload=key.encode())

    await database.run(write)
    sequencer = Sequencer(database, clock)
    while await sequencer.stamp(is_called=True):
        pass
    await database.run(sequencer._resign)


def keys(page: tuple[Page, bool] | None) -> list[str]:
    assert page is not None
    return [change.key for change in page[0].changes]


async def test_what_is_stamped_after_the_tail_began_is_given_by_topic(
    database: Database, clock: FakeClock
) -> None:
    tail = FeedTail(database, clock)
    assert await tail.page(["item"], 1) == (Page(0, ()), False)
    await append(database, clock, "MUG", "CUP")
    await append(database, clock, "DC-1", topic="location")

    assert keys(await tail.page(["item"], 1)) == ["MUG", "CUP"]
    assert keys(await tail.page(["item"], 2)) == ["CUP"]
    assert keys(await tail.page(["location"], 1)) == ["DC-1"]
    assert keys(await tail.page(["item", "location"], 2)) == ["CUP", "DC-1"]
    assert await tail.page(["item"], 4) == (Page(3, ()), False)


async def test_what_was_stamped_before_it_began_is_left_to_the_database(
    database: Database, clock: FakeClock
) -> None:
    await append(database, clock, "MUG", "CUP")
    tail = FeedTail(database, clock)

    assert await tail.page(["item"], 1) is None
    assert await tail.page(["item"], 3) == (Page(2, ()), False)
    assert keys(await Feed(database, clock).page(["item"], 1)) == ["MUG", "CUP"]


async def test_what_is_too_old_for_it_is_left_to_the_database(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_tail, "TAIL_CHANGES", 2)
    tail = FeedTail(database, clock)
    await tail.page(["item"], 1)
    await append(database, clock, "A", "B", "C")

    assert keys(await tail.page(["item"], 2)) == ["B", "C"]
    assert await tail.page(["item"], 1) is None


async def test_many_who_watch_read_each_change_once(database: Database, clock: FakeClock) -> None:
    Counted.reads = 0
    tail = Counted(database, clock)
    await tail.page(["item"], 1)
    await append(database, clock, "A")
    pages = await asyncio.gather(*(tail.page(["item"], 1) for _ in range(20)))

    assert [keys(page) for page in pages] == [["A"]] * 20
    assert Counted.reads == 2
    clock.advance(1.0)
    await tail.page(["item"], 2)
    assert Counted.reads == 3  # another process may have stamped something


@pytest.mark.parametrize("what_fills_it", ["PAGE_CHANGES", "PAGE_BYTES"])
async def test_a_page_that_is_full_says_so_and_the_next_goes_on(
    database: Database, clock: FakeClock, monkeypatch: pytest.MonkeyPatch, what_fills_it: str
) -> None:
    tail = FeedTail(database, clock)
    await tail.page(["item"], 1)
    await append(database, clock, *map(str, range(7)))
    monkeypatch.setattr(f"ordermesh.runtime.feed_pages.{what_fills_it}", 3)

    found: list[str] = []
    start, is_full = 1, True
    while is_full:
        page = await tail.page(["item"], start)
        assert page is not None
        found += [change.key for change in page[0].changes]
        start, is_full = page[0].revision + 1, page[1]

    assert found == [str(number) for number in range(7)]


async def test_a_revision_of_another_history_is_refused(
    database: Database, clock: FakeClock
) -> None:
    feed = Feed(database, clock)
    await append(database, clock, "A")
    await feed.page(["item"], 2)

    with pytest.raises(RevisionCompacted):
        await feed.page(["item"], 9)


async def test_a_watcher_hears_of_each_change_once_beside_others(
    database: Database, clock: FakeClock
) -> None:
    feed = Feed(database, clock)

    async def follow(pages: AsyncIterator[Page], count: int) -> list[str]:
        heard: list[str] = []
        async for page in pages:
            heard += [change.key for change in page.changes]
            if len(heard) >= count:
                return heard
        return heard

    followers = [asyncio.create_task(follow(feed.watch("item", 1), 30)) for _ in range(5)]
    for number in range(30):
        await append(database, clock, str(number))

    async with asyncio.timeout(20):
        heard = await asyncio.gather(*followers)
    assert heard == [[str(number) for number in range(30)]] * 5
