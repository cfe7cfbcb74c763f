"""What people and operators want: opting out of notices, and sending dead ones again."""

from collections.abc import Callable
from uuid import UUID

from ordermesh.api.notify.v1 import (
    RetryNotificationRequest,
    RetryNotificationResponse,
    SetPreferenceRequest,
    SetPreferenceResponse,
)
from ordermesh.notify.domain.errors import NotificationNotFound
from ordermesh.notify.domain.notification import retried
from ordermesh.notify.domain.preference import Preference
from ordermesh.notify.operations.inbox import WORK_KIND
from ordermesh.notify.ports import NotificationStore, PreferenceStore
from ordermesh.notify.wire.notifications import (
    address_digest,
    channel,
    kind,
    notification_message,
    preference_message,
)
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.idempotency import Mutations
from ordermesh.runtime.work import enqueue


class Wishes:
    """Keeps preferences, and brings dead notifications back.

    ``normal`` gives an address in the form in which it is written to, None when it is none.
    """

    def __init__(
        self,
        mutations: Mutations,
        notifications: NotificationStore,
        preferences: PreferenceStore,
        normal: Callable[[str], str | None],
    ) -> None:
        self._mutations = mutations
        self._normal = normal
        self._notifications = notifications
        self._preferences = preferences

    async def set_preference(self, request: SetPreferenceRequest) -> SetPreferenceResponse:
        """Keep what an address does not want, or wants again. Raises ``InvalidAddress``."""
        name = address_digest(request.channel, self._normal(request.address))

        async def run(tx: Transaction) -> SetPreferenceResponse:
            said = Preference(
                kind(request.kind), channel(request.channel), request.opted_out, await tx.now()
            )
            await self._preferences.put(tx, name, said)
            return SetPreferenceResponse(preference=preference_message(said))

        return await self._mutations.run(request, SetPreferenceResponse, run)

    async def retry(self, request: RetryNotificationRequest) -> RetryNotificationResponse:
        """Let a dead one be sent again. Raises ``NotificationNotFound`` and ``NotDead``."""
        notification_id = UUID(request.notification_id)

        async def run(tx: Transaction) -> RetryNotificationResponse:
            known = await self._notifications.load(tx, [notification_id], lock=True)
            if notification_id not in known:
                raise NotificationNotFound(notification_id)
            again = retried(known[notification_id], await tx.now())
            await self._notifications.save(tx, again)
            await enqueue(tx, kind=WORK_KIND, key=again.order_id, payload=notification_id.bytes)
            return RetryNotificationResponse(notification=notification_message(again))

        return await self._mutations.run(request, RetryNotificationResponse, run)
