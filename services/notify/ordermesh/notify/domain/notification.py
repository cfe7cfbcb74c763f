"""Notifications: one notice on its way to one customer by one channel, and what became of it.

::

    PENDING ──> SENDING ──> SENT
       ^           ├──> PENDING   the provider could not take it now, or nobody knows
       │           └──> DEAD ──> PENDING   by hand
       └── (also DROPPED: not sent, and never will be)

An attempt is stored before the provider is spoken to. One that is found open was cut off: nobody
knows whether the provider took it, so it is sent again, under the same ``Message-ID``, and marked.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from ordermesh.notify.domain.errors import NotDead
from ordermesh.notify.domain.notice import Channel, Facts, NoticeKind

REFUSALS_MAX = 3
"""After so many refusals by the provider a notification is dead."""

DEAD_AFTER = timedelta(hours=72)
"""After so long without success a notification is dead."""

BACKOFF_SECONDS = 0.5
BACKOFF_SECONDS_MAX = 900.0


class NotificationState(StrEnum):
    """How far it has come."""

    PENDING = "PENDING"
    SENDING = "SENDING"
    SENT = "SENT"
    DEAD = "DEAD"
    DROPPED = "DROPPED"


FINAL = frozenset({NotificationState.SENT, NotificationState.DEAD, NotificationState.DROPPED})
"""The states in which nothing more is tried by itself."""


class DropReason(StrEnum):
    """Why something is not sent at all."""

    OPTED_OUT = "OPTED_OUT"
    NO_ADDRESS = "NO_ADDRESS"
    CHANNEL_OFF = "CHANNEL_OFF"
    TOO_LATE = "TOO_LATE"


class Result(StrEnum):
    """How an attempt ended."""

    SENT = "SENT"
    DEFERRED = "DEFERRED"
    REFUSED = "REFUSED"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt; ``code`` is the provider's, without anything personal."""

    result: Result
    code: str


@dataclass(frozen=True)
class Notification:
    """One notice on its way. ``refusals`` and ``first_attempt_time`` begin anew by hand.

    ``due_time`` is when the next attempt is due, while it is pending.
    """

    notification_id: UUID
    order_id: str
    kind: NoticeKind
    channel: Channel
    facts: Facts
    event_id: UUID
    event_time: datetime
    create_time: datetime
    update_time: datetime
    state: NotificationState = NotificationState.PENDING
    outcome: str = ""
    possible_duplicate: bool = False
    attempt_count: int = 0
    failures: int = 0
    refusals: int = 0
    first_attempt_time: datetime | None = None
    due_time: datetime | None = None
    event_sequence: int = 0


def begin(one: Notification, now: datetime) -> Notification:
    """The provider is about to be spoken to."""
    return replace(
        one,
        state=NotificationState.SENDING,
        outcome="",
        attempt_count=one.attempt_count + 1,
        first_attempt_time=one.first_attempt_time or now,
        due_time=None,
        update_time=now,
    )


def cut_off(one: Notification, now: datetime) -> Notification:
    """An attempt was found open: it is to be made again, and may reach the customer twice."""
    return replace(
        one,
        state=NotificationState.PENDING,
        outcome=Result.UNKNOWN,
        possible_duplicate=True,
        due_time=now,
        update_time=now,
    )


def ended(one: Notification, answer: Answer, now: datetime, wait_share: float) -> Notification:
    """The attempt came to an end.

    ``wait_share`` from 0 to 1 draws the wait before the next one: growing, and random in all of
    it, so that what failed together does not come back together.
    """
    if answer.result is Result.SENT:
        return replace(
            one, state=NotificationState.SENT, outcome="", failures=0, refusals=0, update_time=now
        )
    refusals = one.refusals + (answer.result is Result.REFUSED)
    since = one.first_attempt_time or now
    is_dead = refusals >= REFUSALS_MAX or now - since >= DEAD_AFTER
    ceiling = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS * 2.0 ** min(one.failures + 1, 20))
    return replace(
        one,
        state=NotificationState.DEAD if is_dead else NotificationState.PENDING,
        outcome=answer.code,
        possible_duplicate=one.possible_duplicate or answer.result is Result.UNKNOWN,
        failures=one.failures + 1,
        refusals=refusals,
        due_time=None if is_dead else now + timedelta(seconds=wait_share * ceiling),
        update_time=now,
    )


def dropped(one: Notification, reason: DropReason, now: datetime) -> Notification:
    """It is not sent, and never will be."""
    return replace(
        one,
        state=NotificationState.DROPPED,
        outcome=reason,
        due_time=None,
        update_time=now,
    )


def retried(one: Notification, now: datetime) -> Notification:
    """A dead one is to be sent again. Raises ``NotDead``."""
    if one.state is not NotificationState.DEAD:
        raise NotDead(one.notification_id, one.state)
    return replace(
        one,
        state=NotificationState.PENDING,
        outcome="",
        failures=0,
        refusals=0,
        first_attempt_time=None,
        due_time=now,
        update_time=now,
    )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt; ``result`` None: it is under way, or was cut off."""

    number: int
    begin_time: datetime
    end_time: datetime | None = None
    result: Result | None = None
    answer: str = ""
