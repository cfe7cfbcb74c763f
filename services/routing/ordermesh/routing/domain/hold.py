"""How new work of an order comes by its stock, with no moment in which others could take it.

Where a whole reservation is decided again, the new reservation replaces it in one transaction of
the ledger. Where a part of it goes on (a location has begun), new work keeps what the order holds
at the same place, reserves the rest beside it, and only then what nobody needs is released.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from uuid import UUID

from ordermesh.routing.domain.fulfillment import (
    HOLDING,
    FulfillmentLine,
    FulfillmentOrder,
    Hold,
    let_go,
)


@dataclass(frozen=True, slots=True)
class HeldUnits:
    """Units of an item that the order holds at a location without needing them there."""

    sku: str
    location_id: str
    quantity: int


def replaceable(work: Iterable[FulfillmentOrder]) -> tuple[UUID, ...]:
    """The reservations all of whose open stock is decided again, in the order of the work."""
    work = tuple(work)
    freed = dict.fromkeys(
        line.reservation_id
        for one in work
        if one.is_freed
        for line in one.lines
        if line.held and line.reservation_id
    )
    kept = {
        line.reservation_id
        for one in work
        if one.state in HOLDING or one.hold is Hold.SURPLUS
        for line in one.lines
    }
    return tuple(reservation for reservation in freed if reservation not in kept)


def keepable(work: Iterable[FulfillmentOrder], replaced: Sequence[UUID]) -> tuple[HeldUnits, ...]:
    """What the order holds in reservations that go on, and new work at the place could keep.

    What is still to come is given back: new work may wait for something else.
    """
    return tuple(
        HeldUnits(line.sku, one.location_id, line.held)
        for one in work
        if one.is_freed and one.available_time is None
        for line in one.lines
        if line.held and line.reservation_id not in replaced
    )


def keep(
    planned: Sequence[FulfillmentOrder],
    work: Sequence[FulfillmentOrder],
    replaced: Sequence[UUID],
) -> tuple[FulfillmentOrder, ...]:
    """The planned work, with the lines named after the reservations whose units they keep.

    A line keeps units that the order holds for the same line, item and location; what is left of
    it has no reservation yet. Units are never counted twice.
    """
    held: dict[tuple[str, str, str], list[tuple[UUID, int]]] = {}
    for one in work:
        if not one.is_freed or one.available_time is not None:
            continue
        for line in one.lines:
            if line.held and line.reservation_id and line.reservation_id not in replaced:
                place = (line.line_id, line.sku, one.location_id)
                held.setdefault(place, []).append((line.reservation_id, line.held))
    result = []
    for one in planned:
        if one.available_time is not None:
            result.append(one)
            continue
        lines: list[FulfillmentLine] = []
        for line in one.lines:
            if line.brought_by:
                lines.append(line)
                continue
            wanted = line.quantity
            for reservation_id, units in held.pop((line.line_id, line.sku, one.location_id), []):
                kept = min(wanted, units)
                if kept:
                    lines.append(replace(line, quantity=kept, reservation_id=reservation_id))
                wanted -= kept
            if wanted:
                lines.append(replace(line, quantity=wanted))
        result.append(replace(one, lines=tuple(lines)))
    return tuple(result)


def hand_over(
    work: Sequence[FulfillmentOrder], planned: Sequence[FulfillmentOrder], replaced: Sequence[UUID]
) -> tuple[FulfillmentOrder, ...]:
    """The closed work after the new hold stands: what still holds stock is surplus.

    ``planned`` is the new work as ``keep`` made it. Work that is open stays as it is.
    """
    kept: dict[tuple[UUID, str, str, str], int] = {}
    for one in planned:
        for line in one.lines:
            if line.reservation_id:
                key = (line.reservation_id, line.line_id, line.sku, one.location_id)
                kept[key] = kept.get(key, 0) + line.quantity
    result = []
    for one in work:
        if not one.is_freed:
            result.append(one)
            continue
        lines = []
        for line in one.lines:
            held = line.held
            if line.reservation_id in replaced:
                held = 0
            elif line.reservation_id:
                key = (line.reservation_id, line.line_id, line.sku, one.location_id)
                taken = min(held, kept.get(key, 0))
                kept[key] = kept.get(key, 0) - taken
                held -= taken
            lines.append(replace(line, held=held))
        left = replace(one, lines=tuple(lines), hold=Hold.SURPLUS)
        result.append(left if any(line.held for line in lines) else let_go(one))
    return tuple(result)
