"""Goods arrive, in some condition; what becomes of them; and the ledger knows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from ordermesh.returns.domain.errors import (
    AlreadyReceived,
    DuplicateEntry,
    LineNotInReturn,
    NotBlocked,
    NotRestockedHere,
    OverReceived,
    ReturnCancelled,
)
from ordermesh.returns.domain.event import (
    Cancelled,
    Completed,
    Disposed,
    Event,
    Received,
    RefundDue,
)
from ordermesh.returns.domain.order_return import (
    Actor,
    Disposal,
    DisposedUnits,
    Disposition,
    Grade,
    Receipt,
    ReceivedUnits,
    RefundTiming,
    Return,
    ReturnLine,
    ReturnState,
    moved,
)
from ordermesh.returns.domain.paid import Paid
from ordermesh.returns.domain.refund import refund_for

Told = tuple[Return, tuple[Event, ...]]
"""The return as it is to be, and what is told of it."""

Pair = tuple[str, str]

P = TypeVar("P", Receipt, Disposal)

_TICK = timedelta(microseconds=1)
"""What was there when it was decided is told by the times of both, whatever clocks do meanwhile."""

SOUND = frozenset({Grade.LIKE_NEW, Grade.GOOD})
"""The conditions in which a unit can be sold as it is."""


@dataclass(frozen=True, slots=True)
class ArrivedLine:
    """Units that arrived; ``sku`` "" is the one item that is expected of the line.

    ``disposition`` None leaves it to condition and location.
    """

    line_id: str
    sku: str
    quantity: int
    grade: Grade
    disposition: Disposition | None


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrived, where, and whether that location sells it again.

    ``is_last``: nothing more will arrive.
    """

    lines: tuple[ArrivedLine, ...]
    location_id: str
    restocks: bool
    is_last: bool


@dataclass(frozen=True, slots=True)
class DisposedLine:
    """Units that are kept apart, and what shall become of them."""

    line_id: str
    sku: str
    quantity: int
    disposition: Disposition


def suggested(grade: Grade, *, restocks: bool) -> Disposition:
    """What becomes of a unit by its condition, and by whether the location sells it again."""
    if grade is Grade.BAD:
        return Disposition.DISCARD
    if grade in SOUND and restocks:
        return Disposition.RESTOCK
    return Disposition.BLOCK


def receive(
    one: Return,
    arrival: Arrival,
    others: Sequence[Return],
    paid: Mapping[Pair, Paid],
    actor: Actor,
    now: datetime,
) -> Told:
    """Goods arrived. ``others`` are the other returns of the order.

    ``paid`` is what was paid for what left instead of what was ordered.

    Raises ``ReturnCancelled``, ``LineNotInReturn``, ``DuplicateEntry``, ``AlreadyReceived``,
    ``OverReceived``, ``NotRestockedHere``.
    """
    if one.state is ReturnState.CANCELLED:
        raise ReturnCancelled(one.return_id)
    units = _units(one, arrival)
    totals = _totals(units)
    _refuse_unexpected(one, totals)
    receipt_time = max([now, *(past.dispose_time + _TICK for past in one.disposals)])
    receipt = Receipt(len(one.receipts) + 1, arrival.location_id, units, actor, receipt_time)
    lines = tuple(
        replace(line, received=line.received + totals.get(line.pair, 0)) for line in one.lines
    )
    after = replace(one, lines=lines, receipts=(*one.receipts, receipt))
    is_over = arrival.is_last or not any(line.expected for line in lines)
    state = ReturnState.RECEIVED if is_over else ReturnState.PARTLY_RECEIVED
    after = moved(after, state, actor, now)
    events: tuple[Event, ...] = (Received(receipt),)
    if one.refund_timing is RefundTiming.AFTER_RECEIPT:
        after, refund = refund_for(after, others, paid, totals, now)
        events = events if refund is None else (*events, RefundDue(refund))
    return after, events


def posted(one: Return, number: int, movement_id: UUID, now: datetime) -> Told:
    """The ledger knows of a receipt. Knowing twice changes nothing."""
    receipt = one.receipts[number - 1]
    if receipt.movement_id is not None:
        return one, ()
    known = replace(receipt, movement_id=movement_id)
    receipts = tuple(known if other.number == number else other for other in one.receipts)
    lines = one.lines
    for part in receipt.units:
        lines = _counted(lines, part.line_id, part.sku, part.disposition, part.quantity)
    return _completed(replace(one, receipts=receipts, lines=lines), now)


def not_posted(one: Return, number: int, refusals: int) -> Return:
    """The ledger would not take a receipt: it is told anew, not asked again what it has said.

    It was refused when it had been ``refusals`` times before: who says so late changes nothing.
    """
    receipts = tuple(_refused(part, number, refusals) for part in one.receipts)
    return replace(one, receipts=receipts)


def not_disposed(one: Return, number: int, refusals: int) -> Return:
    """The ledger would not take a later decision: it is told anew, as ``not_posted`` has it."""
    disposals = tuple(_refused(part, number, refusals) for part in one.disposals)
    return replace(one, disposals=disposals)


def cancel(one: Return, actor: Actor, now: datetime) -> Told:
    """What has not arrived will not come back: of a return that is over already, nothing has not.

    Cancelling twice changes nothing. Raises ``AlreadyReceived``.
    """
    if one.state is ReturnState.CANCELLED:
        return one, ()
    if not one.is_expecting:
        raise AlreadyReceived(
            one.return_id, ((*line.pair, line.received) for line in one.lines if line.received)
        )
    if one.receipts:
        return _completed(moved(one, ReturnState.RECEIVED, actor, now), now)
    return moved(one, ReturnState.CANCELLED, actor, now), (Cancelled(),)


def dispose(
    one: Return,
    lines: Sequence[DisposedLine],
    restocks: Mapping[str, bool],
    actor: Actor,
    now: datetime,
) -> Return:
    """Decide about units that are kept apart; ``restocks`` by location. The ledger is to be told.

    Raises ``DuplicateEntry``, ``LineNotInReturn``, ``NotBlocked``, ``NotRestockedHere``.
    """
    unknown = [(line.line_id, line.sku) for line in lines if not one.line(line.line_id, line.sku)]
    if unknown:
        raise LineNotInReturn(unknown)
    wanted: dict[Pair, int] = {}
    seen: set[tuple[str, str, Disposition]] = set()
    for number, line in enumerate(lines):
        name = (line.line_id, line.sku, line.disposition)
        if name in seen:
            raise DuplicateEntry(f"lines[{number}]", f"{line.sku} of line {line.line_id}")
        seen.add(name)
        pair = (line.line_id, line.sku)
        wanted[pair] = wanted.get(pair, 0) + line.quantity
    lacking = [
        (*pair, quantity, _blocked(one, pair))
        for pair, quantity in wanted.items()
        if quantity > _blocked(one, pair)
    ]
    if lacking:
        raise NotBlocked(lacking)
    taken = units_taken(one)
    units = tuple(part for line in lines for part in _where(one, line, taken))
    for part in units:
        if part.disposition is Disposition.RESTOCK and not restocks.get(part.location_id, False):
            raise NotRestockedHere(part.location_id)
    dispose_time = max([now, *(past.receive_time for past in one.receipts)])
    disposal = Disposal(len(one.disposals) + 1, units, actor, dispose_time)
    after = tuple(
        replace(line, blocked=line.blocked - wanted.get(line.pair, 0)) for line in one.lines
    )
    return replace(one, lines=after, disposals=(*one.disposals, disposal))


def disposed(one: Return, number: int, movement_id: UUID) -> Told:
    """The ledger knows of a later decision. Knowing twice changes nothing."""
    disposal = one.disposals[number - 1]
    if disposal.movement_id is not None:
        return one, ()
    known = replace(disposal, movement_id=movement_id)
    lines = one.lines
    for part in disposal.units:
        lines = _counted(lines, part.line_id, part.sku, part.disposition, part.quantity)
    disposals = tuple(known if other.number == number else other for other in one.disposals)
    return replace(one, disposals=disposals, lines=lines), (Disposed(disposal.units),)


def units_taken(one: Return) -> dict[tuple[str, str, str], int]:
    """Units that were decided about later, by order line, item and location."""
    taken: dict[tuple[str, str, str], int] = {}
    for disposal in one.disposals:
        for part in disposal.units:
            key = (part.line_id, part.sku, part.location_id)
            taken[key] = taken.get(key, 0) + part.quantity
    return taken


def blocked_locations(one: Return) -> frozenset[str]:
    """The locations that have kept units of the return apart."""
    return frozenset(
        receipt.location_id
        for receipt in one.receipts
        if any(part.disposition is Disposition.BLOCK for part in receipt.units)
    )


def _refused(part: P, number: int, refusals: int) -> P:
    is_news = (part.number, part.ledger_refusals) == (number, refusals)
    return replace(part, ledger_refusals=refusals + 1) if is_news else part


def _completed(one: Return, now: datetime) -> Told:
    """The return, completed if all arrived and the ledger knows of it."""
    if one.state is ReturnState.RECEIVED and all(part.movement_id for part in one.receipts):
        return moved(one, ReturnState.COMPLETED, None, now), (Completed(),)
    return one, ()


def _where(
    one: Return, line: DisposedLine, taken: dict[tuple[str, str, str], int]
) -> list[DisposedUnits]:
    """The units by the locations that keep them, in the order of arrival; ``taken`` grows."""
    rest = line.quantity
    parts: list[DisposedUnits] = []
    kept: dict[str, int] = {}
    for receipt in one.receipts:
        if receipt.movement_id is None:
            continue
        for part in receipt.units:
            same = (part.line_id, part.sku) == (line.line_id, line.sku)
            if same and part.disposition is Disposition.BLOCK:
                kept[receipt.location_id] = kept.get(receipt.location_id, 0) + part.quantity
    for location_id, quantity in kept.items():
        left = quantity - taken.get((line.line_id, line.sku, location_id), 0)
        units = min(rest, left)
        if units > 0:
            parts.append(
                DisposedUnits(line.line_id, line.sku, units, line.disposition, location_id)
            )
            key = (line.line_id, line.sku, location_id)
            taken[key] = taken.get(key, 0) + units
            rest -= units
    return parts


def _blocked(one: Return, pair: Pair) -> int:
    line = one.line(*pair)
    return 0 if line is None else line.blocked


def _units(one: Return, arrival: Arrival) -> tuple[ReceivedUnits, ...]:
    units: list[ReceivedUnits] = []
    unknown: list[Pair] = []
    seen: set[tuple[str, str, Grade]] = set()
    for number, line in enumerate(arrival.lines):
        sku = line.sku or _only_item(one, line.line_id)
        if one.line(line.line_id, sku) is None:
            unknown.append((line.line_id, sku))
            continue
        if (line.line_id, sku, line.grade) in seen:
            raise DuplicateEntry(f"lines[{number}]", f"{sku} of line {line.line_id}")
        seen.add((line.line_id, sku, line.grade))
        if line.disposition is Disposition.RESTOCK and not arrival.restocks:
            raise NotRestockedHere(arrival.location_id)
        disposition = line.disposition or suggested(line.grade, restocks=arrival.restocks)
        units.append(ReceivedUnits(line.line_id, sku, line.quantity, line.grade, disposition))
    if unknown:
        raise LineNotInReturn(unknown)
    return tuple(units)


def _only_item(one: Return, line_id: str) -> str:
    """The item of the line when the return has one alone; else "", which is none."""
    skus = [line.sku for line in one.lines if line.line_id == line_id]
    return skus[0] if len(skus) == 1 else ""


def _totals(units: Sequence[ReceivedUnits]) -> dict[Pair, int]:
    totals: dict[Pair, int] = {}
    for part in units:
        pair = (part.line_id, part.sku)
        totals[pair] = totals.get(pair, 0) + part.quantity
    return totals


def _refuse_unexpected(one: Return, totals: Mapping[Pair, int]) -> None:
    expected = {
        line.pair: line.expected if one.is_expecting else 0
        for line in one.lines
        if line.pair in totals
    }
    done = [pair for pair in totals if expected[pair] == 0]
    if done:
        received = {line.pair: line.received for line in one.lines}
        raise AlreadyReceived(one.return_id, ((*pair, received[pair]) for pair in done))
    over = [
        (*pair, quantity, expected[pair])
        for pair, quantity in totals.items()
        if quantity > expected[pair]
    ]
    if over:
        raise OverReceived(over)


def _counted(
    lines: tuple[ReturnLine, ...], line_id: str, sku: str, disposition: Disposition, units: int
) -> tuple[ReturnLine, ...]:
    name = {
        Disposition.RESTOCK: "restocked",
        Disposition.BLOCK: "blocked",
        Disposition.DISCARD: "discarded",
    }[disposition]
    return tuple(
        replace(line, **{name: getattr(line, name) + units})
        if line.pair == (line_id, sku)
        else line
        for line in lines
    )
