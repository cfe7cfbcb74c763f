"""Stages and limits over the wire: what is tried in turn, how an order is split, and why not."""

from typing import Any

import pytest

from ordermesh.api.routing import v1
from tests.routing.house import House, entry, item, usd
from tests.routing.policing import (
    asked,
    number,
    rule,
    save,
    sent,
    text,
)

FENCE_WEST = rule("no-west", text("LOCATION_ID", "WEST"), name="West is closed")


@pytest.fixture
async def mugs(house: House) -> House:
    await house.items("MUG", "LAMP")
    return house


STAGES = [
    v1.Stage(name="strict"),
    v1.Stage(name="two", more_shipments=1),
    v1.Stage(name="anywhere", without_rule_ids=["no-west"]),
    v1.Stage(name="partial", partial_allowed=True),
]


async def test_src_20_an_order_falls_through_the_stages_and_all_of_them_are_told(
    mugs: House,
) -> None:
    one = rule("single", split_limit=v1.SplitLimit(shipments_max=1))
    await save(mugs, rules=[FENCE_WEST, one], stages=STAGES)

    decision = await asked(mugs, {"MUG": 3}, {"WEST": {"MUG": 3}})

    assert [stage.name for stage in decision.stages] == ["strict", "two", "anywhere"]
    assert [stage.filled for stage in decision.stages] == [False, False, True]
    assert [stage.chosen for stage in decision.stages] == [False, False, True]
    assert list(decision.stages[0].blocking_rules) == ["no-west"]
    assert list(decision.stages[0].sentences) == ["WEST: West is closed: id is WEST"]
    assert sent(decision) == {"WEST": {"MUG": 3}}


async def test_a_stage_says_what_it_costs_and_the_last_one_decides(mugs: House) -> None:
    one = rule("single", split_limit=v1.SplitLimit(shipments_max=1))
    await save(mugs, rules=[FENCE_WEST, one], stages=STAGES)

    split = await asked(mugs, {"MUG": 3}, {"NEAR": {"MUG": 1}, "EAST": {"MUG": 2}})
    short = await asked(mugs, {"MUG": 3}, {"NEAR": {"MUG": 2}})

    assert [stage.name for stage in split.stages] == ["strict", "two"]
    assert list(split.stages[0].blocking_rules) == ["single"]
    assert split.stages[1].cost == split.cost
    assert split.stages[1].shipment_count == 2
    assert [stage.filled for stage in short.stages] == [False] * 4
    assert list(short.stages[3].blocking_rules) == ["NOT_STOCKED"]
    assert list(short.stages[3].sentences) == ["no stock of MUG for line MUG"]
    assert sent(short) == {"NEAR": {"MUG": 2}}


async def test_src_14_and_15_an_order_is_split_only_when_its_items_are_worth_it(
    house: House,
) -> None:
    await house.items(
        item("BOWL", value=usd(60)),
        item("VASE", value=usd(60)),
        item("CUP", value=usd(20)),
        item("DISH", value=usd(20)),
    )
    worth = rule("worth", split_limit=v1.SplitLimit(item_value_min=usd(50)), name="Worth a split")
    stages = [v1.Stage(name="strict"), v1.Stage(name="later", partial_allowed=True)]
    await save(house, rules=[worth], stages=stages)

    dear = await asked(house, {"BOWL": 1, "VASE": 1}, {"NEAR": {"BOWL": 1}, "EAST": {"VASE": 1}})
    cheap = await asked(house, {"CUP": 1, "DISH": 1}, {"NEAR": {"CUP": 1}, "EAST": {"DISH": 1}})

    assert sorted(sent(dear)) == ["EAST", "NEAR"]
    assert [stage.name for stage in dear.stages] == ["strict"]
    assert [stage.name for stage in cheap.stages] == ["strict", "later"]
    (sentence,) = [one for one in cheap.stages[0].sentences if "Worth" in one]
    assert "50.00" in sentence
    assert "20.00" in sentence
    assert cheap.stages[0].blocking_rules[0] == "worth"
    assert len(sent(cheap)) == 1


async def test_src_25_a_soft_limit_puts_a_full_location_last(mugs: House) -> None:
    soft = rule("soft", capacity_mode=v1.CapacityMode(mode=v1.CapacityMode.MODE_RANK_LAST))
    full = [v1.LocationCapacity(location_id="NEAR", units=0)]
    both = {"NEAR": {"MUG": 1}, "WEST": {"MUG": 1}}
    hard = await asked(mugs, {"MUG": 1}, {"NEAR": {"MUG": 1}}, supplied_capacity=full)

    await save(mugs, rules=[soft])
    elsewhere = await asked(mugs, {"MUG": 1}, both, supplied_capacity=full)
    only_there = await asked(mugs, {"MUG": 1}, {"NEAR": {"MUG": 1}}, supplied_capacity=full)

    assert sent(hard) == {}
    assert sent(elsewhere) == {"WEST": {"MUG": 1}}
    assert sent(only_there) == {"NEAR": {"MUG": 1}}


async def test_src_26_an_explicit_sequence_beats_every_balance(mugs: House) -> None:
    """The fullest comes first, until a rule says which does."""
    stock = {"NEAR": {"MUG": 4}, "EAST": {"MUG": 9}, "WEST": {"MUG": 6}}
    fullest = rule("fullest", number("STOCK_AVAILABLE", at_most=8))
    stages = [v1.Stage(name="fullest"), v1.Stage(name="any", without_rule_ids=["fullest"])]

    await save(mugs, rules=[fullest], stages=stages)
    by_balance = await asked(mugs, {"MUG": 1}, stock)
    first = rule("first", text("LOCATION_ID", "WEST", negated=True))
    stages = [v1.Stage(name="sequence"), v1.Stage(name="any", without_rule_ids=["first"])]
    await save(mugs, rules=[first], stages=stages)
    by_sequence = await asked(mugs, {"MUG": 1}, stock)

    assert sent(by_balance) == {"EAST": {"MUG": 1}}
    assert sent(by_sequence) == {"WEST": {"MUG": 1}}


async def test_a_rule_closes_full_locations_whose_limit_only_ranks_them_last(
    mugs: House,
) -> None:
    few = v1.Capacity(
        capacity_id="few",
        unit=v1.CapacityUnit.CAPACITY_UNIT_UNITS,
        limit=2,
        at_limit=v1.AtLimit.AT_LIMIT_RANK_LAST,
    )
    await mugs.network(entry("NEAR", capacities=[few]))
    last = await asked(mugs, {"MUG": 3}, {"NEAR": {"MUG": 9}})
    hard = rule("hard", capacity_mode=v1.CapacityMode(mode=v1.CapacityMode.MODE_HARD))
    await save(mugs, rules=[hard])

    closed = await asked(mugs, {"MUG": 3}, {"NEAR": {"MUG": 9}})

    assert sent(last) == {"NEAR": {"MUG": 3}}
    assert sent(closed) == {"NEAR": {"MUG": 2}}
    assert [(one.unfilled, one.reason) for one in closed.unfilled_lines] == [(1, "NO_CAPACITY")]


async def test_a_hard_promise_is_put_off_by_days_until_something_arrives(mugs: House) -> None:
    hard = rule("on-time", promise=v1.PromiseRule(hard=True))
    stages = [v1.Stage(name="on time"), v1.Stage(name="late", more_days=30)]
    await save(mugs, rules=[hard], stages=stages)
    request = {"WEST": {"MUG": 1}}

    free = await asked(mugs, {"MUG": 1}, request)
    tight = await asked(mugs, {"MUG": 1}, request, promise_days=1)

    assert [stage.name for stage in free.stages] == ["on time"]
    assert [stage.name for stage in tight.stages] == ["on time", "late"]
    assert list(tight.stages[0].blocking_rules) == ["PAST_PROMISE"]
    assert sent(tight) == {"WEST": {"MUG": 1}}


async def test_units_of_a_line_stay_together_where_a_rule_says_so(mugs: House) -> None:
    await save(mugs, rules=[rule("whole", split_limit=v1.SplitLimit(lines_whole=True))])

    decision = await asked(mugs, {"MUG": 3}, {"NEAR": {"MUG": 2}, "EAST": {"MUG": 3}})

    assert sent(decision) == {"EAST": {"MUG": 3}}


async def test_an_order_ships_complete_or_not_at_all(mugs: House) -> None:
    await save(mugs, rules=[rule("complete", split_limit=v1.SplitLimit(ship_complete=True))])

    decision = await asked(mugs, {"MUG": 3, "LAMP": 1}, {"NEAR": {"MUG": 3}})

    assert sent(decision) == {}
    assert decision.outcome == v1.Outcome.OUTCOME_INFEASIBLE


async def test_lines_that_stay_together_leave_from_one_location_or_not_at_all(
    house: House,
) -> None:
    await house.items(item("CUP", tags=["set"]), item("DISH", tags=["set"]), "MUG")
    together = v1.SplitLimit(lines_together=True)
    await save(house, rules=[rule("set", text("ITEM_TAG", "set"), split_limit=together)])
    wanted = {"CUP": 2, "DISH": 1, "MUG": 1}
    near = {"CUP": 2, "MUG": 1}

    apart = await asked(house, wanted, {"NEAR": near, "EAST": {"CUP": 2, "DISH": 1}})
    never = await asked(house, wanted, {"NEAR": near, "EAST": {"DISH": 1}})

    assert sent(apart) == {"NEAR": {"MUG": 1}, "EAST": {"CUP": 2, "DISH": 1}}
    lines = [(one.line_id, one.quantity) for one in apart.plan.shipments[1].lines]
    assert sorted(lines) == [("CUP", 2), ("DISH", 1)]
    boxed = [
        (line.line_id, line.quantity)
        for parcel in apart.plan.shipments[1].parcels
        for line in parcel.lines
    ]
    assert sorted(boxed) == [("CUP", 2), ("DISH", 1)]
    assert sent(never) == {"NEAR": {"MUG": 1}}
    assert sorted((one.line_id, one.unfilled) for one in never.unfilled_lines) == [
        ("CUP", 2),
        ("DISH", 1),
    ]


async def test_parcels_are_limited_as_shipments_are_and_by_weight(house: House) -> None:
    await house.items(item("ANVIL", weight_grams=10_000), item("MUG"))
    limit = rule("one-box", split_limit=v1.SplitLimit(parcels_max=1))
    stages = [v1.Stage(name="one"), v1.Stage(name="two", more_parcels=1)]
    heavy: dict[str, Any] = {
        "parcel_weight_grams_max": 15_000,
        "unfilled_penalty": v1.UnfilledPenalty(fixed=usd(90), per_unit=usd(9), per_kilogram=usd(9)),
    }
    await save(house, rules=[limit], stages=stages, **heavy)

    split = await asked(house, {"MUG": 2}, {"NEAR": {"MUG": 1}, "EAST": {"MUG": 1}})
    weighty = await asked(house, {"ANVIL": 2}, {"NEAR": {"ANVIL": 2}})
    too_much = await asked(house, {"ANVIL": 3}, {"NEAR": {"ANVIL": 3}})

    assert [one.name for one in split.stages] == ["one", "two"]
    assert [one.name for one in weighty.stages] == ["one", "two"]
    assert weighty.plan.shipments[0].parcel_count == 2
    assert list(weighty.stages[0].blocking_rules) == ["one-box"]
    assert sent(too_much) == {}
    assert sum(one.unfilled for one in too_much.unfilled_lines) > 0
    assert list(too_much.stages[1].blocking_rules) == ["one-box"]


async def test_a_banned_service_is_not_used_and_a_charged_one_is_dearer(mugs: House) -> None:
    stock = {"NEAR": {"MUG": 1}, "WEST": {"MUG": 1}}
    near = text("LOCATION_ID", "NEAR")
    await save(mugs)
    before = await asked(mugs, {"MUG": 1}, stock)

    await save(
        mugs,
        rules=[rule("ban", near, service=v1.ServiceRule(service_ids=["standard"], banned=True))],
    )
    banned = await asked(mugs, {"MUG": 1}, stock)
    await save(
        mugs,
        rules=[
            rule("dear", near, service=v1.ServiceRule(service_ids=["standard"], per_parcel=usd(2)))
        ],
    )
    dear = await asked(mugs, {"MUG": 1}, {"NEAR": {"MUG": 1}})

    assert sent(banned) == {"WEST": {"MUG": 1}}
    (gone,) = [one for one in banned.candidates if one.location_id == "NEAR"]
    assert gone.fact == "ban bans service standard"
    assert dear.cost.units == before.cost.units + 2
