"""Very many calls about everything at once, some of them twice: every invariant holds afterwards.

``make model OPERATIONS=200000`` says how many, and prints how fast they go.
"""

import os

import pytest
from sqlalchemy import Executable, delete, update

from ordermesh.inventory.domain.reservation import LineState
from ordermesh.inventory.store.tables.ledger import entry
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import PostgresTimeouts
from tests.inventory.many.running import Run

ASKED = os.environ.get("ORDERMESH_MODEL_OPERATIONS", "")
OPERATIONS = int(ASKED or "1200")
"""How many requests are made."""

LONG = 3_000
"""Of a run with fewer requests it is not sure that it comes to everything."""

CHECKS = max(3, OPERATIONS // 20_000)
"""How often all is recomputed from the tables."""


HOUR = 3_600_000
PATIENT = PostgresTimeouts(HOUR, HOUR, HOUR, HOUR)


@pytest.mark.timeout(14_400)
async def test_very_many_calls_at_once_keep_every_invariant(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def tell(sentence: str) -> None:
        if ASKED:
            with capsys.disabled():
                print(sentence, flush=True)  # noqa: T201 - it is what the command is for

    database = await Database.open(database_url, clock=SystemClock())
    patient = database
    if database.dialect == "postgresql":
        patient = await Database.open(database_url, clock=SystemClock(), timeouts=PATIENT)
    run = Run(database, patient, OPERATIONS, tell)
    await run.open()
    for check in range(1, CHECKS + 1):
        await run.go_on(OPERATIONS * check // CHECKS)
        if check == CHECKS:
            await run.finish()
        await run.check()
    for row in run.report():
        tell(row)
    await refuse_edits(database)
    await patient.close()
    await database.close()
    run.callers.judge()
    states = run.auditor.lines.states
    assert all(states[one] for one in LineState), f"some states were never reached: {states}"
    unseen = [what for what, count in run.auditor.looked_at.items() if not count]
    assert not unseen or OPERATIONS < LONG, f"there was none of these to look at: {unseen}"


async def refuse_edits(database: Database) -> None:
    """The history lets nobody edit it."""
    for statement in (update(entry).values(quantity=1), delete(entry)):

        async def edit(tx: Transaction, statement: Executable = statement) -> None:
            await tx.execute(statement)

        with pytest.raises(Exception, match="append"):
            await database.run(edit)
