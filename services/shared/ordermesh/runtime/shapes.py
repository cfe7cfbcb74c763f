"""Surrounds handlers of all four shapes of a method in the same way."""

from collections.abc import AsyncIterable, Awaitable, Callable
from contextlib import AsyncExitStack, aclosing
from typing import Any, Protocol, cast

import grpc

Context = grpc.aio.ServicerContext[Any, Any]

Proceed = Callable[[], Awaitable[Any]]
"""Goes on with the call: to the next interceptor, or into the handler."""


class Servicing(Protocol):
    """What surrounds the whole of one call, from its first instant to its status."""

    async def __call__(self, context: Context, proceed: Proceed) -> Any:
        """Serve the call by ``proceed``, and give what it gives."""
        ...


def surround(
    handler: Any,
    servicing: Servicing,
    *,
    reader: Callable[[bytes], Any] | None = None,
    writer: Callable[[Any], bytes] | None = None,
) -> Any:
    """The handler with ``servicing`` around it.

    ``reader`` and ``writer`` replace what turns bytes into requests and replies into bytes; they
    run inside of ``servicing``, so that it sees what they raise.

    Replies of a stream are written from inside of one coroutine instead of being yielded, so that
    what is current around the call stays so between them, and a stream that is left is closed.
    """
    behavior = _behavior(handler)

    async def unary(request: Any, context: Context) -> Any:
        async def respond() -> Any:
            reply = await behavior(_read(request), context)
            return reply if writer is None else writer(reply)

        return await servicing(context, respond)

    async def stream(request: Any, context: Context) -> None:
        async def respond() -> None:
            await _forward(behavior(_read(request), context), context)

        await servicing(context, respond)

    def _read(request: Any) -> Any:
        return request if reader is None or handler.request_streaming else reader(request)

    deserializer, serializer = handler.request_deserializer, handler.response_serializer
    if reader is not None:
        deserializer = reader if handler.request_streaming else None
    if writer is not None:
        serializer = writer if handler.response_streaming else None
    make = _MAKERS[handler.request_streaming, handler.response_streaming]
    return make(stream if handler.response_streaming else unary, deserializer, serializer)


async def _forward(replies: object, context: Context) -> None:
    """Write the replies of a handler that yields; await one that writes by itself."""
    if not isinstance(replies, AsyncIterable):
        await cast("Awaitable[object]", replies)
        return
    async with AsyncExitStack() as stack:
        if hasattr(replies, "aclose"):
            await stack.enter_async_context(aclosing(cast("Any", replies)))
        async for reply in replies:
            await context.write(reply)


def _behavior(handler: Any) -> Callable[[Any, Context], Any]:
    if handler.request_streaming:
        chosen = handler.stream_stream if handler.response_streaming else handler.stream_unary
    else:
        chosen = handler.unary_stream if handler.response_streaming else handler.unary_unary
    return cast("Callable[[Any, Context], Any]", chosen)


_MAKERS: dict[tuple[bool, bool], Callable[..., Any]] = {
    (False, False): grpc.unary_unary_rpc_method_handler,
    (False, True): grpc.unary_stream_rpc_method_handler,
    (True, False): grpc.stream_unary_rpc_method_handler,
    (True, True): grpc.stream_stream_rpc_method_handler,
}
