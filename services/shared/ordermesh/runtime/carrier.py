"""The trace context of a row: written with it, and the parent of whatever it causes."""

import json
import traceback
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import cast

from opentelemetry import propagate, trace
from opentelemetry.context import Context

from ordermesh.kernel.errors import DomainError, Overloaded, Unavailable
from ordermesh.runtime.telemetry import Attributes

_tracer = trace.get_tracer("ordermesh.runtime")


def current_trace() -> Mapping[str, str]:
    """The present trace context as W3C headers; empty when nothing is traced.

    Baggage is left out: it may hold what no row may keep.
    """
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return {name: headers[name] for name in ("traceparent", "tracestate") if name in headers}


def written_trace() -> str:
    """The present trace context as a column of a row holds it."""
    if not trace.get_current_span().get_span_context().is_valid:
        return "{}"  # of nothing that is traced nothing is said, and it is asked for every write
    return json.dumps(current_trace(), separators=(",", ":"))


def mark_failure(span: trace.Span, error: Exception) -> None:
    """Mark the span as failed: by the kind of the error and its published reason, not its words."""
    span.set_status(trace.StatusCode.ERROR, type(error).__name__)
    if isinstance(error, DomainError | Unavailable | Overloaded):
        span.set_attribute(Attributes.REASON, error.reason)


def place_of(error: BaseException) -> str:
    """The kind of an error and where it was raised, for logs: its words may be anybody's."""
    frames = traceback.extract_tb(error.__traceback__)
    if not frames:
        return type(error).__name__
    return f"{type(error).__name__} in {frames[-1].name}, line {frames[-1].lineno}"


def read_trace(written: str) -> Mapping[str, str]:
    """The headers that were written."""
    return cast("Mapping[str, str]", json.loads(written))


@contextmanager
def caused_span(
    name: str, causes: Sequence[Mapping[str, str]], attributes: Mapping[str, str | int]
) -> Iterator[trace.Span]:
    """A span for what rows caused: the child of one row's context, linked to those of several.

    Exceptions are not recorded on it, because their arguments may be anybody's words.
    """
    contexts = [propagate.extract(cause, context=Context()) for cause in causes]
    with linked_span(name, contexts, attributes, trace.SpanKind.CONSUMER) as span:
        yield span


@contextmanager
def linked_span(
    name: str,
    contexts: Sequence[Context],
    attributes: Mapping[str, str | int],
    kind: trace.SpanKind = trace.SpanKind.INTERNAL,
) -> Iterator[trace.Span]:
    """A span for what is done for several at once: the child of one, linked to all of several."""
    links = [trace.get_current_span(context).get_span_context() for context in contexts]
    with _tracer.start_as_current_span(
        name,
        context=contexts[0] if len(contexts) == 1 else Context(),
        kind=kind,
        links=[trace.Link(link) for link in links if link.is_valid and len(contexts) > 1],
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield span
