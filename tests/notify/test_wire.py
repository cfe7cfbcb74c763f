"""Events become entries, whatever is in them, and nothing of the customer gets into a sentence."""

import importlib
from uuid import uuid4

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.api.notify.v1 import GetTimelineRequest
from ordermesh.api.returns import v1 as returns
from ordermesh.api.routing import v1 as routing
from ordermesh.notify.domain.timeline import Place
from ordermesh.notify.wire.events import EVENT_TYPES, entry
from ordermesh.notify.wire.timeline import page_place, timeline_message
from ordermesh.runtime.pages import InvalidPageToken, page_token
from ordermesh.runtime.validation import InvalidFields
from tests.events import event
from tests.fakes import START
from tests.notify.story import received

MAY_BE_TOLD = {"location_id", "carrier"}
"""Texts of an event that a sentence may repeat."""

PAYLOADS: dict[str, type[Message]] = {
    "ordermesh.order.received.v1": routing.OrderReceived,
    "ordermesh.order.sourced.v1": routing.OrderSourced,
    "ordermesh.order.unfillable.v1": routing.OrderUnfillable,
    "ordermesh.order.cancelled.v1": routing.OrderCancelled,
    "ordermesh.order.fulfilled.v1": routing.OrderFulfilled,
    "ordermesh.order.moved_to_queue.v1": routing.OrderMovedToQueue,
    "ordermesh.order.sent_to_care.v1": routing.OrderSentToCare,
    "ordermesh.order.auto_cancel_set.v1": routing.OrderAutoCancelSet,
    "ordermesh.order.auto_cancel_cleared.v1": routing.OrderAutoCancelCleared,
    "ordermesh.order.held.v1": routing.OrderHeld,
    "ordermesh.order.hold_released.v1": routing.OrderHoldReleased,
    "ordermesh.fulfillment_order.accepted.v1": routing.FulfillmentOrderAccepted,
    "ordermesh.fulfillment_order.rejected.v1": routing.FulfillmentOrderRejected,
    "ordermesh.fulfillment_order.shipped.v1": routing.FulfillmentOrderShipped,
    "ordermesh.fulfillment_order.delivered.v1": routing.FulfillmentOrderDelivered,
    "ordermesh.return.authorized.v1": returns.ReturnAuthorized,
    "ordermesh.return.received.v1": returns.ReturnReceived,
    "ordermesh.return.completed.v1": returns.ReturnCompleted,
    "ordermesh.return.cancelled.v1": returns.ReturnCancelled,
    "ordermesh.return.disposed.v1": returns.StockDisposed,
    "ordermesh.refund.due.v1": returns.RefundDue,
}


def _fill(message: Message, secret: str) -> None:
    """Write something into every field of a message and below."""
    for field in message.DESCRIPTOR.fields:
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            below = getattr(message, field.name)
            if field.message_type and field.message_type.GetOptions().map_entry:
                below["DC-CHI"] = secret
                continue
            if field.is_repeated:
                below = below.add()
            below.SetInParent()
            _fill(below, secret)
            continue
        value: str | int = 1
        if field.type == FieldDescriptor.TYPE_STRING:
            value = "DC-CHI" if field.name in MAY_BE_TOLD else secret
        if field.is_repeated:
            getattr(message, field.name).append(value)
        else:
            setattr(message, field.name, value)


def test_every_event_about_orders_and_returns_has_a_sentence() -> None:
    contracts = [
        importlib.import_module(f"ordermesh.api.{name}_event_pb2").DESCRIPTOR
        for name in ("routing.v1.order", "returns.v1.return")
    ]
    told = {payload.DESCRIPTOR.name for payload in PAYLOADS.values()}

    assert told == {name for one in contracts for name in one.message_types_by_name}
    assert PAYLOADS.keys() == EVENT_TYPES


@pytest.mark.parametrize("event_type", sorted(PAYLOADS))
def test_a_sentence_repeats_nothing_but_locations_and_carriers(event_type: str) -> None:
    payload = PAYLOADS[event_type]()
    _fill(payload, "SECRET")

    told = entry(event(event_type, payload)).sentence

    assert "SECRET" not in told
    assert any(word in told for word in ("1", "order", "return"))


def test_an_entry_keeps_what_the_event_says_of_itself() -> None:
    told = received("A-7", sequence=4)

    kept = entry(told)

    assert (kept.order_id, kept.event_type, kept.source) == (
        "A-7",
        "ordermesh.order.received.v1",
        "routing",
    )
    assert str(kept.place.event_id) == told.event_id
    assert kept.place.sequence == 4


@pytest.mark.parametrize("fault", ["other type", "no message"])
def test_a_payload_that_is_not_what_its_type_says_is_refused(fault: str) -> None:
    told: EventEnvelope = received()
    if fault == "other type":
        told.payload_type = "ordermesh.api.routing.v1.OrderSourced"
    else:
        told.payload = b"\xff\xff"

    with pytest.raises(InvalidFields) as refused:
        entry(told)

    assert [violation.field for violation in refused.value.violations] == ["payload"]


def test_a_page_ends_where_the_next_begins() -> None:
    request = GetTimelineRequest(order_id="A-1001")
    kept = entry(received())

    token = timeline_message(request, [kept], has_more=True).next_page_token

    assert page_place(GetTimelineRequest(order_id="A-1001", page_token=token)) == kept.place
    assert page_place(request) is None
    assert timeline_message(request, [kept], has_more=False).next_page_token == ""


@pytest.mark.parametrize("parts", [("yesterday", 1, str(uuid4())), (START.isoformat(), 1, "x")])
def test_a_page_token_that_was_made_up_is_refused(parts: tuple[str, int, str]) -> None:
    request = GetTimelineRequest(order_id="A-1001")

    request.page_token = page_token(request, *parts)

    with pytest.raises(InvalidPageToken):
        page_place(request)


def test_places_are_in_the_order_of_time_then_of_numbers() -> None:
    first, second = uuid4(), uuid4()

    assert Place(START, 1, second) < Place(START, 2, first)
