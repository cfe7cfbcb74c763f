"""Notifications and preferences as they are told and asked for."""

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.notify import v1
from ordermesh.notify.domain.errors import InvalidAddress
from ordermesh.notify.domain.notice import Channel, NoticeKind
from ordermesh.notify.domain.notification import Attempt, Notification, NotificationState
from ordermesh.notify.domain.preference import Preference
from ordermesh.notify.domain.recipient import digest
from ordermesh.notify.ports import Count, NotificationFilter


def notification_message(one: Notification, attempts: Iterable[Attempt] = ()) -> v1.Notification:
    """A notification, without anything about the customer."""
    message = v1.Notification(
        notification_id=str(one.notification_id),
        order_id=one.order_id,
        kind=kind_value(one.kind),
        channel=v1.Channel.Value(f"CHANNEL_{one.channel}"),
        state=_state(one.state),
        outcome=one.outcome,
        possible_duplicate=one.possible_duplicate,
        attempts=[_attempt(attempt) for attempt in attempts],
        event_id=str(one.event_id),
        attempt_count=one.attempt_count,
        create_time=_timestamp(one.create_time),
        update_time=_timestamp(one.update_time),
    )
    if one.due_time is not None:
        message.due_time.CopyFrom(_timestamp(one.due_time))
    return message


def count_message(one: Count) -> v1.NotificationCount:
    """How many are in a state."""
    return v1.NotificationCount(
        state=_state(one.state), count=one.all, possible_duplicates=one.possible_duplicates
    )


def preference_message(one: Preference) -> v1.Preference:
    """What was said of an address."""
    return v1.Preference(
        kind=kind_value(one.kind)
        if one.kind
        else v1.NotificationKind.NOTIFICATION_KIND_UNSPECIFIED,
        channel=v1.Channel.Value(f"CHANNEL_{one.channel}"),
        opted_out=one.opted_out,
        update_time=_timestamp(one.update_time),
    )


def notification_filter(request: v1.ListNotificationsRequest) -> NotificationFilter:
    """Which notifications are wanted."""
    name = v1.Notification.State.Name(request.state).removeprefix("STATE_")
    return NotificationFilter(
        order_id=request.order_id,
        state=None if name == "UNSPECIFIED" else NotificationState(name),
        kind=kind(request.kind),
    )


def kind(value: "v1.NotificationKind.ValueType") -> NoticeKind | None:
    """The kind of notice that is named; None for none."""
    name = v1.NotificationKind.Name(value).removeprefix("NOTIFICATION_KIND_")
    return None if name == "UNSPECIFIED" else NoticeKind(name)


def kind_value(one: NoticeKind) -> "v1.NotificationKind.ValueType":
    """A kind of notice as it is told."""
    return v1.NotificationKind.Value(f"NOTIFICATION_KIND_{one}")


def channel(value: "v1.Channel.ValueType") -> Channel:
    """The channel that is named; validation lets no unknown one pass."""
    return Channel(v1.Channel.Name(value).removeprefix("CHANNEL_"))


def address_digest(value: "v1.Channel.ValueType", normal: str | None) -> bytes:
    """What is kept of an address in normal form. Raises ``InvalidAddress`` where there is none."""
    name = channel(value)
    if normal is None:
        raise InvalidAddress(name)
    return digest(name, normal)


def _attempt(one: Attempt) -> v1.DeliveryAttempt:
    message = v1.DeliveryAttempt(
        number=one.number,
        result=v1.DeliveryAttempt.Result.Value(f"RESULT_{one.result or 'UNSPECIFIED'}"),
        answer=one.answer,
        begin_time=_timestamp(one.begin_time),
    )
    if one.end_time is not None:
        message.end_time.CopyFrom(_timestamp(one.end_time))
    return message


def _state(state: NotificationState) -> "v1.Notification.State.ValueType":
    return v1.Notification.State.Value(f"STATE_{state}")


def _timestamp(instant: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(instant)
    return message
