"""Solvers give way from their first moment, before they have read their first module."""

import asyncio
import os
import sys

import pytest

from ordermesh.routing.background import solving
from ordermesh.routing.background.solving import BatchProcesses
from ordermesh.routing.background.yielding import NICENESS, give_way


async def test_a_solver_gives_way_as_soon_as_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    given = list[int]()

    def noted(process_id: int) -> None:
        give_way(process_id)
        given.append(os.getpriority(os.PRIO_PROCESS, process_id))

    monkeypatch.setattr(solving, "give_way", noted)
    async with BatchProcesses().open():
        assert given == [NICENESS]


async def test_one_that_has_ended_meanwhile_is_no_fault() -> None:
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", "")
    await process.wait()

    give_way(process.pid)
