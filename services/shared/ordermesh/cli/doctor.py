"""`ordermesh doctor`: what is well, what is not, and what to do about it."""

import asyncio
import importlib.metadata
import shutil
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path

import grpc
from rich.table import Table
from rich.text import Text

from ordermesh.api.inventory.v1 import ListItemsRequest, ListSourcesRequest, StockSourceState
from ordermesh.api.routing.v1 import GetNetworkOverviewRequest
from ordermesh.cli.calls import open_mesh, words
from ordermesh.cli.health import state_of
from ordermesh.cli.place import PORTS, MeshDirectory, MeshRecord
from ordermesh.cli.processes import PortsTaken, refuse_taken
from ordermesh.cli.tables import add_row, new_table
from ordermesh.client import CopyAway, Mesh, StockCopy

DISK_BYTES_MIN = 1_000_000_000
CLOCK_SECONDS_MAX = 5.0
SILENCE_SECONDS_MAX = 30.0
LAG_SECONDS_MAX = 8.0
COPY_SECONDS_MAX = 10.0

_CALL_SECONDS = 5.0
_PACKAGES = ("ordermesh", "grpcio", "protobuf", "sqlalchemy", "ortools", "opentelemetry-sdk")
_PYTHON_MIN = (3, 11)


class Verdict(StrEnum):
    """How it stands."""

    WELL = "well"
    DOUBTFUL = "doubtful"
    WRONG = "wrong"


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at; ``advice`` is empty where all is well."""

    subject: str
    verdict: Verdict
    fact: str
    advice: str = ""


async def examine(directory: MeshDirectory, redis_url: str | None = None) -> list[Finding]:
    """Look at this machine, and at the mesh that runs on the directory, if one does.

    At the copy in Redis, too, where one is configured.
    """
    findings = [*_machine(directory), *_clock(directory)]
    record = directory.read()
    if record is None:
        findings += list(_no_mesh(directory))
    else:
        findings += await _services(record)
        async with open_mesh(record.targets) as mesh:
            findings += await _following(mesh)
            findings += await sources(mesh)
    if redis_url is not None:
        findings.append(await _copy(redis_url))
    findings += await asyncio.to_thread(lambda: list(_databases(directory)))
    return findings


def finding_table(findings: list[Finding]) -> Table:
    """The findings, with what to do."""
    colours = {Verdict.WELL: "green", Verdict.DOUBTFUL: "yellow", Verdict.WRONG: "bold red"}
    table = new_table(("what", "how", "fact", "what to do"))
    for one in findings:
        verdict = Text(one.verdict, style=colours[one.verdict])
        add_row(table, one.subject, verdict, one.fact, one.advice)
    return table


def as_rows(findings: list[Finding]) -> list[dict[str, str]]:
    """The findings for programs."""
    return [asdict(one) for one in findings]


def is_sound(findings: list[Finding]) -> bool:
    """Whether nothing is wrong; doubts are allowed."""
    return all(one.verdict is not Verdict.WRONG for one in findings)


def _machine(directory: MeshDirectory) -> Iterator[Finding]:
    version = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info[:2] >= _PYTHON_MIN:
        yield Finding("python", Verdict.WELL, version)
    else:
        yield Finding("python", Verdict.WRONG, version, "Install Python 3.11 or newer.")
    installed = ", ".join(f"{name} {_version(name)}" for name in _PACKAGES)
    if all(_version(name) for name in _PACKAGES):
        yield Finding("packages", Verdict.WELL, installed)
    else:
        advice = "Install the extra `all`: pip install 'ordermesh[all]'."
        yield Finding("packages", Verdict.DOUBTFUL, installed, advice)
    place = directory.path if directory.path.exists() else Path()
    free = shutil.disk_usage(place).free
    fact = f"{free / 1e9:.1f} GB free at {directory.path}"
    if free >= DISK_BYTES_MIN:
        yield Finding("disk", Verdict.WELL, fact)
    else:
        yield Finding("disk", Verdict.WRONG, fact, "Make room, or take another --directory.")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""


def _clock(directory: MeshDirectory) -> Iterator[Finding]:
    """Files that were written in the future tell of a clock that went back."""
    now = time.time()
    ahead = max((file.stat().st_mtime - now for file in directory.path.glob("*.db*")), default=0.0)
    fact = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(now))
    if ahead <= CLOCK_SECONDS_MAX:
        yield Finding("clock", Verdict.WELL, fact)
    else:
        advice = "Set the clock right: holds and leases go by it."
        yield Finding("clock", Verdict.WRONG, f"{fact}; files are {ahead:.0f} s ahead", advice)


def _no_mesh(directory: MeshDirectory) -> Iterator[Finding]:
    left = directory.left_behind()
    if left is not None:
        fact = f"process {left.command_process_id} ran a mesh and was not stopped in good order"
        advice = "`ordermesh up` stops what is left of it and starts again."
        yield Finding("mesh", Verdict.DOUBTFUL, fact, advice)
    else:
        advice = f"Start one: ordermesh up --directory {directory.path}."
        yield Finding("mesh", Verdict.DOUBTFUL, f"none runs on {directory.path}", advice)
    try:
        refuse_taken(PORTS)
    except PortsTaken as taken:
        yield Finding("ports", Verdict.DOUBTFUL, str(taken), "Or `ordermesh up --free-ports`.")
    else:
        yield Finding("ports", Verdict.WELL, "the usual ports are free")


async def _services(record: MeshRecord) -> list[Finding]:
    async def check(name: str, target: str, process_id: int) -> Finding:
        state = await state_of(target)
        fact = f"{state} on {target}, process {process_id}"
        if state == "SERVING":
            return Finding(name, Verdict.WELL, fact)
        advice = "It is started again when it dies; its log says why it did."
        return Finding(name, Verdict.WRONG, fact, advice)

    return await asyncio.gather(
        *(check(name, at.target, at.process_id) for name, at in record.services.items())
    )


async def _following(mesh: Mesh) -> list[Finding]:
    """How far routing follows inventory's items and locations."""
    advice = "See the logs of routing and inventory; routing follows again by itself."
    try:
        first = ListItemsRequest(page_size=1)
        wanted = (await mesh.items.ListItems(first, timeout=_CALL_SECONDS)).revision
        deadline = time.monotonic() + LAG_SECONDS_MAX
        while True:
            overview = await mesh.network.GetNetworkOverview(
                GetNetworkOverviewRequest(), timeout=_CALL_SECONDS
            )
            known = min(overview.item_revision, overview.location_revision)
            if known >= wanted or time.monotonic() > deadline:
                break
            await asyncio.sleep(0.2)
    except grpc.aio.AioRpcError as error:
        return [Finding("routing follows", Verdict.WRONG, words(error), advice)]
    fact = (
        f"{overview.item_count} items, {overview.known_location_count} locations, revision {known}"
        f" of {wanted}"
    )
    network = Finding(
        "network",
        Verdict.WELL if overview.shipping_location_count else Verdict.DOUBTFUL,
        f"{overview.shipping_location_count} of {overview.location_count} locations ship",
        "" if overview.shipping_location_count else "Nothing can be sourced: ordermesh load.",
    )
    silence = time.time() - overview.heard_time.ToNanoseconds() / 1e9
    if not overview.HasField("heard_time") or silence > SILENCE_SECONDS_MAX:
        said = f"{fact}; inventory was not heard of for {silence:.0f} s"
        return [Finding("routing follows", Verdict.WRONG, said, advice), network]
    if known < wanted:
        return [Finding("routing follows", Verdict.DOUBTFUL, fact, advice), network]
    return [Finding("routing follows", Verdict.WELL, fact), network]


async def sources(mesh: Mesh) -> list[Finding]:
    """Which systems outside have fallen silent, and what they told that cannot be right."""
    found: list[StockSourceState] = []
    token = ""
    try:
        while True:
            request = ListSourcesRequest(page_size=1_000, page_token=token)
            page = await mesh.feeds.ListSources(request, timeout=_CALL_SECONDS)
            found += page.sources
            token = page.next_page_token
            if not token:
                break
    except grpc.aio.AioRpcError as error:
        advice = "See the log of inventory."
        return [Finding("sources", Verdict.WRONG, words(error), advice)]
    return [finding for one in found for finding in _source(one)]


def _source(one: StockSourceState) -> Iterator[Finding]:
    name = f"source {one.source.source_id}"
    silent = timedelta(seconds=one.silence_duration.seconds)
    heard = f"heard of {silent} ago" if one.HasField("heard_time") else "never heard of"
    fact = f"{heard}, change {one.applied_sequence}"
    if one.is_stale:
        allowed = timedelta(seconds=one.source.silence_duration.seconds)
        advice = f"It may be silent for {allowed}: see whether it still sends."
        yield Finding(name, Verdict.DOUBTFUL, fact, advice)
    elif one.gap_count or one.held_count:
        missing = f"{fact}; {one.gap_count} gaps, {one.held_count} changes are held"
        yield Finding(name, Verdict.DOUBTFUL, missing, "Let it send again what is missing.")
    else:
        yield Finding(name, Verdict.WELL, fact)
    if one.quarantined_count:
        advice = "List them, then retry or dismiss them: FeedService."
        rows = f"{one.quarantined_count:,} rows in quarantine"
        yield Finding(name, Verdict.DOUBTFUL, rows, advice)


async def _copy(url: str) -> Finding:
    """How the copy stands. Nothing depends on it: without it readers are slower, and no more."""
    advice = (
        "Readers ask inventory meanwhile, and nothing is lost. Look whether Redis runs and whether"
        " inventory was started with its address; it writes the copy anew by itself."
    )
    try:
        async with StockCopy(url) as copy:
            head = await copy.head()
    except (CopyAway, ModuleNotFoundError, ValueError) as error:
        return Finding("copy in redis", Verdict.DOUBTFUL, str(error), advice)
    fact = f"{head.vector_count} items, revision {head.revision}, {head.age_seconds:.1f} s behind"
    if head.age_seconds > COPY_SECONDS_MAX:
        return Finding("copy in redis", Verdict.DOUBTFUL, fact, advice)
    return Finding("copy in redis", Verdict.WELL, fact)


def _databases(directory: MeshDirectory) -> Iterator[Finding]:
    for name in PORTS:
        file = directory.database_file(name)
        if not file.exists():
            continue
        fact = f"{file}, {file.stat().st_size / 1e6:.1f} MB"
        try:
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
                said = str(connection.execute("pragma quick_check(1)").fetchone()[0])
        except sqlite3.Error as error:
            said = str(error)
        if said == "ok":
            yield Finding(f"{name} database", Verdict.WELL, fact)
        else:
            advice = "Stop the mesh, keep a copy of the file, and restore the last good one."
            yield Finding(f"{name} database", Verdict.WRONG, f"{fact}: {said}", advice)
