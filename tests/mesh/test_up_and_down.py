"""`ordermesh up` with real processes: started, found, refused twice, restarted, stopped."""

import asyncio
import json
import os
import signal
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from subprocess import Popen

import pytest

from ordermesh.cli.place import MeshDirectory, MeshRecord
from tests.mesh.conftest import Command, is_alive, until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(300)]


async def started(directory: MeshDirectory, up: Popen[str]) -> MeshRecord:
    await until(lambda: directory.read() or up.poll() is not None)
    record = directory.read()
    assert record is not None, up.communicate()[0]
    return record


def process_ids(record: MeshRecord) -> list[int]:
    return [at.process_id for at in record.services.values() if at.process_id]


def services_of(directory: MeshDirectory) -> list[int]:
    """The processes whose environment names the directory."""
    wanted = str(directory.path).encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and is_alive(int(entry.name)):
            with suppress(OSError):
                if wanted in (entry / "environ").read_bytes():
                    found.append(int(entry.name))
    return found


def statements_recorded(directory: MeshDirectory) -> int:
    """Spans of SQL statements that were received."""
    query = "SELECT count(*) FROM span WHERE attributes LIKE '%db.system%'"
    with closing(sqlite3.connect(directory.traces_file)) as traces:
        return int(traces.execute(query).fetchone()[0])


async def test_the_mesh_starts_is_found_and_stops_in_good_order(
    command: Command, directory: MeshDirectory
) -> None:
    place = ("--directory", str(directory.path))
    up = command("up", "--free-ports", "--trace-sql", *place)
    record = await started(directory, up)

    second = command("up", "--free-ports", *place)
    said, _ = second.communicate(timeout=60)
    assert second.returncode == 1
    assert f"A mesh runs on {directory.path} already by process {up.pid}" in said

    doctor = command("doctor", "--json", *place)
    said, _ = doctor.communicate(timeout=60)
    findings = {one["subject"]: one for one in json.loads(said)}
    assert doctor.returncode == 0
    for name in ("inventory", "routing", "returns", "notify", "routing follows"):
        assert findings[name]["verdict"] == "well", findings[name]
    stock = command("stock", "SOFA", *place)
    said, _ = stock.communicate(timeout=60)
    assert (stock.returncode, said) == (1, "There is no item SOFA.\n")
    await until(lambda: statements_recorded(directory))

    up.send_signal(signal.SIGINT)
    said, _ = up.communicate(timeout=60)
    assert up.returncode == 0
    assert "The mesh is up" in said
    assert "ordermesh.api.routing.v1" in said
    assert "Everything has stopped." in said
    assert not any(map(is_alive, process_ids(record)))
    assert not directory.record_file.exists()


async def test_a_service_that_dies_is_reported_and_serves_again(
    command: Command, directory: MeshDirectory
) -> None:
    up = command("up", "--free-ports", "--services", "notify", "--directory", str(directory.path))
    first = (await started(directory, up)).services["notify"]

    os.kill(first.process_id, signal.SIGKILL)
    await until(lambda: (found := directory.read()) and found.services["notify"] != first)

    again = (await started(directory, up)).services["notify"]
    assert again.target == first.target
    up.send_signal(signal.SIGTERM)
    said, _ = up.communicate(timeout=60)
    assert up.returncode == 0
    assert "notify was killed by signal 9; it is started again in 0.5 s." in said
    assert f"notify serves again on {first.target}." in said
    assert not is_alive(again.process_id)


async def test_what_a_killed_command_left_behind_is_stopped_by_the_next_one(
    command: Command, directory: MeshDirectory
) -> None:
    arguments = ("up", "--free-ports", "--services", "returns", "--directory", str(directory.path))
    killed = command(*arguments)
    left = (await started(directory, killed)).services["returns"]
    killed.kill()
    killed.wait(timeout=60)
    assert is_alive(left.process_id)

    order = command("order", "A-1", "--directory", str(directory.path))
    said, _ = order.communicate(timeout=60)
    assert order.returncode == 1
    assert f"the one of process {killed.pid} has died" in said

    up = command(*arguments)
    await until(lambda: (found := directory.read()) and found.command_process_id == up.pid)
    assert not is_alive(left.process_id)
    up.send_signal(signal.SIGTERM)
    said, _ = up.communicate(timeout=60)
    assert "Its services that were still there have been stopped: returns." in said


async def test_a_mesh_that_is_told_to_stop_while_it_starts_leaves_nothing(
    command: Command, directory: MeshDirectory
) -> None:
    up = command("up", "--free-ports", "--directory", str(directory.path))
    await until(directory.log_file("routing").exists)
    await asyncio.sleep(0.2)

    up.send_signal(signal.SIGTERM)
    said, _ = up.communicate(timeout=60)

    assert up.returncode == 0
    assert "Everything has stopped." in said
    assert not directory.record_file.exists()
    assert services_of(directory) == []


async def test_a_taken_port_is_named(command: Command, directory: MeshDirectory) -> None:
    server = await asyncio.start_server(lambda *_: None, "127.0.0.1", 7104)
    async with server:
        up = command("up", "--services", "notify", "--directory", str(directory.path))
        said = await asyncio.to_thread(lambda: up.communicate(timeout=60)[0])

    assert up.returncode == 1
    assert "Something listens on 7104 (notify) already." in said
