"""Returns: goods of one order on their way back to one location, and what became of them.

::

    AUTHORIZED ──> PARTLY_RECEIVED ──> RECEIVED ──> COMPLETED
        │  └──────────────────────────────^
        └──> CANCELLED

``COMPLETED`` when the ledger knows of all that arrived. What is kept apart then can still be
decided about; it changes no state.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ordermesh.kernel.money import Money


class ReturnState(StrEnum):
    """How far a return has come."""

    AUTHORIZED = "AUTHORIZED"
    PARTLY_RECEIVED = "PARTLY_RECEIVED"
    RECEIVED = "RECEIVED"
    COMPLETED = "COMPLETED"
    CANCELLED = "CANCELLED"


TRANSITIONS: Mapping[ReturnState, frozenset[ReturnState]] = {
    ReturnState.AUTHORIZED: frozenset(
        {ReturnState.PARTLY_RECEIVED, ReturnState.RECEIVED, ReturnState.CANCELLED}
    ),
    ReturnState.PARTLY_RECEIVED: frozenset({ReturnState.RECEIVED}),
    ReturnState.RECEIVED: frozenset({ReturnState.COMPLETED}),
    ReturnState.COMPLETED: frozenset(),
    ReturnState.CANCELLED: frozenset(),
}
"""Where a return may go from each state."""

EXPECTING = frozenset({ReturnState.AUTHORIZED, ReturnState.PARTLY_RECEIVED})
"""The states in which goods may still arrive."""


class RefundTiming(StrEnum):
    """When the money is due."""

    NOW = "NOW"
    AFTER_RECEIPT = "AFTER_RECEIPT"


class ReturnReason(StrEnum):
    """Why goods come back."""

    UNWANTED = "UNWANTED"
    DOES_NOT_FIT = "DOES_NOT_FIT"
    NOT_AS_DESCRIBED = "NOT_AS_DESCRIBED"
    DAMAGED = "DAMAGED"
    DEFECTIVE = "DEFECTIVE"
    WRONG_ITEM = "WRONG_ITEM"
    TOO_LATE = "TOO_LATE"
    UNDELIVERABLE = "UNDELIVERABLE"
    OTHER = "OTHER"


class Grade(StrEnum):
    """In which condition a unit came back."""

    LIKE_NEW = "LIKE_NEW"
    GOOD = "GOOD"
    REFURBISHABLE = "REFURBISHABLE"
    BAD = "BAD"


class Disposition(StrEnum):
    """What becomes of a unit."""

    RESTOCK = "RESTOCK"
    BLOCK = "BLOCK"
    DISCARD = "DISCARD"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is answerable: the authenticated caller, and for whom it acted ("" for itself)."""

    caller: str
    on_behalf_of: str = ""


@dataclass(frozen=True, slots=True)
class Price:
    """What ``units`` units were sold for together: of a kit's component, those of one kit."""

    currency_code: str
    amount: Money
    units: int = 1

    def of(self, quantity: int, after: int = 0) -> Money:
        """What so many units cost after ``after`` others, in 1e-4: all parts sum to the whole."""
        return Money(
            self.amount * (after + quantity) // self.units - self.amount * after // self.units
        )


@dataclass(frozen=True, slots=True)
class ReturnLine:
    """Units of one item of one order line that may come back, and what became of them."""

    line_id: str
    sku: str
    quantity: int
    reason: ReturnReason
    price: Price | None = None
    received: int = 0
    restocked: int = 0
    blocked: int = 0
    discarded: int = 0

    @property
    def pair(self) -> tuple[str, str]:
        """The order line and the item."""
        return self.line_id, self.sku

    @property
    def expected(self) -> int:
        """Units that have not arrived."""
        return self.quantity - self.received


@dataclass(frozen=True, slots=True)
class ReceivedUnits:
    """Units of one item of one order line that arrived in one condition."""

    line_id: str
    sku: str
    quantity: int
    grade: Grade
    disposition: Disposition


@dataclass(frozen=True, slots=True)
class Receipt:
    """What arrived at one time; ``movement_id`` is None until the ledger knows of it.

    ``ledger_refusals``: how often the ledger would not take it.
    """

    number: int
    location_id: str
    units: tuple[ReceivedUnits, ...]
    actor: Actor
    receive_time: datetime
    movement_id: UUID | None = None
    ledger_refusals: int = 0


@dataclass(frozen=True, slots=True)
class DisposedUnits:
    """Units that were kept apart at a location, and what becomes of them."""

    line_id: str
    sku: str
    quantity: int
    disposition: Disposition
    location_id: str


@dataclass(frozen=True, slots=True)
class Disposal:
    """A later decision; ``movement_id`` is None until the ledger knows of it.

    ``ledger_refusals``: how often the ledger would not take it.
    """

    number: int
    units: tuple[DisposedUnits, ...]
    actor: Actor
    dispose_time: datetime
    movement_id: UUID | None = None
    ledger_refusals: int = 0


@dataclass(frozen=True, slots=True)
class RefundedUnits:
    """Units that money is due for."""

    line_id: str
    sku: str
    quantity: int


@dataclass(frozen=True, slots=True)
class Refund:
    """Money that is due. ``amount`` is None when the order has no prices."""

    refund_id: UUID
    currency_code: str
    amount: Money | None
    units: tuple[RefundedUnits, ...]
    due_time: datetime


@dataclass(frozen=True, slots=True)
class Change:
    """One change of state; ``actor`` None is the service itself."""

    state: ReturnState
    actor: Actor | None
    change_time: datetime


@dataclass(frozen=True)
class Return:
    """Goods of one order that may come back to one location. Verbs make a new one."""

    return_id: str
    order_id: str
    refund_timing: RefundTiming
    location_id: str
    location_reason: str
    lines: tuple[ReturnLine, ...]
    create_time: datetime
    update_time: datetime
    state: ReturnState = ReturnState.AUTHORIZED
    note: str = ""
    receipts: tuple[Receipt, ...] = ()
    disposals: tuple[Disposal, ...] = ()
    refunds: tuple[Refund, ...] = ()
    history: tuple[Change, ...] = ()
    version: int = 1
    event_sequence: int = 0

    @property
    def is_expecting(self) -> bool:
        """Whether goods may still arrive."""
        return self.state in EXPECTING

    def line(self, line_id: str, sku: str) -> ReturnLine | None:
        """The line of this order line and item."""
        return next((one for one in self.lines if one.pair == (line_id, sku)), None)


def moved(one: Return, state: ReturnState, actor: Actor | None, now: datetime) -> Return:
    """The return in another state, with the change kept; raises ``ValueError`` for no such way."""
    if state is one.state:
        return one
    if state not in TRANSITIONS[one.state]:
        raise ValueError(f"A return does not go from {one.state} to {state}.")
    return replace(one, state=state, history=(*one.history, Change(state, actor, now)))
