"""Streams that end when nobody listens any more.

The library keeps a stream alive for as long as the server sends, also after ``break`` has left the
loop over it: the server's handler would go on for ever. Here a stream that is dropped is cancelled.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import grpc


class MeshChannel(grpc.aio.Channel):
    """A channel whose streams of replies are cancelled when they are dropped."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    def unary_unary(self, *arguments: Any, **named: Any) -> Any:
        """As the library's."""
        return self._channel.unary_unary(*arguments, **named)

    def unary_stream(self, *arguments: Any, **named: Any) -> Any:
        """As the library's, but each call gives a ``ReplyStream``."""
        make = self._channel.unary_stream(*arguments, **named)
        return lambda *request, **options: ReplyStream(make(*request, **options))

    def stream_unary(self, *arguments: Any, **named: Any) -> Any:
        """As the library's."""
        return self._channel.stream_unary(*arguments, **named)

    def stream_stream(self, *arguments: Any, **named: Any) -> Any:
        """As the library's."""
        return self._channel.stream_stream(*arguments, **named)

    async def close(self, grace: float | None = None) -> None:
        """End all calls, after so many seconds of grace, and close the connections."""
        await self._channel.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        """Whether the channel is connected."""
        return self._channel.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        """Return when the state is another."""
        await self._channel.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        """Return when the channel is connected."""
        await self._channel.channel_ready()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc_val: BaseException | None,
        exc_tb: TracebackType | None,
    ) -> None:
        await self.close()


class ReplyStream(grpc.aio.UnaryStreamCall[Any, Any]):
    """One call that answers with a stream; dropping it cancels it."""

    def __init__(self, call: grpc.aio.UnaryStreamCall[Any, Any]) -> None:
        self._call = call
        self._replies: AsyncIterator[Any] | None = None

    def __aiter__(self) -> AsyncIterator[Any]:
        # The loop over the stream holds this object, and nothing of the library does.
        return self

    async def __anext__(self) -> Any:
        if self._replies is None:
            self._replies = self._call.__aiter__()
        return await self._replies.__anext__()

    async def read(self) -> Any:
        """The next reply, or ``grpc.aio.EOF``."""
        return await self._call.read()

    def cancel(self) -> bool:
        """Leave the stream; False when it had ended."""
        return self._call.cancel()

    def cancelled(self) -> bool:
        """Whether it was left."""
        return self._call.cancelled()

    def done(self) -> bool:
        """Whether it has ended."""
        return self._call.done()

    def time_remaining(self) -> float | None:
        """Seconds until its deadline."""
        return self._call.time_remaining()

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        """Call back when it has ended."""
        self._call.add_done_callback(callback)

    async def initial_metadata(self) -> grpc.aio.Metadata:
        """What came before the first reply."""
        return await self._call.initial_metadata()

    async def trailing_metadata(self) -> grpc.aio.Metadata:
        """What came after the last."""
        return await self._call.trailing_metadata()

    async def code(self) -> grpc.StatusCode:
        """How it ended; waits until it has."""
        return await self._call.code()

    async def details(self) -> str:
        """In which words it ended; waits until it has."""
        return await self._call.details()

    async def wait_for_connection(self) -> None:
        """Return when the server has taken the call."""
        await self._call.wait_for_connection()

    def __del__(self) -> None:
        with suppress(RuntimeError):  # the event loop is closed: nothing goes on any more
            if not self._call.done():
                self._call.cancel()
