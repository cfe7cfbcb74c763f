"""A history: calls with their instants and outcomes, and the file that keeps them."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from math import inf
from pathlib import Path
from typing import Any, cast

FORMAT = "ordermesh.history/1"

Fields = Mapping[str, Any]
"""A message as protobuf writes it as JSON."""


class Outcome(StrEnum):
    """What the client knows of what became of a call."""

    OK = "ok"
    FAIL = "fail"
    UNKNOWN = "unknown"


class MalformedHistory(ValueError):
    """The file is no history; the message says why."""


@dataclass
class Call:
    """One call of one client; ``end_time`` is infinite while nothing was heard of it."""

    number: int
    client: str
    method: str
    request: Fields
    invoke_time: float
    end_time: float = inf
    outcome: Outcome = Outcome.UNKNOWN
    reply: Fields = field(default_factory=dict)
    code: str = ""
    reason: str = ""

    @property
    def name(self) -> str:
        """The method without its package: ``ReservationService/Reserve``."""
        return self.method.rpartition(".")[2]

    @property
    def request_id(self) -> str:
        """The id that its retries share; empty for what changes nothing."""
        return str(self.request.get("request_id", ""))

    @property
    def may_have_happened(self) -> bool:
        """Whether it may have had its effect."""
        return self.outcome is not Outcome.FAIL


@dataclass
class Stock:
    """Units that were there before the first call."""

    sku: str
    location_id: str
    quantity: int


@dataclass
class History:
    """What several clients did, in the order in which they began it."""

    calls: list[Call] = field(default_factory=list)
    stock: list[Stock] = field(default_factory=list)

    def begin(self, client: str, method: str, request: Fields, now: float) -> Call:
        """A call that is about to be sent; its outcome is unknown until it is told."""
        call = Call(len(self.calls) + 1, client, method, request, now)
        self.calls.append(call)
        return call


def merged(histories: Iterable[History]) -> History:
    """One history of several that were recorded on one machine, numbered anew."""
    parts = list(histories)
    calls = sorted(
        (call for part in parts for call in part.calls), key=lambda call: call.invoke_time
    )
    for number, call in enumerate(calls, start=1):
        call.number = number
    return History(calls, [one for part in parts for one in part.stock])


def write(history: History, file: Path) -> None:
    """Write it as JSON."""
    calls = [_written(call) for call in history.calls]
    whole = {"format": FORMAT, "stock": [asdict(one) for one in history.stock], "calls": calls}
    file.write_text(json.dumps(whole, indent=1, sort_keys=True) + "\n")


def _written(call: Call) -> dict[str, Any]:
    optional = ("reply", "code", "reason")
    fields = {name: value for name, value in asdict(call).items() if value or name not in optional}
    if call.end_time == inf:
        del fields["end_time"]
    return fields


def read(file: Path) -> History:
    """Read what ``write`` wrote. Raises ``OSError`` and ``MalformedHistory``."""
    try:
        whole = json.loads(file.read_text())
        if not isinstance(whole, dict) or whole.get("format") != FORMAT:
            raise MalformedHistory(f"{file} is not of the format {FORMAT}.")
        stock = [Stock(**one) for one in cast("Sequence[Any]", whole.get("stock", []))]
        calls = [_read(fields) for fields in whole["calls"]]
    except (KeyError, TypeError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise MalformedHistory(f"{file} is no history: {type(error).__name__} {error}.") from error
    return History(calls, stock)


def _read(fields: dict[str, Any]) -> Call:
    try:
        call = Call(**{**fields, "outcome": Outcome(fields["outcome"])})
    except ValueError as error:
        raise MalformedHistory(f"Call {fields.get('number')}: {error}.") from error
    if call.end_time < call.invoke_time:
        raise MalformedHistory(f"Call {call.number} ended before it began.")
    return call
