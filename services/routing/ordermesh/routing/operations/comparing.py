"""Reading open orders, and what each costs where it is, on stock that counts as free for all."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from ordermesh.api.routing import v1
from ordermesh.kernel.errors import InvalidRequest, NotFound
from ordermesh.routing.domain.capacity import WindowKey
from ordermesh.routing.domain.decision import Decision
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.record import Record
from ordermesh.routing.domain.reoptimizing.fate import Fate, Staying
from ordermesh.routing.domain.reoptimizing.instance import is_placed
from ordermesh.routing.domain.reoptimizing.movable import (
    ATOMS_MAX,
    Compared,
    DecidedBy,
    Movable,
    assignment_of_work,
    atoms_of,
    days_allowed,
    decided_by,
    is_divisible_alike,
    look_at,
)
from ordermesh.routing.domain.reoptimizing.proposal import arrives, planned, prices_in
from ordermesh.routing.domain.story import Story
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.ports.stock import Availability, Stock
from ordermesh.routing.ports.stores import Stores
from ordermesh.runtime.database import Database, Transaction

CHUNK = 50
"""Orders that are read in one transaction."""


@dataclass(frozen=True)
class Base:
    """How an order would be decided alone: what its decision is made from when it is moved."""

    question: Question
    known: Known
    decision: Decision
    record: Record
    stock: Availability


@dataclass
class Gathered:
    """Orders, the oldest first, with what each is compared by, or why it stays."""

    currency_code: str = ""
    order_ids: list[str] = field(default_factory=list)
    compared: list[Compared] = field(default_factory=list)
    bases: dict[str, Base] = field(default_factory=dict)
    staying: dict[str, Staying] = field(default_factory=dict)
    has_more: bool = False
    next_after: int = 0


@dataclass
class _Seen:
    """Orders that could move, what was put out of their way, and what they take of capacity."""

    movable: list[Movable] = field(default_factory=list)
    rejected: dict[str, tuple[tuple[str, str, str], ...]] = field(default_factory=dict)
    taken: dict[WindowKey, int] = field(default_factory=dict)
    by: dict[str, DecidedBy] = field(default_factory=dict)


class Comparing:
    """Gathers what could be decided again."""

    def __init__(self, database: Database, stores: Stores, stock: Stock, planner: Planner) -> None:
        self._database = database
        self._stores = stores
        self._stock = stock
        self._planner = planner

    async def gather(self, orders_max: int, after: int = 0) -> Gathered:
        """So many orders at most, the oldest first of those after a number of their work.

        Raises ``Unavailable``.
        """
        gathered, seen = Gathered(), _Seen()
        found = await self._database.read(
            lambda tx: self._stores.orders.unbegun(tx, after, orders_max + 1)
        )
        gathered.has_more = len(found) > orders_max
        gathered.order_ids = [order_id for order_id, _ in found[:orders_max]]
        gathered.next_after = found[orders_max - 1][1] if gathered.has_more else 0
        for start in range(0, len(gathered.order_ids), CHUNK):
            chunk = gathered.order_ids[start : start + CHUNK]
            await self._database.read(
                lambda tx, chunk=chunk: self._look(tx, chunk, gathered, seen)  # type: ignore[misc]
            )
        await self._leave_out_doubtful(gathered, seen)
        stock = await self._available(seen.movable)
        for start in range(0, len(seen.movable), CHUNK):
            chunk_ = seen.movable[start : start + CHUNK]
            asked = await self._database.read(
                lambda tx, chunk=chunk_: self._know(tx, chunk, seen, gathered)  # type: ignore[misc]
            )
            for movable, question, known in asked:
                await self._compare(gathered, movable, question, known, stock)
        return gathered

    async def _leave_out_doubtful(self, gathered: Gathered, seen: _Seen) -> None:
        """Leave alone what holds where nothing moves: all that moves with it would be refused."""
        doubtful = await self._stock.in_doubt() if seen.movable else frozenset()
        movable = []
        for one in seen.movable:
            places = [f"{sku} at {place}" for place, sku in one.held if (place, sku) in doubtful]
            if places:
                fact = f"the books of {places[0]} are in quarantine"
                gathered.staying[one.order_id] = Staying(Fate.REFUSED, fact)
            else:
                movable.append(one)
        seen.movable = movable

    async def _look(
        self, tx: Transaction, order_ids: Sequence[str], gathered: Gathered, seen: _Seen
    ) -> None:
        now = await tx.now()
        for order_id in order_ids:
            story = await self._stores.orders.load(tx, order_id, lock=False)
            if story is None:
                gathered.staying[order_id] = Staying(Fate.CHANGED_MEANWHILE, "it is gone")
                continue
            found = look_at(story)
            if isinstance(found, Staying):
                gathered.staying[order_id] = found
                continue
            seen.movable.append(found)
            seen.by[order_id] = await self._decided_by(tx, story)
            exclusions = await self._stores.orders.exclusions(tx, order_id)
            seen.rejected[order_id] = tuple(
                (one.location_id, one.line_id, one.reason) for one in exclusions
            )
            for work in found.work:
                if work.capacity_hold_id is None:
                    continue
                hold = await self._stores.capacity.get(tx, work.capacity_hold_id, now)
                for share in () if hold is None or not hold.counts else hold.shares:
                    seen.taken[share.key] = seen.taken.get(share.key, 0) + share.amount

    async def _decided_by(self, tx: Transaction, story: Story) -> DecidedBy:
        if story.saga.decision_id is None:
            return DecidedBy()
        stored = await self._stores.decisions.get(tx, story.saga.decision_id)
        if stored is None:
            return DecidedBy()
        told = v1.Decision.FromString(stored.payload)
        return decided_by(told.policy_id, told.policy_version, told.policy_reason)

    async def _know(
        self, tx: Transaction, chunk: Sequence[Movable], seen: _Seen, gathered: Gathered
    ) -> list[tuple[Movable, Question, Known]]:
        asked = []
        for one in chunk:
            question = one.question(seen.rejected[one.order_id], seen.by[one.order_id])
            try:
                known = await self._planner.know(tx, question)
            except (InvalidRequest, NotFound) as error:
                gathered.staying[one.order_id] = Staying(Fate.NOT_COMPARABLE, error.sentence)
                continue
            used = {
                key: max(0, units - seen.taken.get(key, 0)) for key, units in known.used.items()
            }
            asked.append((one, question, replace(known, used=used, consolidates=False)))
        return asked

    async def _available(self, movable: Sequence[Movable]) -> Mapping[str, Availability]:
        """By channel, what it may promise and what the orders hold. Raises ``Unavailable``."""
        skus: dict[str, set[str]] = {}
        held: dict[str, dict[str, int]] = {}
        for one in movable:
            own = skus.setdefault(one.story.order.channel, set())
            for (place, sku), number in one.held.items():
                own.add(sku)
                there = held.setdefault(place, {})
                there[sku] = there.get(sku, 0) + number
        found: dict[str, Availability] = {}
        for channel, wanted in sorted(skus.items()):
            stock = await self._stock.available(sorted(wanted), (), channel)
            units = {place: dict(row) for place, row in stock.units.items()}
            for place, row in held.items():
                there = units.setdefault(place, {})
                for sku, number in row.items():
                    if sku in wanted:
                        there[sku] = max(0, there.get(sku, 0)) + number
            found[channel] = replace(stock, units=units)
        return found

    async def _compare(
        self,
        gathered: Gathered,
        movable: Movable,
        question: Question,
        known: Known,
        stock: Mapping[str, Availability],
    ) -> None:
        order_id = movable.order_id
        told = await self._compared(gathered, movable, question, known, stock[question.channel])
        if isinstance(told, Staying):
            gathered.staying[order_id] = told
            return
        compared, base = told
        gathered.compared.append(compared)
        gathered.bases[order_id] = base

    async def _compared(
        self,
        gathered: Gathered,
        movable: Movable,
        question: Question,
        known: Known,
        stock: Availability,
    ) -> tuple[Compared, Base] | Staying:
        policy = known.policy
        if gathered.currency_code not in ("", policy.currency_code):
            return Staying(Fate.OTHER_CURRENCY, f"its policy counts in {policy.currency_code}")
        if any(sku not in known.items or known.items[sku].is_untracked for sku in question.skus):
            return Staying(Fate.NOT_MOVABLE, "something of it is not tracked")
        try:
            decision = await self._planner.plan(question, known, stock)
        except InvalidRequest as error:
            return Staying(Fate.NOT_COMPARABLE, error.sentence)
        record = decision.record
        if record is None:
            return Staying(Fate.NOT_COMPARABLE, "nothing could be solved for it")
        problem = record.problem
        if not is_divisible_alike(problem):
            return Staying(Fate.NOT_MOVABLE, "it has a kit")
        if atoms_of(problem) > ATOMS_MAX:
            return Staying(Fate.TOO_WIDE, f"it has {atoms_of(problem)} parts, and {ATOMS_MAX} fit")
        assignment = assignment_of_work(problem, movable.work)
        now = None
        if assignment is not None:
            now = await asyncio.to_thread(planned, problem, assignment)
        if assignment is None or now is None:
            return Staying(Fate.NOT_COMPARABLE, "where it is would not be allowed any more")
        compared = Compared(
            movable=movable,
            problem=problem,
            assignment=assignment,
            cost=now.costs.total,
            days_max=days_allowed(movable.story, known.now, arrives(now)),
            charge=policy.reassignment_charge,
            prices=prices_in(now),
        )
        if not is_placed(compared):
            return Staying(Fate.NOT_COMPARABLE, "no service that is in time takes it where it is")
        gathered.currency_code = policy.currency_code
        return compared, Base(question, known, decision, record, stock)
