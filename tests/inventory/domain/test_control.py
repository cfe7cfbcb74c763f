from datetime import UTC, datetime, timedelta

import pytest

from ordermesh.inventory.domain.conditions import UNCONDITIONAL, Conditions
from ordermesh.inventory.domain.control import Control, ControlKind, put, refuse_impossible
from ordermesh.inventory.domain.control_table import NO_CONTROLS, ControlTable
from ordermesh.inventory.domain.errors.control import ControlInvalid
from ordermesh.inventory.domain.errors.requests import DuplicateEntry

NOW = datetime(2026, 11, 27, 9, tzinfo=UTC)


def cap(control_id: str, value: int, **fields: object) -> Control:
    return Control(control_id, ControlKind.CAP, value, **fields)  # type: ignore[arg-type]


def pool(number: int, channel: str, value: int, **fields: object) -> Control:
    return Control(
        f"pool-{number}",
        ControlKind.POOL,
        value,
        channel=channel,
        number=number,
        **fields,  # type: ignore[arg-type]
    )


def conditions(*controls: Control, channel: str = "web", now: datetime = NOW) -> Conditions:
    """Of MUG, tagged red and new, at STORE-1 in the groups west and small."""
    product = ControlTable(controls).product("MUG", ("red", "new"))
    return product.conditions("STORE-1", ("west", "small"), channel, now)


def test_what_nobody_controls_may_be_sold() -> None:
    assert conditions() is UNCONDITIONAL
    assert UNCONDITIONAL.available(7) == 7
    assert NO_CONTROLS.version == 0


def test_what_names_something_else_does_not_apply() -> None:
    others = (
        cap("sku", 1, sku="CUP"),
        cap("tag", 1, tag="blue"),
        cap("place", 1, location_id="STORE-2"),
        cap("group", 1, location_group="east"),
        cap("channel", 1, channel="app"),
    )

    assert conditions(*others).cap is None


@pytest.mark.parametrize(
    ("winner", "loser"),
    [
        ({"sku": "MUG"}, {"tag": "red", "location_id": "STORE-1", "channel": "web"}),
        ({"tag": "red"}, {"location_id": "STORE-1", "channel": "web"}),
        ({"location_id": "STORE-1"}, {"location_group": "west", "channel": "web"}),
        ({"location_group": "west"}, {"channel": "web"}),
        ({"channel": "web"}, {"priority": 99}),
        ({"priority": 2}, {"priority": 1}),
        ({"tag": "new", "priority": 2}, {"tag": "red", "priority": 1}),
        ({"location_group": "small", "priority": 2}, {"location_group": "west"}),
    ],
)
def test_the_most_specific_control_wins_alone(
    winner: dict[str, object], loser: dict[str, object]
) -> None:
    # The loser has the id that would win a tie, and comes first or last.
    wins, loses = cap("z", 3, **winner), cap("a", 2, **loser)

    assert conditions(wins, loses).cap == 3
    assert conditions(loses, wins).cap == 3


def test_of_equals_the_lower_id_wins() -> None:
    assert conditions(cap("b", 2), cap("a", 1)).cap == 1


def test_each_kind_is_decided_for_itself() -> None:
    found = conditions(
        cap("cap", 5, sku="MUG"),
        Control("safety", ControlKind.SAFETY_STOCK, 2),
        Control("units", ControlKind.BUFFER_UNITS, 1, channel="web"),
        Control("percent", ControlKind.BUFFER_PERCENT, 10, tag="red"),
    )

    assert found == Conditions(safety_stock=2, buffer_units=1, buffer_percent=10, cap=5)


def test_a_more_specific_control_lets_in_what_was_excluded() -> None:
    excluded = Control("none", ControlKind.EXCLUDE, 1, tag="red", channel="web")
    included = Control("but", ControlKind.EXCLUDE, 0, sku="MUG", channel="web")

    assert conditions(excluded).available(9) == 0
    assert conditions(excluded, channel="app").available(9) == 9
    assert conditions(excluded, included).available(9) == 9


def test_a_control_is_in_force_from_its_start_until_just_before_its_end() -> None:
    hour = timedelta(hours=1)
    sale = cap("sale", 1, start_time=NOW, end_time=NOW + hour)

    at = {
        offset: conditions(sale, now=NOW + offset).cap
        for offset in (-timedelta(microseconds=1), timedelta(0), hour - timedelta(seconds=1), hour)
    }

    assert list(at.values()) == [None, 1, 1, None]


@pytest.mark.parametrize(
    ("terms", "free", "available"),
    [
        (Conditions(safety_stock=2), 5, 3),
        (Conditions(safety_stock=9), 5, 0),
        (Conditions(buffer_units=2, buffer_percent=10), 30, 27),
        (Conditions(buffer_units=4, buffer_percent=10), 30, 26),
        (Conditions(buffer_percent=10), 11, 9),
        (Conditions(buffer_percent=1), 100, 99),
        (Conditions(buffer_percent=1), 101, 99),
        (Conditions(buffer_percent=1), 0, 0),
        (Conditions(buffer_percent=100), 11, 0),
        (Conditions(safety_stock=1, buffer_units=2, cap=4), 30, 4),
        (Conditions(cap=0), 30, 0),
        (Conditions(is_excluded=True, cap=4), 30, 0),
    ],
)
def test_what_is_available_is_what_is_free_without_the_floor_and_below_the_cap(
    terms: Conditions, free: int, available: int
) -> None:
    assert terms.available(free) == available


def test_a_channel_sells_from_its_own_pool_and_leaves_those_of_others() -> None:
    pools = (pool(1, "web", 6), pool(2, "app", 3))
    taken = {1: 2, 2: 5}.get

    def available(channel: str, free: int) -> int:
        return conditions(*pools, channel=channel).available(free, lambda n: taken(n) or 0)

    assert available("web", 10) == 4
    assert available("web", 3) == 3  # less is there than the pool would hold
    assert available("app", 10) == 0  # it was made smaller after more was sold
    assert available("store", 10) == 6
    assert available("", 3) == 0


def test_what_is_sold_at_most_is_the_cap_or_nothing_of_what_is_excluded() -> None:
    assert Conditions().ceiling is None
    assert Conditions(cap=4).ceiling == 4
    assert Conditions(is_excluded=True, cap=4).ceiling == 0
    assert Conditions(is_excluded=True).ceiling == 0


def test_a_pool_that_has_ended_is_everybodys() -> None:
    ended = pool(1, "web", 6, end_time=NOW)

    assert conditions(ended, channel="store").available(10) == 10
    assert conditions(ended).available(10) == 10


def test_of_two_pools_of_one_channel_the_more_specific_counts() -> None:
    found = conditions(pool(1, "web", 6), pool(2, "web", 2, sku="MUG"), channel="store")

    assert found.available(10) == 8


def test_what_applies_is_told_with_what_it_beats() -> None:
    controls = (cap("all", 1), cap("red", 2, tag="red"), cap("mug", 3, sku="MUG"))
    product = ControlTable(controls).product("MUG", ("red",))

    applied = product.applied("STORE-1", (), "web", NOW)[ControlKind.CAP]

    assert applied.control.control_id == "mug"
    assert [one.control_id for one in applied.beaten] == ["red", "all"]


KIND = ControlKind
HOUR = timedelta(hours=1)


@pytest.mark.parametrize(
    ("wrong", "field", "right"),
    [
        ({"sku": "MUG", "tag": "red"}, "tag", [{"sku": "MUG"}, {"tag": "red"}]),
        (
            {"location_id": "A", "location_group": "west"},
            "location_group",
            [{"location_id": "A"}, {"location_group": "west"}],
        ),
        (
            {"kind": KIND.EXCLUDE, "value": 2},
            "value",
            [{"kind": KIND.EXCLUDE, "value": value} for value in (0, 1)],
        ),
        (
            {"kind": KIND.BUFFER_PERCENT, "value": 101},
            "value",
            [{"kind": KIND.BUFFER_PERCENT, "value": value} for value in (0, 100)],
        ),
        *(
            (
                {"kind": kind, "value": 0},
                "value",
                [{"kind": kind, "value": 1}, {"kind": kind, "value": 101}],
            )
            for kind in (KIND.LIMIT_PER_LINE, KIND.LIMIT_PER_ORDER, KIND.LIMIT_PER_CUSTOMER)
        ),
        ({"kind": KIND.POOL}, "channel", [{"kind": KIND.POOL, "channel": "web"}]),
        *(
            (
                {"kind": KIND.LIMIT_PER_ORDER, **place},
                "location_id",
                [{"kind": KIND.CAP, **place}, {"kind": KIND.LIMIT_PER_ORDER}],
            )
            for place in ({"location_id": "A"}, {"location_group": "west"})
        ),
        *(
            (
                {"kind": kind, "window": HOUR},
                "window",
                [{"kind": KIND.LIMIT_PER_CUSTOMER, "window": HOUR}],
            )
            for kind in (KIND.CAP, KIND.LIMIT_PER_LINE, KIND.LIMIT_PER_ORDER)
        ),
        *(
            (
                {"start_time": NOW, "end_time": end},
                "end_time",
                [
                    {"start_time": NOW, "end_time": NOW + timedelta(microseconds=1)},
                    {"start_time": NOW},
                    {"end_time": NOW},
                ],
            )
            for end in (NOW, NOW - HOUR)
        ),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_field(
    wrong: dict[str, object], field: str, right: list[dict[str, object]]
) -> None:
    def control(control_id: str, fields: dict[str, object]) -> Control:
        return Control(control_id, **{"kind": KIND.CAP, "value": 1, **fields})  # type: ignore[arg-type]

    fine = [control(f"fine-{number}", fields) for number, fields in enumerate(right)]
    refuse_impossible(fine)

    with pytest.raises(ControlInvalid) as refusal:
        refuse_impossible([*fine, control("wrong", wrong)])
    assert refusal.value.facts() == {"controlId": "wrong", "field": field}


def test_a_control_is_put_once() -> None:
    with pytest.raises(DuplicateEntry) as refusal:
        refuse_impossible([cap("same", 1), cap("other", 1), cap("same", 2)])

    assert refusal.value.facts() == {"field": "controls[2].control_id", "value": "same"}


def test_only_what_differs_gets_a_new_version_and_keeps_its_number() -> None:
    before = {"version": 3, "update_time": NOW - HOUR}
    stored = [cap("same", 1, number=7, **before), cap("other", 1, number=8, **before)]

    changed = put([cap("same", 1), cap("other", 2), cap("new", 3)], stored, 4, NOW)

    assert [(one.control_id, one.number, one.version, one.update_time) for one in changed] == [
        ("other", 8, 4, NOW),
        ("new", 0, 4, NOW),
    ]
