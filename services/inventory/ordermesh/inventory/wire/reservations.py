"""Reservations and the requests about them."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from ordermesh.api.inventory.v1 import (
    ErrorReason,
    LineReassignment,
    LineSelection,
    LineVerdict,
    ListReservationsRequest,
    OverShipped,
    ReassignBulkRequest,
    ReleasedLine,
    ReservationShipment,
    ReserveLine,
    ReserveRequest,
    ShipRequest,
)
from ordermesh.api.inventory.v1 import Reservation as ReservationMessage
from ordermesh.api.inventory.v1 import ReservationLine as LineMessage
from ordermesh.api.inventory.v1 import ReservationMode as ReservationModeMessage
from ordermesh.inventory.domain.facts import Extra, Facts
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import Wait, Wanted
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.moving import Move, Reassignment
from ordermesh.inventory.domain.picking import Shipment, ShortOutcome
from ordermesh.inventory.domain.portions import Portion
from ordermesh.inventory.domain.reservation import (
    Line,
    LineState,
    Reservation,
    Selection,
    Taking,
)
from ordermesh.inventory.domain.reserving import HOLD_DEFAULT, Ask
from ordermesh.inventory.ports.reservations import ReservationFilter
from ordermesh.inventory.wire.keys import instant, key_message, stock_key, timestamp
from ordermesh.runtime.validation import FieldViolation, InvalidFields, distinct_ids


def ask(request: ReserveRequest) -> Ask:
    """What is wanted, as it was asked for; raises ``LotUnsupported`` and ``InvalidFields``."""
    _refuse_waits(request)
    hold = (
        request.hold_duration.ToTimedelta() if request.HasField("hold_duration") else HOLD_DEFAULT
    )
    return Ask(
        reservation_id=UUID(request.reservation_id),
        order_id=request.order_id,
        wanted=[_wanted(request, line) for line in request.lines],
        hold_duration=None if request.confirm else hold,
        replaces=distinct_ids("replaces_reservation_ids", request.replaces_reservation_ids),
        fence=request.fence,
        is_best_effort=request.best_effort,
        channel=request.channel,
        customer=request.customer,
    )


def _refuse_waits(request: ReserveRequest) -> None:
    """Written here, because as rules of the contract they would cost every request."""
    is_patient = request.HasField("wait")
    violations: list[FieldViolation] = []
    for place, line in enumerate(request.lines):
        waits = line.HasField("wait")
        if waits and request.best_effort:
            violations.append(
                FieldViolation(
                    field=f"lines[{place}].wait",
                    description="a best effort does not wait for supply",
                    rule="reserve.best_effort",
                )
            )
        elif (waits or is_patient) and line.HasField("grouped"):
            violations.append(
                FieldViolation(
                    field=f"lines[{place}].{'wait' if waits else 'grouped'}",
                    description="a line that names a group does not wait for supply",
                    rule="reserve.grouped",
                )
            )
    if violations:
        first = violations[0]
        raise InvalidFields(f"{first.field}: {first.description}.", *violations)


def _wanted(request: ReserveRequest, line: ReserveLine) -> Wanted:
    return Wanted(
        line_id=line.line_id,
        key=stock_key(line.key) if line.HasField("key") else StockKey(line.grouped.sku, ""),
        quantity=line.quantity,
        mode=ReservationMode(line.mode),
        lot_id=line.lot_id,
        serial_numbers=tuple(line.serial_numbers),
        wait=_wait(request, line),
        group=line.grouped.location_group,
    )


def _wait(request: ReserveRequest, line: ReserveLine) -> Wait | None:
    """The line's own leave to wait; where it has none, that of the request."""
    if line.HasField("wait"):
        asked = line.wait
    elif request.HasField("wait"):
        asked = request.wait
    else:
        return None
    return Wait(instant(asked.needed_by_time) if asked.HasField("needed_by_time") else None)


def selection(message: LineSelection) -> Selection:
    """Which lines are meant."""
    return Selection(message.line_id, message.location_id, message.sku, message.quantity)


def moves(lines: Iterable[LineReassignment]) -> list[Move]:
    """Which lines go where."""
    return [(selection(move.line), move.to_location_id) for move in lines]


def reassignments(request: ReassignBulkRequest) -> list[Reassignment]:
    """Which lines of which reservations go where."""
    return [
        Reassignment(UUID(one.reservation_id), moves(one.lines), one.fence)
        for one in request.reassignments
    ]


def shipment(request: ShipRequest | ReservationShipment, path: str = "") -> Shipment:
    """What is to leave of a reservation; ``path`` is where in its request it stands."""
    return Shipment(
        [selection(line) for line in request.lines],
        may_exceed=request.over_ship,
        rest=ShortOutcome(request.rest_outcome) if request.rest_outcome else None,
        facts=[
            Facts(one.line_id, one.sku, one.lot_id, tuple(one.serial_numbers))
            for one in request.units
        ],
        path=path,
    )


def extra_message(extra: Extra) -> OverShipped:
    """Units that left beyond those promised."""
    return OverShipped(line_id=extra.line_id, key=key_message(extra.key), quantity=extra.quantity)


def verdict_message(portion: Portion) -> LineVerdict:
    """How much of a line is held, and why not more."""
    reason = f"ERROR_REASON_{portion.reason or 'UNSPECIFIED'}"
    return LineVerdict(
        line_id=portion.line_id,
        key=key_message(portion.key),
        wanted=portion.wanted,
        granted=portion.granted,
        missing=portion.wanted - portion.granted,
        reason=ErrorReason.Value(reason),
        location_group=portion.group,
    )


def released_line(wanted: Selection, taking: Taking) -> ReleasedLine:
    """What was wanted and what was released."""
    return ReleasedLine(line_id=wanted.line_id, wanted=taking.wanted, released=taking.taken)


def reservation_message(one: Reservation, now: datetime) -> ReservationMessage:
    """A reservation as it is at an instant: a hold whose time has passed is expired."""
    return ReservationMessage(
        reservation_id=str(one.reservation_id),
        owner=one.owner,
        order_id=one.order_id,
        lines=[line_message(line, now) for line in one.lines],
        create_time=timestamp(one.create_time),
        fence=one.fence,
        channel=one.channel,
        customer=one.customer,
        control_version=one.control_version,
    )


def line_message(line: Line, now: datetime) -> LineMessage:
    """A line as it is at an instant."""
    is_overdue = line.is_open and line.is_overdue(now)
    state = LineState.EXPIRED if is_overdue else line.state
    return LineMessage(
        line_id=line.line_id,
        key=key_message(line.key),
        quantity=line.quantity,
        state=LineMessage.State.ValueType(state),
        expire_time=None if is_overdue else timestamp(line.expire_time),
        kit_sku=line.kit_sku,
        quantity_per_kit=line.quantity_per_kit,
        mode=ReservationModeMessage.ValueType(line.mode),
        lot_id=line.lot_id,
        serial_numbers=line.serial_numbers,
        supply_id=line.supply_id,
        needed_by_time=timestamp(line.needed_by),
        broken_time=timestamp(line.broken_time),
    )


def reservation_filter(request: ListReservationsRequest) -> ReservationFilter:
    """Which reservations are wanted."""
    return ReservationFilter(
        sku=request.sku,
        location_id=request.location_id,
        order_id=request.order_id,
        quantity=request.quantity,
        created_after=instant(request.created_after_time)
        if request.HasField("created_after_time")
        else None,
        created_before=instant(request.created_before_time)
        if request.HasField("created_before_time")
        else None,
        state=LineState(request.state) if request.state else None,
    )
