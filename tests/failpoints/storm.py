"""A storm: processes and the database are killed and stopped at random while trade goes on."""

import asyncio
import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from math import inf
from typing import Any

import grpc

from ordermesh.cli.place import PORTS
from ordermesh.client import Mesh
from ordermesh.client.history.calls import History, Outcome
from ordermesh.client.history.checking import check
from ordermesh.client.history.recording import Recorder
from ordermesh.inventory.bench.cluster import Cluster
from ordermesh.runtime.engines import Dialect
from tests.failpoints.audit import QUIET_SECONDS, at_the_end, findings
from tests.failpoints.stillness import Patience
from tests.failpoints.story import Day, NeverHappened, Shop
from tests.failpoints.world import World, world

ORDERS_A_DAY_MAX = 20
TRADERS = 4
"""So many days go on at one time, with all of their orders."""

CALM_SECONDS = (2.0, 6.0)
"""From the end of one stroke to the next."""

CALM_ANSWERS = 60
"""So many calls are answered between two strokes: where services take long to start, a storm that
does not wait for them would meet nobody who trades."""

PAUSE_SECONDS_MAX = 2.0
"""Between two looks of a customer: many look at one time."""

STOPPED_SECONDS = (0.5, 13.0)
"""How long a process stands still: some outlive their leases."""

DOWN_SECONDS = (0.0, 3.0)
"""How long the database is away."""

LOOK_SECONDS = 0.2
PATIENCE_SECONDS = 1_200.0
"""Nothing takes so long, even where services are killed as soon as they serve."""

HEALTHY_SECONDS = 2.0
QUIET_SECONDS_MAX = 180.0
"""A hold that nobody confirms has ended by then."""


@dataclass
class Passed:
    """What a storm has done, and what became of it."""

    dialect: str
    seed: int
    orders: int = 0
    """Orders that left or were cancelled."""

    strokes: Counter[str] = field(default_factory=Counter)
    outcomes: Counter[Outcome] = field(default_factory=Counter)
    """What clients were told, call by call."""

    answers: int = 0
    """Calls that were answered until now."""

    retried: int = 0
    """Requests that were asked again."""

    settle_seconds: float = 0.0
    """From the last stroke to when all was looked at and as it must be."""

    seconds: float = 0.0
    problems: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        strokes = ", ".join(f"{count} x {what}" for what, count in sorted(self.strokes.items()))
        calls = ", ".join(f"{self.outcomes[one]} {one}" for one in Outcome)
        verdict = "nothing lost, nothing doubled, histories accepted"
        return (
            f"{self.dialect}, seed {self.seed}: {self.orders} orders in {self.seconds:.0f} s;"
            f" {strokes}; calls: {calls}; {self.retried} requests asked again; settled"
            f" {self.settle_seconds:.1f} s after the last stroke;"
            f" {'; '.join(self.problems) if self.problems else verdict}."
        )


class Counting(grpc.aio.UnaryUnaryClientInterceptor):
    """Counts the answers of a client."""

    def __init__(self, passed: Passed) -> None:
        self._passed = passed

    async def intercept_unary_unary(
        self,
        continuation: Callable[..., Any],
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """Make the call, and count it when it is answered."""
        made = await continuation(client_call_details, request)
        await made
        self._passed.answers += 1
        return made


async def weather(
    dialect: Dialect,
    orders: int,
    seed: int,
    tell: Callable[[str], None],
    *,
    minutes: float = inf,
) -> Passed:
    """Trade so many orders in a storm; after so many minutes, no more than were begun.

    Raises ``NoPostgres``.
    """
    passed = Passed(dialect, seed)
    began = time.monotonic()
    async with AsyncExitStack() as stack:
        cluster = stack.enter_context(Cluster()) if dialect == "postgresql" else None
        urls = None if cluster is None else {n: cluster.url(await cluster.create()) for n in PORTS}
        running = await stack.enter_async_context(
            world(dialect, tell, urls=urls, healthy_seconds=HEALTHY_SECONDS)
        )
        storm = Storm(running, cluster, seed, passed)
        days = await _trade(running, storm, orders, passed, tell, 60.0 * minutes)
        last_stroke = time.monotonic()
        tell(f"Looking at {len(days)} days.")
        passed.problems += await _unsettled(running, days)
        passed.settle_seconds = time.monotonic() - last_stroke
        passed.problems += await at_the_end(running)
    passed.seconds = time.monotonic() - began
    return passed


class Storm:
    """Strokes on the processes of a world, and on its database where it is a server's."""

    def __init__(self, world: World, cluster: Cluster | None, seed: int, passed: Passed) -> None:
        self._world = world
        self._cluster = cluster
        self._chance = random.Random(seed)
        self._passed = passed
        self._is_over = asyncio.Event()

    async def rage(self) -> None:
        """Strike until it is over; then whoever was stopped goes on, and the database is there."""
        while not await self._is_calm_over():
            kinds = [self._kill, self._kill, self._stop]
            if self._cluster is not None:
                kinds.append(self._kill_the_database)
            await self._chance.choice(kinds)()

    def end(self) -> None:
        """Let it be over."""
        self._is_over.set()

    async def _kill(self) -> None:
        service = self._victim()
        if service is not None:
            self._signal(service, signal.SIGKILL)
            self._passed.strokes[f"kill -9 {service}"] += 1

    async def _stop(self) -> None:
        service = self._victim()
        if service is None:
            return
        self._signal(service, signal.SIGSTOP)
        self._passed.strokes[f"stop {service}"] += 1
        try:
            await self._waited(*STOPPED_SECONDS)
        finally:
            self._signal(service, signal.SIGCONT)

    async def _kill_the_database(self) -> None:
        cluster = self._cluster
        assert cluster is not None
        self._passed.strokes["kill -9 PostgreSQL"] += 1
        await asyncio.to_thread(cluster.kill)
        await self._waited(*DOWN_SECONDS)
        await asyncio.to_thread(cluster.start)

    async def _is_calm_over(self) -> bool:
        """Wait for the time of the next stroke; gives whether there is none any more."""
        enough = self._passed.answers + CALM_ANSWERS
        await self._waited(*CALM_SECONDS)
        while self._passed.answers < enough and not self._is_over.is_set():
            await self._waited(LOOK_SECONDS, LOOK_SECONDS)
        return self._is_over.is_set()

    async def _waited(self, least: float, most: float) -> bool:
        """Wait, less long where it is over meanwhile; gives whether it is."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._chance.uniform(least, most)):
                await self._is_over.wait()
        return self._is_over.is_set()

    def _victim(self) -> str | None:
        """A service that runs."""
        children = self._world.processes.children
        alive = [name for name in PORTS if children[name].process.returncode is None]
        return self._chance.choice(alive) if alive else None

    def _signal(self, service: str, number: int) -> None:
        with suppress(ProcessLookupError):
            self._world.processes.children[service].process.send_signal(number)


async def _trade(
    running: World,
    storm: Storm,
    orders: int,
    passed: Passed,
    tell: Callable[[str], None],
    seconds: float,
) -> list[Day]:
    """Days one after the other, some at one time, while the storm rages."""
    days: list[Day] = []
    began = time.monotonic()
    a_day = max(1, min(ORDERS_A_DAY_MAX, orders // TRADERS))

    async def trader() -> None:
        while len(days) * (a_day + 1) < orders and time.monotonic() - began < seconds:
            day = Day(f"d{len(days) + 1}", a_day)
            days.append(day)
            for problem in await _live(running, day, passed):
                tell(problem)
                passed.problems.append(problem)
            passed.orders += len(day.shipped) + len(day.cancelled)
            rate = passed.orders / (time.monotonic() - began)
            tell(f"{passed.orders} orders, {rate:.1f} a second, {passed.strokes.total()} strokes")

    async def trade() -> None:
        try:
            await asyncio.gather(*(trader() for _ in range(TRADERS)))
        finally:
            storm.end()

    # Where the weather itself fails, nobody trades on.
    async with asyncio.TaskGroup() as group:
        group.create_task(storm.rage())
        group.create_task(trade())
    return days


async def _live(running: World, day: Day, passed: Passed) -> list[str]:
    """One day; its history is looked at by itself, because nobody else has its item."""
    history = History()
    interceptors = [Recorder(history, "matrix"), Counting(passed)]
    problems: list[str] = []
    async with Mesh(running.processes.targets, caller="matrix", interceptors=interceptors) as mesh:
        shop = Shop(mesh, day, patience=PATIENCE_SECONDS, pause_max=PAUSE_SECONDS_MAX)
        try:
            await shop.open()
            await shop.trade()
        except (NeverHappened, grpc.aio.AioRpcError) as failure:
            problems.append(f"{day.tag}: {failure}")
        except ExceptionGroup as failures:
            problems += [f"{day.tag}: {one}" for one in failures.exceptions]
    found = check(history)
    passed.outcomes += found.outcomes
    passed.retried += found.retried
    if found.violations:
        problems.append(f"{day.tag}: the history is refused: {found}")
    return problems


async def _unsettled(running: World, days: list[Day]) -> list[str]:
    """What is not as it must be after long; some days are looked at at one time."""
    problems: list[str] = []
    waiting = iter(days)

    async def auditor() -> None:
        for day in waiting:
            patience = Patience(QUIET_SECONDS_MAX)
            while found := await _looked(running, day):
                if patience.is_over:
                    problems.extend(f"{day.tag}: {one}" for one in found)
                    break
                await asyncio.sleep(QUIET_SECONDS)

    await asyncio.gather(*(auditor() for _ in range(TRADERS)))
    return problems


async def _looked(running: World, day: Day) -> list[str]:
    try:
        return await findings(running, day)
    except grpc.aio.AioRpcError as error:
        return [f"nobody can look: {error.code().name}"]
