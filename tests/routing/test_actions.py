"""Actions of rules: what becomes of orders when it is known what their decisions come to."""

import asyncio
import json
import random
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from ordermesh.api.event.v1 import WatchEventsRequest
from ordermesh.api.routing import v1
from ordermesh.client import proof
from ordermesh.routing.domain import outcomes
from ordermesh.routing.domain.acting import act
from ordermesh.routing.domain.event import (
    OrderAutoCancelSet,
    OrderCancelled,
    OrderReceived,
    OrderSentToCare,
    OrderUnfillable,
)
from ordermesh.routing.domain.fulfillment import FulfillmentState
from ordermesh.routing.domain.linting.rules import contradictory
from ordermesh.routing.domain.order import AutoCancel, OrderState
from ordermesh.routing.domain.outcomes import Limit
from ordermesh.routing.domain.policy import Policy, illustrative_policy
from ordermesh.routing.domain.rules.action import (
    CARE,
    CancelUnfilled,
    ClearAutoCancel,
    Deed,
    Filling,
    HoldOrder,
    Intended,
    MoveToQueue,
    OfferAndWait,
    OrderAction,
    RuleAction,
    SendToCare,
    SetAutoCancel,
    acting,
)
from ordermesh.routing.domain.rules.rule import Rule
from ordermesh.routing.domain.rules.vocabulary import Fact
from ordermesh.routing.domain.saga import Action, Step
from ordermesh.routing.domain.story import Story
from tests.eventually import eventually
from tests.routing.house import IF_SOURCED, House, entry, line, refused
from tests.routing.looks import only_line
from tests.routing.policing import asked, number, rule, save, text
from tests.routing.ruling import evaluated
from tests.routing.ruling import number as a_number
from tests.routing.ruling import rule as a_rule
from tests.routing.ruling import text as words
from tests.routing.test_crashes import CrashAt, restart_after
from tests.routing.test_lifecycles import NOW, a_saga, an_order, work

HOUR = timedelta(hours=1)
DECISION = UUID(int=7)
FILLED, PARTLY, UNFILLED = Filling.FILLED, Filling.PARTLY_FILLED, Filling.UNFILLED


def a_policy(*rules: Rule) -> Policy:
    return replace(illustrative_policy(), rules=rules)


def wanted(rule_id: str, deed: Deed, *outcomes: Filling) -> RuleAction:
    return RuleAction(rule_id, rule_id, OrderAction(deed, outcomes))


def ids(*actions: RuleAction, filling: Filling = UNFILLED) -> list[str]:
    return [one.rule_id for one in acting(actions, filling)]


def undecided(*actions: RuleAction, **fields: Any) -> Story:
    """An order for two mugs whose decision has just been made."""
    saga = a_saga(intended=Intended(NOW, actions), **fields)
    return Story(an_order(), saga)


# What acts


def test_of_two_queues_the_first_counts_and_care_is_one_of_them() -> None:
    first, second = wanted("first", MoveToQueue("vip")), wanted("second", SendToCare())

    assert ids(first, second) == ["first"]
    assert ids(second, first) == ["second"]


def test_a_rule_for_another_outcome_is_in_nobodys_way() -> None:
    other = wanted("other", MoveToQueue("vip"), FILLED)

    assert ids(other, wanted("ours", SendToCare(), PARTLY, UNFILLED)) == ["ours"]
    assert ids(other, wanted("ours", SendToCare(), PARTLY), filling=UNFILLED) == []


def test_what_is_unfilled_is_not_cancelled_at_once_and_later() -> None:
    later, never = wanted("later", SetAutoCancel(HOUR)), wanted("never", ClearAutoCancel())

    assert ids(wanted("now", CancelUnfilled()), later, never) == ["now"]
    assert ids(later, wanted("sooner", SetAutoCancel(HOUR / 2))) == ["later", "sooner"]


DEEDS: tuple[Deed, ...] = (
    MoveToQueue("vip"),
    MoveToQueue("other"),
    SendToCare(),
    SetAutoCancel(HOUR),
    SetAutoCancel(2 * HOUR),
    ClearAutoCancel(),
    CancelUnfilled(),
    HoldOrder("fraud"),
    HoldOrder("payment"),
    HoldOrder("fraud", HOUR),
    OfferAndWait(HOUR),
    OfferAndWait(2 * HOUR),
)


def test_what_the_linter_is_silent_about_acts_and_what_does_not_act_it_tells() -> None:
    chance = random.Random(11)
    silent = outdone = 0
    for _ in range(400):
        rules = []
        for name in "abc":
            after = tuple(one for one in Filling if chance.random() < 0.5)
            effect = OrderAction(chance.choice(DEEDS), after)
            rules.append(a_rule(effect, rule_id=name))
        pairs = {frozenset(one.subjects) for one in contradictory(a_policy(*rules))}
        candidates = evaluated(*rules).actions
        for filling in Filling:
            acts = ids(*candidates, filling=filling)
            for place, one in enumerate(candidates):
                if filling not in one.action.after:
                    assert one.rule_id not in acts
                elif one.rule_id not in acts:
                    before = {other.rule_id for other in candidates[:place]}
                    assert any(frozenset({one.rule_id, name}) in pairs for name in before)
                    outdone += 1
                else:
                    silent += not any(one.rule_id in pair for pair in pairs)
    assert min(silent, outdone) > 50


def test_of_several_times_the_earliest_counts_and_none_puts_it_off() -> None:
    sooner, later = wanted("sooner", SetAutoCancel(HOUR)), wanted("later", SetAutoCancel(2 * HOUR))

    order, events = act(an_order(), Intended(NOW, (later, sooner)), UNFILLED)

    assert order.auto_cancel == AutoCancel(NOW + HOUR, "sooner")
    assert events == (OrderAutoCancelSet("later"), OrderAutoCancelSet("sooner"))
    assert act(order, Intended(NOW + HOUR / 2, (sooner,)), UNFILLED) == (order, ())


def test_what_is_so_already_is_not_told_again() -> None:
    order, told = act(an_order(), Intended(NOW, (wanted("q", MoveToQueue("vip")),)), FILLED)

    assert len(told) == 1
    assert act(order, Intended(NOW, (wanted("q", MoveToQueue("vip")),)), FILLED) == (order, ())
    assert act(order, Intended(NOW, (wanted("c", ClearAutoCancel()),)), FILLED) == (order, ())


def test_conditions_are_about_the_order_and_its_queue_is_seen() -> None:
    held = a_rule(OrderAction(SendToCare()), words(Fact.ORDER_QUEUE, "vip"))

    assert evaluated(held).actions == ()
    assert evaluated(a_rule(OrderAction(SendToCare()))).actions[0].rule_id == "R"


def test_an_action_that_lacks_a_fact_abstains() -> None:
    late = a_rule(OrderAction(SendToCare()), words(Fact.ORDER_TAG, "gift", negated=True))

    assert len(evaluated(late).actions) == 1
    promised = a_rule(OrderAction(SendToCare()), a_number(Fact.ORDER_DAYS_LEFT, at_most=1))
    (report,) = evaluated(promised).reports
    assert (report.effect, report.applied, report.abstained_at) == ("ACTION", False, 1)


# What an outcome makes of the story


def test_an_order_of_which_nothing_fits_is_told_unfillable_and_then_cancelled() -> None:
    story = undecided(is_conditional=False)
    intended = Intended(NOW, (wanted("cut", CancelUnfilled(), UNFILLED),))

    after, events = outcomes.nothing_fits(story, DECISION, {"1": "NO_LOCATION"}, intended)

    assert after.order.state is OrderState.CANCELLED
    (only,) = after.order.lines
    assert (only.cancelled, only.unfilled, only.unfilled_reason) == (2, 0, "NO_LOCATION")
    assert events == (OrderUnfillable(), OrderCancelled("cut"))
    assert after.saga.intended is None


def test_a_plan_that_is_dropped_takes_what_it_intended_along() -> None:
    story = undecided(step=Step.RESERVE, epoch=1)

    again = outcomes.plan(outcomes.expired(story), DECISION, (), {}, None)

    assert again.saga.intended is None


def test_what_a_limit_refuses_counts_as_left_whatever_the_decision_said() -> None:
    care = wanted("care", SendToCare("too many"), UNFILLED)
    done = wanted("done", MoveToQueue("done"), FILLED)
    story = undecided(done, care, step=Step.RESERVE, epoch=1, is_conditional=False)

    after, events = outcomes.limited(story, Limit("PURCHASE_LIMIT", ({"sku": "MUG"},)))

    assert after.order.traits.queue == CARE
    assert events == (OrderUnfillable(), OrderSentToCare("care", "", "too many"))


def test_an_order_is_told_received_before_what_rules_make_of_it() -> None:
    planned = work(FulfillmentState.PLANNED)
    story = undecided(
        wanted("q", MoveToQueue("vip")), step=Step.CONFIRM, epoch=1, is_conditional=True
    )

    after, events = outcomes.source(Story(story.order, story.saga, (planned,)))

    assert after.order.traits.queue == "vip"
    assert events[0] == OrderReceived()
    assert type(events[-1]).__name__ == "OrderMovedToQueue"


def test_what_is_unfilled_is_given_up_when_its_time_has_come_and_not_before() -> None:
    story, _ = outcomes.nothing_fits(
        undecided(is_conditional=False),
        DECISION,
        {},
        Intended(NOW, (wanted("soon", SetAutoCancel(HOUR)),)),
    )

    assert story.due(NOW + HOUR - timedelta(microseconds=1)) is Action.SETTLED
    assert story.due(NOW + HOUR) is Action.GIVE_UP
    after, events = outcomes.give_up(story)
    assert after.order.state is OrderState.CANCELLED
    assert events == (OrderCancelled("soon"),)
    assert after.due(NOW + 2 * HOUR) is Action.SETTLED


# Over the wire


def action(*outcomes: str, **deed: Any) -> v1.OrderAction:
    values = [v1.OrderAction.Outcome.Value(f"OUTCOME_{one}") for one in outcomes]
    return v1.OrderAction(outcomes=values, **deed)


def care(reason: str = "") -> dict[str, Any]:
    return {"send_to_care": v1.SendToCare(reason=reason)}


def auto_cancel(seconds: int) -> dict[str, Any]:
    message = v1.SetAutoCancel()
    message.after_duration.seconds = seconds
    return {"set_auto_cancel": message}


CANCEL = {"cancel_unfilled": v1.CancelUnfilled()}


async def told(house: House, order_id: str, last: str) -> list[str]:
    """The types of an order's events up to the first of this one."""
    found: list[str] = []
    call = house.mesh.events("routing").WatchEvents(
        WatchEventsRequest(start_revision=1, order_id=order_id)
    )
    async for page in call:
        found += [one.event.type.removeprefix("ordermesh.order.")[:-3] for one in page.events]
        if last in found:
            break
    call.cancel()
    return found[: found.index(last) + 1]


async def listed(house: House, queue: str) -> list[str]:
    reply = await house.mesh.orders.ListOrders(v1.ListOrdersRequest(queue=queue))
    return [one.order_id for one in reply.orders]


async def is_cancelled(house: House, order_id: str) -> bool:
    return (await house.order(order_id)).state == v1.Order.STATE_CANCELLED


async def test_a_refused_order_is_moved_nowhere(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    await save(house, rules=[rule("care", action=action(**care()))])

    refusal = await refused(house.submit("O-1", line("1", "MUG", 3), acceptance=IF_SOURCED))

    assert refusal.reason == "INSUFFICIENT_STOCK"
    assert await listed(house, "care") == []


@pytest.mark.parametrize("acceptance", [IF_SOURCED, v1.SubmitOrderRequest.ACCEPTANCE_ALWAYS])
async def test_an_order_waits_in_the_queue_a_rule_moved_it_to_and_its_next_decision_sees_it(
    house: House, acceptance: Any
) -> None:
    await house.stock({"MUG at NEAR": 5, "MUG at EAST": 5})
    first = rule(
        "vip",
        number("ORDER_UNITS", at_least=2),
        number("ORDER_ATTEMPT", at_most=1),
        action=action("FILLED", move_to_queue=v1.MoveToQueue(queue="vip")),
    )
    second = rule(
        "second",
        text("ORDER_QUEUE", "vip"),
        action=action(move_to_queue=v1.MoveToQueue(queue="seen")),
    )
    await save(house, rules=[first, second])

    await house.submit("O-1", line("1", "MUG", 1), acceptance=acceptance)
    reply = await house.submit("O-2", line("1", "MUG", 2), acceptance=acceptance)

    assert reply.order.traits.queue == "vip"
    assert await listed(house, "vip") == ["O-2"]
    assert [one.rule_id for one in reply.decision.rules if one.applied] == ["vip"]
    again = await house.source("O-2")
    assert [one.rule_id for one in again.decision.rules if one.applied] == ["second"]
    assert await listed(house, "seen") == ["O-2"]
    assert await listed(house, "vip") == []
    assert await told(house, "O-2", "moved_to_queue") == ["received", "sourced", "moved_to_queue"]


async def test_what_is_asked_only_says_what_would_be_done_and_does_nothing(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    left = rule("left", action=action("PARTLY_FILLED", "UNFILLED", **care("stock is short")))
    whole = rule("whole", action=action("FILLED", move_to_queue=v1.MoveToQueue(queue="done")))
    await save(house, rules=[left, whole])

    answer = await asked(house, {"MUG": 3}, {"NEAR": {"MUG": 1}})

    (one,) = answer.rules
    assert (one.rule_id, one.effect, one.applied) == ("left", "ACTION", True)
    assert list(one.sentences) == ["left: sent to care (stock is short)"]
    assert one.action.send_to_care.reason == "stock is short"
    await house.submit("O-1", line("1", "MUG", 1))
    before = await house.order("O-1")
    would = await house.source("O-1", validate_only=True)
    assert [one.rule_id for one in would.decision.rules] == ["whole"]
    assert await house.order("O-1") == before


async def test_what_could_not_be_filled_is_cancelled_at_once_and_says_why(house: House) -> None:
    await house.stock({"MUG at NEAR": 2})
    await save(house, rules=[rule("cut", action=action(**CANCEL))])

    reply = await house.submit("O-1", line("1", "MUG", 5))

    mugs = only_line(reply.order)
    assert (mugs.sourced_quantity, mugs.cancelled_quantity, mugs.unfilled_quantity) == (2, 3, 0)
    assert mugs.unfilled_reason == "INSUFFICIENT_STOCK"
    assert reply.order.state == v1.Order.STATE_RELEASED
    assert await house.balance("MUG at NEAR") == (2, 2, 0)
    await house.receive({"MUG at NEAR": 9})
    await house.source("O-1")
    assert only_line(await house.order("O-1")).cancelled_quantity == 3
    none = await house.submit("O-2", line("1", "MUG", 50), policy_id="default")
    assert only_line(none.order).sourced_quantity == 9


async def test_an_order_is_sent_to_care_where_no_location_can_be_considered(house: House) -> None:
    await house.stock({"MUG at NEAR": 1})
    rules = [rule("care", action=action("UNFILLED", **care("nowhere")))]
    await save(house, rules=rules)
    await house.network(*(entry(name, methods=[]) for name in ("NEAR", "EAST", "SOUTH", "WEST")))

    reply = await house.submit("O-1", line("1", "MUG", 1))

    assert reply.order.state == v1.Order.STATE_UNFILLABLE
    assert [one.rule_id for one in reply.decision.rules] == ["care"]
    assert await listed(house, "care") == ["O-1"]
    assert await told(house, "O-1", "sent_to_care") == ["received", "unfillable", "sent_to_care"]


async def test_a_decision_whose_order_was_acted_on_is_proven_and_made_again_as_it_was(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 2})
    await save(house, rules=[rule("care", action=action("PARTLY_FILLED", **care()))])
    reply = await house.submit("O-1", line("1", "MUG", 5))
    name = reply.decision.decision_id

    exported = await house.mesh.sourcing.ExportDecision(v1.ExportDecisionRequest(decision_id=name))
    again = await house.mesh.sourcing.ReplayDecision(v1.ReplayDecisionRequest(decision_id=name))
    under = await house.mesh.sourcing.ReplayDecision(
        v1.ReplayDecisionRequest(decision_id=name, policy_id="default")
    )

    proof.check(json.loads(exported.record_json))
    assert again.identical
    assert under.decision.rules == reply.decision.rules
    assert await listed(house, "care") == ["O-1"]
    assert len((await house.order("O-1")).decision_ids) == 1


async def test_what_stays_unfilled_is_cancelled_by_itself_when_its_time_has_come(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 2})
    await save(house, rules=[rule("soon", action=action("PARTLY_FILLED", **auto_cancel(2)))])

    reply = await house.submit("O-1", line("1", "MUG", 5))

    assert only_line(reply.order).unfilled_quantity == 3
    due = reply.order.auto_cancel_time.ToDatetime()
    decided = reply.decision.create_time.ToDatetime()
    assert due - decided == timedelta(seconds=2)
    # It holds nothing up meanwhile.
    (one,) = await house.work("O-1")
    await house.ship(await house.accept(one))
    assert only_line(await house.order("O-1")).shipped_quantity == 2
    types = await told(house, "O-1", "cancelled")
    assert types[:3] == ["received", "sourced", "auto_cancel_set"]
    order = await house.order("O-1")
    assert only_line(order).cancelled_quantity == 3
    assert not order.HasField("auto_cancel_time")
    assert order.update_time.ToDatetime() >= due


async def test_a_time_that_was_taken_back_cancels_nothing(house: House) -> None:
    await house.stock({"MUG at NEAR": 0})
    first = number("ORDER_ATTEMPT", at_most=1)
    later = number("ORDER_ATTEMPT", at_least=2)
    rules = [
        rule("soon", first, action=action(**auto_cancel(2))),
        rule("stay", later, action=action(clear_auto_cancel=v1.ClearAutoCancel())),
    ]
    await save(house, rules=rules)
    await house.submit("O-1", line("1", "MUG", 1))
    await house.submit("O-2", line("1", "MUG", 1))

    await house.source("O-1")

    assert not (await house.order("O-1")).HasField("auto_cancel_time")
    await eventually(lambda: is_cancelled(house, "O-2"))
    await house.source("O-1")
    assert (await house.order("O-1")).state == v1.Order.STATE_UNFILLABLE


async def test_a_time_that_passes_while_routing_is_down_is_kept_when_it_is_back(
    house: House,
) -> None:
    await house.stock({"MUG at NEAR": 0})
    await save(house, rules=[rule("soon", action=action("UNFILLED", **auto_cancel(1)))])
    reply = await house.submit("O-1", line("1", "MUG", 1))
    await house.stop_routing()
    await house.stop_inventory()
    await asyncio.sleep(1.1)

    # Nobody is asked for it.
    await house.start_routing()

    await eventually(lambda: is_cancelled(house, "O-1"))
    assert reply.order.state == v1.Order.STATE_UNFILLABLE
    assert await told(house, "O-1", "cancelled") == [
        "received",
        "unfillable",
        "auto_cancel_set",
        "cancelled",
    ]


@pytest.mark.parametrize("point", ["planned", "plan stored", "after reserve", "committed"])
async def test_what_a_rule_does_is_done_once_wherever_routing_stops(
    house: House, point: str
) -> None:
    await house.stock({"MUG at NEAR": 2})
    rules = [
        rule("care", action=action("PARTLY_FILLED", **care())),
        rule("soon", action=action("PARTLY_FILLED", **auto_cancel(1))),
    ]
    await save(house, rules=rules)
    crash = CrashAt(point)
    house.at = crash
    call: asyncio.Task[object] = asyncio.ensure_future(house.submit("O-1", line("1", "MUG", 5)))
    await restart_after(house, crash, call)

    types = await told(house, "O-1", "cancelled")
    assert types == ["received", "sourced", "sent_to_care", "auto_cancel_set", "cancelled"]
    assert only_line(await house.order("O-1")).cancelled_quantity == 3
    assert await house.balance("MUG at NEAR") == (2, 2, 0)
