"""Named points of the product, where a simulated process dies, sleeps, or loses what it sends."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

from ordermesh.runtime import failpoints
from tests.simulation.faults import Fault
from tests.simulation.loop import PROCESS
from tests.simulation.markers import reached

if TYPE_CHECKING:
    from tests.simulation.mesh import Machines

DEATH_SHARE, SLEEP_SHARE = 0.6, 0.8
"""Below the one a process dies at its point, below the other it sleeps; else something is lost."""

WAIT_SECONDS = 12.0
"""A fault that nobody reaches within this time does not happen."""


class SimulatedPoints:
    """The plan of failures of a run, as all points see it."""

    def __init__(self, machines: "Machines") -> None:
        self._machines = machines
        self._waiting: dict[int, Fault] = {}
        self.struck = 0

    async def reach(self, point: str) -> None:
        """Somebody has come to a point."""
        process = PROCESS.get()
        if process is None:
            return
        reached(f"point {point}")
        for fault in tuple(self._waiting.values()):
            # While one waits at its point, another may have come and met the next.
            if fault.point == point and self._waiting.pop(fault.number, None) is not None:
                self.struck += 1
                await self._strike(fault, process.name)

    async def expect(self, fault: Fault) -> None:
        """Let it happen to whoever comes first, if somebody comes soon."""
        self._waiting[fault.number] = fault
        await asyncio.sleep(WAIT_SECONDS)
        self._waiting.pop(fault.number, None)

    async def _strike(self, fault: Fault, name: str) -> None:
        machines = self._machines
        machines.history.add(name, "fault", f"at {fault.point}: {fault}")
        if fault.strength < DEATH_SHARE:
            node = machines.nodes[name]
            node.kill()
            machines.network.later(fault.seconds, node.start_again)
            await machines.loop.create_future()
        elif fault.strength < SLEEP_SHARE:
            await asyncio.sleep(fault.seconds)
        else:
            raise failpoints.Dropped(
                f"{fault.point} lost what was on its way.", service="failpoint", retry_after=0.0
            )


@contextmanager
def installed(points: SimulatedPoints) -> Iterator[None]:
    """Inside of the block all points of this process ask ``points``."""
    before = failpoints.armed
    failpoints.armed = cast("failpoints.Plan", points)
    try:
        yield
    finally:
        failpoints.armed = before
