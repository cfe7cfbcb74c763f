"""The network between simulated processes: it delivers bytes, late, twice, or never.

Nothing here knows what the bytes mean. What goes wrong, and when, is decided by the weather.
"""

import asyncio
from collections.abc import Callable
from contextvars import Context
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any, Protocol

from tests.simulation.history import History
from tests.simulation.loop import PROCESS, Process

if TYPE_CHECKING:
    from tests.simulation.serving import SimulatedServer

LATENCY_SECONDS = (0.0002, 0.002)
SLOW_SECONDS = 0.03
SLOW_SHARE = 0.02


@dataclass(frozen=True)
class Fate:
    """What becomes of one message.

    ``lost``: never arrives, and nobody is told. ``broken``: never arrives, and the sender is told.
    ``twice``: another copy of it arrives ``again_seconds`` later.
    """

    lost: bool = False
    broken: bool = False
    twice: bool = False
    delay_seconds: float = 0.0
    again_seconds: float = 0.0


FAIR = Fate()


class Weather(Protocol):
    """Decides what becomes of messages."""

    def request(self, sender: str, receiver: str) -> Fate:
        """Of a request."""
        ...

    def reply(self, sender: str, receiver: str) -> Fate:
        """Of a reply; ``sender`` is who serves."""
        ...


class Network:
    """Where servers are found, and messages travel."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, random: Random, history: History, weather: Weather
    ) -> None:
        self.loop = loop
        self.history = history
        self.weather = weather
        self.servers: dict[str, SimulatedServer] = {}
        self.calls = 0
        self.broken: set[tuple[str, str, str]] = set()
        """Who asks whom for what, and has last found its connection broken."""
        self._random = random
        # Messages that travel belong to no process.
        self._context = Context()

    def latency(self) -> float:
        """How long a message travels."""
        if self._random.random() < SLOW_SHARE:
            return self._random.uniform(0.0, SLOW_SECONDS)
        return self._random.uniform(*LATENCY_SECONDS)

    def later(self, seconds: float, call: Callable[..., None], *arguments: Any) -> None:
        """Call outside of every process, after so many seconds."""
        self.loop.call_later(seconds, call, *arguments, context=self._context)

    def next_call(self) -> int:
        """The number of a new call."""
        self.calls += 1
        return self.calls

    def died(self, process: Process) -> None:
        """The connections of a process break: whoever waits for it is told, as is who serves it."""
        for server in tuple(self.servers.values()):
            if server.process is process:
                server.broke()
            else:
                server.caller_died(process)


def who() -> str:
    """The name of the present process."""
    process = PROCESS.get()
    return "nobody" if process is None else process.name
