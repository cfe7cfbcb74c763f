"""Facts that routing sees for itself: attempts, days left, bands, and what timetables say."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.routing import v1
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import House, entry, line
from tests.routing.looks import has_work_at
from tests.routing.policing import number, rule, save, text
from tests.routing.test_explaining import decided
from tests.routing.test_network import ShiftedClock
from tests.routing.test_promises import NOON, WEEK

pytestmark = on_sqlite


@pytest.fixture
async def timed(migrated_url: Callable[[str], str]) -> AsyncIterator[tuple[House, ShiftedClock]]:
    """Mugs everywhere, at noon of a Wednesday; the nearest location works like an office."""
    clock = ShiftedClock(NOON)
    opened = House(migrated_url(INVENTORY), migrated_url(ROUTING), clock)
    await opened.open()
    await opened.network(entry("NEAR", priority=1, handling_days=0, timetable=WEEK))
    await opened.stock({"MUG at NEAR": 9, "MUG at EAST": 9, "MUG at SOUTH": 9})
    yield opened, clock
    await opened.close()


def at(place: str) -> v1.Condition:
    return text("LOCATION_ID", place)


def flag(fact: str, *, negated: bool = False) -> v1.Condition:
    test = v1.FlagTest(fact=v1.FlagFact.Value(f"FLAG_FACT_{fact}"))
    return v1.Condition(flag=test, negated=negated)


async def chosen(house: House, order_id: str, **fields: object) -> str:
    await house.submit(order_id, line("1", "MUG"), **fields)
    (shipment,) = (await decided(house, order_id)).plan.shipments
    return shipment.location_id


async def outcome(house: House, order_id: str) -> v1.RuleOutcome:
    (one,) = (await decided(house, order_id)).rules
    return one


async def test_days_are_left_only_of_what_was_promised(timed: tuple[House, ShiftedClock]) -> None:
    house, _ = timed
    await save(house, rules=[rule("late", at("NEAR"), number("ORDER_DAYS_LEFT", at_most=-1))])

    assert await chosen(house, "O-1") == "NEAR"
    assert (await outcome(house, "O-1")).missing_fact == "order days left"
    assert await chosen(house, "O-2", promise_days=2) == "NEAR"
    long_ago = Timestamp()
    long_ago.FromDatetime(NOON - timedelta(days=5))
    assert await chosen(house, "O-3", promise_days=2, order_time=long_ago) == "EAST"


async def test_a_rule_may_hold_from_the_second_attempt_on(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, _ = timed
    await save(house, rules=[rule("again", at("EAST"), number("ORDER_ATTEMPT", at_least=2))])

    assert await chosen(house, "O-1") == "NEAR"
    (work,) = await house.work("O-1")
    await house.reject(work)

    await eventually(lambda: has_work_at(house, "O-1", "SOUTH"))


async def test_bands_of_distance_are_the_zones_of_the_policy(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, _ = timed
    await save(house, rules=[rule("first", number("LOCATION_DISTANCE_BAND", at_most=1))])

    assert await chosen(house, "O-1") == "SOUTH"


async def test_a_timetable_says_whether_it_is_open(timed: tuple[House, ShiftedClock]) -> None:
    house, clock = timed
    await save(house, rules=[rule("closed", at("NEAR"), flag("LOCATION_IS_OPEN", negated=True))])

    assert await chosen(house, "O-1") == "NEAR"
    clock.set(datetime(2026, 11, 26, 3, tzinfo=UTC))
    assert await chosen(house, "O-2") == "EAST"


async def test_a_timetable_says_how_long_there_is_until_the_cut_off(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, clock = timed
    await save(
        house, rules=[rule("soon", at("NEAR"), number("LOCATION_CUTOFF_MINUTES", at_most=60))]
    )

    assert await chosen(house, "O-1") == "NEAR"
    clock.set(datetime(2026, 11, 25, 19, 30, tzinfo=UTC))
    assert await chosen(house, "O-2") == "EAST"


async def test_a_timetable_says_how_many_carriers_still_come_today(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, clock = timed
    await save(house, rules=[rule("none", at("NEAR"), number("LOCATION_PICKUPS_LEFT", at_most=0))])

    assert await chosen(house, "O-1") == "NEAR"
    clock.set(datetime(2026, 11, 25, 22, 31, tzinfo=UTC))
    assert await chosen(house, "O-2") == "EAST"
