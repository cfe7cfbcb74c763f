"""Weekdays that take their own time: all that counts days counts by them."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from google.type.dayofweek_pb2 import DayOfWeek

from ordermesh.api.routing import v1
from tests.dialects import on_sqlite
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import House, entry
from tests.routing.house import line as order_line
from tests.routing.test_network import ShiftedClock
from tests.routing.test_promises import BOTH, NOON, WEEK, fastest, instant, line

pytestmark = on_sqlite


async def test_a_weekday_takes_its_own_time_in_promises_decisions_and_what_work_is_expected_to(
    migrated_url: Callable[[str], str],
) -> None:
    clock = ShiftedClock(NOON)
    house = House(migrated_url(INVENTORY), migrated_url(ROUTING), clock)
    await house.open()
    await house.stock({"MUG at NEAR": 5})
    slow = [v1.ProcessingTime(permille=900, days=2, weekday=DayOfWeek.WEDNESDAY)]
    near = entry("NEAR", methods=BOTH, handling_days=0, timetable=WEEK, processing=slow)
    await house.network(near)

    async def there(order_id: str) -> tuple[str, int, datetime]:
        """The day that is promised, the days that are decided, and when it is to leave."""
        promise = await fastest(house, line("MUG"))
        await house.submit(order_id, order_line("1", "MUG"))
        decisions = await house.mesh.sourcing.ListDecisions(
            v1.ListDecisionsRequest(order_id=order_id)
        )
        (shipment,) = decisions.decisions[0].plan.shipments
        (work,) = await house.work(order_id)
        assert work.expected.arrival_time == promise.window.latest_time
        return promise.window.date, shipment.days, instant(work.expected.ship_time)

    leaves = datetime(2026, 11, 27, 22, 30, tzinfo=UTC)
    assert await there("O-1") == ("2026-11-28", 3, leaves)
    # After the cut-off it is work of Thursday, which takes no time.
    clock.set(datetime(2026, 11, 25, 20, 30, tzinfo=UTC))
    assert await there("O-2") == ("2026-11-27", 2, leaves - timedelta(days=1))
    await house.close()
