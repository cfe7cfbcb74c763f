"""`ordermesh events`: what the services tell, merged as it comes, for people or as CloudEvents."""

import asyncio
import importlib
import sys
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC

import grpc
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import DecodeError, Message
from rich.console import Console
from rich.text import Text

from ordermesh.api.event.v1 import EventEnvelope, WatchEventsRequest
from ordermesh.cli.calls import open_mesh
from ordermesh.client import Mesh, PositionCompacted, cloud_event, follow


@dataclass(frozen=True)
class Wanted:
    """Which events are shown; ``position`` is where each service begins, None at its oldest."""

    services: Collection[str]
    types: Collection[str] = ()
    order_id: str = ""
    position: int | None = None
    follow: bool = False
    as_json: bool = False


async def show_events(targets: Mapping[str, str], wanted: Wanted, console: Console) -> None:
    """Print events until all that there was is shown; for ever when they are followed.

    Raises ``PositionCompacted`` when the wanted position is not kept, and ``AioRpcError``.
    """
    try:
        async with open_mesh(targets) as mesh, asyncio.TaskGroup() as group:
            for service in wanted.services:
                group.create_task(_show(mesh, service, wanted, console))
    except ExceptionGroup as group_of_failures:
        # One of them is enough to say.
        raise group_of_failures.exceptions[0] from None


async def _show(mesh: Mesh, service: str, wanted: Wanted, console: Console) -> None:
    end = None if wanted.follow else await _newest(mesh, service)
    position = wanted.position or 0
    while True:
        try:
            await _print_from(mesh, service, position, end, wanted, console)
            return
        except PositionCompacted as gone:
            if wanted.position is not None:
                raise
            # What is kept begins later: that is where everybody begins who names no place.
            position = gone.oldest_revision - 1


async def _print_from(
    mesh: Mesh, service: str, position: int, end: int | None, wanted: Wanted, console: Console
) -> None:
    if end is not None and position >= end:
        return
    batches = follow(mesh, service, position, types=wanted.types, order_id=wanted.order_id)
    async for batch in batches:
        for event in batch.events:
            _print(event, console, as_json=wanted.as_json)
        if end is not None and batch.position >= end:
            return


async def _newest(mesh: Mesh, service: str) -> int:
    """How far the feed of a service has come."""
    try:
        async for page in mesh.events(service).WatchEvents(WatchEventsRequest()):
            return page.revision
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.UNIMPLEMENTED:
            raise ValueError(f"{service} tells no events.") from None
        raise
    return 0


def _print(event: EventEnvelope, console: Console, *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(structured(event).decode() + "\n")
        sys.stdout.flush()
        return
    moment = event.event_time.ToDatetime(tzinfo=UTC)
    about = f"{event.aggregate_type} {event.aggregate_id}"
    order = f"  order {event.order_id}" if event.order_id not in ("", event.aggregate_id) else ""
    console.print(
        Text.assemble(
            (f"{moment:%H:%M:%S.%f}"[:-3], "dim"),
            f"  {event.source:<9}  ",
            (event.type.removeprefix("ordermesh."), "bold"),
            f"  {about}{order}",
        ),
        soft_wrap=True,
    )


def structured(event: EventEnvelope) -> bytes:
    """The event as a CloudEvent in JSON; its data is JSON, too, where its type is known."""
    attributes: dict[str, object] = {
        **cloud_event(event),
        "time": event.event_time.ToDatetime(tzinfo=UTC),
    }
    payload = _payload(event)
    data: dict[str, object] | bytes = event.payload
    if payload is not None:
        attributes["datacontenttype"] = "application/json"
        data = MessageToDict(payload, preserving_proto_field_name=True)
    written: bytes = JSONFormat().write(CloudEvent(attributes, data))
    return written


def _payload(event: EventEnvelope) -> Message | None:
    """The payload as its message; None when this version does not know it."""
    package, _, name = event.payload_type.rpartition(".")
    if not package.startswith("ordermesh.api."):
        return None
    try:
        kind = getattr(importlib.import_module(package), name)
        message: Message = kind.FromString(event.payload)
    except (ImportError, AttributeError, DecodeError):
        return None
    return message
