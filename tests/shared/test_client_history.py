"""Histories of real runs: how they are recorded, and that bad ones are refused."""

import asyncio
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest

from ordermesh.api.routing.v1 import (
    GetOrderRequest,
    GetOrderResponse,
    Order,
    OrderServiceServicer,
    add_OrderServiceServicer_to_server,
)
from ordermesh.client.history.__main__ import main
from ordermesh.client.history.calls import (
    Call,
    History,
    MalformedHistory,
    Outcome,
    Stock,
    merged,
    read,
    write,
)
from ordermesh.client.history.checking import check
from ordermesh.client.history.promises import Uncounted
from ordermesh.client.history.recording import Recorder
from ordermesh.client.mesh import Mesh
from ordermesh.client.testing import refuse, serving

R1, R2 = "00000000-0000-0000-0000-0000000000a1", "00000000-0000-0000-0000-0000000000a2"
HELD, CONFIRMED, SHIPPED, RELEASED = "HELD", "CONFIRMED", "SHIPPED", "RELEASED"


class Tale:
    """A history as a test tells it. Instants are given as (begin, end)."""

    def __init__(self, mugs: int = 0) -> None:
        self.history = History(stock=[Stock("MUG", "EAST", mugs)])
        self._ids = itertools.count(1)

    def call(
        self,
        name: str,
        instants: tuple[float, float],
        request: dict[str, Any],
        reply: dict[str, Any] | None = None,
        **ending: Any,
    ) -> Call:
        package = "inventory" if name.startswith(("Reservation", "Ledger", "Feed")) else "routing"
        if name.startswith("Return"):
            package = "returns"
        call = self.history.begin(
            ending.pop("client", "shop"), f"ordermesh.api.{package}.v1.{name}", request, instants[0]
        )
        call.end_time, call.outcome = instants[1], ending.pop("outcome", Outcome.OK)
        call.reply = (reply or {}) if call.outcome is Outcome.OK else {}
        call.code, call.reason = ending.pop("code", ""), ending.pop("reason", "")
        return call

    def new_id(self) -> str:
        return str(next(self._ids))

    def reserve(
        self, name: str, quantity: int, instants: tuple[float, float], **fields: Any
    ) -> Call:
        ending = {key: fields.pop(key) for key in ("outcome", "code", "reason") if key in fields}
        state = CONFIRMED if fields.get("confirm") else HELD
        request = {
            "request_id": fields.pop("request_id", self.new_id()),
            "reservation_id": name,
            "lines": [{"line_id": "1", "quantity": str(quantity)}],
            **fields,
        }
        shown = reservation(name, quantity, state)
        return self.call("ReservationService/Reserve", instants, request, shown, **ending)

    def verb(
        self,
        verb: str,
        name: str,
        instants: tuple[float, float],
        reply: dict[str, Any] | None = None,
        outcome: Outcome = Outcome.OK,
        **fields: Any,
    ) -> Call:
        request = {"request_id": self.new_id(), "reservation_id": name, **fields}
        return self.call(f"ReservationService/{verb}", instants, request, reply, outcome=outcome)

    def receive(self, quantity: int, instants: tuple[float, float], **ending: Any) -> Call:
        line = {"key": {"sku": "MUG", "location_id": "EAST"}, "quantity": str(quantity)}
        request = {"request_id": self.new_id(), "lines": [line]}
        return self.call("LedgerService/ReceiveStock", instants, request, {}, **ending)

    def order(
        self, name: str, sourced: int, instants: tuple[float, float], shipped: int = 0, **more: Any
    ) -> Call:
        request = {"request_id": more.pop("request_id", self.new_id()), "order_id": name}
        shown = order(name, sourced, shipped, **more)
        return self.call("OrderService/SubmitOrder", instants, request, shown)

    def look(self, name: str, version: int, instants: tuple[float, float]) -> Call:
        shown = order(name, 0, 0, version=version)
        return self.call("OrderService/GetOrder", instants, {"order_id": name}, shown)

    @property
    def kinds(self) -> list[str]:
        return [str(one.kind) for one in check(self.history).violations]


def reservation(name: str, quantity: int, state: str) -> dict[str, Any]:
    line = {
        "line_id": "1",
        "key": {"sku": "MUG", "location_id": "EAST"},
        "quantity": str(quantity),
        "state": f"STATE_{state}",
    }
    return {"reservation": {"reservation_id": name, "lines": [line]}}


def order(
    name: str, sourced: int, shipped: int, version: int = 1, state: str = "RELEASED"
) -> dict[str, Any]:
    line = {"line_id": "1", "sku": "MUG", "quantity": "9"}
    line |= {"sourced_quantity": str(sourced), "shipped_quantity": str(shipped)}
    return {
        "order": {
            "order_id": name,
            "state": f"STATE_{state}",
            "lines": [line],
            "version": str(version),
        }
    }


# What must be refused.


def two_holds_of_the_last_unit(tale: Tale) -> None:
    tale.reserve(R1, 3, (1, 2))
    tale.reserve(R2, 3, (3, 4))


def two_confirmed_long_after_one_another(tale: Tale) -> None:
    tale.reserve(R1, 3, (1, 2), confirm=True)
    tale.reserve(R2, 3, (10_000, 10_001), confirm=True)


def a_confirmed_hold_outlives_its_time(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), hold_duration="60s")
    tale.verb("Confirm", R1, (30, 31), reservation(R1, 5, CONFIRMED))
    tale.reserve(R2, 1, (100, 101))


def sold_again_after_it_was_shipped(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), confirm=True)
    tale.verb("Ship", R1, (3, 4), reservation(R1, 5, SHIPPED))
    tale.reserve(R2, 1, (5, 6))


def sold_again_though_its_release_was_refused(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), confirm=True)
    tale.verb("Release", R1, (3, 4), outcome=Outcome.FAIL)
    tale.reserve(R2, 1, (5, 6))


def sold_before_it_could_have_been_released(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2))
    tale.reserve(R2, 1, (3, 4))
    tale.verb("Release", R1, (5, 6))


def sold_before_more_could_have_come(tale: Tale) -> None:
    tale.reserve(R1, 6, (1, 2))
    tale.receive(10, (3, 4))


def sold_what_was_refused_to_come(tale: Tale) -> None:
    tale.receive(10, (1, 2), outcome=Outcome.FAIL, code="NOT_FOUND")
    tale.reserve(R1, 6, (3, 4))


def counted_twice_because_it_was_received_twice_by_one_request(tale: Tale) -> None:
    first = tale.receive(1, (1, 2), outcome=Outcome.UNKNOWN)
    again = tale.receive(1, (3, 4))
    again.request = first.request
    tale.reserve(R1, 7, (5, 6))


def two_orders_have_more_than_there_is(tale: Tale) -> None:
    tale.order("A", 3, (1, 2))
    tale.order("B", 3, (3, 4))


def a_cart_and_an_order_have_more_than_there_is(tale: Tale) -> None:
    tale.reserve(R1, 3, (1, 2), confirm=True)
    tale.order("B", 3, (3, 4))


def a_reply_that_changed(tale: Tale) -> None:
    tale.reserve(R1, 1, (1, 2), request_id="r")
    tale.reserve(R1, 1, (3, 4), request_id="r").reply = reservation(R1, 1, RELEASED)


def a_no_that_became_a_yes(tale: Tale) -> None:
    tale.reserve(
        R1, 1, (1, 2), request_id="r", outcome=Outcome.FAIL, code="FAILED_PRECONDITION",
        reason="INSUFFICIENT_STOCK",
    )  # fmt: skip
    tale.reserve(R1, 1, (3, 4), request_id="r")


def a_yes_that_became_another_order(tale: Tale) -> None:
    tale.order("A", 1, (1, 2), request_id="r")
    tale.order("A", 1, (3, 4), request_id="r").reply = order("B", 1, 0)


def a_retry_that_is_called_a_reuse(tale: Tale) -> None:
    tale.order("A", 1, (1, 2), request_id="r")
    again = tale.order("A", 1, (3, 4), request_id="r")
    again.outcome, again.reply = Outcome.FAIL, {}
    again.code, again.reason = "INVALID_ARGUMENT", "REQUEST_ID_REUSED"


def two_things_under_one_id(tale: Tale) -> None:
    tale.order("A", 1, (1, 2), request_id="r")
    tale.order("B", 1, (3, 4), request_id="r")


def an_order_that_grew_younger(tale: Tale) -> None:
    tale.look("A", 5, (1, 2))
    tale.look("A", 4, (3, 4))


def an_order_that_grew_younger_between_clients(tale: Tale) -> None:
    tale.look("A", 4, (0, 9))
    tale.look("A", 6, (1, 2)).client = "another"
    tale.look("A", 5, (3, 4))


def a_feed_that_went_back(tale: Tale) -> None:
    for revision, begin in ((7, 1), (6, 3)):
        tale.call(
            "ReservationService/ListReservations", (begin, begin + 1), {},
            {"revision": str(revision)},
        )  # fmt: skip


def an_order_that_is_gone(tale: Tale) -> None:
    tale.order("A", 1, (1, 2))
    tale.call(
        "OrderService/GetOrder", (3, 4), {"order_id": "A"},
        outcome=Outcome.FAIL, code="NOT_FOUND", reason="ORDER_NOT_FOUND",
    )  # fmt: skip


def goods_that_had_left_and_were_not_there(tale: Tale) -> None:
    ship(tale, "STATE_SHIPPED", (1, 2))
    refused(ship(tale, "", (3, 4)))


REFUSED: dict[Callable[[Tale], None], str] = {
    two_holds_of_the_last_unit: "oversold",
    two_confirmed_long_after_one_another: "oversold",
    a_confirmed_hold_outlives_its_time: "oversold",
    sold_again_after_it_was_shipped: "oversold",
    sold_again_though_its_release_was_refused: "oversold",
    sold_before_it_could_have_been_released: "oversold",
    sold_before_more_could_have_come: "oversold",
    sold_what_was_refused_to_come: "oversold",
    counted_twice_because_it_was_received_twice_by_one_request: "oversold",
    two_orders_have_more_than_there_is: "oversold",
    a_cart_and_an_order_have_more_than_there_is: "oversold",
    a_reply_that_changed: "replies differ",
    a_no_that_became_a_yes: "replies differ",
    a_yes_that_became_another_order: "replies differ",
    a_retry_that_is_called_a_reuse: "replies differ",
    goods_that_had_left_and_were_not_there: "replies differ",
    two_things_under_one_id: "request id reused",
    an_order_that_grew_younger: "version fell",
    an_order_that_grew_younger_between_clients: "version fell",
    a_feed_that_went_back: "version fell",
    an_order_that_is_gone: "lost",
}


@pytest.mark.parametrize("story", REFUSED, ids=lambda story: story.__name__)
def test_a_bad_history_is_refused(story: Callable[[Tale], None]) -> None:
    tale = Tale(mugs=5)
    story(tale)

    assert set(tale.kinds) == {REFUSED[story]}


# What must not be refused: it looks alike, and there is an innocent way in which it came about.


def a_hold_that_may_have_run_out(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), hold_duration="60s")
    tale.reserve(R2, 5, (62, 63))


def a_hold_whose_usual_time_is_over(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2))
    tale.reserve(R2, 5, (902, 903))


def a_release_whose_answer_was_lost(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2))
    tale.verb("Release", R1, (3, 4), outcome=Outcome.UNKNOWN)
    tale.reserve(R2, 5, (5, 6))


def a_release_that_was_lost_and_arrives_late(tale: Tale) -> None:
    tale.verb("Release", R1, (1, 2), outcome=Outcome.UNKNOWN)
    tale.reserve(R1, 5, (3, 4))
    tale.reserve(R2, 5, (5, 6))


def a_release_that_goes_on_at_the_same_time(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2))
    tale.reserve(R2, 5, (3, 9))
    tale.verb("Release", R1, (4, 10))


def a_reserve_that_was_released_before_it_was_answered(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 10))
    tale.verb("Release", R1, (2, 3))
    tale.reserve(R2, 5, (11, 12))


def stock_whose_receipt_was_lost_on_its_way(tale: Tale) -> None:
    tale.receive(10, (1, 2), outcome=Outcome.UNKNOWN, code="UNAVAILABLE")
    tale.reserve(R1, 15, (3, 4))


def a_reserve_of_which_nothing_is_known(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), outcome=Outcome.UNKNOWN, code="DEADLINE_EXCEEDED")
    tale.reserve(R2, 5, (3, 4))


def a_cart_that_became_an_order(tale: Tale) -> None:
    tale.reserve(R1, 5, (1, 2), confirm=True)
    tale.order("A", 5, (3, 4)).request = {
        "request_id": "o", "order_id": "A", "checkout_reservation_ids": [R1],
    }  # fmt: skip


def an_order_that_was_cancelled(tale: Tale) -> None:
    tale.order("A", 5, (1, 2))
    tale.call("OrderService/CancelOrder", (3, 4), {"request_id": "c", "order_id": "A"})
    tale.order("B", 5, (5, 6))


def goods_that_came_back_and_were_sold_again(tale: Tale) -> None:
    tale.order("A", 5, (1, 2), shipped=5, state="FULFILLED")
    tale.call(
        "ReturnService/ReceiveReturn", (3, 4),
        {"request_id": "v", "return_id": "V", "lines": [{"line_id": "1", "quantity": "5"}]},
    )  # fmt: skip
    tale.order("B", 5, (5, 6))


def shipping_takes_nothing_from_anybody(tale: Tale) -> None:
    tale.reserve(R1, 3, (1, 2), confirm=True)
    tale.verb("Ship", R1, (3, 4), reservation(R1, 3, SHIPPED))
    tale.reserve(R2, 2, (5, 6))


def an_order_that_a_retry_finds_further_on(tale: Tale) -> None:
    tale.order("A", 1, (1, 2), request_id="r", version=1, state="RECEIVED")
    tale.order("A", 1, (3, 4), request_id="r", version=4)


def a_stored_reply_that_is_older_than_what_was_read(tale: Tale) -> None:
    tale.order("A", 1, (1, 2), request_id="r", version=1)
    tale.look("A", 7, (3, 4))
    tale.order("A", 1, (5, 6), request_id="r", version=1)


def looks_at_one_time(tale: Tale) -> None:
    tale.look("A", 5, (1, 4))
    tale.look("A", 4, (2, 3))


def a_look_before_it_was_made(tale: Tale) -> None:
    tale.call(
        "OrderService/GetOrder", (1, 5), {"order_id": "A"}, outcome=Outcome.FAIL, code="NOT_FOUND"
    )
    tale.order("A", 1, (2, 3))


def a_refusal_that_passes(tale: Tale) -> None:
    tale.reserve(R1, 1, (1, 2), request_id="r", outcome=Outcome.FAIL, code="NOT_FOUND")
    tale.reserve(R1, 1, (3, 4), request_id="r")


def ship(tale: Tale, state: str, instants: tuple[float, float]) -> Call:
    return tale.call(
        "FulfillmentService/ShipFulfillmentOrder",
        instants,
        {"request_id": "r", "fulfillment_order_id": "F"},
        {"fulfillment_order": {"fulfillment_order_id": "F", "order_id": "A", "state": state}},
    )


def refused(call: Call) -> None:
    call.outcome, call.reply = Outcome.FAIL, {}
    call.code, call.reason = "FAILED_PRECONDITION", "INSUFFICIENT_STOCK"


def goods_that_were_leaving_and_were_not_there(tale: Tale) -> None:
    ship(tale, "STATE_SHIPPING", (1, 2))
    refused(ship(tale, "", (3, 4)))
    refused(ship(tale, "", (5, 6)))


ACCEPTED: tuple[Callable[[Tale], None], ...] = (
    a_hold_that_may_have_run_out,
    a_hold_whose_usual_time_is_over,
    a_release_whose_answer_was_lost,
    a_release_that_was_lost_and_arrives_late,
    a_release_that_goes_on_at_the_same_time,
    a_reserve_that_was_released_before_it_was_answered,
    stock_whose_receipt_was_lost_on_its_way,
    a_reserve_of_which_nothing_is_known,
    a_cart_that_became_an_order,
    an_order_that_was_cancelled,
    goods_that_came_back_and_were_sold_again,
    shipping_takes_nothing_from_anybody,
    an_order_that_a_retry_finds_further_on,
    a_stored_reply_that_is_older_than_what_was_read,
    looks_at_one_time,
    a_look_before_it_was_made,
    a_refusal_that_passes,
    goods_that_were_leaving_and_were_not_there,
)


@pytest.mark.parametrize("story", ACCEPTED, ids=lambda story: story.__name__)
def test_what_may_have_an_innocent_cause_is_accepted(story: Callable[[Tale], None]) -> None:
    tale = Tale(mugs=5)
    story(tale)

    assert tale.kinds == []


def test_stock_that_comes_in_uncounted_ways_is_not_judged() -> None:
    tale = Tale()
    tale.call("FeedService/SendDeltas", (1, 2), {"request_id": "f"})

    with pytest.raises(Uncounted, match="FeedService/SendDeltas"):
        check(tale.history)


def test_a_history_is_written_and_read_again(tmp_path: Path) -> None:
    tale = Tale(mugs=5)
    tale.reserve(R1, 5, (1, 2))
    tale.history.begin("shop", "ordermesh.api.routing.v1.OrderService/GetOrder", {}, 3)
    file = tmp_path / "run.json"

    write(tale.history, file)

    assert read(file) == tale.history
    assert "end_time" not in json.loads(file.read_text())["calls"][1]


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "is no history"),
        ("[]", "is not of the format ordermesh.history/1"),
        ('{"format": "ordermesh.history/2"}', "is not of the format"),
        ('{"format": "ordermesh.history/1"}', "is no history: KeyError 'calls'"),
        ('{"format": "ordermesh.history/1", "calls": [{"outcome": "ok"}]}', "is no history"),
    ],
)
def test_a_file_that_is_no_history_is_refused(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "run.json"
    file.write_text(text)

    with pytest.raises(MalformedHistory, match=complaint):
        read(file)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [({"outcome": "perhaps"}, "perhaps"), ({"end_time": 0.5}, "ended before it began")],
)
def test_a_call_that_cannot_be_is_refused(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    tale = Tale(mugs=5)
    tale.reserve(R1, 5, (1, 2))
    file = tmp_path / "run.json"
    write(tale.history, file)
    whole = json.loads(file.read_text())
    whole["calls"][0] |= change
    file.write_text(json.dumps(whole))

    with pytest.raises(MalformedHistory, match=complaint):
        read(file)


def test_the_command_tells_good_from_bad_from_unreadable(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = Tale(mugs=5), Tale(mugs=5)
    good.reserve(R1, 5, (1, 2))
    bad.reserve(R1, 6, (1, 2))
    write(good.history, tmp_path / "good.json")
    write(bad.history, tmp_path / "bad.json")

    assert main([str(tmp_path / "good.json")]) == 0
    assert "1 calls (1 ok, 0 fail, 0 unknown), 0 requests tried again: accepted." in (
        capsys.readouterr().out
    )
    assert main([str(tmp_path / "bad.json")]) == 1
    assert "oversold: 6 units of MUG at EAST were promised when call 1 was answered" in (
        capsys.readouterr().out
    )
    assert main([str(tmp_path / "nothing.json")]) == 2
    assert main([]) == 2


def test_histories_of_several_processes_are_one() -> None:
    one, other = Tale(mugs=5), Tale()
    one.reserve(R1, 5, (1, 2))
    other.reserve(R2, 1, (3, 4))

    whole = merged([other.history, one.history])

    assert [(call.number, call.invoke_time) for call in whole.calls] == [(1, 1), (2, 3)]
    assert [one.kind for one in check(whole).violations] != []


class Orders(OrderServiceServicer):
    async def GetOrder(  # noqa: N802
        self, request: GetOrderRequest, context: grpc.aio.ServicerContext[Any, Any]
    ) -> GetOrderResponse:
        if request.order_id == "refused":
            await refuse(context, "ORDER_NOT_FOUND", code=grpc.StatusCode.NOT_FOUND)
        if request.order_id == "broken":
            await context.abort(grpc.StatusCode.INTERNAL, "Broken.")
        if request.order_id == "slow":
            await asyncio.sleep(60)
        return GetOrderResponse(order=Order(order_id=request.order_id, version=3))


async def test_a_client_writes_down_what_it_asked_and_what_it_was_told() -> None:
    history = History()
    orders = Orders()  # type: ignore[abstract]  # one method is all that is asked
    fakes = {"routing": [(add_OrderServiceServicer_to_server, orders)]}
    async with serving(fakes) as served:
        recorder = Recorder(history, "webshop", now=itertools.count(1).__next__)
        async with Mesh(served.targets, interceptors=[recorder]) as mesh:
            reply = await mesh.orders.GetOrder(GetOrderRequest(order_id="A"))
            assert reply.order.version == 3
            for order_id in ("refused", "broken"):
                with pytest.raises(grpc.aio.AioRpcError):
                    await mesh.orders.GetOrder(GetOrderRequest(order_id=order_id))
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await mesh.orders.GetOrder(GetOrderRequest(order_id="slow"))

    first, refused, broken, slow = history.calls
    assert (first.number, first.client, first.name) == (1, "webshop", "OrderService/GetOrder")
    assert (first.invoke_time, first.end_time, first.outcome) == (1, 2, Outcome.OK)
    assert first.request == {"order_id": "A"}
    assert first.reply == {"order": {"order_id": "A", "version": "3"}}
    assert (refused.outcome, refused.code, refused.reason) == (
        Outcome.FAIL,
        "NOT_FOUND",
        "ORDER_NOT_FOUND",
    )
    assert (broken.outcome, broken.code) == (Outcome.UNKNOWN, "INTERNAL")
    assert (slow.outcome, slow.end_time) == (Outcome.UNKNOWN, float("inf"))
