"""Amounts and instants."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money as MoneyMessage

from ordermesh.kernel.money import Money, from_units_and_nanos, to_units_and_nanos
from ordermesh.routing.domain.errors.policy import CurrencyMismatch
from ordermesh.routing.domain.price import Price
from ordermesh.runtime.validation import FieldViolation, InvalidFields


def amount(message: MoneyMessage, currency_code: str) -> Money:
    """The amount; raises ``CurrencyMismatch`` when it is in another currency."""
    if message.currency_code != currency_code:
        raise CurrencyMismatch(currency_code, message.currency_code)
    return from_units_and_nanos(message.units, message.nanos)


def price(message: MoneyMessage) -> Price:
    """An amount that brings its own currency."""
    return Price(message.currency_code, from_units_and_nanos(message.units, message.nanos))


def money_message(value: int, currency_code: str) -> MoneyMessage:
    """An amount of the domain as a message."""
    units, nanos = to_units_and_nanos(value)
    return MoneyMessage(currency_code=currency_code, units=units, nanos=nanos)


def price_message(value: Price) -> MoneyMessage:
    """A price as a message."""
    return money_message(value.amount, value.currency_code)


def timestamp(instant: datetime) -> Timestamp:
    """An instant as a message."""
    message = Timestamp()
    message.FromDatetime(instant)
    return message


def instant(message: Timestamp, field: str) -> datetime:
    """A message as an instant, in UTC. Raises ``InvalidFields`` for a field that holds none."""
    try:
        return message.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        words = "no instant of the years 1 to 9999"
        violation = FieldViolation(field=field, description=words, rule="timestamp")
        raise InvalidFields(f"A time is {words}.", violation) from error
