"""A service of the tests: it does what the event in the request tells it to do."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from ordermesh.api.event.v1 import (
    DeliverRequest,
    DeliverResponse,
    EventEnvelope,
    EventServiceServicer,
    InboxServiceServicer,
    WatchEventsRequest,
    WatchEventsResponse,
    add_EventServiceServicer_to_server,
    add_InboxServiceServicer_to_server,
)
from ordermesh.client import Mesh, Refusal, refusal_of
from ordermesh.kernel.clock import Clock, SystemClock
from ordermesh.runtime.background import Background
from ordermesh.runtime.database import Database
from ordermesh.runtime.server import Server, ServiceDefinition, Servicer
from ordermesh.runtime.settings import ServerSettings

DELIVER = "/ordermesh.api.event.v1.InboxService/Deliver"
WATCH = "/ordermesh.api.event.v1.EventService/WatchEvents"
RULES: Mapping[str, frozenset[str]] = {
    DELIVER: frozenset({"routing", "operator"}),
    WATCH: frozenset({"routing", "edge", "operator"}),
}

Context = grpc.aio.ServicerContext[Any, Any]


class Inbox(InboxServiceServicer):
    """``Deliver`` does what it is told to do."""

    def __init__(self, act: Callable[[Context], Awaitable[object]]) -> None:
        self.act = act
        self.entered = asyncio.Event()
        self.left = asyncio.Event()

    async def Deliver(  # noqa: N802 - named by the contract
        self, request: DeliverRequest, context: Any
    ) -> DeliverResponse:
        self.entered.set()
        try:
            found = await self.act(context)
        finally:
            self.left.set()
        return found if isinstance(found, DeliverResponse) else DeliverResponse(recorded_count=1)


class Feed(EventServiceServicer):
    """``WatchEvents`` counts for ever, or does what it is told to do at 3."""

    def __init__(self, act: Callable[[Context], Awaitable[object]] | None = None) -> None:
        self.act = act
        self.left = asyncio.Event()

    async def WatchEvents(  # noqa: N802 - named by the contract
        self, request: WatchEventsRequest, context: Any
    ) -> AsyncIterator[WatchEventsResponse]:
        number = 0
        try:
            while True:
                number += 1
                if number == 3 and self.act is not None:
                    await self.act(context)
                    return
                yield WatchEventsResponse(revision=number)
                await asyncio.sleep(0.001)
        finally:
            self.left.set()


async def nothing(_context: Context) -> None:
    """Succeed."""


async def forever(_context: Context) -> None:
    """Wait until cancelled."""
    await asyncio.Event().wait()


def raising(error: BaseException) -> Callable[[Context], Awaitable[object]]:
    """Raise this."""

    async def act(_context: Context) -> None:
        raise error

    return act


def request(event_id: str = "0192e4a0-7b7c-7000-8000-000000000001") -> DeliverRequest:
    """A request that breaks no rule."""
    event = EventEnvelope(
        event_id=event_id,
        type="ordermesh.test.happened.v1",
        source="test",
        aggregate_type="test",
        aggregate_id="1",
        sequence=1,
        payload_type="test.Nothing",
    )
    event.event_time.FromSeconds(1_700_000_000)
    return DeliverRequest(events=[event])


def echo(
    database: Database,
    inbox: Inbox | None = None,
    feed: EventServiceServicer | None = None,
    *,
    rules: Mapping[str, frozenset[str]] = RULES,
    background: tuple[Background, ...] = (),
    **more: Any,
) -> ServiceDefinition:
    """The service ``echo``."""
    return ServiceDefinition(
        name="echo",
        servicers=[
            Servicer(
                add_InboxServiceServicer_to_server,
                inbox or Inbox(nothing),
                "ordermesh.api.event.v1.InboxService",
            ),
            Servicer(
                add_EventServiceServicer_to_server,
                feed or Feed(),
                "ordermesh.api.event.v1.EventService",
            ),
        ],
        background=background,
        rules=rules,
        database=database,
        **more,
    )


def settings_of(**changes: object) -> ServerSettings:
    """Development on loopback and a free port."""
    given: dict[str, object] = {"database_url": "sqlite+aiosqlite:///unused", "grace_seconds": 5.0}
    return ServerSettings.model_validate({**given, **changes})


async def empty_database(directory: Path) -> Database:
    """A database without tables: ``echo`` stores nothing."""
    return await Database.open(f"sqlite+aiosqlite:///{directory}/echo.db", clock=SystemClock())


@asynccontextmanager
async def serving_echo(
    directory: Path,
    inbox: Inbox | None = None,
    feed: EventServiceServicer | None = None,
    *,
    caller: str = "",
    settings: ServerSettings | None = None,
    clock: Clock | None = None,
    **more: Any,
) -> AsyncIterator[Mesh]:
    """A mesh of which ``echo`` is the only service; ``more`` goes into its definition."""
    definition = echo(await empty_database(directory), inbox, feed, **more)
    server = Server(definition, settings or settings_of(), clock or SystemClock())
    target = f"127.0.0.1:{await server.start()}"
    try:
        async with Mesh({"echo": target}, caller=caller) as mesh:
            yield mesh
    finally:
        await server.stop()


async def refused(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    """The error with which the call fails."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def refusal(call: Awaitable[object]) -> Refusal:
    """The refusal with which the call fails."""
    found = refusal_of(await refused(call))
    assert found is not None
    return found


async def read_all(call: Any) -> None:
    """Follow a stream to its end."""
    async for _ in call:
        pass
