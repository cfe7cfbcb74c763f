"""Meshes of real processes, which never outlive their test."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from subprocess import PIPE, STDOUT, Popen, TimeoutExpired

import pytest

from ordermesh.cli.place import MeshDirectory
from ordermesh.cli.processes import end_left_behind

SECONDS_MAX = 120.0
"""Generous, because machines of tests are slow; it is waited for only when something is wrong."""

Command = Callable[..., Popen[str]]


@pytest.fixture
def directory(tmp_path: Path) -> MeshDirectory:
    return MeshDirectory(tmp_path / "mesh")


@pytest.fixture
async def nothing_left(directory: MeshDirectory) -> AsyncIterator[None]:
    """Whatever services the test's mesh still has are ended after it."""
    yield
    record = directory.left_behind()
    if record is not None:
        await end_left_behind(record)


@pytest.fixture
def command(nothing_left: None) -> Iterator[Command]:
    """Starts the command with these arguments; what still runs after the test is stopped."""
    started: list[Popen[str]] = []

    def start(*arguments: str) -> Popen[str]:
        process = Popen(
            [sys.executable, "-m", "ordermesh.cli", *arguments],
            stdout=PIPE,
            stderr=STDOUT,
            text=True,
            env={**os.environ, "COLUMNS": "200"},
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(timeout=60)
            except TimeoutExpired:
                process.kill()
        process.communicate()


async def until(condition: Callable[[], object], seconds: float = SECONDS_MAX) -> None:
    """Return as soon as it holds; fails when it never does."""
    give_up = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up, "It did not happen."
        await asyncio.sleep(0.05)


def is_alive(process_id: int) -> bool:
    """Whether there is such a process, and it has not ended."""
    try:
        state = Path(f"/proc/{process_id}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"
