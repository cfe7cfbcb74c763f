"""Orders that have their stock are decided again together: nothing is lost, nothing gets dearer."""

import asyncio
import json
from collections.abc import Awaitable
from decimal import Decimal

import pytest

from ordermesh.api.routing.v1 import (
    AtLimit,
    Capacity,
    CapacityMode,
    CapacityUnit,
    Decision,
    ExplainDecisionRequest,
    ExportDecisionRequest,
    FulfillmentOrder,
    GetDecisionRequest,
    HoldOrder,
    ListDecisionsRequest,
    Order,
    OrderAction,
    ReleaseOrderHoldRequest,
    ReplayDecisionRequest,
    SourcingMethod,
)
from ordermesh.client import proof
from ordermesh.client.errors import Refusal
from ordermesh.routing.background.replanning import ReplanningProcess
from tests.eventually import eventually
from tests.routing.house import PLACES, House, answered, entry, line, new_id, refused, usd
from tests.routing.policing import rule, save
from tests.routing.reoptimizing import (
    APART,
    CROSSED,
    OPEN,
    amount,
    bought,
    crossed,
    fates,
    places,
    reoptimize,
)
from tests.routing.requests import a_day, zone
from tests.routing.test_crashes import held


async def test_two_orders_swap_the_only_units_there_are(house: House) -> None:
    await crossed(house)

    reply = await reoptimize(house)

    assert fates(reply) == {"O-EAST": "MOVED", "O-WEST": "MOVED"}
    assert await places(house, "O-EAST", "O-WEST") == APART
    assert len({one.reassignment_id for one in reply.orders}) == 1
    assert (reply.considered_orders, reply.compared_orders, reply.moved_orders) == (2, 2, 2)
    assert amount(reply.cost_after) + amount(reply.charge) < amount(reply.cost_before)
    assert amount(reply.bound) <= amount(reply.cost_after) + amount(reply.charge)
    assert reply.gap < 0.001
    assert await house.balance("MUG at EAST") == (1, 1, 0)
    assert await house.balance("MUG at WEST") == (1, 1, 0)
    assert await house.books_balance()


async def test_what_has_moved_is_shipped_from_where_it_is(house: House) -> None:
    await crossed(house)
    await reoptimize(house)

    for order_id in ("O-EAST", "O-WEST"):
        (work,) = [one for one in await house.work(order_id) if one.state in OPEN]
        await house.ship(work)
        assert (await house.order(order_id)).state == Order.STATE_FULFILLED

    assert await house.balance("MUG at EAST") == (0, 0, 0)
    assert await house.balance("MUG at WEST") == (0, 0, 0)
    assert await house.books_balance()


async def test_a_move_is_a_decision_that_says_why_and_can_be_checked(house: House) -> None:
    await crossed(house)
    reply = await reoptimize(house)
    (told,) = [one for one in reply.orders if one.order_id == "O-EAST"]

    found = await house.mesh.sourcing.GetDecision(GetDecisionRequest(decision_id=told.decision_id))
    decision: Decision = found.decision

    why = decision.reoptimization
    assert decision.method == SourcingMethod.SOURCING_METHOD_TOGETHER
    assert (why.run_id, why.reassignment_id) == (reply.run_id, told.reassignment_id)
    assert list(why.order_ids) == ["O-EAST", "O-WEST"]
    assert why.cost_before == told.cost_before
    assert decision.cost == told.cost_after
    assert amount(why.charge) == Decimal("1.00")
    saved = amount(reply.cost_before) - amount(reply.cost_after) - amount(reply.charge)
    assert amount(why.saving) == saved
    assert "together they cost" in why.sentence
    exported = await house.mesh.sourcing.ExportDecision(
        ExportDecisionRequest(decision_id=told.decision_id)
    )
    proof.check(json.loads(exported.record_json))
    again = await house.mesh.sourcing.ReplayDecision(
        ReplayDecisionRequest(decision_id=told.decision_id)
    )
    assert again.identical
    told_why = await house.mesh.sourcing.ExplainDecision(
        ExplainDecisionRequest(decision_id=told.decision_id)
    )
    assert any(one.chosen for one in told_why.locations)
    assert list((await house.order("O-EAST")).decision_ids)[-1] == told.decision_id


async def test_what_is_on_hold_moves_and_stays_on_hold(house: House) -> None:
    held = rule("look", action=OrderAction(hold=HoldOrder(hold_type="fraud")))
    await save(house, rules=[held], reassignment_charge=usd(0))
    await crossed(house, is_held=True)

    reply = await reoptimize(house)

    assert fates(reply) == {"O-EAST": "MOVED", "O-WEST": "MOVED"}
    for order_id, place in (("O-EAST", "EAST"), ("O-WEST", "WEST")):
        (work,) = [
            one for one in await house.work(order_id) if one.state == FulfillmentOrder.STATE_ON_HOLD
        ]
        assert work.location_id == place
        released = ReleaseOrderHoldRequest(
            request_id=new_id(), order_id=order_id, hold_type="fraud"
        )
        await house.mesh.orders.ReleaseOrderHold(released)
    assert await places(house, "O-EAST", "O-WEST") == APART
    assert await house.books_balance()


async def test_a_rehearsal_moves_nothing_and_says_what_would_be(house: House) -> None:
    await crossed(house)

    reply = await reoptimize(house, validate_only=True)

    assert fates(reply) == {"O-EAST": "TO_BE_MOVED", "O-WEST": "TO_BE_MOVED"}
    assert (reply.moved_orders, reply.to_be_moved_orders) == (0, 2)
    assert amount(reply.cost_after) < amount(reply.cost_before)
    assert await places(house, "O-EAST", "O-WEST") == CROSSED
    listed = await house.mesh.sourcing.ListDecisions(ListDecisionsRequest(order_id="O-EAST"))
    assert len(listed.decisions) == 1


async def test_the_same_request_again_is_told_the_same_and_moves_nothing_more(
    house: House,
) -> None:
    await crossed(house)
    request_id = new_id()
    first = await reoptimize(house, request_id=request_id)

    assert await reoptimize(house, request_id=request_id) == first
    assert (
        await refused(reoptimize(house, request_id=request_id, validate_only=True))
    ).reason == "REQUEST_ID_REUSED"
    # Nothing is left to be gained.
    assert fates(await reoptimize(house)) == {
        "O-EAST": "BEST_WHERE_IT_IS",
        "O-WEST": "BEST_WHERE_IT_IS",
    }


async def test_work_that_a_location_has_begun_is_not_moved(house: House) -> None:
    await crossed(house)
    (work,) = await house.work("O-EAST")
    await house.accept(work)

    reply = await reoptimize(house)

    assert fates(reply)["O-WEST"] == "BEST_WHERE_IT_IS"
    assert await places(house, "O-EAST", "O-WEST") == CROSSED
    assert reply.moved_orders == 0


async def test_a_gain_below_the_charge_moves_nothing(house: House) -> None:
    await house.stock({"MUG at SOUTH": 1})
    await house.submit("O-1", line("1", "MUG"))
    # A little nearer to the customer in Chicago, in the same zone.
    await house.receive({"MUG at EAST": 1})
    before = await reoptimize(house, validate_only=True)
    await save(house, reassignment_charge=usd(500))

    reply = await reoptimize(house)

    assert fates(before) == {"O-1": "TO_BE_MOVED"}
    assert fates(reply)["O-1"] in ("SAVES_TOO_LITTLE", "BEST_WHERE_IT_IS")
    assert reply.cost_after == reply.cost_before
    assert await places(house, "O-1") == {"O-1": {"SOUTH"}}


async def test_no_order_is_moved_to_arrive_after_its_promise(house: House) -> None:
    # From WEST to Chicago it takes longer than was promised; SOUTH is in time and dear.
    await house.network(entry("SOUTH", pick_fee=usd(30)))
    await house.stock({"MUG at SOUTH": 1})
    await house.submit("O-1", line("1", "MUG"), promise_days=4)
    await house.receive({"MUG at WEST": 1})

    reply = await reoptimize(house)

    assert await places(house, "O-1") == {"O-1": {"SOUTH"}}
    assert reply.moved_orders == 0


async def test_what_a_unit_more_is_worth_is_told_with_where_it_could_come_from(
    house: House,
) -> None:
    # Three customers beside EAST want the only mug there; the others come from far WEST.
    await house.stock({"MUG at EAST": 1, "MUG at WEST": 9})
    for number in range(3):
        await bought(house, f"O-{number}", "EAST")

    reply = await reoptimize(house)

    (worth,) = reply.stock_worths
    costs = sorted(amount(one.cost_before) for one in reply.orders)
    assert (worth.sku, worth.location_id) == ("MUG", "EAST")
    # One more would let an order come from EAST and one less send one away, each move charged.
    difference = costs[-1] - costs[0]
    assert difference - Decimal("0.55") <= amount(worth.worth) <= difference + Decimal("0.55")
    (transfer,) = reply.transfers
    assert (transfer.from_location_id, transfer.to_location_id) == ("WEST", "EAST")
    assert (transfer.free_units, transfer.value) == (7, worth.worth)


async def test_nothing_and_an_order_that_is_gone_are_answers(house: House) -> None:
    nothing = await reoptimize(house)
    assert (nothing.considered_orders, nothing.compared_orders) == (0, 0)
    assert not nothing.HasField("cost_before")

    await house.stock({"MUG at NEAR": 1})
    await house.submit("O-1", line("1", "MUG"))
    await house.cancel("O-1")
    assert (await reoptimize(house)).considered_orders == 0


async def test_capacity_moves_with_the_orders_even_where_every_window_is_full(
    house: House,
) -> None:
    await house.network(entry("EAST", capacities=[a_day(1)]), entry("WEST", capacities=[a_day(1)]))
    await crossed(house)

    reply = await reoptimize(house)

    assert fates(reply) == {"O-EAST": "MOVED", "O-WEST": "MOVED"}
    await house.receive({"MUG at EAST": 1, "MUG at WEST": 1})
    # The windows are as full as before: one more order finds no room at either.
    await house.submit("O-3", line("1", "MUG"))
    assert (await house.order("O-3")).state == Order.STATE_UNFILLABLE
    await house.cancel("O-WEST")
    await house.submit("O-4", line("1", "MUG"))
    assert await places(house, "O-4") == {"O-4": {"WEST"}}


@pytest.mark.parametrize("at_limit", [AtLimit.AT_LIMIT_LEAVE_OUT, AtLimit.AT_LIMIT_RANK_LAST])
async def test_a_location_that_a_rule_closes_when_it_is_full_is_given_no_more_by_moving(
    house: House, at_limit: AtLimit.ValueType
) -> None:
    far = zone(5000)
    far.freight_per_parcel.units = 20
    hard = CapacityMode(mode=CapacityMode.MODE_HARD)
    await save(house, rules=[rule("hard", capacity_mode=hard)], zones=[zone(500), far])
    await house.stock({"MUG at WEST": 2})
    await bought(house, "O-1", "EAST")
    await bought(house, "O-2", "EAST")
    one_order = Capacity(
        capacity_id="orders-a-day",
        unit=CapacityUnit.CAPACITY_UNIT_ORDERS,
        limit=1,
        at_limit=at_limit,
    )
    await house.network(entry("EAST", capacities=[one_order]))
    await house.receive({"MUG at EAST": 2})

    reply = await reoptimize(house)

    assert sorted(fates(reply).values()) == ["CAPACITY_TAKEN", "MOVED"]
    moved = await places(house, "O-1", "O-2")
    assert sorted(moved.values(), key=sorted) == [{"EAST"}, {"WEST"}]


async def test_two_runs_at_once_do_no_harm(house: House) -> None:
    await crossed(house)

    replies = await asyncio.gather(*(reoptimize(house) for _ in range(3)))

    assert sum(reply.moved_orders for reply in replies) == 2
    assert await places(house, "O-EAST", "O-WEST") == APART
    assert await house.balance("MUG at EAST") == (1, 1, 0)
    assert await house.balance("MUG at WEST") == (1, 1, 0)
    assert await house.books_balance()


async def test_a_season_of_orders_gets_cheaper_and_every_unit_stays_held(house: House) -> None:
    skus = ("MUG", "LAMP", "BOOK")
    await house.stock({f"{sku} at WEST": 12 for sku in skus})
    order_ids = [f"O-{number}" for number in range(12)]
    for number, order_id in enumerate(order_ids):
        there = list(PLACES)[number * 7 % 4]
        lines = [line(str(at), sku) for at, sku in enumerate(skus[: 1 + number % 3])]
        await bought(house, order_id, there, *lines)
    await house.receive({f"{sku} at {place}": 2 for sku in skus for place in PLACES})
    before = {sku: sum((await house.available(sku)).values()) for sku in skus}
    sourced = {name: await only_units(house, name) for name in order_ids}

    reply = await reoptimize(house)

    assert reply.compared_orders == 12
    assert reply.moved_orders >= 6
    assert amount(reply.cost_after) + amount(reply.charge) < amount(reply.cost_before)
    assert amount(reply.bound) <= amount(reply.cost_after) + amount(reply.charge)
    assert sum(amount(one.cost_after) for one in reply.orders) == amount(reply.cost_after)
    assert {name: await only_units(house, name) for name in order_ids} == sourced
    for sku in skus:
        assert sum((await house.available(sku)).values()) == before[sku]
    for one in reply.orders:
        work = [work for work in await house.work(one.order_id) if work.state in OPEN]
        there_now = {(part.sku, w.location_id): part.quantity for w in work for part in w.lines}
        assert await held(house, one.order_id) == there_now
    assert await house.books_balance()


async def only_units(house: House, order_id: str) -> int:
    """Units of the open work of an order."""
    work = [one for one in await house.work(order_id) if one.state in OPEN]
    return sum(part.quantity for one in work for part in one.lines)


@pytest.mark.parametrize("verb", ["accept", "ship", "cancel"])
async def test_what_is_done_to_an_order_after_a_move_is_done_where_it_is(
    house: House, verb: str
) -> None:
    await crossed(house)
    await reoptimize(house)
    (work,) = [one for one in await house.work("O-EAST") if one.state in OPEN]

    if verb == "cancel":
        assert (await house.cancel("O-EAST")).state == Order.STATE_CANCELLED
        await eventually(lambda: _is_free(house))
    elif verb == "accept":
        assert (await house.accept(work)).location_id == "EAST"
    else:
        assert (await house.ship(work)).location_id == "EAST"
    assert await house.books_balance()


async def _is_free(house: House) -> bool:
    return await house.balance("MUG at EAST") == (1, 0, 1)


async def test_the_solver_of_the_server_is_a_process_that_can_be_killed(house: House) -> None:
    await house.stop_routing()
    house.replan = ReplanningProcess()
    await house.start_routing()
    await crossed(house)

    assert fates(await reoptimize(house)) == {"O-EAST": "MOVED", "O-WEST": "MOVED"}


async def test_orders_are_decided_again_on_schedule(house: House) -> None:
    await crossed(house)
    await house.stop_routing()
    house.reoptimize_seconds = 0.2
    await house.start_routing()

    await eventually(lambda: _are_apart(house))
    assert await house.books_balance()


async def _are_apart(house: House) -> bool:
    return await places(house, "O-EAST", "O-WEST") == APART


async def test_an_order_that_is_begun_while_others_are_planned_is_not_moved(
    house: House,
) -> None:
    await crossed(house)
    (work,) = await house.work("O-EAST")

    async def begin(point: str) -> None:
        if point == "replanned":
            await house.accept(work)

    house.at = begin
    reply = await reoptimize(house)

    assert fates(reply) == {"O-EAST": "CHANGED_MEANWHILE", "O-WEST": "CHANGED_MEANWHILE"}
    assert await places(house, "O-EAST", "O-WEST") == CROSSED
    assert reply.cost_after == reply.cost_before
    assert await house.balance("MUG at EAST") == (1, 1, 0)


async def test_stock_that_others_take_meanwhile_leaves_all_as_it_was(house: House) -> None:
    await house.stock({"MUG at WEST": 1, "LAMP at WEST": 1})
    await bought(house, "O-EAST", "EAST")
    await house.receive({"MUG at EAST": 1})
    (before,) = await house.work("O-EAST")

    async def take(point: str) -> None:
        if point == "replanned":
            await house.reserve("MUG at EAST", 1)

    house.at = take
    reply = await reoptimize(house)

    assert fates(reply) == {"O-EAST": "STOCK_TAKEN"}
    assert "INSUFFICIENT_STOCK" in reply.orders[0].fact
    assert reply.cost_after == reply.cost_before
    (after,) = await house.work("O-EAST")
    assert (after.fulfillment_order_id, after.state) == (before.fulfillment_order_id, before.state)
    listed = await house.mesh.sourcing.ListDecisions(ListDecisionsRequest(order_id="O-EAST"))
    assert len(listed.decisions) == 1
    assert (await house.ship(after)).state == FulfillmentOrder.STATE_SHIPPED
    assert await house.books_balance()


@pytest.mark.parametrize("verb", ["accept", "reject", "ship", "source"])
async def test_while_stock_is_on_the_move_its_work_cannot_be_begun(house: House, verb: str) -> None:
    await crossed(house)
    (work,) = await house.work("O-EAST")
    found: list[object] = []

    async def begin(point: str) -> None:
        if point == "after reassign":
            found.append(await answered(_begun(house, verb, work)))

    house.at = begin
    await reoptimize(house)

    (answer,) = found
    assert isinstance(answer, Refusal)
    assert (answer.reason, answer.metadata["orderId"]) == ("BEING_MOVED", "O-EAST")
    assert await places(house, "O-EAST", "O-WEST") == APART


def _begun(house: House, verb: str, work: FulfillmentOrder) -> Awaitable[object]:
    if verb == "source":
        return house.source(work.order_id)
    return {"accept": house.accept, "reject": house.reject, "ship": house.ship}[verb](work)


async def test_an_order_that_is_cancelled_on_the_move_gives_its_stock_back(house: House) -> None:
    await crossed(house)
    waiting: list[asyncio.Task[Order]] = []

    async def cancel(point: str) -> None:
        if point == "after reassign":
            waiting.append(asyncio.ensure_future(house.cancel("O-EAST")))
            await asyncio.sleep(0.1)

    house.at = cancel
    await reoptimize(house)

    assert (await waiting[0]).state == Order.STATE_CANCELLED
    await eventually(lambda: _is_free(house))
    assert await house.balance("MUG at WEST") == (1, 1, 0)
    assert await house.books_balance()
