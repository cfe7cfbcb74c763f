"""The two services of events: the inbox for peers, the feed for platforms that follow along."""

from collections.abc import AsyncIterator

import grpc

from ordermesh.api.event.v1 import (
    DeliverRequest,
    DeliverResponse,
    EventEnvelope,
    EventServiceServicer,
    InboxServiceServicer,
    RevisedEvent,
    WatchEventsRequest,
    WatchEventsResponse,
)
from ordermesh.runtime.feed import MARK_SECONDS, Feed, Page
from ordermesh.runtime.inbox import Inbox
from ordermesh.runtime.outbox import TOPIC


class InboxServicer(InboxServiceServicer):
    """Takes what the peers tell."""

    def __init__(self, inbox: Inbox) -> None:
        self._inbox = inbox

    async def Deliver(  # noqa: N802 - named by the contract
        self,
        request: DeliverRequest,
        context: grpc.aio.ServicerContext[DeliverRequest, DeliverResponse],  # noqa: ARG002
    ) -> DeliverResponse:
        """Record all events, or none."""
        return DeliverResponse(recorded_count=await self._inbox.receive(request.events))


class EventServicer(EventServiceServicer):
    """Tells what happened here to whoever listens."""

    def __init__(self, feed: Feed) -> None:
        self._feed = feed

    async def WatchEvents(  # noqa: N802 - named by the contract
        self,
        request: WatchEventsRequest,
        context: grpc.aio.ServicerContext[WatchEventsRequest, WatchEventsResponse],  # noqa: ARG002
    ) -> AsyncIterator[WatchEventsResponse]:
        """Events from a revision on; marks of progress in between."""
        clock = self._feed.clock
        marked = clock.monotonic() - MARK_SECONDS
        async for page in self._feed.watch(TOPIC, request.start_revision):
            events = _wanted(page, request)
            # Pages whose events were all left out are summed up in a mark.
            if events or not page.changes or clock.monotonic() >= marked + MARK_SECONDS:
                marked = clock.monotonic()
                yield WatchEventsResponse(revision=page.revision, events=events)


def _wanted(page: Page, request: WatchEventsRequest) -> list[RevisedEvent]:
    types = frozenset(request.types)
    wanted = []
    for change in page.changes:
        event = EventEnvelope.FromString(change.payload)
        if types and event.type not in types:
            continue
        if request.order_id and event.order_id != request.order_id:
            continue
        if request.aggregate_type and event.aggregate_type != request.aggregate_type:
            continue
        if request.aggregate_id and event.aggregate_id != request.aggregate_id:
            continue
        wanted.append(RevisedEvent(revision=change.revision, event=event))
    return wanted
