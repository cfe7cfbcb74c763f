import importlib
import inspect
import pkgutil

from ordermesh.api.inventory.v1 import ErrorReason
from ordermesh.inventory.domain import errors
from ordermesh.inventory.domain.errors.catalog import UnknownSku
from ordermesh.inventory.domain.errors.stock import CuredByExpiry
from ordermesh.kernel.errors import DomainError

RAISED_BY_THE_RUNTIME = {
    "DEADLINE_EXCEEDED",
    "FIELD_VIOLATION",
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
        if issubclass(kind, DomainError)
        and kind.__module__ == module.__name__
        and kind is not CuredByExpiry
    }


def test_every_reason_is_published_and_every_published_one_is_raised() -> None:
    prefix = "ERROR_REASON_"
    published = {name.removeprefix(prefix) for name in ErrorReason.keys()} - {"UNSPECIFIED"}  # noqa: SIM118 - an enum of protobuf is no dictionary

    assert raised_here() | RAISED_BY_THE_RUNTIME == published
    assert not raised_here() & RAISED_BY_THE_RUNTIME


def test_long_lists_of_names_are_shortened_for_people_and_not_for_programs() -> None:
    error = UnknownSku(f"SKU-{number}" for number in range(9))

    assert error.sentence == ("No item is called SKU-0, SKU-1, SKU-2, SKU-3, SKU-4 and 4 more.")
    assert error.facts()["sku-9"] == "SKU-8"
