import asyncio
from datetime import timedelta

import pytest

from ordermesh.runtime.waiting import Waiters
from tests.eventually import eventually
from tests.fakes import FakeClock


async def test_what_is_there_already_is_given_at_once(clock: FakeClock) -> None:
    async def check() -> str | None:
        return "SOURCED"

    assert await Waiters(clock).wait_for("order-1", check, clock.now()) == "SOURCED"


async def test_a_waiter_is_woken_by_its_key_and_no_other(clock: FakeClock) -> None:
    waiters = Waiters(clock)
    checks = 0
    state: str | None = None

    async def check() -> str | None:
        nonlocal checks
        checks += 1
        return state

    waiting = asyncio.create_task(
        waiters.wait_for("order-1", check, clock.now() + timedelta(seconds=2))
    )
    await eventually(lambda: clock.sleepers == 1)
    waiters.notify("order-2")
    await asyncio.sleep(0.01)
    assert checks == 1
    state = "SOURCED"
    waiters.notify("order-1")

    assert await waiting == "SOURCED"
    assert checks == 2


async def test_what_another_process_did_is_found_by_looking(clock: FakeClock) -> None:
    state: str | None = None

    async def check() -> str | None:
        return state

    waiting = asyncio.create_task(
        Waiters(clock).wait_for("order-1", check, clock.now() + timedelta(seconds=2))
    )
    await eventually(lambda: clock.sleepers == 1)
    state = "SOURCED"
    clock.advance(1.0)

    assert await waiting == "SOURCED"


async def test_a_waiter_gives_up_at_its_deadline(clock: FakeClock) -> None:
    async def check() -> str | None:
        return None

    waiting = asyncio.create_task(
        Waiters(clock).wait_for("order-1", check, clock.now() + timedelta(seconds=1.5))
    )
    for _ in range(10):
        await asyncio.sleep(0.001)
        clock.advance(0.3)

    with pytest.raises(TimeoutError):
        await waiting


async def test_nothing_is_kept_of_those_who_went_away(clock: FakeClock) -> None:
    waiters = Waiters(clock)

    async def check() -> str | None:
        return None

    waiting = asyncio.create_task(
        waiters.wait_for("order-1", check, clock.now() + timedelta(seconds=2))
    )
    await eventually(lambda: clock.sleepers == 1)
    assert waiters.keys == {"order-1"}
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert waiters.keys == set()
