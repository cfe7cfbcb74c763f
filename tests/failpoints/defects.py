"""Defects in how crashes are survived, each planted where it would live, and its cell.

A matrix in which nothing ever fails proves nothing: each of these must make its cell fail.
"""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.mutants.trying import ROOT, changed

SECONDS_MAX = 600.0

SERVICES = ROOT / "services"
RUNTIME = SERVICES / "shared" / "ordermesh" / "runtime"


@dataclass(frozen=True)
class Defect:
    """What is wrong, the text that makes it so, and the cell in which it shows."""

    name: str
    path: Path
    sound: str
    broken: str
    point: str
    action: str
    service: str = ""

    @property
    def arguments(self) -> list[str]:
        """Those of the command that runs the cell."""
        service = ["--services", self.service] if self.service else []
        return ["--points", self.point, "--actions", self.action, *service]


DEFECTS: Sequence[Defect] = (
    Defect(
        "events are marked before they are delivered",
        RUNTIME / "outbox.py",
        """    async def _hand_over(self, rows: Sequence[Claimed]) -> None:
""",
        """    async def _hand_over(self, rows: Sequence[Claimed]) -> None:
        await self._database.run(lambda tx: finish_all(tx, rows))
""",
        "outbox.delivering",
        "exit",
    ),
    Defect(
        "an event's id is recorded in a transaction of its own",
        RUNTIME / "inbox.py",
        """        async def record(tx: Transaction) -> int:
            fresh = await self._fresh(tx, ordered)
""",
        """        fresh = await self._database.run(lambda tx: self._fresh(tx, ordered))

        async def record(tx: Transaction) -> int:
""",
        "inbox.effected",
        "exit",
    ),
    Defect(
        "a mutation's reply is not kept",
        RUNTIME / "idempotency.py",
        '            await tx.execute(insert_now(replies, tx.dialect, "create_time"), row)\n',
        "            assert row\n",
        "routing.waiting",
        "drop",
    ),
    Defect(
        "what came back is told to the ledger under a new id at each try",
        SERVICES / "returns" / "ordermesh" / "returns" / "peers.py",
        '            request_id=_request_id("receipt", one, receipt),\n',
        '            request_id=str(__import__("uuid").uuid4()),\n',
        "returns.after_post",
        "exit",
    ),
    Defect(
        "a mail that may have been sent is sent again unmarked",
        SERVICES / "notify" / "ordermesh" / "notify" / "domain" / "notification.py",
        "        possible_duplicate=True,\n",
        "        possible_duplicate=False,\n",
        "notify.answered",
        "exit",
    ),
    Defect(
        "a hold is asked for under a new id at each try",
        SERVICES / "routing" / "ordermesh" / "routing" / "operations" / "steps.py",
        '            request_id=call_id(order, "reserve", saga.epoch),\n',
        '            request_id=__import__("uuid").uuid4(),\n',
        "routing.after_reserve",
        "exit",
    ),
)


def attempt(defect: Defect) -> tuple[bool, str]:
    """Plant it and run its cell; whether the cell failed, and why.

    Raises ``ValueError`` where the program has changed, ``RuntimeError`` where no cell was run.
    """
    text = defect.path.read_text()
    if text.count(defect.sound) != 1:
        raise ValueError(f"{defect.name}: {defect.path.name} has not once: {defect.sound}")
    with changed(defect.path, text.replace(defect.sound, defect.broken)) as folder:
        ran = subprocess.run(
            [sys.executable, "-m", "tests.failpoints", "--databases", "sqlite", *defect.arguments],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(folder)},
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )
    last = [line for line in ran.stdout.splitlines() if line.startswith("FAILED ")]
    if "1 cells, " not in ran.stdout:
        raise RuntimeError(f"{defect.name}: no cell was run:\n{ran.stdout}{ran.stderr}")
    if any("the fault never fired" in line for line in last):
        raise RuntimeError(f"{defect.name}: the fault never fired.")
    return ran.returncode == 1 and bool(last), last[0] if last else ""


def attempt_all(names: Sequence[str], tell: Callable[[str], None]) -> int:
    """Try the defects whose names have one of these words, or all; gives how many went unseen."""
    unseen = 0
    for defect in DEFECTS:
        if names and not any(name in defect.name for name in names):
            continue
        is_seen, why = attempt(defect)
        tell(f"{'seen  ' if is_seen else 'UNSEEN'} {defect.name}: {why[:160]}")
        unseen += not is_seen
    return unseen
