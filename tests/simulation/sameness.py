"""What versions of Python do in other numbers of turns of the loop, done in one way.

With ``shuffles`` a run draws an order for what is ready at one turn. A callback that comes a turn
later in one version than in another would make two runs of one seed.
"""

import asyncio
from collections.abc import Awaitable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar
from unittest.mock import patch

T = TypeVar("T")

_gather = asyncio.gather


@contextmanager
def the_same_everywhere() -> Iterator[None]:
    """While the block lasts, ``gather`` and ``wait_for`` take as many turns in every version."""
    with (
        patch.object(asyncio, "gather", _gathered),
        patch.object(asyncio, "wait_for", _waited_for),
    ):
        yield


def _gathered(*awaitables: Any, return_exceptions: bool = False) -> "asyncio.Future[list[Any]]":
    """From 3.12 on what is done already is looked at at once, before a turn later."""
    return _gather(*map(_at_the_next_turn, awaitables), return_exceptions=return_exceptions)


def _at_the_next_turn(one: Any) -> Any:
    if not asyncio.isfuture(one) or not one.done():
        return one
    later: asyncio.Future[Any] = one.get_loop().create_future()
    one.add_done_callback(partial(_hand_on, later))
    return later


def _hand_on(later: "asyncio.Future[Any]", one: "asyncio.Future[Any]") -> None:
    if later.done():
        return
    if one.cancelled():
        later.cancel()
    elif (error := one.exception()) is not None:
        later.set_exception(error)
    else:
        later.set_result(one.result())


async def _waited_for(one: Awaitable[T], timeout: float | None) -> T:  # noqa: ASYNC109 - as there
    """Before 3.12 it was a task of its own that was waited for."""
    async with asyncio.timeout(timeout):
        return await one
