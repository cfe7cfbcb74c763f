"""A season: ten versions of a policy with overlapping windows, weather, events, and afterwards."""

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta

import pytest

from ordermesh.api.routing import v1
from tests.dialects import on_sqlite
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import House, entry, line, usd
from tests.routing.policing import save
from tests.routing.requests import question
from tests.routing.test_network import ShiftedClock, stamp, switch

BEGIN = datetime(2026, 12, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)

WINDOWS = {version: (version - 2, version + 1) for version in range(2, 12)}
"""By version: from which day of the season to which. Each overlaps the next two."""

WEATHER = {"NEAR": (3, 5), "EAST": (4, 6)}
"""From which day to which a location does not ship."""

EVENT = ("SOUTH", 7, 9)
"""A store that does not ship otherwise does so during an event."""


@pytest.fixture
async def timed(migrated_url: Callable[[str], str]) -> AsyncIterator[tuple[House, ShiftedClock]]:
    clock = ShiftedClock(BEGIN - DAY)
    opened = House(migrated_url(INVENTORY), migrated_url(ROUTING), clock)
    await opened.open()
    await opened.network(entry("SOUTH", methods=[], pick_fee=usd(0)))
    await opened.stock({f"MUG at {name}": 99 for name in ("NEAR", "EAST", "SOUTH", "WEST")})
    yield opened, clock
    await opened.close()


async def plan_the_season(house: House) -> None:
    """Everything is said before it begins; nobody touches anything afterwards."""
    for version, (first, last) in WINDOWS.items():
        window = v1.TimeWindow(
            start_time=stamp(BEGIN + first * DAY), end_time=stamp(BEGIN + last * DAY)
        )
        saved = await save(house, windows=[window], priority=version, split_charge=usd(version))
        assert saved.version == version
    for name, (first, last) in WEATHER.items():
        await house.mesh.network.SwitchLocation(
            switch(
                name,
                start_time=stamp(BEGIN + first * DAY),
                end_time=stamp(BEGIN + last * DAY),
                reason="storm",
            )
        )
    name, first, last = EVENT
    await house.mesh.network.SwitchLocation(
        switch(
            name,
            is_on=True,
            start_time=stamp(BEGIN + first * DAY),
            end_time=stamp(BEGIN + last * DAY),
            reason="event",
        )
    )


def in_force(day: int) -> int:
    """The version that decides on a day: of those whose window it is the one that comes first."""
    lasting = [version for version, (first, last) in WINDOWS.items() if first <= day < last]
    return max(lasting, default=1)


def shipping(day: int) -> set[str]:
    """The locations that ship on a day."""
    shut = {name for name, (first, last) in WEATHER.items() if first <= day < last}
    name, first, last = EVENT
    return {"NEAR", "EAST", "WEST"} - shut | ({name} if first <= day < last else set())


@on_sqlite
async def test_orders_flow_through_a_season_and_afterwards_everything_is_as_before(
    timed: tuple[House, ShiftedClock],
) -> None:
    house, clock = timed
    before = (await house.mesh.sourcing.SourceOrder(question())).decision
    await plan_the_season(house)
    versions = set()

    for day in range(13):
        clock.set(BEGIN + day * DAY + timedelta(minutes=5))
        reply = await house.submit(f"O-{day}", line("1", "MUG"))
        decision = reply.decision
        removed = {
            one.location_id for one in decision.candidates if one.removed_by == "SWITCHED_OFF"
        }
        assert reply.order.state == v1.Order.STATE_RELEASED
        assert (decision.policy_id, decision.policy_version) == ("default", in_force(day))
        assert removed == {"NEAR", "EAST", "SOUTH", "WEST"} - shipping(day)
        assert {one.location_id for one in decision.plan.shipments} <= shipping(day)
        versions.add(decision.policy_version)

    assert versions == set(range(1, 12))
    after = (await house.mesh.sourcing.SourceOrder(question())).decision
    assert (after.policy_id, after.policy_version) == ("default", 1)
    assert after.plan == before.plan
    assert after.cost == before.cost
    lasting = await house.mesh.network.ListSwitches(v1.ListSwitchesRequest())
    assert list(lasting.switches) == []
