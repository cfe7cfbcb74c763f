"""Doorbells: a wait for work is cut short inside of one process. Nothing depends on them."""

import asyncio
import weakref

from ordermesh.kernel.clock import Clock

POLL_SECONDS = 0.2
"""How often a waiting loop looks by itself after something happened."""

IDLE_SECONDS = 1.0
"""How often it looks when nothing happens for long."""


class Doorbell:
    """What one waiting loop listens to."""

    def __init__(self) -> None:
        self._rung = asyncio.Event()

    def ring(self) -> None:
        """End the present wait, or the next one when nobody waits."""
        self._rung.set()

    def answer(self) -> bool:
        """Whether it was rung since the last answer or wait, which it then forgets."""
        rung = self._rung.is_set()
        self._rung.clear()
        return rung

    async def wait(self, clock: Clock, seconds: float) -> bool:
        """Return when rung, or after so many seconds; True when it was rung."""
        sleeper = asyncio.ensure_future(clock.sleep(seconds))
        ringer = asyncio.ensure_future(self._rung.wait())
        try:
            await asyncio.wait({sleeper, ringer}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleeper.cancel()
            ringer.cancel()
            await asyncio.gather(sleeper, ringer, return_exceptions=True)
        return self.answer()


class Doorbells:
    """The doorbells of one database, by the name of what happened."""

    def __init__(self) -> None:
        # Not sets: who listened first is rung first, every time.
        self._listeners: dict[str, weakref.WeakKeyDictionary[Doorbell, None]] = {}
        self._is_muted = False

    def mute(self) -> None:
        """Ring no more: everything must work by looking alone."""
        self._is_muted = True

    def listen(self, *names: str) -> Doorbell:
        """A doorbell that rings for each of these names for as long as somebody holds it."""
        doorbell = Doorbell()
        for name in names:
            self._listeners.setdefault(name, weakref.WeakKeyDictionary())[doorbell] = None
        return doorbell

    def ring(self, name: str) -> None:
        """Ring all doorbells that listen to the name."""
        if not self._is_muted:
            for doorbell in tuple(self._listeners.get(name, ())):
                doorbell.ring()


class Pace:
    """How long a loop waits before it looks again: 200 ms, growing to 1 s while nothing happens."""

    def __init__(self) -> None:
        self._seconds = POLL_SECONDS

    def busy(self) -> None:
        """Something happened."""
        self._seconds = POLL_SECONDS

    def next(self) -> float:
        """Seconds to wait now."""
        seconds = self._seconds
        self._seconds = min(IDLE_SECONDS, self._seconds * 1.5)
        return seconds
