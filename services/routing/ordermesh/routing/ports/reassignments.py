"""Where it is kept which orders move together."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from ordermesh.routing.domain.reoptimizing.moving import LedgerMove
from ordermesh.runtime.database import Transaction


class ReassignmentState(StrEnum):
    """How far it has come: nobody knows yet, it was done, or the ledger refused."""

    UNDER_WAY = "UNDER_WAY"
    DONE = "DONE"
    REFUSED = "REFUSED"


@dataclass(frozen=True)
class ReassignedOrder:
    """One of the orders: the number of its plan, its decision, the work that ends, what moves."""

    order_id: str
    epoch: int
    decision_id: UUID
    closing: tuple[str, ...]
    moves: tuple[LedgerMove, ...]


@dataclass(frozen=True)
class Reassignment:
    """Orders that move together, by order id; costs are in 1e-4 of the currency."""

    reassignment_id: UUID
    run_id: UUID
    currency_code: str
    cost_before: int
    cost_after: int
    charge: int
    orders: tuple[ReassignedOrder, ...]
    state: ReassignmentState = ReassignmentState.UNDER_WAY
    why: str = ""


class ReassignmentStore(Protocol):
    """Keeps reassignments."""

    async def put(self, tx: Transaction, new: Reassignment) -> None:
        """Store one that is under way."""
        ...

    async def get(self, tx: Transaction, reassignment_id: UUID) -> Reassignment | None:
        """One with its orders."""
        ...

    async def lock(self, tx: Transaction, reassignment_id: UUID) -> ReassignmentState | None:
        """Keep others from it until the commit; how far it has come."""
        ...

    async def end(
        self, tx: Transaction, reassignment_id: UUID, state: ReassignmentState, why: str
    ) -> None:
        """Say what came of it."""
        ...

    async def of_run(self, tx: Transaction, run_id: UUID) -> tuple[Reassignment, ...]:
        """All of a run, without their orders' moves being of meaning any more."""
        ...

    async def prune(self, tx: Transaction, older_than: datetime) -> int:
        """Forget what ended before; gives how many."""
        ...
