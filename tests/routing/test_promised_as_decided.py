"""What is promised is what an order would get that says the same: by its policy and its rules."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from ordermesh.api.order.v1 import Destination, FulfillmentMethod
from ordermesh.api.routing import v1
from tests.dialects import on_sqlite
from tests.routing.house import House, entry, item, usd
from tests.routing.policing import number, rule, save, text
from tests.routing.test_consolidating import a_hub
from tests.routing.test_pickup import lanes, transfer

pytestmark = on_sqlite

CHICAGO = Destination(country_code="US", region="IL", postal_code="60601")
BOTH = [
    FulfillmentMethod.FULFILLMENT_METHOD_SHIP,
    FulfillmentMethod.FULFILLMENT_METHOD_PICK_UP,
]
GOLD = v1.OrderTraits(customer_class="gold", tags=["gift"])
CHEAPEST = v1.PromiseObjective.PROMISE_OBJECTIVE_CHEAPEST
FASTEST = v1.PromiseObjective.PROMISE_OBJECTIVE_FASTEST


def line(sku: str, quantity: int = 1, **fields: Any) -> v1.SourcingLine:
    return v1.SourcingLine(line_id=sku, sku=sku, quantity=quantity, **fields)


async def promised(house: House, *lines: v1.SourcingLine, **fields: Any) -> v1.GetPromiseResponse:
    goal = {} if "pickup_location_id" in fields else {"destination": CHICAGO}
    asked: dict[str, Any] = {"channel": "web", "objectives": [CHEAPEST], **goal, **fields}
    return await house.mesh.promises.GetPromise(v1.GetPromiseRequest(lines=lines, **asked))


async def decided(house: House, *lines: v1.SourcingLine, **fields: Any) -> v1.Decision:
    pickup = fields.get("pickup_location_id", "")
    asked = v1.SourcingQuestion(
        lines=lines,
        destination=None if pickup else CHICAGO,
        method=BOTH[bool(pickup)],
        channel="web",
        **fields,
    )
    return (await house.source("", question=asked)).decision


def cents(amount: Any) -> int:
    found: int = amount.units * 100 + amount.nanos // 10_000_000
    return found


def paid(decision: v1.Decision) -> int:
    """What it costs, but for what is left."""
    unfilled = v1.CostTerm.Kind.KIND_UNFILLED
    return cents(decision.cost) - sum(
        cents(one.amount) for one in decision.cost_terms if one.kind == unfilled
    )


GIFTS = text("ORDER_TAG", "gift")
TWO = (line("MUG"), line("LAMP"))
SPLIT = {"MUG at NEAR": 5, "LAMP at WEST": 5}
EITHER = {**SPLIT, "MUG at WEST": 5}
PRICED = (line("MUG", unit_price=usd(200)), line("LAMP", unit_price=usd(200)))

RULED: list[tuple[str, v1.Rule, tuple[v1.SourcingLine, ...], dict[str, int]]] = [
    ("a fence by country", rule("R", text("ORDER_COUNTRY", "US")), (line("MUG"),), EITHER),
    (
        "a fence by region",
        rule("R", text("ORDER_REGION", "IL"), text("LOCATION_ID", "NEAR")),
        (line("MUG"),),
        EITHER,
    ),
    ("a fence by tag", rule("R", GIFTS, text("LOCATION_ID", "NEAR")), (line("MUG"),), EITHER),
    (
        "a charge by class",
        rule(
            "R",
            text("ORDER_CUSTOMER_CLASS", "gold"),
            text("LOCATION_ID", "NEAR"),
            charge=v1.Charge(per_shipment=usd(30)),
        ),
        (line("MUG"),),
        EITHER,
    ),
    (
        "lines that stay together",
        rule("R", split_limit=v1.SplitLimit(lines_together=True)),
        TWO,
        EITHER,
    ),
    (
        "lines that nobody has together",
        rule("R", split_limit=v1.SplitLimit(lines_together=True)),
        TWO,
        SPLIT,
    ),
    (
        "a threshold by what is paid",
        rule("R", split_limit=v1.SplitLimit(order_value_min=usd(300))),
        PRICED,
        SPLIT,
    ),
    (
        "a fence by what is paid",
        rule("R", v1.Condition(amount=v1.AmountTest(
            fact=v1.AmountFact.AMOUNT_FACT_ORDER_VALUE, at_least=usd(300)
        )), text("LOCATION_ID", "WEST")),
        PRICED,
        EITHER,
    ),
    (
        "a substitute",
        v1.Rule(
            rule_id="R",
            scope=v1.RuleScope(skus=["LAMP"]),
            substitute=v1.Substitute(sku="MUG", when=v1.Substitute.WHEN_SHORT),
        ),
        (line("LAMP", 2, accepts_substitutes=True),),
        {"LAMP at WEST": 1, "MUG at NEAR": 5},
    ),
    (
        "full locations that do not matter",
        rule("R", capacity_mode=v1.CapacityMode(mode=v1.CapacityMode.MODE_IGNORED)),
        (line("MUG", 3),),
        {"MUG at NEAR": 9, "MUG at WEST": 1},
    ),
    (
        "a service that is banned by order",
        rule(
            "R",
            GIFTS,
            text("LOCATION_ID", "NEAR"),
            service=v1.ServiceRule(service_ids=["standard"], banned=True),
        ),
        (line("MUG"),),
        EITHER,
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("ruling", "lines", "stock"), [one[1:] for one in RULED], ids=[one[0] for one in RULED]
)
async def test_a_cart_is_promised_what_its_order_would_get(
    house: House, ruling: v1.Rule, lines: tuple[v1.SourcingLine, ...], stock: dict[str, int]
) -> None:
    await house.items("MUG", "LAMP")
    await house.receive(stock)
    few = v1.Capacity(capacity_id="few", unit=v1.CapacityUnit.CAPACITY_UNIT_UNITS, limit=2)
    await house.network(entry("NEAR", capacities=[few]))
    without = await promised(house, *lines, traits=GOLD)
    await save(house, rules=[ruling])

    found = await promised(house, *lines, traits=GOLD)
    decision = await decided(house, *lines, traits=GOLD)

    (option,) = found.options
    assert [one.location_id for one in option.shipments] == [
        one.location_id for one in decision.plan.shipments
    ]
    assert cents(option.cost) == paid(decision)
    assert [(one.line_id, one.quantity, one.reason) for one in option.unpromised_lines] == [
        (one.line_id, one.unfilled, one.reason) for one in decision.unfilled_lines
    ]
    assert option != without.options[0]


async def test_a_cart_is_promised_by_the_policy_that_its_order_chooses(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    await save(house, "gold", chosen_when=[text("ORDER_CUSTOMER_CLASS", "gold")])
    page = v1.GetItemPromisesRequest(skus=["MUG"], destination=CHICAGO, channel="web")

    plain, chosen = [await promised(house, line("MUG"), **one) for one in ({}, {"traits": GOLD})]
    bare = await house.mesh.promises.GetItemPromises(page)
    page.traits.CopyFrom(GOLD)
    pages = await house.mesh.promises.GetItemPromises(page)
    named = await promised(house, line("MUG"), traits=GOLD, policy_id="default")

    said = [one.proof.policy_id for one in (plain, chosen, bare, pages, named)]
    assert said == ["default", "gold", "default", "gold", "default"]


async def test_the_fastest_is_not_made_slower_by_a_substitute_that_is_cheaper(
    house: House,
) -> None:
    await house.items("MUG", "LAMP")
    await house.receive({"LAMP at NEAR": 2, "MUG at EAST": 2})
    await house.network(
        entry("NEAR", handling_days=0, pick_fee=usd(9)),
        entry("EAST", handling_days=6, pick_fee=usd(0)),
    )
    cheaper = v1.Substitute(sku="MUG", when=v1.Substitute.WHEN_CHEAPER)
    replacing = v1.Rule(rule_id="R", scope=v1.RuleScope(skus=["LAMP"]), substitute=cheaper)
    await save(house, rules=[replacing], transit_day_cost=usd(0))
    wanted = line("LAMP", accepts_substitutes=True)

    found = await promised(house, wanted, objectives=[CHEAPEST, FASTEST])

    places = [[one.location_id for one in option.shipments] for option in found.options]
    assert places == [["EAST"], ["NEAR"]]


async def test_kits_are_promised_whole_or_not_at_all(house: House) -> None:
    await house.items("CUP", "TEA")
    await house.items(item("SET", {"CUP": 1, "TEA": 1}, may_split=True))
    await house.receive({"CUP at NEAR": 5, "TEA at NEAR": 1})

    (option,) = (await promised(house, line("SET", 2))).options

    assert {(one.sku, one.quantity) for one in option.unpromised_lines} == {("CUP", 1), ("TEA", 1)}


async def test_why_a_rule_keeps_goods_from_who_would_collect_them_is_said(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.network(entry("NEAR", methods=BOTH))
    heavy = rule("big carts are sent", number("LINE_QUANTITY", at_least=3))
    await save(house, rules=[heavy])

    few = await promised(house, line("MUG", 2), pickup_location_id="NEAR")
    many = await promised(house, line("MUG", 3), pickup_location_id="NEAR")

    assert few.options[0].HasField("window")
    (left,) = many.options[0].unpromised_lines
    assert (left.quantity, left.reason) == (3, "big carts are sent: quantity is 3")
    assert not many.options[0].HasField("window")


async def test_a_pickup_costs_what_its_order_does(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "LAMP at NEAR": 5})
    await house.network(entry("NEAR", methods=BOTH, labor_cost_per_line=usd(0.7)))

    (option,) = (await promised(house, *TWO, pickup_location_id="NEAR")).options

    assert cents(option.cost) == paid(await decided(house, *TWO, pickup_location_id="NEAR"))


async def test_what_is_brought_together_is_promised_for_when_it_has_come(house: House) -> None:
    await a_hub(house)
    await house.receive({"MUG at EAST": 1, "TEA at SOUTH": 1})
    cart = (line("MUG"), line("TEA"))

    days = await _days_promised(house, cart)
    monthly = {"cadence_hours": 24 * 30, "fixed_cost": usd(0.1), "cost_per_unit": usd(0)}
    await lanes(house, *(transfer(name, "NEAR", **monthly) for name in ("EAST", "SOUTH")))
    later = await _days_promised(house, cart)

    # Nobody knows when a run leaves: what waits for one that comes once a month waits for a month.
    assert later - days == 29


async def _days_promised(house: House, cart: tuple[v1.SourcingLine, ...]) -> int:
    """Days from now to what is promised from the hub, which are those of the decision."""
    (option,) = (await promised(house, *cart)).options
    (shipment,) = (await decided(house, *cart)).plan.shipments
    assert [one.location_id for one in option.shipments] == ["NEAR"]
    today = datetime.now(ZoneInfo("America/Chicago")).date()
    days = (datetime.fromisoformat(option.window.date).date() - today).days
    assert days == shipment.days
    return days
