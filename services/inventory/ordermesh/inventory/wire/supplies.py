"""Supplies, their requests, and the promises that they break."""

from collections.abc import Iterable

from ordermesh.api.inventory.v1 import BrokenPromise as BrokenMessage
from ordermesh.api.inventory.v1 import (
    ListSuppliesRequest,
    PutOutcome,
    ReceivedSupply,
    SupplyReceipt,
)
from ordermesh.api.inventory.v1 import Supply as SupplyMessage
from ordermesh.inventory.domain.receiving import Receipt, Received
from ordermesh.inventory.domain.supply import Put, Supply, SupplyKind, SupplyState
from ordermesh.inventory.domain.waiting import Broken
from ordermesh.inventory.ports.supplies import SupplyFilter
from ordermesh.inventory.wire.keys import (
    external_reference_messages,
    external_references,
    instant,
    key_message,
    stock_key,
    timestamp,
)


def supply(message: SupplyMessage) -> Supply:
    """From the contract; what is output only is left out. Raises ``LotUnsupported``."""
    return Supply(
        supply_id=message.supply_id,
        kind=SupplyKind(message.kind),
        key=stock_key(message.key),
        quantity=message.quantity,
        expected_time=instant(message.expected_time),
        confidence_percent=message.confidence_percent,
        state=SupplyState(message.state),
        document=message.document,
        from_location_id=message.from_location_id,
        earliest_time=instant(message.earliest_time) if message.HasField("earliest_time") else None,
        external_references=external_references(message.external_refs),
        source_version=message.source_version,
    )


def supply_message(one: Supply) -> SupplyMessage:
    """To the contract."""
    return SupplyMessage(
        supply_id=one.supply_id,
        kind=SupplyMessage.Kind.ValueType(one.kind),
        document=one.document,
        key=key_message(one.key),
        quantity=one.quantity,
        expected_time=timestamp(one.expected_time),
        earliest_time=timestamp(one.earliest_time),
        state=SupplyMessage.State.ValueType(one.state),
        confidence_percent=one.confidence_percent,
        from_location_id=one.from_location_id,
        external_refs=external_reference_messages(one.external_references),
        source_version=one.source_version,
        received_quantity=one.received,
        lost_quantity=one.lost,
        promised_quantity=one.promised,
        version=one.version,
        create_time=timestamp(one.create_time),
        update_time=timestamp(one.update_time),
    )


def put_outcome(one: Put, now: Supply) -> PutOutcome:
    """What became of one announcement, and the supply as it is now."""
    verdict = PutOutcome.Verdict.ValueType(one.verdict)
    return PutOutcome(verdict=verdict, supply=supply_message(now))


def receipt(message: SupplyReceipt) -> Receipt:
    """What has come."""
    return Receipt(message.supply_id, message.quantity, message.accept_surplus, message.complete)


def received_supply(one: Received, now: Supply) -> ReceivedSupply:
    """What has come beside what was expected, and the supply as it is now."""
    return ReceivedSupply(
        supply=supply_message(now),
        received_quantity=one.quantity,
        missing_quantity=one.missing,
        surplus_quantity=one.surplus,
        kept_quantity=one.kept,
    )


def broken_promises(broken: Iterable[Broken]) -> list[BrokenMessage]:
    """The promises that can no longer be kept."""
    return [
        BrokenMessage(
            supply_id=one.line.supply_id,
            reservation_id=str(one.reservation.reservation_id),
            owner=one.reservation.owner,
            order_id=one.reservation.order_id,
            line_id=one.line.line_id,
            key=key_message(one.line.key),
            quantity=one.line.quantity,
            cause=BrokenMessage.Cause.ValueType(one.cause),
        )
        for one in broken
    ]


def supply_filter(request: ListSuppliesRequest) -> SupplyFilter:
    """Which supplies are wanted."""
    return SupplyFilter(
        sku=request.sku,
        location_id=request.location_id,
        document=request.document,
        states=frozenset(SupplyState(state) for state in request.states),
        expected_before=instant(request.expected_before_time)
        if request.HasField("expected_before_time")
        else None,
    )
