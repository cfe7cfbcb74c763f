"""What the operations and queries need of the outside: stores, and a way to the customer."""

from collections.abc import Collection, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ordermesh.notify.domain.notice import NoticeKind
from ordermesh.notify.domain.notification import (
    Answer,
    Attempt,
    Notification,
    NotificationState,
    Result,
)
from ordermesh.notify.domain.preference import Preference
from ordermesh.notify.domain.recipient import Recipient
from ordermesh.notify.domain.timeline import Entry, Place
from ordermesh.runtime.database import Transaction


class TimelineStore(Protocol):
    """Timelines of orders."""

    async def add(self, tx: Transaction, entry: Entry) -> None:
        """Keep an entry. One of an event that is kept already changes nothing."""
        ...

    async def page(
        self, tx: Transaction, order_id: str, after: Place | None, size: int
    ) -> Sequence[Entry]:
        """The next entries of an order, the oldest first."""
        ...


@dataclass(frozen=True, slots=True)
class NotificationFilter:
    """Which notifications are wanted; "" and None let everything pass."""

    order_id: str = ""
    state: NotificationState | None = None
    kind: NoticeKind | None = None


@dataclass(frozen=True, slots=True)
class NotificationRow:
    """A notification at its place in the list."""

    number: int
    notification: Notification


@dataclass(frozen=True, slots=True)
class Count:
    """How many notifications are in a state, and how many of them may have been sent twice."""

    state: NotificationState
    all: int
    possible_duplicates: int


class NotificationStore(Protocol):
    """Notifications, their attempts, and whom they go to."""

    async def add(self, tx: Transaction, one: Notification) -> bool:
        """Keep a new one; False when it is kept already."""
        ...

    async def load(
        self, tx: Transaction, ids: Collection[UUID], *, lock: bool
    ) -> dict[UUID, Notification]:
        """Those of these ids that exist."""
        ...

    async def save(self, tx: Transaction, one: Notification) -> None:
        """Write it as it is now."""
        ...

    async def begin_attempt(self, tx: Transaction, one: Notification, now: datetime) -> None:
        """Keep that the provider is about to be spoken to."""
        ...

    async def end_attempt(
        self, tx: Transaction, one: Notification, result: Result, answer: str, now: datetime
    ) -> None:
        """Keep what came of the last attempt."""
        ...

    async def attempts(self, tx: Transaction, notification_id: UUID) -> list[Attempt]:
        """Its attempts, oldest first."""
        ...

    async def page(
        self, tx: Transaction, wanted: NotificationFilter, after: int, size: int
    ) -> list[NotificationRow]:
        """The next that match, oldest first."""
        ...

    async def counts(self, tx: Transaction) -> list[Count]:
        """How many are in each state."""
        ...

    async def recipients(self, tx: Transaction, order_ids: Collection[str]) -> dict[str, Recipient]:
        """Whom these orders are for, as far as it is known."""
        ...

    async def know(self, tx: Transaction, one: Recipient, now: datetime) -> None:
        """Keep whom an order is for; what is newly said replaces what was known."""
        ...

    async def remember(self, tx: Transaction, order_id: str, now: datetime) -> None:
        """Something was heard of the order: whom it is for is kept for longer, if it is known."""
        ...


class PreferenceStore(Protocol):
    """What people do not want to be told."""

    async def put(self, tx: Transaction, digest: bytes, one: Preference) -> None:
        """Keep what was said last."""
        ...

    async def of(
        self, tx: Transaction, digests: Collection[bytes]
    ) -> dict[bytes, list[Preference]]:
        """What was said of these addresses, all kinds first."""
        ...


class Sender(Protocol):
    """One line to a provider."""

    async def send(self, one: Notification, recipient: Recipient, address: str) -> Answer:
        """Hand it over; what came of it is the answer, whatever happens."""
        ...


class Mailer(Protocol):
    """The way of mails to customers."""

    def address_of(self, recipient: Recipient) -> str | None:
        """Where it can be reached, in normal form; None when it cannot."""
        ...

    def line(self) -> AbstractAsyncContextManager[Sender]:
        """A line for one sender at a time."""
        ...
