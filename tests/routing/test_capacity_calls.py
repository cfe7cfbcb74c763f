"""Capacity over gRPC: held by callers and by orders, in windows that none of them overbooks."""

import asyncio
from typing import Any

from ordermesh.api.routing import v1
from ordermesh.client.errors import Refusal
from tests.eventually import eventually
from tests.routing.house import House, answered, entry, line, new_id, refused
from tests.routing.looks import has_work_at
from tests.routing.requests import (
    a_day,
    confirm_capacity,
    hold_capacity,
    release_capacity,
)
from tests.routing.test_network import why_not

STATE = v1.CapacityHold.State


async def hold(house: House, **fields: Any) -> v1.CapacityHold | Refusal:
    answer = await answered(house.mesh.capacity.HoldCapacity(hold_capacity(**fields)))
    return answer if isinstance(answer, Refusal) else answer.hold


async def used(house: House, location_id: str = "NEAR") -> dict[str, int]:
    reply = await house.mesh.capacity.GetCapacity(v1.GetCapacityRequest(location_id=location_id))
    return {one.capacity_id: one.used for one in reply.windows}


async def test_a_hold_is_confirmed_and_released(house: House) -> None:
    orders = v1.Capacity(capacity_id="orders", unit=v1.CapacityUnit.CAPACITY_UNIT_ORDERS, limit=1)
    await house.network(entry("NEAR", capacities=[a_day(5), orders]))
    held = await hold(house)
    assert isinstance(held, v1.CapacityHold)
    assert {one.capacity_id: one.amount for one in held.shares} == {"orders": 1, "units-a-day": 2}

    full = await hold(house)

    assert isinstance(full, Refusal)
    assert full.reason == "CAPACITY_FULL"
    assert full.metadata == {
        "locationId": "NEAR",
        "capacityId": "orders",
        "wanted": "1",
        "left": "0",
    }
    for _ in range(2):
        confirmed = await house.mesh.capacity.ConfirmCapacity(
            confirm_capacity(hold_id=held.hold_id)
        )
        assert confirmed.hold.state == STATE.STATE_CONFIRMED
        assert not confirmed.hold.HasField("expire_time")
    assert await used(house) == {"orders": 1, "units-a-day": 2}
    for _ in range(2):
        released = await house.mesh.capacity.ReleaseCapacity(release_capacity(hold_id=held.hold_id))
        assert released.hold.state == STATE.STATE_RELEASED
    assert await used(house) == {"orders": 0, "units-a-day": 0}
    again = confirm_capacity(hold_id=held.hold_id)
    refusal = await refused(house.mesh.capacity.ConfirmCapacity(again))
    assert refusal.reason == "CAPACITY_HOLD_CLOSED"
    assert refusal.metadata == {"holdId": held.hold_id, "state": "RELEASED"}


async def test_a_hold_belongs_to_its_caller(house: House) -> None:
    await house.network(entry("NEAR", capacities=[a_day(5)]))
    held = await hold(house)
    assert isinstance(held, v1.CapacityHold)
    other = house.as_caller("another")
    asked = release_capacity(hold_id=held.hold_id)
    assert (await refused(other.capacity.ReleaseCapacity(asked))).reason in (
        "CAPACITY_HOLD_NOT_FOUND",
        "NOT_PERMITTED",
    )
    assert await used(house) == {"units-a-day": 2}


async def test_callers_who_hold_at_once_get_what_there_is_and_no_more(house: House) -> None:
    await house.network(entry("NEAR", capacities=[a_day(9)]))

    answers = await asyncio.gather(*(hold(house) for _ in range(12)))

    assert sum(isinstance(one, v1.CapacityHold) for one in answers) == 4
    assert {one.reason for one in answers if isinstance(one, Refusal)} == {"CAPACITY_FULL"}
    assert await used(house) == {"units-a-day": 8}


async def test_what_a_caller_holds_an_order_cannot_have(house: House) -> None:
    await house.stock({"MUG at NEAR": 9, "MUG at EAST": 9})
    await house.network(entry("NEAR", capacities=[a_day(3)]))
    held = await hold(house, units=3)
    assert isinstance(held, v1.CapacityHold)
    fact = await why_not(house, "NEAR")
    assert fact.startswith("NO_CAPACITY: units-a-day: 0 of 3 units left until ")

    await house.submit("O-1", line("1", "MUG"))
    assert await has_work_at(house, "O-1", "EAST")
    await house.mesh.capacity.ReleaseCapacity(release_capacity(hold_id=held.hold_id))
    await house.submit("O-2", line("1", "MUG"))
    assert await has_work_at(house, "O-2", "NEAR")


async def test_an_order_holds_capacity_until_it_is_cancelled_or_rejected(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    orders = v1.Capacity(capacity_id="orders", unit=v1.CapacityUnit.CAPACITY_UNIT_ORDERS, limit=2)
    await house.network(entry("NEAR", capacities=[a_day(9), orders]))
    await house.submit("O-1", line("1", "MUG", 2))
    await house.submit("O-2", line("1", "MUG", 3))
    assert await used(house) == {"orders": 2, "units-a-day": 5}

    await house.cancel("O-1")
    assert await used(house) == {"orders": 1, "units-a-day": 3}
    (work,) = await house.work("O-2")
    await house.reject(work)

    async def is_free() -> bool:
        return await used(house) == {"orders": 0, "units-a-day": 0}

    await eventually(is_free)


async def test_what_has_left_has_used_its_capacity_up(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    await house.network(entry("NEAR", capacities=[a_day(9)]))
    await house.submit("O-1", line("1", "MUG", 2))
    (work,) = await house.work("O-1")
    await house.ship(work)
    assert await used(house) == {"units-a-day": 2}


async def test_a_location_that_is_not_there_has_no_capacity(house: House) -> None:
    asked = v1.GetCapacityRequest(location_id=new_id())
    assert (await refused(house.mesh.capacity.GetCapacity(asked))).reason == "NOT_IN_NETWORK"


async def test_a_location_at_a_limit_that_ranks_last_comes_after_the_others(house: House) -> None:
    soft = a_day(1)
    soft.at_limit = v1.AtLimit.AT_LIMIT_RANK_LAST
    await house.stock({"MUG at NEAR": 9, "MUG at EAST": 1})
    await house.network(entry("NEAR", capacities=[soft]))
    await house.submit("O-1", line("1", "MUG"))
    assert await has_work_at(house, "O-1", "NEAR")

    await house.submit("O-2", line("1", "MUG"))
    await house.submit("O-3", line("1", "MUG"))

    # EAST has one, which is preferred now; then there is only NEAR.
    assert await has_work_at(house, "O-2", "EAST")
    assert await has_work_at(house, "O-3", "NEAR")
    assert await used(house) == {"units-a-day": 2}
