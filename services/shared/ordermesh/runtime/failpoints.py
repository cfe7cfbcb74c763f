"""Points at which a server in development can be made to fail on purpose.

The setting ``failpoints`` says where, what, and at which passing of the point::

    ORDERMESH_ROUTING_FAILPOINTS="outbox.delivered=exit@3,work.claimed=delay:0.5@1-4"

An action is ``exit`` (as kill -9), ``raise``, ``delay:SECONDS`` or ``drop`` (as if the network had
lost what was on its way). Nothing but the environment arms them, and production refuses to start
with them. The code stands at a point like this, so that a point costs one look at a name of this
module while nothing is armed::

    if failpoints.armed:
        await failpoints.reach(failpoints.points.OUTBOX_DELIVERED)
"""

import asyncio
import os
import re
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime import points as points
from ordermesh.runtime.points import POINTS

EXIT_CODE = 86
"""With which a process ends at a point that says so: no other end of ours has it."""

FILE_PREFIX = "file:"

_STANDARD_ERROR = 2

_FAULT = re.compile(
    r"(?P<point>[^=]*)=(?P<action>[a-z]+)(:(?P<seconds>[0-9.]+))?"
    r"(@(?P<first>[0-9]+)(-(?P<last>[0-9]+))?)?"
)


class Action(StrEnum):
    """What happens at a point."""

    EXIT = "exit"
    """The process ends at once and tidies nothing up, as after kill -9."""

    RAISE = "raise"
    """An error that nobody foresees."""

    DELAY = "delay"
    """A pause of so many seconds."""

    DROP = "drop"
    """As if the network had lost it: a reply where there was an effect, else the request."""


class MalformedFailpoints(ValueError):
    """The text is no plan of faults; the message says what is wrong and what would be right."""


class FailpointRaised(Exception):
    """The error of a point that was told to raise one."""


class Dropped(Unavailable):
    """What was on its way at a point was lost, by order of the plan."""


@dataclass(frozen=True)
class Fault:
    """What happens at a point at its ``first`` to ``last`` passing; ``seconds`` for delays."""

    point: str
    action: Action
    first: int = 1
    last: int = 1
    seconds: float = 0.0


def parse(text: str) -> tuple[Fault, ...]:
    """The faults of a text like ``work.claimed=exit@3,outbox.delivered=delay:0.5@1-4``.

    Without ``@`` it is the first passing. Raises ``MalformedFailpoints``.
    """
    return tuple(_fault(part.strip()) for part in text.split(",") if part.strip())


def _fault(part: str) -> Fault:
    found = _FAULT.fullmatch(part)
    if found is None:
        raise MalformedFailpoints(
            f"{part!r} is not POINT=ACTION, POINT=delay:SECONDS, with @N or @N-M at its end."
        )
    point = found["point"].strip()
    if point not in POINTS:
        raise MalformedFailpoints(f"There is no point {point!r}. There are: {', '.join(POINTS)}.")
    try:
        action = Action(found["action"])
    except ValueError:
        known = ", ".join(action.value for action in Action)
        raise MalformedFailpoints(
            f"There is no action {found['action']!r}. There are: {known}."
        ) from None
    first = int(found["first"] or 1)
    last = int(found["last"] or first)
    if not 1 <= first <= last:
        raise MalformedFailpoints(f"{part!r}: passings are counted from 1, the first one first.")
    return Fault(point, action, first, last, _seconds(part, action, found["seconds"]))


def _seconds(part: str, action: Action, written: str | None) -> float:
    if (action is Action.DELAY) != (written is not None):
        raise MalformedFailpoints(f"{part!r}: a delay has seconds, like delay:0.5, nothing else.")
    try:
        return float(written or 0.0)
    except ValueError:
        raise MalformedFailpoints(f"{part!r}: {written!r} is no number of seconds.") from None


class Plan:
    """The faults of one process, with how often each point was passed.

    A text that begins with ``file:`` names a file that holds the faults. It is read again whenever
    it has changed, and passings count anew then, so that one process can go through many faults.
    It is emptied before a process ends at a point, because whoever is started again must not
    meet the same end. Raises ``MalformedFailpoints`` and ``OSError``.
    """

    def __init__(self, text: str) -> None:
        self._file = Path(text.removeprefix(FILE_PREFIX)) if text.startswith(FILE_PREFIX) else None
        self._written = ""
        self._passed: Counter[str] = Counter()
        self._faults = parse(text) if self._file is None else ()
        if self._file is not None:
            self._read(self._file)

    async def reach(self, point: str) -> None:
        """Pass a point. Raises ``FailpointRaised`` and ``Dropped`` where the plan says so."""
        if self._file is not None:
            self._read(self._file)
        self._passed[point] += 1
        passing = self._passed[point]
        for fault in self._faults:
            if fault.point == point and fault.first <= passing <= fault.last:
                await self._happen(fault, passing)

    def _read(self, file: Path) -> None:
        written = file.read_text()
        if written == self._written:
            return
        self._written = written
        self._passed.clear()
        # The last word of the file tells two plans apart that are otherwise the same.
        self._faults = parse(written.partition("#")[0])

    async def _happen(self, fault: Fault, passing: int) -> None:
        _tell(f"failpoint {fault.point}: {fault.action} at passing {passing}")
        match fault.action:
            case Action.EXIT:
                if self._file is not None:
                    self._file.write_text("")
                os._exit(EXIT_CODE)
            case Action.RAISE:
                raise FailpointRaised(f"The failpoint {fault.point} was told to raise.")
            case Action.DROP:
                raise Dropped(
                    f"The failpoint {fault.point} lost what was on its way.",
                    service="failpoint",
                    retry_after=0.0,
                )
            case Action.DELAY:
                await asyncio.sleep(fault.seconds)


def _tell(sentence: str) -> None:
    # Past all buffers: the process may end with the next instruction.
    os.write(_STANDARD_ERROR, f"{sentence}\n".encode())


armed: Plan | None = None
"""The plan of this process; None in all processes that were not told otherwise at their start."""

At = Callable[[str], Awaitable[None]]
"""A seam of a service: it is called with a name wherever the process could end."""


def arm(text: str) -> None:
    """Follow the plan of a text from now on; an empty one is none. Raises what ``Plan`` does."""
    global armed  # noqa: PLW0603 - points everywhere look at this one name
    armed = Plan(text) if text else None


async def reach(point: str) -> None:
    """Let happen what the plan says about this point."""
    if armed is not None:
        await armed.reach(point)


def points_of(service: str) -> At:
    """The seam ``at`` of a service: its ``before ship`` is the point ``routing.before_ship``."""

    async def at(name: str) -> None:
        if armed is not None:
            await armed.reach(f"{service}.{name.replace(' ', '_')}")

    return at
