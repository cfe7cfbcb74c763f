"""Errors as statuses: codes, details, and that they always fit into what a caller can read."""

from collections.abc import Iterable

import pytest
from google.rpc import code_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status

from ordermesh.kernel.errors import (
    Conflict,
    InvalidRequest,
    NotAllowed,
    NotFound,
    Overloaded,
    RuleViolated,
    Suspended,
    Unavailable,
)
from ordermesh.runtime.auth import NotAuthenticated, NotPermitted
from ordermesh.runtime.status import (
    TRAILER_BYTES_MAX,
    Cancelled,
    DeadlineExceeded,
    code_of,
    to_status,
    trailer_bytes,
)
from ordermesh.runtime.validation import FieldViolation, InvalidFields


class Short(RuleViolated):
    reason = "SHORT"


class Gone(NotFound):
    reason = "GONE"


class Odd(InvalidRequest):
    reason = "ODD"


class Foreign(NotAllowed):
    reason = "FOREIGN"


class Halted(Suspended):
    reason = "HALTED"


class Late(Conflict):
    reason = "LATE"


def info(status: Status) -> ErrorInfo:
    found = ErrorInfo()
    status.details[0].Unpack(found)
    return found


@pytest.mark.parametrize(
    ("error", "code", "reason"),
    [
        (Gone("No."), code_pb2.NOT_FOUND, "GONE"),
        (Odd("No."), code_pb2.INVALID_ARGUMENT, "ODD"),
        (InvalidFields("No."), code_pb2.INVALID_ARGUMENT, "FIELD_VIOLATION"),
        (Short("No."), code_pb2.FAILED_PRECONDITION, "SHORT"),
        (Halted("No."), code_pb2.FAILED_PRECONDITION, "HALTED"),
        (Late("No."), code_pb2.ABORTED, "LATE"),
        (Overloaded("No.", retry_after=1), code_pb2.RESOURCE_EXHAUSTED, "OVERLOADED"),
        (Unavailable("No.", service="x", retry_after=1), code_pb2.UNAVAILABLE, "UNAVAILABLE"),
        (NotAuthenticated("Who?"), code_pb2.UNAUTHENTICATED, "NOT_AUTHENTICATED"),
        (NotPermitted("/a/B", "eve"), code_pb2.PERMISSION_DENIED, "NOT_PERMITTED"),
        (Foreign("No."), code_pb2.PERMISSION_DENIED, "FOREIGN"),
        (DeadlineExceeded(), code_pb2.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED"),
        (RuntimeError("secret"), code_pb2.INTERNAL, "INTERNAL"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_every_error_has_its_code_and_reason(error: Exception, code: int, reason: str) -> None:
    status = to_status(error, service="inventory")

    assert (status.code, info(status).reason) == (code, reason)
    assert code_of(error) == code
    assert info(status).domain == "inventory.ordermesh"
    assert "secret" not in str(status)


def test_a_cancelled_call_has_no_details() -> None:
    status = to_status(Cancelled(), service="inventory")

    assert status.code == code_pb2.CANCELLED
    assert not status.details


def test_facts_travel_as_metadata_row_by_row() -> None:
    error = Short("Too few.", {"sku": "A", "wanted": 2}, {"sku": "B", "wanted": 3})

    assert dict(info(to_status(error, service="inventory")).metadata) == {
        "sku": "A",
        "wanted": "2",
        "sku-2": "B",
        "wanted-2": "3",
        "rows": "2",
    }


def test_whoever_asks_too_much_is_told_when_to_come_again() -> None:
    status = to_status(Overloaded("Later.", retry_after=0.25), service="inventory")
    retry = RetryInfo()

    assert status.details[1].Unpack(retry)
    assert retry.retry_delay.ToMilliseconds() == 250


def test_violations_travel_with_their_paths_and_rules() -> None:
    violation = FieldViolation("lines[2].sku", "must not be empty", "string.min_len")
    status = to_status(InvalidFields("No.", violation), service="inventory")
    bad_request = BadRequest()

    assert status.details[1].Unpack(bad_request)
    (field,) = bad_request.field_violations
    assert field.field == "lines[2].sku"
    assert field.description == "must not be empty"
    assert field.reason == "STRING_MIN_LEN"


def huge() -> Iterable[Exception]:
    rows = [{f"key{k}": "\N{SNOWMAN}" * 128 for k in range(6)} for _ in range(500)]
    yield Short("Too few.", *rows)
    yield Short("\N{SNOWMAN}" * 10_000, {"sku": "x" * 100_000})
    yield InvalidFields(
        "No.", *(FieldViolation("x" * 900, "y" * 900, "string.min_len") for _ in range(5_000))
    )
    yield Short("No.", {f"key{number}": "z" * 1_000 for number in range(1_000)})


@pytest.mark.parametrize("error", list(huge()), ids=["rows", "values", "violations", "keys"])
def test_a_status_always_fits_into_trailing_metadata(error: Exception) -> None:
    status = to_status(error, service="inventory")

    assert trailer_bytes(status) <= TRAILER_BYTES_MAX
    assert info(status).reason


def test_rows_that_do_not_fit_are_left_out_and_still_counted() -> None:
    rows = [{f"key{k}": "x" * 128 for k in range(6)} for _ in range(30)]
    metadata = info(to_status(Short("Too few.", *rows), service="inventory")).metadata

    assert metadata["rows"] == "30"
    assert "key0" in metadata
    assert "key0-2" in metadata
    assert "key0-20" not in metadata
