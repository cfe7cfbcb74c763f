"""The restricted master in a process of its own, killed when its time is over.

Both sides speak arrays: ``python -m ordermesh.routing.background.mastering`` reads a programme from
its input, and writes what it chose to its output. The limit that a solver keeps by itself is no
guarantee.
"""

import io
import os
import subprocess
import sys
from pathlib import Path
from typing import BinaryIO

import numpy as np

from ordermesh.routing.solver.batch.master import Chosen, Master, solve_master

GRACE_SECONDS = 5.0
"""How long starting, reading and writing may take beside solving."""

_FIELDS = ("order", "cost", "use_column", "use_resource", "use_units", "capacity")


class MasterProcess:
    """Solves masters, each in its own process and at most so many seconds.

    ``memory_kib`` is the most memory that one of them has had.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self.memory_kib = 0

    def __call__(self, master: Master) -> Chosen | None:
        """What was chosen; None where nothing was in time."""
        written = io.BytesIO()
        np.savez(
            written,
            seconds=np.array(self._seconds),
            **{name: getattr(master, name) for name in _FIELDS},
        )
        try:
            ended = subprocess.run(
                [sys.executable, "-m", "ordermesh.routing.background.mastering"],
                input=written.getvalue(),
                stdout=subprocess.PIPE,
                check=False,
                timeout=self._seconds + GRACE_SECONDS,
            )
        except subprocess.TimeoutExpired:
            return None
        if ended.returncode or not ended.stdout:
            return None
        with np.load(io.BytesIO(ended.stdout)) as found:
            self.memory_kib = max(self.memory_kib, int(found["memory_kib"]))
            return Chosen(
                found["columns"].astype(np.bool_),
                bool(found["is_optimal"]),
                bool(found["is_exact"]),
            )


def memory_kib() -> int:
    """The most memory that this program has had since it began; 0 where nobody tells.

    What the operating system counts for a child begins with what its parent had, and so is not it.
    """
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
    except OSError:
        return 0
    told = [line.split()[1] for line in lines if line.startswith("VmHWM:")]
    return int(told[0]) if told else 0


def main() -> None:
    """Solve the programme on the input."""
    # What the library prints is not part of the answer.
    with os.fdopen(os.dup(1), "wb") as outlet, Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
        _answer(outlet)


def _answer(outlet: BinaryIO) -> None:
    with np.load(io.BytesIO(sys.stdin.buffer.read())) as found:
        master = Master(**{name: found[name] for name in _FIELDS})
        seconds = float(found["seconds"])
    chosen = solve_master(master, seconds)
    if chosen is not None:
        written = io.BytesIO()
        np.savez(
            written,
            columns=chosen.columns,
            is_optimal=np.array(chosen.is_optimal),
            is_exact=np.array(chosen.is_exact),
            memory_kib=np.array(memory_kib()),
        )
        outlet.write(written.getvalue())


if __name__ == "__main__":
    main()
