import asyncio
from types import SimpleNamespace
from typing import Any, cast

from ordermesh.runtime import failpoints
from tests.simulation.faults import Fault, Kind
from tests.simulation.loop import PROCESS, Process
from tests.simulation.points import SimulatedPoints

POINT = failpoints.points.SERVER_ADMITTED


async def test_what_another_has_met_while_one_waits_at_its_point_is_not_met_again() -> None:
    met: list[str] = []
    history = SimpleNamespace(add=lambda *said: met.append(said[-1]))
    points = SimulatedPoints(cast("Any", SimpleNamespace(history=history)))
    faults = [Fault(number, Kind.POINT, "", 0.0, 0.01, 0.7, POINT) for number in (1, 2)]
    expecting = [asyncio.create_task(points.expect(fault)) for fault in faults]
    await asyncio.sleep(0)
    token = PROCESS.set(Process("routing"))
    try:
        await asyncio.gather(points.reach(POINT), points.reach(POINT))
    finally:
        PROCESS.reset(token)
        for one in expecting:
            one.cancel()

    assert points.struck == len(met) == len(faults)
