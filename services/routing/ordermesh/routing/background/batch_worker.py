"""The process that solves one batch: ``python -m ordermesh.routing.background.batch_worker``.

It reads the pieces of the request from its input and writes frames to its output: progress, and
whole plans, each from its beginning to its end, so that whoever kills it has the last one. It gives
way to the server, may use so much memory and no more, and verifies every plan that it tells.
"""

import contextlib
import resource
import sys
import time
from dataclasses import replace
from typing import BinaryIO

import numpy as np

from ordermesh.api.routing import v1
from ordermesh.routing.background.frames import HEAD_BYTES, Kind, frame, head
from ordermesh.routing.background.mastering import MasterProcess
from ordermesh.routing.domain.batch.cells import NEVER, Cells, cells_of
from ordermesh.routing.domain.batch.intake import Taken
from ordermesh.routing.domain.batch.plan import BatchPlan, BatchStatus
from ordermesh.routing.domain.batch.verification import verify_batch
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.solver.batch.engine import THOROUGH, Progress, Stage, plan_batch
from ordermesh.routing.solver.batch.master import Chosen, Master
from ordermesh.routing.wire.batch import (
    Answer,
    Reading,
    moves_of,
    progress_message,
    seconds_of,
)
from ordermesh.routing.wire.money import money_message

MEMORY_BYTES = 4 * 2**30
MASTER_SECONDS, MASTER_SECONDS_MIN = 30.0, 1.0
PLAN_EVERY_SECONDS = 5.0


def main() -> None:
    """Solve the batch on the input."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    inlet, outlet = sys.stdin.buffer, sys.stdout.buffer
    reading = _read(inlet)
    started = time.monotonic()
    try:
        taken = reading.intake.taken()
    except FieldViolation as refusal:
        _write(outlet, Kind.REFUSED, "\n".join(refusal.facts().values()).encode())
        return
    if taken is None:
        _tell_nothing(outlet, reading)
    else:
        _Solving(outlet, reading, taken, started).run()
    _write(outlet, Kind.DONE)


class _Solving:
    """Solves, and tells."""

    def __init__(self, outlet: BinaryIO, reading: Reading, taken: Taken, started: float) -> None:
        if reading.terms is None:
            raise ArithmeticError("a batch was read without terms")
        self._outlet, self._terms, self._taken = outlet, reading.terms, taken
        self._intake = reading.intake
        self._started, self._seconds = started, seconds_of(reading.terms)
        self._end = started + self._seconds
        reached = _reached(cells_of(taken.batch))
        self._answer = Answer(reading.intake, taken, reached)
        self._told, self._one_by_one = -1.0, 0

    def run(self) -> None:
        """Solve within the time, and tell the last plan."""
        budget = replace(THOROUGH, moves=moves_of(self._terms))
        result = plan_batch(
            self._taken.batch,
            self._terms.seed,
            budget,
            tell=self._tell,
            is_over=self._is_over,
            used=lambda: (time.monotonic() - self._started) / max(self._seconds, 1e-9),
            choose=self._choose,
        )
        self._write_plan(result.plan, is_cut=result.is_cut)

    def _choose(self, master: Master) -> Chosen | None:
        """Leave the master to a process of its own, for no longer than there is time."""
        seconds = min(MASTER_SECONDS, self._end - time.monotonic())
        return MasterProcess(seconds)(master) if seconds > MASTER_SECONDS_MIN else None

    def _is_over(self) -> bool:
        return time.monotonic() >= self._end

    def _tell(self, progress: Progress) -> None:
        plan = progress.plan
        message = progress_message(progress.stage, plan.cost, plan.bound, self._terms.currency_code)
        _write(self._outlet, Kind.PROGRESS, message.SerializeToString())
        if progress.stage is Stage.MYOPIC:
            self._one_by_one = plan.cost
        is_due = time.monotonic() > self._told + PLAN_EVERY_SECONDS
        if progress.stage is not Stage.FINAL and is_due:
            self._write_plan(plan, is_cut=True)

    def _write_plan(self, plan: BatchPlan, *, is_cut: bool) -> None:
        """A whole plan; raises ``BatchRefused`` rather than tell one that is not true."""
        verify_batch(self._taken.batch, plan, with_bound=False)
        _write(self._outlet, Kind.PLAN_BEGINS)
        for message in self._answer.messages(plan.location):
            _write(self._outlet, Kind.PLAN, message.SerializeToString())
        outcome = self._outcome(plan, is_cut=is_cut)
        _write(self._outlet, Kind.PLAN_ENDS, outcome.SerializeToString())
        self._told = time.monotonic()

    def _outcome(self, plan: BatchPlan, *, is_cut: bool) -> v1.PlanBatchResponse:
        batch, currency = self._taken.batch, self._terms.currency_code
        left = plan.location < 0
        charged = int((batch.atoms.penalty - self._taken.plain.atoms.penalty)[left].sum())
        return v1.PlanBatchResponse(
            outcome=v1.BatchOutcome(
                cost=money_message(plan.cost - charged, currency),
                objective=money_message(plan.cost, currency),
                bound=money_message(plan.bound, currency),
                one_by_one_objective=money_message(self._one_by_one, currency),
                optimal=plan.status is BatchStatus.OPTIMAL,
                cut_off=is_cut,
                planned_orders=len(self._taken.orders),
                refused_orders=len(self._intake.orders) - len(self._taken.orders),
                unfilled_units=int(batch.atoms.units[left].sum()),
            )
        )


def _tell_nothing(outlet: BinaryIO, reading: Reading) -> None:
    """The answer where every order is refused."""
    currency = reading.intake.costs.currency
    nothing = money_message(0, currency)
    _write(outlet, Kind.PLAN_BEGINS)
    for message in Answer(reading.intake, None).messages(np.zeros(0, np.int64)):
        _write(outlet, Kind.PLAN, message.SerializeToString())
    outcome = v1.BatchOutcome(
        cost=nothing,
        objective=nothing,
        bound=nothing,
        one_by_one_objective=nothing,
        optimal=True,
        refused_orders=len(reading.intake.orders),
    )
    message = v1.PlanBatchResponse(outcome=outcome)
    _write(outlet, Kind.PLAN_ENDS, message.SerializeToString())


def _reached(cells: Cells) -> list[bool]:
    """Of each atom, whether any location could send it."""
    found = np.zeros(len(cells.units), np.bool_)
    for order in range(cells.orders):
        width = int(cells.first_atom[order + 1] - cells.first_atom[order])
        own = cells.cell_cost[cells.first_cell[order] : cells.first_cell[order + 1]]
        start = int(cells.first_atom[order])
        found[start : start + width] = (own.reshape(-1, width) < NEVER).any(axis=0)
    return list(map(bool, found))


def _read(inlet: BinaryIO) -> Reading:
    reading = Reading()
    while True:
        kind, length = head(_exactly(inlet, HEAD_BYTES))
        if kind is Kind.END:
            return reading
        reading.add(v1.PlanBatchRequest.FromString(_exactly(inlet, length)))


def _exactly(inlet: BinaryIO, length: int) -> bytes:
    raw = inlet.read(length)
    if len(raw) < length:
        # Whoever asked has gone.
        raise SystemExit(0)
    return raw


def _write(outlet: BinaryIO, kind: Kind, payload: bytes = b"") -> None:
    outlet.write(frame(kind, payload))
    outlet.flush()


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main()
