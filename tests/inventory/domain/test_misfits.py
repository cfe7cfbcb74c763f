"""Pictures whose time, watermark or sequence cannot be right."""

from datetime import UTC, datetime, timedelta

import pytest

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance, Ledger
from ordermesh.inventory.domain.misfits import misdated, misnumbered
from ordermesh.inventory.domain.stock_feed import (
    NOTHING_UNSEEN,
    Leave,
    Marks,
    Misfit,
    Outcome,
    Picture,
    PictureRow,
    Trouble,
    apply_picture,
)
from ordermesh.inventory.domain.stock_source import (
    Gap,
    Numbers,
    SourceKind,
    SourceState,
    StockSource,
)

MUG = StockKey("MUG", "A")
NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
TILL = StockSource("TILL", SourceKind.POS, ("A",), ahead_max=10)


def test_a_clock_may_be_five_minutes_ahead_and_no_more() -> None:
    latest = NOON + timedelta(minutes=5)
    later = latest + timedelta(seconds=1)

    assert misdated(Picture(1, None), NOON) is None
    assert misdated(Picture(1, latest), NOON) is None
    assert misdated(Picture(1, later), NOON) == Misfit(
        Trouble.IN_FUTURE,
        {"pictureTime": "2026-11-27T12:05:01+00:00", "now": "2026-11-27T12:00:00+00:00"},
    )


def test_a_watermark_is_believed_as_far_as_the_source_allows() -> None:
    state = SourceState(TILL, Numbers(3, (Gap(1, 1),)))

    assert misnumbered(Picture(None, NOON), state) is None
    assert misnumbered(Picture(13, None), state) is None
    assert misnumbered(Picture(14, None), state) == Misfit(
        Trouble.TOO_FAR_AHEAD, {"watermark": "14", "appliedSequence": "3", "limit": "10"}
    )
    unlimited = StockSource("TILL", SourceKind.POS, ("A",))
    assert misnumbered(Picture(2**62, None), SourceState(unlimited)) is None
    closest = StockSource("TILL", SourceKind.POS, ("A",), ahead_max=1)
    assert misnumbered(Picture(2, None), SourceState(closest)) is not None


@pytest.mark.parametrize(("included", "is_right"), [(0, True), (3, True), (4, False)])
def test_nobody_has_heard_of_more_changes_than_there_are(included: int, is_right: bool) -> None:
    ledger = Ledger({MUG: Balance(on_hand=10, sequence=3)})
    row = PictureRow(MUG, 10, included)

    verdict = apply_picture(ledger, TILL, Picture(1, None), row, NOTHING_UNSEEN, Leave())

    facts = {"includedSequence": "4", "sequence": "3"}
    assert verdict == (Outcome.UNCHANGED if is_right else Misfit(Trouble.UNKNOWN_SEQUENCE, facts))


def test_later_pictures_of_other_sources_outdate_one_by_time_alone() -> None:
    marks = Marks(others={MUG: NOON})

    assert marks.outdate(Picture(9, NOON - timedelta(seconds=1)), MUG, NOON)
    assert not marks.outdate(Picture(9, NOON), MUG, NOON)
    assert not marks.outdate(Picture(9, None), MUG, NOON)
    assert not marks.outdate(Picture(9, NOON), StockKey("CUP", "A"), NOON)
    # One of the future was believed before such ones were refused.
    long_ago = NOON - timedelta(days=1)
    assert not marks.outdate(Picture(9, long_ago), MUG, long_ago)


def test_no_change_above_the_highest_number_is_in_the_books() -> None:
    assert SourceState(TILL, Numbers(3)).highest == 3
    assert SourceState(TILL, Numbers(3), ahead=5).highest == 5
