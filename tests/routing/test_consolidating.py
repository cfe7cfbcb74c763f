"""Orders are brought together at a hub: decided, reserved, brought, and sent on as one."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ordermesh.api.routing import v1
from ordermesh.client import proof
from ordermesh.routing.domain import hub_work, lapsing, outcomes, verbs
from ordermesh.routing.domain.errors.fulfillment import WrongState
from ordermesh.routing.domain.errors.order import WorkInProgress
from ordermesh.routing.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentState,
    RejectReason,
)
from ordermesh.routing.domain.linting.rules import shadowed
from ordermesh.routing.domain.order import OrderLine, OrderState, counted
from ordermesh.routing.domain.rules.rule import Consolidate
from ordermesh.routing.domain.saga import Action
from ordermesh.routing.domain.story import Story
from tests.eventually import eventually
from tests.routing.house import House, line, new_id, refused, usd
from tests.routing.policing import asked, number, rule, save, sent, text
from tests.routing.ruling import rule as a_rule
from tests.routing.test_actions import a_policy, told
from tests.routing.test_lifecycles import NOW, a_saga, an_order, work
from tests.routing.test_pickup import lanes, transfer

RELEASED, ON_HOLD = FulfillmentState.RELEASED, FulfillmentState.ON_HOLD
SHIPPED, DELIVERED = FulfillmentState.SHIPPED, FulfillmentState.DELIVERED
SHIPPING = FulfillmentState.SHIPPING
CANCELLED, REJECTED = FulfillmentState.CANCELLED, FulfillmentState.REJECTED


# Who waits for whom


def brings(name: str, sku: str, state: FulfillmentState = RELEASED) -> FulfillmentOrder:
    return work(
        state,
        FulfillmentLine(name, sku, 1),
        fulfillment_order_id=name,
        location_id=name,
        hub_location_id="HUB",
    )


def at_hub(*names: str, own: bool = False) -> FulfillmentOrder:
    lines = [FulfillmentLine(name, f"SKU-{name}", 1, brought_by=name) for name in names]
    if own:
        lines.append(FulfillmentLine("H", "SKU-H", 1))
    return work(ON_HOLD, *lines, fulfillment_order_id="HUB", location_id="HUB")


def a_story(*works: FulfillmentOrder) -> Story:
    names = {one.line_id: one.sku for each in works for one in each.lines}
    order = an_order(*(OrderLine(name, sku, 1) for name, sku in sorted(names.items())))
    return Story(counted(order, works), a_saga(), works)


def states(story: Story) -> dict[str, FulfillmentState]:
    return {one.fulfillment_order_id[:3]: one.state for one in story.work}


def test_a_hub_does_not_begin_before_everything_has_come() -> None:
    story = a_story(brings("A", "SKU-A", SHIPPED), brings("B", "SKU-B", SHIPPED), at_hub("A", "B"))

    with pytest.raises(WrongState):
        verbs.accept(story, "HUB")
    first, _ = verbs.deliver(story, "A", NOW, NOW)
    assert states(first)["HUB"] is ON_HOLD
    last, events = verbs.deliver(first, "B", NOW, NOW)
    assert states(last)["HUB"] is RELEASED
    assert last.order.state is OrderState.RELEASED
    assert [type(one).__name__ for one in events] == [
        "FulfillmentOrderDelivered",
        "OrderHoldReleased",
    ]


def test_what_is_brought_is_counted_once() -> None:
    story = a_story(brings("A", "SKU-A", SHIPPED), at_hub("A", own=True))

    assert [line.sourced for line in story.order.lines] == [1, 1]
    assert [line.shipped for line in story.order.lines] == [1, 0]
    assert story.order.state is not OrderState.FULFILLED


def test_where_one_does_not_come_the_others_that_have_not_left_are_decided_again_too() -> None:
    story = a_story(brings("A", "SKU-A"), brings("B", "SKU-B"), at_hub("A", "B", own=True))

    after, _ = verbs.reject(story, "A", RejectReason.NOT_FOUND)

    assert states(after) == {"A": REJECTED, "B": CANCELLED, "HUB": CANCELLED}
    assert [line.undecided for line in after.order.lines] == [1, 1, 1]


def test_what_has_left_for_the_hub_is_sent_from_there_by_itself() -> None:
    story = a_story(brings("A", "SKU-A"), brings("B", "SKU-B", SHIPPED), at_hub("A", "B"))

    after, _ = verbs.reject(story, "A", RejectReason.NOT_FOUND)

    assert [line.undecided for line in after.order.lines] == [1, 0]
    rest = after.work[-1]
    assert (rest.location_id, rest.state) == ("HUB", ON_HOLD)
    assert [(one.line_id, one.brought_by) for one in rest.lines] == [("B", "B")]
    came, _ = verbs.deliver(after, "B", NOW, NOW)
    assert came.work[-1].state is RELEASED
    with pytest.raises(WrongState):
        verbs.reject(came, rest.fulfillment_order_id, RejectReason.CLOSED)


def test_what_has_left_is_sent_on_once_when_another_run_comes_to_nothing_later() -> None:
    works = (brings("A", "SKU-A", SHIPPED), brings("B", "SKU-B", SHIPPING), brings("C", "SKU-C"))
    story = a_story(*works, at_hub("A", "B", "C"))
    first, _ = verbs.reject(story, "C", RejectReason.NOT_FOUND)

    # The ledger has no such goods, and the location finds none either.
    refused_by_ledger = outcomes.take_back_shipping(first, "B")
    after, _ = verbs.reject(refused_by_ledger, "B", RejectReason.NOT_FOUND)

    sends_a = [
        one.fulfillment_order_id
        for one in after.work
        if one.state is ON_HOLD and any(part.brought_by == "A" for part in one.lines)
    ]
    assert len(sends_a) == 1


def test_a_hub_that_will_not_do_it_takes_back_what_has_not_left() -> None:
    story = a_story(brings("A", "SKU-A"), at_hub("A", own=True))

    after, _ = verbs.reject(story, "HUB", RejectReason.CLOSED)

    assert states(after) == {"A": CANCELLED, "HUB": REJECTED}
    assert hub_work.resettled(after.work, after.order) == after.work


def test_a_hub_to_which_everything_was_brought_is_not_asked_whether_it_will() -> None:
    offered = replace(at_hub("A"), answer_within=timedelta(hours=1))
    story = a_story(brings("A", "SKU-A", SHIPPED), offered)
    came, _ = verbs.deliver(story, "A", NOW, NOW)
    later = NOW + timedelta(hours=2)

    after, events = lapsing.lapse(lapsing.asked(came, NOW), later)

    assert (states(after)["HUB"], events) == (RELEASED, ())
    assert after.due(later) is Action.SETTLED


def test_what_a_hub_that_did_not_answer_sends_on_all_the_same_is_not_asked_again() -> None:
    offered = replace(at_hub("A", own=True), answer_within=timedelta(hours=1))
    story = a_story(brings("A", "SKU-A", SHIPPED), offered)
    came, _ = verbs.deliver(story, "A", NOW, NOW)
    later = NOW + timedelta(hours=2)

    late, _ = lapsing.lapse(lapsing.asked(came, NOW), later)
    much_later = later + timedelta(hours=2)
    after, events = lapsing.lapse(lapsing.asked(late, later), much_later)

    assert states(late)["HUB"] is REJECTED
    assert (after.work[-1].state, events) == (RELEASED, ())


def test_sourcing_again_leaves_what_goes_to_a_hub_with_what_a_location_has_accepted() -> None:
    accepted = brings("A", "SKU-A", FulfillmentState.ACCEPTED)
    begun = a_story(accepted, brings("B", "SKU-B"), at_hub("A", "B"))
    unbegun = a_story(brings("A", "SKU-A"), brings("B", "SKU-B"), at_hub("A", "B"))

    with pytest.raises(WorkInProgress):
        verbs.decide_again(begun, request_id=UUID(int=7))
    after = verbs.decide_again(unbegun, request_id=UUID(int=7))

    assert set(states(after).values()) == {CANCELLED}


def test_the_linter_tells_of_hubs_that_another_rule_allows_already() -> None:
    both = a_rule(Consolidate(("A", "B")), rule_id="both")
    one = a_rule(Consolidate(("A",)), rule_id="one")
    must = a_rule(Consolidate(("A",), required=True), rule_id="must")

    assert [each.subjects for each in shadowed(a_policy(both, one))] == [("one", "both")]
    assert [each.subjects for each in shadowed(a_policy(both, must))] == []


# Over the wire


def hub(*conditions: v1.Condition, **fields: Any) -> v1.Rule:
    message = v1.Consolidate(**{"hub_location_ids": ["NEAR"], **fields})
    return v1.Rule(rule_id="hub", conditions=conditions, consolidate=message)


CHEAP = {"fixed_cost": usd(0.1), "cost_per_unit": usd(0)}
STOCK = {"EAST": {"MUG": 1}, "SOUTH": {"TEA": 1}}
WANTED = {"MUG": 1, "TEA": 1}


async def a_hub(house: House, *rules: v1.Rule, **run: Any) -> None:
    await house.items("MUG", "TEA")
    await save(house, rules=rules or [hub()])
    fields = {**CHEAP, **run}
    await lanes(house, *(transfer(name, "NEAR", **fields) for name in ("EAST", "SOUTH", "WEST")))


async def test_hubs_are_nobodys_where_no_rule_says_so(house: House) -> None:
    await a_hub(house, hub(text("ORDER_CHANNEL", "marketplace")))

    decision = await asked(house, WANTED, STOCK)

    assert set(sent(decision)) == {"EAST", "SOUTH"}
    assert not any(shipment.legs for shipment in decision.plan.shipments)


async def test_bringing_together_is_weighed_against_splitting_by_what_it_costs(
    house: House,
) -> None:
    await a_hub(house)

    cheap = await asked(house, WANTED, STOCK)
    await lanes(house, *(transfer(name, "NEAR", fixed_cost=usd(9)) for name in ("EAST", "SOUTH")))
    dear = await asked(house, WANTED, STOCK)

    (one,) = cheap.plan.shipments
    assert (one.location_id, one.parcel_count) == ("NEAR", 1)
    assert {leg.location_id: leg.parcels[0].service_id for leg in one.legs} == {
        "EAST": "/EAST-NEAR",
        "SOUTH": "/SOUTH-NEAR",
    }
    assert set(sent(dear)) == {"EAST", "SOUTH"}
    assert cheap.cost.units < dear.cost.units
    assert cheap.outcome == dear.outcome == v1.Outcome.OUTCOME_OPTIMAL
    assert [rule.applied for rule in cheap.rules] == [True]


async def test_days_count_until_the_hub_has_sent_it_on(house: House) -> None:
    await a_hub(house)

    (one,) = (await asked(house, WANTED, STOCK)).plan.shipments
    direct = await asked(house, {"MUG": 1}, STOCK)

    assert one.days > direct.plan.shipments[0].days
    hard = rule("hard", promise=v1.PromiseRule(hard=True))
    await save(house, rules=[hub(), hard])
    soon = await asked(house, WANTED, STOCK, promise_days=one.days - 1)
    late = await asked(house, WANTED, STOCK, promise_days=one.days)
    assert set(sent(soon)) == {"EAST", "SOUTH"}
    assert set(sent(late)) == {"NEAR"}


async def test_an_order_that_must_leave_as_one_does_or_is_left(house: House) -> None:
    await a_hub(house, hub(required=True), fixed_cost=usd(20))

    brought = await asked(house, WANTED, STOCK)
    alone = await asked(house, WANTED, {"EAST": {"MUG": 1, "TEA": 1}, **STOCK})
    nowhere = await asked(house, WANTED, {"EAST": {"MUG": 1}, "NEAR": {}})

    assert set(sent(brought)) == {"NEAR"}
    assert len(alone.plan.shipments) == 1
    assert not alone.plan.shipments[0].legs or alone.cost.units <= brought.cost.units
    assert [one.sku for one in nowhere.unfilled_lines] == ["TEA"]


async def test_what_a_rule_keeps_at_a_location_is_not_brought_from_there(house: House) -> None:
    fence = rule("no-south", text("LOCATION_ID", "SOUTH"))
    await a_hub(house, hub(), fence)

    decision = await asked(house, WANTED, STOCK)

    assert [one.sku for one in decision.unfilled_lines] == ["TEA"]


@pytest.mark.parametrize(
    "ruling",
    [
        rule("no-near", text("LOCATION_ID", "NEAR")),
        rule(
            "ban",
            text("LOCATION_ID", "NEAR"),
            service=v1.ServiceRule(service_ids=["standard"], banned=True),
        ),
        rule("dear", text("LOCATION_ID", "NEAR"), charge=v1.Charge(per_shipment=usd(20))),
    ],
    ids=["fence", "ban", "charge"],
)
async def test_rules_hold_at_a_hub_that_has_nothing_of_the_order(
    house: House, ruling: v1.Rule
) -> None:
    await a_hub(house, hub(), ruling)

    decision = await asked(house, WANTED, {**STOCK, "NEAR": {}})

    assert set(sent(decision)) == {"EAST", "SOUTH"}
    assert [(one.rule_id, one.applied) for one in decision.rules][-1] == (ruling.rule_id, True)


async def test_what_a_rule_says_of_stock_at_a_hub_is_not_said_of_what_is_brought(
    house: House,
) -> None:
    last = rule("keep the last", number("STOCK_AVAILABLE", at_most=1))
    await a_hub(house, hub(), last)
    plenty = {"EAST": {"MUG": 3}, "SOUTH": {"TEA": 3}, "NEAR": {"MUG": 1, "TEA": 1}}

    (shipment,) = (await asked(house, WANTED, plenty)).plan.shipments

    assert shipment.location_id == "NEAR"
    assert {leg.location_id for leg in shipment.legs} == {"EAST", "SOUTH"}


async def test_the_last_unit_is_not_taken_twice_by_the_hub_and_by_itself(house: House) -> None:
    await a_hub(house)

    decision = await asked(house, {"MUG": 2}, {"EAST": {"MUG": 1}, "NEAR": {"MUG": 1}})

    assert not decision.unfilled_lines
    units = sum(
        part.quantity
        for shipment in decision.plan.shipments
        for one in (shipment.legs or [shipment])
        for part in one.lines
    )
    assert units == 2


async def test_an_order_is_brought_together_and_leaves_when_everything_has_come(
    house: House,
) -> None:
    await a_hub(house)
    await house.receive({"MUG at EAST": 1, "TEA at SOUTH": 1})

    reply = await house.submit("O-1", line("1", "MUG"), line("2", "TEA"))

    works = {one.location_id: one for one in await house.work("O-1")}
    assert {name: one.hub_location_id for name, one in works.items()} == {
        "EAST": "NEAR",
        "SOUTH": "NEAR",
        "NEAR": "",
    }
    near = works["NEAR"]
    assert near.state == v1.FulfillmentOrder.STATE_ON_HOLD
    assert {one.brought_by for one in near.lines} == {
        works[name].fulfillment_order_id for name in ("EAST", "SOUTH")
    }
    assert reply.order.state == v1.Order.STATE_RELEASED
    assert await house.balance("MUG at EAST") == (1, 1, 0)
    assert (await refused(house.ship(near))).reason == "WRONG_STATE"
    for name in ("EAST", "SOUTH"):
        await house.ship(works[name])
        await came(house, works[name])
    assert await house.balance("MUG at EAST") == (0, 0, 0)
    order = await house.order("O-1")
    assert order.state == v1.Order.STATE_RELEASED
    last = next(one for one in await house.work("O-1") if one.location_id == "NEAR")
    assert last.state == v1.FulfillmentOrder.STATE_RELEASED
    await house.ship(await house.accept(last))
    assert (await house.order("O-1")).state == v1.Order.STATE_FULFILLED
    assert "hold_released" in await told(house, "O-1", "fulfilled")


async def came(house: House, task: v1.FulfillmentOrder) -> None:
    await house.mesh.fulfillments.DeliverFulfillmentOrder(
        v1.DeliverFulfillmentOrderRequest(
            request_id=new_id(), fulfillment_order_id=task.fulfillment_order_id
        )
    )


async def test_where_one_location_rejects_it_is_all_decided_again(house: House) -> None:
    await a_hub(house)
    await house.receive({"MUG at EAST": 1, "TEA at SOUTH": 1, "MUG at WEST": 1})
    await house.submit("O-1", line("1", "MUG"), line("2", "TEA"))
    east = next(one for one in await house.work("O-1") if one.location_id == "EAST")

    await house.reject(east)

    async def is_decided() -> bool:
        order = await house.order("O-1")
        return [one.sourced_quantity for one in order.lines] == [1, 1]

    await eventually(is_decided)
    assert await house.balance("MUG at EAST") == (1, 0, 1)
    assert await house.balance("MUG at WEST") == (1, 1, 0)
    assert await house.balance("TEA at SOUTH") == (1, 1, 0)


async def test_a_cancelled_order_gives_everything_back(house: House) -> None:
    await a_hub(house)
    await house.receive({"MUG at EAST": 1, "TEA at SOUTH": 1})
    await house.submit("O-1", line("1", "MUG"), line("2", "TEA"))

    order = await house.cancel("O-1")

    assert order.state == v1.Order.STATE_CANCELLED
    assert await house.balance("MUG at EAST") == (1, 0, 1)
    assert await house.balance("TEA at SOUTH") == (1, 0, 1)


async def test_the_record_is_proven_replayed_and_explained(house: House) -> None:
    await a_hub(house)
    await house.receive({"MUG at EAST": 1, "TEA at SOUTH": 1})
    reply = await house.submit("O-1", line("1", "MUG"), line("2", "TEA"))
    name = reply.decision.decision_id

    exported = await house.mesh.sourcing.ExportDecision(v1.ExportDecisionRequest(decision_id=name))
    again = await house.mesh.sourcing.ReplayDecision(v1.ReplayDecisionRequest(decision_id=name))
    told_why = await house.mesh.sourcing.ExplainDecision(
        v1.ExplainDecisionRequest(decision_id=name)
    )

    record = json.loads(exported.record_json)
    proof.check(record)
    assert again.identical
    assert any(one.chosen for one in told_why.locations)
    changes: list[dict[str, Any]] = [
        {"location_id": "WEST"},
        {"days": 1},
        {"lines": []},
        {"costs": {**record["plan"]["shipments"][0]["legs"][0]["costs"], "freight": 0}},
    ]
    for change in changes:
        wrong = json.loads(exported.record_json)
        wrong["plan"]["shipments"][0]["legs"][0].update(change)
        wrong["seal"] = proof.digest({k: v for k, v in wrong.items() if k != "seal"})
        with pytest.raises((proof.Refused, KeyError)):
            proof.check(wrong)
