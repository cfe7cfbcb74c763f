"""Channels into the simulated network, with the interceptors of the client in front of them."""

import asyncio
import zlib
from collections import deque
from collections.abc import AsyncIterator, Callable, Generator, Sequence
from typing import TYPE_CHECKING, Any

import grpc

from tests.simulation.endings import Ended, broken
from tests.simulation.history import gist
from tests.simulation.loop import PROCESS
from tests.simulation.markers import reached
from tests.simulation.network import Network, who

if TYPE_CHECKING:
    from tests.simulation.serving import Served

ATTEMPTS = 3
BACKOFF_SECONDS = (0.05, 0.2)
"""As the channels of the mesh retry where no server was found."""

Details = grpc.aio.ClientCallDetails


class _Call:
    """What all calls know of themselves."""

    def __init__(self, network: Network, target: str, details: Details) -> None:
        self.network = network
        self.target = target
        self.number = network.next_call()
        self.caller = PROCESS.get()
        self.name = who()
        method: str | bytes = details.method
        self.method = method.decode() if isinstance(method, bytes) else method
        self.metadata = tuple((key, value) for key, value in details.metadata or ())
        self.timeout = details.timeout
        self._end_time = None if self.timeout is None else network.loop.time() + self.timeout
        self._ended: Ended | None = None
        self._is_done = False
        self._callbacks: list[Callable[[Any], None]] = []
        self._waiter: asyncio.Future[None] | None = None
        self.served: list[Served] = []
        if self.timeout is not None:
            self._timer: asyncio.TimerHandle | None = network.loop.call_later(
                self.timeout, self._expire
            )
        else:
            self._timer = None

    def say(self, what: str, about: str = "") -> None:
        short = self.method.rpartition(".")[2]
        words = f"#{self.number} {self.target} {short}"
        self.network.history.add(self.name, what, f"{words} {about}" if about else words)

    def finish(self, ended: Ended | None) -> None:
        if self._is_done:
            return
        self._is_done, self._ended = True, ended
        if ended is not None and ended.code is grpc.StatusCode.UNAVAILABLE:
            self.network.broken.add(self._line)
        if self._timer is not None:
            self._timer.cancel()
        self.say("ended", "OK" if ended is None else ended.code.name)
        self._wake()
        for callback in self._callbacks:
            callback(self)

    @property
    def _line(self) -> tuple[str, str, str]:
        """Who asks whom for what."""
        return (self.name, self.target, self.method)

    def leave(self) -> None:
        """Tell those who serve it that nobody waits any more."""
        for served in self.served:
            self.network.later(self.network.latency(), served.cancel)

    def _expire(self) -> None:
        if not self._is_done:
            self.finish(Ended(grpc.StatusCode.DEADLINE_EXCEEDED, "Deadline Exceeded"))

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _wait(self) -> None:
        self._waiter = self.network.loop.create_future()
        try:
            await self._waiter
        except asyncio.CancelledError:
            self.cancel()
            raise

    def cancel(self) -> bool:
        if self._is_done:
            return False
        self.finish(Ended(grpc.StatusCode.CANCELLED, "Locally cancelled by application!"))
        self.leave()
        return True

    def cancelled(self) -> bool:
        return self._ended is not None and self._ended.code is grpc.StatusCode.CANCELLED

    def done(self) -> bool:
        return self._is_done

    def time_remaining(self) -> float | None:
        if self._end_time is None:
            return None
        return max(0.0, self._end_time - self.network.loop.time())

    def add_done_callback(self, callback: Callable[[Any], None]) -> None:
        if self._is_done:
            callback(self)
        else:
            self._callbacks.append(callback)

    async def code(self) -> grpc.StatusCode:
        while not self._is_done:
            await self._wait()
        return grpc.StatusCode.OK if self._ended is None else self._ended.code


class UnaryCall(_Call):
    """One request, one reply; tried again where the connection broke."""

    def __init__(
        self, network: Network, target: str, details: Details, request: Any, raw: bytes, read: Any
    ) -> None:
        super().__init__(network, target, details)
        self._raw = raw
        self._read = read
        self._reply: Any = None
        self._attempts = 0
        self.say("asks", f"{gist(request)} {zlib.crc32(raw):08x}")
        self._attempt()

    def _attempt(self) -> None:
        if self._is_done:
            return
        self._attempts += 1
        fate = self.network.weather.request(self.name, self.target)
        seconds = self.network.latency() + fate.delay_seconds
        if fate.lost:
            self.say("lost")
        elif fate.broken:
            self.network.later(seconds, self.receive, None, broken())
        else:
            self.network.later(seconds, self._arrive)
            if fate.twice:
                self.say("twice")
                again = seconds + fate.again_seconds + 5 * self.network.latency()
                self.network.later(again, self._arrive)

    def _arrive(self) -> None:
        server = self.network.servers.get(self.target)
        if server is None:
            reached("a call arrived while nobody served")
            self.network.later(self.network.latency(), self.receive, None, broken())
        else:
            server.take(self, self._raw)

    def receive(self, raw: bytes | None, ended: Ended | None) -> None:
        """The reply has arrived, or the news that there is none."""
        caller = self.caller
        if self._is_done or (caller is not None and caller.is_dead):
            return
        is_away = ended is not None and ended.code is grpc.StatusCode.UNAVAILABLE
        if is_away and self._attempts < ATTEMPTS:
            base, cap = BACKOFF_SECONDS
            self.network.later(min(cap, base * 4 ** (self._attempts - 1)), self._attempt)
            return
        if ended is None:
            self._reply = raw if self._read is None else self._read(raw)
        self.finish(ended)

    def __await__(self) -> Generator[Any, None, Any]:
        while not self._is_done:
            yield from self._wait().__await__()
        if self._ended is not None:
            if self.cancelled():
                raise asyncio.CancelledError
            raise self._ended.error()
        return self._reply


class StreamCall(_Call):
    """One request, many replies, in their order."""

    def __init__(
        self, network: Network, target: str, details: Details, request: Any, raw: bytes, read: Any
    ) -> None:
        super().__init__(network, target, details)
        self._read = read
        self._replies: deque[bytes] = deque()
        self._last_time = 0.0
        self.is_mute = False
        self.say("follows", f"{gist(request)} {zlib.crc32(raw):08x}")
        fate = network.weather.request(self.name, target)
        if fate.lost:
            self.say("lost")
        elif fate.broken:
            network.later(network.latency(), self.receive, None, broken())
        else:
            network.later(network.latency() + fate.delay_seconds, self._arrive, raw)

    def _arrive(self, raw: bytes) -> None:
        server = self.network.servers.get(self.target)
        if server is None:
            reached("a call arrived while nobody served")
            self.network.later(self.network.latency(), self.receive, None, broken())
        else:
            server.take(self, raw)

    def travel(self, seconds: float) -> float:
        """When a message arrives that takes so long: never before the one ahead of it."""
        now = self.network.loop.time()
        self._last_time = max(self._last_time + 1e-6, now + seconds)
        return self._last_time - now

    def receive(self, raw: bytes | None, ended: Ended | None) -> None:
        """A reply has arrived, or the end."""
        caller = self.caller
        if self._is_done or self.is_mute or (caller is not None and caller.is_dead):
            return
        if raw is None:
            self.finish(ended)
        else:
            if self._line in self.network.broken:
                self.network.broken.discard(self._line)
                reached("a stream of changes went on after it broke")
            self._replies.append(raw)
            self._wake()

    async def read(self) -> Any:
        while not self._replies:
            if self._is_done:
                if self._ended is None:
                    return grpc.aio.EOF
                if self.cancelled():
                    raise asyncio.CancelledError
                raise self._ended.error()
            await self._wait()
        raw = self._replies.popleft()
        return raw if self._read is None else self._read(raw)

    async def __aiter__(self) -> AsyncIterator[Any]:
        while (message := await self.read()) is not grpc.aio.EOF:
            yield message


class _Intercepted:
    """A call that goes through interceptors first."""

    def __init__(self, loop: asyncio.AbstractEventLoop, making: Any) -> None:
        self._task: asyncio.Task[Any] = loop.create_task(making)
        self._task.add_done_callback(_seen)

    def cancel(self) -> bool:
        if not self._task.done():
            return self._task.cancel()
        if self._task.cancelled() or self._task.exception() is not None:
            return False
        cancelled: bool = self._task.result().cancel()
        return cancelled

    def done(self) -> bool:
        if not self._task.done():
            return False
        if self._task.cancelled() or self._task.exception() is not None:
            return True
        is_done: bool = self._task.result().done()
        return is_done

    def __await__(self) -> Generator[Any, None, Any]:
        call = yield from self._task.__await__()
        return (yield from call.__await__())

    async def __aiter__(self) -> AsyncIterator[Any]:
        call = await self._task
        async for message in call:
            yield message

    async def read(self) -> Any:
        return await (await self._task).read()


def _seen(task: "asyncio.Task[Any]") -> None:
    if not task.cancelled():
        task.exception()


class SimulatedChannel:
    """As ``grpc.aio.insecure_channel`` makes them; made by ``connecting``."""

    def __init__(
        self, network: Network, target: str, interceptors: Sequence[grpc.aio.ClientInterceptor]
    ) -> None:
        self._network = network
        self._target = target
        self._unary = [
            one for one in interceptors if isinstance(one, grpc.aio.UnaryUnaryClientInterceptor)
        ]
        self._stream = [
            one for one in interceptors if isinstance(one, grpc.aio.UnaryStreamClientInterceptor)
        ]

    def unary_unary(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        **_: Any,
    ) -> Any:
        async def make(details: Details, request: Any, place: int = 0) -> Any:
            if place < len(self._unary):

                async def proceed(details: Details, request: Any) -> Any:
                    return await make(details, request, place + 1)

                return await self._unary[place].intercept_unary_unary(proceed, details, request)
            raw = request_serializer(request)
            network, target = self._network, self._target
            return UnaryCall(network, target, details, request, raw, response_deserializer)

        return self._caller(method, make)

    def unary_stream(
        self,
        method: str,
        request_serializer: Any = None,
        response_deserializer: Any = None,
        **_: Any,
    ) -> Any:
        async def make(details: Details, request: Any, place: int = 0) -> Any:
            if place < len(self._stream):

                async def proceed(details: Details, request: Any) -> Any:
                    return await make(details, request, place + 1)

                return await self._stream[place].intercept_unary_stream(proceed, details, request)
            raw = request_serializer(request)
            network, target = self._network, self._target
            return StreamCall(network, target, details, request, raw, response_deserializer)

        return self._caller(method, make)

    def stream_unary(self, *_: Any, **__: Any) -> Any:
        return _unserved

    def stream_stream(self, *_: Any, **__: Any) -> Any:
        return _unserved

    async def close(self, grace: float | None = None) -> None:
        """Calls end with the tasks that make them."""

    def _caller(self, method: str, make: Any) -> Any:
        def call(
            request: Any,
            *,
            timeout: float | None = None,
            metadata: Any = None,
            credentials: Any = None,
            wait_for_ready: bool | None = None,
            compression: Any = None,
        ) -> Any:
            details = Details(method, timeout, metadata, credentials, wait_for_ready)
            return _Intercepted(self._network.loop, make(details, request))

        return call


def _unserved(*_: Any, **__: Any) -> Any:
    raise NotImplementedError("Streams of requests are not simulated.")


def connecting(network: Network) -> Callable[..., Any]:
    """What a mesh takes for ``connect``."""

    def connect(target: str, options: Any = None, interceptors: Any = ()) -> SimulatedChannel:
        return SimulatedChannel(network, target, interceptors or ())

    return connect
