"""What is told of a return can be taken by every peer, however much of it has come."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

import pytest
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.returns import v1
from ordermesh.returns.domain.errors import TooMuchAsked
from ordermesh.returns.domain.event import Authorized, Disposed, Event, Received, RefundDue
from ordermesh.returns.domain.order_return import (
    DisposedUnits,
    Disposition,
    Grade,
    Return,
)
from ordermesh.returns.domain.receiving import (
    DisposedLine,
    cancel,
    dispose,
    disposed,
    posted,
    receive,
)
from ordermesh.returns.domain.refund import refund_for
from ordermesh.returns.wire.events import return_event
from ordermesh.returns.wire.fitting import check_authorized
from ordermesh.runtime.validation import validate
from tests.returns.large import CLERK, LONGEST, NOON, arriving, large

DELIVERIES = 5
MOVEMENT = UUID(int=7)
MANY = 1_000_000

LINES_MAX = 335
"""So many lines with the longest ids may be authorized together."""


def told(event: Event, one: Return) -> Message:
    return return_event(event, replace(one, version=2), 1).payload


def assert_taken(events: Sequence[Event], one: Return) -> None:
    """Whether a peer takes the events, by the rules of the envelope."""
    assert events
    for event in events:
        published = return_event(event, replace(one, version=2), 1)
        envelope = EventEnvelope(
            event_id="0192e4a0-7b7c-7000-8000-000000000001",
            type=published.type,
            source="returns",
            aggregate_type=published.aggregate_type,
            aggregate_id=published.aggregate_id,
            sequence=published.sequence,
            event_time=Timestamp(seconds=1),
            payload_type=published.payload.DESCRIPTOR.full_name,
            payload=published.payload.SerializeToString(),
            order_id=published.order_id,
        )
        validate(envelope)


@pytest.mark.parametrize("deliveries", [1, DELIVERIES])
def test_what_is_told_of_the_largest_order_that_comes_back_is_taken(deliveries: int) -> None:
    one = large(units=DELIVERIES)
    for _ in range(deliveries):
        one, events = receive(one, arriving(one), (), {}, CLERK, NOON)

    assert_taken(events, one)


@pytest.fixture(scope="module")
def largest() -> Return:
    """As many lines with the longest ids as may be authorized together, of many units."""
    one = large(LINES_MAX, LONGEST, MANY)
    check_authorized(one)
    with pytest.raises(TooMuchAsked):
        check_authorized(large(LINES_MAX + 1, LONGEST, MANY))
    return one


def test_what_is_due_at_once_for_the_largest_return_is_taken(largest: Return) -> None:
    pairs = [line.pair for line in largest.lines]
    arrived = replace(
        largest, lines=tuple(replace(line, received=line.quantity) for line in largest.lines)
    )
    after, refund = refund_for(arrived, (), {}, pairs, NOON)
    assert refund is not None

    assert_taken([Authorized(), RefundDue(refund)], after)


def test_all_that_comes_of_the_largest_return_is_taken_to_the_last(largest: Return) -> None:
    one = largest
    arrival = arriving(one, tuple(Grade), units=MANY // 4)
    assert len(arrival.lines) == 500
    one, events = receive(one, arrival, (), {}, CLERK, NOON)
    assert [type(event) for event in events] == [Received, RefundDue]
    assert_taken(events, one)
    one, _ = posted(one, 1, MOVEMENT, NOON)

    one, events = cancel(one, CLERK, NOON)

    assert_taken(events, one)


def test_a_decision_about_units_that_lie_at_many_places_is_told_once(largest: Return) -> None:
    one = largest
    places = ("WEST", "EAST", "NORTH")
    for number, place in enumerate(places, start=1):
        arrival = replace(arriving(one, (Grade.REFURBISHABLE,), MANY // 4), location_id=place)
        one, _ = receive(one, arrival, (), {}, CLERK, NOON)
        one, _ = posted(one, number, MOVEMENT, NOON)
    rows = [
        DisposedLine(*line.pair, MANY * 3 // 8, disposition)
        for disposition in (Disposition.DISCARD, Disposition.RESTOCK)
        for line in one.lines
    ]
    one = dispose(one, rows[:500], dict.fromkeys(places, True), CLERK, NOON)
    assert len(one.disposals[0].units) > 500

    one, events = disposed(one, 1, MOVEMENT)

    assert_taken(events, one)
    message = told(events[0], one)
    assert isinstance(message, v1.StockDisposed)
    assert [(part.line_id, part.sku, part.quantity) for part in message.units] == [
        (row.line_id, row.sku, row.quantity) for row in rows[:500]
    ]


def test_what_an_event_is_about_is_beside_the_return_that_has_its_lines_and_history() -> None:
    one = large(2)
    for _ in range(2):
        one, (came, due) = receive(one, arriving(one), (), {}, CLERK, NOON)

    received, refunded = told(came, one), told(due, one)

    assert isinstance(received, v1.ReturnReceived)
    assert isinstance(refunded, v1.RefundDue)
    assert received.receipt.number == 2
    assert refunded.refund.refund_id == str(one.refunds[1].refund_id)
    for message in (received, refunded):
        carried = message.order_return
        assert not carried.receipts
        assert not carried.refunds
        assert [line.received_quantity for line in carried.lines] == [2, 2]
        assert [change.state for change in carried.history] == [
            v1.Return.STATE_AUTHORIZED,
            v1.Return.STATE_PARTLY_RECEIVED,
        ]
        assert carried.state == v1.Return.STATE_PARTLY_RECEIVED


def test_units_at_two_places_that_meet_the_same_fate_are_told_together() -> None:
    part = DisposedUnits("1", "MUG", 2, Disposition.DISCARD, "WEST")
    units = (
        part,
        replace(part, location_id="EAST", quantity=1),
        replace(part, disposition=Disposition.RESTOCK),
    )

    message = told(Disposed(units), large(1))

    assert isinstance(message, v1.StockDisposed)
    assert [(part.quantity, part.disposition) for part in message.units] == [(3, 3), (2, 1)]
