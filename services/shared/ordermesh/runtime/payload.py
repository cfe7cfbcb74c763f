"""The payload of an event, read as the message that the event's type promises."""

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.runtime.validation import FieldViolation, InvalidFields

M = TypeVar("M", bound=Message)


def payload_of(event: EventEnvelope, message_type: type[M]) -> M:
    """The payload; raises ``InvalidFields`` when it is of another type, or no message at all."""
    promised = message_type.DESCRIPTOR.full_name
    if event.payload_type != promised:
        raise _refusal(event, promised, f"a {event.payload_type} where a {promised} belongs")
    try:
        return message_type.FromString(event.payload)
    except DecodeError as error:
        raise _refusal(event, promised, f"not a {promised}") from error


def _refusal(event: EventEnvelope, promised: str, description: str) -> InvalidFields:
    return InvalidFields(
        f"The payload of event {event.event_id} is not the {promised} that its type promises.",
        FieldViolation(field="payload", description=description, rule="wire_format"),
    )
