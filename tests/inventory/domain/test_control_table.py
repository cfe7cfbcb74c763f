"""The compiled table says what reading all controls one by one would say."""

from datetime import UTC, datetime, timedelta
from inspect import signature
from itertools import product
from random import Random

import pytest

from ordermesh.inventory.domain.conditions import Conditions
from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ControlTable

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
TAGS = {"MUG": ("red", "new"), "CUP": ("red",), "JAR": ()}
GROUPS = {"A": ("west", "small"), "B": ("west",), "C": ()}
CHANNELS = ("", "web", "app")
KINDS = (
    ControlKind.EXCLUDE,
    ControlKind.SAFETY_STOCK,
    ControlKind.BUFFER_UNITS,
    ControlKind.BUFFER_PERCENT,
    ControlKind.CAP,
    ControlKind.POOL,
)


def some_control(random: Random, number: int) -> Control:
    kind = random.choice(KINDS)
    sku, tag = random.choice([("", ""), (random.choice(list(TAGS)), ""), ("", "red")])
    place, group = random.choice([("", ""), (random.choice("ABC"), ""), ("", "west")])
    start = random.choice([None, NOON - timedelta(hours=1), NOON, NOON + timedelta(hours=1)])
    return Control(
        f"c-{random.randrange(1_000):03}-{number}",
        kind,
        random.randint(0, 1) if kind is ControlKind.EXCLUDE else random.randint(0, 9),
        channel=random.choice(CHANNELS[1:] if kind is ControlKind.POOL else CHANNELS),
        priority=random.randint(0, 1),
        start_time=start,
        end_time=random.choice([None, NOON, NOON + timedelta(hours=2)]),
        number=number,
        sku=sku,
        tag=tag,
        location_id=place,
        location_group=group,
    )


def one_by_one(
    controls: list[Control], sku: str, place: str, channel: str, now: datetime
) -> Conditions:
    found = [
        control
        for control in controls
        if control.sku in ("", sku)
        and (not control.tag or control.tag in TAGS[sku])
        and control.location_id in ("", place)
        and (not control.location_group or control.location_group in GROUPS[place])
        and (control.start_time is None or control.start_time <= now)
        and (control.end_time is None or now < control.end_time)
    ]

    def best(kind: ControlKind, of_channel: str | None = None) -> Control | None:
        ranked = sorted(
            (
                one
                for one in found
                if one.kind is kind
                and (
                    one.channel in ("", channel)
                    if of_channel is None
                    else one.channel == of_channel
                )
            ),
            key=lambda one: (
                not one.sku,
                not one.tag,
                not one.location_id,
                not one.location_group,
                not one.channel,
                -one.priority,
                one.control_id,
            ),
        )
        return ranked[0] if ranked else None

    def value(kind: ControlKind) -> int:
        control = best(kind)
        return control.value if control else 0

    cap = best(ControlKind.CAP)
    pools = {one: best(ControlKind.POOL, one) for one in CHANNELS if one}
    return Conditions(
        is_excluded=value(ControlKind.EXCLUDE) == 1,
        safety_stock=value(ControlKind.SAFETY_STOCK),
        buffer_units=value(ControlKind.BUFFER_UNITS),
        buffer_percent=value(ControlKind.BUFFER_PERCENT),
        cap=cap.value if cap else None,
        pool=pools.get(channel),
        other_pools=tuple(pool for one, pool in pools.items() if pool and one != channel),
    )


@pytest.mark.parametrize("seed", range(40))
def test_the_table_agrees_with_reading_one_by_one(seed: int) -> None:
    random = Random(seed)
    controls = [some_control(random, number) for number in range(1, random.randint(2, 40))]
    table = ControlTable(controls)

    for sku, place, channel in product(TAGS, GROUPS, CHANNELS):
        for now in (NOON, NOON + timedelta(hours=1), NOON):
            found = table.product(sku, TAGS[sku]).conditions(place, GROUPS[place], channel, now)
            expected = one_by_one(controls, sku, place, channel, now)
            assert set(found.other_pools) == set(expected.other_pools)
            for free in (0, 1, 7, 40):
                assert found.available(free) == expected.available(free)
            assert (found.pool, found.cap) == (expected.pool, expected.cap)


LIMIT = ControlKind.LIMIT_PER_ORDER


def test_the_limits_of_a_channel_are_the_best_of_each_kind_that_are_for_it() -> None:
    controls = [
        Control("app", LIMIT, 1, sku="MUG", channel="app"),
        Control("mug", LIMIT, 2, sku="MUG"),
        Control("all", LIMIT, 3),
        Control("red", ControlKind.LIMIT_PER_LINE, 4, tag="red"),
        Control("ended", ControlKind.LIMIT_PER_CUSTOMER, 5, end_time=NOON),
        Control("cap", ControlKind.CAP, 6),
    ]
    table = ControlTable(controls)

    def limits(sku: str, channel: str) -> dict[str, int]:
        found = table.product(sku, TAGS[sku]).limits(channel, NOON)
        return {kind.name: control.value for kind, control in found.items()}

    assert limits("MUG", "web") == {"LIMIT_PER_ORDER": 2, "LIMIT_PER_LINE": 4}
    assert limits("MUG", "app") == {"LIMIT_PER_ORDER": 1, "LIMIT_PER_LINE": 4}
    assert limits("JAR", "app") == {"LIMIT_PER_ORDER": 3}


@pytest.mark.parametrize("kind", ControlKind)
def test_only_limits_limit_purchases(kind: ControlKind) -> None:
    table = ControlTable([Control("one", kind, 1)])

    assert table.kinds == {kind}
    assert table.limits_purchases == (kind.name.startswith("LIMIT_PER_"))
    assert not ControlTable().limits_purchases


def test_features_are_needed_as_soon_as_one_control_names_a_tag_or_a_group() -> None:
    plain = Control("plain", ControlKind.CAP, 1, sku="MUG", location_id="A", channel="web")
    tag = Control("tag", ControlKind.CAP, 1, tag="red")
    group = Control("group", ControlKind.CAP, 1, location_group="west")

    assert not ControlTable().needs_features
    assert not ControlTable([plain]).needs_features
    assert ControlTable([plain, tag]).needs_features
    assert ControlTable([plain, group]).needs_features


def test_the_channels_are_those_that_are_named() -> None:
    table = ControlTable(
        [Control("a", ControlKind.CAP, 1), Control("b", ControlKind.CAP, 1, channel="web")]
    )

    assert table.channels == {"web"}


def test_all_controls_of_a_kind_are_found_wherever_and_whenever_they_are_in_force() -> None:
    controls = [
        Control("here", ControlKind.CAP, 1, location_id="A", end_time=NOON),
        Control("there", ControlKind.CAP, 2, location_group="west", start_time=NOON),
        Control("other", ControlKind.POOL, 3, channel="web"),
    ]
    found = ControlTable(controls).product("MUG", ())

    assert {control.control_id for control in found.of_kind(ControlKind.CAP)} == {"here", "there"}
    assert found.of_kind(ControlKind.LOW_LEVEL) == []
    assert found
    assert not ControlTable().product("MUG", ())


def test_tables_are_the_same_by_what_they_say() -> None:
    """Not by what was asked of them before."""
    one, other = (ControlTable((Control("a", ControlKind.CAP, 1),), 7) for _ in range(2))
    one.product("MUG", ())

    assert one == other
    assert hash(one) == hash(other)
    assert list(signature(ControlTable).parameters) == ["controls", "version"]
    assert "_found" not in repr(one)
    assert "_by_product" not in repr(one)


def test_places_that_the_controls_cannot_tell_apart_are_decided_once() -> None:
    """Of an item at hundreds of stores: the work is done for one of them."""
    caps = [Control("here", ControlKind.CAP, 1, location_id="A"), Control("all", LIMIT, 1)]
    found = ControlTable(caps).product("MUG", ())

    first = found.conditions("B", ("west",), "web", NOON)
    assert found.conditions("B", ("west",), "web", NOON) is first
    assert found.conditions("C", (), "web", NOON) is first
    assert found.conditions("A", (), "web", NOON) is not first
