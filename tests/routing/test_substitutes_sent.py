"""Over the wire: a substitute is reserved, told, proven and replayed."""

import json
from typing import Any

import pytest

from ordermesh.api.order.v1 import StockMatrix
from ordermesh.api.routing import v1
from ordermesh.client import proof
from ordermesh.routing.operations import planning
from tests.eventually import eventually
from tests.routing.house import IF_SOURCED, House, line, refused, usd
from tests.routing.looks import has_work_at, only_line
from tests.routing.policing import save
from tests.routing.reoptimizing import fates, reoptimize
from tests.routing.requests import question as a_question


def replacing(**fields: Any) -> v1.Rule:
    message = v1.Substitute(
        **{"sku": "CUP", "when": v1.Substitute.WHEN_SHORT, "units_each": 1, **fields}
    )
    return v1.Rule(rule_id="R", scope=v1.RuleScope(skus=["MUG"]), substitute=message)


def mugs(units: int, **fields: Any) -> Any:
    return line("1", "MUG", units, **{"accepts_substitutes": True, **fields})


async def test_without_the_customers_consent_the_order_is_refused(house: House) -> None:
    await house.stock({"MUG at NEAR": 1, "CUP at NEAR": 9})
    await save(house, rules=[replacing()])

    refusal = await refused(
        house.submit("O-1", mugs(2, accepts_substitutes=False), acceptance=IF_SOURCED)
    )

    assert refusal.reason == "INSUFFICIENT_STOCK"
    assert await house.balance("CUP at NEAR") == (9, 0, 9)


@pytest.mark.parametrize("acceptance", [IF_SOURCED, v1.SubmitOrderRequest.ACCEPTANCE_ALWAYS])
async def test_the_substitute_is_reserved_sent_and_told_and_the_line_keeps_what_was_ordered(
    house: House, acceptance: Any
) -> None:
    await house.stock({"MUG at NEAR": 1, "CUP at NEAR": 9})
    await save(house, rules=[replacing(units_each=2, price=v1.Substitute.PRICE_LOWER)])

    reply = await house.submit("O-1", mugs(2, unit_price=usd(9)), acceptance=acceptance)

    only = only_line(reply.order)
    assert (only.sku, only.quantity, only.sourced_quantity) == ("MUG", 2, 2)
    assert (only.accepts_substitutes, only.substituted_quantity) == (True, 2)
    (said,) = reply.decision.substitutions
    assert (said.line_id, said.ordered_sku, said.sku, said.units_each) == ("1", "MUG", "CUP", 2)
    assert (said.rule_id, said.unit_price) == ("R", usd(9))
    assert await house.balance("CUP at NEAR") == (9, 4, 5)
    assert await house.balance("MUG at NEAR") == (1, 0, 1)
    (task,) = await house.work("O-1")
    (sent,) = task.lines
    assert (sent.sku, sent.quantity, sent.instead_of_sku, sent.units_each) == ("CUP", 4, "MUG", 2)
    assert sent.ordered_unit_price == usd(9)
    await house.ship(task)
    order = await house.order("O-1")
    assert order.state == v1.Order.STATE_FULFILLED
    assert only_line(order).shipped_quantity == 2
    assert await house.balance("CUP at NEAR") == (5, 0, 5)


async def test_a_location_that_has_no_substitute_either_is_left_for_the_next_one(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 2, "CUP at EAST": 9})
    await save(house, rules=[replacing()])
    await house.submit("O-1", mugs(2))
    (task,) = await house.work("O-1")

    await house.reject(task)

    await eventually(lambda: has_work_at(house, "O-1", "EAST"))
    assert only_line(await house.order("O-1")).substituted_quantity == 2
    assert await house.balance("MUG at NEAR") == (2, 0, 2)
    await house.cancel("O-1")
    assert await house.balance("CUP at EAST") == (9, 0, 9)


async def test_the_record_is_proven_and_replayed_and_another_policy_fills_otherwise(
    house: House,
) -> None:
    await house.stock({"MUG at WEST": 3, "CUP at NEAR": 9})
    cheaper = replacing(when=v1.Substitute.WHEN_CHEAPER)
    await save(house, rules=[cheaper])
    await save(house, "plain")
    reply = await house.submit("O-1", mugs(2))
    name = reply.decision.decision_id

    text = (
        await house.mesh.sourcing.ExportDecision(v1.ExportDecisionRequest(decision_id=name))
    ).record_json
    again = await house.mesh.sourcing.ReplayDecision(v1.ReplayDecisionRequest(decision_id=name))
    plain = await house.mesh.sourcing.ReplayDecision(
        v1.ReplayDecisionRequest(decision_id=name, policy_id="plain")
    )

    (said,) = reply.decision.substitutions
    assert said.sentence.startswith("line 1: CUP for MUG: the order costs ")
    proof.check(json.loads(text))
    assert again.identical
    # The plan alone would say that cups were ordered.
    assert list(again.decision.substitutions) == [said]
    assert not plain.decision.substitutions
    assert [one.location_id for one in plain.decision.plan.shipments] == ["WEST"]
    record = json.loads(text)
    record["replaced"][0]["sku"] = "MUG"
    record["seal"] = proof.digest({k: v for k, v in record.items() if k != "seal"})
    with pytest.raises(proof.Refused):
        proof.check(record)


async def test_a_question_tells_what_would_be_sent_and_holds_nothing(house: House) -> None:
    await house.items("MUG", "CUP")
    await save(house, rules=[replacing()])
    asked = v1.SourcingLine(line_id="1", sku="MUG", quantity=1, accepts_substitutes=True)
    stock = StockMatrix(skus=["CUP"], location_ids=["NEAR"], quantities=[1])

    reply = await house.mesh.sourcing.SourceOrder(a_question(asked, supplied_stock=stock))

    assert [one.sku for one in reply.decision.substitutions] == ["CUP"]


async def test_orders_with_substitutes_are_not_moved_to_save_cost(house: House) -> None:
    await house.items("MUG")
    await house.stock({"CUP at WEST": 2})
    await save(house, rules=[replacing()])
    await house.submit("O-1", mugs(2))
    await house.receive({"CUP at NEAR": 2})

    reply = await reoptimize(house)

    assert fates(reply) == {"O-1": "NOT_MOVABLE"}

    assert [one.location_id for one in await house.work("O-1")] == ["WEST"]


async def test_what_is_sent_instead_is_known_beside_what_was_ordered_when_memory_is_full(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "ITEMS_REMEMBERED", 2)
    await house.stock({"LAMP at NEAR": 1, "TRAY at NEAR": 1, "MUG at NEAR": 1, "CUP at NEAR": 9})
    await save(house, rules=[replacing()])
    first = [v1.SourcingLine(line_id=sku, sku=sku, quantity=1) for sku in ("LAMP", "TRAY")]
    await house.mesh.sourcing.SourceOrder(a_question(*first))
    asked = v1.SourcingLine(line_id="1", sku="MUG", quantity=2, accepts_substitutes=True)

    told = await house.mesh.sourcing.SourceOrder(a_question(asked))

    assert [one.sku for one in told.decision.substitutions] == ["CUP"]
