"""Requests about the network that are refused, and how."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.dayofweek_pb2 import DayOfWeek

from ordermesh.api.order.v1 import FulfillmentMethod
from ordermesh.api.routing import v1
from tests.routing.house import entry, new_id
from tests.routing.requests import (
    a_day,
    confirm_capacity,
    end_switch,
    hold_capacity,
    network,
    put_calendars,
    release_capacity,
    switch,
)
from tests.routing.wrong import EUR, INVALID, LONG, NOT_FOUND, REFUSED, Case, invalid


def stamp(hours: int) -> Timestamp:
    """So many hours from now."""
    message = Timestamp()
    message.FromDatetime(datetime.now(UTC) + timedelta(hours=hours))
    return message


def timetable(**fields: object) -> v1.PutNetworkLocationsRequest:
    return network(entry("NEAR", timetable=v1.Timetable(**fields)))  # type: ignore[arg-type]


def hours(open_minute: int, close_minute: int) -> v1.OpenHours:
    return v1.OpenHours(
        weekday=DayOfWeek.MONDAY, open_minute=open_minute, close_minute=close_minute
    )


MONDAY = v1.CutOff(weekday=DayOfWeek.MONDAY, minute=600)

NETWORK_CASES = [
    # PutNetworkLocations
    invalid(
        "an unknown way with returns",
        lambda: network(entry("NEAR", return_handling=77)),
        "locations[0].return_handling",
    ),
    invalid(
        "an empty network", lambda: v1.PutNetworkLocationsRequest(request_id=new_id()), "locations"
    ),
    invalid(
        "a location without fees",
        lambda: network(v1.NetworkLocation(location_id="NEAR")),
        "locations[0].pick_fee",
    ),
    invalid(
        "a location by no method",
        lambda: network(entry("NEAR", methods=[0])),
        "locations[0].methods[0]",
    ),
    invalid(
        "a method twice",
        lambda: network(entry("NEAR", methods=[FulfillmentMethod.FULFILLMENT_METHOD_SHIP] * 2)),
        "locations[0].methods",
    ),
    Case(
        "a location twice",
        lambda: network(entry("NEAR"), entry("NEAR")),
        INVALID,
        "DUPLICATE_ENTRY",
        {"field": "locations", "value": "NEAR"},
    ),
    Case(
        "an unknown location",
        lambda: network(entry("MOON"), entry("NEAR", priority=9)),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        {"locationId": "MOON"},
    ),
    Case(
        "a location in another currency",
        lambda: network(entry("NEAR", pick_fee=EUR, labor_cost_per_unit=EUR)),
        INVALID,
        "CURRENCY_MISMATCH",
        {"wanted": "USD", "given": "EUR"},
    ),
    Case(
        "a location in two currencies",
        lambda: network(entry("NEAR", pick_fee=EUR)),
        INVALID,
        "CURRENCY_MISMATCH",
    ),
    Case(
        "a location that charges for lines in another currency",
        lambda: network(entry("NEAR", labor_cost_per_line=EUR)),
        INVALID,
        "CURRENCY_MISMATCH",
    ),
    # Timetables
    invalid(
        "hours that end before they begin",
        lambda: timetable(hours=[hours(600, 540)]),
        "timetable.hours",
    ),
    invalid(
        "hours that overlap",
        lambda: timetable(hours=[hours(540, 720), hours(700, 900)]),
        "timetable.hours",
    ),
    invalid(
        "hours beyond the day",
        lambda: timetable(hours=[hours(540, 1500)]),
        "locations[0].timetable.hours[0].close_minute",
    ),
    invalid(
        "hours of no day",
        lambda: timetable(hours=[v1.OpenHours(open_minute=1, close_minute=2)]),
        "locations[0].timetable.hours[0].weekday",
    ),
    invalid(
        "a day that is none",
        lambda: timetable(exceptions=[v1.ExceptionDay(date="2026-02-30")]),
        "timetable.exceptions",
    ),
    invalid(
        "a day that is a word",
        lambda: timetable(exceptions=[v1.ExceptionDay(date="tomorrow")]),
        "locations[0].timetable.exceptions[0].date",
    ),
    invalid(
        "a day with two truths",
        lambda: timetable(exceptions=[v1.ExceptionDay(date="2026-02-03")] * 2),
        "timetable.exceptions",
    ),
    invalid("two cut-offs", lambda: timetable(cut_offs=[MONDAY] * 2), "timetable.cut_offs"),
    Case(
        "holidays of nowhere",
        lambda: timetable(holiday_country_code="XX"),
        INVALID,
        "UNKNOWN_HOLIDAYS",
        {"countryCode": "XX", "subdivision": ""},
    ),
    Case(
        "holidays of no part",
        lambda: timetable(holiday_country_code="US", holiday_subdivision="ZZ"),
        INVALID,
        "UNKNOWN_HOLIDAYS",
        {"countryCode": "US", "subdivision": "ZZ"},
    ),
    invalid(
        "holidays of a part of nothing",
        lambda: timetable(holiday_subdivision="BY"),
        "timetable.holiday_subdivision",
    ),
    invalid(
        "processing that gets quicker",
        lambda: network(
            entry(
                "NEAR",
                processing=[
                    v1.ProcessingTime(permille=500, minutes=9),
                    v1.ProcessingTime(permille=900, minutes=5),
                ],
            )
        ),
        "processing",
    ),
    invalid(
        "processing that gets quicker on one weekday",
        lambda: network(
            entry(
                "NEAR",
                processing=[
                    v1.ProcessingTime(permille=900, minutes=9, weekday=DayOfWeek.MONDAY),
                    v1.ProcessingTime(permille=500, minutes=9, weekday=DayOfWeek.TUESDAY),
                    v1.ProcessingTime(permille=500, minutes=9, weekday=DayOfWeek.MONDAY),
                ],
            )
        ),
        "processing",
    ),
    invalid(
        "processing on a day that no week has",
        lambda: network(
            entry("NEAR", processing=[v1.ProcessingTime(permille=900, weekday=cast("Any", 8))])
        ),
        "locations[0].processing[0].weekday",
    ),
    invalid(
        "processing that is never done",
        lambda: network(entry("NEAR", processing=[v1.ProcessingTime(permille=0, minutes=9)])),
        "locations[0].processing[0].permille",
    ),
    invalid(
        "rejecting more than all",
        lambda: network(entry("NEAR", reject_permille=1001)),
        "locations[0].reject_permille",
    ),
    invalid(
        "an unknown capability",
        lambda: network(entry("NEAR", capabilities=[77])),
        "locations[0].capabilities[0]",
    ),
    # Capacities
    invalid(
        "a capacity twice",
        lambda: network(entry("NEAR", capacities=[a_day(1), a_day(2)])),
        "capacities",
    ),
    invalid(
        "a negative capacity",
        lambda: network(entry("NEAR", capacities=[a_day(-1)])),
        "locations[0].capacities[0].limit",
    ),
    invalid(
        "a window that ends before it begins",
        lambda: network(
            entry(
                "NEAR",
                capacities=[
                    v1.Capacity(
                        capacity_id="c",
                        unit=v1.CapacityUnit.CAPACITY_UNIT_ORDERS,
                        start_minute=600,
                        end_minute=500,
                    )
                ],
            )
        ),
        "capacities",
    ),
    invalid(
        "a capacity of nothing",
        lambda: network(entry("NEAR", capacities=[v1.Capacity(capacity_id="c", limit=1)])),
        "locations[0].capacities[0].unit",
    ),
    # HoldCapacity
    invalid("holding under no id", lambda: hold_capacity(hold_id="1"), "hold_id"),
    invalid("holding for no order", lambda: hold_capacity(orders=0), "orders"),
    invalid("holding for fewer units than none", lambda: hold_capacity(units=-1), "units"),
    invalid("holding by no method", lambda: hold_capacity(method=0), "method"),
    invalid("holding in the past", lambda: hold_capacity(work_time=stamp(-1)), "work_time"),
    invalid(
        "holding for ever",
        lambda: hold_capacity(hold_duration=Duration(seconds=14_401)),
        "hold_duration",
    ),
    Case(
        "holding where nothing is",
        lambda: hold_capacity(location_id="MOON"),
        NOT_FOUND,
        "NOT_IN_NETWORK",
        {"locationId": "MOON"},
    ),
    Case(
        "holding under an id that is taken",
        lambda: hold_capacity(hold_id="HELD"),
        REFUSED,
        "CAPACITY_HOLD_ID_TAKEN",
    ),
    # ConfirmCapacity and ReleaseCapacity
    Case(
        "confirming what is not held",
        lambda: confirm_capacity(hold_id=new_id()),
        NOT_FOUND,
        "CAPACITY_HOLD_NOT_FOUND",
    ),
    Case(
        "releasing what is not held",
        lambda: release_capacity(hold_id=new_id()),
        NOT_FOUND,
        "CAPACITY_HOLD_NOT_FOUND",
    ),
    invalid("releasing nothing", lambda: release_capacity(hold_id=""), "hold_id"),
    # PutCalendars
    invalid("no calendars", lambda: v1.PutCalendarsRequest(request_id=new_id()), "calendars"),
    invalid(
        "a calendar without hours",
        lambda: put_calendars(v1.Calendar(calendar_id="c")),
        "calendars[0].timetable",
    ),
    invalid(
        "a calendar without a name",
        lambda: put_calendars(v1.Calendar(timetable=v1.Timetable())),
        "calendars[0].calendar_id",
    ),
    invalid(
        "a calendar on Mars",
        lambda: put_calendars(
            v1.Calendar(calendar_id="c", time_zone="Mars/Olympus", timetable=v1.Timetable())
        ),
        "time_zone",
    ),
    invalid(
        "a calendar with cut-offs",
        lambda: put_calendars(
            v1.Calendar(calendar_id="c", timetable=v1.Timetable(cut_offs=[MONDAY]))
        ),
        "timetable",
    ),
    Case(
        "a calendar twice",
        lambda: put_calendars(*[v1.Calendar(calendar_id="c", timetable=v1.Timetable())] * 2),
        INVALID,
        "DUPLICATE_ENTRY",
        {"field": "calendars", "value": "c"},
    ),
    Case(
        "a calendar of nowhere",
        lambda: put_calendars(
            v1.Calendar(calendar_id="c", timetable=v1.Timetable(holiday_country_code="XX"))
        ),
        INVALID,
        "UNKNOWN_HOLIDAYS",
    ),
    # SwitchLocation
    invalid("switching nothing", lambda: switch(methods=[]), "methods"),
    invalid("switching an unknown method", lambda: switch(methods=[77]), "methods[0]"),
    invalid(
        "switching a method twice",
        lambda: switch(methods=[FulfillmentMethod.FULFILLMENT_METHOD_SHIP] * 2),
        "methods",
    ),
    invalid("switching for no reason", lambda: switch(reason=""), "reason"),
    invalid("switching with a long name", lambda: switch(location_id=LONG), "location_id"),
    invalid(
        "switching that ends before it begins",
        lambda: switch(start_time=stamp(2), end_time=stamp(1)),
        "end_time",
    ),
    invalid(
        "switching in the past",
        lambda: switch(start_time=stamp(-2), end_time=stamp(-1)),
        "end_time",
    ),
    Case(
        "switching what is not in the network",
        lambda: switch(location_id="MOON"),
        NOT_FOUND,
        "NOT_IN_NETWORK",
        {"locationId": "MOON"},
    ),
    # EndSwitch
    invalid("ending nothing", lambda: end_switch(switch_id="1"), "switch_id"),
    Case(
        "ending what is not there",
        lambda: end_switch(switch_id=new_id()),
        NOT_FOUND,
        "SWITCH_NOT_FOUND",
    ),
]
