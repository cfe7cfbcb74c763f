"""Which frame of an import is expected, and what was announced."""

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.feed import (
    FrameChanged,
    FrameMissing,
    ImportChanged,
    ImportCompleted,
)
from ordermesh.inventory.domain.snapshot_import import Absent, ImportState, SnapshotImport
from ordermesh.inventory.domain.stock_feed import Outcome, Picture, tallied

ID = UUID("55555555-5555-4555-8555-555555555555")
ANNOUNCED = SnapshotImport(ID, "WMS", ("A",), Picture(4, None), Absent.LEAVE, "by night")
GOING_ON = replace(ANNOUNCED, next_frame=3, tally=tallied([Outcome.APPLIED]))


def test_the_next_frame_is_expected_and_those_before_are_known() -> None:
    assert GOING_ON.expects(3, b"x", None)
    assert not GOING_ON.expects(2, b"x", b"x")
    with pytest.raises(FrameChanged):
        GOING_ON.expects(2, b"x", b"y")
    with pytest.raises(FrameMissing) as missing:
        GOING_ON.expects(4, b"x", None)
    assert missing.value.facts()["nextFrame"] == "3"


def test_a_completed_import_knows_its_frames_and_takes_no_more() -> None:
    done = replace(GOING_ON, state=ImportState.COMPLETED)

    assert not done.expects(2, b"x", b"x")
    with pytest.raises(ImportCompleted):
        done.expects(3, b"x", None)


def test_it_is_complete_with_exactly_the_frames_that_came() -> None:
    GOING_ON.refuse_incomplete(2)
    with pytest.raises(FrameMissing):
        GOING_ON.refuse_incomplete(3)
    with pytest.raises(ImportCompleted):
        GOING_ON.refuse_incomplete(1)


def test_the_same_announcement_again_is_no_change() -> None:
    now = datetime(2026, 11, 25, tzinfo=UTC)
    replace(GOING_ON, create_time=now, update_time=now).refuse_changed(ANNOUNCED)
    replace(GOING_ON, state=ImportState.COMPLETED).refuse_changed(ANNOUNCED)


@pytest.mark.parametrize(
    "other",
    [
        replace(ANNOUNCED, source_id="POS"),
        replace(ANNOUNCED, location_ids=("B",)),
        replace(ANNOUNCED, picture=Picture(5, None)),
        replace(ANNOUNCED, absent=Absent.ZERO),
        replace(ANNOUNCED, document="by day"),
    ],
)
def test_another_announcement_is_refused(other: SnapshotImport) -> None:
    with pytest.raises(ImportChanged):
        GOING_ON.refuse_changed(other)


def test_frames_and_rows_add_up() -> None:
    after = GOING_ON.after(tallied([Outcome.APPLIED, Outcome.UNCHANGED]), frames=1)

    assert (after.next_frame, after.state) == (4, ImportState.OPEN)
    assert after.tally.outcomes == {Outcome.APPLIED: 2, Outcome.UNCHANGED: 1}
    assert GOING_ON.tally.outcomes == {Outcome.APPLIED: 1}


def test_what_is_being_forgotten_takes_no_frames_and_is_completed_in_the_end() -> None:
    closed = GOING_ON.forgetting(is_done=False)
    assert (closed.next_frame, closed.state) == (3, ImportState.CLOSED)
    assert not closed.expects(2, b"x", b"x")
    with pytest.raises(ImportCompleted):
        closed.expects(3, b"x", None)
    assert closed.forgetting(is_done=True).state is ImportState.COMPLETED


def test_a_picture_with_locations_is_full() -> None:
    assert ANNOUNCED.is_full
    assert not replace(ANNOUNCED, location_ids=()).is_full
