"""Opening hours and working time, against a calendar that is read minute by minute."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.routing.domain.calendars.calendar import Calendar, NeverOpen
from ordermesh.routing.domain.calendars.clock_face import instant, local_day, zone_of
from ordermesh.routing.domain.calendars.hours import (
    WHOLE_DAY,
    ExceptionDay,
    Hours,
    Span,
    exception_days,
    sorted_spans,
)
from ordermesh.routing.domain.errors.requests import FieldViolation

NEW_YORK = ZoneInfo("America/New_York")
ZONES = ["America/New_York", "Europe/Berlin", "Asia/Kolkata", "America/Santiago", "Asia/Beirut"]
"""In Santiago and Beirut the clock skips midnight itself; Kolkata is half an hour aside."""

NINE_TO_FIVE = (Span(540, 1020),)
OFFICE = (NINE_TO_FIVE,) * 5 + ((), ())
FRIDAY_NOON = datetime(2026, 11, 27, 12, tzinfo=NEW_YORK)


def at(text: str, zone: str = "America/New_York") -> datetime:
    """An instant from the wall clock of a place."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


def office(**fields: object) -> Calendar:
    return Calendar(NEW_YORK, Hours(OFFICE, **fields))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("spans", "rule"),
    [
        ([Span(600, 600)], "hours.ascending"),
        ([Span(600, 540)], "hours.ascending"),
        ([Span(-1, 540)], "hours.ascending"),
        ([Span(1380, 1500)], "hours.day"),
        ([Span(540, 720), Span(719, 900)], "hours.overlap"),
        ([Span(540, 720), Span(540, 720)], "hours.overlap"),
    ],
)
def test_hours_that_make_no_sense_are_refused(spans: list[Span], rule: str) -> None:
    with pytest.raises(FieldViolation) as refused:
        sorted_spans("hours", spans)
    assert refused.value.rows[0]["rule"] == rule


def test_an_exception_is_said_once_for_a_day() -> None:
    christmas = ExceptionDay(date(2026, 12, 25), ())
    with pytest.raises(FieldViolation):
        exception_days("exceptions", [christmas, christmas])


def test_hours_that_touch_are_one() -> None:
    assert sorted_spans("hours", [Span(720, 900), Span(540, 720)]) == (Span(540, 900),)


def test_a_zone_that_nobody_knows_is_utc() -> None:
    assert zone_of("Mars/Olympus").key == "UTC"


def test_without_hours_a_place_is_always_open() -> None:
    always = Calendar(NEW_YORK)
    assert always.next_open(FRIDAY_NOON) == FRIDAY_NOON
    assert always.add_minutes(FRIDAY_NOON, 90) == FRIDAY_NOON + timedelta(minutes=90)
    assert always.add_days(FRIDAY_NOON, 1) == at("2026-11-28T00:00")
    assert always.is_open(FRIDAY_NOON)


def test_work_that_is_not_done_on_friday_goes_on_on_monday() -> None:
    assert office().add_minutes(at("2026-11-27T16:00"), 90) == at("2026-11-30T09:30")


def test_work_that_takes_the_day_ends_as_the_place_closes() -> None:
    assert office().add_minutes(at("2026-11-27T16:00"), 60) == at("2026-11-27T17:00")


def test_what_comes_at_night_is_begun_in_the_morning() -> None:
    assert office().next_open(at("2026-11-27T03:00")) == at("2026-11-27T09:00")
    assert office().next_open(at("2026-11-27T17:00")) == at("2026-11-30T09:00")


def test_several_spans_of_a_day_leave_a_break() -> None:
    siesta = Calendar(NEW_YORK, Hours(((Span(540, 780), Span(960, 1200)),) * 7))
    assert siesta.add_minutes(at("2026-11-27T12:30"), 60) == at("2026-11-27T16:30")


def test_a_holiday_in_the_middle_is_passed_over() -> None:
    thanksgiving = office(holidays=frozenset({date(2026, 11, 26)}))
    assert thanksgiving.add_days(at("2026-11-25T10:00"), 1) == at("2026-11-27T09:00")
    assert thanksgiving.hours.is_shut(date(2026, 11, 26))


def test_an_exception_opens_a_holiday_and_closes_a_day() -> None:
    hours = Hours(
        OFFICE,
        holidays=frozenset({date(2026, 11, 26)}),
        exceptions={date(2026, 11, 26): (Span(600, 720),), date(2026, 11, 27): ()},
    )
    calendar = Calendar(NEW_YORK, hours)
    assert calendar.add_minutes(at("2026-11-26T09:00"), 150) == at("2026-11-30T09:30")
    assert not hours.is_shut(date(2026, 11, 26))
    assert hours.is_shut(date(2026, 11, 27))


def test_a_store_that_is_closed_for_a_week_goes_on_after_it() -> None:
    shut = {date(2026, 11, 30) + timedelta(days=ahead): () for ahead in range(7)}
    assert office(exceptions=shut).next_open(at("2026-11-28T12:00")) == at("2026-12-07T09:00")


def test_a_place_that_never_opens_is_never_waited_for() -> None:
    closed = Calendar(NEW_YORK, Hours(((),) * 7))
    for ask in (closed.next_open, lambda at: closed.add_minutes(at, 1)):
        with pytest.raises(NeverOpen):
            ask(FRIDAY_NOON)
    with pytest.raises(NeverOpen):
        closed.add_days(FRIDAY_NOON, 1)
    assert not closed.is_open(FRIDAY_NOON)


def test_the_night_in_which_the_clock_goes_forward_is_an_hour_shorter() -> None:
    always = Calendar(NEW_YORK, Hours((WHOLE_DAY,) * 7))
    begin = at("2026-03-08T00:00")
    assert always.add_minutes(begin, 23 * 60) == at("2026-03-09T00:00")
    skipped = instant(NEW_YORK, date(2026, 3, 8), 150)
    assert skipped == at("2026-03-08T03:00")
    nap = Calendar(NEW_YORK, Hours(((Span(130, 170),),) * 7))
    assert nap.next_open(begin) == at("2026-03-09T02:10")


def test_the_night_in_which_the_clock_goes_back_is_an_hour_longer() -> None:
    always = Calendar(NEW_YORK, Hours((WHOLE_DAY,) * 7))
    assert always.add_minutes(at("2026-11-01T00:00"), 25 * 60) == at("2026-11-02T00:00")


def test_the_same_hours_in_two_zones_are_different_instants() -> None:
    pacific = Calendar(ZoneInfo("America/Los_Angeles"), Hours(OFFICE))
    monday = at("2026-11-30T09:00")
    assert office().is_open(monday)
    assert pacific.next_open(monday) == monday + timedelta(hours=3)


@st.composite
def day_spans(draw: st.DrawFn) -> tuple[Span, ...]:
    edges = sorted(draw(st.sets(st.integers(0, 48), max_size=6)))
    pairs = list(pairwise(edges))[::2]
    return tuple(Span(begin * 30, end * 30) for begin, end in pairs)


@st.composite
def calendars(draw: st.DrawFn) -> Calendar:
    week = tuple(draw(st.lists(day_spans(), min_size=7, max_size=7)))
    days = st.dates(date(2026, 3, 1), date(2026, 4, 30))
    return Calendar(
        ZoneInfo(draw(st.sampled_from(ZONES))),
        Hours(
            None if draw(st.booleans()) else week,
            holidays=frozenset(draw(st.sets(days, max_size=3))),
            exceptions=draw(st.dictionaries(days, day_spans(), max_size=3)),
        ),
    )


moments = st.integers(0, 50 * 24 * 60).map(
    lambda minutes: datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
"""Weeks in which the clocks of all these zones are changed, but for India's."""


def reads_open(calendar: Calendar, moment: datetime) -> bool:
    """Whether the wall clock of the place, as one reads it, lies within its hours of the day."""
    local = moment.astimezone(calendar.zone)
    minute = local.hour * 60 + local.minute
    return any(
        span.open_minute <= minute < span.close_minute
        for span in calendar.hours.spans(local.date())
    )


def is_twofold(zone: ZoneInfo, moment: datetime) -> bool:
    """Whether the clock shows this time twice: once is enough for a shop."""
    local = moment.astimezone(zone).replace(tzinfo=None)
    first = local.replace(fold=0).replace(tzinfo=zone).utcoffset()
    return first != local.replace(fold=1).replace(tzinfo=zone).utcoffset()


@given(calendars(), moments, st.integers(0, 3_000))
def test_working_time_is_that_of_someone_who_watches_the_clock(
    calendar: Calendar, moment: datetime, minutes: int
) -> None:
    try:
        done = calendar.add_minutes(moment, minutes)
    except NeverOpen:
        return
    if done - moment > timedelta(days=20):
        return
    watched, worked = moment, 0
    while watched < done:
        if is_twofold(calendar.zone, watched):
            return
        worked += reads_open(calendar, watched)
        watched += timedelta(minutes=1)
    assert worked == minutes


@given(calendars(), moments, st.integers(0, 2_000), st.integers(0, 200), st.integers(0, 500))
def test_more_work_and_a_later_start_never_end_earlier(
    calendar: Calendar, moment: datetime, minutes: int, more: int, later: int
) -> None:
    try:
        done = calendar.add_minutes(moment, minutes)
        assert calendar.add_minutes(moment, minutes + more) >= done
        assert calendar.add_minutes(moment + timedelta(minutes=later), minutes) >= done
    except NeverOpen:
        return


@given(calendars(), moments, st.integers(0, 3_000), st.integers(0, 5))
def test_nothing_lands_in_closed_time(
    calendar: Calendar, moment: datetime, minutes: int, days: int
) -> None:
    try:
        opened = calendar.add_days(moment, days)
        done = calendar.add_minutes(moment, minutes)
    except NeverOpen:
        return
    assert calendar.is_open(opened)
    assert opened >= moment
    assert calendar.is_open(done) or calendar.is_open(done - timedelta(minutes=1))


@given(calendars(), moments)
def test_each_open_time_ends_before_the_next_begins(calendar: Calendar, moment: datetime) -> None:
    times = [time for time, _ in zip(calendar.open_from(moment), range(30), strict=False)]
    for (begin, end), (following, _) in pairwise(times):
        assert begin < end <= following


@given(st.sampled_from(ZONES), st.dates(date(2026, 1, 1), date(2027, 1, 1)), st.data())
def test_a_later_minute_is_never_an_earlier_instant(
    zone: str, day: date, data: st.DataObject
) -> None:
    minute = data.draw(st.integers(0, 1439))
    first, second = (instant(ZoneInfo(zone), day, one) for one in (minute, minute + 1))
    assert first <= second
    assert local_day(ZoneInfo(zone), first) >= day
