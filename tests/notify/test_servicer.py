"""The notify service as its callers see it: over gRPC, with statuses and reasons."""

import grpc
import pytest

from ordermesh.api.event.v1 import DeliverRequest, EventEnvelope, InboxServiceStub
from ordermesh.api.notify.v1 import GetTimelineRequest
from ordermesh.client.errors import refusal_of
from tests.notify.story import SENTENCES, story
from tests.servers import Served


async def deliver(served: Served, *events: EventEnvelope) -> int:
    inbox = InboxServiceStub(served.mesh.channel("notify"))
    return (await inbox.Deliver(DeliverRequest(events=events))).recorded_count


async def refused(served: Served, request: GetTimelineRequest) -> tuple[grpc.StatusCode, str]:
    async with served.as_caller("webshop") as webshop:
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await webshop.timeline.GetTimeline(request)
    refusal = refusal_of(error.value)
    assert refusal is not None
    return error.value.code(), refusal.reason


async def test_what_routing_delivers_a_platform_reads(served: Served) -> None:
    assert await deliver(served, *story()) == 6
    assert await deliver(served, *story()) == 0

    async with served.as_caller("webshop") as webshop:
        reply = await webshop.timeline.GetTimeline(GetTimelineRequest(order_id="A-1001"))

    entries = [entry for entry in reply.entries if entry.source == "routing"]
    assert [entry.sentence for entry in entries] == SENTENCES
    assert [entry.event_id for entry in entries] == [told.event_id for told in story()]
    assert [entry.event_time for entry in entries] == [told.event_time for told in story()]
    assert reply.next_page_token == ""


async def test_a_timeline_is_read_page_by_page(served: Served) -> None:
    await deliver(served, *story())

    found: list[str] = []
    request = GetTimelineRequest(order_id="A-1001", page_size=4)
    async with served.as_caller("webshop") as webshop:
        while True:
            reply = await webshop.timeline.GetTimeline(request)
            found += [entry.sentence for entry in reply.entries]
            if not reply.next_page_token:
                break
            request.page_token = reply.next_page_token

    assert found == SENTENCES


async def test_an_order_that_nothing_is_known_of_has_an_empty_timeline(served: Served) -> None:
    async with served.as_caller("webshop") as webshop:
        reply = await webshop.timeline.GetTimeline(GetTimelineRequest(order_id="NEVER"))

    assert not reply.entries


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (GetTimelineRequest(), "FIELD_VIOLATION"),
        (GetTimelineRequest(order_id="x" * 129), "FIELD_VIOLATION"),
        (GetTimelineRequest(order_id="A\n1"), "FIELD_VIOLATION"),
        (GetTimelineRequest(order_id="A", page_size=-1), "FIELD_VIOLATION"),
        (GetTimelineRequest(order_id="A", page_size=1001), "FIELD_VIOLATION"),
        (GetTimelineRequest(order_id="A", page_token="guessed"), "INVALID_PAGE_TOKEN"),
    ],
)
async def test_a_wrong_request_is_refused_with_its_reason(
    served: Served, wrong: GetTimelineRequest, reason: str
) -> None:
    assert await refused(served, wrong) == (grpc.StatusCode.INVALID_ARGUMENT, reason)


async def test_a_page_token_of_another_order_is_refused(served: Served) -> None:
    await deliver(served, *story())
    async with served.as_caller("webshop") as webshop:
        first = await webshop.timeline.GetTimeline(
            GetTimelineRequest(order_id="A-1001", page_size=1)
        )

    answer = await refused(
        served, GetTimelineRequest(order_id="B-1", page_token=first.next_page_token)
    )

    assert answer == (grpc.StatusCode.INVALID_ARGUMENT, "INVALID_PAGE_TOKEN")


async def test_an_event_that_cannot_be_read_is_refused_for_good(served: Served) -> None:
    unreadable = story()[0]
    unreadable.payload = b"\xff\xff"

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await deliver(served, unreadable)

    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("seconds", [2**60, -(2**60)])
async def test_an_event_of_no_time_that_can_be_is_refused_for_good(
    served: Served, seconds: int
) -> None:
    timeless = story()[0]
    timeless.event_time.seconds = seconds

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await deliver(served, timeless)

    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT


async def test_inventory_may_not_deliver(served: Served) -> None:
    async with served.as_caller("inventory") as inventory:
        inbox = InboxServiceStub(inventory.channel("notify"))
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await inbox.Deliver(DeliverRequest(events=story()))

    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
