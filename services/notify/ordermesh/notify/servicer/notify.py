"""TimelineService, NotificationService and PreferenceService."""

from typing import Any

import grpc

from ordermesh.api.notify import v1
from ordermesh.notify.operations.wishes import Wishes
from ordermesh.notify.queries import Reading
from ordermesh.runtime.database import Database

Context = grpc.aio.ServicerContext[Any, Any]


class TimelineServicer(v1.TimelineServiceServicer):
    """Tells an order's story."""

    def __init__(self, database: Database, reading: Reading) -> None:
        self._database = database
        self._reading = reading

    async def GetTimeline(
        self,
        request: v1.GetTimelineRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetTimelineResponse:
        """Read a page of it."""
        return await self._database.read(lambda tx: self._reading.timeline(tx, request))


class NotificationServicer(v1.NotificationServiceServicer):
    """Tells what customers were told."""

    def __init__(self, database: Database, wishes: Wishes, reading: Reading) -> None:
        self._database = database
        self._wishes = wishes
        self._reading = reading

    async def GetNotification(
        self,
        request: v1.GetNotificationRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetNotificationResponse:
        """Read one, with its attempts."""
        return await self._database.read(lambda tx: self._reading.notification(tx, request))

    async def ListNotifications(
        self,
        request: v1.ListNotificationsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListNotificationsResponse:
        """Read those that match."""
        return await self._database.read(lambda tx: self._reading.notifications(tx, request))

    async def CountNotifications(
        self,
        request: v1.CountNotificationsRequest,  # noqa: ARG002 - it has no fields
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.CountNotificationsResponse:
        """Count them by state."""
        return await self._database.read(self._reading.counts)

    async def RetryNotification(
        self,
        request: v1.RetryNotificationRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.RetryNotificationResponse:
        """Let a dead one be sent again."""
        return await self._wishes.retry(request)


class PreferenceServicer(v1.PreferenceServiceServicer):
    """Keeps what people do not want to be told."""

    def __init__(self, database: Database, wishes: Wishes, reading: Reading) -> None:
        self._database = database
        self._wishes = wishes
        self._reading = reading

    async def SetPreference(
        self,
        request: v1.SetPreferenceRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.SetPreferenceResponse:
        """Opt out, or in again."""
        return await self._wishes.set_preference(request)

    async def GetPreferences(
        self,
        request: v1.GetPreferencesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetPreferencesResponse:
        """Read what was said."""
        return await self._database.read(lambda tx: self._reading.preferences(tx, request))
