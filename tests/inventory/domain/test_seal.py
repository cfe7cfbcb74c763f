import hashlib
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.seal import (
    GENESIS,
    Chain,
    Covered,
    Head,
    Sealed,
    canonical,
    digest_of,
    seal_of,
    text_said,
)
from tests.inventory.domain.moves import CUP, MUG

ENTRIES = [b"receive 10", b"reserve 4", b"ship 4"]


def chain(*changes: tuple[Covered, list[bytes]]) -> list[Sealed]:
    """The changes, each sealed with all that came before it."""
    seals = []
    last = GENESIS
    for covered, entries in changes:
        last = seal_of(last, covered, digest_of(entries))
        seals.append(Sealed(covered, last, entries))
    return seals


def sound() -> list[Sealed]:
    return chain(
        (Covered(1, MUG, 1, 2), ENTRIES[:2]),
        (Covered(2, CUP, 1, 1), [b"receive 5"]),
        (Covered(3, MUG, 3, 3), ENTRIES[2:]),
    )


def broken_at(seals: list[Sealed]) -> list[tuple[str, int]]:
    followed = Chain()
    return [
        (finding.invariant, one.covered.revision)
        for one in seals
        for finding in followed.check(one)
    ]


def test_before_the_first_change_the_seal_is_nothing() -> None:
    assert Head() == Head(0, bytes(32))
    assert len(GENESIS) == 32


def test_a_seal_can_be_computed_by_anybody_from_what_is_written_about_it() -> None:
    place = b'[7,"M\xc3\xbcG","A",3,4]'
    digest = hashlib.sha256()
    for part in (b"one", b"three"):
        digest.update(len(part).to_bytes(8, "big") + part)
    expected = hashlib.sha256(b"before")
    for part in (place, digest.digest()):
        expected.update(len(part).to_bytes(8, "big") + part)

    covered = Covered(7, StockKey("MüG", "A"), 3, 4)
    assert seal_of(b"before", covered, digest_of([b"one", b"three"])) == expected.digest()


def test_fields_are_said_in_one_way_only() -> None:
    assert canonical([1, "ü", None, StockKey("MUG", "A")]) == (b'[1,"\xc3\xbc",null,["MUG","A"]]')
    number = UUID("11111111-2222-3333-4444-555555555555")
    assert canonical([number]) == b'["11111111222233334444555555555555"]'
    instant = datetime(2026, 11, 26, 9, 5, tzinfo=UTC)
    assert canonical([instant]) == b'["2026-11-26 09:05:00+00:00"]'


@given(st.text())
def test_a_text_is_said_alone_as_it_is_among_others(text: str) -> None:
    assert f"[{text_said(text)}]".encode() == canonical([text])


@given(st.lists(st.binary(max_size=3), max_size=4), st.lists(st.binary(max_size=3), max_size=4))
def test_entries_that_are_cut_otherwise_have_another_seal(
    one: list[bytes], other: list[bytes]
) -> None:
    assert (digest_of(one) == digest_of(other)) == (one == other)


def test_a_sound_chain_has_nothing_wrong_up_to_its_head() -> None:
    seals = sound()
    followed = Chain()

    assert [finding for one in seals for finding in followed.check(one)] == []
    assert followed.end(Head(3, seals[-1].seal)) == []
    # Later revisions may be sealed without a new entry.
    assert followed.end(Head(4, seals[-1].seal)) == []


def test_books_without_any_change_end_where_they_begin() -> None:
    assert Chain().end(Head()) == []


def test_what_is_edited_is_found_at_its_place_and_nowhere_else() -> None:
    first, second, third = sound()

    edited = Sealed(first.covered, first.seal, [b"receive 11", ENTRIES[1]])
    assert broken_at([edited, second, third]) == [("SEALS_HOLD", 1)]
    removed = Sealed(first.covered, first.seal, ENTRIES[:1])
    assert broken_at([removed, second, third]) == [("SEALS_HOLD", 1)]
    forged = Sealed(second.covered, bytes(32), second.entries)
    # The seal itself is wrong, and so is the one that was made after the true one.
    assert broken_at([first, forged, third]) == [("SEALS_HOLD", 2), ("SEALS_HOLD", 3)]
    assert broken_at([first, third]) == [("SEALS_HOLD", 3)]


def test_a_finding_says_how_many_entries_there_are_and_should_be() -> None:
    first, _, _ = sound()
    (finding,) = Chain().check(Sealed(first.covered, first.seal, ENTRIES))

    assert (finding.key, finding.recorded, finding.expected) == (MUG, 3, 2)
    assert finding.sentence == (
        "Entries 1 to 2, sealed at revision 1, are not what was sealed, or a seal was altered."
    )


@pytest.mark.parametrize("head", [Head(3, GENESIS), Head(2)])
def test_a_chain_that_was_made_anew_or_is_too_long_ends_elsewhere(head: Head) -> None:
    seals = sound()
    followed = Chain()
    for one in seals:
        followed.check(one)
    noted = Head(head.revision, seals[-1].seal) if head.revision == 2 else head

    (finding,) = followed.end(noted)

    assert (finding.invariant, finding.key) == ("SEALS_HOLD", None)
    assert (finding.recorded, finding.expected) == (3, noted.revision)
