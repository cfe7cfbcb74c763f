"""Telling what a run over open orders found and did."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from ordermesh.kernel.ids import derived_id
from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.domain.reoptimizing.fate import (
    Fate,
    Outcome,
    Staying,
    Told,
    refused_for,
)
from ordermesh.routing.domain.reoptimizing.proposal import Change, Move, Proposal
from ordermesh.routing.domain.reoptimizing.worth import NOTHING, Worths
from ordermesh.routing.operations.comparing import Gathered
from ordermesh.routing.ports.batches import Replanned
from ordermesh.routing.ports.reassignments import Reassignment, ReassignmentState
from ordermesh.routing.ports.runs import Seen

_THERE = frozenset({Fate.MOVED, Fate.TO_BE_MOVED})


@dataclass(frozen=True)
class Run:
    """How much is looked at, and for how long; ``is_rehearsal``: nothing is moved.

    ``after`` is where an earlier run has stopped to look (``Outcome.next_after``); the next one on
    schedule goes on where the last one stopped (``is_scheduled``).
    """

    orders_max: int
    seconds: float
    seed: int = 0
    is_rehearsal: bool = False
    after: int = 0
    is_scheduled: bool = False


@dataclass(frozen=True)
class Found:
    """What the solver found, and the bound in the orders' own costs."""

    plan: Replanned
    bound: Money | None
    worths: Worths


def decision_id_of(move: Move) -> UUID:
    """The decision that a move is."""
    story = move.compared.movable.story
    return derived_id("decision", story.order.origin, story.saga.epoch + 1)


def fates_of(
    began: Mapping[UUID, Change | Staying], states: Mapping[UUID, Reassignment]
) -> dict[UUID, tuple[Fate, str]]:
    """What became of each reassignment that was begun."""
    fates: dict[UUID, tuple[Fate, str]] = {}
    for reassignment_id, what in began.items():
        known = states.get(reassignment_id)
        if isinstance(what, Staying):
            fates[reassignment_id] = (what.fate, what.fact)
        else:
            fates[reassignment_id] = _fate_of(known)
    return fates


def _fate_of(known: Reassignment | None) -> tuple[Fate, str]:
    if known is None or known.state is ReassignmentState.UNDER_WAY:
        return Fate.TO_BE_MOVED, "it is under way"
    return (Fate.MOVED, "") if known.state is ReassignmentState.DONE else refused_for(known.why)


def seen_of(gathered: Gathered, bound: Money | None) -> Seen:
    """What is kept of what a run saw."""
    return Seen(
        currency_code=gathered.currency_code,
        compared=len(gathered.compared),
        cost_before=sum(one.cost for one in gathered.compared),
        bound=bound,
        has_more=gathered.has_more,
        next_after=gathered.next_after,
    )


def retold(run_id: UUID, begun: Collection[Reassignment], seen: Seen | None) -> Outcome:
    """What a run has come to that was begun before: of the orders, those that it began to move.

    Where nobody could keep what it saw, costs are those of these orders.
    """
    orders: list[Told] = []
    for one in begun:
        fate, fact = _fate_of(one)
        moved = fate is Fate.MOVED
        orders.extend(
            Told(
                order.order_id,
                fate,
                fact or "it was moved when this was asked before",
                decision_id=order.decision_id if moved else None,
                reassignment_id=None if fate not in _THERE else one.reassignment_id,
            )
            for order in one.orders
        )
    done = [one for one in begun if one.state is ReassignmentState.DONE]
    if seen is None:
        currency = next((one.currency_code for one in begun), "")
        seen = Seen(
            currency, len(orders), sum(one.cost_before for one in begun), None, False, next_after=0
        )
    return Outcome(
        run_id=run_id,
        currency_code=seen.currency_code,
        orders=tuple(orders),
        compared=seen.compared,
        cost_before=Money(seen.cost_before),
        cost_after=Money(seen.cost_before - sum(one.cost_before - one.cost_after for one in done)),
        charge=Money(sum(one.charge for one in done)),
        bound=None if seen.bound is None else Money(seen.bound),
        is_cut=False,
        has_more=seen.has_more,
        next_after=seen.next_after,
    )


def _saved(change: Change, currency_code: str) -> str:
    many = len(change.moves)
    orders = "the order moved alone saves" if many == 1 else f"{many} orders moved together save"
    return f"{orders} {to_decimal(change.saving):.2f} {currency_code}"


def outcome_of(
    run_id: UUID,
    gathered: Gathered,
    proposal: Proposal,
    found: Found | None,
    fates: Mapping[UUID, tuple[Fate, str]],
    run: Run,
) -> Outcome:
    """What became of every order that was looked at, and what all of them cost."""
    told: dict[str, Told] = {
        order_id: Told(order_id, why.fate, why.fact)
        for order_id, why in {**gathered.staying, **proposal.staying}.items()
    }
    costs = {one.movable.order_id: one.cost for one in gathered.compared}
    for order_id, cost in costs.items():
        if order_id in told:
            told[order_id] = replace(told[order_id], cost_before=cost, cost_after=cost)
    after = charge = prices = 0
    names: list[UUID | None] = [*fates] or [None for _ in proposal.changes]
    for name, change in zip(names, proposal.changes, strict=True):
        fate, fact = (Fate.TO_BE_MOVED, "it would be") if name is None else fates[name]
        is_counted = fate is Fate.MOVED or (run.is_rehearsal and fate is Fate.TO_BE_MOVED)
        charge += change.charge if is_counted else 0
        prices += (change.prices_after - change.prices_before) if is_counted else 0
        for move in change.moves:
            is_there = fate in _THERE
            told[move.order_id] = Told(
                move.order_id,
                fate,
                fact or _saved(change, gathered.currency_code),
                move.compared.cost,
                move.plan.costs.total if is_there else move.compared.cost,
                decision_id_of(move) if fate is Fate.MOVED else None,
                name if is_there else None,
            )
            after += (move.plan.costs.total - move.compared.cost) if is_counted else 0
    before = sum(costs.values())
    prices_before = sum(one.prices for one in gathered.compared)
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
        next_after=gathered.next_after,
        worths=NOTHING if found is None else found.worths,
        prices=(Money(prices_before), Money(prices_before + prices)),
    )
