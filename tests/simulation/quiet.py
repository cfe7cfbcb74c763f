"""What surrounds a run: faults are meant to happen, and must not be told as if they were not."""

import gc
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import structlog

from ordermesh.inventory.background import levels, sealing
from ordermesh.runtime import doorbell
from tests.simulation.loop import PROCESS
from tests.simulation.sameness import the_same_everywhere


@dataclass(frozen=True)
class Pace:
    """How often loops look that nothing rings for, in seconds.

    ``poll`` and ``idle`` are those of work and of feeds; ``seal``, ``controls``, ``sweep`` and
    ``audit`` those of the ledger.
    """

    poll: float
    idle: float
    seal: float
    controls: float
    sweep: float
    audit: float


LIVELY = Pace(poll=0.2, idle=1.0, seal=0.3, controls=0.5, sweep=2.0, audit=1.0)
"""As in life."""

CALM = Pace(poll=2.0, idle=8.0, seal=4.0, controls=10.0, sweep=5.0, audit=40.0)
"""Less often and so cheaper: a run has the more to do with what is rung for."""

PACES = (LIVELY, *(CALM,) * 19)


@contextmanager
def quietly(pace: Pace = LIVELY) -> Iterator[None]:
    """Faults are meant to happen: nothing is logged, and what is collected is collected later."""
    was_disabled, configured = logging.root.manager.disable, structlog.get_config()
    logging.disable(logging.CRITICAL)
    structlog.configure(processors=[_drop])
    was_collecting, paced = (
        gc.isenabled(),
        _set_pace(pace.poll, pace.idle, pace.seal, pace.controls),
    )
    # What was there before is not looked at: there is much of it, and none of it is let go.
    gc.disable()
    gc.freeze()
    # What never ends is closed at the end, and cannot help protesting.
    hook, sys.unraisablehook = sys.unraisablehook, _ignore
    token = PROCESS.set(None)
    try:
        with warnings.catch_warnings(), the_same_everywhere():
            warnings.simplefilter("ignore")
            yield
            gc.collect()
    finally:
        sys.unraisablehook = hook
        _set_pace(*paced)
        gc.unfreeze()
        PROCESS.reset(token)
        if was_collecting:
            gc.enable()
        structlog.configure(**configured)
        logging.disable(was_disabled)


def _set_pace(
    poll: float, idle: float, seal: float, controls: float
) -> tuple[float, float, float, float]:
    """Gives what was set before."""
    before = (
        doorbell.POLL_SECONDS,
        doorbell.IDLE_SECONDS,
        sealing.SEAL_SECONDS,
        levels.CONTROL_SECONDS,
    )
    doorbell.POLL_SECONDS, doorbell.IDLE_SECONDS = poll, idle
    sealing.SEAL_SECONDS, levels.CONTROL_SECONDS = seal, controls
    return before


def _ignore(_: Any) -> None:
    """It says nothing about the run."""


def _drop(*_: Any) -> Any:
    raise structlog.DropEvent
