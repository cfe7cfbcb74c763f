from dataclasses import FrozenInstanceError
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.stock import KeyUnsound
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.suspect import Suspect, refuse_unsound
from ordermesh.inventory.domain.verification import Finding
from ordermesh.kernel.errors import RuleViolated

MUG = StockKey("MUG", "A")
FOLD = Finding("BALANCE_IS_FOLD_OF_ENTRIES", MUG, 5, 4, "There are 5.")
GAP = Finding("ENTRIES_HAVE_NO_GAPS", MUG, 7, 8, "One is missing.")


@pytest.mark.parametrize("nothing", [[], ()])
def test_a_key_with_sound_books_is_not_refused(nothing: Any) -> None:
    refuse_unsound(MUG, nothing)


def test_a_key_with_wrong_books_is_refused_with_all_that_is_wrong() -> None:
    with pytest.raises(KeyUnsound) as refused:
        refuse_unsound(MUG, [FOLD, GAP])

    assert isinstance(refused.value, RuleViolated)
    assert refused.value.reason == "KEY_UNSOUND"
    assert [
        (row["sku"], row["locationId"], row["invariant"], row["recorded"], row["expected"])
        for row in refused.value.rows
    ] == [
        ("MUG", "A", "BALANCE_IS_FOLD_OF_ENTRIES", 5, 4),
        ("MUG", "A", "ENTRIES_HAVE_NO_GAPS", 7, 8),
    ]


def test_one_finding_is_enough_to_refuse_a_key() -> None:
    with pytest.raises(KeyUnsound) as refused:
        refuse_unsound(MUG, [GAP])

    assert len(refused.value.rows) == 1


def test_a_suspect_is_in_quarantine_until_somebody_has_freed_it() -> None:
    found = datetime(2026, 3, 2, 12, tzinfo=UTC)
    suspect = Suspect(UUID(int=1), MUG, [FOLD], found)

    assert (suspect.free_time, suspect.freed_by, suspect.note) == (None, None, "")
    with pytest.raises(FrozenInstanceError):
        suspect.note = "seen"  # type: ignore[misc]  # that is what is refused
