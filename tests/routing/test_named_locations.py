"""Orders that name who sends them, or who must not."""

from typing import Any

import pytest

from ordermesh.api.order.v1 import Destination, FulfillmentMethod
from ordermesh.api.routing import v1
from tests.routing.house import IF_SOURCED, House, entry, line, refused
from tests.routing.policing import asked, removed_by, sent
from tests.routing.test_consolidating import a_hub

ALL = {name: {"MUG": 5} for name in ("NEAR", "EAST", "SOUTH", "WEST")}


def only(*names: str) -> v1.OrderTraits:
    return v1.OrderTraits(only_location_ids=names)


def not_from(*names: str) -> v1.OrderTraits:
    return v1.OrderTraits(excluded_location_ids=names)


@pytest.mark.parametrize("traits", [only("MOON"), not_from("MOON")])
async def test_a_location_that_nobody_knows_is_refused(
    house: House, traits: v1.OrderTraits
) -> None:
    await house.stock({"MUG at NEAR": 5})
    ask = v1.GetPromiseRequest(
        lines=[v1.SourcingLine(line_id="1", sku="MUG", quantity=1)],
        destination=Destination(country_code="US", postal_code="60601"),
        traits=traits,
    )

    for call in (
        house.submit("O-1", line("1", "MUG"), traits=traits),
        asked(house, {"MUG": 1}, ALL, traits=traits),
        house.mesh.promises.GetPromise(ask),
    ):
        assert (await refused(call)).reason == "UNKNOWN_LOCATION"


async def test_only_who_is_named_sends_and_the_others_say_why_not(house: House) -> None:
    await house.items("MUG")

    free = await asked(house, {"MUG": 2}, ALL)
    forced = await asked(house, {"MUG": 2}, ALL, traits=only("WEST"))
    without = await asked(house, {"MUG": 2}, ALL, traits=not_from("NEAR", "EAST"))
    short = await asked(house, {"MUG": 9}, ALL, traits=only("WEST"))

    assert set(sent(free)) == {"NEAR"}
    assert set(sent(forced)) == {"WEST"}
    assert not {"NEAR", "EAST"} & set(sent(without))
    assert removed_by(forced)["NEAR"] == "NOT_ALLOWED"
    assert facts(forced)["SOUTH"] == "the order allows WEST only"
    assert facts(without)["EAST"] == "the order excludes it"
    assert [(one.unfilled, one.reason) for one in short.unfilled_lines] == [
        (4, "INSUFFICIENT_STOCK")
    ]


def facts(decision: v1.Decision) -> dict[str, str]:
    return {one.location_id: one.fact for one in decision.candidates}


async def test_what_is_excluded_is_not_brought_to_a_hub_either(house: House) -> None:
    await a_hub(house)
    stock = {"EAST": {"MUG": 1}, "SOUTH": {"TEA": 1}}
    wanted = {"MUG": 1, "TEA": 1}

    brought = await asked(house, wanted, stock)
    without = await asked(house, wanted, stock, traits=not_from("SOUTH"))
    no_hub = await asked(house, wanted, stock, traits=not_from("NEAR"))

    assert set(sent(brought)) == {"NEAR"}
    assert [one.sku for one in without.unfilled_lines] == ["TEA"]
    assert set(sent(no_hub)) == {"EAST", "SOUTH"}


async def test_an_order_keeps_what_it_names_when_it_is_decided_again(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at WEST": 1})
    traits = only("WEST")

    order = (await house.submit("O-1", line("1", "MUG"), traits=traits)).order
    refusal = await refused(
        house.submit("O-2", line("1", "MUG", 2), traits=traits, acceptance=IF_SOURCED)
    )
    again = await house.source("O-1")

    assert order.traits == traits
    assert (await house.order("O-1")).traits == traits
    assert refusal.reason == "INSUFFICIENT_STOCK"
    assert [one.location_id for one in again.decision.plan.shipments] == ["WEST"]


async def test_a_promise_goes_by_it_and_a_conflict_names_it(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at WEST": 1})
    cart: dict[str, Any] = {
        "lines": [v1.SourcingLine(line_id="1", sku="MUG", quantity=2)],
        "destination": Destination(country_code="US", postal_code="60601"),
        "traits": only("WEST"),
    }
    promised = await house.mesh.promises.GetPromise(v1.GetPromiseRequest(**cart))
    assert [one.quantity for one in promised.options[0].unpromised_lines] == [1]

    reply = await house.source("", question=v1.SourcingQuestion(**cart), keep_record=True)
    request = v1.ExplainDecisionRequest(decision_id=reply.decision.decision_id)
    told = await house.mesh.sourcing.ExplainDecision(request)

    assert "NOT_ALLOWED" in [one.name for one in told.conflict.members]


async def test_what_is_collected_may_be_brought_by_who_is_named_only(house: House) -> None:
    both = [
        FulfillmentMethod.FULFILLMENT_METHOD_SHIP,
        FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP,
    ]
    await house.stock({"MUG at NEAR": 5})
    await house.network(entry("NEAR", methods=both))

    reply = await house.submit(
        "O-1",
        line("1", "MUG"),
        method=both[1],
        destination=None,
        pickup_location_id="NEAR",
        traits=only("EAST"),
    )

    assert not reply.decision.plan.shipments
