"""A mesh of real processes whose services can be made to fail, on SQLite or on PostgreSQL."""

import asyncio
import contextlib
import itertools
import shutil
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from ordermesh.api.inventory.v1 import PutLocationsRequest
from ordermesh.api.routing.v1 import PutNetworkLocationsRequest, ReturnHandling
from ordermesh.cli.mail import MailSink, read_mail
from ordermesh.cli.place import PORTS, MeshDirectory
from ordermesh.cli.processes import HEALTHY_SECONDS, MeshProcesses, free_ports
from ordermesh.client import Mesh
from ordermesh.runtime.engines import Dialect
from tests import postgres
from tests.failpoints.cells import Cell
from tests.memory import memory
from tests.routing.house import PLACES, entry, location, new_id

START_SECONDS = 300.0
"""On a machine that is busy; and who is killed while it starts has to begin again."""

SAME_INSTANT_NS = 1_000_000_000

SMTP_SECONDS = "2"
"""What a mail server gets to answer. The lease of a sender is three times as long and some more,
and what a dead one had begun waits for its end."""


class FailingProcesses(MeshProcesses):
    """Processes that follow plans of faults, each in a file of its own."""

    urls: Mapping[str, str]

    def faults_file(self, name: str) -> Path:
        """Where the faults of a service are written."""
        return self.directory.path / f"{name}.faults"

    def _environment(self, name: str) -> dict[str, str]:
        prefix = f"ORDERMESH_{name.upper()}_"
        settings = super()._environment(name)
        settings[f"{prefix}FAILPOINTS"] = f"file:{self.faults_file(name)}"
        if name in self.urls:
            settings[f"{prefix}DATABASE_URL"] = self.urls[name]
        if name == "notify":
            settings[f"{prefix}SMTP_SECONDS"] = SMTP_SECONDS
        return settings


@dataclass
class World:
    """A running mesh, and what it takes to break it and to look at it."""

    dialect: Dialect
    processes: FailingProcesses
    mesh: Mesh
    mails: Path
    said: list[str]
    _numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))
    _read: set[Path] = field(default_factory=set)
    _arrived: Counter[str] = field(default_factory=Counter)
    _listed: int = 0

    @property
    def database_urls(self) -> dict[str, str]:
        """The database of each service."""
        directory = self.processes.directory
        files = {
            name: f"sqlite+aiosqlite:///{directory.database_file(name).absolute()}"
            for name in PORTS
        }
        return {**files, **self.processes.urls}

    @asynccontextmanager
    async def failing(self, cell: Cell) -> "AsyncIterator[Fault]":
        """A fault that can happen while the block lasts."""
        file = self.processes.faults_file(cell.service)
        log = self.processes.directory.log_file(cell.service)
        fault = Fault(self, cell, log, log.stat().st_size, self.deaths(cell.service))
        # Another comment makes another file: passings are counted from here on.
        _replace(file, f"{cell.faults} # {next(self._numbers)}")
        try:
            yield fault
        finally:
            _replace(file, f"# {next(self._numbers)}")

    def mails_of(self, notification_id: str) -> int:
        """How many mails of a notification have arrived.

        Of a long storm there are many: they are listed again only when another has come.
        """
        changed = self.mails.stat().st_mtime_ns
        if changed != self._listed:
            # Clocks of files are coarse: what comes at the same instant is looked for once more.
            self._listed = changed if time.time_ns() - changed > SAME_INSTANT_NS else 0
            for file in self.mails.glob("*.eml"):
                if file not in self._read:
                    self._read.add(file)
                    name = read_mail(file)["message_id"].strip("<>").partition("@")[0]
                    self._arrived[name] += 1
        return self._arrived[notification_id]

    def deaths(self, service: str) -> int:
        """How often a service has died."""
        return self.processes.deaths.get(service, 0)

    def is_whole(self) -> bool:
        """Whether every service runs."""
        return all(child.process.returncode is None for child in self.processes.children.values())


@dataclass
class Fault:
    """A fault that is armed in one service."""

    world: World
    cell: Cell
    log: Path
    offset: int
    deaths: int
    """How often the service had died before."""

    @property
    def is_overcome(self) -> bool:
        """Whether the service has died and serves again."""
        return self.world.deaths(self.cell.service) > self.deaths and self.world.is_whole()

    @property
    def passings(self) -> int:
        """How often it has happened, as the service itself has said."""
        with self.log.open("rb") as log:
            log.seek(self.offset)
            said = log.read().decode(errors="replace")
        return said.count(f"failpoint {self.cell.point}: {self.cell.action} at passing ")


def _replace(file: Path, text: str) -> None:
    fresh = file.with_suffix(".new")
    fresh.write_text(text)
    fresh.replace(file)


@asynccontextmanager
async def world(
    dialect: Dialect,
    tell: Callable[[str], None],
    *,
    urls: Mapping[str, str] | None = None,
    healthy_seconds: float = HEALTHY_SECONDS,
) -> AsyncIterator[World]:
    """Start a mesh with four locations that ship; its folder and databases go with it.

    ``urls`` are databases of each service that exist already. Raises ``LookupError`` where there is
    no PostgreSQL.
    """
    room = Path(tempfile.mkdtemp(prefix="ordermesh-failpoints-", dir=memory()))
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(shutil.rmtree, room, ignore_errors=True)
        if urls is None:
            urls = _postgres(stack) if dialect == "postgresql" else {}
        directory = MeshDirectory(room / "mesh")
        directory.path.mkdir()
        sink = MailSink(directory.mail_folder)
        mail_port = await sink.start()
        stack.push_async_callback(sink.stop)
        said: list[str] = []
        processes = FailingProcesses(
            directory,
            free_ports(PORTS),
            None,
            said.append,
            mail_port=mail_port,
            healthy_seconds=healthy_seconds,
            start_seconds=START_SECONDS,
        )
        processes.urls = urls
        for name in PORTS:
            processes.faults_file(name).write_text("")
        stack.push_async_callback(processes.stop)
        await processes.start()
        watching = asyncio.create_task(processes.watch(lambda: None))
        stack.push_async_callback(_ended, watching)
        mesh = await stack.enter_async_context(Mesh(processes.targets, caller="matrix"))
        await _open_shop(mesh)
        tell(f"A mesh runs on {dialect}.")
        yield World(dialect, processes, mesh, directory.mail_folder, said)


def _postgres(stack: contextlib.AsyncExitStack) -> dict[str, str]:
    server = postgres.open_server()
    if server is None:
        raise LookupError("There is no PostgreSQL.")
    stack.callback(server.close)
    urls = {}
    for name in PORTS:
        database = server.create()
        stack.callback(server.drop, database)
        urls[name] = server.url(database)
    return urls


async def _ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


async def _open_shop(mesh: Mesh) -> None:
    await mesh.locations.PutLocations(
        PutLocationsRequest(request_id=new_id(), locations=[location(name) for name in PLACES])
    )
    await mesh.network.PutNetworkLocations(
        PutNetworkLocationsRequest(
            request_id=new_id(),
            locations=[
                entry(
                    name,
                    priority=rank,
                    return_handling=ReturnHandling.RETURN_HANDLING_RESTOCK,
                )
                for rank, name in enumerate(PLACES, 1)
            ],
        )
    )
