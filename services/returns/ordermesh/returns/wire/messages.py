"""Returns as they are told."""

from collections.abc import Iterable
from datetime import datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyMessage

from ordermesh.api.order.v1 import Actor as ActorMessage
from ordermesh.api.order.v1 import Disposition as DispositionMessage
from ordermesh.api.returns import v1
from ordermesh.kernel.money import to_units_and_nanos
from ordermesh.returns.domain.order_return import (
    Actor,
    Change,
    Disposition,
    Receipt,
    Refund,
    Return,
    ReturnLine,
    ReturnState,
)
from ordermesh.returns.domain.returnable import Returnable


def returnable_reply(lines: Iterable[Returnable]) -> v1.GetReturnableResponse:
    """What of an order can come back."""
    return v1.GetReturnableResponse(
        lines=[
            v1.ReturnableLine(
                line_id=line.line_id,
                sku=line.sku,
                shipped_quantity=line.shipped,
                authorized_quantity=line.authorized,
                received_quantity=line.received,
                returnable_quantity=line.returnable,
            )
            for line in lines
        ]
    )


def return_message(one: Return) -> v1.Return:
    """A return with all that became of it."""
    return v1.Return(
        return_id=one.return_id,
        order_id=one.order_id,
        state=_state(one.state),
        refund_timing=v1.RefundTiming.Value(f"REFUND_TIMING_{one.refund_timing}"),
        lines=[_line(line) for line in one.lines],
        location_id=one.location_id,
        location_reason=one.location_reason,
        receipts=[receipt_message(receipt) for receipt in one.receipts],
        refunds=[refund_message(refund) for refund in one.refunds],
        history=[_change(change) for change in one.history],
        version=one.version,
        create_time=timestamp(one.create_time),
        update_time=timestamp(one.update_time),
    )


def receipt_message(one: Receipt) -> v1.Receipt:
    """What arrived at one time."""
    return v1.Receipt(
        number=one.number,
        location_id=one.location_id,
        units=[
            v1.ReceivedUnits(
                line_id=part.line_id,
                sku=part.sku,
                quantity=part.quantity,
                grade=v1.Grade.Value(f"GRADE_{part.grade}"),
                disposition=disposition_value(part.disposition),
            )
            for part in one.units
        ],
        posted=one.movement_id is not None,
        movement_id=str(one.movement_id) if one.movement_id else "",
        actor=_actor(one.actor),
        receive_time=timestamp(one.receive_time),
    )


def refund_message(one: Refund) -> v1.Refund:
    """Money that is due."""
    message = v1.Refund(
        refund_id=str(one.refund_id),
        units=[
            v1.RefundedUnits(line_id=part.line_id, sku=part.sku, quantity=part.quantity)
            for part in one.units
        ],
        due_time=timestamp(one.due_time),
    )
    if one.amount is not None:
        message.amount.CopyFrom(_money(one.amount, one.currency_code))
    return message


def disposition_value(one: Disposition) -> "DispositionMessage.ValueType":
    """What becomes of units, as it is told."""
    return DispositionMessage.Value(f"DISPOSITION_{one}")


def timestamp(instant: datetime) -> Timestamp:
    """An instant as a message."""
    message = Timestamp()
    message.FromDatetime(instant)
    return message


def _line(line: ReturnLine) -> v1.ReturnLine:
    message = v1.ReturnLine(
        line_id=line.line_id,
        sku=line.sku,
        quantity=line.quantity,
        received_quantity=line.received,
        restocked_quantity=line.restocked,
        blocked_quantity=line.blocked,
        discarded_quantity=line.discarded,
        reason=v1.ReturnReason.Value(f"RETURN_REASON_{line.reason}"),
    )
    if line.price is not None:
        message.unit_price.CopyFrom(_money(line.price.of(1), line.price.currency_code))
    return message


def _change(one: Change) -> v1.ReturnChange:
    return v1.ReturnChange(
        state=_state(one.state),
        actor=_actor(one.actor) if one.actor else None,
        change_time=timestamp(one.change_time),
    )


def _actor(one: Actor) -> ActorMessage:
    return ActorMessage(caller=one.caller, on_behalf_of=one.on_behalf_of)


def _state(state: ReturnState) -> "v1.Return.State.ValueType":
    return v1.Return.State.Value(f"STATE_{state}")


def _money(amount: int, currency_code: str) -> MoneyMessage:
    units, nanos = to_units_and_nanos(amount)
    return MoneyMessage(currency_code=currency_code, units=units, nanos=nanos)
