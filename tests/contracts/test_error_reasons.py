"""The published reasons of refusals are those that the code gives, with the status they say."""

import importlib
from pathlib import Path

import pytest

from ordermesh.runtime.status import INTERNAL_REASON
from tests.contracts.reading import SERVICES, Refusal, enum_comments, refusals

PREFIX = "ERROR_REASON_"

NO_CALLER_GETS = {
    "ordermesh.runtime.work.Fenced": "ends a step of background work that another worker took over",
    "ordermesh.runtime.outbox.DeliveryRefused": "ends a delivery in the background for good",
}
"""Errors of work that no call waits for, each with where it ends."""


def _given(service: str) -> dict[str, set[str]]:
    """Reasons that a caller of a service can get, each with its statuses."""
    reasons = {INTERNAL_REASON: {"INTERNAL"}}
    for refusal in refusals("ordermesh.kernel", "ordermesh.runtime", f"ordermesh.{service}"):
        if refusal.name not in NO_CALLER_GETS:
            reasons.setdefault(refusal.reason, set()).add(refusal.status)
    return reasons


def _published(service: str) -> list[str]:
    contract = importlib.import_module(f"ordermesh.api.{service}.v1")
    names: list[str] = contract.ErrorReason.keys()
    return [name.removeprefix(PREFIX) for name in names if name != f"{PREFIX}UNSPECIFIED"]


def _badly_named(found: list[Refusal]) -> dict[str, str]:
    return {
        refusal.name: refusal.reason
        for refusal in found
        if refusal.is_own_reason and _capitals(refusal.name.rpartition(".")[2]) != refusal.reason
    }


@pytest.mark.parametrize("service", SERVICES)
def test_every_reason_that_is_given_is_published_and_the_reverse(service: str) -> None:
    given, published = set(_given(service)), set(_published(service))

    assert sorted(given - published) == []
    assert sorted(published - given) == []


@pytest.mark.parametrize("service", SERVICES)
def test_the_comment_of_a_reason_begins_with_its_status(
    service: str, descriptor_file: Path
) -> None:
    comments = enum_comments(descriptor_file, f"ordermesh.api.{service}.v1", "ErrorReason")
    given = _given(service)

    told = {
        name: {comments[PREFIX + name].split(".")[0]}
        for name in _published(service)
        if name in given
    }

    assert told == {name: given[name] for name in told}


@pytest.mark.parametrize("service", SERVICES)
def test_an_error_is_called_as_its_reason(service: str) -> None:
    assert _badly_named(refusals(f"ordermesh.{service}")) == {}


def test_an_error_with_the_reason_of_another_is_found() -> None:
    planted = Refusal("somewhere.OutOfMugs", "OUT_OF_STOCK", "FAILED_PRECONDITION", True)

    assert _badly_named([planted]) == {"somewhere.OutOfMugs": "OUT_OF_STOCK"}


def test_errors_that_no_caller_gets_exist() -> None:
    assert {refusal.name for refusal in refusals("ordermesh.runtime")} >= NO_CALLER_GETS.keys()


def _capitals(name: str) -> str:
    return "".join("_" + letter if letter.isupper() else letter for letter in name)[1:].upper()
