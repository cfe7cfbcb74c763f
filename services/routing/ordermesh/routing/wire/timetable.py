"""When locations work, and for how long they are switched."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from google.type.dayofweek_pb2 import DayOfWeek

from ordermesh.api.order.v1 import Actor
from ordermesh.api.routing.v1 import Calendar as CalendarMessage
from ordermesh.api.routing.v1 import (
    CarrierPickup,
    DayHours,
    LocationSwitch,
    OpenHours,
    ProcessingTime,
)
from ordermesh.api.routing.v1 import CutOff as CutOffMessage
from ordermesh.api.routing.v1 import ExceptionDay as ExceptionDayMessage
from ordermesh.api.routing.v1 import Timetable as TimetableMessage
from ordermesh.routing.domain.calendars.distribution import QuantilePoint
from ordermesh.routing.domain.calendars.hours import ExceptionDay, Span
from ordermesh.routing.domain.carrier_calendars import NamedCalendar, check
from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation
from ordermesh.routing.domain.switch import Switch, Switches
from ordermesh.routing.domain.timetable import CutOff, Timetable
from ordermesh.routing.wire.money import timestamp
from ordermesh.routing.wire.order import method_name, method_value


def timetable_of(message: TimetableMessage) -> Timetable:
    """A timetable to be stored, sorted; raises ``FieldViolation`` for a date that is none."""
    return Timetable(
        hours=tuple(
            sorted(
                (_weekday(one.weekday), Span(one.open_minute, one.close_minute))
                for one in message.hours
            )
        ),
        holiday_country=message.holiday_country_code,
        holiday_subdivision=message.holiday_subdivision,
        exceptions=tuple(
            sorted((_exception(one) for one in message.exceptions), key=lambda one: one.day)
        ),
        cut_offs=tuple(
            CutOff(method_name(one.method) if one.method else "", _weekday(one.weekday), one.minute)
            for one in message.cut_offs
        ),
        pickups=tuple(
            sorted((_weekday(one.weekday), one.minute) for one in message.carrier_pickups)
        ),
    )


def timetable_message(timetable: Timetable) -> TimetableMessage:
    """A timetable as it is told."""
    return TimetableMessage(
        hours=[
            OpenHours(
                weekday=_day(day), open_minute=span.open_minute, close_minute=span.close_minute
            )
            for day, span in timetable.hours
        ],
        holiday_country_code=timetable.holiday_country,
        holiday_subdivision=timetable.holiday_subdivision,
        exceptions=[
            ExceptionDayMessage(
                date=one.day.isoformat(),
                hours=[
                    DayHours(open_minute=span.open_minute, close_minute=span.close_minute)
                    for span in one.spans
                ],
                reason=one.reason,
            )
            for one in timetable.exceptions
        ],
        cut_offs=[
            CutOffMessage(
                method=method_value(one.method) if one.method else 0,  # type: ignore[arg-type]
                weekday=_day(one.weekday),
                minute=one.minute,
            )
            for one in timetable.cut_offs
        ],
        carrier_pickups=[
            CarrierPickup(weekday=_day(day), minute=minute) for day, minute in timetable.pickups
        ],
    )


def calendars_of(messages: Iterable[CalendarMessage]) -> tuple[NamedCalendar, ...]:
    """Calendars to be stored; raises ``DuplicateEntry`` and ``FieldViolation``."""
    found: dict[str, NamedCalendar] = {}
    for one in messages:
        if one.calendar_id in found:
            raise DuplicateEntry("calendars", one.calendar_id)
        calendar = NamedCalendar(one.calendar_id, one.time_zone, timetable_of(one.timetable))
        check(calendar)
        found[one.calendar_id] = calendar
    return tuple(found.values())


def calendar_message(calendar: NamedCalendar) -> CalendarMessage:
    """A calendar as it is told."""
    message = CalendarMessage(
        calendar_id=calendar.calendar_id,
        time_zone=calendar.time_zone,
        timetable=timetable_message(calendar.timetable),
    )
    if calendar.update_time is not None:
        message.update_time.CopyFrom(timestamp(calendar.update_time))
    return message


def points(messages: Iterable[ProcessingTime]) -> tuple[QuantilePoint, ...]:
    """Quantiles as they were sent."""
    return tuple(
        QuantilePoint(
            one.permille,
            one.days,
            one.minutes,
            _weekday(one.weekday) if one.weekday else None,
        )
        for one in messages
    )


def points_messages(points: Iterable[QuantilePoint]) -> list[ProcessingTime]:
    """Quantiles as they are told."""
    return [
        ProcessingTime(
            permille=one.permille,
            days=one.days,
            minutes=one.minutes,
            weekday=None if one.weekday is None else _day(one.weekday),
        )
        for one in points
    ]


def switch_message(switch: Switch, switches: Switches, now: datetime) -> LocationSwitch:
    """A switch as it is told."""
    message = LocationSwitch(
        switch_id=str(switch.switch_id),
        location_id=switch.location_id,
        methods=[method_value(method) for method in switch.methods],
        is_on=switch.is_on,
        start_time=timestamp(switch.start_time),
        reason=switch.reason,
        actor=Actor(caller=switch.caller, on_behalf_of=switch.on_behalf_of),
        create_time=timestamp(switch.create_time),
        is_in_force=any(
            switches.deciding(switch.location_id, method, now) == switch
            for method in switch.methods
        ),
    )
    if switch.end_time is not None:
        message.end_time.CopyFrom(timestamp(switch.end_time))
    return message


def _exception(message: ExceptionDayMessage) -> ExceptionDay:
    try:
        day = date.fromisoformat(message.date)
    except ValueError:
        sentence = f"{message.date} is no date."
        raise FieldViolation("timetable.exceptions", "exceptions.date", sentence) from None
    spans = tuple(sorted(Span(one.open_minute, one.close_minute) for one in message.hours))
    return ExceptionDay(day, spans, message.reason)


def _weekday(value: int) -> int:
    """0 for Monday, from a contract that counts from 1."""
    return value - 1


def _day(weekday: int) -> Any:
    return DayOfWeek.Value(DayOfWeek.keys()[weekday + 1])
