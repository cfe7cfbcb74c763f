"""The compiled table says what reading all controls one by one would say."""

from datetime import UTC, datetime, timedelta
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
