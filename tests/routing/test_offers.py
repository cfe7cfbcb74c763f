"""Work is offered: who does not answer in time loses it to the next best, and holds may end too."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from ordermesh.api.routing import v1
from ordermesh.routing.domain import lapsing, outcomes, verbs
from ordermesh.routing.domain.errors.fulfillment import WrongState
from ordermesh.routing.domain.event import FulfillmentOrderRejected, OrderHoldReleased
from ordermesh.routing.domain.fulfillment import (
    FulfillmentOrder,
    FulfillmentState,
    Hold,
    RejectReason,
)
from ordermesh.routing.domain.linting.rules import contradictory, dead
from ordermesh.routing.domain.order import OrderState
from ordermesh.routing.domain.reoptimizing.fate import Staying
from ordermesh.routing.domain.reoptimizing.movable import look_at
from ordermesh.routing.domain.rules.action import (
    Filling,
    HoldOrder,
    Intended,
    OfferAndWait,
    OrderAction,
)
from ordermesh.routing.domain.saga import Action, Step
from ordermesh.routing.domain.story import Story
from tests.eventually import eventually
from tests.routing.house import IF_SOURCED, House, entry, line, refused
from tests.routing.looks import has_work_at, only_line
from tests.routing.policing import number, rule, save
from tests.routing.ruling import rule as a_rule
from tests.routing.test_actions import a_policy, action, told, undecided, wanted
from tests.routing.test_crashes import CrashAt, restart_after
from tests.routing.test_lifecycles import NOW, work

RELEASED, ACCEPTED = FulfillmentState.RELEASED, FulfillmentState.ACCEPTED
HOUR, MOMENT = timedelta(hours=1), timedelta(microseconds=1)
OFFERED = wanted("offer", OfferAndWait(HOUR))


def sourced(*actions: Any) -> Story:
    """An order for two mugs whose plan has just been confirmed, with what rules made of it."""
    story = undecided(*actions, step=Step.RESERVE, epoch=1, is_conditional=False)
    after, _ = outcomes.source(replace(story, work=(work(FulfillmentState.PLANNED),)))
    return lapsing.asked(after, NOW)


def only(story: Story) -> FulfillmentOrder:
    (one,) = story.work
    return one


def test_what_was_taken_back_can_no_longer_be_accepted() -> None:
    after, events = lapsing.lapse(sourced(OFFERED), NOW + HOUR)

    assert events == (FulfillmentOrderRejected("F-1"),)
    lost = only(after)
    assert (lost.state, lost.reject_reason) == (
        FulfillmentState.REJECTED,
        RejectReason.NOT_ANSWERED,
    )
    # Its stock is held until the next plan has taken it over.
    assert (lost.hold, after.order.state) == (Hold.HELD, OrderState.SOURCED)
    assert after.due(NOW + HOUR) is Action.PLAN
    with pytest.raises(WrongState):
        verbs.accept(after, "F-1")


def test_an_offer_stands_until_its_time_is_over_and_an_answer_ends_it() -> None:
    story = sourced(OFFERED)

    assert only(story).answer_time == NOW + HOUR
    assert list(lapsing.times(story)) == [NOW + HOUR]
    assert story.due(NOW + HOUR - MOMENT) is Action.SETTLED
    assert story.due(NOW + HOUR) is Action.LAPSE
    accepted, _ = verbs.accept(story, "F-1")
    assert accepted.due(NOW + 2 * HOUR) is Action.SETTLED
    assert list(lapsing.times(accepted)) == []
    assert lapsing.lapse(accepted, NOW + 2 * HOUR) == (accepted, ())


def test_work_on_hold_is_offered_when_it_may_begin() -> None:
    story = sourced(OFFERED, wanted("big", HoldOrder("fraud")))

    assert only(story).answer_time is None
    assert story.due(NOW + 2 * HOUR) is Action.SETTLED
    released, _ = verbs.release_hold(story, "fraud", "ann", NOW + 2 * HOUR)
    assert only(released).answer_time == NOW + 3 * HOUR


def test_a_hold_ends_by_itself_and_what_it_kept_is_offered_then() -> None:
    story = sourced(OFFERED, wanted("big", HoldOrder("fraud", HOUR)))

    assert list(lapsing.times(story)) == [NOW + HOUR]
    assert story.due(NOW + HOUR - MOMENT) is Action.SETTLED
    after, events = lapsing.lapse(story, NOW + HOUR)
    assert events == (OrderHoldReleased("fraud", ("F-1",)),)
    assert (only(after).state, only(after).answer_time) == (RELEASED, NOW + 2 * HOUR)
    (hold,) = after.order.holds
    assert (hold.release_time, hold.released_by) == (NOW + HOUR, "")
    assert after.due(NOW + HOUR) is Action.SETTLED
    early, _ = verbs.release_hold(story, "fraud", "ann", NOW)
    assert lapsing.lapse(early, NOW + HOUR / 2) == (early, ())


def test_nothing_lapses_while_a_plan_is_being_held_or_stock_is_being_moved() -> None:
    story = sourced(OFFERED)

    for step in (Step.MOVE, Step.UNDO):
        moving = replace(story, saga=replace(story.saga, step=step))
        assert moving.due(NOW + 2 * HOUR) is not Action.LAPSE


def test_offered_work_is_not_moved_to_save_cost() -> None:
    staying = look_at(sourced(OFFERED))

    assert isinstance(staying, Staying)
    assert staying.fact == "it is offered to its locations"


def test_the_linter_tells_of_offers_of_nothing_and_of_two_times() -> None:
    never = a_rule(OrderAction(OfferAndWait(HOUR), (Filling.UNFILLED,)), rule_id="never")
    first = a_rule(OrderAction(OfferAndWait(HOUR)), rule_id="first")
    other = a_rule(OrderAction(OfferAndWait(2 * HOUR)), rule_id="other")
    short = a_rule(OrderAction(HoldOrder("fraud", HOUR)), rule_id="short")
    long = a_rule(OrderAction(HoldOrder("fraud")), rule_id="long")

    assert [one.subjects for one in dead(a_policy(never), {}, NOW)] == [("never",)]
    pairs = [one.subjects for one in contradictory(a_policy(first, other, short, long))]
    assert pairs == [("first", "other"), ("short", "long")]


def test_a_second_offer_to_the_same_order_does_not_change_the_first() -> None:
    intended = Intended(NOW, (OFFERED, wanted("later", OfferAndWait(2 * HOUR))))
    story = undecided(step=Step.RESERVE, epoch=1, is_conditional=False)
    story = replace(story, saga=replace(story.saga, intended=intended))

    after, _ = outcomes.source(replace(story, work=(work(FulfillmentState.PLANNED),)))

    # The time begins when the location may, however long that took.
    assert only(after).answer_time is None
    asked = lapsing.asked(after, NOW + 5 * HOUR)
    assert only(asked).answer_time == NOW + 6 * HOUR
    assert lapsing.asked(asked, NOW + 6 * HOUR) == asked


# Over the wire


def offering(seconds: int, *conditions: v1.Condition) -> v1.Rule:
    message = v1.OfferAndWait()
    message.answer_duration.seconds = seconds
    return rule("offer", *conditions, action=action(offer=message))


def named(rule_id: str, one: v1.Rule) -> v1.Rule:
    one.rule_id = rule_id
    return one


async def costs_by_distance(house: House) -> None:
    await house.network(*(entry(name, priority=5) for name in ("NEAR", "EAST", "SOUTH", "WEST")))


async def test_nobody_says_that_somebody_else_did_not_answer(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    await house.submit("O-1", line("1", "MUG"))
    (task,) = await house.work("O-1")

    refusal = await refused(
        house.mesh.fulfillments.RejectFulfillmentOrder(
            v1.RejectFulfillmentOrderRequest(
                request_id="0b7d6f0a-0000-4000-8000-000000000001",
                fulfillment_order_id=task.fulfillment_order_id,
                reason=v1.RejectReason.REJECT_REASON_NOT_ANSWERED,
            )
        )
    )

    assert refusal.reason == "FIELD_VIOLATION"
    assert await has_work_at(house, "O-1", "NEAR")


@pytest.mark.parametrize("acceptance", [IF_SOURCED, v1.SubmitOrderRequest.ACCEPTANCE_ALWAYS])
async def test_the_next_best_location_is_asked_until_one_answers_and_the_stock_is_held(
    house: House, acceptance: Any
) -> None:
    await costs_by_distance(house)
    await house.stock({"MUG at NEAR": 2, "MUG at EAST": 2, "MUG at WEST": 2})
    # The second location has all the time that it takes.
    at_first = number("ORDER_ATTEMPT", at_most=1)
    patient = offering(600, number("ORDER_ATTEMPT", at_least=2))
    await save(house, rules=[offering(1, at_first), named("patient", patient)])

    reply = await house.submit("O-1", line("1", "MUG", 2), acceptance=acceptance)
    (first,) = await house.work("O-1")

    assert (first.location_id, first.HasField("answer_time")) == ("NEAR", True)
    assert [one.applied for one in reply.decision.rules] == [True]
    await eventually(lambda: has_work_at(house, "O-1", "EAST"))
    assert await house.balance("MUG at NEAR") == (2, 0, 2)
    assert await house.balance("MUG at EAST") == (2, 2, 0)
    second = (await house.work("O-1"))[-1]
    assert second.HasField("answer_time")
    accepted = await house.accept(second)
    assert not accepted.HasField("answer_time")
    lost, kept = await house.work("O-1")
    assert lost.reject_reason == v1.RejectReason.REJECT_REASON_NOT_ANSWERED
    assert kept.state == v1.FulfillmentOrder.STATE_ACCEPTED
    await house.ship(kept)
    assert (await house.order("O-1")).state == v1.Order.STATE_FULFILLED
    refusal = await refused(house.accept(lost))
    assert refusal.reason == "WRONG_STATE"


async def test_where_nobody_answers_the_rest_is_unfilled_and_other_rules_act(house: House) -> None:
    await house.stock({"MUG at NEAR": 2})
    care = rule("care", action=action("UNFILLED", send_to_care=v1.SendToCare()))
    await save(house, rules=[offering(1), care])

    await house.submit("O-1", line("1", "MUG", 2))
    types = await told(house, "O-1", "sent_to_care")

    assert types[-2:] == ["unfillable", "sent_to_care"]
    order = await house.order("O-1")
    assert only_line(order).unfilled_reason == "INSUFFICIENT_STOCK"
    await eventually(lambda: is_free(house))


async def is_free(house: House) -> bool:
    return await house.balance("MUG at NEAR") == (2, 0, 2)


async def test_an_offer_whose_time_passes_while_routing_is_down_is_taken_back_when_it_is_up(
    house: House,
) -> None:
    await costs_by_distance(house)
    await house.stock({"MUG at NEAR": 1, "MUG at EAST": 1})
    await save(house, rules=[offering(1)])
    await house.submit("O-1", line("1", "MUG"))
    await house.stop_routing()
    await asyncio.sleep(1.1)

    await house.start_routing()

    await eventually(lambda: has_work_at(house, "O-1", "EAST"))


@pytest.mark.parametrize("point", ["looked", "planned", "plan stored", "after reserve"])
async def test_an_offer_is_taken_back_once_wherever_routing_stops(house: House, point: str) -> None:
    await costs_by_distance(house)
    await house.stock({"MUG at NEAR": 1, "MUG at EAST": 1})
    await save(house, rules=[offering(1, number("ORDER_ATTEMPT", at_most=1))])
    await house.submit("O-1", line("1", "MUG"))
    crash = CrashAt(point)
    house.at = crash

    async def nothing() -> None:
        await asyncio.sleep(0)

    await restart_after(house, crash, asyncio.ensure_future(nothing()))

    await eventually(lambda: has_work_at(house, "O-1", "EAST"))
    assert await house.balance("MUG at NEAR") == (1, 0, 1)
    assert await house.balance("MUG at EAST") == (1, 1, 0)


async def test_a_hold_is_released_by_itself_and_says_so(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    hold = v1.HoldOrder(hold_type="cooling")
    hold.release_after_duration.seconds = 1
    await save(house, rules=[rule("cool", action=action(hold=hold))])

    reply = await house.submit("O-1", line("1", "MUG"))

    assert reply.order.state == v1.Order.STATE_SOURCED
    (held,) = reply.order.holds
    assert held.HasField("expire_time")
    await eventually(lambda: has_work_at(house, "O-1", "NEAR"))
    (over,) = (await house.order("O-1")).holds
    assert over.released_by == ""
    assert over.release_time.ToDatetime() >= over.expire_time.ToDatetime()
    assert await told(house, "O-1", "hold_released") == [
        "received",
        "sourced",
        "held",
        "hold_released",
    ]
