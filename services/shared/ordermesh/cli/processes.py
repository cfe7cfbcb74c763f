"""The services of a mesh as child processes: started, watched, restarted and stopped."""

import asyncio
import os
import random
import signal
import socket
import sys
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from ordermesh.cli.health import is_serving
from ordermesh.cli.place import PORTS, Address, MeshDirectory, MeshRecord

SENDER_ADDRESS, SENDER_NAME = "orders@shop.example", "The sample shop"
"""Who mails are from."""

START_SECONDS = 60.0
STOP_SECONDS = 30.0
RESTART_SECONDS_MAX = 10.0
HEALTHY_SECONDS = 60.0
"""A service that has lived so long starts again without a long pause when it dies, by default."""

_LOG_TAIL_LINES = 15
_LOG_BYTES_MAX = 50_000_000
_POLL_SECONDS = 0.05
# Below the ports that systems give to outgoing connections: a client that tries to reach a service
# which is away can never be given its port.
_FREE_PORTS = range(20_000, 32_000)


class ServiceFailed(Exception):
    """A service did not start; the message holds the end of its log."""


class PortsTaken(Exception):
    """Others listen where services should."""


@dataclass
class Child:
    """One service and the process it runs in. ``start_time`` is of the loop's clock."""

    name: str
    target: str
    process: asyncio.subprocess.Process
    start_time: float


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """A port for each name that nobody listens on at this moment."""
    chosen: dict[str, int] = {}
    candidates = iter(random.sample(_FREE_PORTS, len(_FREE_PORTS)))  # a guess is not a secret
    for name in names:
        chosen[name] = next(port for port in candidates if _is_free(port))
    return chosen


def refuse_taken(ports: Mapping[str, int]) -> None:
    """Raise ``PortsTaken`` unless all these ports are free."""
    taken = [f"{port} ({name})" for name, port in ports.items() if not _is_free(port)]
    if taken:
        raise PortsTaken(
            f"Something listens on {', '.join(taken)} already. Stop it, or let --free-ports take"
            " others."
        )


@dataclass
class MeshProcesses:
    """The child processes of one mesh on one directory.

    ``ports`` names every service of the mesh, ``names`` those that are started here: the others
    are expected on their ports. ``tell`` is given a sentence whenever something happens.
    """

    directory: MeshDirectory
    ports: Mapping[str, int]
    otlp_endpoint: str | None
    tell: Callable[[str], None]
    names: Collection[str] = tuple(PORTS)
    mail_port: int | None = None
    """Where the notify service hands its mails over; None leaves it without a way to send."""

    trace_sql: bool = False
    """Whether every SQL statement of the services has a span."""

    redis_url: str | None = None
    """Where the inventory service keeps a copy for readers; None lets it keep none."""

    healthy_seconds: float = HEALTHY_SECONDS
    """After how long a life a service that dies is started again without a long pause."""

    start_seconds: float = START_SECONDS
    """How long a service may take until it serves."""

    children: dict[str, Child] = field(default_factory=dict)
    deaths: dict[str, int] = field(default_factory=dict)
    """How often each service has ended without being asked to."""

    _is_stopping: bool = field(default=False, init=False)

    @property
    def addresses(self) -> dict[str, Address]:
        """Where each service answers; the process is 0 for one that was not started here."""
        return {
            name: Address(target, self.children[name].process.pid if name in self.children else 0)
            for name, target in self.targets.items()
        }

    @property
    def targets(self) -> dict[str, str]:
        """The address of each service, started or not."""
        return {name: f"127.0.0.1:{port}" for name, port in self.ports.items()}

    async def start(self) -> None:
        """Start all of them at once; returns when each one serves.

        Raises ``ServiceFailed`` when one ends, or does not serve in time.
        """
        results = await asyncio.gather(
            *(self.start_one(name) for name in self.names), return_exceptions=True
        )
        for failure in results:
            if isinstance(failure, BaseException):
                await self.stop()
                raise failure

    async def start_one(self, name: str) -> Child:
        """Start one service, or start it again, on its port; returns when it serves.

        Raises ``ServiceFailed``.
        """
        log_file = self.directory.log_file(name)
        offset = _open_log(log_file)
        process = await self._spawn(name, log_file)
        try:
            await self._until_listening(name, process, log_file, offset)
        except BaseException:
            await _end(process)
            raise
        child = Child(name, self.targets[name], process, asyncio.get_running_loop().time())
        self.children[name] = child
        return child

    async def watch(self, changed: Callable[[], None]) -> None:
        """Start again what dies, after a growing pause; calls ``changed`` then. Never returns."""
        await asyncio.gather(*(self._watch_one(name, changed) for name in self.names))

    async def stop(self) -> None:
        """Ask all to end, and end those that do not."""
        self._is_stopping = True
        await asyncio.gather(*(_end(child.process) for child in self.children.values()))

    async def _spawn(self, name: str, log_file: Path) -> asyncio.subprocess.Process:
        with log_file.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                f"ordermesh.{name}",
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env=self._environment(name),
                # Ctrl+C reaches the command alone, which then stops its services in good order.
                start_new_session=True,
            )

    async def _until_listening(
        self, name: str, process: asyncio.subprocess.Process, log_file: Path, offset: int
    ) -> None:
        deadline = asyncio.get_running_loop().time() + self.start_seconds
        wanted = f"ordermesh {name} listening on ".encode()
        while wanted not in _written(log_file, offset):
            if process.returncode is not None:
                raise ServiceFailed(
                    f"{name} ended with {process.returncode} before it served. The end of"
                    f" {log_file}:\n{tail(log_file)}"
                )
            if asyncio.get_running_loop().time() > deadline:
                raise ServiceFailed(
                    f"{name} did not serve within {self.start_seconds:.0f} s. The end of"
                    f" {log_file}:\n"
                    f"{tail(log_file)}"
                )
            await asyncio.sleep(_POLL_SECONDS)
        if not await is_serving(self.targets[name], seconds=self.start_seconds):
            raise ServiceFailed(
                f"{name} listens and does not say that it serves. The end of {log_file}:\n"
                f"{tail(log_file)}"
            )

    async def _watch_one(self, name: str, changed: Callable[[], None]) -> None:
        loop = asyncio.get_running_loop()
        attempts = 0
        while True:
            child = self.children[name]
            code = await child.process.wait()
            if self._is_stopping:
                return
            attempts = 0 if loop.time() - child.start_time > self.healthy_seconds else attempts
            self.deaths[name] = self.deaths.get(name, 0) + 1
            how = f"was killed by signal {-code}" if code < 0 else f"ended with {code}"
            log_file = self.directory.log_file(name)
            while True:
                pause = min(RESTART_SECONDS_MAX, 0.5 * 2.0**attempts)
                attempts += 1
                self.tell(f"{name} {how}; it is started again in {pause:.1f} s. See {log_file}.")
                await asyncio.sleep(pause)
                try:
                    await self.start_one(name)
                    break
                except ServiceFailed as failure:
                    self.tell(str(failure))
                    how = "did not start"
            self.tell(f"{name} serves again on {self.targets[name]}.")
            changed()

    def _environment(self, name: str) -> dict[str, str]:
        file = self.directory.database_file(name).absolute()
        settings = {
            "ENVIRONMENT": "development",
            "HOST": "127.0.0.1",
            "PORT": str(self.ports[name]),
            "DATABASE_URL": f"sqlite+aiosqlite:///{file}",
        }
        if self.otlp_endpoint is not None:
            settings["OTLP_ENDPOINT"] = self.otlp_endpoint
        if self.trace_sql:
            settings["TRACE_SQL"] = "true"
        if name == "notify" and self.mail_port is not None:
            settings |= {
                "SMTP_HOST": "127.0.0.1",
                "SMTP_PORT": str(self.mail_port),
                "SMTP_SECURITY": "none",
                "SENDER_ADDRESS": SENDER_ADDRESS,
                "SENDER_NAME": SENDER_NAME,
            }
        if name == "inventory" and self.redis_url is not None:
            settings["REDIS_URL"] = self.redis_url
        for peer, target in self.targets.items():
            if peer != name:
                settings[f"PEERS__{peer.upper()}"] = target
        prefix = f"ORDERMESH_{name.upper()}_"
        # What was meant for one service by whoever calls the command must not reach another mesh.
        prefixes = tuple(f"ORDERMESH_{service.upper()}_" for service in PORTS)
        inherited = {
            key: value for key, value in os.environ.items() if not key.startswith(prefixes)
        }
        return {
            **inherited,
            "PYTHONUNBUFFERED": "1",
            **{prefix + key: value for key, value in settings.items()},
        }


async def end_left_behind(record: MeshRecord) -> list[str]:
    """End the services of a mesh whose command has died; gives their names.

    A process is ended only when its own command line says that it is that service.
    """
    ended = []
    for name, address in record.services.items():
        if not _is_service(address.process_id, name):
            continue
        ended.append(name)
        os.kill(address.process_id, signal.SIGTERM)
        for _ in range(round(STOP_SECONDS / _POLL_SECONDS)):
            if not _is_service(address.process_id, name):
                break
            await asyncio.sleep(_POLL_SECONDS)
        else:
            os.kill(address.process_id, signal.SIGKILL)
    return ended


def tail(file: Path, lines: int = _LOG_TAIL_LINES) -> str:
    """The last lines of a log."""
    written = file.read_text(errors="replace").splitlines() if file.exists() else []
    return "\n".join(written[-lines:])


def _is_service(process_id: int, name: str) -> bool:
    command = Path(f"/proc/{process_id}/cmdline")
    try:
        return f"ordermesh.{name}".encode() in command.read_bytes().split(b"\0")
    except OSError:
        return False


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _open_log(file: Path) -> int:
    """Where the next start writes in the log. A large log is put aside first."""
    file.parent.mkdir(parents=True, exist_ok=True)
    size = file.stat().st_size if file.exists() else 0
    if size > _LOG_BYTES_MAX:
        file.replace(file.with_suffix(".old.log"))
        return 0
    return size


def _written(file: Path, offset: int) -> bytes:
    with file.open("rb") as log:
        log.seek(offset)
        return log.read()


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    try:
        process.send_signal(signal.SIGTERM)
        await asyncio.wait_for(process.wait(), STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
    except ProcessLookupError:
        await process.wait()
