"""Channels that are opened anew when the certificate that they prove themselves by was replaced.

The library reads the credentials of a channel once, while a connection is made again and again.
"""

import asyncio
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import grpc

from ordermesh.client.streams import MeshChannel


class RenewedChannel(MeshChannel):
    """A channel by the credentials of now: ``credentials`` is asked at each call.

    Where it gives others than before, ``opened`` opens the channel anew with them, and calls that
    begin go there. What it replaces is closed when the last call on it has ended: nobody's call or
    stream is cut off, and the peer ends those on old connections in its own time.
    """

    def __init__(
        self,
        credentials: Callable[[], grpc.ChannelCredentials],
        opened: Callable[[grpc.ChannelCredentials], grpc.aio.Channel],
    ) -> None:
        self._credentials = credentials
        self._opened = opened
        self._used = credentials()
        super().__init__(opened(self._used))
        self._ongoing: Counter[grpc.aio.Channel] = Counter()
        self._closing: set[asyncio.Task[None]] = set()

    def unary_unary(self, *arguments: Any, **named: Any) -> Any:
        """As the library's, on the channel of now."""
        return self._late(partial(super().unary_unary, *arguments, **named))

    def unary_stream(self, *arguments: Any, **named: Any) -> Any:
        """As that of any channel of a mesh, on the channel of now."""
        return self._late(partial(super().unary_stream, *arguments, **named))

    def stream_unary(self, *arguments: Any, **named: Any) -> Any:
        """As the library's, on the channel of now."""
        return self._late(partial(super().stream_unary, *arguments, **named))

    def stream_stream(self, *arguments: Any, **named: Any) -> Any:
        """As the library's, on the channel of now."""
        return self._late(partial(super().stream_stream, *arguments, **named))

    async def close(self, grace: float | None = None) -> None:
        """End all calls, after so many seconds of grace, and close the connections."""
        replaced = [channel for channel in self._ongoing if channel is not self._channel]
        self._ongoing.clear()  # calls that end now close nothing any more
        await asyncio.gather(
            super().close(grace), *(one.close(grace) for one in replaced), *self._closing
        )

    def _late(self, make: Callable[[], Callable[..., Any]]) -> Callable[..., Any]:
        """A method that belongs, at each call, to the channel of then."""
        channel, method = self._channel, make()

        def call(*request: Any, **options: Any) -> Any:
            nonlocal channel, method
            self._renew()
            if channel is not self._channel:
                channel, method = self._channel, make()
            return self._counted(channel, method(*request, **options))

        return call

    def _renew(self) -> None:
        current = self._credentials()
        if current is self._used:
            return
        replaced, self._used = self._channel, current
        self._channel = self._opened(current)
        if not self._ongoing[replaced]:
            self._close(replaced)

    def _counted(self, channel: grpc.aio.Channel, begun: Any) -> Any:
        self._ongoing[channel] += 1
        begun.add_done_callback(lambda _: self._ended(channel))
        return begun

    def _ended(self, channel: grpc.aio.Channel) -> None:
        self._ongoing[channel] -= 1
        if channel is not self._channel and not self._ongoing[channel]:
            self._close(channel)

    def _close(self, channel: grpc.aio.Channel) -> None:
        del self._ongoing[channel]
        closing = asyncio.get_running_loop().create_task(channel.close())
        self._closing.add(closing)
        closing.add_done_callback(self._closing.discard)
