import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import ClassVar

import grpc
import pytest
from opentelemetry import trace
from sqlalchemy import func, select, text

from ordermesh.api.event.v1 import (
    DeliverRequest,
    DeliverResponse,
    EventEnvelope,
    EventServiceStub,
    InboxServiceStub,
    WatchEventsRequest,
    add_EventServiceServicer_to_server,
    add_InboxServiceServicer_to_server,
)
from ordermesh.kernel.errors import RuleViolated
from ordermesh.kernel.ids import derived_id
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.event_servicer import EventServicer, InboxServicer
from ordermesh.runtime.feed import Feed, Sequencer
from ordermesh.runtime.inbox import Inbox, prune
from ordermesh.runtime.outbox import Event, Outbox
from ordermesh.runtime.tables import inbox as received
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.shared.echo import serving_echo
from tests.spans import Spans

SOURCED = "ordermesh.order.sourced.v1"


def event(order_id: str, sequence: int = 1, kind: str = SOURCED) -> EventEnvelope:
    return EventEnvelope(
        event_id=str(derived_id("test", order_id, sequence, kind)),
        type=kind,
        source="routing",
        aggregate_type="order",
        aggregate_id=order_id,
        sequence=sequence,
        order_id=order_id,
    )


class Sold(RuleViolated):
    reason: ClassVar[str] = "SOLD"


class Timeline:
    """An effect that can be counted in the database."""

    def __init__(self) -> None:
        self.order: list[tuple[str, int]] = []

    async def add(self, tx: Transaction, envelope: EventEnvelope) -> None:
        if envelope.aggregate_id == "bad":
            raise Sold("It is sold.")
        await tx.execute(
            text("insert into line (order_id) values (:order_id)"),
            {"order_id": envelope.aggregate_id},
        )
        key = (envelope.aggregate_id, envelope.sequence)
        tx.after_commit(lambda: self.order.append(key))


@pytest.fixture
async def lined(database: Database) -> Database:
    await database.run(lambda tx: tx.execute(text("create table line (order_id varchar(100))")))
    return database


async def lines(database: Database) -> Counter[str]:
    async def look(tx: Transaction) -> Counter[str]:
        return Counter((await tx.execute(text("select order_id from line"))).scalars())

    return await database.read(look)


async def recorded(database: Database) -> int:
    async def look(tx: Transaction) -> int:
        return int((await tx.execute(select(func.count()).select_from(received))).scalar_one())

    return await database.read(look)


async def test_events_have_their_effects_in_the_order_given(lined: Database) -> None:
    timeline = Timeline()
    inbox = Inbox(lined, {SOURCED: timeline.add})

    assert await inbox.receive([event("b", 1), event("a", 1), event("b", 2)]) == 3

    assert timeline.order == [("b", 1), ("a", 1), ("b", 2)]


async def test_an_event_that_comes_again_is_dropped(lined: Database) -> None:
    inbox = Inbox(lined, {SOURCED: Timeline().add})

    assert await inbox.receive([event("a", 1)]) == 1
    assert await inbox.receive([event("a", 1), event("a", 2), event("a", 2)]) == 1

    assert await lines(lined) == Counter({"a": 2})


async def test_the_same_delivery_many_times_at_once_has_one_effect(lined: Database) -> None:
    inbox = Inbox(lined, {SOURCED: Timeline().add})
    events = [event("a"), event("b"), event("c")]

    counts = await asyncio.gather(
        *(inbox.receive(events if turn % 2 else events[::-1]) for turn in range(6))
    )

    assert sum(counts) == 3
    assert await lines(lined) == Counter({"a": 1, "b": 1, "c": 1})


async def test_an_effect_that_fails_records_nothing_of_the_delivery(lined: Database) -> None:
    inbox = Inbox(lined, {SOURCED: Timeline().add})

    with pytest.raises(Sold):
        await inbox.receive([event("a"), event("bad"), event("c")])

    assert await recorded(lined) == 0
    assert await lines(lined) == Counter()
    assert await inbox.receive([event("a"), event("c")]) == 2


async def test_an_event_of_an_unknown_type_is_recorded_and_ignored(lined: Database) -> None:
    inbox = Inbox(lined, {SOURCED: Timeline().add})

    assert await inbox.receive([event("a", kind="ordermesh.order.sourced.v9")]) == 1

    assert await recorded(lined) == 1
    assert await lines(lined) == Counter()


async def test_old_ids_are_forgotten(lined: Database) -> None:
    inbox = Inbox(lined, {SOURCED: Timeline().add})
    await inbox.receive([event("a"), event("b")])

    async def forget(tx: Transaction, age: timedelta) -> int:
        return await prune(tx, await tx.now() + age)

    assert await lined.run(lambda tx: forget(tx, timedelta(hours=-1))) == 0
    assert await lined.run(lambda tx: forget(tx, timedelta(hours=1))) == 2


async def test_the_effect_is_in_the_trace_of_the_event(lined: Database, spans: Spans) -> None:
    with trace.get_tracer("tests").start_as_current_span("source") as cause:
        context = cause.get_span_context()
    told = event("a")
    told.traceparent = f"00-{context.trace_id:032x}-{context.span_id:016x}-01"

    await Inbox(lined, {SOURCED: Timeline().add}).receive([told])

    (effect,) = spans.named(f"receive {SOURCED}")
    assert effect.parent is not None
    assert (effect.context.trace_id, effect.parent.span_id) == (context.trace_id, context.span_id)


@pytest.fixture
async def channel(lined: Database, clock: FakeClock) -> AsyncIterator[grpc.aio.Channel]:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    inbox = Inbox(lined, {SOURCED: Timeline().add})
    add_InboxServiceServicer_to_server(InboxServicer(inbox), server)
    add_EventServiceServicer_to_server(EventServicer(Feed(lined, clock)), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as connected:
        yield connected
    await server.stop(None)


async def test_the_inbox_answers_calls(channel: grpc.aio.Channel, lined: Database) -> None:
    stub = InboxServiceStub(channel)
    request = DeliverRequest(events=[event("a"), event("b")])

    assert (await stub.Deliver(request)).recorded_count == 2
    assert (await stub.Deliver(request)).recorded_count == 0
    assert await lines(lined) == Counter({"a": 1, "b": 1})


async def publish(database: Database, clock: FakeClock, *wanted: tuple[str, str]) -> None:
    outbox = Outbox("routing", {})

    async def write(tx: Transaction) -> None:
        for order_id, kind in wanted:
            payload = DeliverResponse(recorded_count=1)
            await outbox.publish(tx, Event(kind, "order", order_id, 1, payload, order_id))

    await database.run(write)
    sequencer = Sequencer(database, clock)
    while await sequencer.stamp():
        pass
    await database.run(sequencer._resign)


async def test_events_are_watched_from_a_revision_on(
    channel: grpc.aio.Channel, lined: Database, clock: FakeClock
) -> None:
    await publish(lined, clock, ("a", SOURCED), ("b", SOURCED), ("c", SOURCED))

    stream = EventServiceStub(channel).WatchEvents(WatchEventsRequest(start_revision=2))
    message = await anext(aiter(stream))
    stream.cancel()

    assert message.revision == 3
    assert [(one.revision, one.event.aggregate_id) for one in message.events] == [
        (2, "b"),
        (3, "c"),
    ]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (WatchEventsRequest(start_revision=1, types=["ordermesh.order.held.v1"]), ["b"]),
        (WatchEventsRequest(start_revision=1, order_id="c"), ["c"]),
        (WatchEventsRequest(start_revision=1, types=[SOURCED], order_id="b"), []),
    ],
)
async def test_events_can_be_left_out_and_still_count(
    channel: grpc.aio.Channel,
    lined: Database,
    clock: FakeClock,
    wanted: WatchEventsRequest,
    expected: list[str],
) -> None:
    await publish(lined, clock, ("a", SOURCED), ("b", "ordermesh.order.held.v1"), ("c", SOURCED))

    stream = EventServiceStub(channel).WatchEvents(wanted)
    message = await anext(aiter(stream))
    stream.cancel()

    assert message.revision == 3
    assert [one.event.aggregate_id for one in message.events] == expected


async def test_events_that_are_too_large_for_one_message_come_in_several(
    lined: Database, clock: FakeClock, tmp_path: Path
) -> None:
    # As large as orders of some hundred lines are.
    payload = WatchEventsRequest(order_id="x" * 50_000)
    events = [Event(SOURCED, "order", f"o{number}", 1, payload) for number in range(200)]
    outbox = Outbox("routing", {})

    async def write(tx: Transaction) -> None:
        for one in events:
            await outbox.publish(tx, one)

    await lined.run(write)
    while await Sequencer(lined, clock).stamp():
        pass

    seen: list[int] = []
    async with serving_echo(tmp_path, feed=EventServicer(Feed(lined, clock))) as mesh:
        async for message in mesh.events("echo").WatchEvents(WatchEventsRequest(start_revision=1)):
            seen += [one.revision for one in message.events]
            if message.revision == len(events):
                break

    assert seen == list(range(1, len(events) + 1))


async def test_who_wants_few_events_hears_every_five_seconds_all_the_same(
    lined: Database, clock: FakeClock
) -> None:
    wanted = WatchEventsRequest(start_revision=1, types=["ordermesh.order.held.v1"])
    stream = EventServicer(Feed(lined, clock)).WatchEvents(wanted, None)  # type: ignore[arg-type]  # it is not looked at
    assert (await anext(stream)).revision == 0

    waiting = asyncio.ensure_future(anext(stream))
    for number in range(9):
        await eventually(lambda: clock.sleepers == 1)
        await publish(lined, clock, (str(number), SOURCED))
        clock.advance(0.5)
    await eventually(lambda: clock.sleepers == 1)
    clock.advance(0.5)

    async with asyncio.timeout(5):
        assert (await waiting).revision == 9
