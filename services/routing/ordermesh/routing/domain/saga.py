"""The saga of an order: what is to be done next, decided from rows alone.

A worker reads the rows, asks ``due`` what to do, does it, and commits the outcome. What it intends
to ask of the ledger is committed before it is asked, in ``Saga.step``; ids of calls are derived
from the order and the number of the plan. So a worker that finds the rows after a crash at any
point does the same again, and the ledger answers as it did.

::

    PLAN ──> RESERVE ──> CONFIRM ──> PLAN (nothing intended)
      ^         │            │
      └─ short ─┴─ expired ──┘          from each of them: ──> UNDO

    PLAN ──> MOVE ──> PLAN              stock that is held goes elsewhere, with that of other orders
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ordermesh.kernel.ids import derived_id
from ordermesh.routing.domain.fulfillment import FulfillmentOrder, FulfillmentState, Hold
from ordermesh.routing.domain.order import IllegalTransition, Order
from ordermesh.routing.domain.rules.action import Intended

PLANS_MAX = 3
"""How many plans a run makes before it gives up, or waits."""


class Step(StrEnum):
    """What may have been asked of the ledger and is not settled.

    ``PLAN``: nothing. ``RESERVE``: to hold the plan. ``CONFIRM``: to make the hold last.
    ``UNDO``: to take everything back that has not left. ``MOVE``: to hold the stock elsewhere, in
    one transaction with that of other orders; whoever moves them all settles it.
    """

    PLAN = "PLAN"
    RESERVE = "RESERVE"
    CONFIRM = "CONFIRM"
    UNDO = "UNDO"
    MOVE = "MOVE"


STEPS: Mapping[Step, frozenset[Step]] = {
    Step.PLAN: frozenset({Step.RESERVE, Step.UNDO, Step.MOVE}),
    Step.RESERVE: frozenset({Step.PLAN, Step.CONFIRM, Step.UNDO}),
    Step.CONFIRM: frozenset({Step.PLAN, Step.UNDO}),
    Step.UNDO: frozenset({Step.PLAN}),
    Step.MOVE: frozenset({Step.PLAN}),
}
"""Where the saga may go from each step."""


class Action(StrEnum):
    """What a worker does next.

    ``SHIP``: tell the ledger what has left. ``TURN_BACK``: intend to undo. ``SURPLUS``: release
    what nobody needs. ``GIVE_UP``: cancel what is still unfilled. ``LAPSE``: take offers back and
    release holds whose time is over. ``SETTLED``: nothing. The others are the steps of the same
    name.
    """

    PLAN = "PLAN"
    RESERVE = "RESERVE"
    CONFIRM = "CONFIRM"
    TURN_BACK = "TURN_BACK"
    UNDO = "UNDO"
    SHIP = "SHIP"
    SURPLUS = "SURPLUS"
    GIVE_UP = "GIVE_UP"
    LAPSE = "LAPSE"
    SETTLED = "SETTLED"


ASKS_NOBODY = frozenset({Action.TURN_BACK, Action.GIVE_UP, Action.LAPSE, Action.SETTLED})
"""What is written as soon as it is due."""


@dataclass(frozen=True, slots=True)
class Cap:
    """The ledger said that no more than ``available`` units can be had here."""

    sku: str
    location_id: str
    available: int


@dataclass(frozen=True, slots=True)
class Unfilled:
    """So many of a line (kits, where it is for a kit) the present plan leaves unfilled, and why."""

    line_id: str
    quantity: int
    reason: str


@dataclass(frozen=True)
class Saga:
    """How far the sourcing of an order has come.

    ``epoch`` counts the plans over the order's whole life and names the reservation of the present
    one; ``plans`` counts those of this run. ``is_conditional``: the order is made only if all of it
    can be held, by ``answer_by``, and has not been yet. ``checkout_ids`` are the carts that the
    next hold takes over, ``replaced_ids`` the order's own reservations that the present hold
    replaces. ``unfilled`` is what the present plan leaves, ``intended`` what rules want to become
    of the order when it is known what comes of the plan.
    ``policy_id`` and ``policy_version`` are set where the order's own policy in force is not the
    one to use.

    The ledger gets ``epoch`` as the fence of every call: it is the same for every worker that makes
    the call again, and lower than that of any later plan.
    """

    order_id: str
    request_id: UUID
    is_conditional: bool
    answer_by: datetime
    checkout_ids: tuple[UUID, ...] = ()
    step: Step = Step.PLAN
    epoch: int = 0
    plans: int = 0
    caps: tuple[Cap, ...] = ()
    replaced_ids: tuple[UUID, ...] = ()
    unfilled: tuple[Unfilled, ...] = ()
    decision_id: UUID | None = None
    source_request_id: UUID | None = None
    policy_id: str = ""
    policy_version: int = 0
    intended: Intended | None = None


def due(order: Order, saga: Saga, work: Iterable[FulfillmentOrder], now: datetime) -> Action:
    """What is to be done next. ``now`` is the database's clock."""
    work = tuple(work)
    if any(one.state is FulfillmentState.SHIPPING for one in work):
        return Action.SHIP
    if saga.step is Step.MOVE:
        # Nothing else may be asked of the ledger before it is known where the stock is.
        return Action.SETTLED
    if saga.step is Step.UNDO:
        return Action.UNDO
    if is_unwanted(order, saga, now):
        return Action.TURN_BACK
    if saga.step is Step.RESERVE:
        return Action.RESERVE
    if saga.step is Step.CONFIRM:
        return Action.CONFIRM
    if any(one.is_overdue(now) for one in work) or any(one.is_over(now) for one in order.holds):
        return Action.LAPSE
    if order.is_undecided:
        return Action.PLAN
    if any(one.is_freed or one.hold is Hold.SURPLUS for one in work):
        return Action.SURPLUS
    if order.auto_cancel is not None and order.auto_cancel.time <= now:
        return Action.GIVE_UP
    return Action.SETTLED


def is_unwanted(order: Order, saga: Saga, now: datetime) -> bool:
    """Whether it is to be cancelled, or nobody waits any more for whether it can be made."""
    return order.cancel_requested or (saga.is_conditional and now >= saga.answer_by)


def reservation_id(order: Order, saga: Saga) -> UUID:
    """The reservation of the present plan."""
    return derived_id("reservation", order.origin, saga.epoch)


def call_id(order: Order, *parts: object) -> UUID:
    """The request id of a call on behalf of this order: the same for the same purpose."""
    return derived_id("call", order.origin, *parts)


def planned(
    saga: Saga,
    decision_id: UUID,
    replaced_ids: tuple[UUID, ...],
    unfilled: tuple[Unfilled, ...],
    intended: Intended | None = None,
) -> Saga:
    """A plan is stored; it is to be held."""
    return replace(
        _stepped(saga, Step.RESERVE),
        epoch=saga.epoch + 1,
        plans=saga.plans + 1,
        decision_id=decision_id,
        replaced_ids=replaced_ids,
        unfilled=unfilled,
        intended=intended,
    )


def held(saga: Saga) -> Saga:
    """The plan is held for a while; it is to be confirmed."""
    return replace(_stepped(saga, Step.CONFIRM), checkout_ids=(), replaced_ids=())


def short(saga: Saga, caps: Iterable[Cap]) -> Saga:
    """The ledger has less than the plan wants: plan again, knowing that."""
    known = {(cap.sku, cap.location_id): cap for cap in (*saga.caps, *caps)}
    return replace(
        _stepped(saga, Step.PLAN), caps=tuple(known[key] for key in sorted(known)), replaced_ids=()
    )


def limited(saga: Saga) -> Saga:
    """A limit of the ledger's is in the way of the plan: the plan is dropped."""
    return replace(_stepped(saga, Step.PLAN), replaced_ids=(), unfilled=())


def expired(saga: Saga) -> Saga:
    """The hold was lost before it was confirmed: plan again."""
    return replace(_stepped(saga, Step.PLAN), replaced_ids=())


def without_checkout(saga: Saga, checkout_ids: Iterable[UUID]) -> Saga:
    """Carts that the ledger does not give are left out, and it is planned again."""
    left = frozenset(checkout_ids)
    return replace(
        _stepped(saga, Step.PLAN),
        checkout_ids=tuple(cart for cart in saga.checkout_ids if cart not in left),
        replaced_ids=(),
    )


def rested(saga: Saga) -> Saga:
    """Enough plans for now: the count and what was known of the stock start anew."""
    return replace(saga, plans=0, caps=())


def sourced(saga: Saga, *, is_done: bool) -> Saga:
    """The plan has its stock, or it is known that there is none.

    Unless ``is_done``, something became undecided meanwhile, and a run for it follows.
    """
    step = saga if saga.step is Step.PLAN else _stepped(saga, Step.PLAN)
    settled = replace(
        step,
        is_conditional=False,
        plans=0,
        caps=(),
        checkout_ids=(),
        replaced_ids=(),
        unfilled=(),
        intended=None,
    )
    if not is_done:
        return settled
    return replace(settled, source_request_id=None, policy_id="", policy_version=0)


def turned_back(saga: Saga) -> Saga:
    """What was begun is to be undone."""
    return _stepped(saga, Step.UNDO)


def undone(saga: Saga) -> Saga:
    """Nothing that has not left is held any more."""
    return sourced(saga, is_done=True)


def moving(saga: Saga) -> Saga:
    """Its stock is to be held elsewhere."""
    return replace(_stepped(saga, Step.MOVE), epoch=saga.epoch + 1)


def moved(saga: Saga, decision_id: UUID | None) -> Saga:
    """It is known where its stock is held; by a new decision, or None: where it was."""
    return replace(_stepped(saga, Step.PLAN), decision_id=decision_id or saga.decision_id)


def again(saga: Saga) -> Saga:
    """Something of the order is undecided again; a run under way looks at it when it is done."""
    return replace(saga, plans=0, caps=())


def decide_again(saga: Saga, *, request_id: UUID, policy_id: str, policy_version: int) -> Saga:
    """As ``again``, because somebody asked for it."""
    return replace(
        saga,
        plans=0,
        caps=(),
        source_request_id=request_id,
        policy_id=policy_id,
        policy_version=policy_version,
    )


def _stepped(saga: Saga, step: Step) -> Saga:
    if step not in STEPS[saga.step]:
        raise IllegalTransition(f"A saga does not go from {saga.step} to {step}.")
    return replace(saga, step=step)
