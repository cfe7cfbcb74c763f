"""Answers to a stream of questions, a few of which are under way at once."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeVar

Q = TypeVar("Q")
A = TypeVar("A")


async def ahead(
    questions: AsyncIterator[Q], answer: Callable[[Q], Awaitable[A]], count: int
) -> AsyncIterator[tuple[Q, A]]:
    """Each question with its answer, in order, as soon as it is there.

    At most ``count`` are worked on at once; before that many are answered, no further question is
    read. Raises what the first answer raises that fails; those under way are then cancelled.
    """
    under_way: asyncio.Queue[tuple[Q, asyncio.Future[A]] | None] = asyncio.Queue()
    slots = asyncio.Semaphore(count)
    left: set[asyncio.Future[A]] = set()

    async def read() -> None:
        try:
            async for question in questions:
                await slots.acquire()
                answered = asyncio.ensure_future(answer(question))
                left.add(answered)
                under_way.put_nowait((question, answered))
        finally:
            under_way.put_nowait(None)

    reader = asyncio.create_task(read())
    try:
        while (entry := await under_way.get()) is not None:
            question, answered = entry
            result = await answered
            left.discard(answered)
            slots.release()
            yield question, result
        await reader
    finally:
        reader.cancel()
        for answered in left:
            answered.cancel()
        await asyncio.gather(reader, *left, return_exceptions=True)
