"""Answers that are kept though they are for no order, and records that are forgotten in time."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from ordermesh.api.routing import v1
from ordermesh.client import proof
from ordermesh.routing.store.decisions import SqlDecisionStore
from tests.routing.house import House, line, new_id, refused
from tests.routing.requests import question
from tests.routing.test_explaining import decided, explained

STORE = SqlDecisionStore()
LATER = datetime.now(UTC) + timedelta(days=1)


@pytest.fixture
async def mugs(house: House) -> House:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    return house


async def record(house: House, decision: v1.Decision) -> v1.ExportDecisionResponse:
    request = v1.ExportDecisionRequest(decision_id=decision.decision_id)
    return await house.mesh.sourcing.ExportDecision(request)


async def replay(house: House, decision: v1.Decision) -> v1.ReplayDecisionResponse:
    request = v1.ReplayDecisionRequest(decision_id=decision.decision_id)
    return await house.mesh.sourcing.ReplayDecision(request)


async def read(house: House, decision: v1.Decision) -> v1.GetDecisionResponse:
    request = v1.GetDecisionRequest(decision_id=decision.decision_id)
    return await house.mesh.sourcing.GetDecision(request)


async def test_an_answer_that_is_not_to_be_kept_has_no_name(mugs: House) -> None:
    reply = await mugs.mesh.sourcing.SourceOrder(question())
    assert reply.decision.decision_id == ""


async def test_what_was_only_asked_is_read_explained_proved_and_made_again(mugs: House) -> None:
    reply = await mugs.mesh.sourcing.SourceOrder(question(keep_record=True))

    decision = reply.decision
    assert (await read(mugs, decision)).decision == decision
    assert (await explained(mugs, decision, "NEAR")).locations[0].chosen
    proof.check(json.loads((await record(mugs, decision)).record_json))
    assert (await replay(mugs, decision)).identical


async def test_a_retry_is_answered_as_before_whatever_has_become_of_the_stock(
    mugs: House,
) -> None:
    request = question(keep_record=True)
    first = await mugs.mesh.sourcing.SourceOrder(request)
    await mugs.submit("O-1", line("1", "MUG", 5))

    assert await mugs.mesh.sourcing.SourceOrder(request) == first


async def test_what_would_be_decided_for_an_order_is_none_of_its_decisions(mugs: House) -> None:
    await mugs.submit("O-1", line("1", "MUG", 2))
    before = (await mugs.order("O-1")).decision_ids

    reply = await mugs.source("O-1", validate_only=True, keep_record=True)

    assert reply.decision.order_id == "O-1"
    assert (await replay(mugs, reply.decision)).identical
    assert (await mugs.order("O-1")).decision_ids == before


async def test_records_are_forgotten_and_the_decisions_of_orders_stay(mugs: House) -> None:
    await mugs.submit("O-1", line("1", "MUG", 2))
    made = await decided(mugs)
    asked = (await mugs.mesh.sourcing.SourceOrder(question(keep_record=True))).decision
    database = mugs.database
    assert database is not None
    long_ago = datetime.now(UTC) - timedelta(days=1)
    assert await database.run(lambda tx: STORE.prune_records(tx, long_ago)) == 0
    assert await database.run(lambda tx: STORE.prune_asked(tx, long_ago)) == 0

    assert await database.run(lambda tx: STORE.prune_records(tx, LATER)) == 2
    for decision in (made, asked):
        assert (await refused(record(mugs, decision))).reason == "NO_RECORD"
    assert await database.run(lambda tx: STORE.prune_asked(tx, LATER)) == 1
    assert (await refused(read(mugs, asked))).reason == "DECISION_NOT_FOUND"
    assert (await read(mugs, made)).decision == made
    assert await database.run(lambda tx: STORE.prune_asked(tx, LATER)) == 0


async def test_a_retry_is_answered_as_before_whatever_has_become_of_the_order(mugs: House) -> None:
    await mugs.submit("O-1", line("1", "MUG", 2))
    wanted = {"request_id": new_id(), "validate_only": True, "keep_record": True}
    first = await mugs.source("O-1", **wanted)
    (work,) = await mugs.work("O-1")
    await mugs.accept(work)

    assert await mugs.source("O-1", **wanted) == first
