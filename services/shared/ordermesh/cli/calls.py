"""Calling the mesh with patience: retries, many calls at a time, refusals in words."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Protocol, TypeVar

import grpc

from ordermesh.client import Mesh, refusal_of

Item = TypeVar("Item")
Result = TypeVar("Result")
Request_contra = TypeVar("Request_contra", contravariant=True)
Reply_co = TypeVar("Reply_co", covariant=True)
Request = TypeVar("Request")
Reply = TypeVar("Reply")

CALLER = "command-line"
"""The name under which the command calls the services."""

IN_FLIGHT = 16
CALL_SECONDS = 30.0
PATIENCE_SECONDS = 60.0

_PASSING = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
    }
)
_PAUSE_SECONDS, _PAUSE_SECONDS_MAX = 0.1, 2.0


class Method(Protocol[Request_contra, Reply_co]):
    """A unary method of a stub."""

    def __call__(self, request: Request_contra, *, timeout: float) -> Awaitable[Reply_co]:
        """Call it; ``timeout`` is in seconds."""
        ...


def open_mesh(targets: Mapping[str, str]) -> Mesh:
    """The public client for these addresses."""
    return Mesh(targets, caller=CALLER)


async def patiently(
    method: Method[Request, Reply],
    request: Request,
    *,
    patience: float = PATIENCE_SECONDS,
    timeout: float = CALL_SECONDS,  # noqa: ASYNC109 - it is the deadline of each attempt
) -> Reply:
    """Call until it works or is refused for good: for reads and for requests that carry their id.

    Raises the last ``AioRpcError`` when the service stays away for so many seconds.
    """
    loop = asyncio.get_running_loop()
    give_up = loop.time() + patience
    pause = _PAUSE_SECONDS
    while True:
        try:
            return await method(request, timeout=timeout)
        except grpc.aio.AioRpcError as error:
            if error.code() not in _PASSING or loop.time() + pause > give_up:
                raise
        await asyncio.sleep(pause)
        pause = min(_PAUSE_SECONDS_MAX, 2 * pause)


async def in_flight(
    items: Iterable[Item],
    call: Callable[[Item], Awaitable[Result]],
    *,
    most: int = IN_FLIGHT,
) -> list[Result]:
    """Call for each item, begun in their order, at most so many at a time; results in order."""
    waiting = enumerate(items)
    results: dict[int, Result] = {}

    async def work() -> None:
        for number, item in waiting:
            results[number] = await call(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(most):
                group.create_task(work())
    except* grpc.aio.AioRpcError as errors:
        first = errors.exceptions[0]
        raise first from None
    return [results[number] for number in sorted(results)]


async def all_pages(
    read: Callable[[str], Awaitable[tuple[Sequence[Item], str]]],
) -> AsyncIterator[Item]:
    """Everything of a list of pages; ``read`` takes a page's token and gives that of the next."""
    token = ""
    while True:
        items, token = await read(token)
        for item in items:
            yield item
        if not token:
            return


def words(error: grpc.aio.AioRpcError) -> str:
    """Why a call failed, for people: reason, facts, sentence."""
    refusal = refusal_of(error)
    if refusal is None:
        return f"{error.code().name}: {error.details() or 'no more is known'}"
    facts = ", ".join(f"{key} {value}" for key, value in sorted(refusal.metadata.items()))
    violations = "; ".join(f"{path}: {why}" for path, why in refusal.violations.items())
    return f"{refusal.reason}{f' ({facts})' if facts else ''}: {violations or refusal.sentence}"
