"""Returns to rows, and back."""

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from ordermesh.kernel.money import Money
from ordermesh.returns.domain.order_return import (
    Actor,
    Change,
    Disposal,
    DisposedUnits,
    Disposition,
    Grade,
    Price,
    Receipt,
    ReceivedUnits,
    Refund,
    RefundedUnits,
    RefundTiming,
    Return,
    ReturnLine,
    ReturnReason,
    ReturnState,
)
from ordermesh.returns.domain.returnable import ShippedLine

Values = dict[str, Any]


def shipped_values(line: ShippedLine) -> Values:
    """The row of what left."""
    return {
        "fulfillment_order_id": line.fulfillment_order_id,
        "line_id": line.line_id,
        "sku": line.sku,
        "order_id": line.order_id,
        "quantity": line.quantity,
        "event_sequence": line.event_sequence,
        **_price_values(line.price),
    }


def shipped(row: Row[Any]) -> ShippedLine:
    """What left, from its row."""
    return ShippedLine(
        order_id=row.order_id,
        fulfillment_order_id=row.fulfillment_order_id,
        line_id=row.line_id,
        sku=row.sku,
        quantity=row.quantity,
        price=_price(row),
        event_sequence=row.event_sequence,
    )


def return_values(one: Return) -> Values:
    """The row of a return itself."""
    return {
        "return_id": one.return_id,
        "order_id": one.order_id,
        "state": one.state,
        "refund_timing": one.refund_timing,
        "location_id": one.location_id,
        "location_reason": one.location_reason,
        "note": one.note,
        "version": one.version,
        "event_sequence": one.event_sequence,
        "create_time": one.create_time,
        "update_time": one.update_time,
    }


def line_values(one: Return) -> list[Values]:
    """The rows of its lines."""
    return [
        {
            "return_id": one.return_id,
            "number": number,
            "line_id": line.line_id,
            "sku": line.sku,
            "quantity": line.quantity,
            "reason": line.reason,
            **_price_values(line.price),
            "received": line.received,
            "restocked": line.restocked,
            "blocked": line.blocked,
            "discarded": line.discarded,
        }
        for number, line in enumerate(one.lines)
    ]


def receipt_values(return_id: str, one: Receipt) -> Values:
    """The row of a receipt."""
    return {
        "return_id": return_id,
        "number": one.number,
        "location_id": one.location_id,
        "units": [
            [part.line_id, part.sku, part.quantity, part.grade, part.disposition]
            for part in one.units
        ],
        "caller": one.actor.caller,
        "on_behalf_of": one.actor.on_behalf_of,
        "receive_time": one.receive_time,
        "movement_id": one.movement_id,
        "ledger_refusals": one.ledger_refusals,
    }


def disposal_values(return_id: str, one: Disposal) -> Values:
    """The row of a later decision."""
    return {
        "return_id": return_id,
        "number": one.number,
        "units": [
            [part.line_id, part.sku, part.quantity, part.disposition, part.location_id]
            for part in one.units
        ],
        "caller": one.actor.caller,
        "on_behalf_of": one.actor.on_behalf_of,
        "dispose_time": one.dispose_time,
        "movement_id": one.movement_id,
        "ledger_refusals": one.ledger_refusals,
    }


def refund_values(return_id: str, number: int, one: Refund) -> Values:
    """The row of a refund."""
    return {
        "return_id": return_id,
        "number": number,
        "refund_id": one.refund_id,
        "currency": one.currency_code,
        "amount": one.amount,
        "units": [[part.line_id, part.sku, part.quantity] for part in one.units],
        "due_time": one.due_time,
    }


def change_values(return_id: str, number: int, one: Change) -> Values:
    """The row of a change of state."""
    return {
        "return_id": return_id,
        "number": number,
        "state": one.state,
        "caller": one.actor.caller if one.actor else None,
        "on_behalf_of": one.actor.on_behalf_of if one.actor else "",
        "change_time": one.change_time,
    }


def whole(row: Row[Any], parts: Mapping[str, Iterable[Row[Any]]]) -> Return:
    """A return from its row and the rows of its parts, by the names of their tables."""
    return Return(
        return_id=row.return_id,
        order_id=row.order_id,
        state=ReturnState(row.state),
        refund_timing=RefundTiming(row.refund_timing),
        location_id=row.location_id,
        location_reason=row.location_reason,
        note=row.note,
        lines=tuple(_line(part) for part in parts["return_line"]),
        receipts=tuple(_receipt(part) for part in parts["receipt"]),
        disposals=tuple(_disposal(part) for part in parts["disposal"]),
        refunds=tuple(_refund(part) for part in parts["refund"]),
        history=tuple(_change(part) for part in parts["return_change"]),
        version=row.version,
        event_sequence=row.event_sequence,
        create_time=row.create_time,
        update_time=row.update_time,
    )


def _price_values(price: Price | None) -> Values:
    return {
        "price_currency": price.currency_code if price else None,
        "price_amount": price.amount if price else None,
        "price_units": price.units if price else None,
    }


def _price(row: Row[Any]) -> Price | None:
    if row.price_currency is None:
        return None
    return Price(row.price_currency, Money(row.price_amount), row.price_units)


def _line(row: Row[Any]) -> ReturnLine:
    return ReturnLine(
        line_id=row.line_id,
        sku=row.sku,
        quantity=row.quantity,
        reason=ReturnReason(row.reason),
        price=_price(row),
        received=row.received,
        restocked=row.restocked,
        blocked=row.blocked,
        discarded=row.discarded,
    )


def _receipt(row: Row[Any]) -> Receipt:
    return Receipt(
        number=row.number,
        location_id=row.location_id,
        units=tuple(
            ReceivedUnits(line_id, sku, quantity, Grade(grade), Disposition(disposition))
            for line_id, sku, quantity, grade, disposition in row.units
        ),
        actor=Actor(row.caller, row.on_behalf_of),
        receive_time=row.receive_time,
        movement_id=row.movement_id,
        ledger_refusals=row.ledger_refusals,
    )


def _disposal(row: Row[Any]) -> Disposal:
    return Disposal(
        number=row.number,
        units=tuple(
            DisposedUnits(line_id, sku, quantity, Disposition(disposition), location_id)
            for line_id, sku, quantity, disposition, location_id in row.units
        ),
        actor=Actor(row.caller, row.on_behalf_of),
        dispose_time=row.dispose_time,
        movement_id=row.movement_id,
        ledger_refusals=row.ledger_refusals,
    )


def _refund(row: Row[Any]) -> Refund:
    return Refund(
        refund_id=UUID(str(row.refund_id)),
        currency_code=row.currency,
        amount=None if row.amount is None else Money(row.amount),
        units=tuple(RefundedUnits(line_id, sku, units) for line_id, sku, units in row.units),
        due_time=row.due_time,
    )


def _change(row: Row[Any]) -> Change:
    actor = None if row.caller is None else Actor(row.caller, row.on_behalf_of)
    return Change(ReturnState(row.state), actor, row.change_time)
