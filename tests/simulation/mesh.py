"""The four services and their callers, in one thread, on simulated machines."""

import asyncio
import atexit
import shutil
import tempfile
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from random import Random
from typing import Any

from ordermesh.client.mesh import Mesh
from ordermesh.inventory.__main__ import define as define_inventory
from ordermesh.inventory.settings import InventorySettings
from ordermesh.kernel.clock import Clock
from ordermesh.notify.__main__ import Seams as NotifySeams
from ordermesh.notify.__main__ import assemble as assemble_notify
from ordermesh.notify.settings import NotifySettings
from ordermesh.returns.__main__ import Seams as ReturnsSeams
from ordermesh.returns.__main__ import assemble as assemble_returns
from ordermesh.routing.__main__ import Seams as RoutingSeams
from ordermesh.routing.__main__ import assemble as assemble_routing
from ordermesh.runtime.database import Database
from ordermesh.runtime.deadlines import seconds_left
from ordermesh.runtime.failpoints import points_of
from ordermesh.runtime.migrate import migrate
from ordermesh.runtime.server import Server, ServiceDefinition
from ordermesh.runtime.settings import ServerSettings
from tests.memory import memory
from tests.routing.house import FewPlaces
from tests.simulation.calling import connecting
from tests.simulation.history import History
from tests.simulation.loop import Process, SimulatedLoop
from tests.simulation.mailbox import Mailbox
from tests.simulation.markers import reached
from tests.simulation.network import Network, Weather
from tests.simulation.points import SimulatedPoints
from tests.simulation.quiet import LIVELY, Pace
from tests.simulation.seams import SeededIds, SimulatedClock
from tests.simulation.serving import SimulatedServer
from tests.simulation.sqlite import Disk, InlineDriver

SERVICES = ("inventory", "routing", "returns", "notify")
TARGETS = {name: name for name in SERVICES}
"""In the simulated network a server is found under the name of its service."""

PEERS = {
    "inventory": ("routing",),
    "routing": ("inventory", "returns", "notify"),
    "returns": ("inventory", "routing", "notify"),
    "notify": (),
}


STOPPING_SECONDS = 0.5
"""How often it is looked whether a process that stops has died meanwhile."""

_INSIDE, _OUTSIDE = "inside of a transaction", "and none of its work was open"


@cache
def templates() -> Path:
    """A folder with one migrated file for each service, made once by each process."""
    folder = Path(tempfile.mkdtemp(prefix="simulation-", dir=memory()))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    for name in SERVICES:
        url = f"sqlite+aiosqlite:///{folder / name}.db"
        asyncio.run(migrate(url, script_location=f"ordermesh.{name}:migrations"))
    return folder


class Node:
    """One service on its machine: a file, a clock, and a process that comes and goes."""

    def __init__(self, name: str, machines: "Machines", folder: Path) -> None:
        self.name = name
        self.path = folder / f"{name}.db"
        shutil.copyfile(templates() / f"{name}.db", self.path)
        self.clock = SimulatedClock(machines.loop)
        self.disk = Disk(
            machines.chance("disk", name),
            lambda rows: machines.history.add(name, "commits", f"{rows} rows"),
        )
        self.incarnations = 0
        self.process: Process | None = None
        self._machines = machines
        self._driver: InlineDriver | None = None
        self._database: Database | None = None
        self._server: Server | None = None

    @property
    def is_up(self) -> bool:
        """Whether its process lives."""
        return self.process is not None and not self.process.is_dead

    def start_again(self) -> None:
        """Start it, unless it is up."""
        if not self.is_up:
            self.start()

    def start(self) -> None:
        """Start a new process on what the disk has kept."""
        self.incarnations += 1
        self.process = self._machines.process(self.name, self.incarnations)
        self._machines.history.add(self.name, "starts", f"incarnation {self.incarnations}")
        loop = self._machines.loop
        loop.create_task(self._boot(), context=self.process.context())

    def kill(self) -> None:
        """End the process at this instant; its memory is lost, and what was not committed."""
        if self.process is None or self.process.is_dead:
            return
        self._machines.history.add(self.name, "dies")
        self._machines.loop.kill(self.process)
        if self._driver is not None:
            is_inside = self._driver.kill()
            reached(f"a process died {_INSIDE if is_inside else _OUTSIDE}")
        if self._database is not None and self._database._lock_file is not None:
            # The system gives back what a dead process had locked.
            self._database._lock_file.close()
        self._machines.network.died(self.process)

    async def _boot(self) -> None:
        machines, process = self._machines, self.process
        assert process is not None
        random = machines.chance(self.name, str(self.incarnations))
        while True:
            try:
                self._driver = InlineDriver(self.disk)
                self._database = await Database.open(
                    f"sqlite+aiosqlite:///{self.path}",
                    clock=self.clock,
                    random=random,
                    ids=SeededIds(self.clock, random),
                    driver=self._driver,
                )
                break
            except Exception as error:  # noqa: BLE001 - whoever watches over it starts it again
                machines.history.add(self.name, "fails", f"to start: {error}")
                await asyncio.sleep(1.0)
        mesh = machines.mesh(self.name, PEERS[self.name], self.clock)
        definition = _MAKERS[self.name](machines, self, self._database, random, mesh)
        transport: Callable[..., Any] = partial(SimulatedServer, machines.network, process)
        self._server = Server(definition, _server_settings(), self.clock, transport=transport)
        await self._server.start()
        machines.history.add(self.name, "serves")

    async def stop(self) -> None:
        """End in good order, as after SIGTERM."""
        server, process = self._server, self.process
        if server is None or process is None:
            return
        task = self._machines.loop.create_task(server.stop(), context=process.context())
        while not task.done() and not process.is_dead:
            await asyncio.wait([task], timeout=STOPPING_SECONDS)
        # It may have died of another fault on the way, and have been started again.
        if not process.is_dead:
            self._machines.history.add(self.name, "stops")
            self.kill()


class Machines:
    """Everything that a run consists of."""

    def __init__(
        self,
        seed: str,
        loop: SimulatedLoop,
        history: History,
        weather: Weather,
        folder: Path,
        pace: Pace = LIVELY,
    ) -> None:
        self.seed = seed
        self.pace = pace
        self.loop = loop
        self.history = history
        self.network = Network(loop, self.chance("network"), history, weather)
        self.mailbox = Mailbox(loop, self.chance("mailbox"), history)
        self.points = SimulatedPoints(self)
        self.nodes = {name: Node(name, self, folder) for name in SERVICES}

    def chance(self, *purpose: str) -> Random:
        """A source of chance that is nobody else's: what others draw changes nothing here."""
        return Random("/".join((self.seed, *purpose)))

    def process(self, name: str, incarnation: int = 1) -> Process:
        """A new process."""
        process = Process(name, incarnation)
        self.loop.processes.append(process)
        return process

    def mesh(
        self, caller: str, targets: Sequence[str] = SERVICES, clock: Clock | None = None
    ) -> Mesh:
        """The mesh as a caller sees it; a service hands in its clock, for the calls it makes."""
        return Mesh(
            {name: TARGETS[name] for name in targets},
            caller=caller,
            connect=connecting(self.network),
            seconds_left=_endless if clock is None else seconds_left(clock),
        )


def _endless() -> None:
    """Customers are no part of another call."""


def _inventory(
    machines: Machines, node: Node, database: Database, random: Random, mesh: Mesh
) -> ServiceDefinition:
    return define_inventory(database, node.clock, _inventory_settings(machines.pace), mesh)


def _routing(
    machines: Machines, node: Node, database: Database, random: Random, mesh: Mesh
) -> ServiceDefinition:
    seams = RoutingSeams(
        database=database,
        clock=node.clock,
        ids=database.ids,
        random=random,
        mesh=mesh,
        peers=frozenset({"returns", "notify"}),
        at=points_of("routing"),
    )
    return assemble_routing(seams, FewPlaces())


def _returns(
    machines: Machines, node: Node, database: Database, random: Random, mesh: Mesh
) -> ServiceDefinition:
    peers = frozenset({"notify"})
    return assemble_returns(
        ReturnsSeams(database, node.clock, random, mesh, peers, points_of("returns"))
    )


def _notify(
    machines: Machines, node: Node, database: Database, random: Random, mesh: Mesh
) -> ServiceDefinition:
    seams = NotifySeams(database, node.clock, random, points_of("notify"))
    return assemble_notify(seams, _notify_settings(), machines.mailbox)


# Settings are read once: what is read is the same in each run, and takes as long as its orders.
@cache
def _server_settings() -> ServerSettings:
    return ServerSettings(database_url="sqlite+aiosqlite:///unused.db", grace_seconds=5.0)


@cache
def _inventory_settings(pace: Pace) -> InventorySettings:
    return InventorySettings(
        port=0,
        peers={"routing": TARGETS["routing"]},
        sweep_seconds=pace.sweep,
        audit_seconds=pace.audit,
    )


@cache
def _notify_settings() -> NotifySettings:
    return NotifySettings(port=0)


_MAKERS = {"inventory": _inventory, "routing": _routing, "returns": _returns, "notify": _notify}
