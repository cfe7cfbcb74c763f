"""The whole service as a process of its own, and the calls that the benchmark makes to it."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from ordermesh.client.mesh import Mesh

START_SECONDS = 60.0
_LISTENING = re.compile(rb"listening on (\S+)")


class ServerFailed(Exception):
    """The service did not start."""


@asynccontextmanager
async def served(database_url: str) -> AsyncIterator[Mesh]:
    """A mesh whose inventory is a process of its own on this database."""
    settings = {
        "ORDERMESH_INVENTORY_PORT": "0",
        "ORDERMESH_INVENTORY_DATABASE_URL": database_url,
        "ORDERMESH_INVENTORY_LOG_LEVEL": "ERROR",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "ordermesh.inventory",
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        target = await asyncio.wait_for(_address(process), START_SECONDS)
        async with Mesh({"inventory": target}, caller="bench", timeout=30.0) as mesh:
            yield mesh
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGTERM)
        await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    output = process.stdout
    if output is None:
        raise ServerFailed
    async for said in output:
        found = _LISTENING.search(said)
        if found:
            return found.group(1).decode()
    raise ServerFailed(f"The service ended with {await process.wait()}.")
