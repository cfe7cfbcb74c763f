"""Spans and durations of calls, written by hand on the OpenTelemetry API.

Every name that is emitted stands in ``Attributes``; what does not is dropped before it leaves the
process. No span is current across the ``yield`` of an async generator: the generator would go on
in another context than the one that the span was made current in.
"""

import asyncio
import traceback
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from time import perf_counter
from typing import Any, Final

import grpc
from opentelemetry import context as contexts
from opentelemetry import metrics, trace
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from ordermesh.kernel.errors import DomainError, Overloaded, Unavailable
from ordermesh.runtime.deadlines import is_over
from ordermesh.runtime.shapes import Context, Proceed, Servicing, surround

SCOPE = "ordermesh.runtime"
"""The name under which the runtime asks for tracers and meters."""


class Attributes:
    """The keys of all attributes of spans, events and metrics. There are no others."""

    RPC_SYSTEM: Final = "rpc.system.name"
    RPC_METHOD: Final = "rpc.method"
    RPC_STATUS_CODE: Final = "rpc.response.status_code"
    ERROR_TYPE: Final = "error.type"
    SERVER_ADDRESS: Final = "server.address"
    SERVER_PORT: Final = "server.port"
    EXCEPTION_TYPE: Final = "exception.type"
    CODE_STACKTRACE: Final = "code.stacktrace"
    DB_SYSTEM: Final = "db.system.name"
    DB_OPERATION: Final = "db.operation.name"
    DB_QUERY: Final = "db.query.text"
    REASON: Final = "ordermesh.reason"
    INVARIANT: Final = "ordermesh.invariant"
    ORDER_ID: Final = "ordermesh.order_id"
    RESERVATION_ID: Final = "ordermesh.reservation_id"
    FULFILLMENT_ORDER_ID: Final = "ordermesh.fulfillment_order_id"
    DECISION_ID: Final = "ordermesh.decision_id"
    LOCATION_ID: Final = "ordermesh.location_id"
    ORDER_STATE: Final = "ordermesh.order_state"
    LINE_COUNT: Final = "ordermesh.line_count"
    SKU_COUNT: Final = "ordermesh.sku_count"
    LOCATION_COUNT: Final = "ordermesh.location_count"
    SHIPMENT_COUNT: Final = "ordermesh.shipment_count"
    PARCEL_COUNT: Final = "ordermesh.parcel_count"
    SOURCING_OBJECTIVE: Final = "ordermesh.sourcing.objective"
    SOURCING_BOUND: Final = "ordermesh.sourcing.bound"
    SOURCING_GAP: Final = "ordermesh.sourcing.gap"
    SOURCING_CANDIDATES: Final = "ordermesh.sourcing.candidates"
    SOURCING_METHOD: Final = "ordermesh.sourcing.method"
    SOURCING_STATUS: Final = "ordermesh.sourcing.status"
    LEDGER_REVISION: Final = "ordermesh.ledger.revision"
    WORK_KIND: Final = "ordermesh.work.kind"
    WORK_ROWS: Final = "ordermesh.work.rows"
    WORK_ATTEMPT: Final = "ordermesh.work.attempt"
    ATTEMPT: Final = "ordermesh.attempt"
    EVENT_TYPE: Final = "ordermesh.event.type"
    EVENT_SOURCE: Final = "ordermesh.event.source"


ALLOWED: Final = frozenset(
    value for name, value in vars(Attributes).items() if not name.startswith("_")
)
"""What may leave the process as the key of an attribute."""

AttributeValue = str | int | float | bool

FAULTS: Final = frozenset(
    {"UNKNOWN", "DEADLINE_EXCEEDED", "UNIMPLEMENTED", "INTERNAL", "UNAVAILABLE", "DATA_LOSS"}
)
"""Statuses that are the fault of a server. The others are answers."""

_DURATION_BUCKETS = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip

_REFUSALS = (DomainError, Overloaded, Unavailable)
_ROOT = contexts.Context()
_propagator = TraceContextTextMapPropagator()
_tracer = trace.get_tracer(SCOPE)


@contextmanager
def span(name: str, attributes: Mapping[str, AttributeValue] | None = None) -> Iterator[trace.Span]:
    """A span around a piece of work, current inside of the block.

    A refusal that leaves the block gives it its reason; every other exception is recorded and marks
    it as an error. Never ``yield`` from an async generator inside of the block. Where nobody would
    keep the span none is made: what is done for every reservation costs enough without.
    """
    if not _is_kept():
        yield trace.INVALID_SPAN
        return
    with _tracer.start_as_current_span(
        name, attributes=attributes, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except _REFUSALS as refusal:
            current.set_attribute(Attributes.REASON, refusal.reason)
            raise
        except Exception as error:
            record_fault(current, error)
            raise


def _is_kept() -> bool:
    """Whether a span that begins here goes anywhere: its trace is sampled, or may become so."""
    return is_traced(None)


def begins_traces() -> bool:
    """Whether a span without a parent goes anywhere."""
    return not isinstance(trace.get_tracer_provider(), trace.ProxyTracerProvider)


def is_traced(context: contexts.Context | None, *, may_begin: bool | None = None) -> bool:
    """Whether a span that begins in a context goes anywhere, as for ``span``. None: in this one.

    Asked where what would be told on the span costs more than what is done inside of it.
    ``may_begin`` is what ``begins_traces`` gave, where it was asked once for many.
    """
    parent = trace.get_current_span(context).get_span_context()
    if parent.is_valid:
        return parent.trace_flags.sampled
    return begins_traces() if may_begin is None else may_begin


@contextmanager
def within(context: contexts.Context) -> Iterator[None]:
    """Inside of the block another context is current: that of somebody for whom this is done."""
    token = contexts.attach(context)
    try:
        yield
    finally:
        contexts.detach(token)


def record_fault(current: trace.Span, error: BaseException) -> None:
    """Mark a span as an error and tell on it what was raised and where, without its arguments."""
    if current.is_recording():
        current.add_event(
            "exception",
            {
                Attributes.EXCEPTION_TYPE: type(error).__name__,
                Attributes.CODE_STACKTRACE: described(error),
            },
        )
        current.set_status(trace.StatusCode.ERROR, type(error).__name__)


def described(error: BaseException) -> str:
    """The types and frames of an error and its causes, without a word of their arguments.

    Arguments of exceptions may hold anything: a statement with its parameters, a person's address.
    """
    lines: list[str] = []
    known: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in known:
        known.add(id(current))
        frames = traceback.format_tb(current.__traceback__)
        lines = [*frames, f"{type(current).__module__}.{type(current).__qualname__}\n", *lines]
        current = current.__cause__ or (
            None if current.__suppress_context__ else current.__context__
        )
        if current is not None:
            lines = ["which led to\n", *lines]
    return "".join(lines)


class ServerTelemetry(grpc.aio.ServerInterceptor):
    """A span and a duration for every call that this server serves; the outermost interceptor.

    Refusals are answers: they are a status code on the span, not an error. A span that is not
    sampled is handed on to calls onward and asked nothing.
    """

    def __init__(
        self,
        *,
        tracer_provider: trace.TracerProvider | None = None,
        meter_provider: metrics.MeterProvider | None = None,
    ) -> None:
        self._tracer = trace.get_tracer(SCOPE, tracer_provider=tracer_provider)
        self._duration = metrics.get_meter(SCOPE, meter_provider=meter_provider).create_histogram(
            "rpc.server.call.duration",
            unit="s",
            description="How long calls took.",
            explicit_bucket_boundaries_advisory=_DURATION_BUCKETS,
        )
        self._methods: dict[str, tuple[object, _Method]] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """The handler inside of a span. Methods that are not served have none."""
        handler = await continuation(handler_call_details)
        if handler is None:
            return None
        name = handler_call_details.method
        known = self._methods.get(name)
        if known is None or known[0] is not handler:
            method = _Method(name)
            method.handler = surround(handler, self._around(method))
            known = self._methods[name] = (handler, method)
        return known[1].handler

    def _around(self, method: "_Method") -> Servicing:
        async def serve(context: Context, proceed: Proceed) -> Any:
            parent = _parent(context)
            current = self._tracer.start_span(
                method.span_name, parent, trace.SpanKind.SERVER, method.attributes
            )
            token = contexts.attach(trace.set_span_in_context(current, parent))
            started = perf_counter()
            raised: BaseException | None = None
            try:
                return await proceed()
            except BaseException as error:
                raised = error
                raise
            finally:
                code = _code(context, raised)
                self._duration.record(perf_counter() - started, method.measured(code))
                if current.is_recording():
                    _finish(current, code, raised)
                contexts.detach(token)

        return serve


class _Method:
    """What is told of every call of one method, made once."""

    handler: Any = None

    def __init__(self, name: str) -> None:
        self.span_name = name.lstrip("/")
        self.attributes = {Attributes.RPC_SYSTEM: "grpc", Attributes.RPC_METHOD: self.span_name}
        self._measured: dict[str, Mapping[str, str]] = {}

    def measured(self, code: str) -> Mapping[str, str]:
        """The attributes of the duration of a call that ended with this code."""
        known = self._measured.get(code)
        if known is None:
            known = {**self.attributes, Attributes.RPC_STATUS_CODE: code}
            if code in FAULTS:
                known[Attributes.ERROR_TYPE] = code
            self._measured[code] = known
        return known


def _parent(context: Context) -> contexts.Context:
    """The caller's span. Never the context of this task, which is the one the server began in."""
    for key, value in context.invocation_metadata() or ():
        if key == "traceparent":
            return _propagator.extract({key: value}, context=_ROOT)
    return _ROOT


def _code(context: Context, raised: BaseException | None) -> str:
    """The name of the status that the call ended with."""
    told: object = context.code()
    if isinstance(told, grpc.StatusCode):
        return told.name
    if isinstance(told, int) and told:
        return next(code.name for code in grpc.StatusCode if code.value[0] == told)
    if raised is None:
        return "OK"
    if isinstance(raised, asyncio.CancelledError):
        # The transport cancels the handler both when the time is over and when the caller leaves.
        return "DEADLINE_EXCEEDED" if is_over(context.time_remaining(), 0.0) else "CANCELLED"
    return "UNKNOWN"


def _finish(current: trace.Span, code: str, raised: BaseException | None) -> None:
    current.set_attribute(Attributes.RPC_STATUS_CODE, code)
    if code in FAULTS:
        current.set_attribute(Attributes.ERROR_TYPE, code)
        if isinstance(raised, Exception) and not isinstance(raised, grpc.aio.BaseError):
            record_fault(current, raised)
        else:
            current.set_status(trace.StatusCode.ERROR, code)
    current.end()
