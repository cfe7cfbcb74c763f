"""Lifecycles as tables: what may become of an order, of work, of a saga, and nothing else."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID

import pytest

from ordermesh.routing.domain import fulfillment, order, saga
from ordermesh.routing.domain.errors.fulfillment import WrongState
from ordermesh.routing.domain.fulfillment import (
    FulfillmentLine,
    FulfillmentOrder,
    FulfillmentState,
    Hold,
    RejectReason,
)
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.order import (
    Acceptance,
    Actor,
    Destination,
    FrozenComponent,
    IllegalTransition,
    Order,
    OrderLine,
    OrderState,
    counted,
    moved,
)
from ordermesh.routing.domain.saga import Action, Saga, Step, due

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def an_order(*lines: OrderLine, **fields: Any) -> Order:
    return Order(
        **{
            "order_id": "O-1",
            "origin": UUID(int=1),
            "channel": "web",
            "channel_order_id": "O-1",
            "external_refs": (),
            "lines": lines or (OrderLine("1", "MUG", 2),),
            "destination": Destination("US", "", "60601", Place(0, 0)),
            "method": "SHIP",
            "order_time": NOW,
            "promise_days": 0,
            "policy_id": "default",
            "acceptance": Acceptance.ALWAYS,
            "actor": Actor("developer", ""),
            "create_time": NOW,
            "update_time": NOW,
            **fields,
        }
    )


def work(state: FulfillmentState, *lines: FulfillmentLine, **fields: Any) -> FulfillmentOrder:
    return FulfillmentOrder(
        **{
            "fulfillment_order_id": "F-1",
            "order_id": "O-1",
            "location_id": "NEAR",
            "decision_id": UUID(int=2),
            "lines": lines or (FulfillmentLine("1", "MUG", 2),),
            "promise_days": 0,
            "create_time": NOW,
            "update_time": NOW,
            "state": state,
            **fields,
        }
    )


def a_saga(**fields: Any) -> Saga:
    return Saga(
        **{
            "order_id": "O-1",
            "request_id": UUID(int=3),
            "is_conditional": False,
            "answer_by": NOW + timedelta(seconds=2),
            **fields,
        }
    )


@pytest.mark.parametrize(
    "table",
    [order.TRANSITIONS, fulfillment.TRANSITIONS, saga.STEPS],
    ids=["order", "fulfillment order", "saga"],
)
def test_every_state_is_in_its_table_and_can_be_reached(
    table: Mapping[StrEnum, frozenset[StrEnum]],
) -> None:
    states = set(type(next(iter(table))))
    reached = {next(iter(type(next(iter(table)))))}
    for _ in states:
        reached |= {after for state in reached for after in table[state]}

    assert set(table) == states
    assert reached == states


@pytest.mark.parametrize("start", OrderState)
@pytest.mark.parametrize("end", OrderState)
def test_an_order_moves_as_its_table_says(start: OrderState, end: OrderState) -> None:
    before = an_order(state=start)

    if end in order.TRANSITIONS[start] | {start}:
        assert moved(before, end).state is end
    else:
        with pytest.raises(IllegalTransition):
            moved(before, end)


VERBS: dict[FulfillmentState, Callable[[FulfillmentOrder], FulfillmentOrder]] = {
    FulfillmentState.REJECTED: lambda one: fulfillment.reject(one, RejectReason.CLOSED),
    FulfillmentState.CANCELLED: fulfillment.cancel,
    FulfillmentState.SHIPPING: lambda one: fulfillment.begin_shipping(one, (), UUID(int=4)),
    FulfillmentState.SHIPPED: fulfillment.end_shipping,
    FulfillmentState.RELEASED: lambda one: fulfillment.release(one, UUID(int=5)),
}


@pytest.mark.parametrize("start", FulfillmentState)
@pytest.mark.parametrize("end", VERBS)
def test_work_moves_as_its_table_says(start: FulfillmentState, end: FulfillmentState) -> None:
    before = work(start)

    if end in fulfillment.TRANSITIONS[start]:
        assert VERBS[end](before).state is end
    else:
        with pytest.raises(WrongState) as caught:
            VERBS[end](before)
        assert caught.value.facts()["state"] == start


@pytest.mark.parametrize("state", FulfillmentState)
@pytest.mark.parametrize(
    ("verb", "start"),
    [
        (fulfillment.accept, FulfillmentState.RELEASED),
        (fulfillment.take_back_shipping, FulfillmentState.SHIPPING),
    ],
    ids=["accept", "take back shipping"],
)
def test_two_ways_lead_to_accepted_work_and_neither_is_the_other(
    verb: Callable[[FulfillmentOrder], FulfillmentOrder],
    start: FulfillmentState,
    state: FulfillmentState,
) -> None:
    if state is start:
        assert verb(work(state)).state is FulfillmentState.ACCEPTED
    else:
        with pytest.raises(WrongState) as caught:
            verb(work(state))
        assert caught.value.facts()["wanted"] == start


STATES = [
    # state of the order before, of its line (cancelled, unfilled), of its work, and the order then
    (OrderState.RECEIVED, (0, 0), None, OrderState.RECEIVED),
    (OrderState.RECEIVED, (0, 0), FulfillmentState.RELEASED, OrderState.RELEASED),
    (OrderState.RECEIVED, (0, 2), None, OrderState.UNFILLABLE),
    (OrderState.RECEIVED, (2, 0), None, OrderState.CANCELLED),
    (OrderState.RELEASED, (0, 0), FulfillmentState.ACCEPTED, OrderState.RELEASED),
    (OrderState.RELEASED, (0, 0), FulfillmentState.SHIPPING, OrderState.RELEASED),
    (OrderState.RELEASED, (0, 0), FulfillmentState.SHIPPED, OrderState.FULFILLED),
    (OrderState.RELEASED, (0, 0), FulfillmentState.REJECTED, OrderState.SOURCED),
    (OrderState.RELEASED, (0, 2), None, OrderState.UNFILLABLE),
    (OrderState.RELEASED, (2, 0), None, OrderState.CANCELLED),
    (OrderState.UNFILLABLE, (0, 0), FulfillmentState.RELEASED, OrderState.RELEASED),
    (OrderState.UNFILLABLE, (2, 0), None, OrderState.CANCELLED),
    (OrderState.RECEIVED, (0, 0), FulfillmentState.ON_HOLD, OrderState.SOURCED),
    (OrderState.FULFILLED, (0, 0), FulfillmentState.ON_HOLD, OrderState.SOURCED),
]


@pytest.mark.parametrize(("before", "quantities", "state", "after"), STATES)
def test_the_state_of_an_order_follows_from_its_lines_and_its_work(
    before: OrderState,
    quantities: tuple[int, int],
    state: FulfillmentState | None,
    after: OrderState,
) -> None:
    cancelled, unfilled = quantities
    line = OrderLine("1", "MUG", 2, cancelled=cancelled, unfilled=unfilled)
    there = () if state is None else (work(state, hold=Hold.HELD),)

    assert counted(an_order(line, state=before), there).state is after


def test_a_kit_counts_when_all_of_its_components_do() -> None:
    kit = OrderLine(
        "1",
        "TEA-SET",
        3,
        components=(FrozenComponent("CUP", 2, None), FrozenComponent("TEA", 1, None)),
        components_may_split=True,
    )
    cups = work(FulfillmentState.SHIPPED, FulfillmentLine("1", "CUP", 6))
    tea = work(FulfillmentState.RELEASED, FulfillmentLine("1", "TEA", 2))

    (line,) = counted(an_order(kit), (cups, replace(tea, fulfillment_order_id="F-2"))).lines

    assert (line.sourced, line.shipped, line.undecided) == (2, 0, 1)


DUE = [
    # the saga, the order's flag, its work, and what is due
    (a_saga(), False, None, Action.PLAN),
    (a_saga(step=Step.RESERVE), False, None, Action.RESERVE),
    (a_saga(step=Step.CONFIRM), False, None, Action.CONFIRM),
    (a_saga(step=Step.UNDO), True, None, Action.UNDO),
    (a_saga(step=Step.RESERVE), True, None, Action.TURN_BACK),
    (a_saga(), True, None, Action.TURN_BACK),
    (a_saga(is_conditional=True), False, None, Action.PLAN),
    (a_saga(is_conditional=True, answer_by=NOW), False, None, Action.TURN_BACK),
    (a_saga(is_conditional=True, answer_by=NOW, step=Step.CONFIRM), False, None, Action.TURN_BACK),
    (a_saga(answer_by=NOW), False, None, Action.PLAN),
    (a_saga(), False, work(FulfillmentState.RELEASED), Action.SETTLED),
    (a_saga(), False, work(FulfillmentState.SHIPPING), Action.SHIP),
    (a_saga(), True, work(FulfillmentState.SHIPPING), Action.SHIP),
    (a_saga(), False, work(FulfillmentState.REJECTED, hold=Hold.HELD), Action.PLAN),
]


@pytest.mark.parametrize(("row", "cancel_requested", "one", "action"), DUE)
def test_what_is_due_follows_from_the_rows(
    row: Saga, cancel_requested: bool, one: FulfillmentOrder | None, action: Action
) -> None:
    there = () if one is None else (one,)
    before = counted(an_order(), there)

    assert due(replace(before, cancel_requested=cancel_requested), row, there, NOW) is action


def test_surplus_is_released_when_nothing_else_is_due() -> None:
    line = OrderLine("1", "MUG", 2, unfilled=2)
    left = work(FulfillmentState.REJECTED, hold=Hold.SURPLUS)

    assert due(an_order(line), a_saga(), (left,), NOW) is Action.SURPLUS
