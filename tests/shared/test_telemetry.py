"""What spans and durations say of calls: every way in which a call can end."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import status_pb2
from grpc_status import rpc_status  # type: ignore[import-untyped]  # it ships no types
from opentelemetry import trace
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import InMemoryMetricReader
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF
from opentelemetry.trace import SpanKind, StatusCode

from ordermesh.api.event.v1 import WatchEventsRequest
from ordermesh.client import Mesh
from ordermesh.kernel.errors import RuleViolated
from ordermesh.runtime.telemetry import ALLOWED, Attributes, ServerTelemetry, described, span
from tests.eventually import eventually
from tests.shared.echo import (
    DELIVER,
    WATCH,
    Context,
    Feed,
    Inbox,
    forever,
    nothing,
    raising,
    request,
    serving_echo,
)
from tests.spans import Spans, record

SECRET = "alice@example.com"
"""A person's words, which must not be told."""

Act = Callable[[Context], Awaitable[object]]


class Short(RuleViolated):
    reason = "SHORT"


@pytest.fixture
def spans() -> Spans:
    return record()


async def pair(spans: Spans, method: str = DELIVER) -> tuple[ReadableSpan, ReadableSpan]:
    """The client's span and the server's, once both are there; each is there once."""
    name = method[1:]
    await eventually(lambda: len(spans.named(name)) >= 2)
    found = {one.kind: one for one in spans.named(name)}
    assert len(spans.named(name)) == 2
    return found[SpanKind.CLIENT], found[SpanKind.SERVER]


def code_of(one: ReadableSpan) -> object:
    return (one.attributes or {})["rpc.response.status_code"]


def is_error(one: ReadableSpan) -> bool:
    return one.status.status_code is StatusCode.ERROR


def id_of(one: ReadableSpan) -> int:
    context = one.get_span_context()
    assert context is not None
    return context.span_id


def parent_of(one: ReadableSpan) -> int:
    assert one.parent is not None
    return one.parent.span_id


async def abort(context: Context) -> None:
    await context.abort(grpc.StatusCode.NOT_FOUND, "It is not there.")


async def abort_with_status(context: Context) -> None:
    status = status_pb2.Status(code=9, message="Not now.")
    await context.abort_with_status(rpc_status.to_status(status))


@pytest.mark.parametrize(
    ("act", "code", "is_fault", "exceptions"),
    [
        (nothing, "OK", False, []),
        (raising(ValueError(SECRET)), "INTERNAL", True, ["ValueError"]),
        (raising(Short("Too few.")), "FAILED_PRECONDITION", False, []),
        (abort, "NOT_FOUND", False, []),
        (abort_with_status, "FAILED_PRECONDITION", False, []),
    ],
    ids=["success", "raised", "refused", "abort", "abort_with_status"],
)
@pytest.mark.parametrize("method", [DELIVER, WATCH])
async def test_both_spans_say_how_a_call_ended(
    method: str,
    act: Act,
    code: str,
    is_fault: bool,
    exceptions: list[str],
    spans: Spans,
    tmp_path: Path,
) -> None:
    async with serving_echo(tmp_path, Inbox(act), Feed(act)) as mesh:
        with suppress(grpc.aio.AioRpcError):
            if method == DELIVER:
                await mesh.inbox("echo").Deliver(request())
            else:
                async for _ in mesh.events("echo").WatchEvents(WatchEventsRequest()):
                    pass

        client, server = await pair(spans, method)

    assert (code_of(client), code_of(server)) == (code, code)
    assert is_error(client) == (code != "OK")
    assert is_error(server) == is_fault
    assert [(event.attributes or {})["exception.type"] for event in server.events] == exceptions
    assert not client.events
    assert SECRET not in server.to_json()


async def test_the_server_s_span_is_the_child_of_the_client_s_and_that_of_what_is_current(
    spans: Spans, tmp_path: Path
) -> None:
    inside: list[trace.SpanContext] = []

    async def look(_context: Context) -> None:
        inside.append(trace.get_current_span().get_span_context())
        with span("decide", {Attributes.SKU_COUNT: 2}):
            await asyncio.sleep(0)

    async with serving_echo(tmp_path, Inbox(look), Feed(look)) as mesh:
        with span("outer") as outer:
            await mesh.inbox("echo").Deliver(request())
            async for _ in mesh.events("echo").WatchEvents(WatchEventsRequest()):
                pass

        for number, method in enumerate((DELIVER, WATCH)):
            client, server = await pair(spans, method)
            decide = spans.named("decide")[number]
            assert client.parent is not None
            assert client.parent.span_id == outer.get_span_context().span_id
            assert parent_of(server) == id_of(client)
            assert id_of(server) == inside[number].span_id
            assert decide.parent is not None
            assert decide.parent.span_id == inside[number].span_id


async def test_a_call_without_a_span_begins_a_trace_even_where_the_server_began_inside_of_one(
    spans: Spans, tmp_path: Path
) -> None:
    with span("start"):
        serving = serving_echo(tmp_path)
        mesh = await serving.__aenter__()
    async with grpc.aio.insecure_channel(mesh._targets["echo"]) as channel:
        deliver: Any = channel.unary_unary(DELIVER)
        await deliver(request().SerializeToString())
        await eventually(lambda: len(spans.named(DELIVER[1:])) == 1)
    await serving.__aexit__(None, None, None)

    (server,) = spans.named(DELIVER[1:])
    assert server.parent is None


async def test_a_deadline_that_passed_shows_on_both_sides(spans: Spans, tmp_path: Path) -> None:
    async with serving_echo(tmp_path, Inbox(forever)) as mesh:
        with pytest.raises(grpc.aio.AioRpcError):
            await mesh.inbox("echo").Deliver(request(), timeout=0.1)

        client, server = await pair(spans)

    assert (code_of(client), code_of(server)) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
    assert is_error(client)
    assert is_error(server)
    assert not server.events


async def test_a_caller_that_cancels_shows_as_cancelled_on_both_sides(
    spans: Spans, tmp_path: Path
) -> None:
    inbox = Inbox(forever)
    async with serving_echo(tmp_path, inbox) as mesh:
        delivering = asyncio.ensure_future(mesh.inbox("echo").Deliver(request(), timeout=20))
        await inbox.entered.wait()
        delivering.cancel()

        client, server = await pair(spans)

    assert (code_of(client), code_of(server)) == ("CANCELLED", "CANCELLED")
    assert not is_error(server)
    assert not server.events


@pytest.mark.parametrize("how", ["cancel", "forget"])
async def test_a_stream_that_is_left_early_shows_as_cancelled_on_both_sides(
    how: str, spans: Spans, tmp_path: Path
) -> None:
    async with serving_echo(tmp_path) as mesh:

        async def leave() -> None:
            call = mesh.events("echo").WatchEvents(WatchEventsRequest())
            async for page in call:
                if page.revision == 2:
                    break
            if how == "cancel":
                call.cancel()

        await leave()
        client, server = await pair(spans, WATCH)

    assert (code_of(client), code_of(server)) == ("CANCELLED", "CANCELLED")
    assert parent_of(server) == id_of(client)
    assert not is_error(server)


async def test_a_call_to_nobody_is_an_error_of_the_client_s_span(spans: Spans) -> None:
    async with Mesh({"echo": "127.0.0.1:1"}) as mesh:
        with pytest.raises(grpc.aio.AioRpcError):
            await mesh.inbox("echo").Deliver(request())

    (client,) = spans.named(DELIVER[1:])
    assert code_of(client) == "UNAVAILABLE"
    assert is_error(client)


async def test_spans_carry_the_stable_names_and_nothing_else(spans: Spans, tmp_path: Path) -> None:
    async with serving_echo(tmp_path, Inbox(raising(Short("No.")))) as mesh:
        with pytest.raises(grpc.aio.AioRpcError):
            await mesh.inbox("echo").Deliver(request())
        client, server = await pair(spans)

    assert dict(server.attributes or {}) == {
        "rpc.system.name": "grpc",
        "rpc.method": "ordermesh.api.event.v1.InboxService/Deliver",
        "rpc.response.status_code": "FAILED_PRECONDITION",
        "ordermesh.reason": "SHORT",
    }
    assert set(client.attributes or {}) <= ALLOWED


class Bare:
    """A server with nothing but the telemetry, and a client with nothing at all."""

    def __init__(self, act: Act, tracers: TracerProvider) -> None:
        self.reader = InMemoryMetricReader()
        meters = MeterProvider([self.reader], shutdown_on_exit=False)

        async def unary(_request: bytes, context: Context) -> bytes:
            await act(context)
            return b""

        async def stream(_request: bytes, context: Context) -> Any:
            yield b"1"
            await act(context)

        handlers = grpc.method_handlers_generic_handler(
            "bare.Service",
            {
                "Unary": grpc.unary_unary_rpc_method_handler(unary),
                "Stream": grpc.unary_stream_rpc_method_handler(stream),
                "Upload": grpc.stream_unary_rpc_method_handler(unary),
                "Chat": grpc.stream_stream_rpc_method_handler(stream),
            },
        )
        telemetry = ServerTelemetry(tracer_provider=tracers, meter_provider=meters)
        self.server = grpc.aio.server(
            handlers=[handlers], interceptors=[telemetry], options=[("grpc.so_reuseport", 0)]
        )

    async def call(self, *methods: str, seconds: float = 5.0) -> None:
        port = self.server.add_insecure_port("127.0.0.1:0")
        await self.server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            for method in methods:
                make: Any = {
                    "Unary": channel.unary_unary,
                    "Stream": channel.unary_stream,
                    "Upload": channel.stream_unary,
                    "Chat": channel.stream_stream,
                }[method]
                sent: Any = iter([b"", b""]) if method in ("Upload", "Chat") else b""
                call = make(f"/bare.Service/{method}")(sent, timeout=seconds)
                if method in ("Stream", "Chat"):
                    with suppress(grpc.aio.AioRpcError):
                        async for _ in call:
                            pass
                await call.code()
        await self.server.stop(None)

    def durations(self) -> list[dict[str, object]]:
        found = self.reader.get_metrics_data()
        assert found is not None
        metrics = found.resource_metrics[0].scope_metrics[0].metrics
        assert [metric.name for metric in metrics] == ["rpc.server.call.duration"]
        return [dict(point.attributes or {}) for point in metrics[0].data.data_points]


def recording() -> tuple[TracerProvider, InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    tracers = TracerProvider(shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    return tracers, exporter


@pytest.mark.parametrize(
    ("act", "code", "is_fault", "exceptions"),
    [
        (nothing, "OK", False, 0),
        (raising(ValueError(SECRET)), "UNKNOWN", True, 1),
        (abort, "NOT_FOUND", False, 0),
        (abort_with_status, "FAILED_PRECONDITION", False, 0),
        (forever, "DEADLINE_EXCEEDED", True, 0),
    ],
    ids=["success", "raised", "abort", "abort_with_status", "deadline"],
)
async def test_the_server_s_telemetry_alone_tells_the_truth_of_all_four_shapes(
    act: Act, code: str, is_fault: bool, exceptions: int, caplog: pytest.LogCaptureFixture
) -> None:
    tracers, exporter = recording()
    bare = Bare(act, tracers)
    await bare.call("Unary", "Stream", "Upload", "Chat", seconds=0.15 if act is forever else 5.0)

    found = exporter.get_finished_spans()
    assert [one.name for one in found] == [
        f"bare.Service/{method}" for method in ("Unary", "Stream", "Upload", "Chat")
    ]
    for one in found:
        assert code_of(one) == code
        assert is_error(one) == is_fault
        assert len(one.events) == exceptions
    assert {str(point["rpc.response.status_code"]) for point in bare.durations()} == {code}
    assert all(set(point) <= ALLOWED for point in bare.durations())


async def test_an_unsampled_call_is_handed_on_and_asked_nothing() -> None:
    exporter = InMemorySpanExporter()
    tracers = TracerProvider(sampler=ALWAYS_OFF, shutdown_on_exit=False)
    tracers.add_span_processor(SimpleSpanProcessor(exporter))
    seen: list[trace.Span] = []

    async def look(_context: Context) -> None:
        seen.append(trace.get_current_span())

    bare = Bare(look, tracers)
    await bare.call("Unary")

    assert exporter.get_finished_spans() == ()
    assert seen[0].get_span_context().is_valid
    assert not seen[0].is_recording()


def test_a_refusal_gives_a_span_its_reason_and_a_fault_marks_it(spans: Spans) -> None:
    with pytest.raises(Short), span("refused"):
        raise Short("Too few.")
    with pytest.raises(ValueError, match="alice"), span("broken"):
        raise ValueError(SECRET)

    (refused,), (broken,) = spans.named("refused"), spans.named("broken")
    assert dict(refused.attributes or {}) == {"ordermesh.reason": "SHORT"}
    assert not is_error(refused)
    assert is_error(broken)
    assert SECRET not in broken.to_json()
    assert "test_telemetry.py" in str((broken.events[0].attributes or {})["code.stacktrace"])


def test_a_described_error_names_its_causes_and_repeats_none_of_their_words() -> None:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as error:
            raise ValueError(SECRET) from error
    except ValueError as error:
        told = described(error)

    assert told.index("builtins.KeyError") < told.index("builtins.ValueError")
    assert SECRET not in told
