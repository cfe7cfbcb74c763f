"""What every call of the client gets: a deadline, the caller's name, and a span where traced."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import grpc

from ordermesh.client.spans import CallSpan, begin

CALLER_KEY = "ordermesh-caller"
"""The metadata in which we name ourselves, which a mesh for development believes."""

_Details = grpc.aio.ClientCallDetails


@dataclass(frozen=True)
class Defaults:
    """What is added to the calls of one channel.

    ``timeout`` is in seconds, for unary calls without one; ``seconds_left`` tells how much time the
    work has within which the call is made, None when it has no end.
    """

    target: str
    caller: str
    timeout: float
    seconds_left: Callable[[], float | None]

    def _with_all(self, details: _Details, span: CallSpan, *, unary: bool) -> _Details:
        metadata = grpc.aio.Metadata(*(details.metadata or ()))
        if self.caller:
            metadata.add(CALLER_KEY, self.caller)
        for key, value in span.headers().items():
            metadata.add(key, value)
        return grpc.aio.ClientCallDetails(
            method=details.method,
            timeout=self._seconds(details.timeout) if unary else details.timeout,
            metadata=metadata,
            credentials=details.credentials,
            wait_for_ready=details.wait_for_ready,
        )

    def _seconds(self, given: float | None) -> float:
        seconds = self.timeout if given is None else given
        left = self.seconds_left()
        if left is None:
            return seconds
        if left <= 0.0:
            raise _too_late()
        return min(seconds, left)

    async def call(
        self, proceed: Callable[..., Awaitable[Any]], details: _Details, request: Any, unary: bool
    ) -> Any:
        """Make the call; its span ends when the call does, however that comes."""
        method: str | bytes = details.method
        name = method.decode() if isinstance(method, bytes) else method
        span = begin(name.lstrip("/"), self.target)
        try:
            call = await proceed(self._with_all(details, span, unary=unary), request)
        except BaseException as error:
            span.end(_code_of(error))
            raise
        call.add_done_callback(lambda done: span.end(_code(done)))
        return call


def interceptors_of(defaults: Defaults) -> Sequence[grpc.aio.ClientInterceptor]:
    """One interceptor for each shape of call: the library takes one class for one shape."""
    return (
        _UnaryUnary(defaults),
        _UnaryStream(defaults),
        _StreamUnary(defaults),
        _StreamStream(defaults),
    )


def _too_late() -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.aio.Metadata(),
        grpc.aio.Metadata(),
        details="No time is left of the work within which the call is made; it was not sent.",
    )


def _code_of(error: BaseException) -> grpc.StatusCode:
    """How a call ended that was never made."""
    if isinstance(error, asyncio.CancelledError):
        return grpc.StatusCode.CANCELLED
    if isinstance(error, grpc.aio.AioRpcError):
        return error.code()
    return grpc.StatusCode.UNKNOWN


def _code(call: Any) -> grpc.StatusCode:
    """The code of a call that has ended: the coroutine that tells it has nothing to wait for."""
    asking = call.code()
    try:
        asking.send(None)
    except StopIteration as answer:
        code: grpc.StatusCode = answer.value
        return code
    asking.close()
    return grpc.StatusCode.UNKNOWN


class _UnaryUnary(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults

    async def intercept_unary_unary(
        self, continuation: Callable[..., Any], client_call_details: _Details, request: Any
    ) -> Any:
        return await self._defaults.call(continuation, client_call_details, request, unary=True)


class _UnaryStream(grpc.aio.UnaryStreamClientInterceptor):
    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults

    async def intercept_unary_stream(
        self, continuation: Callable[..., Any], client_call_details: _Details, request: Any
    ) -> Any:
        return await self._defaults.call(continuation, client_call_details, request, unary=False)


class _StreamUnary(grpc.aio.StreamUnaryClientInterceptor):
    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults

    async def intercept_stream_unary(
        self, continuation: Callable[..., Any], client_call_details: _Details, request_iterator: Any
    ) -> Any:
        return await self._defaults.call(
            continuation, client_call_details, request_iterator, unary=False
        )


class _StreamStream(grpc.aio.StreamStreamClientInterceptor):
    def __init__(self, defaults: Defaults) -> None:
        self._defaults = defaults

    async def intercept_stream_stream(
        self, continuation: Callable[..., Any], client_call_details: _Details, request_iterator: Any
    ) -> Any:
        return await self._defaults.call(
            continuation, client_call_details, request_iterator, unary=False
        )
