"""Following a service's events from a position, across restarts of either side.

::

    async with Mesh({"routing": "127.0.0.1:7102"}, caller="erp") as mesh:
        place = PositionFile(Path("routing.position"))
        async for batch in follow(mesh, "routing", place.read()):
            for event in batch.events:
                book(event)
            place.write(batch.position)

A position is the last revision that was handled, 0 when none was. Written after the handling, as
above, each event is handled at least once. Whoever writes the position in the transaction of the
effect handles each exactly once: the position is all there is to remember.
"""

import asyncio
import os
import random as randomness
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import grpc

from ordermesh.api.event.v1 import EventEnvelope, WatchEventsRequest
from ordermesh.client.errors import refusal_of
from ordermesh.client.mesh import Mesh

PAUSE_SECONDS, PAUSE_SECONDS_MAX = 0.1, 5.0
"""The most that is waited before the first attempt to reconnect, and before later ones."""

SILENCE_SECONDS = 30.0
"""A feed that says nothing for so long, though it marks progress every five, is asked anew."""

PASSING = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNKNOWN,
    }
)
"""How a stream may end that is asked for again."""


class PositionCompacted(Exception):
    """What followed the position is not kept any more, or never was in this feed.

    ``oldest_revision`` is the first that is kept. Load a fresh copy of what the events are about,
    then follow from ``oldest_revision - 1``: events may tell again what the copy shows.
    """

    def __init__(self, service: str, position: int, oldest_revision: int) -> None:
        super().__init__(
            f"{service} does not keep what follows {position}; the oldest it keeps is"
            f" {oldest_revision}. Load a fresh copy, then follow from {oldest_revision - 1}."
        )
        self.service = service
        self.position = position
        self.oldest_revision = oldest_revision


@dataclass(frozen=True)
class Batch:
    """Events in order, perhaps none; when they are handled, everything up to ``position`` is."""

    events: tuple[EventEnvelope, ...]
    position: int


async def follow(
    mesh: Mesh,
    service: str,
    position: int = 0,
    *,
    types: Collection[str] = (),
    order_id: str = "",
    aggregate_type: str = "",
    aggregate_id: str = "",
    random: randomness.Random | None = None,
) -> AsyncIterator[Batch]:
    """Batches of the events of ``service`` after ``position``, for ever.

    Filters leave events out; positions count them all the same, so that a batch may be empty. While
    the service is away it is asked again, at growing intervals. Raises ``PositionCompacted``, and
    ``AioRpcError`` where asking again does not help, for instance without permission. ``random``
    spreads those who return at one moment.
    """
    drawn = random or randomness.Random()  # noqa: S311 - it spreads those who return
    pause = PAUSE_SECONDS
    while True:
        request = WatchEventsRequest(
            start_revision=position + 1,
            types=sorted(types),
            order_id=order_id,
            aggregate_type=aggregate_type,
            aggregate_id=aggregate_id,
        )
        stream = mesh.events(service).WatchEvents(request)
        replies = stream.__aiter__()
        try:
            while True:
                async with asyncio.timeout(SILENCE_SECONDS):
                    page = await replies.__anext__()
                pause = PAUSE_SECONDS
                position = page.revision
                yield Batch(tuple(one.event for one in page.events), position)
        except (StopAsyncIteration, TimeoutError):
            pass
        except grpc.aio.AioRpcError as error:
            refusal = refusal_of(error)
            if refusal is not None and refusal.reason == "REVISION_COMPACTED":
                oldest = int(refusal.metadata["oldestRevision"])
                raise PositionCompacted(service, position, oldest) from error
            if error.code() not in PASSING:
                raise
        finally:
            stream.cancel()
        await asyncio.sleep(drawn.uniform(0, pause))
        pause = min(PAUSE_SECONDS_MAX, 2 * pause)


class PositionFile:
    """A position that survives the process and a power cut: written whole or not at all."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def read(self) -> int:
        """The position; 0 where none was written. Raises ``ValueError`` for a file that is none."""
        try:
            return int(self._path.read_text())
        except FileNotFoundError:
            return 0

    def write(self, position: int) -> None:
        """Keep the position."""
        fresh = self._path.with_name(f"{self._path.name}.new")
        with fresh.open("w") as file:
            file.write(f"{position}\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def cloud_event(event: EventEnvelope) -> Mapping[str, str]:
    """The attributes of an event as a CloudEvent 1.0; its data is ``event.payload``.

    The extensions are ``sequence`` (within its subject), ``orderid`` and ``traceparent``.
    """
    attributes = {
        "specversion": "1.0",
        "id": event.event_id,
        "source": f"/ordermesh/{event.source}",
        "type": event.type,
        "subject": event.aggregate_id,
        "time": event.event_time.ToJsonString(),
        "datacontenttype": "application/protobuf",
        "dataschema": event.payload_type,
        "sequence": str(event.sequence),
        "orderid": event.order_id,
        "traceparent": event.traceparent,
    }
    return {name: value for name, value in attributes.items() if value}
