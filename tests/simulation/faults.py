"""What goes wrong in a run: a list made from the seed before the run begins.

Each fault draws from a source of its own, so that a run from which others are left out is the same
but for what they would have done. That is what makes cutting the list down possible.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING

from ordermesh.runtime.points import POINTS
from tests.simulation import markers
from tests.simulation.network import FAIR, Fate

if TYPE_CHECKING:
    from tests.simulation.mesh import Machines

FAULTS_MAX = 12
POINTS_MAX = 8
DISKS_MAX = 8
AFTERWARDS_SECONDS = 10.0
LEASE_SECONDS = 10.0
STEP_SECONDS_MAX = 30.0
"""The clock of a database's machine may step by so much."""


class Kind(StrEnum):
    """What may go wrong."""

    CRASH = "crash"
    RESTART = "restart"
    PAUSE = "pause"
    STEP = "step"
    DISK_FULL = "disk full"
    CUT = "cut"
    LOSS = "loss"
    DELAY = "delay"
    TWICE = "twice"
    TURMOIL = "turmoil"
    MAIL = "mail"
    POINT = "point"


@dataclass(frozen=True)
class Fault:
    """One fault: it begins at ``time`` and lasts ``seconds``.

    ``strength`` is a share of messages, or the seconds of a step.
    """

    number: int
    kind: Kind
    who: str
    time: float
    seconds: float
    strength: float
    point: str = ""

    def __str__(self) -> str:
        return (
            f"[{self.number}] {self.kind} {self.point or self.who} at {self.time:.3f}"
            f" for {self.seconds:.3f} s, {self.strength:.2f}"
        )


_WEIGHTS: Sequence[tuple[Kind, int]] = (
    (Kind.CRASH, 6),
    (Kind.RESTART, 1),
    (Kind.PAUSE, 3),
    (Kind.STEP, 2),
    (Kind.DISK_FULL, 2),
    (Kind.CUT, 3),
    (Kind.LOSS, 3),
    (Kind.DELAY, 2),
    (Kind.TWICE, 2),
    (Kind.TURMOIL, 2),
    (Kind.MAIL, 1),
    (Kind.POINT, 9),
)


class Climate(StrEnum):
    """What a run has most of. What is rare in all of them together is frequent in one."""

    MIXED = "mixed"
    LOSSY = "lossy"
    """Some messages are lost from the beginning to the end, replies of calls that had their effect
    among them."""

    LATE = "late"
    """Some messages come late from the beginning to the end, after their callers have gone."""

    FULL = "full"
    """Disks are full, again and again."""

    POINTED = "pointed"
    """Processes die, sleep and lose what they send at named points, those of one service."""


CLIMATES = (
    Climate.MIXED,
    Climate.MIXED,
    Climate.LOSSY,
    Climate.LOSSY,
    Climate.LATE,
    Climate.FULL,
    Climate.POINTED,
    Climate.POINTED,
)


def plan(random: Random, services: Sequence[str], begin: float, end: float) -> list[Fault]:
    """The faults of a run: none in some runs, many in others."""
    match random.choice(CLIMATES):
        case Climate.LOSSY:
            return _lasting(random, (Kind.LOSS, Kind.TURMOIL), begin, end)
        case Climate.LATE:
            return _lasting(random, (Kind.DELAY, Kind.TWICE), begin, end)
        case Climate.FULL:
            return _full(random, begin, end)
        case Climate.POINTED:
            return _pointed(random, begin, end)
    count = random.choice((0, 1, 2, 3, 4, 6, 8, FAULTS_MAX))
    kinds = [kind for kind, weight in _WEIGHTS for _ in range(weight)]
    return [_drawn(random, number, kinds, services, begin, end) for number in range(count)]


def _drawn(
    random: Random,
    number: int,
    kinds: Sequence[Kind],
    services: Sequence[str],
    begin: float,
    end: float,
) -> Fault:
    kind = random.choice(kinds)
    # Inventory and routing do most of what can go wrong.
    who = random.choice((*services, "inventory", "routing"))
    time = random.uniform(begin, end)
    seconds, strength = _seconds(random, kind), _strength(random, kind)
    point = random.choice(tuple(POINTS)) if kind is Kind.POINT else ""
    return Fault(number, kind, who, time, seconds, strength, point)


def _lasting(random: Random, kinds: Sequence[Kind], begin: float, end: float) -> list[Fault]:
    """One that lasts, at one of the services that others ask most, and a few crashes beside it."""
    who = random.choice(("inventory", "inventory", "routing", "returns"))
    # What is ordered towards the end is shipped after it.
    seconds, strength = end - begin + AFTERWARDS_SECONDS, random.uniform(0.1, 0.4)
    lasting = Fault(0, random.choice(kinds), who, begin, seconds, strength)
    crashes = [
        _drawn(random, number, (Kind.CRASH, Kind.POINT), ("routing", who), begin, end)
        for number in range(1, random.choice((1, 2, 3)))
    ]
    return [lasting, *crashes]


def _full(random: Random, begin: float, end: float) -> list[Fault]:
    """At one service, now and then, so that what is told of every deed may be put to the test."""
    who = random.choice(("inventory", "inventory", "routing", "routing", "returns", "notify"))
    return [
        Fault(
            number,
            Kind.DISK_FULL,
            who,
            time=random.uniform(begin, end),
            seconds=random.uniform(0.1, 4.0),
            strength=_strength(random, Kind.DISK_FULL),
        )
        for number in range(random.randint(2, DISKS_MAX))
    ]


_PARTS: Mapping[str, Sequence[str]] = {
    "inventory": ("batch.", "mutation", "ledger.", "expiry.", "feed.", "sequencer.", "database."),
    "routing": ("routing.", "routing.", "work.", "outbox.", "server."),
    "returns": ("returns.", "returns.", "inbox.", "outbox.", "mutation."),
    "notify": ("notify.", "notify.", "inbox.", "work."),
}
"""The points that a service passes most."""


def _pointed(random: Random, begin: float, end: float) -> list[Fault]:
    beginnings = _PARTS[random.choice(tuple(_PARTS))]
    found = []
    for number in range(random.randint(2, POINTS_MAX)):
        part = random.choice(beginnings)
        point = random.choice([name for name in POINTS if name.startswith(part)])
        time, strength = random.uniform(begin, end), _strength(random, Kind.POINT)
        found.append(Fault(number, Kind.POINT, "", time, _short(random), strength, point))
    return found


def _short(random: Random) -> float:
    return random.choice((0.01, random.uniform(0.05, 2.0)))


def _seconds(random: Random, kind: Kind) -> float:
    if kind is Kind.PAUSE:
        # Shorter than a lease, and longer.
        return random.choice((random.uniform(0.05, 3.0), random.uniform(8.0, 25.0)))
    if kind in (Kind.CRASH, Kind.RESTART):
        return random.choice((0.01, random.uniform(0.05, 2.0), random.uniform(2.0, 15.0)))
    return random.uniform(0.5, 15.0)


def _strength(random: Random, kind: Kind) -> float:
    if kind is Kind.STEP:
        return random.uniform(-STEP_SECONDS_MAX, STEP_SECONDS_MAX)
    return random.uniform(0.05, 0.9)


_DELAYS = (0.01, 0.1, 1.0, 4.0)
"""A request, or the second copy of one, may come when its caller has long gone."""


class FaultWeather:
    """Decides what becomes of messages, by the faults that are under way."""

    def __init__(self, seed: str) -> None:
        self._seed = seed
        self._active: dict[int, tuple[Fault, Random]] = {}
        self.counts: dict[str, int] = {}

    def begin(self, fault: Fault) -> None:
        self._active[fault.number] = (fault, Random(f"{self._seed}/fault/{fault.number}"))

    def end(self, fault: Fault) -> None:
        self._active.pop(fault.number, None)

    def request(self, sender: str, receiver: str) -> Fate:
        return self._fate(sender, receiver, is_reply=False)

    def reply(self, sender: str, receiver: str) -> Fate:
        return self._fate(sender, receiver, is_reply=True)

    def _fate(self, sender: str, receiver: str, *, is_reply: bool) -> Fate:
        for fault, random in self._active.values():
            if fault.who in (sender, receiver):
                fate = self._strike(fault, random, is_reply=is_reply)
                if fate is not FAIR:
                    self.counts[fault.kind] = self.counts.get(fault.kind, 0) + 1
                    return fate
        return FAIR

    def _strike(self, fault: Fault, random: Random, *, is_reply: bool) -> Fate:
        kind = fault.kind
        if kind is Kind.TURMOIL:
            kind = random.choice((Kind.LOSS, Kind.DELAY, Kind.TWICE, Kind.CUT))
        if random.random() >= fault.strength and fault.kind is not Kind.CUT:
            return FAIR
        if kind is Kind.CUT:
            return Fate(broken=True) if fault.strength < 0.5 else Fate(lost=True)
        if kind is Kind.LOSS:
            return Fate(broken=random.random() < 0.7, lost=True) if is_reply else Fate(broken=True)
        if kind is Kind.DELAY:
            return Fate(delay_seconds=random.choice(_DELAYS) * random.random())
        if kind is Kind.TWICE and not is_reply:
            return Fate(twice=True, again_seconds=random.choice(_DELAYS))
        return FAIR


async def strike(fault: Fault, machines: "Machines", weather: FaultWeather) -> None:
    """Let one fault happen, and end."""
    await asyncio.sleep(max(0.0, fault.time - machines.loop.time()))
    machines.history.add("fate", "fault", str(fault))
    if fault.kind is Kind.POINT:
        await machines.points.expect(fault)
    else:
        await _strike(fault, machines, weather)
    machines.history.add("fate", "fault", f"[{fault.number}] is over")


async def _strike(fault: Fault, machines: "Machines", weather: FaultWeather) -> None:
    node = machines.nodes[fault.who]
    match fault.kind:
        case Kind.CRASH:
            node.kill()
            await asyncio.sleep(fault.seconds)
            node.start_again()
        case Kind.RESTART:
            await node.stop()
            await asyncio.sleep(fault.seconds)
            node.start_again()
        case Kind.PAUSE:
            await _pause(fault, machines)
        case Kind.STEP:
            node.clock.offset_seconds = fault.strength
            await asyncio.sleep(fault.seconds)
            node.clock.offset_seconds = 0.0
        case Kind.DISK_FULL:
            node.disk.is_full = True
            await asyncio.sleep(fault.seconds)
            node.disk.is_full = False
        case Kind.MAIL:
            machines.mailbox.trouble = fault.strength
            await asyncio.sleep(fault.seconds)
            machines.mailbox.trouble = 0.0
        case _:
            weather.begin(fault)
            await asyncio.sleep(fault.seconds)
            weather.end(fault)


async def _pause(fault: Fault, machines: "Machines") -> None:
    process = machines.nodes[fault.who].process
    if process is None or process.is_dead:
        return
    machines.loop.pause(process)
    await asyncio.sleep(fault.seconds)
    if fault.seconds > LEASE_SECONDS and not process.is_dead:
        markers.reached("a process woke up after its lease")
    machines.loop.wake(process)
