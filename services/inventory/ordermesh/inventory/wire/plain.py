"""Requests for plain reservations, and their replies: as in ``reservations``, with less work."""

from datetime import datetime
from uuid import UUID

from ordermesh.api.inventory.v1 import Reservation as ReservationMessage
from ordermesh.api.inventory.v1 import ReservationLine as LineMessage
from ordermesh.api.inventory.v1 import (
    ReservationMode,
    ReserveLine,
    ReserveRequest,
    ReserveResponse,
)
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.plain import Granted, PlainAsk, PlainLine
from ordermesh.inventory.domain.reserving import HOLD_DEFAULT
from ordermesh.inventory.wire.keys import timestamp

_PLAIN_MODES = (
    ReservationMode.RESERVATION_MODE_UNSPECIFIED,
    ReservationMode.RESERVATION_MODE_RESERVE,
)
_RESERVED = ReservationMode.RESERVATION_MODE_RESERVE


def plain_ask(actor: Actor, request: ReserveRequest) -> PlainAsk | None:
    """What is wanted; None where more is said of it than that it be held."""
    if (
        request.best_effort
        or request.replaces_reservation_ids
        or request.validate_only
        or request.HasField("wait")
    ):
        return None
    lines = [_plain_line(line) for line in request.lines]
    sound = [line for line in lines if line is not None]
    if len(sound) < len(lines) or not sound:
        return None
    hold = HOLD_DEFAULT
    if request.HasField("hold_duration"):
        hold = request.hold_duration.ToTimedelta()
    return PlainAsk(
        actor,
        UUID(request.reservation_id),
        request.order_id,
        sound,
        None if request.confirm else hold,
        request.fence,
        request.channel,
        request.customer,
    )


def _plain_line(line: ReserveLine) -> PlainLine | None:
    key = line.key
    sku, location_id = key.sku, key.location_id
    has_facts = line.lot_id or line.serial_numbers or key.lot_id
    # Without a location it names a group.
    if has_facts or not location_id or line.mode not in _PLAIN_MODES or line.HasField("wait"):
        return None
    return PlainLine(line.line_id, StockKey(sku, location_id), line.quantity)


class PlainReplies:
    """Makes the replies to asks that were granted together.

    Nearly all that they say is the same, so each is a copy of one before it with the rest put in:
    to make it field by field costs four times as much.
    """

    def __init__(self) -> None:
        self._patterns: dict[tuple[str, datetime | None, int], ReserveResponse] = {}

    def reply(self, granted: Granted) -> ReserveResponse:
        """The reply to an ask that was granted."""
        ask = granted.ask
        alike = (ask.actor.owner, granted.expire_time, len(ask.lines))
        pattern = self._patterns.get(alike)
        if pattern is None:
            pattern = self._patterns[alike] = _pattern(granted)
        reply = ReserveResponse()
        reply.CopyFrom(pattern)
        made = reply.reservation
        made.reservation_id = str(ask.reservation_id)
        made.order_id = ask.order_id
        for message, line in zip(made.lines, ask.lines, strict=True):
            key = message.key
            message.line_id = line.line_id
            key.sku, key.location_id = line.key
            message.quantity = line.quantity
        if ask.fence or ask.channel or ask.customer:
            made.fence, made.channel, made.customer = ask.fence, ask.channel, ask.customer
        return reply


def _pattern(granted: Granted) -> ReserveResponse:
    """A reply without what is said of one reservation alone."""
    expire_time = timestamp(granted.expire_time)
    state = LineMessage.STATE_HELD if expire_time is not None else LineMessage.STATE_CONFIRMED
    line = LineMessage(state=state, expire_time=expire_time, mode=_RESERVED)
    return ReserveResponse(
        reservation=ReservationMessage(
            owner=granted.ask.actor.owner,
            lines=[line] * len(granted.ask.lines),
            create_time=timestamp(granted.now),
            control_version=granted.control_version,
        )
    )
