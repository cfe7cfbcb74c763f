"""One table turns errors into statuses: the only place that knows both.

=====================  ===================  =================================================
error                  status               details beside ``ErrorInfo``
=====================  ===================  =================================================
``NotFound``           NOT_FOUND
``InvalidRequest``     INVALID_ARGUMENT     ``BadRequest`` when fields break their rules
``RuleViolated``       FAILED_PRECONDITION
``Suspended``          FAILED_PRECONDITION
``Conflict``           ABORTED
``Overloaded``         RESOURCE_EXHAUSTED   ``RetryInfo``
``Unavailable``        UNAVAILABLE          ``RetryInfo``
``NotAuthenticated``   UNAUTHENTICATED
``NotPermitted``       PERMISSION_DENIED
``NotAllowed``         PERMISSION_DENIED
``DeadlineExceeded``   DEADLINE_EXCEEDED
``Cancelled``          CANCELLED            none, not even ``ErrorInfo``: nobody is there to read
anything else          INTERNAL             a sentence that tells nothing
=====================  ===================  =================================================
"""

from collections.abc import Mapping, Sequence
from typing import ClassVar
from urllib.parse import quote

from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from ordermesh.kernel.errors import (
    Conflict,
    DomainError,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Overloaded,
    RuleViolated,
    Suspended,
    Unavailable,
)
from ordermesh.runtime.auth import NotAuthenticated, NotPermitted
from ordermesh.runtime.validation import FieldViolation, InvalidFields

TRAILER_BYTES_MAX = 7_900
"""What a status may cost in the trailing metadata of a call: most readers take 8 KiB in all."""

SENTENCE_LENGTH_MAX = 300
VALUE_LENGTH_MAX = 256
VIOLATIONS_MAX = 100

INTERNAL_REASON = "INTERNAL"
INTERNAL_SENTENCE = "Something went wrong on our side. The trace of this call tells more."


class DeadlineExceeded(Exception):
    """The time that the caller gave has passed."""

    reason: ClassVar[str] = "DEADLINE_EXCEEDED"
    sentence: ClassVar[str] = "The deadline has passed before the work was done."


class Cancelled(Exception):
    """The caller went away."""

    sentence: ClassVar[str] = "The caller went away."


_CODES: tuple[tuple[type[Exception], int], ...] = (
    (NotFound, code_pb2.NOT_FOUND),
    (InvalidRequest, code_pb2.INVALID_ARGUMENT),
    (RuleViolated, code_pb2.FAILED_PRECONDITION),
    (Suspended, code_pb2.FAILED_PRECONDITION),
    (Conflict, code_pb2.ABORTED),
    (Overloaded, code_pb2.RESOURCE_EXHAUSTED),
    (Unavailable, code_pb2.UNAVAILABLE),
    (NotAuthenticated, code_pb2.UNAUTHENTICATED),
    (NotPermitted, code_pb2.PERMISSION_DENIED),
    (NotAllowed, code_pb2.PERMISSION_DENIED),
    (DeadlineExceeded, code_pb2.DEADLINE_EXCEEDED),
    (Cancelled, code_pb2.CANCELLED),
)


def code_of(error: Exception) -> int:
    """The number of the status that an error becomes; INTERNAL for what is no refusal of ours."""
    for kind, code in _CODES:
        if isinstance(error, kind):
            return code
    return code_pb2.INTERNAL


def reason_of(error: Exception) -> str:
    """The published reason of an error; empty for a call that was cancelled."""
    code = code_of(error)
    if code == code_pb2.INTERNAL:
        return INTERNAL_REASON
    return str(getattr(error, "reason", ""))


def to_status(error: Exception, *, service: str) -> status_pb2.Status:
    """The status of an error, its reason in the domain ``<service>.ordermesh``.

    It always fits into the trailing metadata of a call: rows, violations and long values that do
    not are left out, and the fact ``rows`` still says how many rows there were.
    """
    code = code_of(error)
    if code == code_pb2.INTERNAL:
        info = _info(service, INTERNAL_REASON, {})
        return _assemble(code, INTERNAL_SENTENCE, [info])
    sentence = str(getattr(error, "sentence", ""))[:SENTENCE_LENGTH_MAX]
    if code == code_pb2.CANCELLED:
        return _assemble(code, sentence, [])
    rows = len(error.rows) if isinstance(error, DomainError) else 1
    violations = _violations(error)
    rows_shown, violations_shown = min(rows, DomainError.ROWS_SHOWN), len(violations)
    while True:
        details: list[Message] = [_info(service, reason_of(error), _facts(error, rows_shown))]
        if violations_shown:
            details.append(_bad_request(violations[:violations_shown]))
        if isinstance(error, Overloaded | Unavailable):
            details.append(_retry_info(error.retry_after))
        status = _assemble(code, sentence, details)
        if trailer_bytes(status) <= TRAILER_BYTES_MAX or rows_shown == violations_shown == 0:
            return status
        rows_shown, violations_shown = rows_shown // 2, violations_shown // 2


def trailer_bytes(status: status_pb2.Status) -> int:
    """What the status costs in trailing metadata: in base64, and its sentence again, escaped."""
    encoded = (status.ByteSize() + 2) // 3 * 4
    return encoded + len(quote(status.message)) + len("grpc-status-details-bin") + 100


def _assemble(code: int, sentence: str, details: Sequence[Message]) -> status_pb2.Status:
    status = status_pb2.Status(code=code, message=sentence)
    for detail in details:
        status.details.add().Pack(detail)
    return status


def _info(service: str, reason: str, facts: Mapping[str, str]) -> error_details_pb2.ErrorInfo:
    return error_details_pb2.ErrorInfo(
        reason=reason,
        domain=f"{service}.ordermesh",
        metadata={key: value[:VALUE_LENGTH_MAX] for key, value in facts.items()},
    )


def _facts(error: Exception, rows: int) -> dict[str, str]:
    if isinstance(error, DomainError):
        facts = DomainError(error.sentence, *error.rows[:rows]).facts()
        if len(error.rows) > 1:
            facts["rows"] = str(len(error.rows))
        return facts
    if isinstance(error, Unavailable):
        return {"service": error.service}
    if isinstance(error, NotPermitted):
        return {"method": error.method, "caller": error.caller}
    return {}


def _violations(error: Exception) -> Sequence[FieldViolation]:
    """The fields that break a rule: of the contract's own, or one that it states in words."""
    if isinstance(error, InvalidFields):
        return error.violations[:VIOLATIONS_MAX]
    if not isinstance(error, DomainError) or error.reason != InvalidFields.reason:
        return ()
    return tuple(
        FieldViolation(str(row["field"]), error.sentence, str(row.get("rule", "")))
        for row in error.rows[:VIOLATIONS_MAX]
        if "field" in row
    )


def _bad_request(violations: Sequence[FieldViolation]) -> error_details_pb2.BadRequest:
    return error_details_pb2.BadRequest(
        field_violations=[
            error_details_pb2.BadRequest.FieldViolation(
                field=violation.field[:VALUE_LENGTH_MAX],
                description=violation.description[:VALUE_LENGTH_MAX],
                reason=violation.rule.upper().replace(".", "_"),
            )
            for violation in violations
        ]
    )


def _retry_info(seconds: float) -> error_details_pb2.RetryInfo:
    info = error_details_pb2.RetryInfo()
    info.retry_delay.FromNanoseconds(round(seconds * 1_000_000_000))
    return info
