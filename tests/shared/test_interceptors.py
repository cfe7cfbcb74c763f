"""What becomes of calls, whatever is sent and whatever their handlers do."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc
import pytest

from ordermesh.api.event.v1 import (
    DeliverRequest,
    DeliverResponse,
    InboxServiceStub,
    WatchEventsRequest,
)
from ordermesh.client import Mesh
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.errors import (
    Conflict,
    InvalidRequest,
    NotFound,
    Overloaded,
    RuleViolated,
    Unavailable,
)
from ordermesh.runtime.call import Call, current_call
from ordermesh.runtime.server import Server, Servicer
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.shared.echo import (
    DELIVER,
    WATCH,
    Context,
    Feed,
    Inbox,
    echo,
    empty_database,
    forever,
    nothing,
    raising,
    read_all,
    refusal,
    refused,
    request,
    serving_echo,
    settings_of,
)

Act = Callable[[Context], Awaitable[object]]


class Short(RuleViolated):
    reason = "SHORT"


class Unknown(NotFound):
    reason = "UNKNOWN_THING"


class Bad(InvalidRequest):
    reason = "BAD_THING"


class Lost(Conflict):
    reason = "LOST_THING"


@pytest.mark.parametrize(
    ("error", "code", "reason", "metadata", "retry_after"),
    [
        (Unknown("No.", {"sku": "A"}), "NOT_FOUND", "UNKNOWN_THING", {"sku": "A"}, None),
        (Bad("No."), "INVALID_ARGUMENT", "BAD_THING", {}, None),
        (Short("No.", {"w": 2}), "FAILED_PRECONDITION", "SHORT", {"w": "2"}, None),
        (Lost("No."), "ABORTED", "LOST_THING", {}, None),
        (Overloaded("No.", retry_after=1.5), "RESOURCE_EXHAUSTED", "OVERLOADED", {}, 1.5),
        (
            Unavailable("No.", service="inventory", retry_after=0.25),
            "UNAVAILABLE",
            "UNAVAILABLE",
            {"service": "inventory"},
            0.25,
        ),
        (ValueError("secret"), "INTERNAL", "INTERNAL", {}, None),
        (TimeoutError("secret"), "INTERNAL", "INTERNAL", {}, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_what_a_handler_raises_reaches_the_caller_as_its_status(
    error: Exception,
    code: str,
    reason: str,
    metadata: dict[str, str],
    retry_after: float | None,
    tmp_path: Path,
) -> None:
    async with serving_echo(tmp_path, Inbox(raising(error)), Feed(raising(error))) as mesh:
        told = await refusal(mesh.inbox("echo").Deliver(request()))
        streamed = [
            page.revision
            async for page in until_refused(mesh.events("echo").WatchEvents(WatchEventsRequest()))
        ]

    assert (told.code.name, told.reason, told.metadata) == (code, reason, metadata)
    assert told.domain == "echo.ordermesh"
    assert told.retry_after == retry_after
    assert "secret" not in told.sentence
    assert streamed == [1, 2]


async def until_refused(call: Any) -> Any:
    with suppress(grpc.aio.AioRpcError):
        async for page in call:
            yield page


async def test_a_request_that_breaks_rules_is_refused_with_the_paths_of_its_fields(
    tmp_path: Path,
) -> None:
    inbox = Inbox(nothing)
    async with serving_echo(tmp_path, inbox) as mesh:
        bad = request()
        bad.events.add().CopyFrom(bad.events[0])
        bad.events[1].event_id = "no"
        bad.events[1].sequence = 0
        told = await refusal(mesh.inbox("echo").Deliver(bad))

    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_VIOLATION")
    assert set(told.violations) == {"events[1].event_id", "events[1].sequence"}
    assert not inbox.entered.is_set()


async def test_bytes_that_are_no_message_are_refused_as_invalid(tmp_path: Path) -> None:
    async with serving_echo(tmp_path) as mesh:
        raw: Any = mesh.channel("echo").unary_unary(DELIVER)
        told = await refusal(raw(b"\xff\xff\xff", timeout=5))

    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "FIELD_VIOLATION")


async def test_a_request_over_the_limit_is_refused_before_it_is_read(tmp_path: Path) -> None:
    large = request()
    large.events[0].payload = b"x" * (1024 * 1024)
    async with serving_echo(tmp_path) as mesh:
        told = await refusal(mesh.inbox("echo").Deliver(large))

    assert (told.code, told.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "REQUEST_TOO_LARGE")
    assert told.metadata == {"limit": "1048576"}


async def test_a_method_may_be_given_a_larger_limit(tmp_path: Path) -> None:
    large = request()
    large.events[0].payload = b"x" * 200_000
    large.events.extend(large.events[0] for _ in range(9))
    limits = {DELIVER: 3 * 1024 * 1024}
    async with serving_echo(tmp_path, request_bytes=limits) as mesh:
        reply = await mesh.inbox("echo").Deliver(large)

    assert reply.recorded_count == 1


async def test_metadata_over_the_limit_is_refused(tmp_path: Path) -> None:
    async with serving_echo(tmp_path) as mesh:
        told = await refusal(
            mesh.inbox("echo").Deliver(request(), metadata=(("note", "x" * 9_000),))
        )

    assert told.reason == "REQUEST_TOO_LARGE"


async def test_a_handler_knows_its_method_its_caller_and_its_deadline(tmp_path: Path) -> None:
    calls: list[Call] = []

    async def look(_context: Context) -> None:
        calls.append(current_call())

    async with serving_echo(tmp_path, Inbox(look), Feed(look), caller="routing") as mesh:
        await mesh.inbox("echo").Deliver(request(), timeout=20)
        async for _ in mesh.events("echo").WatchEvents(WatchEventsRequest()):
            pass

    unary, stream = calls
    assert unary.method == DELIVER
    assert unary.identity.name == "routing"
    assert unary.identity.roles == {"routing"}
    assert unary.deadline is not None
    left = (unary.deadline - SystemClock().now()).total_seconds()
    # What travels is rounded up by up to a hundredth.
    assert 0 < left <= 20.2
    assert (stream.method, stream.deadline) == (WATCH, None)


@pytest.mark.parametrize(
    ("given", "seconds", "wanted"),
    [(None, {}, 2.0), (None, {DELIVER: 12.0}, 12.0), (100.0, {}, 30.0), (7.0, {DELIVER: 3.0}, 7.0)],
)
async def test_deadlines_are_given_where_there_is_none_and_capped_where_they_are_long(
    given: float | None, seconds: dict[str, float], wanted: float, tmp_path: Path
) -> None:
    found: list[float] = []

    async def look(_context: Context) -> None:
        deadline = current_call().deadline
        assert deadline is not None
        found.append((deadline - SystemClock().now()).total_seconds())

    async with (
        serving_echo(tmp_path, Inbox(look), seconds=seconds) as mesh,
        bare(mesh) as channel,
    ):
        await InboxServiceStub(channel).Deliver(request(), timeout=given)

    assert wanted - 1 < found[0] <= wanted + 0.1


def bare(mesh: Mesh) -> grpc.aio.Channel:
    """A channel to the same service which adds nothing to calls."""
    return grpc.aio.insecure_channel(mesh._targets["echo"])


async def test_a_call_that_takes_longer_than_its_method_may_is_told_so(tmp_path: Path) -> None:
    inbox = Inbox(forever)
    async with (
        serving_echo(tmp_path, inbox, seconds={DELIVER: 0.05}) as mesh,
        bare(mesh) as channel,
    ):
        told = await refusal(InboxServiceStub(channel).Deliver(request()))

    assert told.code is grpc.StatusCode.DEADLINE_EXCEEDED
    assert told.reason == "DEADLINE_EXCEEDED"
    assert inbox.left.is_set()


async def test_a_call_that_took_too_long_is_told_so_by_whichever_clock_rings_first(
    tmp_path: Path, clock: FakeClock
) -> None:
    """Timers and clocks are not one: here no time has passed when the timer rings."""
    async with (
        serving_echo(tmp_path, Inbox(forever), seconds={DELIVER: 0.05}, clock=clock) as mesh,
        bare(mesh) as channel,
    ):
        told = await refusal(InboxServiceStub(channel).Deliver(request()))

    assert told.code is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_a_caller_that_leaves_a_stream_frees_its_handler(tmp_path: Path) -> None:
    feed = Feed()
    async with serving_echo(tmp_path, feed=feed) as mesh:
        call = mesh.events("echo").WatchEvents(WatchEventsRequest())
        await call.read()
        call.cancel()
        await eventually(feed.left.is_set)


async def test_something_cancelled_inside_of_a_handler_is_answered_and_not_left_hanging(
    tmp_path: Path,
) -> None:
    async def stray(_context: Context) -> None:
        raise asyncio.CancelledError

    async with serving_echo(tmp_path, Inbox(stray), Feed(stray)) as mesh:
        told = await refusal(mesh.inbox("echo").Deliver(request(), timeout=20))
        streamed = await refusal(
            read_all(mesh.events("echo").WatchEvents(WatchEventsRequest(), timeout=20))
        )

    assert told.code is grpc.StatusCode.INTERNAL
    assert streamed.code is grpc.StatusCode.INTERNAL


@pytest.mark.parametrize(
    ("reply", "serializer"),
    [("not a message", DeliverResponse.SerializeToString), (b"x" * 5_000_000, bytes)],
    ids=["type", "size"],
)
async def test_a_reply_that_cannot_be_sent_is_our_fault_and_answered(
    reply: Any, serializer: Callable[[Any], bytes], tmp_path: Path
) -> None:
    async def handle(_request: bytes, _context: Context) -> object:
        return reply

    handlers: dict[str, Any] = {
        "Deliver": grpc.unary_unary_rpc_method_handler(handle, response_serializer=serializer)
    }

    def register(_servicer: object, server: grpc.aio.Server) -> None:
        service = DELIVER.split("/")[1]
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, handlers)])

    definition = replace(echo(await empty_database(tmp_path)), servicers=[])
    wrong = Servicer(register, object(), "ordermesh.api.event.v1.InboxService")
    server = Server(replace(definition, servicers=[wrong]), settings_of(), SystemClock())
    try:
        async with Mesh({"echo": f"127.0.0.1:{await server.start()}"}) as mesh:
            told = await refusal(mesh.inbox("echo").Deliver(request()))
    finally:
        await server.stop()

    assert told.code is grpc.StatusCode.INTERNAL


async def test_a_method_that_is_not_served_is_unimplemented(tmp_path: Path) -> None:
    async with serving_echo(tmp_path) as mesh:
        nowhere: Any = mesh.channel("echo").unary_unary("/test.Nowhere/Go")
        error = await refused(nowhere(b""))

    assert error.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_who_has_no_right_is_refused_before_the_request_is_read(tmp_path: Path) -> None:
    async with serving_echo(tmp_path, caller="notify") as mesh:
        told = await refusal(mesh.inbox("echo").Deliver(DeliverRequest()))

    assert (told.code, told.reason) == (grpc.StatusCode.PERMISSION_DENIED, "NOT_PERMITTED")
    assert told.metadata == {"method": DELIVER, "caller": "notify"}
