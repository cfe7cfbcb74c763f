"""Waiting inside of a call for something that a worker, perhaps of another process, does."""

import weakref
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeVar

from ordermesh.kernel.clock import Clock
from ordermesh.runtime.doorbell import Doorbell, Pace

T = TypeVar("T")


class Waiters:
    """Callers that wait, by the key of what they wait for."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        # Not sets: who waited first is woken first, every time.
        self._doorbells: dict[str, weakref.WeakKeyDictionary[Doorbell, None]] = {}

    @property
    def keys(self) -> set[str]:
        """What is waited for."""
        return set(self._doorbells)

    def notify(self, key: str) -> None:
        """Let those who wait for ``key`` look at once; call it after the commit."""
        for doorbell in tuple(self._doorbells.get(key, ())):
            doorbell.ring()

    async def wait_for(
        self, key: str, check: Callable[[], Awaitable[T | None]], deadline: datetime
    ) -> T:
        """What ``check`` gives as soon as it is not None.

        It is asked at once, after each ``notify`` and every 200 ms to 1 s. Raises ``TimeoutError``
        at ``deadline``.
        """
        doorbell = Doorbell()
        waiting = self._doorbells.setdefault(key, weakref.WeakKeyDictionary())
        waiting[doorbell] = None
        pace = Pace()
        try:
            while True:
                found = await check()
                if found is not None:
                    return found
                left = (deadline - self._clock.now()).total_seconds()
                if left <= 0:
                    raise TimeoutError
                if await doorbell.wait(self._clock, min(left, pace.next())):
                    pace.busy()
        finally:
            del waiting[doorbell]
            if not waiting and self._doorbells.get(key) is waiting:
                del self._doorbells[key]
