"""Servers in the simulated network: the real handlers behind the real interceptors."""

import asyncio
import zlib
from collections.abc import Sequence
from typing import Any, NoReturn

import grpc

from tests.simulation.calling import StreamCall, UnaryCall
from tests.simulation.endings import Ended, broken
from tests.simulation.loop import Process
from tests.simulation.markers import reached
from tests.simulation.network import Network

_Call = UnaryCall | StreamCall


class _HandlerDetails(grpc.HandlerCallDetails):
    def __init__(self, method: str, metadata: Any) -> None:
        self.method = method
        self.invocation_metadata = metadata


class SimulatedServer:
    """As ``grpc.aio.server`` makes them; found under the name of its process once it serves."""

    def __init__(
        self,
        network: Network,
        process: Process,
        interceptors: Sequence[Any] = (),
        options: Any = None,
    ) -> None:
        self._network = network
        self.process = process
        self._interceptors = tuple(interceptors)
        self._handlers: dict[str, Any] = {}
        self._generic: list[Any] = []
        self._under_way: dict[Served, None] = {}

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        self._generic.extend(handlers)

    def add_registered_method_handlers(self, service: str, handlers: Any) -> None:
        self._handlers.update({f"/{service}/{name}": one for name, one in handlers.items()})

    def add_insecure_port(self, address: str) -> int:
        return 1

    async def start(self) -> None:
        self._network.servers[self.process.name] = self

    async def stop(self, grace: float | None) -> None:
        self._leave()
        if self._under_way and grace:
            await asyncio.wait([one.task for one in self._under_way], timeout=grace)
        for served in tuple(self._under_way):
            served.cancel()

    def take(self, call: _Call, raw: bytes) -> None:
        """A call has arrived."""
        served = Served(self, call, raw)
        call.served.append(served)
        self._under_way[served] = None
        served.begin()

    def ended(self, served: "Served") -> None:
        """A call is over."""
        self._under_way.pop(served, None)

    def broke(self) -> None:
        """The process died: its callers see their connections break."""
        self._leave()
        for served in tuple(self._under_way):
            served.break_off()
        self._under_way.clear()

    def caller_died(self, process: Process) -> None:
        """A caller died: its calls are cancelled."""
        for served in tuple(self._under_way):
            if served.call.caller is process:
                self._network.later(self._network.latency(), served.cancel)

    async def handler(self, details: _HandlerDetails, place: int = 0) -> Any:
        """The handler of a method, behind the interceptors."""
        if place < len(self._interceptors):

            async def proceed(details: Any) -> Any:
                return await self.handler(details, place + 1)

            return await self._interceptors[place].intercept_service(proceed, details)
        known = self._handlers.get(details.method)
        if known is not None:
            return known
        found = (one.service(details) for one in self._generic)
        return next((one for one in found if one is not None), None)

    def _leave(self) -> None:
        if self._network.servers.get(self.process.name) is self:
            del self._network.servers[self.process.name]


class Served:
    """One call on the side of the server."""

    def __init__(self, server: SimulatedServer, call: _Call, raw: bytes) -> None:
        self._server = server
        self._network = call.network
        self.call = call
        self._raw = raw
        self.task: asyncio.Task[None]
        self._timer: asyncio.TimerHandle | None = None
        self._end_time = 0.0

    def begin(self) -> None:
        context = self._server.process.context()
        loop = self._network.loop
        if self.call.done():
            reached("a request came when its caller had gone")
        self.task = loop.create_task(self._serve(), context=context)
        if self.call.timeout is not None:
            # What travels is how long it may take: a request that comes late is not over.
            self._end_time = loop.time() + self.call.timeout
            self._timer = loop.call_later(self.call.timeout, self.cancel, context=context)

    def time_remaining(self) -> float | None:
        """What its caller gave it, from when it arrived."""
        if self.call.timeout is None:
            return None
        return max(0.0, self._end_time - self._network.loop.time())

    def cancel(self) -> None:
        """The caller has gone, or its time is over."""
        if not self.task.done():
            self.task.cancel()

    def break_off(self) -> None:
        """The connection is gone."""
        self._network.later(self._network.latency(), self.call.receive, None, broken())

    async def _serve(self) -> None:
        context = SimulatedContext(self.call, self)
        try:
            ended, raw = await self._handle(context)
        finally:
            self._server.ended(self)
            if self._timer is not None:
                self._timer.cancel()
        told = "OK" if ended is None else f"{ended.code.name} {ended.details[:60]}"
        size = "" if raw is None else f" {len(raw)} bytes {zlib.crc32(raw):08x}"
        name = self._server.process.name
        self._network.history.add(name, "answers", f"#{self.call.number} {told}{size}")
        self.send(raw, ended)

    async def _handle(self, context: "SimulatedContext") -> tuple[Ended | None, bytes | None]:
        try:
            method = self.call.method
            handler = await self._server.handler(_HandlerDetails(method, self.call.metadata))
            if handler is None:
                return Ended(grpc.StatusCode.UNIMPLEMENTED, "Method not found!"), None
            read, write = handler.request_deserializer, handler.response_serializer
            request = self._raw if read is None else read(self._raw)
            if handler.unary_unary is not None:
                reply = await handler.unary_unary(request, context)
                return None, reply if write is None else write(reply)
            context.writer = write
            await handler.unary_stream(request, context)
        except grpc.aio.AbortError:
            return context.ended, None
        except asyncio.CancelledError:
            return Ended(grpc.StatusCode.CANCELLED, "Cancelled."), None
        except Exception as error:  # noqa: BLE001 - as the library answers
            return Ended(grpc.StatusCode.UNKNOWN, f"Unexpected {type(error)}: {error}"), None
        return None, None

    def send(self, raw: bytes | None, ended: Ended | None) -> None:
        """Let a reply, or an end, travel to the caller."""
        call = self.call
        if call.done():
            return
        fate = self._network.weather.reply(self._server.process.name, call.name)
        seconds = self._network.latency() + fate.delay_seconds
        if isinstance(call, StreamCall):
            seconds = call.travel(seconds)
            if fate.lost:
                # Half of a connection is gone: nobody is told, and nothing more arrives.
                call.is_mute = True
            if fate.broken:
                self.cancel()
        if fate.lost:
            call.say("reply lost")
            if ended is None:
                reached("a call had its effect and its reply was lost")
        elif fate.broken:
            self._network.later(seconds, call.receive, None, broken())
        else:
            self._network.later(seconds, call.receive, raw, ended)


class SimulatedContext(grpc.aio.ServicerContext[Any, Any]):
    """What handlers are told of their call."""

    def __init__(self, call: _Call, served: Served) -> None:
        self._call = call
        self._served = served
        self._trailing: tuple[Any, ...] = ()
        self._code: grpc.StatusCode | None = None
        self._words = ""
        self.ended: Ended | None = None
        self.writer: Any = None

    async def read(self) -> Any:
        raise NotImplementedError("Streams of requests are not simulated.")

    async def write(self, message: Any) -> None:
        self._served.send(message if self.writer is None else self.writer(message), None)
        await asyncio.sleep(0)

    async def send_initial_metadata(self, initial_metadata: Any) -> None:
        """Nobody reads it."""

    async def abort(
        self, code: grpc.StatusCode, details: str = "", trailing_metadata: Any = ()
    ) -> NoReturn:
        self._code, self._words = code, details
        self.ended = Ended(code, details, trailing_metadata)
        raise grpc.aio.AbortError

    async def abort_with_status(self, status: Any) -> NoReturn:
        await self.abort(status.code, status.details, status.trailing_metadata)

    def set_trailing_metadata(self, trailing_metadata: Any) -> None:
        self._trailing = tuple(trailing_metadata)

    def invocation_metadata(self) -> Any:
        return self._call.metadata

    def set_code(self, code: grpc.StatusCode) -> None:
        self._code = code

    def set_details(self, details: str) -> None:
        self._words = details

    def set_compression(self, compression: grpc.Compression) -> None:
        """Bytes cost nothing."""

    def disable_next_message_compression(self) -> None:
        """Bytes cost nothing."""

    def peer(self) -> str:
        return f"sim:{self._call.name}"

    def peer_identities(self) -> Any:
        return None

    def peer_identity_key(self) -> Any:
        return None

    def auth_context(self) -> Any:
        return {}

    def time_remaining(self) -> Any:
        return self._served.time_remaining()

    def trailing_metadata(self) -> Any:
        return self._trailing

    def code(self) -> Any:
        return self._code

    def details(self) -> str:
        return self._words

    def done(self) -> bool:
        return self._call.done()

    def cancelled(self) -> bool:
        return self._call.cancelled()
