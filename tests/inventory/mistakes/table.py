"""The table of mistakes: one row for each way in which a caller can be wrong."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import grpc

HELD = "11111111-1111-4111-8111-111111111111"
PAID = "22222222-2222-4222-8222-222222222222"
IMPORT = "55555555-5555-4555-8555-555555555555"
QUARANTINED = "66666666-6666-4666-8666-666666666666"
UNKNOWN = "33333333-3333-4333-8333-333333333333"

INVALID = grpc.StatusCode.INVALID_ARGUMENT
NOT_FOUND = grpc.StatusCode.NOT_FOUND
REFUSED = grpc.StatusCode.FAILED_PRECONDITION
ABORTED = grpc.StatusCode.ABORTED
VIOLATION = "FIELD_VIOLATION"


@dataclass(frozen=True)
class Row:
    """``spoil`` gets a request that would succeed in the shop that the tests prepare."""

    method: str
    what: str
    spoil: Callable[[Any], object]
    code: grpc.StatusCode
    reason: str
    facts: Mapping[str, str] | None = None


class Table:
    """Rows, added one by one."""

    def __init__(self) -> None:
        self.rows: list[Row] = []

    def __call__(
        self,
        method: str,
        what: str,
        spoil: Callable[[Any], object],
        code: grpc.StatusCode,
        reason: str,
        **facts: str,
    ) -> None:
        self.rows.append(Row(method, what, spoil, code, reason, facts or None))


def put(name: str, value: object) -> Callable[[Any], object]:
    return lambda message: setattr(message, name, value)


def foreign(row: Table, m: str, known: str) -> None:
    """A reservation that nobody made, and one that another has fenced."""
    row(
        m,
        "unknown",
        put("reservation_id", UNKNOWN),
        NOT_FOUND,
        "RESERVATION_NOT_FOUND",
        reservationId=UNKNOWN,
    )
    row(
        m,
        "lower fence",
        put("fence", 1),
        REFUSED,
        "FENCED",
        reservationId=known,
        fence="1",
        highestFence="2",
    )
