"""What a customer is told: kinds of notices, the facts in them, and when they are of no use.

Facts have nothing about the customer in them; whom a notice goes to is known only when it is sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from ordermesh.kernel.ids import derived_id


class NoticeKind(StrEnum):
    """What is told."""

    ORDER_CONFIRMED = "ORDER_CONFIRMED"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    RETURN_RECEIVED = "RETURN_RECEIVED"
    REFUND_DUE = "REFUND_DUE"
    CANNOT_BE_FILLED = "CANNOT_BE_FILLED"


class Channel(StrEnum):
    """A way to reach a customer."""

    EMAIL = "EMAIL"


USEFUL_FOR: Mapping[NoticeKind, timedelta] = {
    NoticeKind.ORDER_CONFIRMED: timedelta(days=3),
    NoticeKind.SHIPPED: timedelta(days=7),
    NoticeKind.DELIVERED: timedelta(days=7),
    NoticeKind.RETURN_RECEIVED: timedelta(days=14),
    NoticeKind.REFUND_DUE: timedelta(days=30),
    NoticeKind.CANNOT_BE_FILLED: timedelta(days=7),
}
"""How long after what it tells of a notice is still worth sending."""


@dataclass(frozen=True, slots=True)
class Units:
    """So many units of an item."""

    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing that a carrier took, and the number by which it can be followed."""

    carrier: str
    tracking_number: str


@dataclass(frozen=True, slots=True)
class Amount:
    """Money in 1e-4 of a currency."""

    currency_code: str
    amount: int


@dataclass(frozen=True, slots=True)
class Facts:
    """What a notice tells, besides whom. What does not belong to its kind is empty."""

    units: tuple[Units, ...] = ()
    missing: tuple[Units, ...] = ()
    parcels: tuple[Parcel, ...] = ()
    shipments: int = 0
    return_id: str = ""
    refund: Amount | None = None


@dataclass(frozen=True, slots=True)
class Notice:
    """One thing to tell about an order.

    ``subject_id`` is what it is told about: the same is told once by each channel, however many
    events speak of it.
    """

    order_id: str
    kind: NoticeKind
    subject_id: str
    facts: Facts
    event_id: UUID
    event_time: datetime

    def notification_id(self, channel: Channel) -> UUID:
        """The id of the notification that tells it by a channel: always the same."""
        return derived_id("notification", self.order_id, self.kind, self.subject_id, channel)


RECIPIENT_PATIENCE = timedelta(days=1)
"""How long a notice waits to be told whom it is for: another peer may have been heard first."""

_WAIT_MIN, _WAIT_MAX = timedelta(seconds=1), timedelta(minutes=1)


def wait_for_recipient(create_time: datetime, now: datetime) -> timedelta | None:
    """How long to wait until it is looked again whom a notice is for; None when in vain."""
    age = now - create_time
    return None if age > RECIPIENT_PATIENCE else min(_WAIT_MAX, max(_WAIT_MIN, age / 2))


def is_too_late(kind: NoticeKind, event_time: datetime, now: datetime) -> bool:
    """Whether nobody is helped any more by being told."""
    return now - event_time > USEFUL_FOR[kind]
