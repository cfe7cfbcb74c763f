"""Why a call was refused, read from its status."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

DETAILS_KEY = "grpc-status-details-bin"
"""The trailing metadata that holds a whole ``google.rpc.Status``."""


@dataclass(frozen=True)
class Refusal:
    """A refusal with its published reason.

    ``reason`` is a name of the service's ``ErrorReason`` without its prefix, ``domain`` the
    service's: ``inventory.ordermesh``. ``sentence`` is for people. ``metadata`` are the facts;
    ``violations`` the fields that break a rule, path to words; ``retry_after`` the seconds to wait
    before asking again, None when asking again will not help.
    """

    code: grpc.StatusCode
    reason: str
    domain: str
    sentence: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    violations: Mapping[str, str] = field(default_factory=dict)
    retry_after: float | None = None

    def rows(self) -> list[dict[str, str]]:
        """The facts row by row: several short lines, say, are reported together.

        Not all of them may have travelled; the fact ``rows`` says how many there were.
        """
        rows: dict[int, dict[str, str]] = {}
        for key, value in self.metadata.items():
            name, _, number = key.rpartition("-")
            if name and number.isdigit():
                rows.setdefault(int(number), {})[name] = value
            elif key != "rows":
                rows.setdefault(1, {})[key] = value
        return [rows[number] for number in sorted(rows)]


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal | None:
    """The refusal behind a failed call; None when no service of the mesh gave a reason."""
    status = _status(error)
    if status is None:
        return None
    info, bad_request, retry = ErrorInfo(), BadRequest(), RetryInfo()
    retry_after: float | None = None
    for detail in status.details:
        if detail.Unpack(retry):
            retry_after = retry.retry_delay.ToNanoseconds() / 1_000_000_000
        elif not detail.Unpack(bad_request):
            detail.Unpack(info)
    if not info.reason:
        return None
    violations: dict[str, str] = {}
    for one in bad_request.field_violations:
        known = violations.get(one.field)
        violations[one.field] = f"{known}; {one.description}" if known else one.description
    return Refusal(
        code=error.code(),
        reason=info.reason,
        domain=info.domain,
        sentence=status.message,
        metadata=dict(info.metadata),
        violations=violations,
        retry_after=retry_after,
    )


def _status(error: grpc.aio.AioRpcError) -> Status | None:
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            try:
                return Status.FromString(value)
            except DecodeError:
                return None
    return None
