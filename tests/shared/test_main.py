"""A service as a process: what it prints, what it logs, and how it ends."""

import asyncio
import json
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from ordermesh.api.event.v1 import WatchEventsRequest
from ordermesh.client import Mesh
from tests.shared.echo import DELIVER, request

ROOT = Path(__file__).parents[2]


@asynccontextmanager
async def process(directory: Path, **settings: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """The service under way; killed at the end if it still is."""
    given = {"DATABASE_URL": f"sqlite+aiosqlite:///{directory}/echo.db", "PORT": "0", **settings}
    inherited = {key: value for key, value in os.environ.items() if "ORDERMESH_" not in key}
    started = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.shared.echo_main",
        cwd=ROOT,
        env={**inherited, **{f"ORDERMESH_ECHO_{key}": value for key, value in given.items()}},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
            await started.wait()


async def listening(started: asyncio.subprocess.Process) -> str:
    assert started.stdout is not None
    assert started.stderr is not None
    line = (await started.stdout.readline()).decode()
    if not line.startswith("ordermesh echo listening on 127.0.0.1:"):
        pytest.fail(line + (await started.stderr.read()).decode())
    return line.rpartition(" ")[2].strip()


async def ended(started: asyncio.subprocess.Process) -> tuple[int, str, str]:
    output, errors = await started.communicate()
    assert started.returncode is not None
    return started.returncode, output.decode(), errors.decode()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_service_says_once_where_it_listens_and_ends_in_good_order_when_told(
    number: signal.Signals, tmp_path: Path
) -> None:
    async with process(tmp_path) as started:
        target = await listening(started)
        async with Mesh({"echo": target}) as mesh:
            watch = mesh.events("echo").WatchEvents(WatchEventsRequest())
            await watch.read()
            started.send_signal(number)
            code, output, errors = await ended(started)

    assert (code, output) == (0, "")
    assert "callers are believed without proof" in errors
    with sqlite3.connect(tmp_path / "echo.db") as database:
        assert database.execute("select count(*) from work").fetchone() == (0,)


async def test_spans_reach_a_collector_before_the_process_ends(tmp_path: Path) -> None:
    exports: list[ExportTraceServiceRequest] = []

    async def export(raw: ExportTraceServiceRequest, _context: object) -> object:
        exports.append(raw)
        return ExportTraceServiceResponse()

    collector = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handler = grpc.unary_unary_rpc_method_handler(
        export,
        ExportTraceServiceRequest.FromString,
        ExportTraceServiceResponse.SerializeToString,
    )
    collector.add_generic_rpc_handlers(
        [
            grpc.method_handlers_generic_handler(
                "opentelemetry.proto.collector.trace.v1.TraceService", {"Export": handler}
            )
        ]
    )
    port = collector.add_insecure_port("127.0.0.1:0")
    await collector.start()
    async with process(tmp_path, OTLP_ENDPOINT=f"http://127.0.0.1:{port}") as started:
        async with Mesh({"echo": await listening(started)}) as mesh:
            with pytest.raises(grpc.aio.AioRpcError):
                await mesh.inbox("echo").Deliver(request())
        started.terminate()
        code, _, errors = await ended(started)
    await collector.stop(None)

    (span,) = [
        span
        for one in exports
        for resource in one.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
        if span.name == DELIVER[1:]
    ]
    assert code == 0
    assert span.trace_id.hex() in errors
    assert b"alice" not in b"".join(one.SerializeToString() for one in exports)


async def test_logs_of_production_are_json_without_words_of_exceptions(tmp_path: Path) -> None:
    settings = {
        "ENVIRONMENT": "production",
        "TLS_CERTIFICATE": "/nowhere/certificate.pem",
        "TLS_PRIVATE_KEY": "/nowhere/key.pem",
        "TLS_AUTHORITIES": "/nowhere/authorities.pem",
        "TRUST_DOMAIN": "example.org",
    }
    async with process(tmp_path, **settings) as started:
        code, output, errors = await ended(started)

    assert (code, output) == (1, "")
    entry = json.loads(errors.splitlines()[-1])
    assert (entry["level"], entry["service"]) == ("critical", "echo")
    assert entry["event"] == "the service cannot start"
    assert "key.pem" in entry["why"]
    assert "FileNotFoundError" in entry["exception"]


async def test_a_port_that_is_taken_ends_the_process_with_a_reason(tmp_path: Path) -> None:
    async with process(tmp_path) as first:
        port = (await listening(first)).rpartition(":")[2]
        (tmp_path / "second").mkdir()
        async with process(tmp_path / "second", PORT=port) as second:
            code, output, errors = await ended(second)

    assert (code, output) == (1, "")
    assert "it is taken" in errors
