"""The reasons that routing publishes are those that it raises."""

import importlib
import inspect
import pkgutil

from ordermesh.api.routing.v1 import ErrorReason
from ordermesh.kernel.errors import DomainError
from ordermesh.routing.domain import errors

RAISED_BY_THE_RUNTIME = {
    "DEADLINE_EXCEEDED",
    "INTERNAL",
    "INVALID_PAGE_TOKEN",
    "NOT_AUTHENTICATED",
    "NOT_PERMITTED",
    "OVERLOADED",
    "REQUEST_ID_REUSED",
    "REQUEST_TOO_LARGE",
    "REVISION_COMPACTED",
    "TRANSACTION_CONFLICT",
    "UNAVAILABLE",
}


def raised_here() -> set[str]:
    modules = [
        importlib.import_module(f"{errors.__name__}.{module.name}")
        for module in pkgutil.iter_modules(errors.__path__)
    ]
    return {
        kind.reason
        for module in modules
        for _, kind in inspect.getmembers(module, inspect.isclass)
        if issubclass(kind, DomainError) and kind.__module__ == module.__name__
    }


def test_every_reason_is_published_and_every_published_one_is_raised() -> None:
    prefix = "ERROR_REASON_"
    published = {name.removeprefix(prefix) for name in ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118 - an enum of protobuf is no dictionary

    assert raised_here() | RAISED_BY_THE_RUNTIME == published
    assert not raised_here() & RAISED_BY_THE_RUNTIME
