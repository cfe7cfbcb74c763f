"""The worker that settles which orders have moved: the ledger is asked, and its answer written."""

import logging
from collections.abc import Sequence
from uuid import UUID

from ordermesh.kernel.ids import derived_id
from ordermesh.routing.domain.reoptimizing.fate import is_foreseen
from ordermesh.routing.domain.reoptimizing.moving import drop, settle
from ordermesh.routing.domain.saga import Action, Step
from ordermesh.routing.operations.records import Records
from ordermesh.routing.operations.reoptimizing import REASSIGNMENT_KIND
from ordermesh.routing.ports.reassignments import (
    ReassignedOrder,
    Reassignment,
    ReassignmentState,
)
from ordermesh.routing.ports.stock import (
    ReassignCall,
    Reassigned,
    Refused,
    ReservationMoves,
    Stock,
)
from ordermesh.routing.ports.stores import Stores
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.failpoints import At
from ordermesh.runtime.telemetry import Attributes, span
from ordermesh.runtime.waiting import Waiters
from ordermesh.runtime.work import Claimed, WorkKind

LEASE_SECONDS = 10.0
CONCURRENCY = 4

_log = logging.getLogger(__name__)


class Reassigning:
    """Settles reassignments; ``at`` is called with a name where a crash would tell.

    The call has an id that is the same the next time, and the ledger keeps its answer: whoever asks
    again, after a crash or beside a worker that was thought dead, is told the same.
    """

    def __init__(
        self,
        database: Database,
        stores: Stores,
        stock: Stock,
        records: Records,
        waiters: Waiters,
        at: At,
    ) -> None:
        self._database = database
        self._stores = stores
        self._stock = stock
        self._records = records
        self._waiters = waiters
        self._at = at

    @property
    def kind(self) -> str:
        """The kind of work that this is."""
        return REASSIGNMENT_KIND

    def work_kind(self) -> WorkKind:
        """How a worker handles it."""
        return WorkKind(
            self.handle,
            concurrency=CONCURRENCY,
            lease_seconds=LEASE_SECONDS,
            needs_a_peer=True,
        )

    async def handle(self, rows: Sequence[Claimed]) -> None:
        """Settle each."""
        for claimed in rows:
            await self._settle(claimed)

    async def _settle(self, claimed: Claimed) -> None:
        reassignment_id = UUID(claimed.key)
        found = await self._database.read(
            lambda tx: self._stores.reassignments.get(tx, reassignment_id)
        )
        if found is None or found.state is not ReassignmentState.UNDER_WAY:
            await self._database.run(claimed.finish)
            return
        await self._at("before reassign")
        answer = await self._ask(found)
        await self._at("after reassign")
        await self._database.run(lambda tx: self._write(tx, claimed, found, answer))
        await self._at("reassigned")

    async def _ask(self, found: Reassignment) -> Reassigned | Refused:
        """Where the ledger holds the stock of the orders now. Raises ``Unavailable``."""
        reservations = tuple(moves for order in found.orders for moves in _by_reservation(order))
        if not reservations:
            # Work is only put together otherwise where it is.
            return Reassigned()
        with span("reassign", {Attributes.WORK_ROWS: len(found.orders)}):
            return await self._stock.reassign(
                ReassignCall(derived_id("reassign", found.reassignment_id), reservations)
            )

    async def _write(
        self,
        tx: Transaction,
        claimed: Claimed,
        found: Reassignment,
        answer: Reassigned | Refused,
    ) -> None:
        """What came of it, for all of its orders, unless somebody else has written it."""
        state = await self._stores.reassignments.lock(tx, found.reassignment_id)
        if state is ReassignmentState.UNDER_WAY:
            for one in found.orders:
                await self._write_order(tx, one, is_done=isinstance(answer, Reassigned))
            if isinstance(answer, Refused):
                if not is_foreseen(answer.reason):
                    # A fault, to be looked into; the orders are not kept waiting for that.
                    _log.error(
                        "the ledger refused to move stock for a reason that nobody foresaw",
                        extra={"reason": answer.reason, "reassignment": str(found.reassignment_id)},
                    )
                gone = [one.decision_id for one in found.orders]
                await self._stores.decisions.withdraw(tx, gone)
            await self._stores.reassignments.end(
                tx,
                found.reassignment_id,
                ReassignmentState.REFUSED
                if isinstance(answer, Refused)
                else ReassignmentState.DONE,
                answer.reason if isinstance(answer, Refused) else "",
            )
            run_id = str(found.run_id)
            tx.after_commit(lambda: self._waiters.notify(run_id))
        await claimed.finish(tx)

    async def _write_order(self, tx: Transaction, one: ReassignedOrder, *, is_done: bool) -> None:
        story = await self._stores.orders.load(tx, one.order_id, lock=True)
        if story is None or story.saga.step is not Step.MOVE or story.saga.epoch != one.epoch:
            raise ArithmeticError("an order was changed while its stock was being moved")
        if is_done:
            after, events = settle(story, one.closing, one.decision_id)
            written = await self._records.save(tx, story, after, events)
        else:
            written = await self._records.save(tx, story, drop(story))
        if written.due(await tx.now()) is not Action.SETTLED:
            await self._records.drive(tx, one.order_id)


def _by_reservation(order: ReassignedOrder) -> list[ReservationMoves]:
    names = dict.fromkeys(move.reservation_id for move in order.moves)
    return [
        ReservationMoves(
            name,
            tuple(move for move in order.moves if move.reservation_id == name),
            fence=order.epoch,
        )
        for name in names
    ]
