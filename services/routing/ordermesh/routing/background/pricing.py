"""Prices for what will come, found in a process of its own, which is killed when it takes too long.

``python -m ordermesh.routing.background.pricing SEED SECONDS`` reads what there is from its input
and writes the prices to its output.
"""

import asyncio
import io
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from ordermesh.routing.background.answering import answer_of
from ordermesh.routing.background.batch_worker import MEMORY_BYTES
from ordermesh.routing.background.instances import CELLS
from ordermesh.routing.domain.batch.cells import Cells
from ordermesh.routing.domain.foresight.ahead import Ahead, Priced
from ordermesh.routing.solver.batch.ahead import price_ahead

MODULE = "ordermesh.routing.background.pricing"

_COLUMNS = ("stock", "labor_now", "labor_later", "weights", "start")
_FOUND = ("prices", "last", "next", "missing", "missing_value", "idle")


class PricingProcess:
    """Starts a process for each renewal, one at a time."""

    def __init__(self) -> None:
        self._room = asyncio.Semaphore(1)

    async def __call__(self, ahead: Ahead, seed: int, seconds: float) -> Priced:
        """As in ``Pricing``."""
        payload = await asyncio.to_thread(_written, ahead)
        async with self._room:
            found = await answer_of(MODULE, payload, seed, seconds)
        with np.load(io.BytesIO(found)) as told:
            return Priced(
                **{name: told[name].astype(np.int64) for name in _FOUND},
                futures=int(told["futures"]),
                is_cut=bool(told["is_cut"]),
            )


def _written(ahead: Ahead) -> bytes:
    buffer = io.BytesIO()
    np.savez(
        buffer,
        **{f"cells_{name}": getattr(ahead.cells, name) for name in CELLS},
        **{name: getattr(ahead, name) for name in _COLUMNS},
        now=np.array(ahead.now),
        later=np.array(ahead.later),
    )
    return buffer.getvalue()


def _read(payload: bytes) -> Ahead:
    """What was written, without the names."""
    with np.load(io.BytesIO(payload)) as found:
        known: dict[str, Any] = {name: found[name] for name in found.files}
    cells = Cells(
        **{name: known[f"cells_{name}"] for name in CELLS},
        stock_rows=len(known["stock"]),
        split_charge=0,
    )
    return Ahead(
        cells=cells,
        rows=(("", ""),) * len(known["stock"]),
        locations=("",) * len(known["labor_now"]),
        now=int(known["now"]),
        later=int(known["later"]),
        **{name: known[name] for name in _COLUMNS},
    )


def main() -> None:
    """Price what is on the input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    seed, end = int(sys.argv[1]), time.monotonic() + float(sys.argv[2])
    payload = sys.stdin.buffer.read()
    # What libraries print is not part of the answer.
    with os.fdopen(os.dup(1), "wb") as outlet, Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        priced = price_ahead(_read(payload), seed, is_over=lambda: time.monotonic() >= end)
        buffer = io.BytesIO()
        np.savez(
            buffer,
            **{name: getattr(priced, name) for name in _FOUND},
            futures=np.array(priced.futures),
            is_cut=np.array(priced.is_cut),
        )
        outlet.write(buffer.getvalue())


if __name__ == "__main__":
    main()
