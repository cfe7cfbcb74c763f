"""The public client: its door, its calls, its refusals, and the help it ships for tests."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest

import ordermesh.client
from ordermesh.api.event.v1 import (
    WatchEventsRequest,
)
from ordermesh.api.routing.v1 import (
    GetOrderRequest,
    GetOrderResponse,
    OrderServiceServicer,
    add_OrderServiceServicer_to_server,
)
from ordermesh.client import Mesh, Refusal, refusal_of
from ordermesh.client.errors import DETAILS_KEY
from ordermesh.client.testing import refuse, refused, serving
from ordermesh.runtime.call import Call, Identity, calling
from ordermesh.runtime.deadlines import seconds_left
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.shared.echo import Feed, serving_echo

BLOCKING = """
import sys

ALLOWED = {"grpc", "google", "ordermesh", "buf", "typing_extensions"}
BEFORE = set(sys.modules)

class Blocked:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        if top in ALLOWED or top in sys.stdlib_module_names:
            return None
        if name.startswith("google.") :
            return None
        raise ImportError(f"{name} is not installed")

sys.meta_path.insert(0, Blocked())
import ordermesh.client
import ordermesh.client.testing
loaded = {name for name in sys.modules if name.startswith("ordermesh.")}
print(sorted({name.split(".")[1] for name in loaded}))
"""


def test_the_door_shows_what_is_public_in_order() -> None:
    assert ordermesh.client.__all__ == sorted(ordermesh.client.__all__)
    assert {"Mesh", "Refusal", "refusal_of"} <= set(ordermesh.client.__all__)
    for name in ordermesh.client.__all__:
        assert getattr(ordermesh.client, name).__doc__


def test_the_client_needs_nothing_but_its_three_dependencies() -> None:
    told = subprocess.run(
        [sys.executable, "-c", BLOCKING], capture_output=True, text=True, check=False
    )

    assert told.returncode == 0, told.stderr
    assert told.stdout.strip() == "['api', 'client']"


class Orders(OrderServiceServicer):
    """A service that a caller fakes: it needs one method of it."""

    CancelOrder = ListOrders = None  # type: ignore[assignment]  # never called
    ReleaseOrderHold = SubmitOrder = None  # type: ignore[assignment]  # never called

    def __init__(self) -> None:
        self.metadata: list[dict[str, object]] = []
        self.seconds: list[float | None] = []
        self.failures = 0

    async def GetOrder(  # noqa: N802 - named by the contract
        self, request: GetOrderRequest, context: Any
    ) -> GetOrderResponse:
        self.metadata.append(dict(context.invocation_metadata()))
        self.seconds.append(context.time_remaining())
        if self.failures:
            self.failures -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "Away.")
        if request.order_id == "unknown":
            await refuse(
                context,
                "ORDER_NOT_FOUND",
                code=grpc.StatusCode.NOT_FOUND,
                metadata={"orderId": "unknown"},
            )
        return GetOrderResponse()


def routing(orders: Orders) -> dict[str, Any]:
    return {"routing": [(add_OrderServiceServicer_to_server, orders)]}


async def test_a_stub_is_made_once_and_only_when_it_is_asked_for() -> None:
    async with Mesh({"routing": "127.0.0.1:1"}) as mesh:
        assert mesh.orders is mesh.orders
        with pytest.raises(LookupError, match="inventory"):
            _ = mesh.items


async def test_calls_name_their_caller_and_have_a_deadline() -> None:
    orders = Orders()
    async with serving(routing(orders), caller="webshop") as mesh:
        await mesh.orders.GetOrder(GetOrderRequest(order_id="1"))
        await mesh.orders.GetOrder(GetOrderRequest(order_id="1"), timeout=3)

    assert [told["ordermesh-caller"] for told in orders.metadata] == ["webshop", "webshop"]
    default, given = orders.seconds
    assert default is not None
    assert 9 < default <= 10.1
    assert given is not None
    assert 2 < given <= 3.1


async def test_a_call_onward_gets_no_more_time_than_is_left_of_the_call_it_serves(
    clock: FakeClock,
) -> None:
    orders = Orders()
    async with serving(routing(orders)) as fakes:
        mesh = Mesh(fakes._targets, seconds_left=seconds_left(clock))
        nobody = Identity("nobody", frozenset())
        deadline = FakeClock(clock.now())
        deadline.advance(1.5)
        with calling(Call("/test/Outer", nobody, deadline.now())):
            await mesh.orders.GetOrder(GetOrderRequest(order_id="1"))
        with calling(Call("/test/Watch", nobody, None)):
            await mesh.orders.GetOrder(GetOrderRequest(order_id="1"))
        clock.advance(5)
        with (
            calling(Call("/test/Outer", nobody, deadline.now())),
            pytest.raises(grpc.aio.AioRpcError) as caught,
        ):
            await mesh.orders.GetOrder(GetOrderRequest(order_id="1"))
        await mesh.close()

    within, without = orders.seconds[:2]
    assert within is not None
    assert 1.0 < within <= 1.5
    assert without is not None
    assert without > 9
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_stream_has_no_deadline_of_ours(tmp_path: Path) -> None:
    async with serving_echo(tmp_path) as mesh:
        call = mesh.events("echo").WatchEvents(WatchEventsRequest())
        reply = await call.read()
        assert reply is not grpc.aio.EOF
        call.cancel()


async def test_a_service_that_is_away_for_a_moment_is_asked_again() -> None:
    orders = Orders()
    orders.failures = 2
    async with serving(routing(orders)) as mesh:
        await mesh.orders.GetOrder(GetOrderRequest(order_id="1"))

    assert len(orders.seconds) == 3


async def test_a_refusal_is_never_asked_again() -> None:
    orders = Orders()
    async with serving(routing(orders)) as mesh:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await mesh.orders.GetOrder(GetOrderRequest(order_id="unknown"))

    assert len(orders.seconds) == 1
    assert refusal_of(caught.value) == Refusal(
        code=grpc.StatusCode.NOT_FOUND,
        reason="ORDER_NOT_FOUND",
        domain="routing.ordermesh",
        sentence="Refused in a test.",
        metadata={"orderId": "unknown"},
    )


def test_a_refusal_made_for_a_test_reads_like_a_real_one() -> None:
    error = refused(
        "OVERLOADED",
        code=grpc.StatusCode.RESOURCE_EXHAUSTED,
        service="inventory",
        sentence="Too much.",
        metadata={"a": "1"},
        violations={"lines[0].sku": "must not be empty"},
        retry_after=0.05,
    )

    assert refusal_of(error) == Refusal(
        code=grpc.StatusCode.RESOURCE_EXHAUSTED,
        reason="OVERLOADED",
        domain="inventory.ordermesh",
        sentence="Too much.",
        metadata={"a": "1"},
        violations={"lines[0].sku": "must not be empty"},
        retry_after=0.05,
    )


@pytest.mark.parametrize("written", [None, b"", b"\xff\xff", "text"])
def test_an_error_without_a_reason_of_ours_is_no_refusal(written: bytes | str | None) -> None:
    trailing = grpc.aio.Metadata()
    if written is not None:
        trailing.add(DETAILS_KEY, written)
    error = grpc.aio.AioRpcError(
        grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), trailing, details="Away."
    )

    assert refusal_of(error) is None


def test_the_facts_of_several_lines_are_told_row_by_row() -> None:
    refusal = Refusal(
        code=grpc.StatusCode.FAILED_PRECONDITION,
        reason="INSUFFICIENT_STOCK",
        domain="inventory.ordermesh",
        sentence="",
        metadata={"sku": "A", "wanted": "2", "sku-2": "B", "wanted-2": "3", "rows": "2"},
    )

    assert refusal.rows() == [{"sku": "A", "wanted": "2"}, {"sku": "B", "wanted": "3"}]


async def test_an_interceptor_of_the_caller_s_own_sees_every_call() -> None:
    seen: list[str] = []

    class Watching(grpc.aio.UnaryUnaryClientInterceptor):
        async def intercept_unary_unary(
            self, continuation: Any, client_call_details: Any, request: Any
        ) -> Any:
            seen.append(client_call_details.method)
            return await continuation(client_call_details, request)

    orders = Orders()
    async with (
        serving(routing(orders)) as fakes,
        Mesh(fakes._targets, interceptors=[Watching()]) as mesh,
    ):
        await mesh.orders.GetOrder(GetOrderRequest(order_id="1"))

    assert len(seen) == 1


async def test_dropping_a_stream_ends_it_and_its_handler(tmp_path: Path) -> None:
    feed = Feed()
    async with serving_echo(tmp_path, feed=feed) as mesh:
        async for page in mesh.events("echo").WatchEvents(WatchEventsRequest()):
            if page.revision == 2:
                break
        await eventually(feed.left.is_set)
