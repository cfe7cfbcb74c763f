import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import Any

import grpc
import pytest
from opentelemetry import trace
from sqlalchemy import Row, select, update

from ordermesh.api.event.v1 import DeliverResponse, EventEnvelope
from ordermesh.kernel.ids import derived_id
from ordermesh.runtime.claims import DOORBELL
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.failures import REFUSALS_MAX
from ordermesh.runtime.outbox import (
    DELIVERY_BYTES,
    DELIVERY_EVENTS,
    Delivery,
    Event,
    Outbox,
)
from ordermesh.runtime.tables import feed
from ordermesh.runtime.tables import work as rows
from ordermesh.runtime.work import Worker
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.spans import Spans

CONSUMERS = {
    "notify": frozenset({"order", "fulfillment_order"}),
    "returns": frozenset({"order"}),
}


def sourced(order_id: str, sequence: int = 1, count: int = 7) -> Event:
    """Any message serves as a payload."""
    return Event(
        type="ordermesh.order.sourced.v1",
        aggregate_type="order",
        aggregate_id=order_id,
        sequence=sequence,
        payload=DeliverResponse(recorded_count=count),
        order_id=order_id,
    )


async def publish(database: Database, *events: Event) -> None:
    outbox = Outbox("routing", CONSUMERS)

    async def write(tx: Transaction) -> None:
        for event in events:
            await outbox.publish(tx, event)

    await database.run(write)


async def work_rows(database: Database) -> list[Row[Any]]:
    async def look(tx: Transaction) -> list[Row[Any]]:
        return list(await tx.execute(select(rows).order_by(rows.c.number)))

    return await database.read(look)


async def envelopes(database: Database) -> list[EventEnvelope]:
    async def look(tx: Transaction) -> list[bytes]:
        result = await tx.execute(select(feed.c.payload).order_by(feed.c.change_id))
        return list(result.scalars())

    return [EventEnvelope.FromString(payload) for payload in await database.read(look)]


class Peer:
    """A service that takes events, unless told otherwise."""

    def __init__(self, database: Database) -> None:
        self.calls: list[list[EventEnvelope]] = []
        self.error: Exception | None = None
        self.delivery = Delivery(database, "notify", self.deliver)

    async def deliver(self, events: Sequence[EventEnvelope]) -> None:
        self.calls.append(list(events))
        if self.error is not None:
            raise self.error

    @property
    def taken(self) -> list[tuple[str, int]]:
        return [(event.aggregate_id, event.sequence) for call in self.calls for event in call]


@asynccontextmanager
async def delivering(database: Database, clock: FakeClock, peer: Peer) -> AsyncIterator[None]:
    kinds = {peer.delivery.kind: peer.delivery.work_kind()}
    worker = Worker(database, clock, kinds, random=random.Random(7))
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        await worker.stop()
        await task


async def is_delivered(database: Database) -> bool:
    return not [row for row in await work_rows(database) if row.kind == "deliver.notify"]


async def test_an_event_is_one_row_of_the_feed_and_one_of_work_for_each_interested_peer(
    database: Database,
) -> None:
    await publish(database, sourced("order-1"))

    (envelope,) = await envelopes(database)
    assert envelope.type == "ordermesh.order.sourced.v1"
    assert envelope.source == "routing"
    assert (envelope.aggregate_type, envelope.aggregate_id, envelope.sequence) == (
        "order", "order-1", 1,
    )  # fmt: skip
    assert envelope.order_id == "order-1"
    assert envelope.payload_type == "ordermesh.api.event.v1.DeliverResponse"
    assert DeliverResponse.FromString(envelope.payload).recorded_count == 7
    assert envelope.event_time.seconds > 0
    assert {(row.kind, row.key, row.work_id) for row in await work_rows(database)} == {
        (f"deliver.{peer}", "order/order-1", derived_id("delivery", envelope.event_id, peer))
        for peer in ("notify", "returns")
    }


async def test_a_rollback_takes_the_event_back(database: Database) -> None:
    outbox = Outbox("routing", CONSUMERS)

    async def write(tx: Transaction) -> None:
        await outbox.publish(tx, sourced("order-1"))
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await database.run(write)

    assert await envelopes(database) == []
    assert await work_rows(database) == []


async def test_the_same_event_always_has_the_same_id(database: Database) -> None:
    outbox = Outbox("routing", {})
    seen = []

    async def write(tx: Transaction) -> None:
        try:
            async with tx.savepoint():
                await outbox.publish(tx, sourced("order-1"))
                found = (await tx.execute(select(feed.c.payload))).scalar_one()
                seen.append(EventEnvelope.FromString(found).event_id)
                raise ValueError
        except ValueError:
            pass

    await database.run(write)
    await database.run(write)

    assert seen[0] == seen[1]
    await publish(database, sourced("order-1"), sourced("order-1", 2), sourced("order-2"))
    ids = [envelope.event_id for envelope in await envelopes(database)]
    assert ids[0] == seen[0]
    assert len(set(ids)) == 3


async def test_the_same_sequence_cannot_be_told_twice(database: Database) -> None:
    await publish(database, sourced("order-1", count=7))

    with pytest.raises(TransactionConflict):
        await publish(database, sourced("order-1", count=8))

    assert len(await envelopes(database)) == 1


async def test_events_are_delivered_in_order_and_are_gone(
    database: Database, clock: FakeClock
) -> None:
    peer = Peer(database)

    async with delivering(database, clock, peer):
        await publish(
            database, *(sourced(order, number) for number in (1, 2, 3) for order in ("a", "b"))
        )
        await eventually(lambda: is_delivered(database))

    for order in ("a", "b"):
        assert [sequence for key, sequence in peer.taken if key == order] == [1, 2, 3]
    assert [row.kind for row in await work_rows(database)] == ["deliver.returns"] * 6


async def test_many_events_travel_together(database: Database, clock: FakeClock) -> None:
    peer = Peer(database)
    await publish(database, *(sourced(f"order-{number}") for number in range(250)))

    async with delivering(database, clock, peer):
        await eventually(lambda: is_delivered(database))

    assert sorted(len(call) for call in peer.calls) == [50, DELIVERY_EVENTS, DELIVERY_EVENTS]


async def test_large_events_travel_in_requests_that_the_mesh_takes(
    database: Database, clock: FakeClock
) -> None:
    peer = Peer(database)
    large = [
        Event(
            type="ordermesh.order.sourced.v1",
            aggregate_type="order",
            aggregate_id=f"order-{number}",
            sequence=1,
            payload=EventEnvelope(payload=b"x" * 250_000),
        )
        for number in range(8)
    ]
    await publish(database, *large)

    async with delivering(database, clock, peer):
        await eventually(lambda: is_delivered(database))

    assert all(sum(event.ByteSize() for event in call) <= DELIVERY_BYTES for call in peer.calls)
    assert len(peer.taken) == 8


def failure(code: grpc.StatusCode) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata())


async def failures(database: Database, count: int) -> bool:
    waiting = [row for row in await work_rows(database) if row.kind == "deliver.notify"]
    return all(row.attempt >= count and row.lease_until is None for row in waiting)


async def let_time_pass(database: Database) -> None:
    async def age(tx: Transaction) -> None:
        now = await tx.now()
        await tx.execute(update(rows).values(due_time=now - timedelta(seconds=1)))

    await database.run(age)
    database.doorbells.ring(DOORBELL)


@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED])
async def test_events_wait_for_a_peer_that_is_away(
    database: Database, clock: FakeClock, code: grpc.StatusCode
) -> None:
    peer = Peer(database)
    peer.error = failure(code)

    async with delivering(database, clock, peer):
        await publish(database, sourced("a"), sourced("b"))
        await eventually(lambda: failures(database, 1))
        peer.error = None
        await let_time_pass(database)
        await eventually(lambda: is_delivered(database))

    assert peer.taken[:2] == [("a", 1), ("b", 1)]
    assert set(peer.taken[2:]) == {("a", 1), ("b", 1)}


async def test_an_event_that_a_peer_refuses_is_dead_in_the_end_and_blocks_only_its_aggregate(
    database: Database, clock: FakeClock
) -> None:
    peer = Peer(database)
    told: list[str] = []

    async def deliver(events: Sequence[EventEnvelope]) -> None:
        if any(event.aggregate_id == "bad" for event in events):
            raise failure(grpc.StatusCode.INVALID_ARGUMENT)
        told.extend(event.aggregate_id for event in events)

    peer.delivery = Delivery(database, "notify", deliver)

    async with delivering(database, clock, peer):
        await publish(database, sourced("bad", 1), sourced("bad", 2), sourced("good", 1))
        for attempt in range(1, REFUSALS_MAX + 1):
            await eventually(partial(refused, database, attempt))
            await let_time_pass(database)
        await publish(database, sourced("good", 2))
        await eventually(lambda: told == ["good", "good"])

    dead, blocked = [row for row in await work_rows(database) if row.kind == "deliver.notify"]
    assert dead.dead_time is not None
    assert dead.failure == "DELIVERY_REFUSED: notify refused: INVALID_ARGUMENT."
    assert (blocked.attempt, blocked.dead_time) == (0, None)


async def refused(database: Database, count: int) -> bool:
    first = next(row for row in await work_rows(database) if row.kind == "deliver.notify")
    return first.refusals >= count and first.lease_until is None


async def test_an_event_carries_the_trace_of_its_cause_and_is_delivered_in_it(
    database: Database, clock: FakeClock, spans: Spans
) -> None:
    peer = Peer(database)
    with trace.get_tracer("tests").start_as_current_span("source") as cause:
        await publish(database, sourced("a"))

    async with delivering(database, clock, peer):
        await eventually(lambda: is_delivered(database))

    (envelope,) = peer.calls[0]
    context = cause.get_span_context()
    assert envelope.traceparent.startswith(f"00-{context.trace_id:032x}-{context.span_id:016x}-")
    (work,) = spans.named("work deliver.notify")
    assert work.context.trace_id == context.trace_id


async def test_a_peer_gets_only_the_types_of_events_it_wants(database: Database) -> None:
    outbox = Outbox("routing", {"returns": frozenset({"ordermesh.order.shipped.v1"})})

    async def publish(tx: Transaction) -> None:
        for sequence, type_name in enumerate(("received", "shipped"), start=1):
            await outbox.publish(
                tx,
                Event(
                    type=f"ordermesh.order.{type_name}.v1",
                    aggregate_type="order",
                    aggregate_id="A-1",
                    sequence=sequence,
                    payload=DeliverResponse(),
                ),
            )

    await database.run(publish)

    async def types(tx: Transaction) -> list[str]:
        queued = await tx.execute(select(rows.c.payload))
        return [EventEnvelope.FromString(payload).type for payload in queued.scalars()]

    told = await database.read(types)
    assert told == ["ordermesh.order.shipped.v1"]
