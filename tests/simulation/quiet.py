"""What surrounds a run: faults are meant to happen, and must not be told as if they were not."""

import gc
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog

from ordermesh.runtime import doorbell
from tests.simulation.loop import PROCESS

PACES = ((0.2, 1.0), (1.0, 4.0), (1.0, 4.0), (1.0, 4.0))
"""How often loops look that nothing rings for: as in life, or less often and so cheaper."""


@contextmanager
def quietly(pace: tuple[float, float] = PACES[0]) -> Iterator[None]:
    """Faults are meant to happen: nothing is logged, and what is collected is collected later."""
    was_disabled, configured = logging.root.manager.disable, structlog.get_config()
    logging.disable(logging.CRITICAL)
    structlog.configure(processors=[_drop])
    was_collecting, paced = gc.isenabled(), (doorbell.POLL_SECONDS, doorbell.IDLE_SECONDS)
    doorbell.POLL_SECONDS, doorbell.IDLE_SECONDS = pace
    gc.disable()
    # What never ends is closed at the end, and cannot help protesting.
    hook, sys.unraisablehook = sys.unraisablehook, _ignore
    token = PROCESS.set(None)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
            gc.collect()
    finally:
        sys.unraisablehook = hook
        doorbell.POLL_SECONDS, doorbell.IDLE_SECONDS = paced
        PROCESS.reset(token)
        if was_collecting:
            gc.enable()
        structlog.configure(**configured)
        logging.disable(was_disabled)


def _ignore(_: Any) -> None:
    """It says nothing about the run."""


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent
