"""Events: written with the change that they tell of, delivered to the peers that want them."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import grpc
from google.protobuf.message import Message

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.kernel.errors import RuleViolated, Unavailable
from ordermesh.kernel.ids import derived_id
from ordermesh.runtime import failpoints, feed
from ordermesh.runtime.carrier import current_trace
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.work import Claimed, WorkKind, enqueue, finish_all

TOPIC = "event"
"""The topic of the feed that holds a service's events."""

DELIVERY_EVENTS = 100
"""How many events one delivery carries at most."""

DELIVERY_BYTES = 700_000
"""How large the events of one delivery are at most: a request of the mesh may have one MiB, and
contacts are added on the way."""


@dataclass(frozen=True)
class Event:
    """Something that happened.

    ``type`` is a past participle with its version (``ordermesh.order.sourced.v1``); ``sequence`` is
    1, 2, 3 ... within the aggregate; ``order_id`` is empty when it concerns no order.
    """

    type: str
    aggregate_type: str
    aggregate_id: str
    sequence: int
    payload: Message
    order_id: str = ""


class Outbox:
    """Tells what happened in one service.

    ``consumers`` says which events each peer wants: all about a type of aggregate, or those of an
    event type. Events wait ``linger`` before they are delivered, so that one call carries more.
    """

    def __init__(
        self,
        source: str,
        consumers: Mapping[str, frozenset[str]],
        *,
        linger: timedelta = timedelta(0),
    ) -> None:
        self._source = source
        self._linger = linger
        self._consumers = {peer: frozenset(wanted) for peer, wanted in consumers.items()}

    async def publish(self, tx: Transaction, event: Event) -> None:
        """Write the event into the feed, and one row of work for each peer that wants it.

        The same sequence of an aggregate cannot be published twice: that is a
        ``TransactionConflict``.
        """
        envelope = await self._envelope(tx, event)
        written = envelope.SerializeToString(deterministic=True)
        key = f"{event.aggregate_type}/{event.aggregate_id}"
        await feed.append(tx, topic=TOPIC, key=key, payload=written, sequence=event.sequence)
        if failpoints.armed:
            await failpoints.reach(failpoints.points.OUTBOX_PUBLISHING)
        for peer, wanted in self._consumers.items():
            if event.aggregate_type in wanted or event.type in wanted:
                await enqueue(
                    tx,
                    kind=delivery_kind(peer),
                    key=key,
                    payload=written,
                    due_time=await tx.now() + self._linger if self._linger else None,
                    work_id=derived_id("delivery", envelope.event_id, peer),
                )
        if failpoints.armed:
            await failpoints.reach(failpoints.points.OUTBOX_PUBLISHED)

    async def _envelope(self, tx: Transaction, event: Event) -> EventEnvelope:
        envelope = EventEnvelope(
            event_id=str(event_id_of(self._source, event)),
            type=event.type,
            source=self._source,
            aggregate_type=event.aggregate_type,
            aggregate_id=event.aggregate_id,
            sequence=event.sequence,
            traceparent=current_trace().get("traceparent", ""),
            payload_type=event.payload.DESCRIPTOR.full_name,
            payload=event.payload.SerializeToString(deterministic=True),
            order_id=event.order_id,
        )
        envelope.event_time.FromDatetime(await tx.now())
        return envelope


def event_id_of(source: str, event: Event) -> UUID:
    """The id of an event that ``source`` tells: always the same for the same event."""
    return derived_id(
        "event", source, event.aggregate_type, event.aggregate_id, event.sequence, event.type
    )


def delivery_kind(peer: str) -> str:
    """The kind of the rows of work that deliver to a peer."""
    return f"deliver.{peer}"


class DeliveryRefused(RuleViolated):
    """The peer will not take an event as it is."""

    reason = "DELIVERY_REFUSED"


_REFUSED = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.PERMISSION_DENIED,
    }
)
_AWAY = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    }
)


class Delivery:
    """Hands a service's events over to one peer, those of one aggregate in order.

    ``deliver`` returns when the peer has recorded all events that it was given.
    """

    def __init__(
        self,
        database: Database,
        peer: str,
        deliver: Callable[[Sequence[EventEnvelope]], Awaitable[None]],
    ) -> None:
        self._database = database
        self._peer = peer
        self._deliver = deliver

    @property
    def kind(self) -> str:
        """The kind of work that this is."""
        return delivery_kind(self._peer)

    def work_kind(self) -> WorkKind:
        """How a worker handles it."""
        return WorkKind(self._handle, batch=DELIVERY_EVENTS, concurrency=4, needs_a_peer=True)

    async def _handle(self, rows: Sequence[Claimed]) -> None:
        for part in _parts(rows):
            await self._hand_over(part)

    async def _hand_over(self, rows: Sequence[Claimed]) -> None:
        try:
            if failpoints.armed:
                await failpoints.reach(failpoints.points.OUTBOX_DELIVERING)
            await self._deliver([EventEnvelope.FromString(row.payload) for row in rows])
            if failpoints.armed:
                await failpoints.reach(failpoints.points.OUTBOX_DELIVERED)
        except grpc.aio.AioRpcError as error:
            if error.code() in _REFUSED:
                raise DeliveryRefused(
                    f"{self._peer} refused: {error.code().name}.", {"peer": self._peer}
                ) from error
            if error.code() in _AWAY:
                raise Unavailable(
                    f"{self._peer} is away: {error.code().name}.",
                    service=self._peer,
                    retry_after=0.0,
                ) from error
            raise
        await self._database.run(lambda tx: finish_all(tx, rows))
        if failpoints.armed:
            await failpoints.reach(failpoints.points.OUTBOX_MARKED)


def _parts(rows: Sequence[Claimed]) -> Iterator[Sequence[Claimed]]:
    """The rows in parts that one request can carry."""
    part: list[Claimed] = []
    size = 0
    for row in rows:
        if part and (len(part) == DELIVERY_EVENTS or size + len(row.payload) > DELIVERY_BYTES):
            yield part
            part, size = [], 0
        part.append(row)
        size += len(row.payload)
    if part:
        yield part
