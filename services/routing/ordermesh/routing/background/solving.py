"""Batches in processes of their own, which are killed when nobody waits for them any more."""

import asyncio
import os
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager, suppress

from ordermesh.kernel.errors import Unavailable
from ordermesh.routing.background.frames import HEAD_BYTES, Kind, frame, head
from ordermesh.routing.background.yielding import give_way
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.ports.batches import BatchSession

GRACE_SECONDS = 0.25
"""How long after its limit a solver is left to finish before it is killed."""

START_SECONDS = 60.0
"""How long it may take to read the batch and find the first plan, which cannot be cut off."""

AT_ONCE = 1
"""Batches that are solved at one time; others wait."""


class BatchProcesses:
    """Starts a process for every batch, so many at a time."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        self._room = asyncio.Semaphore(at_once)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[BatchSession]:
        """A process for one batch; it is gone when the context ends."""
        async with self._room:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "ordermesh.routing.background.batch_worker",
                stdin=PIPE,
                stdout=PIPE,
                start_new_session=True,
            )
            give_way(process.pid)
            try:
                yield _Session(process)
            finally:
                # With the processes that it may have started.
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()


class _Session:
    """One batch in its process."""

    def __init__(self, process: Process) -> None:
        if process.stdin is None or process.stdout is None:
            raise ArithmeticError("a process was started without pipes")
        self._inlet, self._outlet = process.stdin, process.stdout
        self._plan: list[bytes] | None = None

    async def send(self, piece: bytes) -> None:
        """As in ``BatchSession``."""
        with suppress(ConnectionError):
            self._inlet.write(frame(Kind.PIECE, piece))
            await self._inlet.drain()

    async def solve(self, seconds: float) -> AsyncGenerator[tuple[bytes, bool], None]:
        """As in ``BatchSession``."""
        with suppress(ConnectionError):
            self._inlet.write(frame(Kind.END))
            await self._inlet.drain()
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds + GRACE_SECONDS
        latest = max(end, loop.time() + START_SECONDS)
        is_done, growing = False, list[bytes]()
        while not is_done:
            try:
                async with asyncio.timeout_at(end if self._plan is not None else latest):
                    kind, payload = await self._next()
            except (TimeoutError, asyncio.IncompleteReadError, ConnectionError):
                break
            if kind is Kind.PROGRESS:
                yield payload, False
            elif kind is Kind.PLAN_BEGINS:
                growing = []
            elif kind is Kind.PLAN:
                growing.append(payload)
            elif kind is Kind.PLAN_ENDS:
                self._plan = [*growing, payload]
            elif kind is Kind.REFUSED:
                field, rule, *_ = payload.decode().split("\n")
                raise FieldViolation(field, rule, "The amounts of the batch cannot be added up.")
            is_done = kind is Kind.DONE
        if self._plan is None:
            raise Unavailable("The solver has stopped.", service="solver", retry_after=5.0)
        for number, part in enumerate(self._plan, start=1):
            yield part, not is_done and number == len(self._plan)

    async def _next(self) -> tuple[Kind, bytes]:
        kind, length = head(await self._outlet.readexactly(HEAD_BYTES))
        return kind, await self._outlet.readexactly(length)
