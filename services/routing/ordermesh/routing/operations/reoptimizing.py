"""Deciding open orders again, together: what saves more than it disturbs is moved.

What is to move is stored before the ledger is asked (``begin``), and settled by a worker
(``ordermesh.routing.operations.reassigning``): whoever is stopped at any point leaves orders that
hold their stock, where they were or where they are to be.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import Unavailable
from ordermesh.kernel.ids import Ids, derived_id
from ordermesh.kernel.money import Money
from ordermesh.routing.domain.capacity import CapacityHold, Load, WindowKey
from ordermesh.routing.domain.decision import Reoptimization
from ordermesh.routing.domain.expecting import Expecting
from ordermesh.routing.domain.fulfillment import FulfillmentOrder
from ordermesh.routing.domain.reoptimizing.fate import (
    Fate,
    Outcome,
    Staying,
)
from ordermesh.routing.domain.reoptimizing.instance import assignments_of, instance_of
from ordermesh.routing.domain.reoptimizing.moving import Rearranged, intend, rearranged
from ordermesh.routing.domain.reoptimizing.proposal import Change, Move, Proposal, propose
from ordermesh.routing.domain.reoptimizing.verdict import together
from ordermesh.routing.domain.reoptimizing.worth import left_of, worths_of
from ordermesh.routing.domain.story import Story
from ordermesh.routing.operations.comparing import Base, Comparing, Gathered
from ordermesh.routing.operations.records import Records
from ordermesh.routing.operations.reoptimized import (
    Found,
    Run,
    decision_id_of,
    fates_of,
    outcome_of,
    retold,
    seen_of,
)
from ordermesh.routing.ports.batches import Replanning
from ordermesh.routing.ports.reassignments import (
    ReassignedOrder,
    Reassignment,
    ReassignmentState,
)
from ordermesh.routing.ports.runs import RunRecord
from ordermesh.routing.ports.stores import NewDecision, Stores
from ordermesh.routing.wire.decision import decision_message
from ordermesh.routing.wire.record import stored
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.failpoints import At
from ordermesh.runtime.waiting import Waiters
from ordermesh.runtime.work import enqueue

REASSIGNMENT_KIND = "reassignment"
"""The kind of work that settles a reassignment; the key is its id."""

OWN = "routing"

SETTLING = timedelta(seconds=10)
"""How long a run on schedule waits for what it began; a worker settles the rest."""

AGAIN_SECONDS = 1.0
"""After so long somebody asks again who asked while another call makes the run."""


class _Twin(Exception):
    """Another call makes the same run."""


class _Stopped(Exception):
    """Orders cannot be moved after all; the transaction is undone."""

    def __init__(self, fate: Fate, fact: str) -> None:
        super().__init__(fact)
        self.staying = Staying(fate, fact)


class ReoptimizeOrders:
    """Runs. Two at once do no harm: an order that one has changed is left alone by the other."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        ids: Ids,
        stores: Stores,
        records: Records,
        comparing: Comparing,
        replan: Replanning,
        waiters: Waiters,
        at: At,
    ) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._stores = stores
        self._records = records
        self._comparing = comparing
        self._replan = replan
        self._waiters = waiters
        self._at = at

    async def run(
        self, run: Run, answer_by: datetime | None = None, run_id: UUID | None = None
    ) -> Outcome:
        """Look, plan, move what is worth it, and tell of every order.

        A run of the same id that has begun what it was to move, were it nothing, is not made again:
        it is told what came of that. Where another call still makes it, this one does from here on,
        and tells what that one has begun, if anything. Raises ``Unavailable``.
        """
        run_id = run_id or self._ids.new()
        maker = self._ids.new()
        if not run.is_rehearsal and await self._is_begun(run, run_id, maker):
            return await self._retold(run_id, answer_by)
        try:
            return await self._made(run, run_id, maker, answer_by)
        except _Twin:
            return await self._retold(run_id, answer_by)

    async def position(self) -> int:
        """Where the next run on schedule begins to look."""
        return await self._database.read(self._stores.runs.position)

    async def _made(
        self, run: Run, run_id: UUID, maker: UUID, answer_by: datetime | None
    ) -> Outcome:
        """Make the run; raises ``_Twin`` as soon as another call does."""
        gathered = await self._comparing.gather(run.orders_max, run.after)
        if not gathered.compared:
            if not run.is_rehearsal:
                await self._begin_all(run_id, maker, Proposal((), {}), gathered, None)
            return outcome_of(run_id, gathered, Proposal((), {}), None, {}, run)
        instance = await asyncio.to_thread(instance_of, gathered.compared)
        found = await self._replan(instance, run.seed, run.seconds)
        await self._at("replanned")
        proposal = await asyncio.to_thread(
            propose,
            gathered.compared,
            instance.batch,
            assignments_of(gathered.compared, instance.batch, found.location),
        )
        bound = Money(found.bound - instance.offset) if instance.is_exact else None
        worths = await asyncio.to_thread(
            worths_of, instance.batch, found.prices, left_of(instance.batch, found.location)
        )
        began: Mapping[UUID, Change | Staying] = {}
        if not run.is_rehearsal:
            began = await self._begin_all(run_id, maker, proposal, gathered, bound)
        states = await self._settled(run_id, answer_by or self._clock.now() + SETTLING)
        return outcome_of(
            run_id, gathered, proposal, Found(found, bound, worths), fates_of(began, states), run
        )

    async def _is_begun(self, run: Run, run_id: UUID, maker: UUID) -> bool:
        """Whether all that it is to move has been stored; if not, it is for this call to make.

        What another call has begun is all then: it may have been cut off, and stores no more.
        """

        async def take(tx: Transaction) -> bool:
            runs = self._stores.runs
            found = await runs.take(tx, run_id, maker, is_scheduled=run.is_scheduled)
            if found.is_begun:
                return True
            if not await self._stores.reassignments.of_run(tx, run_id):
                return False
            await runs.begun(tx, run_id, None)
            return True

        return await self._database.run(take)

    async def _retold(self, run_id: UUID, answer_by: datetime | None) -> Outcome:
        """What came of a run that is, or soon will be, begun. Raises ``Unavailable``."""
        answer_by = answer_by or self._clock.now() + SETTLING

        async def look() -> RunRecord | None:
            found = await self._database.read(lambda tx: self._stores.runs.get(tx, run_id))
            return None if found is None or not found.is_begun else found

        try:
            found = await self._waiters.wait_for(str(run_id), look, answer_by)
        except TimeoutError:
            raise Unavailable(
                "Another call still makes this run.", service=OWN, retry_after=AGAIN_SECONDS
            ) from None
        states = await self._settled(run_id, answer_by)
        return retold(run_id, list(states.values()), found.seen)

    async def _begin_all(
        self,
        run_id: UUID,
        maker: UUID,
        proposal: Proposal,
        gathered: Gathered,
        bound: Money | None,
    ) -> dict[UUID, Change | Staying]:
        """Begin every change that can be, in turn, and keep what was seen; raises ``_Twin``."""
        began: dict[UUID, Change | Staying] = {}
        number = 0
        for change in proposal.changes:
            reassignment_id = derived_id("reassignment", run_id, number)
            told = await self._begin(run_id, maker, reassignment_id, change, gathered.bases)
            if isinstance(told, Staying):
                began[self._ids.new()] = told
            else:
                began[reassignment_id] = told
                number += 1

        async def end(tx: Transaction) -> None:
            await self._insist(tx, run_id, maker)
            await self._stores.runs.begun(tx, run_id, seen_of(gathered, bound))
            tx.after_commit(lambda: self._waiters.notify(str(run_id)))

        await self._database.run(end)
        return began

    async def _insist(self, tx: Transaction, run_id: UUID, maker: UUID) -> None:
        """Raises ``_Twin`` where another call makes the run; keeps others from it until then."""
        if not await self._stores.runs.is_made_by(tx, run_id, maker):
            raise _Twin

    async def _begin(
        self,
        run_id: UUID,
        maker: UUID,
        reassignment_id: UUID,
        change: Change,
        bases: Mapping[str, Base],
    ) -> Change | Staying:
        """Store that orders are to move, all or none; or why they cannot."""

        async def store(tx: Transaction) -> None:
            await self._insist(tx, run_id, maker)
            await self._store(tx, run_id, reassignment_id, change, bases)

        try:
            await self._database.run(store)
        except _Stopped as stopped:
            return stopped.staying
        await self._at("reassignment stored")
        return change

    async def _store(
        self,
        tx: Transaction,
        run_id: UUID,
        reassignment_id: UUID,
        change: Change,
        bases: Mapping[str, Base],
    ) -> None:
        now = await tx.now()
        moves = sorted(change.moves, key=lambda move: move.order_id)
        why = Reoptimization(
            run_id=run_id,
            reassignment_id=reassignment_id,
            cost_before=Money(0),
            saving=Money(change.saving),
            charge=Money(change.charge),
            order_ids=tuple(move.order_id for move in moves),
        )
        for move in moves:
            await self._lock(tx, move.compared.movable.story)
        new = {move.order_id: _new(move, bases[move.order_id], now) for move in moves}
        room = await self._given_back(tx, moves, new, now)
        orders = []
        for move in moves:
            base, one = bases[move.order_id], new[move.order_id]
            story = move.compared.movable.story
            for work in sorted(one.work, key=lambda work: work.location_id):
                await self._take_capacity(tx, work, base, room)
            own = replace(why, cost_before=move.compared.cost)
            await self._stores.decisions.put(tx, _decision(move, base, own))
            await self._records.save(tx, story, intend(story, one))
            orders.append(
                ReassignedOrder(
                    move.order_id,
                    story.saga.epoch + 1,
                    decision_id_of(move),
                    one.closing,
                    one.moves,
                )
            )
        await self._stores.reassignments.put(
            tx,
            Reassignment(
                reassignment_id=reassignment_id,
                run_id=run_id,
                currency_code=bases[moves[0].order_id].decision.currency_code,
                cost_before=change.before,
                cost_after=change.after,
                charge=change.charge,
                orders=tuple(orders),
            ),
        )
        await enqueue(tx, kind=REASSIGNMENT_KIND, key=str(reassignment_id))

    async def _lock(self, tx: Transaction, story: Story) -> None:
        order_id = story.order.order_id
        marks = await self._stores.orders.lock(tx, order_id)
        seen = (story.order.origin, story.order.version, story.saga.step, story.saga.epoch)
        if marks is None or (marks.origin, marks.version, marks.step, marks.epoch) != seen:
            raise _Stopped(Fate.CHANGED_MEANWHILE, f"order {order_id} was changed meanwhile")

    async def _given_back(
        self,
        tx: Transaction,
        moves: Sequence[Move],
        new: Mapping[str, Rearranged],
        now: datetime,
    ) -> Mapping[WindowKey, int]:
        """What ending work will give back of each window: new work may count on it."""
        room: dict[WindowKey, int] = {}
        for move in moves:
            closing = new[move.order_id].closing
            for work in move.compared.movable.work:
                if work.fulfillment_order_id not in closing or work.capacity_hold_id is None:
                    continue
                hold = await self._stores.capacity.get(tx, work.capacity_hold_id, now)
                for share in () if hold is None or not hold.counts else hold.shares:
                    room[share.key] = room.get(share.key, 0) + share.amount
        return room

    async def _take_capacity(
        self,
        tx: Transaction,
        work: FulfillmentOrder,
        base: Base,
        room: Mapping[WindowKey, int],
    ) -> None:
        """Hold what new work takes beside what ending work still holds; raises ``_Stopped``."""
        if work.capacity_hold_id is None:
            return
        place, decision = work.location_id, base.decision
        is_beyond = place in decision.beyond_capacity
        is_closed = place in decision.closed_when_full
        taken = base.known.shares_of(
            place, Load(1, work.units), work.method, is_closed_when_full=is_closed
        )
        shares = tuple(
            one
            if one.limit is None
            else replace(one, limit=None if is_beyond else one.limit + room.get(one.key, 0))
            for one in taken
        )
        hold = CapacityHold(
            hold_id=work.capacity_hold_id,
            location_id=place,
            shares=shares,
            caller=OWN,
            create_time=base.known.now,
        )
        if await self._stores.capacity.hold(tx, hold, await tx.now()):
            raise _Stopped(Fate.CAPACITY_TAKEN, f"{place} has no room any more")

    async def _settled(self, run_id: UUID, answer_by: datetime) -> Mapping[UUID, Reassignment]:
        """What became of what was begun, when all is known or time is up."""

        async def read(tx: Transaction) -> tuple[Reassignment, ...]:
            return await self._stores.reassignments.of_run(tx, run_id)

        async def look() -> tuple[Reassignment, ...] | None:
            found = await self._database.read(read)
            under_way = any(one.state is ReassignmentState.UNDER_WAY for one in found)
            return None if under_way else found

        try:
            found = await self._waiters.wait_for(str(run_id), look, answer_by)
        except TimeoutError:
            found = await self._database.read(read)
        return {one.reassignment_id: one for one in found}


def _new(move: Move, base: Base, now: datetime) -> Rearranged:
    story, work = move.compared.movable.story, move.compared.movable.work
    expecting = Expecting(story.order, base.known, base.record.problem)
    return rearranged(story, work, move.plan, decision_id_of(move), expecting, now)


def _decision(move: Move, base: Base, why: Reoptimization) -> NewDecision:
    decision = together(
        base.record, base.decision, move.plan, base.stock.units, decision_id_of(move), why
    )
    return NewDecision(
        decision_id=decision_id_of(move),
        order_id=move.order_id,
        request_id=None,
        method=decision.method,
        outcome=decision.outcome,
        create_time=decision.create_time,
        payload=decision_message(decision).SerializeToString(deterministic=True),
        record=None if decision.record is None else stored(decision.record),
    )
