"""Events of the mesh as a peer would deliver them."""

from datetime import datetime, timedelta
from uuid import UUID

from google.protobuf.message import Message

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.kernel.ids import derived_id
from tests.fakes import START


def event(
    type: str,  # noqa: A002 - the attribute's own name
    payload: Message,
    *,
    order_id: str = "A-1001",
    sequence: int = 1,
    event_id: UUID | None = None,
    event_time: datetime | None = None,
) -> EventEnvelope:
    """What routing tells about an order, as many minutes after ``START`` as its number says."""
    envelope = EventEnvelope(
        event_id=str(event_id or derived_id("event", order_id, sequence)),
        type=type,
        source="routing",
        aggregate_type="order",
        aggregate_id=order_id,
        sequence=sequence,
        payload_type=payload.DESCRIPTOR.full_name,
        payload=payload.SerializeToString(),
        order_id=order_id,
    )
    envelope.event_time.FromDatetime(event_time or START + timedelta(minutes=sequence))
    return envelope
