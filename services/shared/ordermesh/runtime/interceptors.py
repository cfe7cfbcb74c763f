"""What every call passes before it is served, and what becomes of what it raises.

In this order: limits of size, who calls and whether they may, the deadline, the rules of the
contract, the handler. Whatever one of them raises becomes a status here; handlers simply raise.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, cast

import grpc
import structlog
from google.protobuf.message import DecodeError, Message
from grpc_status import rpc_status  # type: ignore[import-untyped]  # it ships no types
from opentelemetry import metrics, trace

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import Unavailable
from ordermesh.runtime import failpoints
from ordermesh.runtime.auth import Authenticator, Peer, Rules
from ordermesh.runtime.call import Call, Identity, calling
from ordermesh.runtime.deadlines import MARGIN_SECONDS, Deadlines, is_over
from ordermesh.runtime.limits import Limits, check_request
from ordermesh.runtime.shapes import Context, Proceed, surround
from ordermesh.runtime.status import (
    INTERNAL_REASON,
    Cancelled,
    DeadlineExceeded,
    reason_of,
    to_status,
)
from ordermesh.runtime.telemetry import SCOPE, Attributes, record_fault
from ordermesh.runtime.validation import undecodable, validate

STOPPING_RETRY_SECONDS = 0.1
"""When those whose calls were cut off by our stopping may ask again: others serve already."""

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Admission:
    """How a server treats the calls that arrive."""

    service: str
    authenticator: Authenticator
    rules: Rules
    clock: Clock
    limits: Limits = field(default_factory=Limits)
    deadlines: Deadlines = field(default_factory=Deadlines)


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Admits calls, gives them their deadline and identity, and answers for what they raise.

    ``CancelledError`` never leaves it: a call that ends so would never be answered, and its caller
    would wait until its own deadline.
    """

    def __init__(
        self, admission: Admission, *, meter_provider: metrics.MeterProvider | None = None
    ) -> None:
        self._admission = admission
        self._handlers: dict[str, tuple[object, Any]] = {}
        self._calls: dict[asyncio.Task[Any], bool] = {}
        self._cut_off: set[asyncio.Task[Any]] = set()
        self._all_done = asyncio.Event()
        self._all_done.set()
        self._refusals = metrics.get_meter(SCOPE, meter_provider=meter_provider).create_counter(
            "ordermesh.server.refusals", description="Calls that were refused, by their reason."
        )

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler behind the gate. For methods that are not served the transport answers."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        name = handler_call_details.method
        known = self._handlers.get(name)
        if known is None or known[0] is not handler:
            known = self._handlers[name] = (handler, self._gated(name, handler))
        return known[1]

    def cut_off_streams(self) -> None:
        """End the streams under way: the server is stopping, and they would never end."""
        self._cut(streams_only=True)

    async def finish(self, seconds: float) -> None:
        """Wait for the calls under way, and after so many seconds cut off those that are left."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._all_done.wait(), seconds)
        self._cut(streams_only=False)
        await self._all_done.wait()

    def _cut(self, *, streams_only: bool) -> None:
        for task, is_stream in tuple(self._calls.items()):
            if (is_stream or not streams_only) and task not in self._cut_off:
                self._cut_off.add(task)
                task.cancel()

    def _gated(self, name: str, handler: Any) -> Any:
        is_stream = handler.response_streaming or handler.request_streaming

        async def serve(context: Context, proceed: Proceed) -> Any:
            return await self._serve(name, context, proceed, is_stream=is_stream)

        return surround(
            handler,
            serve,
            reader=_reader(handler.request_deserializer, self._admission.limits.of_method(name)),
            writer=_writer(handler.response_serializer, self._admission.limits),
        )

    async def _serve(
        self, method: str, context: Context, proceed: Proceed, *, is_stream: bool
    ) -> Any:
        task = cast("asyncio.Task[Any]", asyncio.current_task())
        self._calls[task] = is_stream
        self._all_done.clear()
        given = context.time_remaining()
        deadline: datetime | None = None
        limit: asyncio.Timeout | None = None
        error: Exception
        try:
            seconds = self._seconds(method, given, is_stream=is_stream)
            if seconds is not None:
                deadline = self._admission.clock.now() + timedelta(seconds=seconds)
            identity = self._admit(method, context)
            # The transport ends a call at its caller's deadline; only an earlier one is ours.
            limit = asyncio.timeout(None if seconds == given else seconds)
            async with limit:
                with calling(Call(method, identity, deadline)):
                    if failpoints.armed:
                        await failpoints.reach(failpoints.points.SERVER_ADMITTED)
                    reply = await proceed()
                    if failpoints.armed:
                        await failpoints.reach(failpoints.points.SERVER_REPLYING)
                    return reply
        except grpc.aio.AbortError:
            raise
        except asyncio.CancelledError:
            error = self._interruption(task, context, given)
        except TimeoutError as late:
            # A timer may ring a little before the clock says so.
            has_rung = limit is not None and limit.expired()
            is_late = deadline is not None and self._admission.clock.now() >= deadline
            error = DeadlineExceeded() if has_rung or is_late else late
        except Exception as raised:  # noqa: BLE001 - whatever it is, the caller gets an answer
            error = raised
        finally:
            self._cut_off.discard(task)
            del self._calls[task]
            if not self._calls:
                self._all_done.set()
        return await self._refuse(method, context, error)

    def _seconds(self, method: str, given: float | None, *, is_stream: bool) -> float | None:
        if is_stream:
            return given
        # A deadline that has passed arrives rounded up; what is begun so late only does harm.
        if given is not None and given <= MARGIN_SECONDS:
            raise DeadlineExceeded
        return self._admission.deadlines.seconds(method, given)

    def _admit(self, method: str, context: Context) -> Identity:
        metadata = context.invocation_metadata() or ()
        self._admission.limits.check_metadata(metadata)
        return self._admission.rules.admit(
            method, self._admission.authenticator, Peer(metadata, context.auth_context())
        )

    def _interruption(
        self, task: asyncio.Task[Any], context: Context, given: float | None
    ) -> Exception:
        """Why the handler was cancelled."""
        if task in self._cut_off:
            return Unavailable(
                "The server is stopping.",
                service=self._admission.service,
                retry_after=STOPPING_RETRY_SECONDS,
            )
        if not task.cancelling():
            return StrayCancellation()
        if given is not None and is_over(context.time_remaining(), given):
            return DeadlineExceeded()
        return Cancelled()

    async def _refuse(self, method: str, context: Context, error: Exception) -> bytes:
        reason = reason_of(error)
        current = trace.get_current_span()
        if reason:
            self._refusals.add(1, {Attributes.RPC_METHOD: method[1:], Attributes.REASON: reason})
            if current.is_recording():
                current.set_attribute(Attributes.REASON, reason)
        if reason == INTERNAL_REASON:
            record_fault(current, error)
            _log.error("a call failed", method=method, exc_info=error)
        status = to_status(error, service=self._admission.service)
        # Both mean that the caller has gone, before or just now: there is nobody to answer.
        with suppress(grpc.aio.InternalError, asyncio.CancelledError):
            await context.abort_with_status(rpc_status.to_status(status))
        return b""


class StrayCancellation(Exception):
    """Something inside of a handler was cancelled, while nobody had cancelled the call."""


def _reader(deserializer: Callable[[bytes], Any] | None, limit: int) -> Callable[[bytes], Any]:
    def read(raw: bytes) -> Any:
        check_request(len(raw), limit)
        if deserializer is None:
            return raw
        try:
            message = deserializer(raw)
        except DecodeError as error:
            raise undecodable() from error
        if isinstance(message, Message):
            validate(message)
        return message

    return read


def _writer(serializer: Callable[[Any], bytes] | None, limits: Limits) -> Callable[[Any], bytes]:
    def write(reply: Any) -> bytes:
        raw: bytes = reply if serializer is None else serializer(reply)
        limits.check_reply(len(raw))
        return raw

    return write
