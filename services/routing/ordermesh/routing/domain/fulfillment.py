"""Fulfillment orders: the work of one location for one order.

::

    PLANNED ──> RELEASED ──> ACCEPTED ──> SHIPPING ──> SHIPPED ──> DELIVERED
       │         ^  │            │
       └─ ON_HOLD   ├────────────┴──> REJECTED, CANCELLED (also from ON_HOLD)
                    └──> SHIPPING (goods may leave without an acceptance before it)
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from ordermesh.routing.domain.errors.fulfillment import WrongState
from ordermesh.routing.domain.expected import Expected
from ordermesh.routing.domain.network import SHIP
from ordermesh.routing.domain.price import Price


class FulfillmentState(StrEnum):
    """How far the work of a location has come."""

    PLANNED = "PLANNED"
    ON_HOLD = "ON_HOLD"
    RELEASED = "RELEASED"
    ACCEPTED = "ACCEPTED"
    SHIPPING = "SHIPPING"
    SHIPPED = "SHIPPED"
    DELIVERED = "DELIVERED"
    REJECTED = "REJECTED"
    CANCELLED = "CANCELLED"


TRANSITIONS: Mapping[FulfillmentState, frozenset[FulfillmentState]] = {
    FulfillmentState.PLANNED: frozenset({FulfillmentState.RELEASED, FulfillmentState.ON_HOLD}),
    FulfillmentState.ON_HOLD: frozenset(
        {FulfillmentState.RELEASED, FulfillmentState.REJECTED, FulfillmentState.CANCELLED}
    ),
    FulfillmentState.RELEASED: frozenset(
        {
            FulfillmentState.ACCEPTED,
            FulfillmentState.SHIPPING,
            FulfillmentState.REJECTED,
            FulfillmentState.CANCELLED,
        }
    ),
    FulfillmentState.ACCEPTED: frozenset(
        {FulfillmentState.SHIPPING, FulfillmentState.REJECTED, FulfillmentState.CANCELLED}
    ),
    FulfillmentState.SHIPPING: frozenset({FulfillmentState.SHIPPED, FulfillmentState.ACCEPTED}),
    FulfillmentState.SHIPPED: frozenset({FulfillmentState.DELIVERED}),
    FulfillmentState.DELIVERED: frozenset(),
    FulfillmentState.REJECTED: frozenset(),
    FulfillmentState.CANCELLED: frozenset(),
}
"""Where work may go. From SHIPPING it goes back to ACCEPTED when the ledger knows of no such goods.

A plan that came to nothing leaves no work: what is PLANNED is removed, not cancelled.
"""

BEGUN = frozenset({FulfillmentState.RELEASED, FulfillmentState.ACCEPTED, FulfillmentState.SHIPPING})
"""The states in which a location has work and the ledger holds stock for it."""

HOLDING = BEGUN | {FulfillmentState.ON_HOLD}
"""The states in which the ledger holds stock for work."""

LEFT = frozenset({FulfillmentState.SHIPPED, FulfillmentState.DELIVERED})
"""The states in which the goods have left, as the ledger knows."""

OPEN_TO_CHANGE = frozenset({FulfillmentState.RELEASED, FulfillmentState.ON_HOLD})
"""The states in which work may be decided again: nobody has begun."""

CANCELLABLE = OPEN_TO_CHANGE | {FulfillmentState.ACCEPTED}
"""The states in which work can be taken away from a location."""


class RejectReason(StrEnum):
    """Why a location does not do its work."""

    NOT_FOUND = "NOT_FOUND"
    DAMAGED = "DAMAGED"
    TOO_BUSY = "TOO_BUSY"
    CLOSED = "CLOSED"
    OTHER = "OTHER"
    NOT_ANSWERED = "NOT_ANSWERED"


class Hold(StrEnum):
    """Whether the ledger holds the stock of work.

    ``SURPLUS``: it does, and nobody needs it any more: it is to be released.
    """

    NONE = "NONE"
    HELD = "HELD"
    SURPLUS = "SURPLUS"


@dataclass(frozen=True, slots=True)
class FulfillmentLine:
    """Units of one item for one order line, and the reservation that holds them once there is one.

    ``held`` counts the units that the ledger still holds for this line. It is less than the
    quantity where other work took units over. ``instead_of`` is what was ordered where this is a
    substitute, "" where it is not; ``units_each`` of it stand for one of that. ``brought_by`` is
    the work that brings it here, "" for what lies here: nothing is held here for what is brought.
    ``ordered_price`` is what the customer pays for one of what was ordered where this is a
    substitute, None where nobody knows.
    """

    line_id: str
    sku: str
    quantity: int
    reservation_id: UUID | None = None
    held: int = 0
    instead_of: str = ""
    units_each: int = 1
    brought_by: str = ""
    ordered_price: Price | None = None


@dataclass(frozen=True, slots=True)
class Parcel:
    """One thing that a carrier takes; ``weight_grams`` is 0 when it was not weighed."""

    carrier: str
    tracking_number: str
    weight_grams: int


@dataclass(frozen=True)
class FulfillmentOrder:
    """The work of one location for one order.

    Work that was rejected or cancelled keeps its stock until it was taken over or released: that is
    what ``hold`` says. ``capacity_hold_id`` holds what it takes of its
    location's windows of capacity; None where it takes nothing, or gave it back.
    ``ship_request_id`` is the request that said the goods had left, ``deliver_time`` when the
    customer had them. ``method`` is how they leave; ``pickup_location_id`` is where the customer
    collects them, "" where they go to an address. ``available_time`` is by when goods are there
    that are held against supply, None for goods in hand. What is offered is to be answered
    ``answer_within`` so long from when the location may begin, by ``answer_time``; None: it waits.
    ``hub_location_id`` is where the goods are brought together with others of the order, "" where
    they go to the customer. ``expected`` is when the decision expected what; in fact the location
    was free to begin at ``release_time``, and said that the goods had left at ``ship_time``, ready
    since ``ready_time``; None for what has not happened, or nobody said.
    """

    fulfillment_order_id: str
    order_id: str
    location_id: str
    decision_id: UUID
    lines: tuple[FulfillmentLine, ...]
    promise_days: int
    create_time: datetime
    update_time: datetime
    state: FulfillmentState = FulfillmentState.PLANNED
    hold: Hold = Hold.NONE
    capacity_hold_id: UUID | None = None
    parcels: tuple[Parcel, ...] = ()
    reject_reason: RejectReason | None = None
    ship_request_id: UUID | None = None
    deliver_time: datetime | None = None
    version: int = 1
    method: str = SHIP
    pickup_location_id: str = ""
    available_time: datetime | None = None
    answer_within: timedelta | None = None
    answer_time: datetime | None = None
    hub_location_id: str = ""
    expected: Expected | None = None
    release_time: datetime | None = None
    ready_time: datetime | None = None
    ship_time: datetime | None = None

    @property
    def brought_by(self) -> frozenset[str]:
        """The work that brings what it sends."""
        return frozenset(line.brought_by for line in self.lines if line.brought_by)

    @property
    def units(self) -> int:
        """Units over all its lines."""
        return sum(line.quantity for line in self.lines)

    @property
    def reservation_ids(self) -> tuple[UUID, ...]:
        """The reservations that hold its stock, each once, in the order of its lines."""
        return tuple(
            dict.fromkeys(line.reservation_id for line in self.lines if line.reservation_id)
        )

    @property
    def is_unanswered(self) -> bool:
        """Whether it is offered and the location has not said anything.

        A hub to which all that it sends was brought is not asked: it cannot be decided again.
        """
        may_be_rejected = any(not line.brought_by for line in self.lines)
        is_offered = self.state is FulfillmentState.RELEASED and self.answer_time is not None
        return is_offered and may_be_rejected

    def is_overdue(self, now: datetime) -> bool:
        """Whether the time to answer is over."""
        return self.is_unanswered and self.answer_time is not None and self.answer_time <= now

    @property
    def is_freed(self) -> bool:
        """Whether it is closed, and its stock may be taken over by new work of the order."""
        return self.hold is Hold.HELD and self.state not in HOLDING


def accept(work: FulfillmentOrder) -> FulfillmentOrder:
    """The location does it. Raises ``WrongState`` unless it is RELEASED.

    Of goods that are leaving it must not say so: they would be taken for goods that are there.
    """
    if work.state is not FulfillmentState.RELEASED:
        raise WrongState(work.fulfillment_order_id, work.state, FulfillmentState.RELEASED)
    return _moved(work, FulfillmentState.ACCEPTED, wanted=FulfillmentState.RELEASED)


def reject(work: FulfillmentOrder, reason: RejectReason) -> FulfillmentOrder:
    """The location does not do it. Raises ``WrongState`` unless it is RELEASED or ACCEPTED."""
    moved = _moved(work, FulfillmentState.REJECTED, wanted=FulfillmentState.RELEASED)
    return replace(moved, reject_reason=reason)


def begin_shipping(
    work: FulfillmentOrder,
    parcels: tuple[Parcel, ...],
    request_id: UUID,
    ready_time: datetime | None = None,
) -> FulfillmentOrder:
    """The goods have left; the ledger is to be told. Raises ``WrongState``."""
    moved = _moved(work, FulfillmentState.SHIPPING, wanted=FulfillmentState.ACCEPTED)
    return replace(moved, parcels=parcels, ship_request_id=request_id, ready_time=ready_time)


def end_shipping(work: FulfillmentOrder) -> FulfillmentOrder:
    """The ledger knows that they have left."""
    moved = _moved(work, FulfillmentState.SHIPPED, wanted=FulfillmentState.SHIPPING)
    return let_go(moved)


def deliver(work: FulfillmentOrder, deliver_time: datetime) -> FulfillmentOrder:
    """The customer has the goods. Raises ``WrongState`` unless they have left."""
    moved = _moved(work, FulfillmentState.DELIVERED, wanted=FulfillmentState.SHIPPED)
    return replace(moved, deliver_time=deliver_time)


def take_back_shipping(work: FulfillmentOrder) -> FulfillmentOrder:
    """The ledger knows of no such goods: the work is as it was when it was accepted.

    Raises ``WrongState`` unless they were leaving.
    """
    if work.state is not FulfillmentState.SHIPPING:
        raise WrongState(work.fulfillment_order_id, work.state, FulfillmentState.SHIPPING)
    moved = _moved(work, FulfillmentState.ACCEPTED, wanted=FulfillmentState.SHIPPING)
    return replace(moved, parcels=(), ready_time=None, ship_time=None)


def timed(work: FulfillmentOrder, now: datetime) -> FulfillmentOrder:
    """The work with the instant of what has just happened to it."""
    if work.state is FulfillmentState.RELEASED and work.release_time is None:
        return replace(work, release_time=now)
    if work.state is FulfillmentState.SHIPPING and work.ship_time is None:
        return replace(work, ship_time=now)
    return work


def cancel(work: FulfillmentOrder) -> FulfillmentOrder:
    """The location need not do it any more. Raises ``WrongState``."""
    return _moved(work, FulfillmentState.CANCELLED, wanted=FulfillmentState.RELEASED)


def release(
    work: FulfillmentOrder, reservation_id: UUID, *, on_hold: bool = False
) -> FulfillmentOrder:
    """The location may begin: its stock is held, by ``reservation_id`` where none is named yet.

    With ``on_hold`` it may not yet. Raises ``WrongState``.
    """
    state = FulfillmentState.ON_HOLD if on_hold else FulfillmentState.RELEASED
    moved = _moved(work, state, wanted=FulfillmentState.PLANNED)
    lines = tuple(
        line
        if line.brought_by
        else replace(line, reservation_id=line.reservation_id or reservation_id, held=line.quantity)
        for line in work.lines
    )
    return replace(moved, lines=lines, hold=Hold.HELD)


def let_begin(work: FulfillmentOrder, now: datetime) -> FulfillmentOrder:
    """The location may begin after all. Raises ``WrongState`` unless it is ON_HOLD."""
    moved = _moved(work, FulfillmentState.RELEASED, wanted=FulfillmentState.ON_HOLD)
    return offered(moved, work.answer_within, now)


def offered(
    work: FulfillmentOrder, answer_within: timedelta | None, now: datetime
) -> FulfillmentOrder:
    """The location has so long to answer, from when it may begin; None: as long as it takes."""
    is_asked = answer_within is not None and work.state is FulfillmentState.RELEASED
    answer_time = now + answer_within if is_asked and answer_within is not None else None
    return replace(work, answer_within=answer_within, answer_time=answer_time)


def let_go(work: FulfillmentOrder) -> FulfillmentOrder:
    """The ledger holds nothing for it any more."""
    return replace(work, hold=Hold.NONE, lines=tuple(replace(line, held=0) for line in work.lines))


def _moved(
    work: FulfillmentOrder, state: FulfillmentState, *, wanted: FulfillmentState
) -> FulfillmentOrder:
    if state not in TRANSITIONS[work.state]:
        raise WrongState(work.fulfillment_order_id, work.state, wanted)
    return replace(work, state=state)
