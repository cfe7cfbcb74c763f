"""Timelines on both databases: told once, in order, page by page."""

from collections.abc import Sequence
from datetime import timedelta

import pytest

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.routing.v1 import OrderReceived
from ordermesh.notify.domain.timeline import Entry, Place
from ordermesh.notify.operations.inbox import Told
from ordermesh.notify.store.notifications import SqlNotificationStore
from ordermesh.notify.store.timelines import SqlTimelineStore
from ordermesh.runtime.database import Database
from ordermesh.runtime.inbox import Inbox
from ordermesh.runtime.migrate import check
from ordermesh.runtime.validation import InvalidFields
from tests.events import event
from tests.fakes import START
from tests.notify.conftest import MIGRATIONS
from tests.notify.story import SENTENCES, order, received, story

STORE = SqlTimelineStore()
TOLD = Told(STORE, SqlNotificationStore())


@pytest.fixture
def inbox(database: Database) -> Inbox:
    """Where events arrive."""
    return Inbox(database, TOLD.handlers())


async def timeline(database: Database, order_id: str = "A-1001") -> Sequence[Entry]:
    return await database.read(lambda tx: STORE.page(tx, order_id, None, 100))


async def sentences(database: Database, order_id: str = "A-1001") -> list[str]:
    return [entry.sentence for entry in await timeline(database, order_id)]


async def test_tables_and_migrations_agree(database_url: str) -> None:
    await check(database_url, script_location=MIGRATIONS)


async def test_the_story_of_an_order_is_told_in_order(database: Database, inbox: Inbox) -> None:
    assert await inbox.receive(story()) == 6

    assert await sentences(database) == SENTENCES


async def test_events_that_come_twice_are_told_once(database: Database, inbox: Inbox) -> None:
    await inbox.receive(story())

    assert await inbox.receive([*story(), *story()]) == 0

    assert await sentences(database) == SENTENCES


async def test_an_event_that_the_inbox_has_forgotten_is_still_told_once(
    database: Database, inbox: Inbox
) -> None:
    await inbox.receive([received()])

    await database.run(lambda tx: TOLD.record(tx, received()))

    assert len(await timeline(database)) == 1


async def test_the_timeline_is_sorted_by_time_whatever_comes_first(
    database: Database, inbox: Inbox
) -> None:
    for told in reversed(story()):
        await inbox.receive([told])

    assert await sentences(database) == SENTENCES


async def test_what_happened_at_one_instant_is_in_the_order_of_its_numbers(
    database: Database, inbox: Inbox
) -> None:
    payload = OrderReceived(order=order())
    told = [
        event("ordermesh.order.received.v1", payload, sequence=number, event_time=START)
        for number in (10, 9, 11)
    ]

    await inbox.receive(told)

    assert [entry.place.sequence for entry in await timeline(database)] == [9, 10, 11]


async def test_a_type_that_nobody_knows_is_recorded_and_not_told(
    database: Database, inbox: Inbox
) -> None:
    unknown = event("ordermesh.order.gift_wrapped.v9", OrderReceived(order=order()))

    assert await inbox.receive([unknown]) == 1
    assert await inbox.receive([unknown]) == 0

    assert await timeline(database) == []


async def test_one_event_that_cannot_be_read_keeps_all_of_its_delivery_out(
    database: Database, inbox: Inbox
) -> None:
    unreadable: EventEnvelope = received("A-2", sequence=2)
    unreadable.payload = b"\xff\xff"

    with pytest.raises(InvalidFields):
        await inbox.receive([received("A-1"), unreadable])

    assert await timeline(database, "A-1") == []
    assert await inbox.receive([received("A-1")]) == 1


async def test_orders_do_not_see_each_other(database: Database, inbox: Inbox) -> None:
    await inbox.receive([received("A-1"), received("A-2"), received("a-1")])

    assert len(await timeline(database, "A-1")) == 1


async def test_an_order_that_nothing_is_known_of_has_an_empty_timeline(database: Database) -> None:
    assert await timeline(database, "NEVER-HEARD-OF") == []


async def test_pages_together_are_the_timeline(database: Database, inbox: Inbox) -> None:
    await inbox.receive(story())
    whole = await timeline(database)

    async def read(after: Place | None) -> Sequence[Entry]:
        return await database.read(lambda tx: STORE.page(tx, "A-1001", after, 4))

    pages = [await read(None)]
    while len(pages[-1]) == 4:
        pages.append(await read(pages[-1][-1].place))

    assert [len(page) for page in pages] == [4, 2]
    assert [entry for page in pages for entry in page] == whole


async def test_the_instant_of_an_event_is_kept_to_the_microsecond(
    database: Database, inbox: Inbox
) -> None:
    instant = START + timedelta(microseconds=123_456)
    told = event("ordermesh.order.received.v1", OrderReceived(order=order()), event_time=instant)

    await inbox.receive([told])

    assert [entry.place.event_time for entry in await timeline(database)] == [instant]
