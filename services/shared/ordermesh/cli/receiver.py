"""A small OTLP receiver: it takes the spans of the mesh and keeps them in a SQLite file."""

import asyncio
import json
import sqlite3
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTracePartialSuccess,
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.collector.trace.v1.trace_service_pb2_grpc import (
    TraceServiceServicer,
    add_TraceServiceServicer_to_server,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan
from opentelemetry.proto.trace.v1.trace_pb2 import Status

from ordermesh.cli.traces import ORDER_ID, Fact, Span

SPANS_MAX = 400_000
"""The oldest spans beyond this many are dropped."""

SPANS_SHOWN_MAX = 5_000
"""Of one order no more spans than this are read."""

WAITING_MAX = 32
"""When so many exports wait to be stored, further ones are turned away, and their spans lost."""

_TEXT_MAX = 1_000
_MESSAGE_BYTES_MAX = 16 * 1024 * 1024

_SCHEMA = """
create table if not exists span (
  number integer primary key autoincrement,
  trace_id blob not null, span_id blob not null, parent_id blob not null, service text not null,
  name text not null, kind integer not null, start_ns integer not null, end_ns integer not null,
  is_error integer not null,
  order_id text not null, attributes text not null, links text not null, unique (trace_id, span_id)
);
create index if not exists span_order on span (order_id) where order_id <> '';
create table if not exists link (
  to_trace_id blob not null, trace_id blob not null, span_id blob not null,
  primary key (to_trace_id, trace_id, span_id)
) without rowid;
"""
_INSERT = """
insert or ignore into span (trace_id, span_id, parent_id, service, name, kind, start_ns, end_ns,
  is_error, order_id, attributes, links) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
"""
_PRUNE = """
delete from span where number <= (select max(number) - ? from span)
"""
_PRUNE_LINKS = """
delete from link where not exists (select 1 from span where span.trace_id = link.trace_id)
"""
_OF_ORDER = """
with recursive
own as (select distinct trace_id from span where order_id = :order_id),
batch (trace_id, span_id) as (
  select trace_id, span_id from link
  where to_trace_id in (select trace_id from own) and trace_id not in (select trace_id from own)
  union
  select span.trace_id, span.span_id
  from span join batch on span.trace_id = batch.trace_id and span.parent_id = batch.span_id
  where span.order_id in ('', :order_id)
)
select trace_id, span_id, parent_id, service, name, kind, start_ns, end_ns, is_error, attributes,
  links
from span
where trace_id in (select trace_id from own)
   or (trace_id, span_id) in (select trace_id, span_id from batch)
order by start_ns, number limit :most
"""

_Row = tuple[bytes, bytes, bytes, str, str, int, int, int, int, str, str, str]
_Read = tuple[bytes, bytes, bytes, str, str, int, int, int, int, str, str]


class SpanStore:
    """Spans in a SQLite file; one process writes, others may read."""

    def __init__(self, file: Path, *, spans_max: int = SPANS_MAX) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self._spans_max = spans_max
        self._connection = sqlite3.connect(file, check_same_thread=False, timeout=5.0)
        self._connection.execute("pragma journal_mode=wal")
        self._connection.execute("pragma synchronous=off")  # a power cut may lose spans
        self._connection.executescript(_SCHEMA)

    def add(self, request: ExportTraceServiceRequest) -> None:
        """Store the spans of one export; those that are stored already stay as they are."""
        rows = list(_rows(request))
        links = [
            (bytes.fromhex(trace_id), row[0], row[1])
            for row in rows
            for trace_id, _ in json.loads(row[11])
        ]
        with self._connection:
            self._connection.executemany(_INSERT, rows)
            self._connection.executemany("insert or ignore into link values (?, ?, ?)", links)
            if self._connection.execute(_PRUNE, (self._spans_max,)).rowcount > 0:
                self._connection.execute(_PRUNE_LINKS)

    def of_order(self, order_id: str) -> list[Span]:
        """The spans of all traces in which a span names the order, in the order of their start.

        Spans of other traces that link to one of these are among them, with what is below them
        and not about another order: work that was done for many orders at once.
        """
        parameters = {"order_id": order_id, "most": SPANS_SHOWN_MAX}
        return [_span(row) for row in self._connection.execute(_OF_ORDER, parameters)]

    def count(self) -> int:
        """How many spans are stored."""
        return int(self._connection.execute("select count(*) from span").fetchone()[0])

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


class Receiver(TraceServiceServicer):
    """The OTLP trace service over gRPC, on a port of loopback."""

    def __init__(self, store: SpanStore) -> None:
        self._store = store
        self._waiting = 0
        # One thread, so that exports are stored one after the other whatever becomes of the calls.
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="spans")
        self._server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 0),
                ("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX),
            ]
        )
        add_TraceServiceServicer_to_server(self, self._server)  # type: ignore[no-untyped-call]

    async def start(self, port: int = 0) -> str:
        """Begin to receive; gives the address for exporters."""
        bound = self._server.add_insecure_port(f"127.0.0.1:{port}")
        await self._server.start()
        return f"http://127.0.0.1:{bound}"

    async def stop(self) -> None:
        """Finish what is being received, then end."""
        await self._server.stop(grace=2.0)
        await asyncio.to_thread(self._writer.shutdown)
        self._store.close()

    async def Export(  # noqa: N802 - the name is the contract's
        self,
        request: ExportTraceServiceRequest,
        context: object,  # noqa: ARG002 - the signature is the contract's
    ) -> ExportTraceServiceResponse:
        """Store the spans of one export, or turn them away when too much is waiting."""
        if self._waiting >= WAITING_MAX:
            count = sum(
                len(scope.spans)
                for resource in request.resource_spans
                for scope in resource.scope_spans
            )
            refusal = ExportTracePartialSuccess(
                rejected_spans=count, error_message="Too many spans at once."
            )
            return ExportTraceServiceResponse(partial_success=refusal)
        self._waiting += 1
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._writer, self._store.add, request)
        finally:
            self._waiting -= 1
        return ExportTraceServiceResponse()


def spans_of_order(file: Path, order_id: str) -> list[Span]:
    """The spans of an order from a file that another process may be writing.

    Raises ``FileNotFoundError`` when no span was ever received there.
    """
    if not file.exists():
        raise FileNotFoundError(file)
    store = SpanStore(file)
    try:
        return store.of_order(order_id)
    finally:
        store.close()


def _rows(request: ExportTraceServiceRequest) -> Iterator[_Row]:
    for resource in request.resource_spans:
        service = _attributes(resource.resource.attributes).get("service.name", "")
        for scope in resource.scope_spans:
            for span in scope.spans:
                yield _row(str(service), span)


def _row(service: str, span: WireSpan) -> _Row:
    attributes = _attributes(span.attributes)
    if span.status.message:
        attributes.setdefault("status.message", span.status.message[:_TEXT_MAX])
    links = [[link.trace_id.hex(), link.span_id.hex()] for link in span.links]
    return (
        span.trace_id,
        span.span_id,
        span.parent_span_id,
        service,
        span.name,
        span.kind,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        int(span.status.code == Status.STATUS_CODE_ERROR),
        str(attributes.get(ORDER_ID, "")),
        json.dumps(attributes, separators=(",", ":")),
        json.dumps(links, separators=(",", ":")),
    )


def _attributes(pairs: Iterable[KeyValue]) -> dict[str, Fact]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Fact:
    match value.WhichOneof("value"):
        case "int_value":
            return value.int_value
        case "double_value":
            return value.double_value
        case "bool_value":
            return value.bool_value
        case "array_value":
            joined = ", ".join(str(_value(one)) for one in value.array_value.values)
            return joined[:_TEXT_MAX]
        case _:
            return value.string_value[:_TEXT_MAX]


def _span(row: _Read) -> Span:
    return Span(
        trace_id=row[0].hex(),
        span_id=row[1].hex(),
        parent_id=row[2].hex(),
        service=row[3],
        name=row[4],
        kind=row[5],
        start_ns=row[6],
        end_ns=row[7],
        is_error=bool(row[8]),
        attributes=json.loads(row[9]),
        links=tuple((trace, span) for trace, span in json.loads(row[10])),
    )
