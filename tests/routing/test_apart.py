"""Goods that share no parcel with others: parcels of their own, weighed like all others."""

import json
from typing import Any

from ordermesh.api.inventory.v1 import Item
from ordermesh.api.order.v1 import FulfillmentMethod
from ordermesh.api.routing import v1
from ordermesh.client import proof
from tests.routing.house import House, entry, item, line, usd
from tests.routing.policing import asked, rule, save, text

COLD = rule("cold", text("ITEM_HANDLING", "CHILLED"), keep_apart=v1.KeepApart())
FRAGILE = rule("fragile", text("ITEM_TAG", "fragile"), keep_apart=v1.KeepApart())


async def goods(house: House, *rules: v1.Rule) -> None:
    """Butter is chilled, glass is fragile, eggs are both, mugs are neither."""
    chilled: dict[str, Any] = {"handling": [Item.HANDLING_CHILLED]}
    await house.items(
        "MUG",
        item("BUTTER", **chilled),
        item("GLASS", tags=["fragile"]),
        item("EGGS", tags=["fragile"], **chilled),
    )
    await save(house, rules=rules)


def parcels(decision: v1.Decision) -> list[list[str]]:
    """The items of every parcel."""
    return sorted(
        sorted({one.sku for one in parcel.lines})
        for shipment in decision.plan.shipments
        for parcel in shipment.parcels
    )


ALL = {"BUTTER": 2, "EGGS": 1, "GLASS": 1, "MUG": 2}


async def test_goods_share_a_parcel_with_those_that_the_same_rules_speak_of(house: House) -> None:
    await goods(house)
    together = await asked(house, ALL, {"NEAR": ALL})
    await goods(house, COLD)
    cold = await asked(house, ALL, {"NEAR": ALL})
    await goods(house, COLD, FRAGILE)
    both = await asked(house, ALL, {"NEAR": ALL})

    assert parcels(together) == [["BUTTER", "EGGS", "GLASS", "MUG"]]
    assert parcels(cold) == [["BUTTER", "EGGS"], ["GLASS", "MUG"]]
    assert parcels(both) == [["BUTTER"], ["EGGS"], ["GLASS"], ["MUG"]]
    assert {one.outcome for one in (together, cold, both)} == {v1.Outcome.OUTCOME_OPTIMAL}
    assert together.cost.units < cold.cost.units < both.cost.units
    assert [(one.rule_id, one.effect, one.applied) for one in cold.rules] == [
        ("cold", "KEEP_APART", True)
    ]


async def test_a_rule_that_speaks_of_all_goods_or_of_none_changes_nothing(house: House) -> None:
    await goods(house, COLD)

    for wanted in ({"BUTTER": 1, "EGGS": 1}, {"GLASS": 1, "MUG": 1}):
        decision = await asked(house, wanted, {"NEAR": ALL})
        assert len(parcels(decision)) == 1
        assert not any(one.applied for one in decision.rules)


async def test_what_needs_two_parcels_anyway_may_come_from_two_places(house: House) -> None:
    # Each parcel from EAST saves more than its carriage is dearer.
    await house.network(entry("NEAR", priority=1, pick_fee=usd(0), labor_cost_per_unit=usd(1)))
    await house.network(entry("EAST", priority=2, pick_fee=usd(0), labor_cost_per_unit=usd(0)))
    await goods(house)
    wanted, stock = {"BUTTER": 9, "MUG": 9}, {"NEAR": {"MUG": 9}, "EAST": {"BUTTER": 9, "MUG": 9}}
    before = await asked(house, wanted, stock)
    await goods(house, COLD)

    after = await asked(house, wanted, stock)

    assert parcels(before) == [["BUTTER", "MUG"]]
    assert parcels(after) == [["BUTTER"], ["MUG"]]
    assert before.cost.units < after.cost.units


async def test_lines_that_leave_together_lie_together(house: House) -> None:
    keep = rule("keep", split_limit=v1.SplitLimit(lines_together=True))
    await goods(house, COLD, keep)

    decision = await asked(house, {"BUTTER": 1, "MUG": 1}, {"NEAR": ALL})

    assert parcels(decision) == [["BUTTER", "MUG"]]


async def test_what_is_collected_lies_in_no_parcels(house: House) -> None:
    await goods(house, COLD)
    await house.receive({"BUTTER at NEAR": 1, "MUG at NEAR": 1})
    both = [
        FulfillmentMethod.FULFILLMENT_METHOD_SHIP,
        FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP,
    ]
    await house.network(entry("NEAR", methods=both))

    reply = await house.submit(
        "O-1",
        line("1", "MUG"),
        line("2", "BUTTER"),
        method=both[1],
        destination=None,
        pickup_location_id="NEAR",
    )

    assert len(parcels(reply.decision)) == 1


async def test_the_record_of_parcels_that_are_kept_apart_is_proven(house: House) -> None:
    await goods(house, COLD, FRAGILE)
    await house.receive({f"{sku} at NEAR": units for sku, units in ALL.items()})
    reply = await house.submit("O-1", *(line(sku, sku, units) for sku, units in ALL.items()))
    request = v1.ExportDecisionRequest(decision_id=reply.decision.decision_id)
    exported = await house.mesh.sourcing.ExportDecision(request)

    told = json.loads(exported.record_json)
    proof.check(told)
    again = await house.mesh.sourcing.ReplayDecision(
        v1.ReplayDecisionRequest(decision_id=reply.decision.decision_id)
    )

    assert len(parcels(reply.decision)) == 4
    assert again.identical
