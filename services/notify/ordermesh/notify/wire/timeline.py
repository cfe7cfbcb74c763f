"""Timelines as they are told."""

from collections.abc import Sequence
from uuid import UUID

from ordermesh.api.notify.v1 import GetTimelineRequest, GetTimelineResponse, TimelineEntry
from ordermesh.notify.domain.timeline import Entry, Place
from ordermesh.runtime.pages import InvalidPageToken, instant_of, page_token, place


def timeline_message(
    request: GetTimelineRequest, entries: Sequence[Entry], *, has_more: bool
) -> GetTimelineResponse:
    """A page of a timeline."""
    return GetTimelineResponse(
        entries=[_entry_message(one) for one in entries],
        next_page_token=_token(request, entries[-1].place) if has_more else "",
    )


def page_place(request: GetTimelineRequest) -> Place | None:
    """The place after which the page begins; None at the beginning.

    Raises ``InvalidPageToken``.
    """
    parts = place(request, request.page_token, str, int, str)
    if parts is None:
        return None
    event_time, sequence, event_id = parts
    try:
        instant = instant_of(request.page_token, event_time)
        return Place(instant, int(sequence), UUID(str(event_id)))
    except ValueError as error:
        raise InvalidPageToken(request.page_token) from error


def _token(request: GetTimelineRequest, last: Place) -> str:
    return page_token(request, last.event_time.isoformat(), last.sequence, str(last.event_id))


def _entry_message(one: Entry) -> TimelineEntry:
    message = TimelineEntry(
        event_id=str(one.place.event_id),
        event_type=one.event_type,
        source=one.source,
        sentence=one.sentence,
    )
    message.event_time.FromDatetime(one.place.event_time)
    return message
