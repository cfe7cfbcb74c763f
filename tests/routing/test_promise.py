"""Promises: when all of it is there, how surely, and by which plan."""

import random
from dataclasses import replace
from datetime import date, datetime, timedelta
from fractions import Fraction
from math import prod

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ordermesh.routing.domain.calendars.calendar import Calendar
from ordermesh.routing.domain.calendars.distribution import (
    Chance,
    QuantilePoint,
    certain,
    chances,
)
from ordermesh.routing.domain.calendars.hours import Hours, Span
from ordermesh.routing.domain.calendars.schedule import (
    Arrival,
    Dispatch,
    Schedule,
    Transit,
    collection,
    dispatch,
)
from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.domain.carriage.carrier import (
    Carrier,
    Service,
    TransitOutcome,
    TransitUnit,
    ZoneTransit,
)
from ordermesh.routing.domain.carrier_calendars import CarrierCalendars
from ordermesh.routing.domain.problem import Option
from ordermesh.routing.domain.promise import (
    Objective,
    all_there,
    best,
    rounded_up,
    shipment_arrivals,
    window,
)
from ordermesh.routing.domain.promising import transit_of
from ordermesh.routing.solver.solve import solve
from tests.routing.sourcing import every_plan, random_problem
from tests.routing.test_calendars import NEW_YORK, at

DAY = at("2026-11-25T00:00")


def arrives(hours: int) -> Arrival:
    there = DAY + timedelta(hours=hours)
    return Arrival(there, there.date())


parts = st.lists(
    st.lists(
        st.tuples(st.integers(0, 9).map(arrives), st.integers(1, 5)), min_size=1, max_size=5
    ).map(tuple),
    min_size=1,
    max_size=4,
)


def share_there(given_parts: list[tuple[tuple[Arrival, int], ...]], by: Arrival) -> Fraction:
    """The probability that all have arrived, by fractions."""
    return prod(
        (
            Fraction(
                sum(weight for arrival, weight in part if arrival <= by),
                sum(weight for _, weight in part),
            )
            for part in given_parts
        ),
        start=Fraction(1),
    )


def test_nothing_cannot_be_there() -> None:
    with pytest.raises(ValueError, match="arrives"):
        all_there([()], 900)


@given(parts, st.integers(1, 999))
def test_all_of_it_is_there_by_the_earliest_instant_that_is_sure_enough(
    given_parts: list[tuple[tuple[Arrival, int], ...]], permille: int
) -> None:
    found = all_there(given_parts, permille)
    assert share_there(given_parts, found) >= Fraction(permille, 1000)
    earlier = [arrival for part in given_parts for arrival, _ in part if arrival < found]
    for one in earlier:
        assert share_there(given_parts, one) < Fraction(permille, 1000)


@given(parts, st.integers(1, 998))
def test_more_confidence_and_more_parts_are_never_earlier(
    given_parts: list[tuple[tuple[Arrival, int], ...]], permille: int
) -> None:
    found = all_there(given_parts, permille)
    assert all_there(given_parts, permille + 1) >= found
    assert found >= all_there(given_parts[:1], permille)


def test_parcels_of_one_shipment_leave_together_and_travel_apart() -> None:
    leaves = Dispatch(((DAY, 1), (DAY + timedelta(hours=10), 1)))
    slow = Transit(Calendar(NEW_YORK), (Chance(1, 0, 60), Chance(1, 0, 120)), is_in_days=False)
    found = shipment_arrivals(leaves, [slow, slow])
    hours = sorted((arrival.latest - DAY) // timedelta(hours=1) for arrival, _ in found)
    # Of four ways to travel, three take two hours; had they left apart, there would be more.
    assert hours == [1, 2, 2, 2, 11, 12, 12, 12]


def test_a_window_in_hours_ends_at_a_quarter_and_one_in_days_at_the_close() -> None:
    part = ((Arrival(DAY + timedelta(minutes=61), DAY.date()), 1),)
    assert window([part], 900, is_in_days=False).latest == DAY + timedelta(minutes=75)
    assert window([part], 900, is_in_days=True).latest == DAY + timedelta(minutes=61)
    assert rounded_up(DAY) == DAY


@pytest.mark.parametrize("seed", range(60))
def test_the_best_of_an_objective_is_the_best_of_all_plans(seed: int) -> None:
    problem = replace(random_problem(seed, lines=2, locations=4), all_or_nothing=False)
    if not problem.candidates:
        return
    plans = list(every_plan(problem))
    fewest_left = min(sum(line.quantity for line in plan.unfilled) for plan in plans)
    full = [plan for plan in plans if sum(line.quantity for line in plan.unfilled) == fewest_left]

    parcels = best(problem, Objective.FEWEST_PARCELS, solve).plan
    green = best(problem, Objective.GREENEST, solve).plan
    soon = best(problem, Objective.FASTEST, solve).plan

    assert parcels.parcels == min(plan.parcels for plan in full)
    grams = [sum(one.micrograms for one in plan.shipments) for plan in full]
    assert sum(one.micrograms for one in green.shipments) == min(grams)
    if fewest_left == 0:
        last = max(one.days for one in soon.shipments)
        assert last == min(max(one.days for one in plan.shipments) for plan in full)


SHOP = Schedule(
    Calendar(NEW_YORK, Hours(((Span(540, 1260),),) * 6 + ((Span(660, 1080),),))),
    cut_offs=(1080,) * 7,
    processing=chances(
        "processing",
        [
            QuantilePoint(permille, minutes=10 + permille * permille // 4000)
            for permille in range(40, 1001, 60)
        ],
    ),
)
"""A store that is open until 21:00, and packs in ten minutes to some four hours."""

COURIER = Transit(
    Calendar(NEW_YORK, Hours(((Span(480, 1320),),) * 7)),
    tuple(Chance(50, 0, 30 + number * 17) for number in range(20)),
    is_in_days=False,
)
POST = Transit(
    Calendar(NEW_YORK, Hours(((Span(480, 1200),),) * 6 + ((),))),
    (Chance(550, 1, 0), Chance(300, 2, 0), Chance(100, 3, 0), Chance(50, 5, 0)),
)
"""Delivers from Monday to Saturday, mostly on the next day."""


def drawn(draw: random.Random, weighted: tuple[Chance, ...]) -> Chance:
    return draw.choices(weighted, [chance.weight for chance in weighted])[0]


def really_arrives(
    draw: random.Random, shop: Schedule, transit: Transit, now: datetime
) -> datetime:
    """One delivery as it happens: packed, handed over, carried."""
    handed = shop.pickup(shop.ready(now, drawn(draw, shop.processing)))
    return transit.arrival(handed, drawn(draw, transit.chances)).latest


def moments(draw: random.Random, count: int) -> list[datetime]:
    return [DAY + timedelta(minutes=draw.randrange(0, 60 * 24 * 60)) for _ in range(count)]


@pytest.mark.parametrize(("permille", "shipments"), [(500, 1), (900, 1), (900, 3), (950, 3)])
def test_a_promise_is_kept_as_often_as_it_says(permille: int, shipments: int) -> None:
    draw = random.Random(permille + shipments)
    kept = 0
    orders = moments(draw, 800)
    for now in orders:
        parts = [shipment_arrivals(dispatch(SHOP, now), [COURIER])] * shipments
        promised = all_there(parts, permille).latest
        last = max(really_arrives(draw, SHOP, COURIER, now) for _ in range(shipments))
        kept += last <= promised
    assert abs(kept / len(orders) - permille / 1000) <= 0.02


def test_a_promise_in_days_is_kept_at_least_as_often_as_it_says_and_no_day_earlier_is() -> None:
    draw = random.Random(7)
    kept = earlier = 0
    orders = moments(draw, 3_000)
    shop = SHOP.__class__(SHOP.calendar, SHOP.cut_offs, ((1020,),) * 7, 0, SHOP.processing)
    for now in orders:
        part = shipment_arrivals(dispatch(shop, now), [POST])
        promised = all_there([part], 900).latest
        there = really_arrives(draw, shop, POST, now)
        kept += there <= promised
        earlier += there < promised
    assert kept / len(orders) >= 0.9 - 0.02
    assert earlier / len(orders) < 0.9


def test_what_is_promised_for_collection_is_ready_while_the_store_is_open() -> None:
    draw = random.Random(11)
    kept = 0
    orders = moments(draw, 3_000)
    for now in orders:
        ready = collection(SHOP, now)
        promised = all_there(
            [tuple((Arrival(at_, date(2026, 1, 1)), weight) for at_, weight in ready)], 940
        ).latest
        assert all(SHOP.calendar.is_open(one) for one, _ in ready)
        kept += SHOP.collectable(SHOP.ready(now, drawn(draw, SHOP.processing))) <= promised
    # The time to pack is known in steps of 60 of 1000.
    assert abs(kept / len(orders) - 0.94) <= 0.02


@settings(max_examples=40)
@given(st.integers(0, 7 * 24 * 60), st.integers(1, 600))
def test_who_orders_later_is_never_promised_earlier(minutes: int, later: int) -> None:
    now = DAY + timedelta(minutes=minutes)
    first = all_there([shipment_arrivals(dispatch(SHOP, now), [COURIER])], 900)
    second = all_there(
        [shipment_arrivals(dispatch(SHOP, now + timedelta(minutes=later)), [COURIER])], 900
    )
    assert second >= first


def test_what_is_certain_is_promised_exactly() -> None:
    shop = Schedule(Calendar(NEW_YORK), processing=certain(minutes=30))
    courier = Transit(Calendar(NEW_YORK), certain(minutes=90), is_in_days=False)
    there = all_there([shipment_arrivals(dispatch(shop, DAY), [courier])], 999)
    assert there.latest == DAY + timedelta(hours=2)


def test_a_service_is_found_whatever_surcharges_an_option_bears() -> None:
    slow = ZoneTransit(
        3,
        TransitUnit.DAYS,
        2,
        (TransitOutcome(2, 800), TransitOutcome(5, 200)),
    )
    quick = ZoneTransit(4, TransitUnit.HOURS, 2)
    service = Service("a+b", "", "zones", (slow, quick))
    carriers = CarrierCalendars((), Book({"post": Carrier("post", "", (service,))}))

    def transit(service_id: str, zone: int) -> Transit:
        return transit_of(Option(service_id, zone, 0, 9, 9), "UTC", DAY, carriers)

    assert transit("post/a+b+HAZMAT+OVERSIZE", 3).chances == (Chance(800, 2, 0), Chance(200, 5, 0))
    assert transit("post/a+b", 4).chances == (Chance(1000, 0, 120),)
    assert not transit("post/a+b", 4).is_in_days
    # A service that does not say, and the zone of a policy, are as sure as planned.
    assert transit("post/a+b", 5).chances == (Chance(1000, 9, 0),)
    assert transit("zone", 1).chances == (Chance(1000, 9, 0),)
