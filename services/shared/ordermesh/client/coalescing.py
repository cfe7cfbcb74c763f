"""Calls of ``Reserve`` that a process makes at one moment travel together.

A call over the wire costs ten times what the ledger does for it, so this is the largest lever that
a busy caller has. What comes while calls are under way is the next bulk: a lone call waits for
nobody and is sent as it is.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextvars import Context
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Self

import grpc
from google.rpc.status_pb2 import Status

from ordermesh.api.inventory.v1 import (
    ReserveBulkRequest,
    ReserveRequest,
    ReserveResponse,
    ReserveVerdict,
)
from ordermesh.client.errors import DETAILS_KEY, refusal_of

if TYPE_CHECKING:
    from ordermesh.api.inventory.v1.reservation_service_pb2_grpc import (
        ReservationServiceAsyncStub,
    )

REQUESTS_MAX = 256
"""How many requests travel together at most."""

BYTES_MAX = 900_000
"""What requests that travel together weigh at most: the service refuses larger messages."""

IN_FLIGHT = 2
"""How many calls are under way at once: while one is answered, the next is on its way."""

WAITING_MAX = 16_384
"""How many requests wait at most; who comes then is told to come back."""

TIMEOUT_SECONDS = 2.0

_TOO_MUCH_ASKED = "TOO_MUCH_ASKED"

_CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(eq=False)
class _Waiting:
    request: ReserveRequest
    end: float  # of the loop's clock
    size: int
    answer: "asyncio.Future[ReserveResponse]"
    is_alone: bool = False  # its answer did not fit beside those of others


class CoalescingReserver:
    """Reserves for many callers of one process, who may use it as if each were alone::

        async with CoalescingReserver(mesh.reservations) as reserver:
            reply = await reserver.reserve(request, timeout=1.0)

    Every caller gets its own reply, or the ``grpc.aio.AioRpcError`` that a call of ``Reserve``
    would have raised, with the same reason and facts for ``refusal_of``. A call whose time ends is
    ``DEADLINE_EXCEEDED``: what has not been sent is not sent any more; what has been sent may have
    been done, so that the same request, with the same ``request_id``, is to be sent again. The same
    holds where the connection breaks. A caller that is cancelled takes its request back if it was
    not sent.

    All requests are made in the name of the mesh's caller. What travels together is one call, with
    a span of its own.
    """

    def __init__(
        self,
        reservations: "ReservationServiceAsyncStub",
        *,
        requests_max: int = REQUESTS_MAX,
        in_flight: int = IN_FLIGHT,
    ) -> None:
        self._reservations = reservations
        self._requests_max = requests_max
        self._slots = in_flight
        self._waiting: deque[_Waiting] = deque()
        self._calls: set[asyncio.Task[None]] = set()
        self._is_open = True

    async def reserve(
        self,
        request: ReserveRequest,
        *,
        timeout: float = TIMEOUT_SECONDS,  # noqa: ASYNC109 - as every call of a stub has it
    ) -> ReserveResponse:
        """The reply to one request.

        Raises ``grpc.aio.AioRpcError``: the refusal, or that nobody knows what became of it; and
        ``grpc.aio.UsageError`` when the mesh was closed before it was sent.
        """
        if not self._is_open:
            raise RuntimeError("This reserver is closed.")
        if len(self._waiting) >= WAITING_MAX:
            raise _error(grpc.StatusCode.RESOURCE_EXHAUSTED, "Too many requests wait to be sent.")
        loop = asyncio.get_running_loop()
        one = _Waiting(request, loop.time() + timeout, request.ByteSize(), loop.create_future())
        self._waiting.append(one)
        self._send_more()
        try:
            async with asyncio.timeout_at(one.end):
                return await one.answer
        except TimeoutError:
            raise _error(
                grpc.StatusCode.DEADLINE_EXCEEDED, "The time of the call is over."
            ) from None

    async def close(self) -> None:
        """Wait for what is under way and send what waits; then refuse more."""
        self._is_open = False
        while self._calls:
            await asyncio.gather(*self._calls, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _send_more(self) -> None:
        if len(self._calls) < self._slots:
            # In a context of its own: what travels together is nobody's own call.
            sender = asyncio.get_running_loop().create_task(self._send(), context=Context())
            self._calls.add(sender)
            sender.add_done_callback(self._sent)

    def _sent(self, sender: "asyncio.Task[None]") -> None:
        self._calls.discard(sender)
        if any(not one.answer.done() for one in self._waiting):
            self._send_more()

    async def _send(self) -> None:
        # Whoever calls in the same turn of the loop comes along.
        await asyncio.sleep(0)
        group = self._take()
        if not group:
            return
        seconds = max(one.end for one in group) - asyncio.get_running_loop().time()
        try:
            if len(group) == 1:
                reply = await self._reservations.Reserve(group[0].request, timeout=seconds)
                _settle(group[0], reply)
                return
            bulk = ReserveBulkRequest(requests=[one.request for one in group])
            answered = await self._reservations.ReserveBulk(bulk, timeout=seconds)
        except Exception as error:  # noqa: BLE001 - nobody else would tell the callers
            for one in group:
                _settle(one, error)
            return
        lonely: list[_Waiting] = []
        for one, verdict in zip(group, answered.verdicts, strict=True):
            answer = _answer(verdict)
            if isinstance(answer, grpc.aio.AioRpcError) and _lacks_room(answer):
                one.is_alone = True
                lonely.append(one)
            else:
                _settle(one, answer)
        self._waiting.extendleft(reversed(lonely))

    def _take(self) -> list[_Waiting]:
        group: list[_Waiting] = []
        size = 0
        while self._waiting and len(group) < self._requests_max:
            first = self._waiting[0]
            if first.answer.done():
                self._waiting.popleft()
                continue
            size += first.size
            if group and (size > BYTES_MAX or first.is_alone):
                break
            group.append(self._waiting.popleft())
            if first.is_alone:
                break
        return group


def _settle(one: _Waiting, answer: ReserveResponse | Exception) -> None:
    if one.answer.done():
        return
    if isinstance(answer, ReserveResponse):
        one.answer.set_result(answer)
    else:
        one.answer.set_exception(answer)


def _answer(verdict: ReserveVerdict) -> ReserveResponse | grpc.aio.AioRpcError:
    if verdict.HasField("reply"):
        return verdict.reply
    status: Status = verdict.refusal
    code = _CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    return _error(code, status.message, [(DETAILS_KEY, status.SerializeToString())])


def _lacks_room(answer: grpc.aio.AioRpcError) -> bool:
    """Whether it may be answered in a call of its own."""
    refusal = refusal_of(answer)
    return refusal is not None and refusal.reason == _TOO_MUCH_ASKED


def _error(
    code: grpc.StatusCode, sentence: str, trailers: Sequence[tuple[str, bytes]] = ()
) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailers), details=sentence
    )
