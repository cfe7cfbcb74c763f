"""The timeline service as callers see it."""

import grpc

from ordermesh.api.notify.v1 import (
    GetTimelineRequest,
    GetTimelineResponse,
    TimelineServiceServicer,
)
from ordermesh.notify.ports import TimelineStore
from ordermesh.notify.queries import get_timeline
from ordermesh.notify.wire import page_place, timeline_message
from ordermesh.runtime.database import Database
from ordermesh.runtime.pages import page_size


class TimelineServicer(TimelineServiceServicer):
    """Tells what happened to an order."""

    def __init__(self, database: Database, store: TimelineStore) -> None:
        self._database = database
        self._store = store

    async def GetTimeline(
        self,
        request: GetTimelineRequest,
        _context: grpc.aio.ServicerContext[GetTimelineRequest, GetTimelineResponse],
    ) -> GetTimelineResponse:
        """Read an order's timeline, page by page."""
        after, size = page_place(request), page_size(request.page_size)
        page = await self._database.read(
            lambda tx: get_timeline(self._store, tx, request.order_id, after, size)
        )
        return timeline_message(request, page.entries, has_more=page.has_more)
