"""What is submitted, and how it becomes an order."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from ordermesh.kernel.money import SCALE
from ordermesh.routing.domain.context import NO_TRAITS, Traits
from ordermesh.routing.domain.errors.requests import FieldViolation
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.item import Item
from ordermesh.routing.domain.kit import freeze
from ordermesh.routing.domain.order import (
    Acceptance,
    Actor,
    Destination,
    ExternalReference,
    Order,
    OrderLine,
    PromiseMade,
)
from ordermesh.routing.domain.price import Price


@dataclass(frozen=True)
class Contact:
    """Whom to tell: personal data, which no log, span or stored reply ever shows."""

    name: str = field(repr=False)
    email: str = field(repr=False)
    phone: str = field(repr=False)
    address_lines: tuple[str, ...] = field(repr=False)
    language: str


@dataclass(frozen=True)
class NewLine:
    """One thing that is wanted."""

    line_id: str
    sku: str
    quantity: int
    unit_price: Price | None
    keep_together: bool
    accepts_substitutes: bool = False


@dataclass(frozen=True)
class Whereto:
    """A destination as it is written; ``place`` is None when only the postal code tells."""

    country_code: str
    region: str
    postal_code: str
    place: Place | None
    is_business: bool = False


@dataclass(frozen=True)
class NewOrder:
    """An order as it is submitted; ``order_time`` None means now, ``customer`` "" nobody.

    ``whereto`` says nothing where there is a place of pickup.
    """

    request_id: UUID
    order_id: str
    channel: str
    channel_order_id: str
    external_refs: tuple[ExternalReference, ...]
    lines: tuple[NewLine, ...]
    whereto: Whereto
    method: str
    order_time: datetime | None
    promise_days: int
    policy_id: str
    acceptance: Acceptance
    checkout_ids: tuple[UUID, ...]
    contact: Contact | None
    on_behalf_of: str
    customer: str = ""
    traits: Traits = NO_TRAITS
    promise: PromiseMade | None = None
    pickup_location_id: str = ""


def skus_of(lines: Iterable[NewLine]) -> tuple[str, ...]:
    """The items that are asked for, each once."""
    return tuple(dict.fromkeys(line.sku for line in lines))


PARTS_MAX = 1_000
"""How many parts an order has at most, over all its kits: as many as leave one location at once."""

VALUE_MAX = 100_000_000_000_000 * SCALE
"""What an order costs at most, in 1e-4 of its currency: so that what is refunded can be written."""

UNITS_MAX = 1_000_000
"""How many units of a part a line has at most: as many as a line of a reservation."""


def make_order(
    new: NewOrder,
    items: Mapping[str, Item],
    destination: Destination,
    *,
    origin: UUID,
    caller: str,
    now: datetime,
) -> Order:
    """The order, with its kits frozen as they are now.

    ``items`` holds all that is asked for and the components of kits; raises ``KeyError`` otherwise,
    and ``FieldViolation`` for more parts, or units of one, than can be held together, and for what
    costs more than can be refunded.
    """
    lines = tuple(
        OrderLine(
            line_id=line.line_id,
            sku=line.sku,
            quantity=line.quantity,
            unit_price=line.unit_price,
            keep_together=line.keep_together or items[line.sku].keep_together,
            components=freeze(items[line.sku], items, line.unit_price),
            components_may_split=items[line.sku].components_may_split,
            accepts_substitutes=line.accepts_substitutes,
        )
        for line in new.lines
    )
    _refuse_too_large(lines)
    if new.promise is not None and new.promise.time <= (new.order_time or now):
        sentence = "What is promised comes after the order."
        raise FieldViolation("promise_time", "promise_time.after_order", sentence)
    return Order(
        order_id=new.order_id,
        origin=origin,
        channel=new.channel,
        channel_order_id=new.channel_order_id,
        external_refs=new.external_refs,
        lines=lines,
        destination=destination,
        method=new.method,
        order_time=new.order_time or now,
        promise_days=new.promise_days,
        policy_id=new.policy_id,
        acceptance=new.acceptance,
        actor=Actor(caller, new.on_behalf_of),
        create_time=now,
        update_time=now,
        customer=new.customer,
        traits=new.traits,
        promise=new.promise,
        pickup_location_id=new.pickup_location_id,
    )


def _refuse_too_large(lines: Sequence[OrderLine]) -> None:
    if sum(len(line.per_kit) for line in lines) > PARTS_MAX:
        raise FieldViolation("lines", "parts.max_items", f"An order has {PARTS_MAX} parts at most.")
    value = 0
    for number, line in enumerate(lines):
        if line.quantity * max(line.per_kit.values()) > UNITS_MAX:
            sentence = f"A line has {UNITS_MAX} units of a part at most."
            raise FieldViolation(f"lines[{number}].quantity", "units.max", sentence)
        value += line.quantity * line.unit_price.amount if line.unit_price else 0
        if value > VALUE_MAX:
            sentence = f"An order costs {VALUE_MAX // SCALE} of its currency at most."
            raise FieldViolation(f"lines[{number}].unit_price", "value.max", sentence)
