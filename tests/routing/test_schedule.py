"""From an order to its arrival: cut-offs, processing, carriers, and what is not known for sure."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.routing.domain.calendars.calendar import Calendar, NeverOpen
from ordermesh.routing.domain.calendars.distribution import (
    Chance,
    QuantilePoint,
    certain,
    chances,
    quantile,
)
from ordermesh.routing.domain.calendars.hours import Hours, Span
from ordermesh.routing.domain.calendars.schedule import (
    Arrival,
    Schedule,
    Transit,
    collection,
    dispatch,
    dispatched_steadily,
    steady_until,
)
from ordermesh.routing.domain.errors.requests import FieldViolation
from tests.routing.test_calendars import NEW_YORK, OFFICE, at

SHOP = Schedule(
    Calendar(NEW_YORK, Hours(OFFICE)),
    cut_offs=(840,) * 7,
    pickups=((690, 990),) * 5 + ((), ()),
    processing=certain(minutes=60),
)
"""Open from 9 to 17 on weekdays, cut-off at 14:00, the carrier at 11:30 and 16:30."""

POST = Calendar(NEW_YORK, Hours(((Span(480, 1200),),) * 6 + ((),)))
"""Delivers from Monday to Saturday, until 20:00."""


@pytest.mark.parametrize(
    ("points", "rule"),
    [
        ([QuantilePoint(0, minutes=5)], "quantiles.ascending"),
        ([QuantilePoint(1001, minutes=5)], "quantiles.ascending"),
        ([QuantilePoint(900, 0, 5), QuantilePoint(900, 0, 9)], "quantiles.ascending"),
        ([QuantilePoint(500, 0, 9), QuantilePoint(900, 0, 5)], "quantiles.falling"),
        ([QuantilePoint(500, minutes=-1)], "quantiles.falling"),
    ],
)
def test_quantiles_that_are_none_are_refused(points: list[QuantilePoint], rule: str) -> None:
    with pytest.raises(FieldViolation) as refused:
        chances("processing", points)
    assert refused.value.rows[0]["rule"] == rule


def test_a_quantile_of_nothing_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="nothing"):
        quantile([], 900)


def test_between_two_quantiles_the_longer_time_counts_and_the_tail_goes_on() -> None:
    points = [QuantilePoint(500, minutes=60), QuantilePoint(900, minutes=100)]
    assert chances("processing", points) == (
        Chance(500, 0, 60),
        Chance(400, 0, 100),
        Chance(100, 0, 140),
    )
    assert chances("processing", ()) == (Chance(1000, 0, 0),)
    assert chances("processing", [QuantilePoint(900, days=1)])[-1] == Chance(100, 2, 0)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(1, 20)), min_size=1), st.integers(1, 999))
def test_a_quantile_is_the_least_that_holds_often_enough(
    weighted: list[tuple[int, int]], permille: int
) -> None:
    found = quantile(weighted, permille)
    total = sum(weight for _, weight in weighted)
    held = sum(weight for outcome, weight in weighted if outcome <= found)
    below = sum(weight for outcome, weight in weighted if outcome < found)
    assert Fraction(held, total) >= Fraction(permille, 1000) > Fraction(below, total)


def test_before_the_cut_off_it_leaves_today_and_at_the_cut_off_tomorrow() -> None:
    soon = dispatch(SHOP, at("2026-11-25T13:59"))
    late = dispatch(SHOP, at("2026-11-25T14:00"))
    assert soon.pickup(900) == at("2026-11-25T16:30")
    assert late.pickup(900) == at("2026-11-26T11:30")


def test_what_comes_on_saturday_leaves_on_monday() -> None:
    assert dispatch(SHOP, at("2026-11-28T10:00")).pickup(900) == at("2026-11-30T11:30")


def test_no_carrier_comes_on_a_holiday() -> None:
    holiday = Hours(OFFICE, holidays=frozenset({date(2026, 11, 26)}))
    shop = replace(SHOP, calendar=Calendar(NEW_YORK, holiday))
    assert dispatch(shop, at("2026-11-25T15:00")).pickup(900) == at("2026-11-27T11:30")


def test_lead_days_are_open_days() -> None:
    shop = replace(SHOP, lead_days=2)
    assert dispatch(shop, at("2026-11-26T10:00")).pickup(900) == at("2026-11-30T11:30")


def test_without_pickups_a_carrier_comes_when_it_is_ready() -> None:
    shop = replace(SHOP, pickups=((),) * 7)
    assert dispatch(shop, at("2026-11-25T10:00")).pickup(900) == at("2026-11-25T11:00")


def test_a_location_whose_carrier_never_comes_sends_nothing() -> None:
    never = Hours(OFFICE, exceptions={date(2026, 1, 1) + timedelta(days=n): () for n in range(999)})
    with pytest.raises(NeverOpen):
        dispatch(replace(SHOP, calendar=Calendar(NEW_YORK, never)), at("2026-11-25T10:00"))
    sundays = ((),) * 6 + ((690,),)
    shut = Hours(
        OFFICE, holidays=frozenset(date(2026, 1, 4) + timedelta(7 * n) for n in range(150))
    )
    with pytest.raises(NeverOpen):
        dispatch(
            replace(SHOP, calendar=Calendar(NEW_YORK, shut), pickups=sundays),
            at("2026-11-25T10:00"),
        )


def test_days_of_transit_are_delivery_days_and_end_when_the_carrier_does() -> None:
    post = Transit(POST, certain(days=2))
    friday = at("2026-11-27T16:30")
    there = post.arrival(friday, post.chances[0])
    assert there == Arrival(at("2026-11-30T20:00"), date(2026, 11, 30))


def test_transit_of_no_days_arrives_today_while_there_is_time() -> None:
    post = Transit(POST, certain())
    assert post.arrival(at("2026-11-27T16:30"), post.chances[0]).day == date(2026, 11, 27)
    assert post.arrival(at("2026-11-28T20:00"), post.chances[0]).day == date(2026, 11, 30)


def test_a_courier_counts_in_hours_of_its_own() -> None:
    courier = Transit(POST, certain(minutes=120), is_in_days=False)
    there = courier.arrival(at("2026-11-28T19:00"), courier.chances[0])
    assert there.latest == at("2026-11-30T09:00")


def test_a_carrier_that_never_delivers_never_arrives() -> None:
    nobody = Transit(Calendar(NEW_YORK, Hours(((),) * 7)), certain(days=1))
    with pytest.raises(NeverOpen):
        nobody.arrival(at("2026-11-27T16:30"), nobody.chances[0])


def test_the_date_of_a_far_place_is_its_own() -> None:
    tokyo = Transit(Calendar(ZoneInfo("Asia/Tokyo")), certain(days=1))
    assert tokyo.arrival(at("2026-11-27T16:30"), tokyo.chances[0]).day == date(2026, 11, 29)


def test_arrivals_are_each_way_of_processing_with_each_way_of_transit() -> None:
    shop = replace(
        SHOP, processing=chances("p", [QuantilePoint(800, 0, 60), QuantilePoint(1000, 1)])
    )
    transit = Transit(POST, chances("t", [QuantilePoint(500, 1), QuantilePoint(1000, 2)]))
    found = dispatch(shop, at("2026-11-23T10:00")).arrivals(transit)
    assert sorted((arrival.day.day, weight) for arrival, weight in found) == [
        (24, 400_000),
        (25, 100_000),
        (25, 400_000),
        (26, 100_000),
    ]
    assert quantile(found, 900).day == date(2026, 11, 25)
    assert quantile(found, 901).day == date(2026, 11, 26)


def test_what_is_ready_as_the_store_closes_is_collected_in_the_morning() -> None:
    ((ready, weight),) = collection(SHOP, at("2026-11-27T13:00"))
    assert (ready, weight) == (at("2026-11-27T14:00"), 1000)
    late = replace(SHOP, cut_offs=(None,) * 7)
    ((ready, _),) = collection(late, at("2026-11-27T16:00"))
    assert ready == at("2026-11-30T09:00")


def test_the_next_cut_off_is_on_a_day_that_works() -> None:
    assert SHOP.next_cut_off(at("2026-11-27T13:00")) == at("2026-11-27T14:00")
    assert SHOP.next_cut_off(at("2026-11-27T14:00")) == at("2026-11-30T14:00")
    assert replace(SHOP, cut_offs=(None,) * 7).next_cut_off(at("2026-11-27T13:00")) is None


@given(st.integers(0, 14 * 24 * 60))
def test_a_view_is_steady_until_it_changes_and_no_longer(minutes: int) -> None:
    def view(now: datetime) -> datetime:
        return dispatch(SHOP, now).pickup(900)

    now = at("2026-03-02T00:00") + timedelta(minutes=minutes)
    until = steady_until(view, now, now + timedelta(days=7))
    assert view(until) == view(now)
    assert view(until + timedelta(minutes=1)) > view(now)


OWN_DAYS = replace(
    SHOP,
    weekday_processing=(None, None, None, certain(days=3), certain(minutes=15), None, None),
)
"""As the shop, but what is begun on a Thursday takes three days, on a Friday a quarter."""


@pytest.mark.parametrize(
    ("asked", "leaves"),
    [
        ("2026-03-04T10:00", "2026-03-04T11:30"),
        # After the cut-off of Wednesday it counts for Thursday.
        ("2026-03-04T14:00", "2026-03-10T11:30"),
        ("2026-03-05T13:59", "2026-03-10T11:30"),
        # A later order is done sooner.
        ("2026-03-05T14:00", "2026-03-06T11:30"),
        ("2026-03-06T11:15", "2026-03-06T11:30"),
        # What comes on a weekend is begun on Monday, which has no time of its own.
        ("2026-03-06T14:00", "2026-03-09T11:30"),
        ("2026-03-08T23:00", "2026-03-09T11:30"),
    ],
)
def test_the_weekday_on_which_work_begins_says_how_long_it_takes(asked: str, leaves: str) -> None:
    assert dispatch(OWN_DAYS, at(asked)).pickup(900) == at(leaves)


def test_a_place_that_never_opens_begins_on_no_weekday() -> None:
    shut = replace(OWN_DAYS, calendar=Calendar(NEW_YORK, Hours(((),) * 7)))
    with pytest.raises(NeverOpen):
        dispatch(shut, at("2026-03-04T10:00"))
    noon, later = at("2026-03-04T12:00"), at("2026-03-05T12:00")
    assert dispatched_steadily(shut, lambda _: None, noon, later) == later


@given(
    st.integers(0, 7 * 1440),
    st.lists(st.none() | st.integers(0, 3), min_size=7, max_size=7),
)
def test_what_is_remembered_of_weekdays_is_true_for_as_long_as_it_is_remembered(
    minutes: int, days: list[int | None]
) -> None:
    own = tuple(None if one is None else certain(days=one) for one in days)
    shop = replace(SHOP, weekday_processing=own)

    def view(now: datetime) -> date:
        return dispatch(shop, now).pickup(900).date()

    now = at("2026-03-02T00:00") + timedelta(minutes=minutes)
    until = dispatched_steadily(shop, view, now, now + timedelta(days=3))

    assert now <= until
    moment = now
    while moment <= until:
        assert view(moment) == view(now)
        moment += timedelta(minutes=30)
    assert view(until) == view(now)
