"""Following a feed: every event once, in order, whatever restarts."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from ordermesh.api.event.v1 import (
    EventEnvelope,
    EventServiceServicer,
    RevisedEvent,
    WatchEventsRequest,
    WatchEventsResponse,
    add_EventServiceServicer_to_server,
)
from ordermesh.client import Mesh, PositionCompacted, PositionFile, cloud_event, follow
from ordermesh.client.testing import refuse, serving
from tests.fakes import START

Context = grpc.aio.ServicerContext[WatchEventsRequest, WatchEventsResponse]


def event(number: int) -> EventEnvelope:
    one = EventEnvelope(
        event_id=f"00000000-0000-0000-0000-{number:012}",
        type="ordermesh.order.sourced.v1",
        source="routing",
        aggregate_type="order",
        aggregate_id="O-1",
        sequence=number,
        payload_type="ordermesh.api.routing.v1.OrderSourced",
        payload=b"\x01",
        order_id="O-1",
    )
    one.event_time.FromDatetime(START)
    return one


class Feed(EventServiceServicer):
    """Ten events. It hangs up after ``at_a_time``, keeps what follows ``compacted`` alone."""

    def __init__(self, *, at_a_time: int = 10, compacted: int = 0) -> None:
        self.at_a_time = at_a_time
        self.compacted = compacted
        self.asked: list[WatchEventsRequest] = []
        self.fails_with: list[grpc.StatusCode] = []

    async def WatchEvents(  # noqa: N802
        self, request: WatchEventsRequest, context: Any
    ) -> AsyncIterator[WatchEventsResponse]:
        self.asked.append(request)
        if self.fails_with:
            await context.abort(self.fails_with.pop(0), "It is away.")
        if request.start_revision <= self.compacted:
            await refuse(
                context,
                "REVISION_COMPACTED",
                metadata={"oldestRevision": str(self.compacted + 1)},
            )
        yield WatchEventsResponse(revision=request.start_revision - 1)
        last = min(10, request.start_revision + self.at_a_time - 1)
        for revision in range(request.start_revision, last + 1):
            revised = RevisedEvent(revision=revision, event=event(revision))
            yield WatchEventsResponse(revision=revision, events=[revised])
        if last == 10:
            await asyncio.Event().wait()


async def numbers(mesh: Mesh, position: int, count: int, **filters: Any) -> list[int]:
    found: list[int] = []
    async for batch in follow(mesh, "routing", position, **filters):
        found.extend(one.sequence for one in batch.events)
        if len(found) >= count:
            break
    return found


async def test_a_feed_that_hangs_up_is_gone_on_with_where_it_ended() -> None:
    feed = Feed(at_a_time=3)
    async with serving({"routing": [(add_EventServiceServicer_to_server, feed)]}) as mesh:
        assert await numbers(mesh, 0, 10) == list(range(1, 11))

    assert [request.start_revision for request in feed.asked] == [1, 4, 7, 10]


async def test_a_service_that_is_away_is_asked_until_it_is_back() -> None:
    feed = Feed()
    feed.fails_with = [grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.INTERNAL]
    async with serving({"routing": [(add_EventServiceServicer_to_server, feed)]}) as mesh:
        assert await numbers(mesh, 8, 2) == [9, 10]


async def test_a_position_that_is_not_kept_is_told_with_what_is() -> None:
    feed = Feed(compacted=6)
    async with serving({"routing": [(add_EventServiceServicer_to_server, feed)]}) as mesh:
        with pytest.raises(PositionCompacted) as gone:
            await numbers(mesh, 3, 1)

        assert (gone.value.position, gone.value.oldest_revision) == (3, 7)
        assert "follow from 6" in str(gone.value)
        assert await numbers(mesh, gone.value.oldest_revision - 1, 4) == [7, 8, 9, 10]


async def test_who_may_not_listen_is_told_at_once() -> None:
    feed = Feed()
    feed.fails_with = [grpc.StatusCode.PERMISSION_DENIED]
    async with serving({"routing": [(add_EventServiceServicer_to_server, feed)]}) as mesh:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await numbers(mesh, 0, 1)

    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED


async def test_filters_reach_the_service() -> None:
    feed = Feed()
    async with serving({"routing": [(add_EventServiceServicer_to_server, feed)]}) as mesh:
        filters = {"order_id": "O-1", "aggregate_type": "order", "aggregate_id": "O-1"}
        await numbers(mesh, 0, 1, types=["b", "a"], **filters)

    (asked,) = feed.asked
    assert list(asked.types) == ["a", "b"]
    assert (asked.order_id, asked.aggregate_type, asked.aggregate_id) == ("O-1", "order", "O-1")


def test_a_position_is_kept_whole(tmp_path: Path) -> None:
    place = PositionFile(tmp_path / "routing.position")
    assert place.read() == 0

    place.write(41)
    place.write(42)

    assert PositionFile(tmp_path / "routing.position").read() == 42
    assert [file.name for file in tmp_path.iterdir()] == ["routing.position"]
    (tmp_path / "routing.position").write_text("soon")
    with pytest.raises(ValueError, match="soon"):
        place.read()


def test_an_event_has_the_attributes_of_a_cloud_event() -> None:
    assert cloud_event(event(7)) == {
        "specversion": "1.0",
        "id": "00000000-0000-0000-0000-000000000007",
        "source": "/ordermesh/routing",
        "type": "ordermesh.order.sourced.v1",
        "subject": "O-1",
        "time": event(7).event_time.ToJsonString(),
        "datacontenttype": "application/protobuf",
        "dataschema": "ordermesh.api.routing.v1.OrderSourced",
        "sequence": "7",
        "orderid": "O-1",
    }
