"""A storm leaves time to trade between its strokes, mends what it broke, and can be refused."""

import asyncio
import signal
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import cast

import pytest

from ordermesh.cli.place import PORTS
from ordermesh.inventory.bench.cluster import Cluster
from ordermesh.runtime.engines import Dialect
from tests.eventually import eventually
from tests.failpoints import storm as storms
from tests.failpoints.storm import CALM_ANSWERS, Passed, Storm, weather
from tests.failpoints.world import World


@dataclass
class Victim:
    """A process that is sent signals."""

    signals: list[int] = field(default_factory=list)
    returncode: int | None = None

    def send_signal(self, number: int) -> None:
        self.signals.append(number)


@dataclass
class Server:
    """A database that is killed and started."""

    events: list[str] = field(default_factory=list)

    def kill(self) -> None:
        self.events.append("killed")

    def start(self) -> None:
        self.events.append("started")


@pytest.fixture
def victims() -> dict[str, Victim]:
    return {name: Victim() for name in PORTS}


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storms, "CALM_SECONDS", (0.0, 0.001))
    monkeypatch.setattr(storms, "LOOK_SECONDS", 0.001)


def over(victims: dict[str, Victim], server: Server | None, seed: int, passed: Passed) -> Storm:
    children = {name: SimpleNamespace(process=victim) for name, victim in victims.items()}
    running = SimpleNamespace(processes=SimpleNamespace(children=children))
    return Storm(cast("World", running), cast("Cluster | None", server), seed, passed)


def sent(victims: dict[str, Victim]) -> list[int]:
    return [number for victim in victims.values() for number in victim.signals]


async def test_nobody_is_struck_before_callers_were_answered(victims: dict[str, Victim]) -> None:
    passed = Passed("sqlite", 1, answers=7)
    storm = over(victims, None, 1, passed)
    raging = asyncio.create_task(storm.rage())

    await asyncio.sleep(0.01)
    passed.answers += CALM_ANSWERS - 1
    await asyncio.sleep(0.05)
    assert sent(victims) == []

    passed.answers += 1
    await eventually(lambda: sent(victims) != [])
    assert passed.strokes.total() == 1
    storm.end()
    await raging


async def test_who_was_stopped_goes_on_when_the_storm_is_over(
    victims: dict[str, Victim], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storms, "CALM_ANSWERS", 0)
    passed = Passed("sqlite", 1)
    storm = over(victims, None, 1, passed)
    raging = asyncio.create_task(storm.rage())
    await eventually(lambda: signal.SIGSTOP in sent(victims))

    storm.end()
    await raging

    (stopped,) = [one for one in victims.values() if signal.SIGSTOP in one.signals]
    assert stopped.signals[-1] == signal.SIGCONT


async def test_a_database_that_was_killed_is_there_again_when_the_storm_is_over(
    victims: dict[str, Victim], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storms, "CALM_ANSWERS", 0)
    monkeypatch.setattr(storms, "STOPPED_SECONDS", (0.0, 0.0))
    monkeypatch.setattr(storms, "DOWN_SECONDS", (60.0, 60.0))
    server = Server()
    storm = over(victims, server, 1, Passed("postgresql", 1))
    raging = asyncio.create_task(storm.rage())
    await eventually(lambda: server.events == ["killed"])

    storm.end()
    await raging

    assert server.events == ["killed", "started"]


@pytest.mark.slow
@pytest.mark.integration
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
async def test_a_short_storm_loses_and_doubles_nothing(
    dialect: Dialect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storms, "CALM_SECONDS", (1.0, 2.0))
    monkeypatch.setattr(storms, "LOOK_SECONDS", 0.2)

    passed = await weather(dialect, 40, 3, lambda _: None)

    assert passed.problems == []
    assert passed.orders >= 40
    assert passed.strokes.total() > 0
