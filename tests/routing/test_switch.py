"""Switches that revert by themselves, and days that depend on a timetable."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from ordermesh.kernel.money import from_decimal
from ordermesh.routing.domain.calendars.distribution import QuantilePoint
from ordermesh.routing.domain.calendars.hours import ExceptionDay, Span
from ordermesh.routing.domain.dispatching import Dispatches, no_holidays
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.switch import Switch, Switches, check
from ordermesh.routing.domain.timetable import CutOff, Timetable
from ordermesh.routing.domain.timetable import check as check_timetable
from ordermesh.routing.store.holidays import PublicHolidays
from tests.routing.test_calendars import at

NOON = datetime(2026, 11, 25, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)

STORE = NetworkLocation(
    location_id="S",
    methods=("SHIP",),
    priority=0,
    currency_code="USD",
    pick_fee=from_decimal("1"),
    labor_cost_per_unit=from_decimal("1"),
    handling_days=0,
)

WEEKDAYS = Timetable(
    hours=tuple((day, Span(540, 1020)) for day in range(5)),
    cut_offs=tuple(CutOff("", day, 840) for day in range(7)),
    pickups=tuple((day, 990) for day in range(5)),
)


def switch(number: int = 1, **fields: object) -> Switch:
    known = Switch(
        switch_id=UUID(int=number),
        location_id="S",
        methods=("SHIP",),
        is_on=False,
        start_time=NOON,
        end_time=NOON + HOUR,
        reason="snow",
        caller="developer",
        on_behalf_of="",
        create_time=NOON,
        number=number,
    )
    return replace(known, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("end", "rule"),
    [
        (NOON, "switch.ascending"),
        (NOON - HOUR, "switch.ascending"),
        (NOON + HOUR, "switch.past"),
    ],
)
def test_a_switch_that_could_never_be_in_force_is_refused(end: datetime, rule: str) -> None:
    with pytest.raises(FieldViolation) as refused:
        check(switch(end_time=end), NOON + 2 * HOUR)
    assert refused.value.rows[0]["rule"] == rule


def test_a_switch_reverts_by_itself() -> None:
    switches = Switches.of([switch()])
    moments = [NOON - HOUR, NOON, NOON + HOUR / 2, NOON + HOUR]
    said = [switches.why_off(STORE, "SHIP", now) for now in moments]
    told = "SHIP is switched off until 2026-11-25 13:00Z: snow"
    assert said == [None, told, told, None]
    assert switches.next_change(NOON) == NOON + HOUR
    assert switches.next_change(NOON + HOUR) is None


def test_the_switch_that_was_made_last_decides() -> None:
    event = switch(2, is_on=True, start_time=NOON + HOUR / 4, end_time=NOON + HOUR / 2)
    switches = Switches.of([event, switch(1, end_time=None)])
    assert switches.why_off(STORE, "SHIP", NOON) == "SHIP is switched off: snow"
    assert switches.why_off(STORE, "SHIP", NOON + HOUR / 4) is None
    assert switches.why_off(STORE, "SHIP", NOON + HOUR / 2) is not None


def test_a_switch_is_about_its_location_and_its_methods_only() -> None:
    switches = Switches.of([switch(methods=("PICK_UP",))])
    assert switches.why_off(STORE, "SHIP", NOON) is None
    assert switches.why_off(replace(STORE, location_id="T"), "SHIP", NOON) is None


def test_what_the_network_does_not_do_can_be_switched_on() -> None:
    shut = replace(STORE, methods=())
    assert Switches.of([]).why_off(shut, "SHIP", NOON) == "SHIP is not one of its methods"
    assert Switches.of([switch(is_on=True)]).why_off(shut, "SHIP", NOON) is None


def test_ending_a_switch_ends_it_now_and_only_once() -> None:
    later = NOON + HOUR / 2
    ended = switch().ended(later)
    assert ended.end_time == later
    assert ended.ended(later + HOUR) == ended
    assert not any(switch().ended(NOON - HOUR).lasts_at(now) for now in (NOON, later))


def test_a_day_of_a_method_has_one_cut_off() -> None:
    twice = replace(WEEKDAYS, cut_offs=(CutOff("SHIP", 0, 840), CutOff("SHIP", 0, 900)))
    with pytest.raises(FieldViolation):
        check_timetable(twice, ())
    with pytest.raises(FieldViolation):
        check_timetable(Timetable(holiday_subdivision="BY"), ())


def test_a_method_has_the_common_cut_off_unless_it_has_its_own() -> None:
    table = replace(WEEKDAYS, cut_offs=(CutOff("PICK_UP", 0, 600), CutOff("", 0, 840)))
    assert table.cut_offs_of("PICK_UP")[0] == 600
    assert table.cut_offs_of("SHIP")[0] == 840
    assert table.cut_offs_of("SHIP")[1] is None


def dispatches() -> Dispatches:
    return Dispatches(PublicHolidays().dates)


def test_a_location_that_always_works_hands_over_after_its_days_of_handling() -> None:
    assert Dispatches(no_holidays).days(replace(STORE, handling_days=3), "UTC", NOON) == 3


def test_a_plan_counts_the_days_until_the_carrier_has_it() -> None:
    store = replace(STORE, timetable=WEEKDAYS)
    known = dispatches()
    asked = ["2026-11-25T13:59", "2026-11-25T14:00", "2026-11-27T15:00", "2026-11-28T23:59"]
    zone = "America/New_York"
    assert [known.days(store, zone, at(moment)) for moment in asked] == [0, 1, 3, 2]
    assert [known.days(store, zone, at(moment)) for moment in asked[::-1]] == [2, 3, 1, 0]


def test_a_plan_counts_on_nine_of_ten() -> None:
    points = (QuantilePoint(899, minutes=30), QuantilePoint(1000, days=2))
    slow = replace(STORE, timetable=WEEKDAYS, processing=points)
    quick = replace(slow, location_id="Q", processing=(QuantilePoint(900, minutes=30),))
    moment = at("2026-11-24T10:00")
    assert dispatches().days(slow, "America/New_York", moment) == 2
    assert dispatches().days(quick, "America/New_York", moment) == 0


def test_holidays_of_its_country_close_a_location_and_exceptions_open_it() -> None:
    thanksgiving = at("2026-11-26T08:00")
    store = replace(STORE, timetable=replace(WEEKDAYS, holiday_country="US"))
    assert dispatches().days(store, "America/New_York", thanksgiving) == 1
    open_anyway = ExceptionDay(thanksgiving.date(), (Span(540, 720),))
    table = replace(WEEKDAYS, holiday_country="US", exceptions=(open_anyway,))
    store = replace(STORE, timetable=table)
    assert dispatches().days(store, "America/New_York", thanksgiving) == 0


def test_a_location_that_is_closed_for_good_hands_nothing_over() -> None:
    days = [at("2026-01-01T00:00").date() + timedelta(days=ahead) for ahead in range(999)]
    closed = Timetable(exceptions=tuple(ExceptionDay(day, ()) for day in days))
    assert dispatches().days(replace(STORE, timetable=closed), "UTC", NOON) is None
