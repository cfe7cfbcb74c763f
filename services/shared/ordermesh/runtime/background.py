"""What goes on beside the calls, and goes on again when it fails."""

import asyncio
from collections.abc import Iterator
from typing import Protocol

import structlog

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import Overloaded, Unavailable

REST_SECONDS, REST_SECONDS_MAX = 1.0, 30.0
"""How long a background rests that has failed once, and one that fails again and again."""

_log = structlog.stdlib.get_logger(__name__)


class Background(Protocol):
    """Something that goes on beside the calls."""

    async def run(self) -> None:
        """Go on until stopped."""
        ...

    async def stop(self) -> None:
        """Make ``run`` end in good order."""
        ...


class CutOff(Exception):
    """Something inside of a background was cancelled, while nobody had ended the background."""


class Keeper:
    """Runs a background until it ends, and again when it fails: what it works on is stored.

    Who fails again and again rests ever longer. What is needed and away for a while, such as the
    database, is no failure of its own: that is told once, and looked for at an even pace.
    """

    def __init__(self, background: Background, clock: Clock) -> None:
        self._background = background
        self._clock = clock
        self._part = type(background).__name__
        self._failures = 0
        self._is_waiting = False

    def start(self) -> "asyncio.Task[None]":
        """Begin, as a task; to cancel it is to end it for good."""
        return asyncio.create_task(self._keep(), name=self._part)

    async def _keep(self) -> None:
        while True:
            began = self._clock.monotonic()
            try:
                await self._until_it_ends()
            except Exception as error:  # noqa: BLE001 - whatever it is, the work must go on
                if self._clock.monotonic() - began > REST_SECONDS_MAX:
                    self._failures, self._is_waiting = 0, False
                rest = self._noted(error)
            else:
                return
            await self._clock.sleep(rest)

    async def _until_it_ends(self) -> None:
        try:
            await self._background.run()
        except asyncio.CancelledError as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # Not we: a call was cut off under it, for instance.
            raise CutOff from error

    def _noted(self, error: Exception) -> float:
        """Tell of what went wrong; gives for how many seconds to rest."""
        if all(isinstance(one, Unavailable | Overloaded) for one in _causes(error)):
            if not self._is_waiting:
                _log.warning("the background waits for what it needs", part=self._part)
            self._is_waiting = True
            return REST_SECONDS
        _log.error("the background failed", part=self._part, exc_info=error)
        self._failures += 1
        return min(REST_SECONDS_MAX, REST_SECONDS * 2.0 ** (self._failures - 1))


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error, or those of several tasks that ran together."""
    if isinstance(error, BaseExceptionGroup):
        for one in error.exceptions:
            yield from _causes(one)
    else:
        yield error
