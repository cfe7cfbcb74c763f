"""A decision tells what it was chosen before, how far it could be from the best, and its seed."""

from typing import Any

from ordermesh.api.routing import v1
from tests.routing.house import House, line, usd
from tests.routing.policing import asked, save

MUGS = {"NEAR": {"MUG": 2}, "EAST": {"MUG": 2}, "WEST": {"MUG": 2}}


async def test_where_nobody_else_could_send_it_there_is_no_second_best(house: House) -> None:
    await house.items("MUG")

    alone = await asked(house, {"MUG": 2}, {"NEAR": {"MUG": 2}})
    nothing = await asked(house, {"MUG": 2}, {"NEAR": {}})

    assert not alone.HasField("second_best")
    assert not nothing.HasField("second_best")
    assert (alone.gap, alone.seed) == (0.0, 1)


async def test_the_second_best_is_the_plan_that_loses_by_the_least(house: House) -> None:
    await house.stock({f"MUG at {place}": 2 for place in MUGS})

    decision = (await house.submit("O-1", line("1", "MUG", 2))).decision

    losers = [one for one in decision.candidates if one.HasField("loses_by") and not one.chosen]
    closest = min(losers, key=lambda one: one.loses_by_value)
    assert decision.second_best.location_id == closest.location_id
    assert decision.second_best.regret == closest.loses_by
    read = await house.mesh.sourcing.GetDecision(
        v1.GetDecisionRequest(decision_id=decision.decision_id)
    )
    assert read.decision.second_best == decision.second_best
    # Without the chosen location just this much more is paid.
    without = await asked(house, {"MUG": 2}, {name: MUGS[name] for name in ("EAST", "WEST")})
    assert value(without.cost) - value(decision.cost) == value(decision.second_best.regret)


async def test_of_tiers_the_one_in_which_it_is_worse_is_told(house: House) -> None:
    await house.items("MUG")
    parcels = v1.WeightedTerm(term=v1.WeightedTerm.TERM_PARCELS, weight_thousandths=1000)
    cost = v1.WeightedTerm(term=v1.WeightedTerm.TERM_COST, weight_thousandths=1000)
    unfilled = v1.WeightedTerm(term=v1.WeightedTerm.TERM_UNFILLED_UNITS, weight_thousandths=1000)
    await save(house, tiers=[v1.Tier(terms=[one]) for one in (unfilled, parcels, cost)])

    whole = await asked(house, {"MUG": 2}, {**MUGS, "EAST": {"MUG": 1}, "WEST": {}})
    both = await asked(house, {"MUG": 2}, MUGS)

    # What EAST has is not enough alone: with it there is a parcel more.
    told = whole.second_best
    assert (told.location_id, told.regret_in_tier, told.regret_value) == ("EAST", 1, 1)
    assert not told.HasField("regret")
    assert both.second_best.regret_in_tier == 2


def value(amount: Any) -> int:
    found: int = amount.units * 10_000 + amount.nanos // 100_000
    return found


async def test_what_a_baseline_would_do_has_neither_bound_nor_gap(house: House) -> None:
    await house.stock({"MUG at NEAR": 2})
    await house.submit("O-1", line("1", "MUG", 2, unit_price=usd(3)))

    reply = await house.source(
        "O-1", validate_only=True, method=v1.SourcingMethod.SOURCING_METHOD_NEAREST_SINGLE
    )

    assert not reply.decision.HasField("gap")
    assert not reply.decision.HasField("second_best")
