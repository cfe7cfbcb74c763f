"""The loop of simulated processes: time, death, sleep, and sameness."""

import asyncio
import time
from collections.abc import Coroutine, Iterator
from contextvars import Context
from random import Random
from typing import Any

import pytest

from tests.simulation.loop import Process, SimulatedLoop, Standstill
from tests.simulation.sameness import the_same_everywhere


@pytest.fixture
def simulated() -> Iterator[SimulatedLoop]:
    loop = SimulatedLoop(Random(1))
    yield loop
    loop.bury()
    loop.close()


def _started(loop: SimulatedLoop, work: Coroutine[Any, Any, object]) -> Process:
    process = Process("someone")
    loop.processes.append(process)
    loop.create_task(work, context=process.context())
    return process


def test_hours_pass_in_no_time(simulated: SimulatedLoop) -> None:
    began = time.monotonic()
    simulated.run_until_complete(asyncio.sleep(1e6))
    assert simulated.time() == 1e6
    assert time.monotonic() - began < 1e3


def test_a_timeout_ends_at_its_time(simulated: SimulatedLoop) -> None:
    async def wait() -> float:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.0):
                await asyncio.sleep(10.0)
        return asyncio.get_running_loop().time()

    assert simulated.run_until_complete(wait()) == 3.0


def test_a_thread_is_not_started(simulated: SimulatedLoop) -> None:
    async def call() -> int:
        return await asyncio.to_thread(sum, (1, 2))

    assert simulated.run_until_complete(call()) == 3


def test_a_process_that_is_killed_does_nothing_more_not_even_finally(
    simulated: SimulatedLoop,
) -> None:
    said = []

    async def work() -> None:
        try:
            await asyncio.sleep(1.0)
            said.append("awake")
        finally:
            said.append("tidied")

    process = _started(simulated, work())
    simulated.call_later(0.5, simulated.kill, process)
    simulated.run_until_complete(asyncio.sleep(5.0))
    assert said == []


def test_a_process_that_is_paused_goes_on_later_with_all_that_came_due(
    simulated: SimulatedLoop,
) -> None:
    woken = []

    async def work() -> None:
        for _ in range(2):
            await asyncio.sleep(1.0)
            woken.append(asyncio.get_running_loop().time())

    process = _started(simulated, work())
    simulated.call_later(0.5, simulated.pause, process)
    simulated.call_later(9.0, simulated.wake, process)
    simulated.run_until_complete(asyncio.sleep(20.0))
    assert woken == [9.0, 10.0]


def test_what_a_process_starts_outside_of_every_call_dies_with_it(
    simulated: SimulatedLoop,
) -> None:
    said = []

    async def child() -> None:
        await asyncio.sleep(1.0)
        said.append("alive")

    async def work() -> None:
        asyncio.get_running_loop().create_task(child(), context=Context())
        await asyncio.sleep(10.0)

    process = _started(simulated, work())
    simulated.call_later(0.5, simulated.kill, process)
    simulated.run_until_complete(asyncio.sleep(5.0))
    assert said == []


def test_sets_of_tasks_are_walked_in_the_order_of_their_making(simulated: SimulatedLoop) -> None:
    async def make() -> list[str]:
        tasks = {asyncio.create_task(asyncio.sleep(0), name=str(number)) for number in range(5)}
        names = [task.get_name() for task in tasks]
        await asyncio.gather(*tasks)
        return names

    assert simulated.run_until_complete(make()) == ["0", "1", "2", "3", "4"]


def test_who_waits_for_nothing_that_will_come_is_told(simulated: SimulatedLoop) -> None:
    async def wait() -> None:
        await asyncio.get_running_loop().create_future()

    with pytest.raises(Standstill):
        simulated.run_until_complete(wait())


def test_what_is_done_already_is_gathered_a_turn_later_in_every_version(
    simulated: SimulatedLoop,
) -> None:
    async def gather() -> tuple[bool, tuple[object, object]]:
        done = simulated.create_future()
        done.set_result(1)
        refused = simulated.create_future()
        refused.set_exception(ValueError("no"))
        gathered = asyncio.gather(done, refused, return_exceptions=True)
        was_done = gathered.done()
        first, second = await gathered
        return was_done, (first, second)

    with the_same_everywhere():
        was_done, results = simulated.run_until_complete(gather())
    assert not was_done
    assert results[0] == 1
    assert isinstance(results[1], ValueError)


def test_who_is_waited_for_too_long_is_cancelled(simulated: SimulatedLoop) -> None:
    async def wait() -> None:
        sleeper = asyncio.ensure_future(asyncio.sleep(9.0))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(sleeper, 1.0)
        assert sleeper.cancelled()

    with the_same_everywhere():
        simulated.run_until_complete(wait())
    assert simulated.time() == 1.0
