"""A stream is answered in order, a few questions ahead and never more."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ordermesh.runtime.ahead import ahead


class Asker:
    """Asks 0, 1, 2 ... and knows how many were taken."""

    def __init__(self, count: int) -> None:
        self.taken = 0
        self._count = count

    async def questions(self) -> AsyncIterator[int]:
        for number in range(self._count):
            self.taken += 1
            yield number


async def collect(pairs: AsyncIterator[tuple[int, int]], seen: list[int]) -> None:
    async for number, _ in pairs:
        seen.append(number)


async def test_answers_come_in_the_order_of_the_questions() -> None:
    asker = Asker(6)

    async def answer(number: int) -> int:
        await asyncio.sleep(0.005 * (6 - number))
        return number * 10

    pairs = [pair async for pair in ahead(asker.questions(), answer, 3)]

    assert pairs == [(number, number * 10) for number in range(6)]


async def test_no_more_is_worked_on_at_once_than_was_said() -> None:
    asker = Asker(20)
    under_way = peak = 0

    async def answer(number: int) -> int:
        nonlocal under_way, peak
        under_way += 1
        peak = max(peak, under_way)
        await asyncio.sleep(0.001)
        under_way -= 1
        return number

    assert len([one async for one in ahead(asker.questions(), answer, 4)]) == 20
    assert peak == 4


async def test_a_reader_that_does_not_come_back_stops_the_reading() -> None:
    asker = Asker(100)

    async def answer(number: int) -> int:
        return number

    answers = ahead(asker.questions(), answer, 4)
    assert await anext(answers) == (0, 0)
    await asyncio.sleep(0.01)

    assert asker.taken <= 6
    await answers.aclose()  # type: ignore[attr-defined]  # it is a generator


async def test_the_first_failure_ends_the_stream_and_what_is_under_way() -> None:
    asker = Asker(10)
    cancelled: list[int] = []

    async def answer(number: int) -> int:
        if number == 1:
            raise ValueError(number)
        try:
            await asyncio.sleep(0.02 if number == 0 else 10)
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    seen: list[int] = []
    with pytest.raises(ValueError, match="1"):
        await collect(ahead(asker.questions(), answer, 4), seen)

    assert seen == [0]
    assert sorted(cancelled)[:2] == [2, 3]


async def test_a_stream_of_questions_that_fails_fails_after_what_was_asked() -> None:
    async def questions() -> AsyncIterator[int]:
        yield 1
        raise ConnectionError

    async def answer(number: int) -> int:
        return number

    seen: list[int] = []
    with pytest.raises(ConnectionError):
        await collect(ahead(questions(), answer, 2), seen)

    assert seen == [1]


async def test_no_questions_have_no_answers() -> None:
    async def answer(number: int) -> int:
        return number

    assert [one async for one in ahead(Asker(0).questions(), answer, 2)] == []
