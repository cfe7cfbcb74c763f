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
    History,
    MalformedHistory,
    Outcome,
    merged,
    read,
    write,
)
from ordermesh.client.history.checking import check
from ordermesh.client.history.promises import Uncounted
from ordermesh.client.history.recording import Recorder
from ordermesh.client.mesh import Mesh
from ordermesh.client.testing import refuse, serving
from tests.shared.tales import ACCEPTED, R1, R2, REFUSED, Tale


@pytest.mark.parametrize("story", REFUSED, ids=lambda story: story.__name__)
def test_a_bad_history_is_refused(story: Callable[[Tale], None]) -> None:
    tale = Tale(mugs=5)
    story(tale)

    assert set(tale.kinds) == {REFUSED[story]}


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
