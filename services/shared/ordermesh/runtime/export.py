"""Sends spans and metrics to a collector by OTLP, when there is one, and only what is allowed."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from opentelemetry import metrics, propagate, trace
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricReader, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import View
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan, Span, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, Status
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes as AttributeMapping
from sqlalchemy import Engine

from ordermesh.runtime.telemetry import ALLOWED

SPAN_DELAY_MILLISECONDS = 500
"""How long spans wait for others before they leave together."""

METRIC_INTERVAL_MILLISECONDS = 15_000


class AllowList(SpanProcessor):
    """Hands spans on without the attributes, on them and on their events, that are not listed.

    The sentence of a status stays only when it is one word, such as the name of a code or a type:
    others put the words of an exception there.
    """

    def __init__(self, following: SpanProcessor, allowed: frozenset[str] = ALLOWED) -> None:
        self._following = following
        self._allowed = allowed

    def on_start(self, span: Span, parent_context: object = None) -> None:
        """Nothing: what is told of a span is known when it ends."""

    def on_end(self, span: ReadableSpan) -> None:
        """Hand on what may be told."""
        is_clean = (
            self._may_leave(span.attributes)
            and all(self._may_leave(event.attributes) for event in span.events)
            and all(self._may_leave(link.attributes) for link in span.links)
            and _status(span.status) is span.status
        )
        self._following.on_end(span if is_clean else self._cleaned(span))

    def shutdown(self) -> None:
        """Shut down what follows."""
        self._following.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        """Flush what follows."""
        return self._following.force_flush(timeout_millis)

    def _may_leave(self, attributes: AttributeMapping) -> bool:
        return not attributes or self._allowed.issuperset(attributes)

    def _kept(self, attributes: AttributeMapping) -> AttributeMapping:
        given = attributes or {}
        return {key: value for key, value in given.items() if key in self._allowed}

    def _cleaned(self, span: ReadableSpan) -> ReadableSpan:
        return ReadableSpan(
            name=span.name,
            context=span.get_span_context(),
            parent=span.parent,
            resource=span.resource,
            attributes=self._kept(span.attributes),
            events=[
                Event(event.name, self._kept(event.attributes), event.timestamp)
                for event in span.events
            ],
            links=[Link(link.context, self._kept(link.attributes)) for link in span.links],
            kind=span.kind,
            status=_status(span.status),
            start_time=span.start_time,
            end_time=span.end_time,
            instrumentation_scope=span.instrumentation_scope,
        )


@dataclass(frozen=True)
class Telemetry:
    """What was started, to be shut down."""

    tracers: TracerProvider | None = None
    meters: MeterProvider | None = None

    def shutdown(self, seconds: float = 2.0) -> None:
        """Send what waits, for so many seconds at most. It blocks: call it from a thread."""
        milliseconds = round(seconds * 1000)
        if self.tracers is not None:
            self.tracers.force_flush(milliseconds)
            self.tracers.shutdown()
        if self.meters is not None:
            self.meters.shutdown(timeout_millis=milliseconds)


def start_telemetry(
    service: str, otlp_endpoint: str | None, *, instance: str = "", exports_metrics: bool = True
) -> Telemetry:
    """Make the process's spans and metrics go to ``otlp_endpoint``, like ``http://127.0.0.1:4317``.

    Without an endpoint nothing is recorded, and a caller's trace context is only handed on. The
    sampler is that of ``OTEL_TRACES_SAMPLER``; by default everything is recorded that the caller
    does not decline.
    """
    # Nothing but the trace context crosses: baggage would carry anybody's words to everybody.
    propagate.set_global_textmap(TraceContextTextMapPropagator())
    if not otlp_endpoint:
        return Telemetry()
    is_insecure = not otlp_endpoint.startswith("https://")
    resource = Resource.create(
        {
            "service.namespace": "ordermesh",
            "service.name": service,
            "service.instance.id": instance or f"{service}-{os.getpid()}",
        }
    )
    tracers = TracerProvider(resource=resource, shutdown_on_exit=False)
    exporter = OTLPSpanExporter(endpoint=otlp_endpoint, insecure=is_insecure, timeout=5)
    tracers.add_span_processor(
        AllowList(BatchSpanProcessor(exporter, schedule_delay_millis=SPAN_DELAY_MILLISECONDS))
    )
    trace.set_tracer_provider(tracers)
    readers: list[MetricReader] = []
    if exports_metrics:
        metric_exporter = OTLPMetricExporter(
            endpoint=otlp_endpoint, insecure=is_insecure, timeout=5
        )
        readers.append(
            PeriodicExportingMetricReader(
                metric_exporter, export_interval_millis=METRIC_INTERVAL_MILLISECONDS
            )
        )
    meters = meter_provider(readers, resource)
    metrics.set_meter_provider(meters)
    return Telemetry(tracers, meters)


def meter_provider(readers: Sequence[MetricReader], resource: Resource) -> MeterProvider:
    """Meters whose measurements keep the attributes that are listed, and no others."""
    listed = View(instrument_name="*", attribute_keys=set(ALLOWED))
    return MeterProvider(readers, resource=resource, shutdown_on_exit=False, views=[listed])


def trace_statements(
    engines: Sequence[Engine], *, tracer_provider: trace.TracerProvider | None = None
) -> None:
    """Give every statement of these engines a span. Parameters are never part of it."""
    # The instrumentation knows an older SQLAlchemy and refuses ours; it works with it. It reads
    # from the environment which names it may use.
    os.environ.setdefault("OTEL_SEMCONV_STABILITY_OPT_IN", "database")
    options: Mapping[str, object] = {"engines": list(engines), "tracer_provider": tracer_provider}
    SQLAlchemyInstrumentor().instrument(skip_dep_check=True, **options)


def _status(status: Status) -> Status:
    if status.description is None or status.description.isidentifier():
        return status
    return Status(status.status_code)
