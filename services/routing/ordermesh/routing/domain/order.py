"""Orders: what a customer wants. Quantities of lines carry the truth; the state follows from them.

::

    RECEIVED ──> SOURCED ──> RELEASED ──> FULFILLED
        │           ^            │            │
        │           └────────────┴────────────┘   decided again, or all that is left is on hold
        ├──> UNFILLABLE
        └──> CANCELLED (also from SOURCED, RELEASED and UNFILLABLE)
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from ordermesh.routing.domain.carriage.area import Address
from ordermesh.routing.domain.context import NO_TRAITS, OrderContext, Traits
from ordermesh.routing.domain.fulfillment import (
    BEGUN,
    HOLDING,
    LEFT,
    FulfillmentOrder,
    FulfillmentState,
)
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.network import PickupPoint
from ordermesh.routing.domain.price import Price


class OrderState(StrEnum):
    """How far an order has come."""

    RECEIVED = "RECEIVED"
    SOURCED = "SOURCED"
    RELEASED = "RELEASED"
    FULFILLED = "FULFILLED"
    UNFILLABLE = "UNFILLABLE"
    CANCELLED = "CANCELLED"


TRANSITIONS: Mapping[OrderState, frozenset[OrderState]] = {
    OrderState.RECEIVED: frozenset(
        {OrderState.SOURCED, OrderState.UNFILLABLE, OrderState.CANCELLED}
    ),
    OrderState.SOURCED: frozenset(
        {OrderState.RELEASED, OrderState.FULFILLED, OrderState.UNFILLABLE, OrderState.CANCELLED}
    ),
    OrderState.RELEASED: frozenset(
        {OrderState.SOURCED, OrderState.FULFILLED, OrderState.CANCELLED}
    ),
    OrderState.FULFILLED: frozenset({OrderState.SOURCED}),
    OrderState.UNFILLABLE: frozenset({OrderState.RECEIVED, OrderState.CANCELLED}),
    OrderState.CANCELLED: frozenset(),
}
"""Where an order may go from each state. What is decided again is SOURCED while stock is held."""


class Acceptance(StrEnum):
    """What happens when an order cannot be sourced at once."""

    IF_SOURCED = "IF_SOURCED"
    ALWAYS = "ALWAYS"


class IllegalTransition(ValueError):
    """A lifecycle's table does not know this step: a defect, never a caller's fault."""


@dataclass(frozen=True, slots=True)
class FrozenComponent:
    """A part of a kit as it was when the order was stored.

    ``quantity`` is units in one kit, ``price_share`` its share of the price of one kit, None when
    the line has no price.
    """

    sku: str
    quantity: int
    price_share: Price | None


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One thing that is wanted; quantities are units of the item, or kits.

    ``sourced`` counts what a location holds, shipped ones included. A kit counts when all of its
    components do. ``components_may_split`` is only of meaning for a kit. ``unfilled_facts`` are
    those of a limit that was in the way. With ``accepts_substitutes`` the customer takes something
    else; ``substituted`` counts what of ``sourced`` is.
    """

    line_id: str
    sku: str
    quantity: int
    unit_price: Price | None = None
    keep_together: bool = False
    components: tuple[FrozenComponent, ...] = ()
    components_may_split: bool = False
    sourced: int = 0
    shipped: int = 0
    cancelled: int = 0
    unfilled: int = 0
    unfilled_reason: str = ""
    unfilled_facts: Mapping[str, str] = field(default_factory=dict, hash=False)
    accepts_substitutes: bool = False
    substituted: int = 0

    @property
    def undecided(self) -> int:
        """What still waits for a decision."""
        return self.quantity - self.sourced - self.cancelled - self.unfilled

    @property
    def per_kit(self) -> Mapping[str, int]:
        """Units by SKU in one of what was ordered: the components, or one of the item itself."""
        if self.components:
            return {component.sku: component.quantity for component in self.components}
        return {self.sku: 1}

    def complete(self, units: Mapping[str, int]) -> int:
        """How many of what was ordered these units of its parts make up."""
        return min(units.get(sku, 0) // quantity for sku, quantity in self.per_kit.items())


@dataclass(frozen=True, slots=True)
class Destination:
    """Where an order goes: enough to source it, and no personal data."""

    country_code: str
    region: str
    postal_code: str
    place: Place
    is_business: bool = False

    @property
    def address(self) -> Address:
        """What zones and lanes go by."""
        return Address(self.country_code, self.region, self.postal_code, self.is_business)


@dataclass(frozen=True, slots=True)
class ExternalReference:
    """What another system calls an order."""

    system: str
    id: str


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is answerable: the authenticated caller, and for whom it acted ("" for itself)."""

    caller: str
    on_behalf_of: str


@dataclass(frozen=True, slots=True)
class PromiseMade:
    """What the customer was promised: all of it is there by ``time``, sure to ``permille``."""

    time: datetime
    permille: int


@dataclass(frozen=True, slots=True)
class AutoCancel:
    """What is unfilled at ``time`` is cancelled by itself: this rule said so."""

    time: datetime
    rule_id: str


@dataclass(frozen=True, slots=True)
class OrderHold:
    """New work waits since ``create_time``, because a rule said so; until it is released.

    At ``expire_time`` that is by itself, where it is set.
    """

    hold_type: str
    rule_id: str
    create_time: datetime
    release_time: datetime | None = None
    released_by: str = ""
    expire_time: datetime | None = None

    def is_over(self, now: datetime) -> bool:
        """Whether it is to be released by itself."""
        if self.release_time is not None or self.expire_time is None:
            return False
        return self.expire_time <= now


@dataclass(frozen=True)
class Order:
    """An order with its lines.

    ``version`` grows with every change, ``event_sequence`` with every event. ``origin`` is made
    with the order and is the root of every id that is derived for it, so that an order that was
    refused and is submitted again under its old name shares no id with its past. ``customer`` is a
    key of the caller's for who buys, "" for nobody. ``policy_id`` "" leaves the choice of a policy
    to what the order says of itself, ``traits`` among it: rules move it from queue to queue.
    ``pickup_location_id`` is where the customer collects it, "" where it is sent. ``auto_cancel``
    tells when what is unfilled is cancelled by itself, None: never. ``holds`` has each type once.
    """

    order_id: str
    origin: UUID
    channel: str
    channel_order_id: str
    external_refs: tuple[ExternalReference, ...]
    lines: tuple[OrderLine, ...]
    destination: Destination
    method: str
    order_time: datetime
    promise_days: int
    policy_id: str
    acceptance: Acceptance
    actor: Actor
    create_time: datetime
    update_time: datetime
    state: OrderState = OrderState.RECEIVED
    reservation_ids: tuple[UUID, ...] = ()
    version: int = 1
    event_sequence: int = 0
    cancel_requested: bool = False
    customer: str = ""
    traits: Traits = NO_TRAITS
    promise: PromiseMade | None = None
    pickup_location_id: str = ""
    auto_cancel: AutoCancel | None = None
    holds: tuple[OrderHold, ...] = ()

    @property
    def is_held(self) -> bool:
        """Whether a hold is left that keeps new work from the locations."""
        return any(one.release_time is None for one in self.holds)

    @property
    def pickup(self) -> PickupPoint | None:
        """Where and how the customer collects it; None where it is sent."""
        if not self.pickup_location_id:
            return None
        return PickupPoint(self.pickup_location_id, self.method)

    @property
    def context(self) -> OrderContext:
        """The order as rules see it, apart from its lines."""
        return OrderContext(
            self.channel,
            self.method,
            self.destination.country_code,
            self.destination.region,
            self.destination.postal_code,
            self.order_time,
            self.traits,
        )

    def line(self, line_id: str) -> OrderLine:
        """The line of this id; raises ``KeyError``."""
        for line in self.lines:
            if line.line_id == line_id:
                return line
        raise KeyError(line_id)

    @property
    def is_undecided(self) -> bool:
        """Whether something of it still waits for a decision."""
        return any(line.undecided > 0 for line in self.lines)


def moved(order: Order, state: OrderState) -> Order:
    """The order in another state; staying is always allowed. Raises ``IllegalTransition``."""
    if state == order.state:
        return order
    if state not in TRANSITIONS[order.state]:
        raise IllegalTransition(f"An order does not go from {order.state} to {state}.")
    return replace(order, state=state)


def with_quantities(order: Order, work: Iterable[FulfillmentOrder]) -> Order:
    """The order with the quantities that follow from this work; cancelled and unfilled stay."""
    work = tuple(work)
    return replace(order, lines=tuple(_counted(line, work) for line in order.lines))


def counted(order: Order, work: Iterable[FulfillmentOrder]) -> Order:
    """The order with the quantities and the state that follow from the work of its locations.

    The state takes the shortest way through the table; raises ``IllegalTransition``.
    """
    work = tuple(work)
    order = with_quantities(order, work)
    for state in _way(order.state, _derived_state(order.lines, work)):
        order = moved(order, state)
    return order


def _way(start: OrderState, end: OrderState) -> tuple[OrderState, ...]:
    """The states on the shortest way; raises ``IllegalTransition`` when there is none."""
    ways: list[tuple[OrderState, ...]] = [()]
    seen = {start}
    for way in ways:
        here = way[-1] if way else start
        if here is end:
            return way
        for state in OrderState:
            if state in TRANSITIONS[here] and state not in seen:
                seen.add(state)
                ways.append((*way, state))
    raise IllegalTransition(f"An order does not go from {start} to {end}.")


def cleared(line: OrderLine) -> OrderLine:
    """The line with nothing that is known to be unfilled."""
    return replace(line, unfilled=0, unfilled_reason="", unfilled_facts={})


def sourced_units(line: OrderLine, work: Iterable[FulfillmentOrder]) -> dict[str, int]:
    """Units by SKU that locations hold for the line, or have shipped; substitutes as ordered."""
    sourced, instead = _units_held(line, work)
    for (sku, _, each), units in instead.items():
        sourced[sku] = sourced.get(sku, 0) + units // each
    return sourced


def _units_held(
    line: OrderLine, work: Iterable[FulfillmentOrder]
) -> tuple[dict[str, int], dict[tuple[str, str, int], int]]:
    """Units by SKU as ordered, and of substitutes by what they replace, their SKU, and how many."""
    sourced: dict[str, int] = {}
    instead: dict[tuple[str, str, int], int] = {}
    for one in work:
        if one.state in HOLDING | LEFT:
            for part in one.lines:
                if part.brought_by:
                    # It counts where it came from.
                    continue
                if part.line_id == line.line_id and not part.instead_of:
                    sourced[part.sku] = sourced.get(part.sku, 0) + part.quantity
                elif part.line_id == line.line_id:
                    name = (part.instead_of, part.sku, part.units_each)
                    instead[name] = instead.get(name, 0) + part.quantity
    return sourced, instead


def _counted(line: OrderLine, work: Sequence[FulfillmentOrder]) -> OrderLine:
    shipped = [one for one in work if one.state in LEFT]
    _, instead = _units_held(line, work)
    return replace(
        line,
        substituted=sum(units // each for (_, _, each), units in instead.items()),
        sourced=line.complete(sourced_units(line, work)),
        shipped=line.complete(sourced_units(line, shipped)),
    )


def _derived_state(lines: Sequence[OrderLine], work: Sequence[FulfillmentOrder]) -> OrderState:
    has_shipped = any(one.state in LEFT for one in work)
    if any(one.state in BEGUN for one in work):
        return OrderState.RELEASED
    is_waiting = any(one.state is FulfillmentState.ON_HOLD for one in work)
    if is_waiting or any(line.undecided > 0 for line in lines):
        has_stock = is_waiting or has_shipped or any(one.is_freed for one in work)
        return OrderState.SOURCED if has_stock else OrderState.RECEIVED
    if has_shipped:
        return OrderState.FULFILLED
    if all(line.cancelled == line.quantity for line in lines):
        return OrderState.CANCELLED
    return OrderState.UNFILLABLE
