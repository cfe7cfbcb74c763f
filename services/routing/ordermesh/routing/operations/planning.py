"""Planning: from what routing knows and the ledger can promise to a verified decision."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ordermesh.routing.domain import season, staging, substituting, verdict
from ordermesh.routing.domain.asking import asked, asked_first
from ordermesh.routing.domain.carrier_calendars import CarrierCalendars
from ordermesh.routing.domain.coming import Coming, days_ahead
from ordermesh.routing.domain.decision import Decision
from ordermesh.routing.domain.dispatching import CONFIDENCE_PERMILLE, Dispatches
from ordermesh.routing.domain.errors.policy import PolicyNotFound
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.framing import with_untracked
from ordermesh.routing.domain.item import Item
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.policy import DEFAULT_ID, Policy
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.rules.knowing import Sight, by_place
from ordermesh.routing.domain.season import Choice
from ordermesh.routing.domain.sourcing_method import SourcingMethod
from ordermesh.routing.domain.stages import Ruled
from ordermesh.routing.domain.switch import Switches
from ordermesh.routing.operations.books import Books
from ordermesh.routing.operations.deciding import Deciding
from ordermesh.routing.operations.memory import Memory
from ordermesh.routing.operations.prices_in_force import PricesInForce
from ordermesh.routing.operations.telling import tell
from ordermesh.routing.ports.calendars import Holidays
from ordermesh.routing.ports.carriage import CARRIAGE
from ordermesh.routing.ports.sourcing import Baselines, Solver
from ordermesh.routing.ports.stock import Availability, Stock
from ordermesh.routing.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.telemetry import Attributes, span

FACTS = "facts"

ITEMS_REMEMBERED = 20_000
"""So many items are kept in memory at most."""


class Planner:
    """Answers sourcing questions. It writes nothing."""

    def __init__(
        self,
        stores: Stores,
        stock: Stock,
        solve: Solver,
        baselines: Baselines,
        holidays: Holidays,
    ) -> None:
        self._stores = stores
        self._stock = stock
        self._deciding = Deciding(solve, baselines)
        self._holidays = holidays
        self._books = Books(stores)
        self._memory: Memory | None = None
        self.prices = PricesInForce(stores)

    async def know(self, tx: Transaction, question: Question) -> Known:
        """What routing knows now that matters for the question. Raises ``PolicyNotFound``."""
        known = await self.memory(tx)
        now = await tx.now()
        items = await self.items(tx, known, question.named)
        choice = await self._choose(tx, known, question, items, now)
        rulebook = known.rulebook(choice.policy)
        converted = known.network_in(choice.policy.currency_code, now)
        instead = await self._instead(tx, known, question, items, choice.policy, now)
        if known.items is not items:
            items = {**items, **known.items}
        used = {}
        if known.has_limits:
            used = await self._stores.capacity.used(tx, known.windows.starts(now), now)
        return Known(
            policy=choice.policy,
            network=converted.network,
            locations=known.locations,
            items=items,
            used=used,
            now=now,
            switches=known.switches,
            dispatches=known.dispatches,
            carriers=known.carriers,
            policy_reason=choice.reason,
            rulebook=rulebook,
            put=by_place(await self._stores.facts.of(tx, question.skus))
            if rulebook.needs_put
            else {},
            book=known.book,
            window_end=known.windows.end(now) if known.has_limits else None,
            permille=CONFIDENCE_PERMILLE if question.promise is None else question.promise.permille,
            at_rest=converted.at_rest,
            instead=instead,
            prices=await self.prices.now(tx, known, choice.policy.currency_code, now),
        )

    async def _instead(
        self,
        tx: Transaction,
        known: Memory,
        question: Question,
        items: Mapping[str, Item],
        policy: Policy,
        now: datetime,
    ) -> Mapping[str, int]:
        """Units of items that could be sent instead of what is wanted, of those that are known."""
        if not any(one.line.accepts_substitutes for one in question.wanted):
            return {}
        seen = asked_first(question, items, policy.currency_code, now)
        most = substituting.most_wanted(question, known.rulebook(policy).offered(seen, now))
        found = await self.items(tx, known, tuple(most))
        return {sku: units for sku, units in most.items() if sku in found}

    async def _choose(
        self,
        tx: Transaction,
        known: Memory,
        question: Question,
        items: Mapping[str, Item],
        now: datetime,
    ) -> Choice:
        """The policy that decides, and why. Raises ``PolicyNotFound``."""
        if question.policy_version:
            name = question.policy_id or DEFAULT_ID
            policy = await self.policy(tx, known, name, question.policy_version)
            return Choice(policy, season.ASKED_FOR)
        await self.require_policy(tx, known, question.policy_id)
        currency = known.network[0].currency_code if known.network else ""
        order = Sight(asked_first(question, items, currency, now))
        choice = season.choose(known.active, question.policy_id, order, now)
        if choice is None:
            raise PolicyNotFound(question.policy_id or DEFAULT_ID, 0)
        return choice

    async def require_policy(self, tx: Transaction, known: Memory, policy_id: str) -> None:
        """Raise ``PolicyNotFound`` unless there is such a policy, in force or not."""
        if not policy_id or any(one.policy_id == policy_id for one in known.active):
            return
        if not await self._stores.policies.versions(tx, policy_id):
            raise PolicyNotFound(policy_id, 0)

    async def in_force(self, tx: Transaction, known: Memory, policy_id: str) -> Policy:
        """The version of a policy that is in force, else that of ``default``.

        Raises ``PolicyNotFound`` when there is no such policy.
        """
        await self.require_policy(tx, known, policy_id)
        there = season.policies_in_force(known.active, await tx.now())
        policy = there.get(policy_id or DEFAULT_ID) or there.get(DEFAULT_ID)
        if policy is None:
            raise PolicyNotFound(policy_id or DEFAULT_ID, 0)
        return policy

    async def memory(self, tx: Transaction) -> Memory:
        """Network, locations and more: from memory while the database counts no change."""
        counts = await self._stores.network.versions(tx)
        # Facts are read for each question: what is kept in memory does not go by them.
        versions = tuple(one for one in counts if one[0] != FACTS)
        if self._memory is None or self._memory.versions != versions:
            book = await self._books.at(tx, dict(versions)[CARRIAGE])
            self._memory = Memory(
                versions,
                await self._stores.network.all(tx),
                await self._stores.copies.locations(tx),
                active=await self._stores.policies.active(tx),
                switches=Switches.of(await self._stores.switches.lasting(tx, await tx.now())),
                dispatches=Dispatches(self._holidays.dates),
                carriers=CarrierCalendars(
                    await self._stores.calendars.all(tx), book, self._holidays.dates
                ),
                book=book,
                postal_codes=await self._stores.postal_codes.in_use(tx),
            )
        return self._memory

    async def changes(self, tx: Transaction) -> int:
        """How often anything has changed that questions are answered by, but for the stock."""
        return sum(count for _, count in await self._stores.network.versions(tx))

    async def policy(self, tx: Transaction, known: Memory, policy_id: str, version: int) -> Policy:
        """One version of a policy. Raises ``PolicyNotFound``."""
        name = (policy_id, version)
        if name not in known.policies:
            policy = await self._stores.policies.get(tx, *name)
            if policy is None:
                raise PolicyNotFound(*name)
            known.policies[name] = policy
        return known.policies[name]

    async def items(
        self, tx: Transaction, known: Memory, skus: Collection[str]
    ) -> Mapping[str, Item]:
        """The items that are known among these, with the components of the kits among them."""
        there = known.items
        missing = [sku for sku in skus if sku not in there]
        if missing:
            if len(there) > ITEMS_REMEMBERED:
                # Anew, beside those that decisions under way were given.
                there = known.items = {}
                missing = list(skus)
            there.update(await self._stores.copies.items(tx, missing))
        return there

    async def available(self, question: Question, known: Known) -> Availability:
        """What can be promised: by the ledger, and of what is untracked wherever it is kept.

        Raises ``Unavailable``.
        """
        wanted = dict(question.units_by_sku)
        for sku, units in known.instead.items():
            wanted[sku] = wanted.get(sku, 0) + units
        excluding, channel = question.excluding_ids, question.channel
        stock = await self._stock.available(tuple(sorted(wanted)), excluding, channel)
        untracked = [sku for sku in sorted(wanted) if known.items[sku].is_untracked]
        if not untracked:
            return stock
        kept_at = await self._stock.kept_at(untracked)
        return replace(stock, units=with_untracked(stock.units, kept_at, wanted))

    async def coming(
        self, question: Question, known: Known, short: Collection[str]
    ) -> tuple[Coming, ...]:
        """What is still to come of what is short and may be promised so.

        Raises ``Unavailable``.
        """
        skus = [sku for sku in question.skus if sku in short and known.items[sku].may_wait]
        if not skus:
            return ()
        days = days_ahead(known.now)
        return await self._stock.coming(skus, question.excluding_ids, question.channel, days)

    async def plan(
        self,
        question: Question,
        known: Known,
        stock: Availability,
        *,
        decision_id: UUID | None = None,
        may_wait: bool = False,
    ) -> Decision:
        """The decision for the question, verified.

        With ``may_wait`` goods that are still to come are counted on where those in hand do not
        fill all: the ledger is asked for them.

        Raises ``CurrencyMismatch``, ``FieldViolation`` for amounts that do not fit or without any
        location to consider, and ``PlanRefused`` when a plan is not what it claims to be.
        """
        with span("source", {Attributes.ORDER_ID: question.order_id}) as current:
            decision = await self._deciding(question, known, stock, decision_id)
            if may_wait and question.method is SourcingMethod.EXACT:
                decision = await self._with_supply(question, known, stock, decision)
            if known.book.lanes or known.book.currency_rates:
                decision = replace(decision, carriage_revision=known.book.revision)
            tell(current, decision)
            return decision

    async def plan_or_explain(
        self, question: Question, known: Known, stock: Availability, decision_id: UUID
    ) -> Decision:
        """As ``plan``; where there is nothing to solve, the decision says so."""
        try:
            return await self.plan(question, known, stock, decision_id=decision_id, may_wait=True)
        except FieldViolation:
            nowhere = verdict.nowhere(
                question, known.policy, decision_id=decision_id, now=known.now
            )
            evaluation = known.rulebook.evaluate(asked(question, known, {}), known.now)
            return staging.recorded(nowhere, known, Ruled(evaluation), ())

    async def _with_supply(
        self, question: Question, known: Known, stock: Availability, decision: Decision
    ) -> Decision:
        """The decision on what is still to come too, where that fills more.

        Raises ``Unavailable``.
        """
        left = {line.line_id for line in decision.unfilled_lines}
        short = {line.sku for line in decision.unfilled_lines}
        short |= {one.line.sku for one in question.wanted if one.line.line_id in left}
        coming = await self.coming(question, known, short)
        if not coming:
            return decision
        later = await self._deciding(
            question, known, replace(stock, coming=coming), decision.decision_id
        )
        return later if later.unfilled_units < decision.unfilled_units else decision
