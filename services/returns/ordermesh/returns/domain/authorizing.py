"""What may come back: decided against what was shipped, and what is on its way or back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from ordermesh.returns.domain.errors import (
    DuplicateEntry,
    IncompleteKit,
    NotShipped,
    OverReturned,
)
from ordermesh.returns.domain.event import Authorized, Event, RefundDue
from ordermesh.returns.domain.order_return import (
    Actor,
    Change,
    Price,
    RefundTiming,
    Return,
    ReturnLine,
    ReturnReason,
    ReturnState,
)
from ordermesh.returns.domain.paid import Paid
from ordermesh.returns.domain.refund import refund_for
from ordermesh.returns.domain.returnable import Returnable

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a kit as it was sold: units in one kit, and their share of its price."""

    sku: str
    quantity: int
    price: Price | None


@dataclass(frozen=True, slots=True)
class SoldLine:
    """An order line as it was sold; a kit has components."""

    line_id: str
    sku: str
    price: Price | None
    components: tuple[Component, ...] = ()

    def price_of(self, sku: str) -> Price | None:
        """What a unit of this item was sold for on this line."""
        for part in self.components:
            if part.sku == sku:
                return part.price
        return self.price if sku == self.sku else None


@dataclass(frozen=True, slots=True)
class AskedLine:
    """Units of an order line that shall come back; ``sku`` "" is what the line was ordered as."""

    line_id: str
    sku: str
    quantity: int
    reason: ReturnReason


@dataclass(frozen=True)
class Ask:
    """What shall come back; without lines, everything that still can."""

    return_id: str
    order_id: str
    lines: tuple[AskedLine, ...]
    refund_timing: RefundTiming
    reason: ReturnReason
    note: str = ""


@dataclass(frozen=True, slots=True)
class Goal:
    """Where the goods go, and why there."""

    location_id: str
    reason: str


def wanted_units(
    ask: Ask,
    sold: Mapping[str, SoldLine],
    there: Mapping[Pair, Returnable],
    paid: Mapping[Pair, Paid],
) -> tuple[ReturnLine, ...]:
    """What the request asks for, kits taken apart, if all of it can come back.

    ``paid`` is what was paid for what left instead of what was sold.
    Raises ``DuplicateEntry``, ``NotShipped``, ``IncompleteKit``, ``OverReturned``: each with
    everything that is wrong in its way.
    """
    if not there:
        raise NotShipped(ask.order_id)
    asked = _apart(ask, sold, there) if ask.lines else _everything(ask, there)
    unknown = [pair for pair in asked if pair not in there]
    if unknown:
        raise NotShipped(ask.order_id, unknown)
    over = [
        (*pair, quantity, there[pair].returnable)
        for pair, (quantity, _) in asked.items()
        if quantity > there[pair].returnable
    ]
    if over:
        raise OverReturned(over)
    return tuple(
        ReturnLine(
            *pair, quantity, reason, paid[pair].average if pair in paid else _price(sold, *pair)
        )
        for pair, (quantity, reason) in asked.items()
    )


def authorize(
    ask: Ask,
    lines: tuple[ReturnLine, ...],
    goal: Goal,
    others: Sequence[Return],
    paid: Mapping[Pair, Paid],
    actor: Actor,
    now: datetime,
) -> tuple[Return, tuple[Event, ...]]:
    """The return that allows these lines to come back, and what is told of it.

    ``others`` are the returns that the order has, ``paid`` is as for ``wanted_units``.
    """
    made = Return(
        return_id=ask.return_id,
        order_id=ask.order_id,
        refund_timing=ask.refund_timing,
        location_id=goal.location_id,
        location_reason=goal.reason,
        lines=lines,
        note=ask.note,
        history=(Change(ReturnState.AUTHORIZED, actor, now),),
        create_time=now,
        update_time=now,
    )
    events: tuple[Event, ...] = (Authorized(),)
    if ask.refund_timing is RefundTiming.NOW:
        made, refund = refund_for(made, others, paid, [line.pair for line in lines], now)
        events = events if refund is None else (*events, RefundDue(refund))
    return made, events


def _everything(ask: Ask, there: Mapping[Pair, Returnable]) -> dict[Pair, tuple[int, ReturnReason]]:
    left = {pair: (one.returnable, ask.reason) for pair, one in there.items() if one.returnable}
    if not left:
        raise OverReturned((*pair, one.shipped, 0) for pair, one in there.items())
    return left


def _apart(
    ask: Ask, sold: Mapping[str, SoldLine], there: Mapping[Pair, Returnable]
) -> dict[Pair, tuple[int, ReturnReason]]:
    asked: dict[Pair, tuple[int, ReturnReason]] = {}
    incomplete: list[tuple[str, str, int, int]] = []
    for number, line in enumerate(ask.lines):
        known = sold.get(line.line_id)
        sku = line.sku or (known.sku if known else "")
        parts: Sequence[tuple[str, int]] = [(sku, line.quantity)]
        if known is not None and known.components and sku == known.sku:
            parts = [(part.sku, part.quantity * line.quantity) for part in known.components]
            left = _kits_left(known, there)
            if left is not None and left < line.quantity:
                incomplete.append((line.line_id, sku, line.quantity, left))
        for part, quantity in parts:
            if (line.line_id, part) in asked:
                raise DuplicateEntry(f"lines[{number}]", f"{part} of line {line.line_id}")
            asked[line.line_id, part] = (quantity, line.reason)
    if incomplete:
        raise IncompleteKit(incomplete)
    return asked


def _kits_left(line: SoldLine, there: Mapping[Pair, Returnable]) -> int | None:
    """Whole kits that can still come back; None when nothing of the kit has left."""
    parts = [(there.get((line.line_id, part.sku)), part.quantity) for part in line.components]
    if all(one is None for one, _ in parts):
        return None
    return min(one.returnable // each if one else 0 for one, each in parts)


def _price(sold: Mapping[str, SoldLine], line_id: str, sku: str) -> Price | None:
    line = sold.get(line_id)
    return None if line is None else line.price_of(sku)
