"""Capacities, and what is held of them."""

from collections.abc import Iterable
from typing import Any

from google.type.dayofweek_pb2 import DayOfWeek

from ordermesh.api.routing.v1 import AtLimit as AtLimitMessage
from ordermesh.api.routing.v1 import Capacity as CapacityMessage
from ordermesh.api.routing.v1 import CapacityHold as CapacityHoldMessage
from ordermesh.api.routing.v1 import CapacityShare, CapacityWindow
from ordermesh.api.routing.v1 import CapacityUnit as CapacityUnitMessage
from ordermesh.routing.domain.calendars.hours import MINUTES_PER_DAY
from ordermesh.routing.domain.capacity import AtLimit, Capacity, CapacityHold, CapacityUnit, Window
from ordermesh.routing.wire.money import timestamp
from ordermesh.routing.wire.order import method_name, method_value


def capacities_of(messages: Iterable[CapacityMessage]) -> tuple[Capacity, ...]:
    """Capacities to be stored, sorted."""
    found = [
        Capacity(
            capacity_id=one.capacity_id,
            unit=CapacityUnit(CapacityUnitMessage.Name(one.unit).removeprefix("CAPACITY_UNIT_")),
            limit=one.limit,
            methods=tuple(sorted(method_name(method) for method in one.methods)),
            weekdays=tuple(sorted(day - 1 for day in one.weekdays)),
            start_minute=one.start_minute,
            end_minute=one.end_minute or MINUTES_PER_DAY,
            minutes_per_order=one.minutes_per_order,
            minutes_per_unit=one.minutes_per_unit,
            at_limit=AtLimit.RANK_LAST
            if one.at_limit == AtLimitMessage.AT_LIMIT_RANK_LAST
            else AtLimit.LEAVE_OUT,
        )
        for one in messages
    ]
    return tuple(sorted(found, key=lambda one: one.capacity_id))


def capacity_message(one: Capacity) -> CapacityMessage:
    """A capacity as it is told."""
    return CapacityMessage(
        capacity_id=one.capacity_id,
        unit=CapacityUnitMessage.Value(f"CAPACITY_UNIT_{one.unit}"),
        limit=one.limit,
        methods=[method_value(method) for method in one.methods],
        weekdays=[_day(day) for day in one.weekdays],
        start_minute=one.start_minute,
        end_minute=one.end_minute,
        minutes_per_order=one.minutes_per_order,
        minutes_per_unit=one.minutes_per_unit,
        at_limit=AtLimitMessage.Value(f"AT_LIMIT_{one.at_limit}"),
    )


def hold_message(hold: CapacityHold) -> CapacityHoldMessage:
    """A hold as it is told."""
    message = CapacityHoldMessage(
        hold_id=str(hold.hold_id),
        location_id=hold.location_id,
        state=CapacityHoldMessage.State.Value(f"STATE_{hold.state}"),
        shares=[
            CapacityShare(
                capacity_id=share.capacity_id,
                start_time=timestamp(share.start_time),
                amount=share.amount,
            )
            for share in hold.shares
        ],
        caller=hold.caller,
        create_time=timestamp(hold.create_time),
    )
    if hold.expire_time is not None:
        message.expire_time.CopyFrom(timestamp(hold.expire_time))
    return message


def window_message(location_id: str, one: Capacity, window: Window, used: int) -> CapacityWindow:
    """What is left of a window."""
    return CapacityWindow(
        location_id=location_id,
        capacity_id=one.capacity_id,
        unit=CapacityUnitMessage.Value(f"CAPACITY_UNIT_{one.unit}"),
        start_time=timestamp(window.start_time),
        end_time=timestamp(window.end_time),
        limit=one.limit,
        used=used,
    )


def _day(weekday: int) -> Any:
    return DayOfWeek.Value(DayOfWeek.keys()[weekday + 1])
