"""Open orders planned together in a process of its own, killed when it does not end in time.

``python -m ordermesh.routing.background.replanning SEED SECONDS`` reads an instance from its input
and writes what it found to its output.
"""

import asyncio
import io
import os
import resource
import sys
import time
from pathlib import Path

import numpy as np

from ordermesh.routing.background.answering import answer_of
from ordermesh.routing.background.batch_worker import (
    MASTER_SECONDS,
    MASTER_SECONDS_MIN,
    MEMORY_BYTES,
)
from ordermesh.routing.background.instances import read, written
from ordermesh.routing.background.mastering import MasterProcess
from ordermesh.routing.domain.reoptimizing.instance import Instance
from ordermesh.routing.ports.batches import Replanned
from ordermesh.routing.solver.batch.engine import BatchResult, plan_batch
from ordermesh.routing.solver.batch.master import Chosen, Master

MODULE = "ordermesh.routing.background.replanning"


class ReplanningProcess:
    """Starts a process for each instance, one at a time."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(1)

    async def __call__(self, instance: Instance, seed: int, seconds: float) -> Replanned:
        """As in ``Replanning``."""
        payload = await asyncio.to_thread(written, instance)
        async with self._room:
            found = await answer_of(MODULE, payload, seed, seconds)
        with np.load(io.BytesIO(found)) as told:
            return Replanned(
                told["location"].astype(np.int64),
                int(told["cost"]),
                int(told["bound"]),
                told["prices"].astype(np.int64),
                bool(told["is_cut"]),
            )


def main() -> None:
    """Solve the instance on the input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    seed, seconds = int(sys.argv[1]), float(sys.argv[2])
    payload = sys.stdin.buffer.read()
    # What libraries print is not part of the answer.
    with os.fdopen(os.dup(1), "wb") as outlet, Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        result = _solved(payload, seed, seconds)
        buffer = io.BytesIO()
        np.savez(
            buffer,
            location=result.plan.location,
            cost=np.array(result.plan.cost),
            bound=np.array(result.plan.bound),
            prices=result.plan.prices,
            is_cut=np.array(result.is_cut),
        )
        outlet.write(buffer.getvalue())


def _solved(payload: bytes, seed: int, seconds: float) -> BatchResult:
    end = time.monotonic() + seconds
    batch, cells, start = read(payload)

    def choose(master: Master) -> Chosen | None:
        left = min(MASTER_SECONDS, end - time.monotonic())
        return MasterProcess(left)(master) if left > MASTER_SECONDS_MIN else None

    return plan_batch(
        batch,
        seed,
        is_over=lambda: time.monotonic() >= end,
        used=lambda: 1 - (end - time.monotonic()) / max(seconds, 1e-9),
        choose=choose,
        cells=cells,
        start=start,
    )


if __name__ == "__main__":
    main()
