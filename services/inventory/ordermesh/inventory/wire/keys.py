"""Stock keys, actors, instants and external references."""

from collections.abc import Iterable
from datetime import UTC, datetime
from functools import lru_cache

from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.order.v1 import Actor as ActorMessage
from ordermesh.api.order.v1 import ExternalReference as ExternalReferenceMessage
from ordermesh.api.order.v1 import StockKey as StockKeyMessage
from ordermesh.inventory.domain.errors.requests import LotUnsupported
from ordermesh.inventory.domain.item import ExternalReference
from ordermesh.inventory.domain.key import Actor, StockKey

_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = datetime(9999, 12, 31, tzinfo=UTC)


def stock_key(message: StockKeyMessage) -> StockKey:
    """From the contract; raises ``LotUnsupported``."""
    key = StockKey(message.sku, message.location_id)
    if message.lot_id:
        raise LotUnsupported(key, message.lot_id)
    return key


def key_message(key: StockKey) -> StockKeyMessage:
    """To the contract."""
    return StockKeyMessage(sku=key.sku, location_id=key.location_id)


def actor_message(actor: Actor) -> ActorMessage:
    """To the contract."""
    return ActorMessage(caller=actor.caller, on_behalf_of=actor.on_behalf_of)


@lru_cache(maxsize=256)
def timestamp(instant: datetime | None) -> Timestamp | None:
    """To the contract; None stays unset. Only to be put into messages, which copy it.

    What was decided together has the same instants, so most were asked for a moment ago.
    """
    if instant is None:
        return None
    passed = instant - _EARLIEST
    seconds = passed.days * 86_400 + passed.seconds
    return Timestamp(seconds=seconds, nanos=passed.microseconds * 1_000)


def instant(message: Timestamp) -> datetime:
    """From the contract, in UTC; what is before 1970 or after 9999 is the nearest that is not."""
    try:
        read = message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError):
        return _EARLIEST if message.seconds < 0 else _LATEST
    return max(read, _EARLIEST)


def external_references(
    messages: Iterable[ExternalReferenceMessage],
) -> tuple[ExternalReference, ...]:
    """From the contract."""
    return tuple(ExternalReference(message.system, message.id) for message in messages)


def external_reference_messages(
    references: Iterable[ExternalReference],
) -> list[ExternalReferenceMessage]:
    """To the contract."""
    return [ExternalReferenceMessage(system=one.system, id=one.id) for one in references]
