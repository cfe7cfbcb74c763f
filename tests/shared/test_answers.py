"""Every outcome of a call to a peer is a reply, a refusal, no answer, or a fault."""

import grpc
import pytest

from ordermesh.client.errors import Refusal
from ordermesh.client.testing import refused
from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime.answers import AWAY_SECONDS, PeerFault, answered, expected

UNKNOWN = refused("UNKNOWN_SKU", code=grpc.StatusCode.NOT_FOUND, service="inventory")


async def ended(by: Exception) -> int:
    raise by


async def replied() -> int:
    return 7


def wordless(code: str) -> grpc.aio.AioRpcError:
    """How a call ends that no service has ended."""
    return grpc.aio.AioRpcError(grpc.StatusCode[code], grpc.aio.Metadata(), grpc.aio.Metadata())


async def test_a_reply_is_a_reply() -> None:
    assert await answered("inventory", replied()) == 7
    assert await expected("inventory", replied()) == 7


async def test_a_refusal_is_an_answer_unless_nobody_may_refuse() -> None:
    found = await answered("inventory", ended(UNKNOWN))

    assert isinstance(found, Refusal)
    assert found.reason == "UNKNOWN_SKU"
    with pytest.raises(PeerFault, match="Inventory answered NOT_FOUND UNKNOWN_SKU"):
        await expected("inventory", ended(UNKNOWN))


@pytest.mark.parametrize("code", ["UNAVAILABLE", "ABORTED", "DEADLINE_EXCEEDED", "CANCELLED"])
async def test_a_call_of_which_nobody_knows_what_became_is_no_answer(code: str) -> None:
    with pytest.raises(Unavailable, match=f"Inventory is away: {code}") as error:
        await answered("inventory", ended(wordless(code)))

    assert error.value.retry_after == AWAY_SECONDS


async def test_who_is_too_busy_says_when_to_come_back() -> None:
    busy = refused(
        "OVERLOADED",
        code=grpc.StatusCode.RESOURCE_EXHAUSTED,
        service="inventory",
        retry_after=3.0,
    )

    with pytest.raises(Unavailable) as error:
        await answered("inventory", ended(busy))

    assert error.value.retry_after == 3.0


@pytest.mark.parametrize("code", ["INTERNAL", "UNKNOWN", "UNIMPLEMENTED", "NOT_FOUND"])
async def test_everything_else_is_a_fault(code: str) -> None:
    with pytest.raises(PeerFault, match=f"Inventory answered {code}"):
        await answered("inventory", ended(wordless(code)))
