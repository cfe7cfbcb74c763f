"""One question to a process of its own, which is killed when it does not answer in time."""

import asyncio
import contextlib
import os
import signal
import sys
from asyncio.subprocess import PIPE

from ordermesh.kernel.errors import Unavailable
from ordermesh.routing.background.yielding import give_way

START_SECONDS = 30.0
"""How long starting, reading and the first plan or future may take beside the search."""


async def answer_of(module: str, payload: bytes, seed: int, seconds: float) -> bytes:
    """What a module writes to its output when it is run with what is on its input.

    Raises ``Unavailable`` when it ends without an answer, or not in time.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        str(seed),
        str(seconds),
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,
    )
    give_way(process.pid)
    try:
        async with asyncio.timeout(seconds + START_SECONDS):
            found, _ = await process.communicate(payload)
    except (TimeoutError, ConnectionError, RuntimeError):
        # It took too long, or ended before it had read everything; the event loop says the latter
        # in one of two ways.
        found = b""
    finally:
        # With the processes that it may have started.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()
    if not found:
        raise Unavailable("The solver has stopped.", service="solver", retry_after=5.0)
    return found
