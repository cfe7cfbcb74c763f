"""One run of one seed: the mesh, its customers, what goes wrong, and the audit at the end."""

import asyncio
import shutil
import tempfile
from collections import Counter
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from tests.memory import memory
from tests.simulation import events, invariants, markers
from tests.simulation import faults as trouble
from tests.simulation.asking import Caller, Notebook
from tests.simulation.auditor import audit
from tests.simulation.books import Books
from tests.simulation.faults import Fault, FaultWeather, Kind
from tests.simulation.history import History
from tests.simulation.loop import Livelock, SimulatedLoop, Standstill
from tests.simulation.mesh import SERVICES, Machines
from tests.simulation.points import installed
from tests.simulation.quiet import PACES, Pace, quietly
from tests.simulation.stories.desks import Desk
from tests.simulation.stories.keepers import Keeper
from tests.simulation.stories.platforms import Browser, Platform
from tests.simulation.stories.shops import Shop
from tests.simulation.stories.warehouses import Warehouse
from tests.simulation.stories.world import LOCATIONS, prepare

FAULTS_BEGIN_SECONDS = 1.5
SETTLE_SECONDS_MAX = 900.0
"""After the last fault everything is done within this time, or the run is a failure."""

STORIES_SECONDS_MAX = 1_800.0
"""All stories and faults have ended by then, or somebody waits for ever."""

WATCH_SECONDS = 5.0

SHORT_SEEDS = 200
"""So many seeds, those that every change runs, tell short stories."""


@dataclass(frozen=True)
class Scale:
    """How much goes on in a run: ``customers`` of each shop, deeds of a keeper, returns.

    Most runs are small ones: a fault needs few orders to show, and what other stories do hides it
    as often as it brings it out. Some have no keeper or no returns at all.
    """

    seconds: float
    shops: int
    customers: int
    deeds: int
    returns: int
    replays: int
    alterations: int
    hurry: float = 0.0

    @classmethod
    def short(cls, random: Random) -> "Scale":
        """That of a run at every change: an order or two, and what is done to them."""
        return cls(
            seconds=8.0,
            shops=random.choice((1, 1, 1, 1, 2)),
            customers=random.choice((1, 2, 2, 3)),
            deeds=random.choice((0, 0, 1, 2)),
            returns=random.choice((0, 1, 2)),
            replays=3,
            alterations=1,
        )

    @classmethod
    def drawn(cls, random: Random) -> "Scale":
        """That of a run."""
        share = random.choice((0.3, 0.3, 0.3, 0.5, 0.5, 1.0))
        return cls(
            seconds=40.0 * share,
            shops=random.choice((1, 2)),
            customers=max(2, round(6 * share)),
            deeds=random.choice((0, 1, 1, 1)) * round(10 * share),
            returns=random.choice((0, 1, 1)) * max(2, round(4 * share)),
            replays=round(15 * share),
            alterations=2,
            hurry=0.01,
        )


@dataclass
class Result:
    """What came of a run."""

    seed: int
    faults: list[Fault]
    history: History
    violations: list[str] = field(default_factory=list)
    seconds: float = 0.0
    steps: int = 0
    notebook: Notebook = field(default_factory=Notebook)
    struck: dict[str, int] = field(default_factory=dict)
    reached: Counter[str] = field(default_factory=Counter)

    @property
    def operations(self) -> int:
        """How many requests callers made that change something."""
        return sum(one.attempts for one in self.notebook.told)

    @property
    def command(self) -> str:
        """What runs it again."""
        numbers = ",".join(str(one.number) for one in self.faults)
        return f"python -m tests.simulation --seed {self.seed} --faults {numbers or '-'}"


def run(seed: int, only: Collection[int] | None = None) -> Result:
    """Run a seed, with all of its faults or only those of these numbers."""
    random = Random(f"{seed}/shape")
    scale = Scale.short(random) if seed <= SHORT_SEEDS else Scale.drawn(random)
    chance = Random(f"{seed}/faults")
    planned = trouble.plan(chance, SERVICES, FAULTS_BEGIN_SECONDS, scale.seconds)
    faults = [one for one in planned if only is None or one.number in only]
    shuffles = random.random() < 0.5
    pace = random.choice(PACES)
    with quietly(pace):
        return _run(seed, faults, scale, pace, shuffles=shuffles)


def _run(seed: int, faults: list[Fault], scale: Scale, pace: Pace, *, shuffles: bool) -> Result:
    name = str(seed)
    loop = SimulatedLoop(Random(f"{name}/loop"), shuffles=shuffles)
    history = History(loop.time)
    result = Result(seed, faults, history)
    folder = Path(tempfile.mkdtemp(prefix="simulated-", dir=memory()))
    weather = FaultWeather(name)
    markers.take()
    machines = Machines(name, loop, history, weather, folder, pace)
    asyncio.set_event_loop(loop)
    try:
        with installed(machines.points):
            loop.run_until_complete(_Run(machines, weather, result, scale).everything())
    except (Standstill, Livelock, TimeoutError) as error:
        result.violations.append(f"The run came to no end: {type(error).__name__}.")
    finally:
        result.seconds, result.steps = loop.time(), loop.step_count
        history.end()
        loop.bury()
        asyncio.set_event_loop(None)
        with suppress(Exception):
            loop.close()
        shutil.rmtree(folder, ignore_errors=True)
    return result


class _Run:
    def __init__(
        self, machines: Machines, weather: FaultWeather, result: Result, scale: Scale
    ) -> None:
        self._scale = scale
        self._machines = machines
        self._weather = weather
        self._result = result
        self._callers = 0
        self._tasks: list[asyncio.Task[Any]] = []
        self._warehouses: list[Warehouse] = []
        self._platforms: list[Platform] = []

    async def everything(self) -> None:
        machines, result = self._machines, self._result
        for node in machines.nodes.values():
            node.start()
        # The bench where runs are judged belongs to no process, and is never hurt.
        prepared = self._start(prepare, self._caller("preparer"))
        await prepared
        books = Books({name: node.path for name, node in machines.nodes.items()})
        try:
            striking = [
                machines.loop.create_task(trouble.strike(one, machines, self._weather))
                for one in result.faults
            ]
            stories = self._begin_stories()
            watching = machines.loop.create_task(self._watch(books))
            async with asyncio.timeout(STORIES_SECONDS_MAX):
                await asyncio.gather(*striking)
                self._heal()
                await asyncio.gather(*stories)
                await self._start(self._ask_again, self._caller("archivist"))
            for warehouse in self._warehouses:
                warehouse.is_willing = False
            await self._settle(books)
            watching.cancel()
            result.struck = self._strikes()
            result.violations.extend(await audit(machines, books, result.notebook, self._platforms))
            result.reached = markers.take()
        finally:
            books.close()

    async def _ask_again(self, archivist: Caller) -> None:
        """Old requests come once more, those too of which nobody knows what became."""
        told = list(self._result.notebook.told)
        for one in archivist.random.sample(told, min(len(told), self._scale.replays)):
            await archivist.ask_again(one)
        decided = [one for one in told if one.is_ok]
        for one in archivist.random.sample(decided, min(len(decided), self._scale.alterations)):
            await archivist.ask_altered(one)

    async def _watch(self, books: Books) -> None:
        """What is always true is true in the middle of everything."""
        while True:
            await asyncio.sleep(WATCH_SECONDS)
            broken = invariants.broken(books, at_rest=False)
            if broken:
                now = f"{self._machines.loop.time():.3f}"
                self._result.violations.extend(f"At {now}: {sentence}" for sentence in broken)
                return

    def _begin_stories(self) -> "list[asyncio.Task[Any]]":
        scale, finite = self._scale, []
        for number in range(1, scale.shops + 1):
            shopper = self._caller(f"shop{number}")
            shop = Shop(shopper, scale.customers, scale.seconds, hurry=scale.hurry)
            finite.append(self._start(shop.run))
        if scale.deeds:
            keeper = Keeper(self._caller("keeper"), scale.deeds, scale.seconds)
            finite.append(self._start(keeper.run))
        if scale.returns:
            desk = Desk(self._caller("desk"), scale.returns, scale.seconds)
            finite.append(self._start(desk.run))
        for name in ("inventory", "routing"):
            self._platforms.append(Platform(self._caller(f"erp of {name}"), name))
            self._tasks.append(self._start(self._platforms[-1].run))
        self._tasks.append(self._start(Browser(self._caller("browser")).run))
        for name in LOCATIONS:
            warehouse = Warehouse(self._caller(f"at {name}"), name)
            self._warehouses.append(warehouse)
            self._tasks.append(self._start(warehouse.run))
        return finite

    def _caller(self, name: str) -> Caller:
        machines = self._machines
        return Caller(
            name,
            machines.mesh("developer"),
            machines.chance("caller", name),
            machines.history,
            self._result.notebook,
        )

    def _start(self, story: Any, *arguments: Any) -> "asyncio.Task[Any]":
        """Each caller is a process of its own."""
        process = self._machines.process("customer")
        caller = next((one for one in arguments if isinstance(one, Caller)), None)
        owner = caller or getattr(getattr(story, "__self__", None), "_caller", None)
        if isinstance(owner, Caller):
            process.name = owner.name
        return self._machines.loop.create_task(story(*arguments), context=process.context())

    def _heal(self) -> None:
        for node in self._machines.nodes.values():
            node.disk.is_full = False
            node.clock.offset_seconds = 0.0
            if node.process is not None and node.process.is_paused:
                self._machines.loop.wake(node.process)
            node.start_again()
        self._machines.history.add("fate", "fault", "none from here on")

    async def _settle(self, books: Books) -> None:
        end = self._machines.loop.time() + SETTLE_SECONDS_MAX
        # Who follows a feed may first have to notice that its connection is no more.
        while left := [*books.unfinished(), *events.behind(books, self._platforms)]:
            if self._machines.loop.time() > end:
                self._result.violations.append(f"It never came to rest: {'; '.join(left)}.")
                return
            await asyncio.sleep(1.0)

    def _strikes(self) -> dict[str, int]:
        struck = dict(self._weather.counts)
        for fault in self._result.faults:
            if fault.kind in (Kind.CRASH, Kind.RESTART, Kind.PAUSE, Kind.STEP, Kind.MAIL):
                struck[fault.kind] = struck.get(fault.kind, 0) + 1
        if self._machines.points.struck:
            struck[Kind.POINT] = self._machines.points.struck
        refusals = sum(node.disk.refusals for node in self._machines.nodes.values())
        if refusals:
            struck[Kind.DISK_FULL] = refusals
        for kind in struck:
            markers.reached(f"fault {kind}")
        return struck
