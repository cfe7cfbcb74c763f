"""The two services of events: the inbox for peers, the feed for platforms that follow along."""

from collections.abc import AsyncIterator, Callable

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
from ordermesh.runtime.feed import Change, Feed
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
        async for page in self._feed.watch(TOPIC, request.start_revision, _wanted(request)):
            events = [
                RevisedEvent(revision=one.revision, event=EventEnvelope.FromString(one.payload))
                for one in page.changes
            ]
            yield WatchEventsResponse(revision=page.revision, events=events)


def _wanted(request: WatchEventsRequest) -> Callable[[Change], bool]:
    """Which changes of the feed the request lets through."""
    types = frozenset(request.types)
    fields = ("order_id", "aggregate_type", "aggregate_id")
    asked = {name: getattr(request, name) for name in fields if getattr(request, name)}

    def is_wanted(change: Change) -> bool:
        if not types and not asked:
            return True
        event = EventEnvelope.FromString(change.payload)
        if types and event.type not in types:
            return False
        return all(getattr(event, name) == value for name, value in asked.items())

    return is_wanted
