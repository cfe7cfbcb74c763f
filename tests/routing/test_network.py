"""The network over gRPC: timetables, and locations that are switched on and off."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.dayofweek_pb2 import DayOfWeek

from ordermesh.api.order.v1 import FulfillmentMethod
from ordermesh.api.routing import v1
from ordermesh.kernel.clock import SystemClock
from tests.dialects import on_sqlite
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import PLACES, House, entry, line, new_id
from tests.routing.requests import question

SHIP = FulfillmentMethod.FULFILLMENT_METHOD_SHIP


def stamp(at: datetime) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(at)
    return message


def switch(location_id: str, **fields: Any) -> v1.SwitchLocationRequest:
    return v1.SwitchLocationRequest(
        **{
            "request_id": new_id(),
            "location_id": location_id,
            "methods": [SHIP],
            "reason": "snow",
            **fields,
        }
    )


async def sent_from(house: House, promise_days: int = 0) -> list[str]:
    """Where an order for a mug would be sent from now."""
    asked = question()
    asked.question.promise_days = promise_days
    reply = await house.mesh.sourcing.SourceOrder(asked)
    return [one.location_id for one in reply.decision.plan.shipments]


async def why_not(house: House, location_id: str) -> str:
    """The fact that took a location away."""
    reply = await house.mesh.sourcing.SourceOrder(question())
    return next(
        f"{one.removed_by}: {one.fact}"
        for one in reply.decision.candidates
        if one.location_id == location_id
    )


async def test_what_is_put_is_what_is_read(house: House) -> None:
    wanted = entry(
        "NEAR",
        priority=1,
        capabilities=[v1.Capability.CAPABILITY_HAZMAT, v1.Capability.CAPABILITY_COLD],
        timetable=v1.Timetable(
            hours=[
                v1.OpenHours(weekday=DayOfWeek.MONDAY, open_minute=540, close_minute=720),
                v1.OpenHours(weekday=DayOfWeek.MONDAY, open_minute=780, close_minute=1440),
            ],
            holiday_country_code="US",
            holiday_subdivision="IL",
            exceptions=[
                v1.ExceptionDay(date="2026-12-24", reason="Christmas Eve"),
                v1.ExceptionDay(
                    date="2026-12-26", hours=[v1.DayHours(open_minute=600, close_minute=720)]
                ),
            ],
            cut_offs=[v1.CutOff(method=SHIP, weekday=DayOfWeek.MONDAY, minute=840)],
            carrier_pickups=[v1.CarrierPickup(weekday=DayOfWeek.SUNDAY, minute=1020)],
        ),
        processing=[
            v1.ProcessingTime(permille=900, days=1, minutes=45),
            v1.ProcessingTime(permille=500, minutes=45, weekday=DayOfWeek.SUNDAY),
            v1.ProcessingTime(permille=900, minutes=50, weekday=DayOfWeek.SUNDAY),
        ],
        reject_permille=25,
    )

    await house.network(wanted)

    read = await house.mesh.network.ListNetworkLocations(v1.ListNetworkLocationsRequest())
    (found,) = [one for one in read.locations if one.location_id == "NEAR"]
    found.ClearField("update_time")
    wanted.return_handling = v1.ReturnHandling.RETURN_HANDLING_NONE
    assert sorted(found.capabilities) == sorted(wanted.capabilities)
    for one in (found, wanted):
        one.ClearField("capabilities")
    assert found == wanted


async def test_putting_the_same_timetable_again_changes_nothing(house: House) -> None:
    table = v1.Timetable(holiday_country_code="US")
    request = v1.PutNetworkLocationsRequest(
        request_id=new_id(), locations=[entry("NEAR", timetable=table)]
    )
    assert (await house.mesh.network.PutNetworkLocations(request)).changed_count == 1
    request.request_id = new_id()
    assert (await house.mesh.network.PutNetworkLocations(request)).changed_count == 0


async def test_a_location_that_is_closed_for_long_is_not_the_one_that_sends_soon(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    assert await sent_from(house) == ["NEAR"]
    today = datetime.now(UTC).date()
    shut = [
        v1.ExceptionDay(date=(today + timedelta(days=ahead)).isoformat()) for ahead in range(-1, 90)
    ]
    await house.network(entry("NEAR", timetable=v1.Timetable(exceptions=shut)))
    assert await sent_from(house, promise_days=5) == ["EAST"]


async def test_a_switch_takes_a_location_away_from_the_next_decision_and_says_why(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await house.submit("O-1", line("1", "MUG"))

    made = await house.mesh.network.SwitchLocation(switch("NEAR", on_behalf_of="Ann"))

    assert await sent_from(house) == ["EAST"]
    assert await why_not(house, "NEAR") == "SWITCHED_OFF: SHIP is switched off: snow"
    assert made.switch.is_in_force
    assert made.switch.actor.on_behalf_of == "Ann"
    (work,) = await house.work("O-1")
    assert (await house.accept(work)).location_id == "NEAR"

    ended = await house.mesh.network.EndSwitch(
        v1.EndSwitchRequest(request_id=new_id(), switch_id=made.switch.switch_id)
    )

    assert not ended.switch.is_in_force
    assert await sent_from(house) == ["NEAR"]


async def test_a_location_that_does_not_ship_can_be_switched_on_for_a_while(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await house.network(entry("NEAR", methods=[]))
    overview = await house.mesh.network.GetNetworkOverview(v1.GetNetworkOverviewRequest())
    assert overview.shipping_location_count == len(PLACES) - 1

    await house.mesh.network.SwitchLocation(switch("NEAR", is_on=True, reason="event"))

    assert await sent_from(house) == ["NEAR"]
    overview = await house.mesh.network.GetNetworkOverview(v1.GetNetworkOverviewRequest())
    assert overview.shipping_location_count == len(PLACES)


async def test_switches_are_listed_until_they_have_ended_or_when_asked_for(house: House) -> None:
    network = house.mesh.network
    first = (await network.SwitchLocation(switch("NEAR"))).switch
    second = (await network.SwitchLocation(switch("NEAR", is_on=True))).switch
    await network.SwitchLocation(switch("EAST"))
    await network.EndSwitch(v1.EndSwitchRequest(request_id=new_id(), switch_id=second.switch_id))

    lasting = await network.ListSwitches(v1.ListSwitchesRequest(location_id="NEAR"))
    assert [one.switch_id for one in lasting.switches] == [first.switch_id]
    assert lasting.switches[0].is_in_force
    everything = v1.ListSwitchesRequest(include_ended=True, page_size=2)
    page = await network.ListSwitches(everything)
    assert [one.switch_id for one in page.switches] == [first.switch_id, second.switch_id]
    everything.page_token = page.next_page_token
    rest = await network.ListSwitches(everything)
    assert [one.location_id for one in rest.switches] == ["EAST"]
    assert rest.next_page_token == ""


MOMENT = datetime(2026, 11, 24, 15, tzinfo=UTC)


class ShiftedClock(SystemClock):
    """A clock that goes like any other, from where a test sets it."""

    def __init__(self, start: datetime) -> None:
        self.set(start)

    def set(self, at: datetime) -> None:
        self._ahead = at - datetime.now(UTC)

    def now(self) -> datetime:
        return datetime.now(UTC) + self._ahead


@pytest.fixture
async def timed(migrated_url: Callable[[str], str]) -> AsyncIterator[tuple[House, ShiftedClock]]:
    """A house whose clock the test sets."""
    clock = ShiftedClock(MOMENT)
    opened = House(migrated_url(INVENTORY), migrated_url(ROUTING), clock)
    await opened.open()
    yield opened, clock
    await opened.close()


@on_sqlite
async def test_a_scheduled_switch_begins_and_reverts_with_nobody_touching_it(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, clock = timed
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    storm = switch(
        "NEAR",
        start_time=stamp(MOMENT + timedelta(hours=1)),
        end_time=stamp(MOMENT + timedelta(hours=3)),
    )
    await house.mesh.network.SwitchLocation(storm)

    seen = []
    for hours in range(4):
        clock.set(MOMENT + timedelta(hours=hours))
        seen += await sent_from(house)
    assert seen == ["NEAR", "EAST", "EAST", "NEAR"]


@on_sqlite
async def test_after_the_cut_off_another_location_is_sooner(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, clock = timed
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    table = v1.Timetable(
        cut_offs=[v1.CutOff(weekday=day, minute=600) for day in range(1, 8)],
        carrier_pickups=[v1.CarrierPickup(weekday=DayOfWeek.WEDNESDAY, minute=1020)],
    )
    # Ten in the morning of Wednesday in Chicago is 16:00 in UTC.
    await house.network(entry("NEAR", timetable=table, handling_days=0))
    clock.set(datetime(2026, 11, 25, 15, 59, tzinfo=UTC))
    assert await sent_from(house, promise_days=2) == ["NEAR"]
    clock.set(datetime(2026, 11, 25, 16, 0, tzinfo=UTC))
    assert await sent_from(house, promise_days=2) == ["EAST"]
