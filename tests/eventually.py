"""For what happens in another task or process, whose steps no clock of ours can drive."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable

SECONDS_MAX = 20.0
"""Generous, because machines of tests are slow; it is waited for only when something is wrong."""


async def eventually(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    """Return as soon as the condition is true; fails when it never gets so."""
    give_up = time.monotonic() + SECONDS_MAX
    while True:
        holds = condition()
        if inspect.isawaitable(holds):
            holds = await holds
        if holds:
            return
        if time.monotonic() > give_up:
            raise AssertionError("It did not happen.")
        await asyncio.sleep(0.005)
