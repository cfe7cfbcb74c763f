"""Every refusal says what the contract publishes about its reason, and a sentence for people."""

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from ordermesh.inventory.domain import errors
from ordermesh.inventory.domain.errors import stock
from ordermesh.inventory.domain.errors.facts import named
from ordermesh.kernel.errors import (
    Conflict,
    DomainError,
    InvalidRequest,
    NotAllowed,
    NotFound,
    RuleViolated,
    Suspended,
)
from tests.inventory.domain.refusals import CUP, MUG, REFUSALS, Row

CONTRACT = (
    Path(__file__).parents[3]
    / "protos"
    / "ordermesh"
    / "api"
    / "inventory"
    / "v1"
    / "error_reason.proto"
)
KINDS: dict[str, type[DomainError] | tuple[type[DomainError], ...]] = {
    "NOT_FOUND": NotFound,
    "INVALID_ARGUMENT": InvalidRequest,
    "FAILED_PRECONDITION": (RuleViolated, Suspended),
    "ABORTED": Conflict,
    "PERMISSION_DENIED": NotAllowed,
}


@dataclass(frozen=True)
class Published:
    """What the contract says about a reason: its status, and the facts that it may come with."""

    status: str
    keys: frozenset[str]


def published() -> Mapping[str, Published]:
    """What the contract says, by reason."""
    found: dict[str, Published] = {}
    comment: list[str] = []
    for line in CONTRACT.read_text().splitlines():
        said = line.strip()
        if said.startswith("//"):
            comment.append(said.removeprefix("//").strip())
            continue
        match = re.match(r"ERROR_REASON_(\w+) = \d+;", said)
        if match:
            text = " ".join(comment)
            told = re.sub(r"\((?!or )[^)]*\)", "", text)  # the values that a fact may have
            facts = re.split(r"Rows of:|Metadata:", told)[1:]
            keys = frozenset(re.findall(r"`(\w+)`", "".join(facts)))
            found[match[1]] = Published(text.partition(".")[0], keys)
        comment = []
    return found


def refusals() -> Iterator[type[DomainError]]:
    """Every class with a published reason."""
    for module in pkgutil.iter_modules(errors.__path__):
        loaded = importlib.import_module(f"{errors.__name__}.{module.name}")
        for _, kind in inspect.getmembers(loaded, inspect.isclass):
            if issubclass(kind, DomainError) and "reason" in vars(kind):
                yield kind


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: type(row[0]).__name__)
def test_a_refusal_says_what_is_wrong_with_every_fact(row: Row) -> None:
    error, sentence, rows = row

    assert error.sentence == str(error) == sentence
    assert [dict(facts) for facts in error.rows] == [dict(facts) for facts in rows]


@pytest.mark.parametrize("row", REFUSALS, ids=lambda row: type(row[0]).__name__)
def test_a_refusal_is_of_the_published_kind_and_has_the_published_facts(row: Row) -> None:
    error, _, _ = row
    contract = published()[error.reason]

    assert isinstance(error, KINDS[contract.status])
    for facts in error.rows:
        assert facts.keys() <= contract.keys
    alike = [other for other, _, _ in REFUSALS if type(other) is type(error)]
    told = {key for other in alike for facts in other.rows for key in facts}
    assert told == contract.keys


def test_every_refusal_is_in_the_table() -> None:
    missing = set(refusals()) - {type(error) for error, _, _ in REFUSALS}

    assert not missing, "add them to tests/inventory/domain/refusals.py"


def test_names_are_listed_up_to_five_and_then_counted() -> None:
    assert named([]) == ""
    assert named("abcde") == "a, b, c, d, e"
    assert named("abcdef") == "a, b, c, d, e and 1 more"
    assert named("abcdefgh") == "a, b, c, d, e and 3 more"


def test_what_is_missing_is_told_so_that_so_many_overdue_units_are_let_go() -> None:
    below = stock.OnHandBelowReserved({MUG: (9, 7, 4)})
    short = stock.InsufficientStock({MUG: (9, 7), CUP: (8, 6)}, {CUP})
    groups = stock.InsufficientStock({}, groups=[stock.GroupShortage("CUP", "west", 8, 6, [CUP])])

    assert below.missing == {MUG: 3}
    assert short.missing == {MUG: 2, CUP: stock.ALL_OVERDUE}
    assert groups.missing == {CUP: stock.ALL_OVERDUE}
    # More than any balance can hold.
    assert stock.ALL_OVERDUE == 10**18
