"""Rules: what their conditions make of facts, and what each effect does to an order."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ordermesh.api.routing import v1
from ordermesh.routing.domain.context import Traits
from ordermesh.routing.domain.rules.conditions import AnyOf, Test, judge, judge_all
from ordermesh.routing.domain.rules.knowing import PlaceNow, by_place
from ordermesh.routing.domain.rules.rule import (
    CapacityMode,
    Charge,
    Mode,
    PromiseRule,
    Scale,
    Scope,
    ServiceRule,
    SplitLimit,
    Window,
)
from ordermesh.routing.domain.rules.vocabulary import Fact, Kind, Level, PutFact
from tests.routing.ruling import NOW, evaluated, item, line, number, removed, rule, text, usd

BOTH = {"DC": {"MUG": 5, "SAW": 5}, "STORE": {"MUG": 5, "SAW": 5}}
WEEKS = Fact.STOCK_WEEKS_OF_SUPPLY


def test_a_rule_whose_fact_nobody_knows_abstains_and_says_so() -> None:
    result = evaluated(rule(None, number(WEEKS, at_least=4)))

    assert result.removals == ()
    (report,) = result.reports
    assert (report.applied, report.abstained_at) == (False, 2)
    assert report.missing == "stock weeks of supply"


def test_a_fact_that_is_put_decides_only_where_it_was_put() -> None:
    put = by_place((PutFact("DC", "MUG", WEEKS, 9), PutFact("STORE", "CUP", WEEKS, 9)))

    result = evaluated(rule(None, number(WEEKS, at_least=4)), put=put)

    assert removed(result) == {"DC": ("MUG",)}
    assert result.reports[0].abstained_at == 1


def test_what_does_not_hold_is_enough_whatever_else_is_not_known() -> None:
    result = evaluated(rule(None, number(WEEKS, at_least=4), text(Fact.ORDER_CHANNEL, "amazon")))

    assert (result.removals, result.reports) == ((), ())


@pytest.mark.parametrize(
    ("known", "holds"),
    [({Fact.ORDER_UNITS: 5}, True), ({Fact.ORDER_UNITS: 1}, None), ({}, None)],
)
def test_one_of_several_tests_is_enough(known: dict[Fact, int], holds: bool | None) -> None:
    either = AnyOf((number(WEEKS, at_least=4), number(Fact.ORDER_UNITS, at_least=3)))

    assert judge(either, known).holds is holds
    negated = judge(replace(either, negated=True), known).holds
    assert negated is (None if holds is None else not holds)


def test_an_unknown_fact_stays_unknown_when_it_is_negated() -> None:
    condition = Test(Fact.LOCATION_IS_OPEN, negated=True)

    assert judge(condition, {}).missing is Fact.LOCATION_IS_OPEN
    assert judge(condition, {Fact.LOCATION_IS_OPEN: 0}).holds is True


def test_every_fact_has_a_kind_a_level_and_a_place_in_the_contract() -> None:
    enums = {
        Kind.NUMBER: v1.NumberFact,
        Kind.AMOUNT: v1.AmountFact,
        Kind.TEXT: v1.TextFact,
        Kind.FLAG: v1.FlagFact,
    }
    for kind, enum in enums.items():
        published = {name.partition("_FACT_")[2] for name, _ in enum.items()} - {"UNSPECIFIED"}
        assert published == {fact.value for fact in Fact if fact.kind is kind}
    assert {fact.level for fact in Fact} == set(Level)


def test_a_fence_takes_a_location_away_and_tells_the_fact() -> None:
    far = rule(
        None,
        text(Fact.LOCATION_TYPE, "STORE"),
        number(Fact.LOCATION_DISTANCE_KM, at_least=501),
        name="Stores ship near",
    )

    result = evaluated(far, km={"STORE": 812, "DC": 900})

    (gone,) = result.removals
    assert (gone.rule_id, gone.location_id, gone.line_ids) == ("R", "STORE", ("MUG",))
    assert gone.fact == "Stores ship near: type is STORE, distance km is 812"


def test_a_fence_around_goods_takes_only_their_lines_away() -> None:
    saw = item("SAW", handling=("HAZARDOUS",))
    hazmat = rule(
        None,
        text(Fact.ITEM_HANDLING, "HAZARDOUS"),
        text(Fact.LOCATION_CAPABILITY, "HAZMAT", negated=True),
    )

    result = evaluated(
        hazmat,
        lines=(line("MUG"), line("SAW")),
        items=(item("MUG"), saw),
        stock=BOTH,
        entries={"DC": {"capabilities": ("HAZMAT",)}},
    )

    assert removed(result) == {"STORE": ("SAW",)}


def test_a_rule_is_scoped_to_a_location_a_group_and_goods() -> None:
    scope = Scope(location_ids=("DC",), groups=("outlet",), item_tags=("clearance",))

    result = evaluated(
        rule(scope=scope),
        lines=(line("MUG"), line("SAW")),
        items=(item("MUG", tags=("clearance",)), item("SAW")),
        stock={**BOTH, "STORE-2": {"MUG": 1}},
        places={"STORE": {"groups": ("outlet",)}},
    )

    assert removed(result) == {"DC": ("MUG",), "STORE": ("MUG",)}


def test_a_rule_that_is_off_left_out_or_out_of_season_does_nothing() -> None:
    day = timedelta(days=1)
    season = Window(NOW - day, NOW)

    assert not evaluated(rule(disabled=True)).removals
    assert not evaluated(rule(), without=frozenset({"R"})).removals
    assert not evaluated(rule(windows=(season,))).removals
    assert evaluated(rule(windows=(season, Window(NOW, None)))).removals


def test_a_location_without_any_of_it_is_not_looked_at() -> None:
    result = evaluated(rule(), stock={"DC": {"MUG": 1}, "STORE": {"CUP": 9}})

    assert removed(result) == {"DC": ("MUG",)}


def test_a_charge_is_for_units_shipments_and_parcels() -> None:
    charge = Charge(usd("0.50"), usd("2.00"), usd("-1.00"))

    result = evaluated(rule(charge, text(Fact.LOCATION_ID, "STORE")))

    unit, once = result.adjustments
    assert (unit.line_id, unit.per_unit) == ("MUG", usd("0.50"))
    assert (once.line_id, once.per_shipment, once.per_parcel) == ("", usd("2.00"), usd("-1.00"))


@pytest.mark.parametrize(
    ("weeks", "amount"), [(0, None), (4, None), (7, "-1.50"), (10, "-3.00"), (52, "-3.00")]
)
def test_a_credit_grows_with_its_scale_and_stops_at_its_ends(
    weeks: int, amount: str | None
) -> None:
    credit = Charge(usd("-3.00"), scale=Scale(WEEKS, 4, 10))
    put = by_place((PutFact("DC", "", WEEKS, weeks),))

    result = evaluated(rule(credit), stock={"DC": {"MUG": 5}}, put=put)

    assert [one.per_unit for one in result.adjustments] == ([] if amount is None else [usd(amount)])


def test_a_scale_may_fall_and_rounds_half_to_even() -> None:
    assert Scale(WEEKS, 10, 0).share(5, 5) == 2
    assert Scale(WEEKS, 0, 2).share(3, 1) == 2
    assert Scale(WEEKS, 0, 2).share(-3, 1) == -2


def test_a_scale_without_its_fact_abstains() -> None:
    result = evaluated(rule(Charge(usd("-3.00"), scale=Scale(WEEKS, 4, 10))))

    assert result.adjustments == ()
    assert (result.reports[0].applied, result.reports[0].abstained_at) == (False, 2)


def test_of_several_limits_the_strictest_counts() -> None:
    loose, strict = SplitLimit(shipments_max=4, parcels_max=2), SplitLimit(shipments_max=2)

    limits = evaluated(rule(loose), rule(strict, rule_id="S")).limits

    assert (limits.shipments_max, limits.parcels_max) == (2, 2)
    assert [note.rule_id for note in limits.notes] == ["R", "R", "S"]


def test_lines_of_a_kind_stay_together_and_whole() -> None:
    tag = text(Fact.ITEM_TAG, "set")
    both = SplitLimit(lines_together=True, lines_whole=True)

    limits = evaluated(
        rule(both, tag),
        lines=(line("MUG"), line("SAW"), line("CUP")),
        items=(item("MUG", tags=("set",)), item("SAW", tags=("set",)), item("CUP")),
    ).limits

    assert limits.whole_line_ids == {"MUG", "SAW"}
    assert limits.together == (frozenset({"MUG", "SAW"}),)


@pytest.mark.parametrize(("value", "limit"), [("60.00", None), ("50.00", None), ("20.00", 1)])
def test_below_a_value_an_order_is_not_split_and_the_reason_names_both(
    value: str, limit: int | None
) -> None:
    threshold = SplitLimit(item_value_min=usd("50.00"))

    limits = evaluated(rule(threshold), lines=(line("MUG", value=value),)).limits

    assert limits.shipments_max == limit
    if limit:
        assert "50.00" in limits.notes[0].sentence
        assert "20.00" in limits.notes[0].sentence


def test_a_value_that_nobody_knows_limits_nothing_and_is_told() -> None:
    result = evaluated(
        rule(SplitLimit(order_value_min=usd("50.00"))), lines=(line("MUG", value=None),)
    )

    assert result.limits.shipments_max is None
    assert result.reports[0].missing == "order value"


@pytest.mark.parametrize(("units", "limit"), [(10, None), (11, 1)])
def test_an_order_may_be_split_only_if_all_of_it_is_there(units: int, limit: int | None) -> None:
    limits = evaluated(rule(SplitLimit(only_if_available=True)), lines=(line("MUG", units),)).limits

    assert limits.shipments_max == limit


def test_the_first_rule_says_what_capacity_and_the_promise_mean() -> None:
    full = text(Fact.LOCATION_TYPE, "STORE")

    limits = evaluated(
        rule(CapacityMode(Mode.RANK_LAST), full),
        rule(CapacityMode(Mode.IGNORED)),
        rule(PromiseRule(True, 2)),
        rule(PromiseRule(False)),
    ).limits

    assert limits.capacity == {"STORE": Mode.RANK_LAST, "DC": Mode.IGNORED}
    assert (limits.promise_is_hard, limits.promise_tolerance_days) == (True, 2)


def test_services_are_banned_for_orders_with_such_goods() -> None:
    ban = rule(ServiceRule(("air",), banned=True), text(Fact.ITEM_HANDLING, "HAZARDOUS"))

    result = evaluated(ban, items=(item("MUG", handling=("HAZARDOUS",)),))

    assert {
        (one.location_id, one.rule.service_ids, one.rule.banned) for one in result.services
    } == {
        ("DC", ("air",), True),
        ("STORE", ("air",), True),
    }
    assert not evaluated(ban).services


def test_a_full_location_and_one_that_rejected_are_known() -> None:
    now_at = {"DC": PlaceNow(0, 40, is_full=True), "STORE": PlaceNow(3, 2, has_rejected=True)}

    full = evaluated(rule(None, Test(Fact.LOCATION_IS_FULL)), now_at=now_at)
    rejected = evaluated(rule(None, Test(Fact.LOCATION_REJECTED)), now_at=now_at)
    busy = evaluated(rule(None, number(Fact.LOCATION_BACKLOG, at_least=10)), now_at=now_at)

    assert set(removed(full)) == set(removed(busy)) == {"DC"}
    assert set(removed(rejected)) == {"STORE"}


def test_goods_tell_their_size_markdown_and_the_last_unit() -> None:
    tall = item("MUG", size_millimetres=(900, 200, 100), markdown_time=NOW + timedelta(days=3))
    asked: dict[str, Any] = {"items": (tall,), "stock": {"DC": {"MUG": 1}, "STORE": {"MUG": 2}}}

    def at(*conditions: Test) -> set[str]:
        return set(removed(evaluated(rule(None, *conditions), **asked)))

    assert at(number(Fact.ITEM_LONGEST_MILLIMETRES, at_least=900)) == {"DC", "STORE"}
    assert at(number(Fact.ITEM_VOLUME_MILLILITRES, 18_000, 18_000)) == {"DC", "STORE"}
    assert at(number(Fact.ITEM_DAYS_TO_MARKDOWN, at_most=3)) == {"DC", "STORE"}
    assert at(number(Fact.ITEM_DAYS_TO_MARKDOWN, at_most=2)) == set()
    assert at(Test(Fact.STOCK_WOULD_RUN_OUT)) == {"DC"}
    assert at(number(Fact.STOCK_AVAILABLE, at_most=1)) == {"DC"}


def test_what_an_order_says_of_itself_is_known() -> None:
    traits = Traits(
        brand="b",
        order_type="retail",
        service_level="express",
        priority=7,
        tags=("gift",),
        customer_class="gold",
        payment_state="paid",
        queue="q",
        origin_group="g",
    )
    conditions = [
        text(Fact.ORDER_CHANNEL, "web"),
        text(Fact.ORDER_METHOD, "SHIP"),
        text(Fact.ORDER_COUNTRY, "US"),
        text(Fact.ORDER_REGION, "IL"),
        text(Fact.ORDER_POSTAL_CODE, "60601"),
        text(Fact.ORDER_BRAND, "b"),
        text(Fact.ORDER_TYPE, "retail"),
        text(Fact.ORDER_SERVICE_LEVEL, "express"),
        text(Fact.ORDER_TAG, "gift"),
        text(Fact.ORDER_CUSTOMER_CLASS, "gold"),
        text(Fact.ORDER_PAYMENT_STATE, "paid"),
        text(Fact.ORDER_QUEUE, "q"),
        text(Fact.ORDER_ORIGIN_GROUP, "g"),
        number(Fact.ORDER_PRIORITY, 7, 7),
        number(Fact.ORDER_LINES, 1, 1),
        number(Fact.ORDER_UNITS, 1, 1),
        number(Fact.ORDER_WEIGHT_GRAMS, 500, 500),
        number(Fact.ORDER_VALUE, usd("20.00"), usd("20.00")),
        number(Fact.ORDER_AGE_HOURS, 0, 0),
        number(Fact.ORDER_REJECTIONS, 0, 0),
        Test(Fact.ORDER_IS_AVAILABLE),
        Test(Fact.ORDER_IS_PROMISED, negated=True),
    ]

    for condition in conditions:
        assert evaluated(rule(None, condition), traits=traits).removals, condition
        assert not evaluated(
            rule(None, replace(condition, negated=not condition.negated)), traits=traits
        ).removals, condition


def test_nothing_said_is_none_of_any_set() -> None:
    assert judge_all([text(Fact.ORDER_BRAND, "b")], {Fact.ORDER_BRAND: frozenset()}).holds is False
