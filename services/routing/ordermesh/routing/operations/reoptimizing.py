"""Deciding open orders again, together: what saves more than it disturbs is moved.

What is to move is stored before the ledger is asked (``begin``), and settled by a worker
(``ordermesh.routing.operations.reassigning``): whoever is stopped at any point leaves orders that
hold their stock, where they were or where they are to be.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from uuid import UUID

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.ids import Ids, derived_id
from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.domain.capacity import CapacityHold, Load, WindowKey
from ordermesh.routing.domain.decision import Reoptimization
from ordermesh.routing.domain.fulfillment import FulfillmentOrder
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.reoptimizing.fate import (
    Fate,
    Outcome,
    Staying,
    Told,
    refused_for,
)
from ordermesh.routing.domain.reoptimizing.instance import assignments_of, instance_of
from ordermesh.routing.domain.reoptimizing.moving import Rearranged, intend, rearranged
from ordermesh.routing.domain.reoptimizing.proposal import Change, Move, Proposal, propose
from ordermesh.routing.domain.reoptimizing.verdict import together
from ordermesh.routing.domain.reoptimizing.worth import NOTHING, Worths, left_of, worths_of
from ordermesh.routing.domain.story import Story
from ordermesh.routing.operations.comparing import Base, Comparing, Gathered
from ordermesh.routing.operations.records import Records
from ordermesh.routing.ports.batches import Replanned, Replanning
from ordermesh.routing.ports.reassignments import (
    ReassignedOrder,
    Reassignment,
    ReassignmentState,
)
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


@dataclass(frozen=True)
class Run:
    """How much is looked at, and for how long; ``is_rehearsal``: nothing is moved."""

    orders_max: int
    seconds: float
    seed: int = 0
    is_rehearsal: bool = False


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

    async def run(self, run: Run, answer_by: datetime | None = None) -> Outcome:
        """Look, plan, move what is worth it, and tell of every order. Raises ``Unavailable``."""
        run_id = self._ids.new()
        gathered = await self._comparing.gather(run.orders_max)
        if not gathered.compared:
            return _outcome(run_id, gathered, Proposal((), {}), None, {}, run)
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
        began: dict[UUID, Change | Staying] = {}
        if not run.is_rehearsal:
            for change in proposal.changes:
                reassignment_id = self._ids.new()
                began[reassignment_id] = await self._begin(
                    run_id, reassignment_id, change, gathered.bases
                )
        states = await self._settled(run_id, answer_by or self._clock.now() + SETTLING)
        return _outcome(
            run_id, gathered, proposal, _Found(found, bound, worths), _fates(began, states), run
        )

    async def _begin(
        self, run_id: UUID, reassignment_id: UUID, change: Change, bases: Mapping[str, Base]
    ) -> Change | Staying:
        """Store that orders are to move, all or none; or why they cannot."""
        try:
            await self._database.run(
                lambda tx: self._store(tx, run_id, reassignment_id, change, bases)
            )
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
                beyond = base.decision.beyond_capacity
                await self._take_capacity(tx, work, base.known, beyond, room)
            own = replace(why, cost_before=move.compared.cost)
            await self._stores.decisions.put(tx, _decision(move, base, own))
            await self._records.save(tx, story, intend(story, one))
            orders.append(
                ReassignedOrder(
                    move.order_id,
                    story.saga.epoch + 1,
                    _decision_id(move),
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
        known: Known,
        beyond: frozenset[str],
        room: Mapping[WindowKey, int],
    ) -> None:
        """Hold what new work takes beside what ending work still holds; raises ``_Stopped``."""
        if work.capacity_hold_id is None:
            return
        shares = tuple(
            replace(
                share,
                limit=None
                if share.limit is None or work.location_id in beyond
                else share.limit + room.get(share.key, 0),
            )
            for share in known.shares_of(work.location_id, Load(1, work.units), work.method)
        )
        hold = CapacityHold(
            hold_id=work.capacity_hold_id,
            location_id=work.location_id,
            shares=shares,
            caller=OWN,
            create_time=known.now,
        )
        if await self._stores.capacity.hold(tx, hold, await tx.now()):
            raise _Stopped(Fate.CAPACITY_TAKEN, f"{work.location_id} has no room any more")

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


@dataclass(frozen=True)
class _Found:
    """What the solver found, and the bound in the orders' own costs."""

    plan: Replanned
    bound: Money | None
    worths: Worths


def _new(move: Move, base: Base, now: datetime) -> Rearranged:
    movable = move.compared.movable
    limited = {entry.location_id for entry in base.known.network if entry.capacities}
    return rearranged(movable.story, movable.work, move.plan, _decision_id(move), limited, now)


def _decision_id(move: Move) -> UUID:
    story = move.compared.movable.story
    return derived_id("decision", story.order.origin, story.saga.epoch + 1)


def _decision(move: Move, base: Base, why: Reoptimization) -> NewDecision:
    decision = together(
        base.record, base.decision, move.plan, base.stock.units, _decision_id(move), why
    )
    return NewDecision(
        decision_id=_decision_id(move),
        order_id=move.order_id,
        request_id=None,
        method=decision.method,
        outcome=decision.outcome,
        create_time=decision.create_time,
        payload=decision_message(decision).SerializeToString(deterministic=True),
        record=None if decision.record is None else stored(decision.record),
    )


def _fates(
    began: Mapping[UUID, Change | Staying], states: Mapping[UUID, Reassignment]
) -> dict[UUID, tuple[Fate, str]]:
    """What became of each reassignment that was begun."""
    fates: dict[UUID, tuple[Fate, str]] = {}
    for reassignment_id, what in began.items():
        known = states.get(reassignment_id)
        if isinstance(what, Staying):
            fates[reassignment_id] = (what.fate, what.fact)
        elif known is None or known.state is ReassignmentState.UNDER_WAY:
            fates[reassignment_id] = (Fate.TO_BE_MOVED, "it is under way")
        elif known.state is ReassignmentState.DONE:
            fates[reassignment_id] = (Fate.MOVED, "")
        else:
            fates[reassignment_id] = refused_for(known.why)
    return fates


def _saved(change: Change, currency_code: str) -> str:
    many = len(change.moves)
    orders = "the order moved alone saves" if many == 1 else f"{many} orders moved together save"
    return f"{orders} {to_decimal(change.saving):.2f} {currency_code}"


def _outcome(
    run_id: UUID,
    gathered: Gathered,
    proposal: Proposal,
    found: _Found | None,
    fates: Mapping[UUID, tuple[Fate, str]],
    run: Run,
) -> Outcome:
    told: dict[str, Told] = {
        order_id: Told(order_id, why.fate, why.fact)
        for order_id, why in {**gathered.staying, **proposal.staying}.items()
    }
    costs = {one.movable.order_id: one.cost for one in gathered.compared}
    for order_id, cost in costs.items():
        if order_id in told:
            told[order_id] = replace(told[order_id], cost_before=cost, cost_after=cost)
    after = charge = 0
    names: list[UUID | None] = [*fates] or [None for _ in proposal.changes]
    for name, change in zip(names, proposal.changes, strict=True):
        fate, fact = (Fate.TO_BE_MOVED, "it would be") if name is None else fates[name]
        is_counted = fate is Fate.MOVED or (run.is_rehearsal and fate is Fate.TO_BE_MOVED)
        charge += change.charge if is_counted else 0
        for move in change.moves:
            is_there = fate in (Fate.MOVED, Fate.TO_BE_MOVED)
            told[move.order_id] = Told(
                move.order_id,
                fate,
                fact or _saved(change, gathered.currency_code),
                move.compared.cost,
                move.plan.costs.total if is_there else move.compared.cost,
                _decision_id(move) if fate is Fate.MOVED else None,
                name if is_there else None,
            )
            after += (move.plan.costs.total - move.compared.cost) if is_counted else 0
    before = sum(costs.values())
    return Outcome(
        run_id=run_id,
        currency_code=gathered.currency_code,
        orders=tuple(told[order_id] for order_id in gathered.order_ids if order_id in told),
        compared=len(costs),
        cost_before=Money(before),
        cost_after=Money(before + after),
        charge=Money(charge),
        bound=None if found is None else found.bound,
        is_cut=found is not None and found.plan.is_cut,
        has_more=gathered.has_more,
        worths=NOTHING if found is None else found.worths,
    )
