"""The linter: each finding comes with an order that shows it, and what is sound is left alone."""

import itertools
import random
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from ordermesh.routing.domain.linting.finding import Finding, Kind, Severity
from ordermesh.routing.domain.linting.linter import lint
from ordermesh.routing.domain.linting.situation import conflict, find, implies, negation
from ordermesh.routing.domain.policy import Policy, illustrative_policy
from ordermesh.routing.domain.rules.action import (
    CancelUnfilled,
    ClearAutoCancel,
    Filling,
    MoveToQueue,
    OrderAction,
    SendToCare,
    SetAutoCancel,
)
from ordermesh.routing.domain.rules.conditions import AnyOf, Condition, Test, judge_all
from ordermesh.routing.domain.rules.knowing import static_facts
from ordermesh.routing.domain.rules.rule import (
    CapacityMode,
    Mode,
    PromiseRule,
    Rule,
    Scope,
    ServiceRule,
    SplitLimit,
    Window,
)
from ordermesh.routing.domain.rules.vocabulary import Fact
from ordermesh.routing.domain.rules.vocabulary import Kind as FactKind
from ordermesh.routing.domain.stages import Stage
from tests.routing.ruling import entry, number, place, rule, text, usd

NOW = datetime(2026, 11, 26, tzinfo=UTC)
DAY = timedelta(days=1)
BASE = illustrative_policy()
NETWORK = {name: static_facts(entry(name), place(name)) for name in ("DC", "STORE")}
ERROR, WARNING = Severity.ERROR, Severity.WARNING
WEB, SHOP = text(Fact.ORDER_CHANNEL, "web"), text(Fact.ORDER_CHANNEL, "shop")
STORES = text(Fact.LOCATION_TYPE, "STORE")


def policy(*rules: Rule, **fields: Any) -> Policy:
    return replace(BASE, policy_id="p", version=2, rules=rules, **fields)


def found(
    wanted: Policy, *others: Policy, network: Mapping[str, Any] = NETWORK
) -> list[tuple[Kind, Severity, tuple[str, ...]]]:
    return [(one.kind, one.severity, one.subjects) for one in lint(wanted, others, network, NOW)]


def only(wanted: Policy, *others: Policy) -> Finding:
    (finding,) = lint(wanted, others, NETWORK, NOW)
    return finding


def test_conditions_that_cannot_meet_are_an_error_and_the_order_meets_all_but_one() -> None:
    wide = number(Fact.ORDER_UNITS, at_least=1)

    finding = only(policy(rule(None, wide, WEB, SHOP, STORES)))

    assert (finding.kind, finding.severity) == (Kind.DEAD_RULE, ERROR)
    assert "channel" in finding.sentence
    assert "units" not in finding.sentence
    seen = finding.witness.facts
    assert judge_all([wide, WEB, STORES], seen).holds
    assert judge_all([SHOP], seen).holds is False


def test_a_rule_that_holds_nowhere_in_the_network_or_never_again_is_told() -> None:
    nowhere = rule(None, text(Fact.LOCATION_GROUP, "outlet"), rule_id="nowhere")
    over = rule(None, STORES, rule_id="over", windows=(Window(None, NOW),))

    assert found(policy(nowhere, over)) == [
        (Kind.DEAD_RULE, WARNING, ("nowhere",)),
        (Kind.DEAD_RULE, WARNING, ("over",)),
    ]
    assert found(policy(nowhere), network={}) == []


def test_a_fence_behind_a_wider_one_is_shadowed_unless_a_stage_drops_that() -> None:
    wide = rule(None, number(Fact.LOCATION_DISTANCE_KM, at_least=100), rule_id="wide")
    narrow = rule(None, number(Fact.LOCATION_DISTANCE_KM, at_least=500), rule_id="narrow")

    finding = only(policy(narrow, wide))

    assert (finding.kind, finding.subjects) == (Kind.SHADOWED_RULE, ("narrow", "wide"))
    seen = finding.witness.facts
    assert judge_all([*narrow.all_conditions, *wide.all_conditions], seen).holds
    dropped = (Stage("all"), Stage("far", without_rule_ids=("wide",)))
    assert found(policy(narrow, wide, stages=dropped)) == []
    season = replace(wide, windows=(Window(NOW, NOW + DAY),))
    assert found(policy(narrow, season)) == []


def test_of_two_equal_rules_the_later_one_is_shadowed() -> None:
    first, second = rule(None, STORES, rule_id="a"), rule(None, STORES, rule_id="b")

    assert found(policy(first, second)) == [(Kind.SHADOWED_RULE, WARNING, ("b", "a"))]


def test_a_looser_limit_behind_a_stricter_one_is_shadowed() -> None:
    strict = rule(SplitLimit(shipments_max=2), rule_id="strict")
    loose = rule(SplitLimit(shipments_max=3), WEB, rule_id="loose")

    assert found(policy(loose, strict)) == [(Kind.SHADOWED_RULE, WARNING, ("loose", "strict"))]
    assert found(policy(replace(loose, effect=SplitLimit(shipments_max=1)), strict)) == []


VIP, CARE = OrderAction(MoveToQueue("vip")), OrderAction(SendToCare())
LEFT = (Filling.PARTLY_FILLED, Filling.UNFILLED)


@pytest.mark.parametrize("deed", [CancelUnfilled(), SetAutoCancel(DAY)])
def test_cancelling_what_is_left_where_nothing_is_left_is_an_error(deed: Any) -> None:
    idle = rule(OrderAction(deed, (Filling.FILLED,)), WEB)

    finding = only(policy(idle))

    assert (finding.kind, finding.severity) == (Kind.DEAD_RULE, ERROR)
    assert judge_all([WEB], finding.witness.facts).holds
    assert found(policy(rule(OrderAction(deed, LEFT), WEB))) == []


def test_an_action_for_orders_sent_in_part_never_acts_where_no_stage_allows_that() -> None:
    partly = rule(OrderAction(SendToCare(), (Filling.PARTLY_FILLED,)))
    whole, part = Stage("whole"), Stage("part", partial_allowed=True)

    assert found(policy(partly, stages=(whole,))) == [(Kind.DEAD_RULE, WARNING, ("R",))]
    assert found(policy(partly, stages=(whole, part))) == found(policy(partly)) == []


def test_an_action_behind_one_that_does_the_same_more_often_is_shadowed() -> None:
    wide = rule(VIP, rule_id="wide")
    narrow = rule(replace(VIP, outcomes=LEFT), WEB, rule_id="narrow")
    soon = rule(OrderAction(SetAutoCancel(DAY)), rule_id="soon")
    later = rule(OrderAction(SetAutoCancel(2 * DAY)), WEB, rule_id="later")

    assert found(policy(wide, narrow)) == [(Kind.SHADOWED_RULE, WARNING, ("narrow", "wide"))]
    assert found(policy(narrow, wide)) == []
    assert found(policy(later, soon)) == [(Kind.SHADOWED_RULE, WARNING, ("later", "soon"))]


def test_actions_for_different_outcomes_do_not_contradict_each_other() -> None:
    filled = rule(replace(VIP, outcomes=(Filling.FILLED,)), rule_id="one")

    assert found(policy(filled, rule(replace(CARE, outcomes=LEFT), rule_id="two"))) == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (VIP, CARE),
        (VIP, OrderAction(MoveToQueue("other"))),
        (OrderAction(CancelUnfilled()), OrderAction(SetAutoCancel(DAY))),
        (OrderAction(ClearAutoCancel()), OrderAction(SetAutoCancel(DAY))),
        (CapacityMode(Mode.HARD), CapacityMode(Mode.RANK_LAST)),
        (PromiseRule(True), PromiseRule(False)),
        (ServiceRule(("air",), banned=True), ServiceRule(("air",), per_parcel=usd("1"))),
    ],
)
def test_rules_that_say_what_cannot_both_be_are_contradictory(first: Any, second: Any) -> None:
    gift = text(Fact.ORDER_TAG, "gift")
    one, two = rule(first, WEB, rule_id="one"), rule(second, gift, rule_id="two")

    finding = only(policy(one, two))

    assert (finding.kind, finding.severity) == (Kind.CONTRADICTORY_RULES, WARNING)
    assert judge_all([WEB, gift], finding.witness.facts).holds
    assert found(policy(one, replace(two, conditions=(WEB,))))[0][1] is ERROR
    assert found(policy(one, replace(two, conditions=(SHOP,)))) == []
    seasons = [Window(NOW, NOW + DAY), Window(NOW + DAY, None)]
    apart = [replace(r, windows=(w,)) for r, w in zip((one, two), seasons, strict=True)]
    assert found(policy(*apart)) == []


def test_a_stage_that_allows_nothing_new_is_unreachable() -> None:
    fence = rule(None, STORES)
    again = Stage("again", without_rule_ids=("R",))
    stages = (Stage("strict"), Stage("stores", without_rule_ids=("R",)), again)

    assert found(policy(fence, stages=stages)) == [(Kind.UNREACHABLE_STAGE, ERROR, ("again",))]


def test_a_stage_that_relaxes_what_nothing_limits_is_told() -> None:
    stages = (Stage("strict"), Stage("split", more_shipments=1), Stage("late", more_days=2))

    assert found(policy(stages=stages)) == [
        (Kind.UNREACHABLE_STAGE, WARNING, ("split",)),
        (Kind.UNREACHABLE_STAGE, WARNING, ("late",)),
    ]
    limits = (rule(SplitLimit(shipments_max=1)), rule(PromiseRule(True), rule_id="hard"))
    assert found(policy(*limits, stages=stages)) == []


def test_a_season_that_has_passed_is_an_error() -> None:
    assert found(policy(windows=(Window(None, NOW),))) == [(Kind.SEASON_GAP, ERROR, ("p/2",))]


def test_a_gap_between_two_seasons_is_told_with_the_instant() -> None:
    first = Window(NOW, NOW + 7 * DAY)
    second = Window(NOW + 10 * DAY, NOW + 20 * DAY)

    finding = only(policy(windows=(first, second)))

    assert (finding.kind, finding.severity) == (Kind.SEASON_GAP, WARNING)
    assert finding.witness.at == first.end
    beside = replace(policy(), version=1)
    assert found(policy(windows=(first, second)), beside) == []


def test_seasons_that_overlap_with_the_same_priority_are_told() -> None:
    ours = policy(windows=(Window(NOW, NOW + 7 * DAY),))
    other = replace(ours, version=1, windows=(Window(NOW + 3 * DAY, NOW + 9 * DAY),))

    finding = only(ours, other)

    assert (finding.kind, finding.subjects) == (Kind.SEASON_OVERLAP, ("p/2", "p/1"))
    assert finding.witness.at == NOW + 3 * DAY
    assert found(ours, replace(other, priority=1)) == []


def test_policies_that_one_order_may_choose_with_the_same_priority_are_told() -> None:
    gift = text(Fact.ORDER_TAG, "gift")
    ours = policy(chosen_when=(WEB,))

    finding = only(ours, replace(policy(chosen_when=(gift,)), policy_id="q"))

    assert finding.kind is Kind.SEASON_OVERLAP
    assert judge_all([WEB, gift], finding.witness.facts).holds
    assert found(ours, replace(policy(chosen_when=(SHOP,)), policy_id="q")) == []


def test_fences_that_leave_no_location_for_any_order_are_an_error() -> None:
    centres = text(Fact.LOCATION_TYPE, "STORE", negated=True)
    fences = (rule(None, STORES, rule_id="a"), rule(None, centres, rule_id="b"))

    assert found(policy(*fences)) == [(Kind.UNSERVED_ORDER, ERROR, ("b", "a"))]
    opened = (Stage("strict"), Stage("any", without_rule_ids=("a",)))
    assert found(policy(*fences, stages=opened)) == []


def test_an_order_that_no_location_may_serve_is_shown() -> None:
    hazmat = text(Fact.ITEM_HANDLING, "HAZARDOUS")
    gift = text(Fact.ORDER_TAG, "gift")
    fences = (
        rule(None, hazmat, STORES, rule_id="a"),
        rule(None, gift, text(Fact.LOCATION_ID, "DC"), rule_id="b"),
    )

    finding = only(policy(*fences))

    assert (finding.kind, finding.severity) == (Kind.UNSERVED_ORDER, WARNING)
    seen = finding.witness.facts
    for facts in NETWORK.values():
        known = {**seen, **facts}
        assert any(judge_all(one.all_conditions, known).holds for one in fences)


def test_the_rules_of_a_sound_policy_are_left_alone() -> None:
    sound = policy(
        rule(None, STORES, number(Fact.LOCATION_DISTANCE_KM, at_least=500), rule_id="far"),
        rule(None, text(Fact.ITEM_TAG, "fragile"), STORES, rule_id="fragile"),
        rule(SplitLimit(shipments_max=2), rule_id="split"),
        rule(None, rule_id="outlet", scope=Scope(location_ids=("STORE",), skus=("MUG",))),
        stages=(Stage("strict"), Stage("all", partial_allowed=True, more_shipments=2)),
    )

    assert found(sound) == []


def drawn(draw: random.Random) -> Condition:
    """A condition over few facts and values, so that they often meet and often do not."""

    def test() -> Test:
        fact = draw.choice(
            [
                Fact.ORDER_UNITS,
                Fact.ORDER_CHANNEL,
                Fact.ORDER_TAG,
                Fact.ORDER_IS_PROMISED,
                Fact.STOCK_REJECT_PERCENT,
            ]
        )
        negated = draw.random() < 0.4
        if fact.kind is FactKind.NUMBER:
            low = draw.randint(0, 4)
            return Test(fact, low, low + draw.randint(0, 2), negated=negated)
        if fact.kind is FactKind.TEXT:
            return Test(fact, values=tuple(draw.sample("abc", draw.randint(1, 2))), negated=negated)
        return Test(fact, negated=negated)

    if draw.random() < 0.3:
        return AnyOf((test(), test()), draw.random() < 0.3)
    return test()


def holds_somewhere(conditions: list[Condition]) -> bool:
    """Whether any of all small situations meets them: the oracle."""
    sizes = range(4)
    tags = [frozenset(words) for size in sizes for words in itertools.combinations("abc", size)]
    return any(
        judge_all(
            conditions,
            {
                Fact.ORDER_UNITS: units,
                Fact.ORDER_CHANNEL: frozenset({channel}),
                Fact.ORDER_TAG: tag,
                Fact.ORDER_IS_PROMISED: promised,
                Fact.STOCK_REJECT_PERCENT: percent,
            },
        ).holds
        for units in range(1, 9)
        for channel in ("a", "b", "c", "other")
        for tag in tags
        for promised in (True, False)
        for percent in range(9)
    )


@pytest.mark.parametrize("seed", range(60))
def test_a_situation_is_found_exactly_where_there_is_one(seed: int) -> None:
    draw = random.Random(seed)
    conditions = [drawn(draw) for _ in range(draw.randint(1, 5))]

    seen = find(conditions)

    assert (seen is not None) is holds_somewhere(conditions)
    if seen is not None:
        assert judge_all(conditions, seen).holds
        return
    part = conflict(conditions)
    assert find(part) is None
    assert all(find([one for one in part if one is not left]) is not None for left in part)


def test_what_implies_is_narrower() -> None:
    few, some = number(Fact.ORDER_UNITS, 2, 3), number(Fact.ORDER_UNITS, 1, 5)

    assert implies([few], [some])
    assert not implies([some], [few])
    assert find([some, negation(few)]) is not None
