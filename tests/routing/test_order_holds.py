"""Holds of orders: stock is held, and no location begins until somebody has released them."""

import asyncio
from dataclasses import replace
from typing import Any

import grpc
import pytest

from ordermesh.api.routing import v1
from ordermesh.routing.domain import outcomes, verbs
from ordermesh.routing.domain.acting import act
from ordermesh.routing.domain.errors.order import OrderHoldNotFound
from ordermesh.routing.domain.event import OrderHeld, OrderHoldReleased
from ordermesh.routing.domain.fulfillment import FulfillmentState, RejectReason
from ordermesh.routing.domain.order import OrderState
from ordermesh.routing.domain.reoptimizing.movable import Movable, look_at
from ordermesh.routing.domain.rules.action import Filling, HoldOrder, Intended
from ordermesh.routing.domain.saga import Step
from ordermesh.routing.domain.story import Story
from tests.eventually import eventually
from tests.routing.house import IF_SOURCED, House, line, new_id, refused
from tests.routing.policing import number, rule, save
from tests.routing.test_actions import told, undecided, wanted
from tests.routing.test_crashes import CrashAt, restart_after
from tests.routing.test_lifecycles import NOW, work

ON_HOLD, RELEASED = FulfillmentState.ON_HOLD, FulfillmentState.RELEASED
FRAUD, PAYMENT = wanted("big", HoldOrder("fraud")), wanted("unpaid", HoldOrder("payment"))


def sourced(*actions: Any) -> Story:
    """An order for two mugs whose plan has just been confirmed, with what rules made of it."""
    story = undecided(*actions, step=Step.RESERVE, epoch=1, is_conditional=False)
    after, _ = outcomes.source(replace(story, work=(work(FulfillmentState.PLANNED),)))
    return after


def test_a_hold_that_never_was_is_not_released() -> None:
    with pytest.raises(OrderHoldNotFound):
        verbs.release_hold(sourced(FRAUD), "payment", "ann", NOW)


def test_work_of_a_held_order_has_its_stock_and_waits_until_the_last_hold_is_released() -> None:
    story = sourced(FRAUD, PAYMENT)

    assert [one.state for one in story.work] == [ON_HOLD]
    assert story.order.state is OrderState.SOURCED
    assert story.order.lines[0].sourced == 2
    first, events = verbs.release_hold(story, "fraud", "ann", NOW)
    assert (events, first.work) == ((OrderHoldReleased("fraud", ()),), story.work)
    last, events = verbs.release_hold(first, "payment", "bob", NOW)
    assert events == (OrderHoldReleased("payment", ("F-1",)),)
    assert [one.state for one in last.work] == [RELEASED]
    assert last.order.state is OrderState.RELEASED
    assert [one.released_by for one in last.order.holds] == ["ann", "bob"]
    assert verbs.release_hold(last, "payment", "eve", NOW) == (last, ())


def test_what_was_released_is_not_held_again_by_the_same_type() -> None:
    released, _ = verbs.release_hold(sourced(FRAUD), "fraud", "ann", NOW)

    order, events = act(released.order, Intended(NOW, (FRAUD, PAYMENT)), Filling.FILLED)

    assert events == (OrderHeld("unpaid", "payment"),)
    assert order.is_held


def test_held_work_can_be_taken_away_and_what_a_location_has_begun_goes_on() -> None:
    held = sourced(FRAUD)

    assert outcomes.turn_back(held).work[0].state is FulfillmentState.CANCELLED
    rejected, _ = verbs.reject(held, "F-1", RejectReason.NOT_FOUND)
    assert rejected.order.state is OrderState.SOURCED
    begun = replace(held, work=(work(FulfillmentState.ACCEPTED), *held.work))
    after, _ = verbs.release_hold(begun, "fraud", "ann", NOW)
    assert [one.state for one in after.work] == [FulfillmentState.ACCEPTED, RELEASED]


def test_a_held_order_may_be_moved_to_save_cost_as_one_that_was_released() -> None:
    held = sourced(FRAUD)
    released, _ = verbs.release_hold(held, "fraud", "ann", NOW)

    assert isinstance(look_at(held), Movable)
    assert isinstance(look_at(released), Movable)


# Over the wire


def holding(rule_id: str, hold_type: str, *conditions: v1.Condition, **fields: Any) -> v1.Rule:
    hold = v1.HoldOrder(hold_type=hold_type)
    return rule(rule_id, *conditions, action=v1.OrderAction(hold=hold, **fields))


BIG = number("ORDER_UNITS", at_least=2)


def releasing(hold_type: str = "fraud", order_id: str = "O-1") -> v1.ReleaseOrderHoldRequest:
    return v1.ReleaseOrderHoldRequest(
        request_id=new_id(), order_id=order_id, hold_type=hold_type, on_behalf_of="ann"
    )


async def test_a_hold_of_no_order_and_one_that_never_was_are_refused(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    await house.submit("O-1", line("1", "MUG"))

    nobody = await refused(house.mesh.orders.ReleaseOrderHold(releasing(order_id="O-9")))
    never = await refused(house.mesh.orders.ReleaseOrderHold(releasing()))

    assert (nobody.code, nobody.reason) == (grpc.StatusCode.NOT_FOUND, "ORDER_NOT_FOUND")
    assert (never.code, never.reason) == (grpc.StatusCode.NOT_FOUND, "ORDER_HOLD_NOT_FOUND")
    assert never.metadata == {"orderId": "O-1", "holdType": "fraud"}


@pytest.mark.parametrize("acceptance", [IF_SOURCED, v1.SubmitOrderRequest.ACCEPTANCE_ALWAYS])
async def test_no_location_begins_before_every_hold_is_released(
    house: House, acceptance: Any
) -> None:
    await house.stock({"MUG at NEAR": 5})
    await save(house, rules=[holding("big", "fraud", BIG), holding("unpaid", "payment", BIG)])

    reply = await house.submit("O-1", line("1", "MUG", 2), acceptance=acceptance)
    await house.submit("O-2", line("1", "MUG", 1), acceptance=acceptance)

    assert reply.order.state == v1.Order.STATE_SOURCED
    assert [(one.hold_type, one.rule_id) for one in reply.order.holds] == [
        ("fraud", "big"),
        ("payment", "unpaid"),
    ]
    assert await house.balance("MUG at NEAR") == (5, 3, 2)
    (waiting,) = await house.work("O-1")
    assert waiting.state == v1.FulfillmentOrder.STATE_ON_HOLD
    for call in (house.accept(waiting), house.ship(waiting)):
        assert (await refused(call)).reason == "WRONG_STATE"
    held = await house.mesh.orders.ListOrders(v1.ListOrdersRequest(held=True))
    assert [one.order_id for one in held.orders] == ["O-1"]
    await house.mesh.orders.ReleaseOrderHold(releasing("fraud"))
    assert (await house.work("O-1"))[0].state == v1.FulfillmentOrder.STATE_ON_HOLD
    request = releasing("payment")
    released = await house.mesh.orders.ReleaseOrderHold(request)
    assert released.order.state == v1.Order.STATE_RELEASED
    assert released.order.holds[1].released_by == "ann"
    assert await house.mesh.orders.ReleaseOrderHold(request) == released
    assert not (await house.mesh.orders.ListOrders(v1.ListOrdersRequest(held=True))).orders
    (begun,) = await house.work("O-1")
    await house.ship(await house.accept(begun))
    types = await told(house, "O-1", "fulfilled")
    assert types[:6] == ["received", "sourced", "held", "held", "hold_released", "hold_released"]
    assert await house.books_balance()


async def test_a_held_order_is_cancelled_and_decided_again_like_any_other(house: House) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    await save(house, rules=[holding("big", "fraud", BIG)])
    await house.submit("O-1", line("1", "MUG", 2))

    again = await house.source("O-1")

    assert len(again.decision.plan.shipments) == 1
    assert await house.balance("MUG at NEAR") == (5, 2, 3)
    states = [one.state for one in await house.work("O-1")]
    assert states == [
        v1.FulfillmentOrder.STATE_CANCELLED,
        v1.FulfillmentOrder.STATE_ON_HOLD,
    ]
    order = await house.cancel("O-1")
    assert order.state == v1.Order.STATE_CANCELLED
    assert await house.balance("MUG at NEAR") == (5, 0, 5)


@pytest.mark.parametrize("point", ["plan stored", "after reserve", "committed"])
async def test_an_order_is_held_once_wherever_routing_stops(house: House, point: str) -> None:
    await house.stock({"MUG at NEAR": 5})
    await save(house, rules=[holding("big", "fraud", BIG)])
    crash = CrashAt(point)
    house.at = crash

    call: asyncio.Task[object] = asyncio.ensure_future(house.submit("O-1", line("1", "MUG", 2)))
    await restart_after(house, crash, call)
    await eventually(lambda: is_held(house))

    assert [one.state for one in await house.work("O-1")] == [v1.FulfillmentOrder.STATE_ON_HOLD]
    assert await told(house, "O-1", "held") == ["received", "sourced", "held"]
    assert await house.balance("MUG at NEAR") == (5, 2, 3)


async def is_held(house: House) -> bool:
    return len((await house.order("O-1")).holds) == 1
