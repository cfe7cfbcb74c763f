"""Decisions of the running mesh are explained, asked about, made again, checked by strangers."""

import json

import pytest

from ordermesh.api.routing.v1 import (
    AskCounterfactualRequest,
    CapacityChange,
    Change,
    Conflict,
    CostChange,
    Decision,
    ExplainDecisionRequest,
    ExplainDecisionResponse,
    ExportDecisionRequest,
    GetDecisionRequest,
    LocationExplanation,
    ReplayDecisionRequest,
    ShipmentsChange,
    StockChange,
)
from ordermesh.client import proof
from tests.routing.house import House, entry, line, new_id, refused, usd


async def decided(house: House, order_id: str = "O-1") -> Decision:
    order = await house.order(order_id)
    (decision_id,) = order.decision_ids
    reply = await house.mesh.sourcing.GetDecision(GetDecisionRequest(decision_id=decision_id))
    return reply.decision


async def explained(house: House, decision: Decision, *names: str) -> ExplainDecisionResponse:
    return await house.mesh.sourcing.ExplainDecision(
        ExplainDecisionRequest(decision_id=decision.decision_id, location_ids=names)
    )


def at(response: ExplainDecisionResponse, name: str) -> LocationExplanation:
    return next(one for one in response.locations if one.location_id == name)


async def test_a_decision_is_explained_location_by_location(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await house.network(entry("WEST", methods=[]))
    await house.submit("O-1", line("1", "MUG", 3))
    decision = await decided(house)

    told = await explained(house, decision, "NEAR", "EAST", "WEST")

    assert at(told, "NEAR").chosen
    east, west = at(told, "EAST"), at(told, "WEST")
    assert not east.removals
    assert east.loses_by.units > 0
    assert [one.WhichOneof("change") for one in east.flip] == ["cost"]
    assert "EAST loses by" in east.sentence
    assert [one.rule for one in west.removals] == ["SWITCHED_OFF"]
    assert "It would be used if" in east.sentence
    assert not told.HasField("conflict")


async def test_what_is_said_to_flip_a_decision_flips_it_when_asked(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await house.submit("O-1", line("1", "MUG", 3))
    decision = await decided(house)
    told = await explained(house, decision, "EAST")

    asked = AskCounterfactualRequest(
        decision_id=decision.decision_id, changes=at(told, "EAST").flip
    )
    reply = await house.mesh.sourcing.AskCounterfactual(asked)

    assert reply.differs
    assert [one.location_id for one in reply.decision.plan.shipments] == ["EAST"]
    assert reply.decision.decision_id == ""
    assert (await decided(house)).decision_id == decision.decision_id


async def test_a_replay_is_identical_and_another_policy_answers_differently(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await house.submit("O-1", line("1", "MUG", 3))
    decision = await decided(house)
    await house.stock({"MUG at EAST": 100})
    await house.network(entry("NEAR", methods=[]))

    again = await house.mesh.sourcing.ReplayDecision(
        ReplayDecisionRequest(decision_id=decision.decision_id)
    )

    assert again.identical
    assert again.decision.plan == decision.plan
    assert again.decision.cost == decision.cost
    assert again.decision.problem_hash == decision.problem_hash
    under = await house.mesh.sourcing.ReplayDecision(
        ReplayDecisionRequest(decision_id=decision.decision_id, policy_id="default")
    )
    assert not under.identical
    # The stock is that of the record, the network is that of now.
    assert [one.location_id for one in under.decision.plan.shipments] == ["EAST"]


async def test_an_exported_decision_is_accepted_by_a_stranger_and_refused_when_changed(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 2, "MUG at EAST": 5, "LAMP at WEST": 1})
    await house.submit("O-1", line("1", "MUG", 3), line("2", "LAMP"))
    decision = await decided(house)

    reply = await house.mesh.sourcing.ExportDecision(
        ExportDecisionRequest(decision_id=decision.decision_id)
    )

    record = json.loads(reply.record_json)
    proof.check(record)
    assert record["order_id"] == "O-1"
    assert record["ledger_revision"] == decision.ledger_revision
    record["plan"]["shipments"][0]["days"] += 1
    with pytest.raises(proof.Refused):
        proof.check(record)


async def test_an_order_that_cannot_be_filled_says_what_conflicts_and_what_could_give_way(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 2, "MUG at EAST": 2})
    await house.network(entry("EAST", methods=[]))
    await house.submit("O-1", line("1", "MUG", 4))
    decision = await decided(house)

    told = await explained(house, decision, "EAST")

    conflict = told.conflict
    assert isinstance(conflict, Conflict)
    assert {one.name for one in conflict.members} == {"SWITCHED_OFF", "MUG"}
    assert conflict.ways_out
    assert all(way.cost.units > 0 for way in conflict.ways_out)


async def test_what_cannot_be_explained_is_refused_with_its_reason(house: House) -> None:
    await house.stock({"MUG at NEAR": 2})
    await house.submit("O-1", line("1", "MUG"))
    decision = await decided(house)
    sourcing = house.mesh.sourcing

    unknown = await refused(sourcing.ExplainDecision(ExplainDecisionRequest(decision_id=new_id())))
    nowhere = await refused(explained(house, decision, "NOWHERE"))
    euros = Change(cost=CostChange(location_id="NEAR", amount=usd(1)))
    euros.cost.amount.currency_code = "EUR"
    foreign = await refused(
        sourcing.AskCounterfactual(
            AskCounterfactualRequest(decision_id=decision.decision_id, changes=[euros])
        )
    )
    policy = await refused(
        sourcing.ReplayDecision(
            ReplayDecisionRequest(decision_id=decision.decision_id, policy_id="nobodys")
        )
    )

    assert unknown.reason == "DECISION_NOT_FOUND"
    assert nowhere.reason == "FIELD_VIOLATION"
    assert foreign.reason == "CURRENCY_MISMATCH"
    assert policy.reason == "POLICY_NOT_FOUND"


async def test_stock_room_and_limits_can_be_otherwise(house: House) -> None:
    await house.stock({"MUG at NEAR": 2, "MUG at EAST": 2})
    await house.submit("O-1", line("1", "MUG", 4))
    decision = await decided(house)
    changes = [
        Change(stock=StockChange(location_id="WEST", sku="MUG", units=9)),
        Change(capacity=CapacityChange(location_id="WEST")),
        Change(shipments=ShipmentsChange(shipments_max=1)),
    ]

    reply = await house.mesh.sourcing.AskCounterfactual(
        AskCounterfactualRequest(decision_id=decision.decision_id, changes=changes)
    )

    assert [one.location_id for one in reply.decision.plan.shipments] == ["WEST"]
    assert reply.differs


async def test_src_30_the_service_reads_stock_itself_at_the_revision_that_it_records(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 1, "LAMP at NEAR": 1})
    await house.submit("O-1", line("1", "MUG"), line("2", "LAMP"))
    first = await decided(house)

    await house.stock({"MUG at EAST": 1})
    again = (await house.source("O-1", validate_only=True)).decision

    assert first.ledger_revision > 0
    assert again.ledger_revision > first.ledger_revision
    assert [one.location_id for one in again.plan.shipments] == ["NEAR"]
