"""The worker that drives an order: it looks, does what is due, commits the outcome, looks again.

It can be stopped at any point and started again, here or elsewhere: everything it intends is in
rows before it asks anybody, and every call has an id that is the same the next time.
"""

import random as randomness
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import DomainError, InvalidRequest, Unavailable
from ordermesh.kernel.ids import derived_id
from ordermesh.routing.domain import outcomes, refusal
from ordermesh.routing.domain.capacity import CapacityHold, Load
from ordermesh.routing.domain.decision import Decision
from ordermesh.routing.domain.errors.order import OrderCancelled
from ordermesh.routing.domain.event import Event
from ordermesh.routing.domain.fulfillment import FulfillmentOrder
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.saga import ASKS_NOBODY, Action, Step
from ordermesh.routing.domain.story import Story
from ordermesh.routing.domain.wanted import own_stock, undecided
from ordermesh.routing.operations.following_on import follow_on
from ordermesh.routing.operations.planned import Planned, refusal_of, work_of
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.operations.records import WORK_KIND, Records
from ordermesh.routing.operations.steps import (
    Change,
    Refuse,
    RefuseShipping,
    Rest,
    Steps,
    Verdict,
)
from ordermesh.routing.ports.stores import NewDecision, Stores
from ordermesh.routing.wire.decision import decision_message
from ordermesh.routing.wire.record import stored
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.failpoints import At
from ordermesh.runtime.work import Claimed, WorkKind

LEASE_SECONDS = 10.0
PATIENCE_SECONDS = 4.0
"""After so long a worker gives the row back and claims it again, well before its lease ends."""

REST_SECONDS = 0.5
CAPACITY_TRIES = 3

OWN = "routing"
"""Who holds the capacity of orders."""

CONCURRENCY = 16


class _CapacityTaken(Exception):
    """Another order has taken the capacity that the plan counted on."""


@dataclass(frozen=True)
class _Next:
    """The rows as they are, and what is due."""

    story: Story
    action: Action
    prepared: tuple[Question, Known] | None = None


class OrderDriver:
    """Drives orders. ``at`` is called with a name at every point where a crash would tell."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        stores: Stores,
        planner: Planner,
        steps: Steps,
        records: Records,
        *,
        random: randomness.Random,
        at: At,
    ) -> None:
        self._database = database
        self._clock = clock
        self._stores = stores
        self._planner = planner
        self._steps = steps
        self._records = records
        self._random = random
        self._at = at

    def work_kind(self) -> WorkKind:
        """How a worker handles it."""
        return WorkKind(self.handle, concurrency=CONCURRENCY, lease_seconds=LEASE_SECONDS)

    @property
    def kind(self) -> str:
        """The kind of work that this is."""
        return WORK_KIND

    async def handle(self, rows: Sequence[Claimed]) -> None:
        """Drive each order until nothing is due."""
        for claimed in rows:
            await self._drive(claimed)

    async def _drive(self, claimed: Claimed) -> None:
        give_back = self._clock.monotonic() + PATIENCE_SECONDS
        due: _Next | None = None
        while not claimed.is_settled:
            if self._clock.monotonic() > give_back:
                await self._database.run(lambda tx: self._reschedule(tx, claimed, 0.0))
                return
            if due is None:
                due = await self._look(claimed)
            else:
                due = await self._do(claimed, due)

    async def _look(self, claimed: Claimed) -> _Next | None:
        """What is due now; settles the row when nothing is."""

        async def read(tx: Transaction) -> _Next | None:
            story = await self._stores.orders.load(tx, claimed.key, lock=False)
            if story is None:
                return None
            action = story.due(await tx.now())
            prepared = await self._prepare(tx, story) if action is Action.PLAN else None
            return _Next(story, action, prepared)

        seen = await self._database.read(read)
        await self._at("looked")
        if seen is not None and seen.action not in ASKS_NOBODY:
            return seen

        async def settle(tx: Transaction) -> _Next | None:
            story = await self._stores.orders.load(tx, claimed.key, lock=True)
            if story is None:
                await claimed.finish(tx)
                return None
            return await self._written(tx, claimed, story, story, ())

        return await self._database.run(settle)

    async def _do(self, claimed: Claimed, due: _Next) -> _Next | None:
        """Do what is due, and give what is due then."""
        story = due.story
        match due.action:
            case Action.PLAN:
                return await self._plan(claimed, story, due.prepared)
            case Action.RESERVE:
                verdict = await self._steps.reserve(story)
            case Action.CONFIRM:
                verdict = await self._steps.confirm(story)
            case Action.SURPLUS:
                verdict = await self._steps.release_surplus(story)
            case Action.SHIP:
                verdict = await self._steps.ship(story)
            case Action.UNDO:
                await self._steps.undo(story)
                return await self._undone(claimed, story)
            case _:
                return None
        return await self._commit(claimed, story, verdict)

    async def _commit(self, claimed: Claimed, story: Story, verdict: Verdict) -> _Next | None:
        async def commit(tx: Transaction) -> _Next | None:
            known = await self._locked(tx, story)
            is_sourcing = known.saga.step in (Step.RESERVE, Step.CONFIRM)
            # Not while goods may be leaving: what comes of that is to be known first.
            if is_sourcing and known.due(await tx.now()) is Action.TURN_BACK:
                return await self._written(tx, claimed, known, outcomes.turn_back(known), ())
            match verdict:
                case Refuse(error):
                    await self._refuse(tx, claimed, known, error)
                    return None
                case Rest(apply):
                    await self._records.save(tx, known, apply(known))
                    await self._reschedule(tx, claimed, self._random.uniform(0.0, REST_SECONDS))
                    return None
                case RefuseShipping(name, error):
                    request_id = known.find(name).ship_request_id
                    if request_id is not None:
                        await self._stores.refusals.put(tx, request_id, refusal.written(error))
                    after = outcomes.take_back_shipping(known, name)
                    return await self._written(tx, claimed, known, after, ())
                case Change(apply):
                    return await self._written(tx, claimed, known, *apply(known))

        following = await self._database.run(commit)
        await self._at("committed")
        return following

    async def _plan(
        self, claimed: Claimed, story: Story, prepared: tuple[Question, Known] | None
    ) -> _Next | None:
        for _ in range(CAPACITY_TRIES):
            try:
                if prepared is None:
                    prepared = await self._database.read(lambda tx: self._prepare(tx, story))
                question, known = prepared
                decision = await self._decide(story, question, known)
            except Unavailable:
                if story.saga.is_conditional:
                    await self._database.run(lambda tx: self._withdraw(tx, claimed, story))
                    return None
                raise
            except InvalidRequest as error:
                if story.saga.is_conditional:
                    return await self._commit(claimed, story, Refuse(error))
                raise
            await self._at("planned")
            planned = Planned(question, known, decision)
            try:
                following = await self._database.run(
                    lambda tx, planned=planned: self._store(tx, claimed, story, planned)  # type: ignore[misc]
                )
            except _CapacityTaken:
                prepared = None
                continue
            await self._at("plan stored")
            return following
        raise TransactionConflict("Others take the capacity as fast as it is planned.")

    async def _prepare(self, tx: Transaction, story: Story) -> tuple[Question, Known]:
        """What is to be decided for the order, and what is known for it."""
        has_rejected = any(one.reject_reason is not None for one in story.work)
        exclusions = (
            await self._stores.orders.exclusions(tx, story.order.order_id) if has_rejected else ()
        )
        own = own_stock(story)
        question = Question(
            order_id=story.order.order_id,
            wanted=undecided(story),
            place=story.order.destination.place,
            address=story.order.destination.address,
            promise_days=story.order.promise_days,
            promise=story.order.promise,
            policy_id=story.saga.policy_id or story.order.policy_id,
            policy_version=story.saga.policy_version,
            excluding_ids=own.excluding_ids,
            kept=own.kept,
            caps=story.saga.caps,
            rejected=tuple((one.location_id, one.line_id, one.reason) for one in exclusions),
            channel=story.order.channel,
            context=story.order.context,
            pickup=story.order.pickup,
            attempt=story.saga.epoch + 1,
        )
        return question, await self._planner.know(tx, question)

    async def _decide(self, story: Story, question: Question, known: Known) -> Decision:
        stock = await self._planner.available(question, known)
        decision_id = derived_id("decision", story.order.origin, story.saga.epoch + 1)
        return await self._planner.plan_or_explain(question, known, stock, decision_id)

    async def _store(
        self, tx: Transaction, claimed: Claimed, story: Story, planned: Planned
    ) -> _Next | None:
        """Store the plan, unless something has changed since it was made."""
        known = await self._locked(tx, story)
        if (
            known.order.version != story.order.version
            or known.due(await tx.now()) is not Action.PLAN
        ):
            return None
        decision = planned.decision
        if decision.unfilled_lines and known.saga.is_conditional:
            await self._refuse(tx, claimed, known, refusal_of(decision))
            return None
        decision_id = planned.decision_id
        await self._stores.decisions.put(
            tx,
            NewDecision(
                decision_id=decision_id,
                order_id=known.order.order_id,
                request_id=known.saga.source_request_id,
                method=decision.method,
                outcome=decision.outcome,
                create_time=decision.create_time,
                payload=decision_message(decision).SerializeToString(deterministic=True),
                record=None if decision.record is None else stored(decision.record),
            ),
        )
        reasons = {line.line_id: line.reason for line in reversed(decision.unfilled_lines)}
        if not decision.shipments:
            told = outcomes.nothing_fits(known, decision_id, reasons, planned.intended)
            return await self._written(tx, claimed, known, *told)
        work = work_of(known, planned)
        for one in sorted(work, key=lambda one: one.location_id):
            await self._take_capacity(tx, one, planned.known, decision)
        after = outcomes.plan(known, decision_id, work, reasons, planned.intended)
        return await self._written(tx, claimed, known, after, ())

    async def _take_capacity(
        self, tx: Transaction, work: FulfillmentOrder, known: Known, decision: Decision
    ) -> None:
        """Hold what the work takes of its location's windows; raises ``_CapacityTaken``.

        The hold needs no end: an order that comes to nothing gives it back in the same database.
        What the decision lets go beyond its capacity may be given more than it can do.
        """
        if work.capacity_hold_id is None:
            return
        hold = CapacityHold(
            hold_id=work.capacity_hold_id,
            location_id=work.location_id,
            shares=known.shares_of(
                work.location_id,
                Load(1, work.units),
                work.method,
                is_closed_when_full=work.location_id in decision.closed_when_full,
            ),
            caller=OWN,
            create_time=known.now,
        )
        if work.location_id in decision.beyond_capacity:
            without = tuple(replace(share, limit=None) for share in hold.shares)
            hold = replace(hold, shares=without)
        if await self._stores.capacity.hold(tx, hold, await tx.now()):
            raise _CapacityTaken

    async def _undone(self, claimed: Claimed, story: Story) -> _Next | None:
        async def commit(tx: Transaction) -> _Next | None:
            known = await self._locked(tx, story)
            if known.saga.is_conditional and not known.order.cancel_requested:
                await self._withdraw(tx, claimed, known)
                return None
            if known.saga.source_request_id is not None:
                cancelled = refusal.written(OrderCancelled(known.order.order_id))
                await self._stores.refusals.put(tx, known.saga.source_request_id, cancelled)
            return await self._written(tx, claimed, known, *outcomes.undo(known))

        following = await self._database.run(commit)
        await self._at("committed")
        return following

    async def _withdraw(self, tx: Transaction, claimed: Claimed, story: Story) -> None:
        """Nobody has the order: it goes, and a retry of its submission begins anew."""
        known = await self._locked(tx, story)
        if known.order.cancel_requested:
            # Somebody else knows of it: it is cancelled instead, and stays readable.
            await self._reschedule(tx, claimed, 0.0)
            return
        await self._stores.refusals.forget_reply(tx, known.saga.request_id)
        await self._remove(tx, claimed, known)

    async def _refuse(
        self, tx: Transaction, claimed: Claimed, known: Story, error: DomainError
    ) -> None:
        """The order is not made; whoever asks by its request is told why."""
        await self._stores.refusals.put(tx, known.saga.request_id, refusal.written(error))
        await self._remove(tx, claimed, known)

    async def _remove(self, tx: Transaction, claimed: Claimed, known: Story) -> None:
        await self._stores.decisions.forget(tx, known.order.order_id)
        await self._stores.orders.remove(tx, known)
        await claimed.finish(tx)
        self._records.notify(tx, known.order.order_id)

    async def _locked(self, tx: Transaction, story: Story) -> Story:
        """The order, locked; raises ``TransactionConflict`` when its saga has gone on."""
        order_id = story.order.order_id
        marks = await self._stores.orders.lock(tx, order_id)
        if marks is None or (marks.origin, marks.step, marks.epoch) != (
            story.order.origin,
            story.saga.step,
            story.saga.epoch,
        ):
            raise TransactionConflict("The order has been moved on by another worker.")
        if (marks.version, marks.answer_by) == (story.order.version, story.saga.answer_by):
            # Every change of an order, its lines or its work counts its version up; that somebody
            # waits longer for it changes nothing of these.
            return story
        known = await self._stores.orders.load(tx, order_id, lock=True)
        if known is None:
            raise TransactionConflict("The order has been removed by another worker.")
        return known

    async def _written(
        self,
        tx: Transaction,
        claimed: Claimed,
        before: Story,
        after: Story,
        events: Sequence[Event],
    ) -> _Next | None:
        """Write a step's outcome, and what follows from it alone; None when nothing is due."""
        after, events, action = await follow_on(tx, self._stores, after, events)
        written = await self._records.save(tx, before, after, events)
        if action is Action.SETTLED:
            await claimed.finish(tx)
            return None
        return _Next(written, action)

    async def _reschedule(self, tx: Transaction, claimed: Claimed, seconds: float) -> None:
        await claimed.reschedule(tx, due_time=await tx.now() + timedelta(seconds=seconds))
