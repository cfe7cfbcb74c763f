"""What leaves the process, and what does not."""

import ast
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from opentelemetry import trace
from opentelemetry.instrumentation.sqlalchemy import SQLAlchemyInstrumentor
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import StatusCode
from sqlalchemy import text

from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.export import (
    AllowList,
    Telemetry,
    meter_provider,
    start_telemetry,
    trace_statements,
)
from ordermesh.runtime.telemetry import ALLOWED, Attributes

SERVICES = Path(__file__).parents[2] / "services"

SECRET = "alice@example.com"
"""A person's words, which must not be told."""


def is_error(one: ReadableSpan) -> bool:
    return one.status.status_code is StatusCode.ERROR


def test_what_is_not_listed_does_not_leave_the_process() -> None:
    exporter = InMemorySpanExporter()
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(AllowList(SimpleSpanProcessor(exporter)))
    tracer = tracers.get_tracer("test")
    other = tracer.start_span("other").get_span_context()
    attributes = {"customer.email": SECRET, Attributes.ORDER_ID: "1001"}
    links = [trace.Link(other, {"customer.name": "Alice"})]
    working = tracer.start_as_current_span("work", attributes=attributes, links=links)
    with pytest.raises(ValueError, match="alice"), working:
        raise ValueError(SECRET)

    (work,) = exporter.get_finished_spans()
    assert dict(work.attributes or {}) == {"ordermesh.order_id": "1001"}
    assert "alice" not in work.to_json().lower()
    assert is_error(work)
    assert work.links[0].context == other
    assert [dict(event.attributes or {}) for event in work.events] == [
        {"exception.type": "ValueError"}
    ]


def test_a_span_with_nothing_to_hide_is_handed_on_as_it_is() -> None:
    class Following(SimpleSpanProcessor):
        got: Sequence[ReadableSpan] = ()

        def on_end(self, span: ReadableSpan) -> None:
            self.got = (span,)

    following = Following(InMemorySpanExporter())
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(AllowList(following))
    work = tracers.get_tracer("test").start_span("work", attributes={Attributes.ORDER_ID: "1"})
    work.end()

    assert following.got[0].attributes is not None
    assert following.got[0].name == "work"


def test_measurements_lose_attributes_that_are_not_listed() -> None:
    reader = InMemoryMetricReader()
    meters = meter_provider([reader], Resource.create({}))
    counter = meters.get_meter("test").create_counter("refusals")
    counter.add(1, {Attributes.REASON: "SHORT", "customer.email": SECRET})

    found = reader.get_metrics_data()
    assert found is not None
    assert "SHORT" in found.to_json()
    assert SECRET not in found.to_json()


def test_without_an_endpoint_nothing_is_started() -> None:
    assert start_telemetry("echo", None) == Telemetry()


async def test_statements_have_spans_without_their_parameters(tmp_path: Path) -> None:
    exporter = InMemorySpanExporter()
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(AllowList(SimpleSpanProcessor(exporter)))
    database = await Database.open(f"sqlite+aiosqlite:///{tmp_path}/x.db", clock=SystemClock())
    trace_statements(database.engines(), tracer_provider=tracers)

    async def work(tx: Transaction) -> None:
        await tx.execute(text("select :email"), {"email": SECRET})

    try:
        with trace.use_span(tracers.get_tracer("test").start_span("operation")) as outer:
            await database.run(work)
        await database.close()
    finally:
        SQLAlchemyInstrumentor().uninstrument()

    statements = [
        (one.attributes or {}).get("db.query.text") for one in exporter.get_finished_spans()
    ]
    select = exporter.get_finished_spans()[statements.index("select ?")]
    assert "alice" not in select.to_json()
    assert set(select.attributes or {}) <= ALLOWED
    assert select.parent is not None
    assert outer.get_span_context().trace_id == select.parent.trace_id


def keys_in(tree: ast.AST) -> Iterator[str]:
    """What stands where attributes are named: keys of dictionaries, first words of setters."""
    for node in ast.walk(tree):
        named: list[ast.expr | None] = []
        if isinstance(node, ast.Dict):
            named = node.keys
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            named = list(node.args[:1]) if node.func.attr == "set_attribute" else []
        for one in named:
            if isinstance(one, ast.Constant) and isinstance(one.value, str):
                yield one.value


def test_every_attribute_that_the_code_emits_is_listed() -> None:
    names = re.compile(r"(ordermesh|rpc|db|error|exception|server)\.[a-z_.]+")
    emitted = {
        key
        for file in SERVICES.rglob("*.py")
        for key in keys_in(ast.parse(file.read_text()))
        if names.fullmatch(key) and not (SERVICES / "shared" / key.replace(".", "/")).exists()
    }

    assert "rpc.system.name" in emitted
    assert emitted <= ALLOWED
