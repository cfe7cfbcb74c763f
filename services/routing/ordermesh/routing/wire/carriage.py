"""Carriage: entries as they are put, kept and told.

What is kept of an entry is its message without what only the service says, so that one that says
the same has the same bytes.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from google.protobuf.message import Message

from ordermesh.api.routing.v1 import CarriageEntry, CarriageKind, CarriageVersion
from ordermesh.api.routing.v1 import PutCarriageResponse as Reply
from ordermesh.api.routing.v1 import RateCard as RateCardMessage
from ordermesh.kernel.errors import DomainError
from ordermesh.routing.domain.carriage.book import Book
from ordermesh.routing.ports.carriage import StoredEntry
from ordermesh.routing.wire.carriage_nouns import (
    carrier,
    currency_rate,
    emission_factor,
    lane,
    rate_card,
    transfer_lane,
    zone_table,
)
from ordermesh.routing.wire.money import timestamp

_PREFIX = "CARRIAGE_KIND_"
_IDS = {
    "CARRIER": "carrier_id",
    "ZONE_TABLE": "zone_table_id",
    "RATE_CARD": "rate_card_id",
    "LANE": "lane_id",
    "TRANSFER_LANE": "lane_id",
    "EMISSION_FACTOR": "emission_factor_id",
}
_SHELVES = {
    "CARRIER": "carriers",
    "ZONE_TABLE": "zone_tables",
    "RATE_CARD": "rate_cards",
    "LANE": "lanes",
    "TRANSFER_LANE": "transfer_lanes",
    "EMISSION_FACTOR": "emission_factors",
    "CURRENCY_RATE": "currency_rates",
}
_OUTPUT_ONLY = ("version", "create_time", "merging_is_never_dearer")


@dataclass(frozen=True)
class NewEntry:
    """An entry that is to be put: what it is, its id, and its bytes."""

    kind: str
    id: str
    payload: bytes


def new_entry(message: CarriageEntry) -> NewEntry:
    """An entry as it is compared and kept."""
    kind = kind_of(message)
    kept = CarriageEntry()
    kept.CopyFrom(message)
    noun = _noun(kept)
    for name in _OUTPUT_ONLY:
        if name in noun.DESCRIPTOR.fields_by_name:
            noun.ClearField(name)
    return NewEntry(kind, _id(kind, noun), kept.SerializeToString(deterministic=True))


def book(entries: Iterable[StoredEntry], revision: int = 0) -> Book:
    """The book of these versions; raises ``CurrencyMismatch`` and ``FieldViolation``."""
    shelves: dict[str, dict[str, object]] = {name: {} for name in _SHELVES.values()}
    for entry in entries:
        message = CarriageEntry.FromString(entry.payload)
        shelves[_SHELVES[entry.kind]][entry.id] = _made(entry.kind, _noun(message), entry.version)
    return Book(**shelves, revision=revision)  # type: ignore[arg-type]  # each shelf holds what it is called after


def _made(kind: str, noun: Message, version: int) -> object:
    make = {
        "CARRIER": carrier,
        "ZONE_TABLE": zone_table,
        "RATE_CARD": rate_card,
        "LANE": lane,
        "TRANSFER_LANE": transfer_lane,
        "EMISSION_FACTOR": emission_factor,
        "CURRENCY_RATE": currency_rate,
    }[kind]
    return make(noun, version)  # type: ignore[operator]  # each takes the message of its kind


def entry_message(entry: StoredEntry) -> CarriageEntry:
    """A version as it is told."""
    message = CarriageEntry.FromString(entry.payload)
    noun = _noun(message)
    noun.version = entry.version  # type: ignore[attr-defined]  # every kind has one
    noun.create_time.CopyFrom(timestamp(entry.create_time))  # type: ignore[attr-defined]
    if isinstance(noun, RateCardMessage):
        noun.merging_is_never_dearer = rate_card(noun, entry.version).merging_is_never_dearer
    return message


def kind_of(message: CarriageEntry) -> str:
    """What an entry is."""
    return (message.WhichOneof("entry") or "").upper()


def kind_name(value: "CarriageKind.ValueType") -> str:
    """A kind as it is kept."""
    return CarriageKind.Name(value).removeprefix(_PREFIX)


def version_message(kind: str, id_: str, version: int) -> CarriageVersion:
    """The name of a version."""
    return CarriageVersion(kind=CarriageKind.Value(_PREFIX + kind), id=id_, version=version)


def finding_messages(findings: Iterable[DomainError]) -> list[Reply.Finding]:
    """What is wrong, as it is told."""
    return [
        Reply.Finding(reason=one.reason, sentence=one.sentence, facts=_facts(one))
        for one in findings
    ]


def stored(new: NewEntry, version: int, now: datetime, revision: int) -> StoredEntry:
    """A new version as it is kept."""
    return StoredEntry(new.kind, new.id, version, new.payload, now, revision)


def _facts(error: DomainError) -> Mapping[str, str]:
    return error.facts()


def _noun(message: CarriageEntry) -> Message:
    noun: Message = getattr(message, message.WhichOneof("entry") or "")
    return noun


def _id(kind: str, noun: Message) -> str:
    if kind == "CURRENCY_RATE":
        return currency_rate(noun, 0).name  # type: ignore[arg-type]  # it is one
    name: str = getattr(noun, _IDS[kind])
    return name
