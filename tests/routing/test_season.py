"""Seasons: which version is in force when, which policy decides, and what changes by itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from ordermesh.routing.domain import season
from ordermesh.routing.domain.policy import Policy, PolicyState, illustrative_policy
from ordermesh.routing.domain.rules.rule import Window
from ordermesh.routing.domain.rules.vocabulary import Fact, Value
from tests.routing.ruling import number, rule, text

DAY = timedelta(days=1)
NOW = datetime(2026, 11, 26, tzinfo=UTC)
BASE = illustrative_policy()
HOLIDAYS = Window(NOW, NOW + 30 * DAY)


def policy(policy_id: str, version: int = 1, **fields: object) -> Policy:
    return replace(BASE, policy_id=policy_id, version=version, **fields)  # type: ignore[arg-type]


def web(value: int = 0) -> dict[Fact, Value]:
    """What is known of an order from the web."""
    return {Fact.ORDER_CHANNEL: frozenset({"web"}), Fact.ORDER_VALUE: value}


def chosen(active: list[Policy], named: str = "", at: datetime = NOW) -> tuple[str, int, str]:
    choice = season.choose(active, named, web(50_0000), at)
    assert choice is not None
    return choice.policy.policy_id, choice.policy.version, choice.reason


def test_without_any_active_policy_there_is_no_choice() -> None:
    idle = [replace(BASE, state=state) for state in (PolicyState.DRAFT, PolicyState.ARCHIVED)]

    assert season.choose(idle, "", web(), NOW) is None


def test_a_policy_that_is_named_decides_while_it_is_in_force_and_else_the_order_goes_on() -> None:
    active = [BASE, policy("gold", windows=(HOLIDAYS,))]

    assert chosen(active, "gold") == ("gold", 1, "named by the order")
    after = chosen(active, "gold", NOW + 31 * DAY)
    assert after == ("default", 1, "gold is not in force; no other policy applies")


def test_of_those_that_an_order_chooses_the_highest_priority_decides_then_the_id() -> None:
    channel = text(Fact.ORDER_CHANNEL, "web")
    dear = number(Fact.ORDER_VALUE, at_least=100_0000)
    active = [
        BASE,
        policy("b", chosen_when=(channel,), priority=5),
        policy("a", chosen_when=(channel,), priority=5),
        policy("c", chosen_when=(channel,), priority=4),
        policy("d", chosen_when=(dear,), priority=9),
        policy("e", priority=99),
    ]

    name, _, reason = chosen(active)

    assert name == "a"
    assert reason == "chosen because channel is web; priority 5, of 3 that apply"


def test_a_condition_whose_fact_is_not_known_chooses_nothing() -> None:
    unknown = number(Fact.ORDER_PROMISE_DAYS, at_most=3)

    assert chosen([BASE, policy("fast", chosen_when=(unknown,))])[0] == "default"


def test_a_season_starts_and_reverts_by_itself() -> None:
    active = [BASE, policy("default", 2, windows=(HOLIDAYS,))]

    days = (-1, 0, 29, 30)
    assert [chosen(active, at=NOW + day * DAY)[1] for day in days] == [1, 2, 2, 1]


@pytest.mark.parametrize(("priority", "version"), [(0, 3), (1, 2)])
def test_of_overlapping_windows_the_priority_decides_then_the_newest(
    priority: int, version: int
) -> None:
    other = Window(NOW - DAY, NOW + DAY)
    active = [
        BASE,
        policy("default", 2, windows=(HOLIDAYS,), priority=priority),
        policy("default", 3, windows=(other,)),
    ]

    assert chosen(active)[1] == version


def test_a_new_version_replaces_only_those_that_could_never_be_in_force_again() -> None:
    versions = [
        policy("default", 1),
        policy("default", 2, windows=(HOLIDAYS,)),
        policy("default", 3, priority=1),
        policy("default", 4, state=PolicyState.ARCHIVED),
    ]

    gone = season.replaced_by(policy("default", 5), versions)

    assert [one.version for one in gone] == [1]


def test_only_the_last_version_of_default_that_is_always_in_force_is_needed() -> None:
    seasonal = policy("default", 2, windows=(HOLIDAYS,))

    assert season.is_needed(BASE, [BASE, seasonal])
    assert not season.is_needed(seasonal, [BASE, seasonal])
    assert not season.is_needed(BASE, [BASE, policy("default", 3)])
    assert not season.is_needed(policy("gold"), [policy("gold")])


def test_what_is_in_force_is_told_with_what_changes() -> None:
    week = Window(NOW + 7 * DAY, NOW + 14 * DAY)
    peak = policy("default", 2, windows=(HOLIDAYS,), rules=(rule(windows=(week,)),))
    gold = policy("gold", windows=(Window(None, NOW + DAY), Window(NOW + 2 * DAY, NOW + 3 * DAY)))
    start, end = NOW - DAY, NOW + 60 * DAY

    periods = season.periods([BASE, peak, gold], start, end)

    told = [(one.policy_id, one.version, one.start, one.end, one.rule_ids) for one in periods]
    assert told == [
        ("default", 1, start, NOW, ()),
        ("default", 2, NOW, week.start, ()),
        ("default", 2, week.start, week.end, ("R",)),
        ("default", 2, week.end, HOLIDAYS.end, ()),
        ("default", 1, HOLIDAYS.end, end, ()),
        ("gold", 1, start, NOW + DAY, ()),
        ("gold", 1, NOW + 2 * DAY, NOW + 3 * DAY, ()),
    ]
    changes = [
        ((one.time - NOW).days, one.policy_id, one.version_before, one.version_after)
        for one in season.changes(periods, start, end)
    ]
    assert changes == [
        (0, "default", 1, 2),
        (1, "gold", 1, 0),
        (2, "gold", 0, 1),
        (3, "gold", 1, 0),
        (7, "default", 2, 2),
        (14, "default", 2, 2),
        (30, "default", 2, 1),
    ]
    begun, ended = [
        (one.rules_starting, one.rules_ending)
        for one in season.changes(periods, start, end)
        if one.version_before == one.version_after
    ]
    assert (begun, ended) == ((("R",), ()), ((), ("R",)))
