"""Why the notify service refuses: one class for each published reason that it raises itself."""

from typing import ClassVar
from uuid import UUID

from ordermesh.kernel.errors import InvalidRequest, NotFound, RuleViolated


class NotificationNotFound(NotFound):
    """No notification has this id."""

    reason: ClassVar[str] = "NOTIFICATION_NOT_FOUND"

    def __init__(self, notification_id: UUID) -> None:
        super().__init__("There is no such notification.", {"notificationId": notification_id})


class NotDead(RuleViolated):
    """It was not given up."""

    reason: ClassVar[str] = "NOT_DEAD"

    def __init__(self, notification_id: UUID, state: str) -> None:
        super().__init__(
            f"The notification is {state}, not DEAD.",
            {"notificationId": notification_id, "state": state},
        )


class InvalidAddress(InvalidRequest):
    """Nobody can be reached there."""

    reason: ClassVar[str] = "INVALID_ADDRESS"

    def __init__(self, channel: str) -> None:
        super().__init__("Nobody can be reached there.", {"channel": channel})
