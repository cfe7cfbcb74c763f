"""Spans of calls, where OpenTelemetry is installed; nothing at all where it is not."""

from collections.abc import Mapping
from typing import Protocol

import grpc

try:
    from opentelemetry import trace
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
except ImportError:
    _is_traced = False
else:
    _is_traced = True
    _propagator = TraceContextTextMapPropagator()

_NO_HEADERS: Mapping[str, str] = {}


class CallSpan(Protocol):
    """The span of one call, from its first attempt to its status."""

    def headers(self) -> Mapping[str, str]:
        """What makes the server's span its child; empty when nothing is traced."""
        ...

    def end(self, code: grpc.StatusCode) -> None:
        """The call has ended with this code."""
        ...


def begin(method: str, target: str) -> CallSpan:
    """The span of a call of ``method`` at ``target``, a child of the span that is current."""
    return _Span(method, target) if _is_traced else _NOTHING


class _Nothing:
    def headers(self) -> Mapping[str, str]:
        return _NO_HEADERS

    def end(self, code: grpc.StatusCode) -> None:
        """Nothing was begun."""


_NOTHING = _Nothing()


class _Span:
    """Never current: between the start of a call and its end other things go on in its task."""

    def __init__(self, method: str, target: str) -> None:
        self._span = trace.get_tracer("ordermesh.client").start_span(
            method, kind=trace.SpanKind.CLIENT
        )
        if self._span.is_recording():
            self._span.set_attributes(
                {"rpc.system.name": "grpc", "rpc.method": method, "server.address": target}
            )

    def headers(self) -> Mapping[str, str]:
        if not self._span.get_span_context().is_valid:
            return _NO_HEADERS
        written: dict[str, str] = {}
        _propagator.inject(written, context=trace.set_span_in_context(self._span))
        return written

    def end(self, code: grpc.StatusCode) -> None:
        if self._span.is_recording():
            self._span.set_attribute("rpc.response.status_code", code.name)
            if code is not grpc.StatusCode.OK:
                self._span.set_attribute("error.type", code.name)
                self._span.set_status(trace.StatusCode.ERROR, code.name)
        self._span.end()
