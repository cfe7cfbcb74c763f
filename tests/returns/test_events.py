"""What is told of a return can be taken by every peer, however much of it has come."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.kernel.money import Money
from ordermesh.returns.domain.order_return import (
    Actor,
    Grade,
    Price,
    RefundTiming,
    Return,
    ReturnLine,
    ReturnReason,
)
from ordermesh.returns.domain.receiving import Arrival, ArrivedLine, receive
from ordermesh.returns.wire.events import return_event
from ordermesh.runtime.validation import validate

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
LINES, UNITS = 500, 5


def large() -> Return:
    """All lines that an order may have, five units of each, with the longest ids in ASCII."""
    lines = tuple(
        ReturnLine(
            str(number).rjust(128, "-"),
            f"SKU-{number}".rjust(128, "-"),
            UNITS,
            ReturnReason.UNWANTED,
            Price("EUR", Money(99_900)),
        )
        for number in range(LINES)
    )
    return Return(
        return_id="R-1",
        order_id="O-1",
        refund_timing=RefundTiming.AFTER_RECEIPT,
        location_id="WEST",
        location_reason="",
        lines=lines,
        create_time=NOON,
        update_time=NOON,
    )


def envelope(payload: bytes) -> EventEnvelope:
    return EventEnvelope(
        event_id="0192e4a0-7b7c-7000-8000-000000000001",
        type="ordermesh.return.received.v1",
        source="returns",
        aggregate_type="return",
        aggregate_id="R-1",
        sequence=1,
        event_time=Timestamp(seconds=1),
        payload_type="ordermesh.api.returns.v1.ReturnReceived",
        payload=payload,
        order_id="O-1",
    )


@pytest.mark.parametrize("deliveries", [1, UNITS])
def test_what_is_told_of_the_largest_return_is_taken_by_every_peer(deliveries: int) -> None:
    one = large()
    for _ in range(deliveries):
        came = tuple(ArrivedLine(line.line_id, line.sku, 1, Grade.GOOD, None) for line in one.lines)
        arrival = Arrival(came, "WEST", restocks=True, is_last=False)
        one, events = receive(one, arrival, (), Actor("store"), NOON)

    for event in events:
        told = return_event(event, replace(one, version=2), 1)
        validate(envelope(told.payload.SerializeToString()))
