"""Reads: each is one consistent look at the database."""

from collections.abc import Callable
from uuid import UUID

from ordermesh.api.notify.v1 import (
    CountNotificationsResponse,
    GetNotificationRequest,
    GetNotificationResponse,
    GetPreferencesRequest,
    GetPreferencesResponse,
    GetTimelineRequest,
    GetTimelineResponse,
    ListNotificationsRequest,
    ListNotificationsResponse,
)
from ordermesh.notify.domain.errors import NotificationNotFound
from ordermesh.notify.ports import NotificationStore, PreferenceStore, TimelineStore
from ordermesh.notify.wire.notifications import (
    address_digest,
    count_message,
    notification_filter,
    notification_message,
    preference_message,
)
from ordermesh.notify.wire.timeline import page_place, timeline_message
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.pages import page_size, page_token, place_in_numbers


class Reading:
    """Reads on an open transaction. ``normal`` gives an address in normal form, or None."""

    def __init__(
        self,
        timelines: TimelineStore,
        notifications: NotificationStore,
        preferences: PreferenceStore,
        normal: Callable[[str], str | None],
    ) -> None:
        self._timelines = timelines
        self._notifications = notifications
        self._preferences = preferences
        self._normal = normal

    async def timeline(self, tx: Transaction, request: GetTimelineRequest) -> GetTimelineResponse:
        """A page of an order's timeline; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        after = page_place(request)
        found = await self._timelines.page(tx, request.order_id, after, size + 1)
        return timeline_message(request, found[:size], has_more=len(found) > size)

    async def notification(
        self, tx: Transaction, request: GetNotificationRequest
    ) -> GetNotificationResponse:
        """One, with its attempts; raises ``NotificationNotFound``."""
        name = UUID(request.notification_id)
        known = await self._notifications.load(tx, [name], lock=False)
        if name not in known:
            raise NotificationNotFound(name)
        attempts = await self._notifications.attempts(tx, name)
        return GetNotificationResponse(notification=notification_message(known[name], attempts))

    async def notifications(
        self, tx: Transaction, request: ListNotificationsRequest
    ) -> ListNotificationsResponse:
        """A page of them; raises ``InvalidPageToken``."""
        size = page_size(request.page_size)
        after = place_in_numbers(request, request.page_token)
        rows = await self._notifications.page(tx, notification_filter(request), after, size + 1)
        shown = [notification_message(row.notification) for row in rows[:size]]
        reply = ListNotificationsResponse(notifications=shown)
        if len(rows) > size:
            reply.next_page_token = page_token(request, rows[size - 1].number)
        return reply

    async def counts(self, tx: Transaction) -> CountNotificationsResponse:
        """How many are in each state."""
        counts = await self._notifications.counts(tx)
        return CountNotificationsResponse(counts=[count_message(one) for one in counts])

    async def preferences(
        self, tx: Transaction, request: GetPreferencesRequest
    ) -> GetPreferencesResponse:
        """What was said of an address; raises ``InvalidAddress``."""
        name = address_digest(request.channel, self._normal(request.address))
        found = (await self._preferences.of(tx, [name])).get(name, [])
        return GetPreferencesResponse(preferences=[preference_message(one) for one in found])
