"""What a peer answers, sorted: a reply, a refusal that it decided on, or no answer at all."""

from collections.abc import Awaitable
from typing import TypeVar

import grpc

from ordermesh.client.errors import Refusal, refusal_of
from ordermesh.kernel.errors import Unavailable

T = TypeVar("T")

AWAY_SECONDS = 0.2
"""After so long a peer that is away is asked again, unless it says when."""

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


class PeerFault(Exception):
    """A peer answered what its contract does not foresee here: a fault, to be looked into."""

    def __init__(self, peer: str, code: str, reason: str) -> None:
        super().__init__(f"{peer.capitalize()} answered {code} {reason}.")


async def answered(peer: str, call: Awaitable[T]) -> T | Refusal:
    """The reply, or the refusal that the peer decided on.

    Raises ``Unavailable`` where the peer is away or its answer was lost, ``PeerFault`` for
    everything else: no outcome of a call is left unclassified.
    """
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        code, refusal = error.code(), refusal_of(error)
        if code in _NO_ANSWER:
            pushed_back = refusal.retry_after if refusal is not None else None
            raise Unavailable(
                f"{peer.capitalize()} is away: {code.name}.",
                service=peer,
                retry_after=pushed_back or AWAY_SECONDS,
            ) from error
        if code in _ANSWERS and refusal is not None:
            return refusal
        raise PeerFault(peer, code.name, "" if refusal is None else refusal.reason) from error


async def expected(peer: str, call: Awaitable[T]) -> T:
    """The reply of a call that nobody may refuse; raises ``PeerFault`` where it is."""
    answer = await answered(peer, call)
    if isinstance(answer, Refusal):
        raise unforeseen(peer, answer)
    return answer


def unforeseen(peer: str, refusal: Refusal) -> PeerFault:
    """What nobody expected it to say."""
    return PeerFault(peer, refusal.code.name, refusal.reason)
