"""The receiver of spans, fed by the real exporter of OpenTelemetry."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import ResourceSpans, ScopeSpans
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.trace import Link, SpanKind, Status, StatusCode

from ordermesh.cli.receiver import WAITING_MAX, Receiver, SpanStore, spans_of_order
from ordermesh.cli.traces import KIND_CLIENT


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "traces.db"


@pytest.fixture
async def endpoint(file: Path) -> AsyncIterator[str]:
    receiver = Receiver(SpanStore(file))
    yield await receiver.start()
    await receiver.stop()


@pytest.fixture
def providers(endpoint: str) -> Iterator[dict[str, TracerProvider]]:
    made = {}
    for service in ("routing", "inventory"):
        provider = TracerProvider(resource=Resource({"service.name": service}))
        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=True)
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        made[service] = provider
    yield made
    for provider in made.values():
        provider.shutdown()


async def test_the_traces_of_an_order_come_back_whole(
    providers: dict[str, TracerProvider], file: Path
) -> None:
    routing = providers["routing"].get_tracer("test")
    inventory = providers["inventory"].get_tracer("test")

    def emit() -> None:
        facts: dict[str, str | int | float | bool] = {
            "ordermesh.order_id": "A-1",
            "candidates": 3,
            "gap": 0.5,
            "exact": True,
        }
        with (
            routing.start_as_current_span(
                "ordermesh.api.routing.v1.OrderService/SubmitOrder", attributes=facts
            ),
            inventory.start_as_current_span("Reserve", kind=SpanKind.CLIENT) as reserve,
        ):
            reserve.set_status(Status(StatusCode.ERROR, "short"))
            reserve.set_attribute("skus", ["MUG-7", "CLOCK"])
        with routing.start_as_current_span("other", attributes={"ordermesh.order_id": "B-2"}):
            pass

    await asyncio.to_thread(emit)

    root, below = spans_of_order(file, "A-1")
    assert (root.service, root.title) == ("routing", "OrderService/SubmitOrder")
    assert root.attributes == {
        "ordermesh.order_id": "A-1",
        "candidates": 3,
        "gap": 0.5,
        "exact": True,
    }
    assert (below.service, below.kind, below.is_error) == ("inventory", KIND_CLIENT, True)
    assert below.attributes == {"skus": "MUG-7, CLOCK", "status.message": "short"}
    assert below.parent_id == root.span_id
    assert below.end_ns >= below.start_ns >= root.start_ns
    assert spans_of_order(file, "C-3") == []


async def test_a_batch_that_links_to_an_order_is_found_with_it(
    providers: dict[str, TracerProvider], file: Path
) -> None:
    tracer = providers["routing"].get_tracer("test")

    def emit() -> None:
        with tracer.start_as_current_span(
            "submit", attributes={"ordermesh.order_id": "A-1"}
        ) as own:
            context = own.get_span_context()
        with (
            tracer.start_as_current_span("deliver", links=[Link(context)]),
            tracer.start_as_current_span("call"),
            tracer.start_as_current_span("other", attributes={"ordermesh.order_id": "B-2"}),
        ):
            pass

    await asyncio.to_thread(emit)

    submit, deliver, call = spans_of_order(file, "A-1")
    assert (submit.name, deliver.name, call.name) == ("submit", "deliver", "call")
    assert deliver.links == ((submit.trace_id, submit.span_id),)


def exported(*numbers: int) -> ExportTraceServiceRequest:
    spans = [
        WireSpan(trace_id=number.to_bytes(16), span_id=number.to_bytes(8), name=f"span {number}")
        for number in numbers
    ]
    return ExportTraceServiceRequest(
        resource_spans=[ResourceSpans(scope_spans=[ScopeSpans(spans=spans)])]
    )


def test_a_span_that_is_sent_twice_is_stored_once(file: Path) -> None:
    store = SpanStore(file)

    store.add(exported(1, 2))
    store.add(exported(2, 3))

    assert store.count() == 3
    store.close()


def test_the_oldest_spans_make_way(file: Path) -> None:
    store = SpanStore(file, spans_max=10)

    for start in range(1, 41, 4):
        store.add(exported(*range(start, start + 4)))

    assert store.count() == 10
    store.close()


async def test_more_than_can_be_stored_is_turned_away_and_said_so(file: Path) -> None:
    receiver = Receiver(SpanStore(file))

    replies = await asyncio.gather(
        *(receiver.Export(exported(number), None) for number in range(1, WAITING_MAX + 11))
    )

    assert sum(reply.partial_success.rejected_spans for reply in replies) == 10
    await receiver.stop()


def test_no_span_at_all_is_told_from_an_order_without_spans(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        spans_of_order(tmp_path / "traces.db", "A-1")
