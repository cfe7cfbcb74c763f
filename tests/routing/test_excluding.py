"""A location that rejected a line is left out for it: for good, or until a while has passed."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration

from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import House, line, refused
from tests.routing.looks import only_line
from tests.routing.requests import reject
from tests.routing.test_network import ShiftedClock

pytestmark = on_sqlite

NOON = datetime(2026, 11, 25, 18, tzinfo=UTC)


@pytest.fixture
async def timed(migrated_url: Callable[[str], str]) -> AsyncIterator[tuple[House, ShiftedClock]]:
    clock = ShiftedClock(NOON)
    opened = House(migrated_url(INVENTORY), migrated_url(ROUTING), clock)
    await opened.open()
    await opened.stock({"MUG at NEAR": 5})
    yield opened, clock
    await opened.close()


async def rejected(house: House, **fields: Duration) -> None:
    """An order that was rejected by the only location that has something, and waits unfilled."""
    await house.submit("O-1", line("1", "MUG"))
    (work,) = await house.work("O-1")
    await rejects(house, work.fulfillment_order_id, **fields)


async def rejects(house: House, name: str, **fields: Duration) -> None:
    request = reject(fulfillment_order_id=name, **fields)
    await house.mesh.fulfillments.RejectFulfillmentOrder(request)

    async def is_unfilled() -> bool:
        return only_line(await house.order("O-1")).unfilled_quantity == 1

    await eventually(is_unfilled)


async def test_a_while_that_is_none_is_refused(timed: tuple[House, ShiftedClock]) -> None:
    house, _ = timed
    await house.submit("O-1", line("1", "MUG"))
    (work,) = await house.work("O-1")
    for seconds in (0, 40_000_000):
        request = reject(
            fulfillment_order_id=work.fulfillment_order_id,
            exclude_duration=Duration(seconds=seconds),
        )
        refusal = await refused(house.mesh.fulfillments.RejectFulfillmentOrder(request))
        assert "exclude_duration" in refusal.violations


async def test_until_the_while_has_passed_the_location_is_left_out(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, clock = timed
    await rejected(house, exclude_duration=Duration(seconds=3600))

    before = (await house.source("O-1")).decision
    clock.set(NOON + timedelta(minutes=61))
    after = (await house.source("O-1")).decision

    (near,) = [one for one in before.candidates if one.location_id == "NEAR"]
    assert (near.removed_by, near.fact) == ("REJECTED_BEFORE", "rejected before: CLOSED")
    assert [one.location_id for one in after.plan.shipments] == ["NEAR"]


async def test_without_a_while_it_is_for_good(timed: tuple[House, ShiftedClock]) -> None:
    house, clock = timed
    await rejected(house)
    clock.set(NOON + timedelta(days=300))

    decision = (await house.source("O-1")).decision

    assert not decision.plan.shipments


async def test_who_rejects_again_says_until_when(timed: tuple[House, ShiftedClock]) -> None:
    house, clock = timed
    await rejected(house, exclude_duration=Duration(seconds=60))
    clock.set(NOON + timedelta(minutes=2))
    await house.source("O-1")
    work = next(one for one in await house.work("O-1") if one.state != one.STATE_REJECTED)
    await rejects(house, work.fulfillment_order_id, exclude_duration=Duration(seconds=3600))
    clock.set(NOON + timedelta(minutes=30))

    assert not (await house.source("O-1")).decision.plan.shipments
    clock.set(NOON + timedelta(minutes=63))
    assert (await house.source("O-1")).decision.plan.shipments
