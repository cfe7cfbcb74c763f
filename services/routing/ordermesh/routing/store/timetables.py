"""Timetables and capacities as JSON: short lists, because each location has its own."""

from collections.abc import Sequence
from datetime import date
from typing import Any

from ordermesh.routing.domain.calendars.distribution import QuantilePoint
from ordermesh.routing.domain.calendars.hours import ExceptionDay, Span
from ordermesh.routing.domain.capacity import AtLimit, Capacity, CapacityUnit
from ordermesh.routing.domain.timetable import ALWAYS, CutOff, Timetable


def timetable_json(timetable: Timetable) -> dict[str, Any]:
    """A timetable to be stored; one that says nothing is empty."""
    if timetable == ALWAYS:
        return {}
    return {
        "hours": [[day, span.open_minute, span.close_minute] for day, span in timetable.hours],
        "holidays": [timetable.holiday_country, timetable.holiday_subdivision],
        "exceptions": [
            [
                one.day.isoformat(),
                [[span.open_minute, span.close_minute] for span in one.spans],
                one.reason,
            ]
            for one in timetable.exceptions
        ],
        "cut_offs": [[one.method, one.weekday, one.minute] for one in timetable.cut_offs],
        "pickups": [list(one) for one in timetable.pickups],
    }


def stored_timetable(stored: dict[str, Any]) -> Timetable:
    """A timetable that was stored."""
    if not stored:
        return ALWAYS
    country, subdivision = stored["holidays"]
    return Timetable(
        hours=tuple((day, Span(begin, end)) for day, begin, end in stored["hours"]),
        holiday_country=country,
        holiday_subdivision=subdivision,
        exceptions=tuple(
            ExceptionDay(
                date.fromisoformat(day), tuple(Span(begin, end) for begin, end in spans), reason
            )
            for day, spans, reason in stored["exceptions"]
        ),
        cut_offs=tuple(CutOff(*one) for one in stored["cut_offs"]),
        pickups=tuple((day, minute) for day, minute in stored["pickups"]),
    )


def points_json(points: Sequence[QuantilePoint]) -> list[list[int]]:
    """Quantiles to be stored."""
    return [
        [point.permille, point.days, point.minutes]
        if point.weekday is None
        else [point.permille, point.days, point.minutes, point.weekday]
        for point in points
    ]


def stored_points(stored: Sequence[Sequence[int]]) -> tuple[QuantilePoint, ...]:
    """Quantiles that were stored."""
    return tuple(QuantilePoint(*point) for point in stored)


def capacities_json(capacities: Sequence[Capacity]) -> list[dict[str, Any]]:
    """Capacities to be stored."""
    return [
        {
            "id": one.capacity_id,
            "unit": one.unit,
            "limit": one.limit,
            "methods": list(one.methods),
            "weekdays": list(one.weekdays),
            "window": [one.start_minute, one.end_minute],
            "minutes": [one.minutes_per_order, one.minutes_per_unit],
            "at_limit": one.at_limit,
        }
        for one in capacities
    ]


def stored_capacities(stored: Sequence[dict[str, Any]]) -> tuple[Capacity, ...]:
    """Capacities that were stored."""
    return tuple(
        Capacity(
            capacity_id=one["id"],
            unit=CapacityUnit(one["unit"]),
            limit=one["limit"],
            methods=tuple(one["methods"]),
            weekdays=tuple(one["weekdays"]),
            start_minute=one["window"][0],
            end_minute=one["window"][1],
            minutes_per_order=one["minutes"][0],
            minutes_per_unit=one["minutes"][1],
            at_limit=AtLimit(one["at_limit"]),
        )
        for one in stored
    )
