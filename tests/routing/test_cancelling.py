"""Cancelling, the capacity of a day, and questions that change nothing."""

import asyncio
from typing import Any

from ordermesh.api.event.v1 import WatchEventsRequest
from ordermesh.api.inventory.v1 import PutLocationsRequest
from ordermesh.api.order.v1 import Destination
from ordermesh.api.routing.v1 import (
    AtLimit,
    CancelOrderRequest,
    CapacityMode,
    Decision,
    FulfillmentOrder,
    Order,
    SourcingMethod,
    SourcingQuestion,
)
from ordermesh.api.routing.v1 import SourcingLine as QuestionLine
from tests.eventually import eventually
from tests.routing.house import (
    House,
    entry,
    line,
    location,
    new_id,
    refused,
)
from tests.routing.looks import has_work_at, only_line, total
from tests.routing.policing import rule, save
from tests.routing.requests import a_day
from tests.routing.test_shortfalls import lose


async def test_an_order_that_is_cancelled_frees_its_stock(house: House) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG", 3))

    order = await house.cancel("O-1")

    assert order.state == Order.STATE_CANCELLED
    assert only_line(order).cancelled_quantity == 3
    assert await house.balance("MUG at NEAR") == (5, 0, 5)
    assert (await house.cancel("O-1")).state == Order.STATE_CANCELLED


async def test_cancelling_gives_each_product_its_own_quantity_back(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "LAMP at NEAR": 10})
    await house.submit("O-1", line("1", "MUG", 3), line("2", "LAMP", 4))
    (work,) = await house.work("O-1")
    await house.accept(work)

    await house.cancel("O-1")

    assert await house.balance("MUG at NEAR") == (5, 0, 5)
    assert await house.balance("LAMP at NEAR") == (10, 0, 10)
    (after,) = await house.work("O-1")
    assert after.state == FulfillmentOrder.STATE_CANCELLED


async def test_what_has_left_stays_shipped_when_the_rest_is_cancelled(house: House) -> None:
    await house.stock({"MUG at NEAR": 1, "LAMP at EAST": 1})
    await house.submit("O-1", line("1", "MUG"), line("2", "LAMP"))
    mug = next(one for one in await house.work("O-1") if one.location_id == "NEAR")
    await house.ship(mug)

    order = await house.cancel("O-1")

    assert order.state == Order.STATE_FULFILLED
    assert [(one.shipped_quantity, one.cancelled_quantity) for one in order.lines] == [
        (1, 0),
        (0, 1),
    ]
    assert await house.balance("LAMP at EAST") == (1, 0, 1)
    assert (await house.cancel("O-1")).state == Order.STATE_FULFILLED


async def test_an_order_that_has_left_cannot_be_cancelled(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    await house.submit("O-1", line("1", "MUG"))
    for work in await house.work("O-1"):
        await house.ship(work)

    assert (await refused(house.cancel("O-1"))).reason == "ALREADY_SHIPPED"


async def test_an_unfillable_order_can_be_cancelled(house: House) -> None:
    await house.stock({"MUG at NEAR": 0})
    await house.submit("O-1", line("1", "MUG"))

    assert (await house.cancel("O-1")).state == Order.STATE_CANCELLED


async def test_capacity_of_a_day_is_kept_and_given_back(house: House) -> None:
    await house.stock({"MUG at NEAR": 9, "MUG at EAST": 9})
    await house.network(entry("NEAR", capacities=[a_day(3)]))
    await house.submit("O-1", line("1", "MUG", 3))

    await house.submit("O-2", line("1", "MUG", 2))
    assert await has_work_at(house, "O-2", "EAST")

    await house.cancel("O-1")
    await house.submit("O-3", line("1", "MUG", 2))
    assert await has_work_at(house, "O-3", "NEAR")


async def test_capacity_is_never_exceeded_by_orders_that_come_together(house: House) -> None:
    await house.stock({"MUG at NEAR": 50})
    await house.network(
        entry("NEAR", capacities=[a_day(4)]),
        *(entry(name, methods=[]) for name in ("EAST", "SOUTH", "WEST")),
    )

    replies = await asyncio.gather(
        *(house.submit(f"O-{number}", line("1", "MUG", 1)) for number in range(12))
    )
    await eventually(lambda: all_decided(house, 12))

    orders = [await house.order(reply.order.order_id) for reply in replies]
    assert sum(only_line(order).sourced_quantity for order in orders) == 4
    reasons = {only_line(one).unfilled_reason for one in orders if only_line(one).unfilled_quantity}
    assert reasons == {"NO_CAPACITY"}
    assert await house.balance("MUG at NEAR") == (50, 4, 46)


async def test_a_rule_that_closes_full_locations_holds_for_orders_that_come_together(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 50})
    soft = a_day(4)
    soft.at_limit = AtLimit.AT_LIMIT_RANK_LAST
    await house.network(
        entry("NEAR", capacities=[soft]),
        *(entry(name, methods=[]) for name in ("EAST", "SOUTH", "WEST")),
    )
    hard = CapacityMode(mode=CapacityMode.MODE_HARD)
    await save(house, rules=[rule("hard", capacity_mode=hard)])

    replies = await asyncio.gather(
        *(house.submit(f"O-{number}", line("1", "MUG", 1)) for number in range(12))
    )
    await eventually(lambda: all_decided(house, 12))

    orders = [await house.order(reply.order.order_id) for reply in replies]
    assert sum(only_line(order).sourced_quantity for order in orders) == 4


async def all_decided(house: House, count: int) -> bool:
    orders = [await house.order(f"O-{number}") for number in range(count)]
    return all(order.state != Order.STATE_RECEIVED for order in orders)


async def test_a_location_that_is_switched_off_in_inventory_sends_nothing(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await house.mesh.locations.PutLocations(
        PutLocationsRequest(request_id=new_id(), locations=[location("NEAR", disabled=True)])
    )

    async def is_known() -> bool:
        reply = await ask(house, 1)
        gone = {one.location_id: one.removed_by for one in reply.candidates}
        return gone["NEAR"] == "SWITCHED_OFF"

    await eventually(is_known)
    await house.submit("O-1", line("1", "MUG", 1))

    assert await has_work_at(house, "O-1", "EAST")


async def ask(house: House, quantity: int, **fields: Any) -> Decision:
    """What would be decided for so many mugs."""
    reply = await house.source(
        "",
        question=SourcingQuestion(
            lines=[QuestionLine(line_id="1", sku="MUG", quantity=quantity)],
            destination=Destination(country_code="US", postal_code="60601"),
        ),
        **fields,
    )
    return reply.decision


async def test_a_question_changes_nothing_and_names_every_location(house: House) -> None:
    await house.stock({"MUG at EAST": 5, "MUG at WEST": 5})

    decision = await ask(house, 2)

    assert [one.location_id for one in decision.plan.shipments] == ["EAST"]
    assert decision.decision_id == ""
    assert decision.ledger_revision > 0
    assert total([decision.cost]) == total(one.amount for one in decision.cost_terms)
    fates = {one.location_id: (one.chosen, one.removed_by) for one in decision.candidates}
    assert fates == {
        "NEAR": (False, "NOT_STOCKED"),
        "EAST": (True, ""),
        "SOUTH": (False, "NOT_STOCKED"),
        "WEST": (False, ""),
    }
    assert await house.balance("MUG at EAST") == (5, 0, 5)


async def test_a_baseline_answers_on_the_same_stock_and_is_not_cheaper(house: House) -> None:
    await house.stock({"MUG at NEAR": 1, "MUG at EAST": 5})

    exact = await ask(house, 3)
    nearest = await ask(house, 3, method=SourcingMethod.SOURCING_METHOD_NEAREST_SINGLE)
    splits = await ask(house, 3, method=SourcingMethod.SOURCING_METHOD_FEWEST_SPLITS)
    listed = await ask(house, 3, method=SourcingMethod.SOURCING_METHOD_FIXED_PRIORITY_LIST)

    assert not nearest.HasField("bound")
    for baseline in (nearest, splits, listed):
        assert total([exact.cost]) <= total([baseline.cost])


async def test_an_order_of_which_all_has_left_by_then_is_not_told_to_be_cancelled(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG", 2))
    (work,) = await house.work("O-1")
    await house.stop_inventory()
    assert (await house.ship(work, within=3)).state == FulfillmentOrder.STATE_SHIPPING
    request = CancelOrderRequest(request_id=new_id(), order_id="O-1")
    assert (await house.mesh.orders.CancelOrder(request, timeout=3)).order.cancel_requested

    await house.start_inventory()
    await eventually(lambda: is_fulfilled(house, "O-1"))

    assert only_line(await house.order("O-1")).shipped_quantity == 2
    await eventually(lambda: is_wanted(house, "O-1"))
    assert "cancelled" not in await told(house, "O-1")


async def test_work_that_could_not_leave_is_cancelled_with_the_rest(house: House) -> None:
    await house.stock({"MUG at NEAR": 2, "LAMP at EAST": 1, "LAMP at SOUTH": 1})
    await house.submit("O-1", line("1", "MUG", 2), line("2", "LAMP"))
    mugs, lamp = sorted(await house.work("O-1"), key=lambda one: one.location_id, reverse=True)
    reached, gate = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        reached.set()
        await gate.wait()

    house.at = lambda point: wait() if point == "before reserve" else None
    await house.reject(lamp)
    await reached.wait()
    # Meanwhile mugs are said to have left that nobody finds, and the order is cancelled.
    await lose(house, "MUG at NEAR", 2)
    shipped = asyncio.ensure_future(refused(house.ship(mugs)))
    await eventually(lambda: is_leaving(house, mugs))
    cancelled = asyncio.ensure_future(house.cancel("O-1"))
    await eventually(lambda: is_cancelling(house, "O-1"))
    gate.set()

    assert (await shipped).reason == "INSUFFICIENT_STOCK"
    assert (await cancelled).state == Order.STATE_CANCELLED
    assert {one.state for one in await house.work("O-1")} == {
        FulfillmentOrder.STATE_CANCELLED,
        FulfillmentOrder.STATE_REJECTED,
    }


async def is_leaving(house: House, work: FulfillmentOrder) -> bool:
    states = {one.fulfillment_order_id: one.state for one in await house.work(work.order_id)}
    return states[work.fulfillment_order_id] == FulfillmentOrder.STATE_SHIPPING


async def is_cancelling(house: House, order_id: str) -> bool:
    return (await house.order(order_id)).cancel_requested


async def is_fulfilled(house: House, order_id: str) -> bool:
    return (await house.order(order_id)).state == Order.STATE_FULFILLED


async def is_wanted(house: House, order_id: str) -> bool:
    return not (await house.order(order_id)).cancel_requested


async def told(house: House, order_id: str) -> list[str]:
    """The types of all events of an order so far."""
    found: list[str] = []
    call = house.mesh.events("routing").WatchEvents(
        WatchEventsRequest(start_revision=1, order_id=order_id)
    )
    async for page in call:
        found += [one.event.type.removeprefix("ordermesh.order.")[:-3] for one in page.events]
        if found and not page.events:
            break
    call.cancel()
    return found
