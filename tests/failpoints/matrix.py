"""Running cells: a day of trade for each, with its fault, and what became of it."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import grpc

from ordermesh.client import Mesh
from ordermesh.client.history.calls import History, write
from ordermesh.client.history.checking import check
from ordermesh.client.history.recording import Recorder
from ordermesh.runtime.failpoints import Action
from tests.failpoints.audit import QUIET_SECONDS, books, findings
from tests.failpoints.cells import Cell
from tests.failpoints.stillness import Patience, noticing_stillness
from tests.failpoints.story import Day, NeverHappened, Shop
from tests.failpoints.world import Fault, World

ORDERS = 5
"""How many orders leave in a cell at least; one more is cancelled, and a cart is left standing."""

SETTLE_SECONDS = 30.0
"""Within so long after a fault everything is settled."""

LATE_SECONDS = 1.0
"""After so long all is looked at once more."""

QUIET_SECONDS_MAX = 60.0
"""After so long it is not waited any more for what should follow the last call."""


@dataclass
class Result:
    """What became of a cell."""

    cell: Cell
    dialect: str
    orders: int
    passings: int = 0
    """How often the fault has happened."""

    settle_seconds: float = 0.0
    """From the fault, or from when its service served again, to the last notice; without the time
    in which the whole machine stood still."""

    still_seconds: float = 0.0
    """For how long the machine stood still meanwhile."""

    seconds: float = 0.0
    calls: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def is_well(self) -> bool:
        """Whether the promise was kept."""
        return not self.problems

    def written(self) -> dict[str, Any]:
        """As it stands in the file of results."""
        fields = asdict(self)
        fields["cell"] = asdict(self.cell)
        return {**fields, "well": self.is_well}


async def run_cell(
    world: World,
    cell: Cell,
    tag: str,
    *,
    orders: int = ORDERS,
    within: float = SETTLE_SECONDS,
    histories: Path | None = None,
) -> Result:
    """A day of trade with one fault in it; all is settled ``within`` so many seconds after it."""
    result = Result(cell, world.dialect, orders)
    began = time.monotonic()
    day, history = Day(tag, orders), History()
    recorder = Recorder(history, "matrix")
    async with Mesh(world.processes.targets, caller="matrix", interceptors=[recorder]) as mesh:
        limits = cell.point == "routing.after_giving_back"
        shop = Shop(
            mesh,
            day,
            splits=limits or cell.point == "routing.after_surplus",
            limits=limits,
            moves="reassign" in cell.point or cell.point == "routing.replanned",
        )
        await _trade(result, shop, world, day)
    if not result.problems:
        # What is done twice may be done late.
        await asyncio.sleep(LATE_SECONDS)
        result.problems += [*await findings(world, day), *await books(world.mesh)]
    if result.settle_seconds > within:
        result.problems.append(f"it took {result.settle_seconds:.0f} s to settle")
    checked = check(history)
    result.calls = checked.outcomes.total()
    if checked.violations:
        result.problems.append(f"the history is refused: {checked}")
    if histories is not None and not result.is_well:
        write(history, histories / f"{world.dialect} {cell.name}.json".replace(" ", "-"))
    result.seconds = round(time.monotonic() - began, 2)
    return result


async def _trade(result: Result, shop: Shop, world: World, day: Day) -> None:
    """The day, and how it went."""
    with noticing_stillness() as stillness:
        async with world.failing(result.cell) as fault:
            watching = asyncio.create_task(_notice(fault))
            try:
                result.problems += await _live(shop, world, day)
            finally:
                happened = await _happened(watching)
        if happened is not None:
            result.still_seconds = round(stillness.seconds_since(happened), 2)
            took = time.monotonic() - happened - result.still_seconds
            result.settle_seconds = round(took, 2)
    result.passings = fault.passings
    if not result.passings:
        result.problems.append("the fault never fired")
    elif happened is None and not result.problems:
        result.problems.append("its service did not serve again")


async def _live(shop: Shop, world: World, day: Day) -> Sequence[str]:
    """The day, until all is as it must be; gives what is not after long."""
    try:
        await shop.open()
        await shop.trade()
        patience = Patience(QUIET_SECONDS_MAX)
        while (found := await findings(world, day)) and not patience.is_over:  # noqa: ASYNC110
            await asyncio.sleep(QUIET_SECONDS)
        return found
    except (NeverHappened, grpc.aio.AioRpcError) as failure:
        return [str(failure)]
    except ExceptionGroup as failures:
        wrong, others = failures.split((NeverHappened, grpc.aio.AioRpcError))
        if others is not None or wrong is None:
            raise
        return [str(one) for one in wrong.exceptions]


async def _notice(fault: Fault) -> float:
    """The instant at which a fault has first happened, and its service serves again."""
    while not fault.passings:  # noqa: ASYNC110 - it is written by another process
        await asyncio.sleep(0.02)
    if fault.cell.action is Action.EXIT:
        while not fault.is_overcome:  # noqa: ASYNC110 - so is this
            await asyncio.sleep(0.05)
    return time.monotonic()


async def _happened(watching: "asyncio.Task[float]") -> float | None:
    if watching.done():
        return watching.result()
    watching.cancel()
    return None
