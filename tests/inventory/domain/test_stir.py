from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable
from ordermesh.inventory.domain.stir import Stir, stirred

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)
SINCE = NOON - HOUR


def cap(**fields: Any) -> Control:
    return Control("cap", **{"kind": ControlKind.CAP, "value": 1, **fields})


def stir(
    *controls: Control, changed: tuple[Control, ...] = (), since: datetime | None = SINCE
) -> Stir | None:
    return stirred(ControlTable(controls, 7), changed, since, NOON)


def test_nothing_stirs_where_nothing_was_changed_began_or_ended() -> None:
    assert stir() is None
    assert stir(cap()) is None
    assert stir(cap(), since=None) is None


def test_what_was_changed_stirs() -> None:
    found = stir(changed=(cap(),))

    assert found == Stir([cap()], is_public=True, version=7, now=NOON)


@pytest.mark.parametrize("field", ["start_time", "end_time"])
@pytest.mark.parametrize(
    ("instant", "is_stirred"),
    [
        (SINCE - MOMENT, False),
        (SINCE, False),
        (SINCE + MOMENT, True),
        (NOON, True),
        (NOON + MOMENT, False),
    ],
)
def test_what_began_or_ended_after_the_last_look_stirs(
    field: str, instant: datetime, *, is_stirred: bool
) -> None:
    found = stir(cap(**{field: instant}), cap())

    assert (found is not None) == is_stirred
    if found is not None:
        assert found.controls == [cap(**{field: instant})]


def test_at_the_first_look_all_that_has_begun_stirs() -> None:
    assert stir(cap(start_time=SINCE - HOUR), since=None) is not None
    assert stir(cap(start_time=NOON + MOMENT), since=None) is None


@pytest.mark.parametrize("kind", ControlKind)
def test_who_names_no_channel_notices_what_is_held_back_from_all_and_every_pool(
    kind: ControlKind,
) -> None:
    holds_back = not kind.name.startswith("LIMIT_") and kind is not ControlKind.LOW_LEVEL
    for_all = stir(changed=(cap(kind=kind),))
    for_one = stir(changed=(cap(kind=kind, channel="web"),))

    assert for_all is not None
    assert for_one is not None
    assert for_all.is_public == holds_back
    assert for_one.is_public == (kind is ControlKind.POOL)


def test_one_of_many_is_enough_to_be_noticed() -> None:
    found = stir(changed=(cap(channel="web"), cap(), cap(channel="app")))

    assert found is not None
    assert found.is_public
