"""What inventory answers, sorted: a reply, a refusal that it decided on, or no answer at all."""

from collections.abc import Awaitable
from typing import TypeVar

import grpc

from ordermesh.client.errors import Refusal, refusal_of
from ordermesh.kernel.errors import Unavailable

T = TypeVar("T")

INVENTORY = "inventory"
AWAY_SECONDS = 0.2

_NO_ANSWER = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        # Whether it was done is not known; the same call, made again, tells.
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.CANCELLED,
    }
)
_ANSWERS = frozenset(
    {
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.PERMISSION_DENIED,
    }
)


class InventoryFault(Exception):
    """Inventory answered what its contract does not foresee here: a fault, to be looked into."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(f"Inventory answered {code} {reason}.")


async def answered(call: Awaitable[T]) -> T | Refusal:
    """The reply, or the refusal that the service decided on.

    Raises ``Unavailable`` where the service is away or its answer was lost, ``InventoryFault`` for
    everything else: no outcome of a call is left unclassified.
    """
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        code = error.code()
        refusal = refusal_of(error)
        if code in _NO_ANSWER:
            pushed_back = refusal.retry_after if refusal is not None else None
            raise Unavailable(
                f"Inventory is away: {code.name}.",
                service=INVENTORY,
                retry_after=pushed_back or AWAY_SECONDS,
            ) from error
        if code in _ANSWERS and refusal is not None:
            return refusal
        raise InventoryFault(code.name, "" if refusal is None else refusal.reason) from error


async def expected(call: Awaitable[T]) -> T:
    """The reply of a call that nobody may refuse."""
    answer = await answered(call)
    if isinstance(answer, Refusal):
        raise unforeseen(answer)
    return answer


def unforeseen(refusal: Refusal) -> InventoryFault:
    """What nobody expected it to say."""
    return InventoryFault(refusal.code.name, refusal.reason)
