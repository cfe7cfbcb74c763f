"""Balances, movements and their requests."""

from collections.abc import Iterable
from typing import TypeAlias
from uuid import UUID

from ordermesh.api.inventory.v1 import Account as AccountMessage
from ordermesh.api.inventory.v1 import AdjustmentReason as AdjustmentReasonMessage
from ordermesh.api.inventory.v1 import (
    AdjustStockRequest,
    BlockedStock,
    BlockStockRequest,
    DisposedStock,
    DisposeStockRequest,
    LedgerFinding,
    ListMovementsRequest,
    ReceiveStockRequest,
    ReturnedStock,
    ReturnStockRequest,
    StockAdjustment,
    TransferStockRequest,
    UnblockStockRequest,
)
from ordermesh.api.inventory.v1 import Balance as BalanceMessage
from ordermesh.api.inventory.v1 import Entry as EntryMessage
from ordermesh.api.inventory.v1 import Movement as MovementMessage
from ordermesh.inventory.domain.blocking import BlockedUnits
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.ledger import AdjustmentReason, BlockedKind, Entry
from ordermesh.inventory.domain.movement import (
    Adjustment,
    Demand,
    Document,
    Movement,
    StockLine,
    Transfer,
)
from ordermesh.inventory.domain.returned import DisposedUnits, Disposition
from ordermesh.inventory.domain.stock_feed import ToldCause
from ordermesh.inventory.domain.verification import Finding
from ordermesh.inventory.ports.ledger import BalanceRow, MovementFilter
from ordermesh.inventory.wire.keys import actor_message, key_message, stock_key, timestamp


def stock_lines(request: ReceiveStockRequest) -> list[StockLine]:
    """What came in; raises ``LotUnsupported``."""
    return [
        StockLine(stock_key(line.key), line.quantity, tuple(line.serial_numbers), line.lot_id)
        for line in request.lines
    ]


def adjustments(request: AdjustStockRequest) -> list[Adjustment]:
    """What is corrected; raises ``LotUnsupported``."""
    return [_adjustment(message) for message in request.adjustments]


def _adjustment(message: StockAdjustment) -> Adjustment:
    return Adjustment(
        stock_key(message.key),
        delta=message.delta,
        on_hand=message.on_hand if message.WhichOneof("change") == "on_hand" else None,
        expected_on_hand=message.expected_on_hand if message.HasField("expected_on_hand") else None,
        expected_sequence=(
            message.expected_sequence if message.HasField("expected_sequence") else None
        ),
    )


def transfers(request: TransferStockRequest) -> list[Transfer]:
    """What goes where; raises ``LotUnsupported``."""
    return [
        Transfer(
            stock_key(one.from_key),
            one.to_location_id,
            one.quantity,
            tuple(one.serial_numbers),
            one.lot_id,
        )
        for one in request.transfers
    ]


def disposed_units(lines: Iterable[ReturnedStock | DisposedStock]) -> list[DisposedUnits]:
    """Units and what becomes of them; raises ``LotUnsupported``."""
    return [
        DisposedUnits(
            stock_key(line.key),
            Disposition(line.disposition),
            line.quantity,
            BlockedKind(line.blocked_kind) if line.blocked_kind else None,
            tuple(line.serial_numbers),
            line.lot_id,
        )
        for line in lines
    ]


def blocked_units(lines: Iterable[BlockedStock]) -> list[BlockedUnits]:
    """Units and as what they are blocked; raises ``LotUnsupported``."""
    return [
        BlockedUnits(stock_key(line.key), BlockedKind(line.kind), line.quantity) for line in lines
    ]


StockRequest: TypeAlias = (
    ReceiveStockRequest
    | AdjustStockRequest
    | TransferStockRequest
    | ReturnStockRequest
    | DisposeStockRequest
    | BlockStockRequest
    | UnblockStockRequest
)


def document(request: StockRequest, actor: Actor, demand: Demand) -> Document:
    """What is behind a movement of stock."""
    reason = (
        AdjustmentReason(request.reason)
        if isinstance(request, AdjustStockRequest | BlockStockRequest | UnblockStockRequest)
        else AdjustmentReason.NONE
    )
    return Document(actor, request.document, request.note, reason, demand)


def balance_message(row: BalanceRow) -> BalanceMessage:
    """A balance with what can be promised of it."""
    balance = row.balance
    return BalanceMessage(
        key=key_message(row.key),
        on_hand=balance.on_hand,
        reserved=balance.reserved,
        short=balance.short,
        blocked=balance.blocked,
        available=row.available,
        sequence=balance.sequence,
        damaged=balance.damaged,
        in_inspection=balance.inspection,
        missing=balance.missing,
        incoming=row.incoming,
        in_transit=row.in_transit,
    )


def movement_filter(request: ListMovementsRequest) -> MovementFilter:
    """Which movements are wanted."""
    return MovementFilter(
        sku=request.sku,
        location_id=request.location_id,
        reservation_id=UUID(request.reservation_id) if request.reservation_id else None,
        order_id=request.order_id,
    )


def movement_message(movement: Movement) -> MovementMessage:
    """A movement with all its entries."""
    cause, paper = movement.cause, movement.document
    return MovementMessage(
        movement_id=str(movement.movement_id),
        kind=MovementMessage.Kind.ValueType(cause.kind),
        entries=[_entry_message(entry) for entry in movement.entries],
        document=paper.document,
        reason=AdjustmentReasonMessage.ValueType(paper.reason),
        note=paper.note,
        actor=actor_message(paper.actor),
        create_time=timestamp(movement.create_time),
        reservation_id=str(cause.reservation_id) if cause.reservation_id else "",
        order_id=cause.order_id,
        control_version=movement.control_version,
    )


def _entry_message(entry: Entry) -> EntryMessage:
    message = EntryMessage(
        key=key_message(entry.key),
        sequence=entry.sequence,
        from_account=AccountMessage.ValueType(entry.source),
        to_account=AccountMessage.ValueType(entry.target),
        quantity=entry.quantity,
        serial_numbers=entry.serial_numbers,
        lot_id=entry.lot_id,
    )
    if isinstance(entry.cause, ToldCause):
        message.source_id = entry.cause.source_id
        message.source_sequence = entry.cause.source_sequence or 0
    return message


def finding_messages(findings: Iterable[Finding]) -> list[LedgerFinding]:
    """What is wrong with the books."""
    return [
        LedgerFinding(
            invariant=finding.invariant,
            key=key_message(finding.key) if finding.key else None,
            recorded=finding.recorded,
            expected=finding.expected,
            order_id=finding.order_id,
            sentence=finding.sentence,
        )
        for finding in findings
    ]
