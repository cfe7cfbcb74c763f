import hashlib

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
    seal_of,
    uncovered,
)
from tests.inventory.domain.moves import CUP, MUG

ENTRIES = [b"receive 10", b"reserve 4", b"ship 4"]


def chain(*changes: tuple[Covered, list[bytes]]) -> list[Sealed]:
    """The changes, each sealed with all that came before it."""
    seals = []
    last = GENESIS
    for covered, entries in changes:
        last = seal_of(last, covered, entries)
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
    expected = hashlib.sha256(b"before")
    for part in (place, b"one", b"three"):
        expected.update(len(part).to_bytes(8, "big") + part)

    covered = Covered(7, StockKey("MüG", "A"), 3, 4)
    assert seal_of(b"before", covered, [b"one", b"three"]) == expected.digest()


def test_fields_are_said_in_one_way_only() -> None:
    assert canonical([1, "ü", None, StockKey("MUG", "A")]) == (b'[1,"\xc3\xbc",null,["MUG","A"]]')


@given(st.lists(st.binary(max_size=3), max_size=4), st.lists(st.binary(max_size=3), max_size=4))
def test_entries_that_are_cut_otherwise_have_another_seal(
    one: list[bytes], other: list[bytes]
) -> None:
    covered = Covered(1, MUG, 1, 1)

    assert (seal_of(GENESIS, covered, one) == seal_of(GENESIS, covered, other)) == (one == other)


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


@pytest.mark.parametrize(("times", "is_whole"), [(0, True), (1, True), (2, False), (3, False)])
def test_a_change_is_made_at_one_instant(times: int, *, is_whole: bool) -> None:
    first, _, _ = sound()
    findings = Chain().check(Sealed(first.covered, first.seal, first.entries, times))

    if is_whole:
        assert findings == []
        return
    (finding,) = findings
    assert (finding.invariant, finding.key) == ("CHANGES_ARE_WHOLE", MUG)
    assert (finding.recorded, finding.expected) == (times, 1)
    assert f"made at {times} instants" in finding.sentence


def test_an_edit_is_told_before_the_number_of_instants() -> None:
    first, _, _ = sound()
    (finding,) = Chain().check(Sealed(first.covered, first.seal, ENTRIES, 2))

    assert finding.invariant == "SEALS_HOLD"


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


def test_changes_cover_the_entries_that_no_seal_covers_yet() -> None:
    sealed = {MUG: 4}

    found = uncovered(
        [(7, MUG, 4), (8, CUP, 2), (9, MUG, 5), (10, MUG, 5), (11, MUG, 8), (12, CUP, 3)], sealed
    )

    assert found == [
        Covered(8, CUP, 1, 2),
        Covered(9, MUG, 5, 5),
        Covered(11, MUG, 6, 8),
        Covered(12, CUP, 3, 3),
    ]
    assert sealed == {MUG: 8, CUP: 3}
