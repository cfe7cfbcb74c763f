"""How long the whole machine stood still: a virtual one may be stopped by whoever runs it."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_BEAT_SECONDS = 0.1
_STEP_SECONDS_MAX = 6.0
"""Between two looks at the clock no more than this counts: it is longer than any call may take."""

_STILL_SECONDS = 1.0
"""A thread that only sleeps wakes a little late on a busy machine, and never so late."""


class Patience:
    """So many seconds of waiting, of which a machine that stands still takes few."""

    def __init__(self, seconds: float) -> None:
        self._left = seconds
        self._last = time.monotonic()

    @property
    def is_over(self) -> bool:
        """Whether it is used up; to be asked again and again while it is waited."""
        now = time.monotonic()
        self._left -= min(now - self._last, _STEP_SECONDS_MAX)
        self._last = now
        return self._left <= 0.0


class Stillness:
    """When the machine stood still, as a thread that does nothing else has noticed."""

    def __init__(self) -> None:
        self._spans: list[tuple[float, float]] = []
        self._has_ended = threading.Event()

    def seconds_since(self, instant: float) -> float:
        """For how long in all since an instant of the monotonic clock."""
        return sum(end - max(begin, instant) for begin, end in self._spans if end > instant)

    def watch(self) -> None:
        """Notice until it is ended."""
        last = time.monotonic()
        while not self._has_ended.wait(_BEAT_SECONDS):
            now = time.monotonic()
            if now - last > _STILL_SECONDS:
                self._spans.append((last + _BEAT_SECONDS, now))
            last = now

    def end(self) -> None:
        """Notice nothing more."""
        self._has_ended.set()


@contextmanager
def noticing_stillness() -> Iterator[Stillness]:
    """Notice while the block lasts."""
    stillness = Stillness()
    thread = threading.Thread(target=stillness.watch, daemon=True)
    thread.start()
    try:
        yield stillness
    finally:
        stillness.end()
        thread.join()
