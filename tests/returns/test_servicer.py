"""The returns service as its callers see it: over gRPC, with statuses and reasons."""

import grpc
import pytest

from ordermesh.api.event.v1 import DeliverRequest, EventEnvelope, InboxServiceStub
from ordermesh.api.returns.v1 import (
    GetReturnableRequest,
    GetReturnableResponse,
    ReturnableLine,
)
from ordermesh.client.errors import refusal_of
from tests.returns.shipments import shipped
from tests.servers import Served


async def deliver(served: Served, *events: EventEnvelope) -> int:
    inbox = InboxServiceStub(served.mesh.channel("returns"))
    return (await inbox.Deliver(DeliverRequest(events=events))).recorded_count


async def read(served: Served, order_id: str) -> GetReturnableResponse:
    async with served.as_caller("webshop") as webshop:
        return await webshop.returns.GetReturnable(GetReturnableRequest(order_id=order_id))


async def test_what_routing_delivers_a_platform_reads(served: Served) -> None:
    told = [shipped(1, ("1", "MUG-7", 2)), shipped(2, ("1", "MUG-7", 1), ("2", "BOWL-1", 1))]

    assert await deliver(served, *told) == 2
    assert await deliver(served, *told) == 0

    assert list((await read(served, "A-1001")).lines) == [
        ReturnableLine(line_id="1", sku="MUG-7", shipped_quantity=3, returnable_quantity=3),
        ReturnableLine(line_id="2", sku="BOWL-1", shipped_quantity=1, returnable_quantity=1),
    ]


async def test_an_order_that_nothing_is_known_of_has_no_lines(served: Served) -> None:
    assert not (await read(served, "NEVER-HEARD-OF")).lines


@pytest.mark.parametrize("order_id", ["", "x" * 129, "A\n1"])
async def test_a_wrong_request_is_refused_with_its_reason(served: Served, order_id: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await read(served, order_id)

    refusal = refusal_of(error.value)
    assert error.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert refusal is not None
    assert (refusal.reason, refusal.domain) == ("FIELD_VIOLATION", "returns.ordermesh")


async def test_only_routing_may_deliver(served: Served) -> None:
    async with served.as_caller("notify") as notify:
        inbox = InboxServiceStub(notify.channel("returns"))
        with pytest.raises(grpc.aio.AioRpcError) as error:
            await inbox.Deliver(DeliverRequest(events=[shipped(1, ("1", "MUG-7", 2))]))

    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
    assert not (await read(served, "A-1001")).lines


async def test_a_service_of_the_mesh_may_not_read_what_is_for_platforms(served: Served) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await served.mesh.returns.GetReturnable(GetReturnableRequest(order_id="A-1001"))

    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED
