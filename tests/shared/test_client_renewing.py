"""Channels that are opened anew when their credentials are replaced."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc

from ordermesh.api.event.v1 import EventServiceStub, InboxServiceStub, WatchEventsRequest
from ordermesh.client.renewing import RenewedChannel
from tests.eventually import eventually
from tests.shared.echo import Feed, Inbox, request, serving_echo


class Renewing:
    """A channel whose credentials are replaced at will, and the channels it has opened."""

    def __init__(self, target: str) -> None:
        self.credentials = grpc.local_channel_credentials()
        self.opened: list[grpc.aio.Channel] = []
        self._target = target
        self.channel = RenewedChannel(lambda: self.credentials, self._open)

    def replace(self) -> None:
        self.credentials = grpc.local_channel_credentials()

    def is_closed(self, number: int) -> bool:
        return self.opened[number].get_state() is grpc.ChannelConnectivity.SHUTDOWN

    def _open(self, _credentials: grpc.ChannelCredentials) -> grpc.aio.Channel:
        self.opened.append(grpc.aio.insecure_channel(self._target))
        return self.opened[-1]


@asynccontextmanager
async def renewing(
    directory: Path, inbox: Inbox | None = None, feed: Feed | None = None
) -> AsyncIterator[Renewing]:
    async with serving_echo(directory, inbox=inbox, feed=feed) as mesh:
        found = Renewing(mesh.targets["echo"])
        async with found.channel:
            yield found


async def test_calls_go_over_one_channel_until_the_credentials_are_replaced(
    tmp_path: Path,
) -> None:
    async with renewing(tmp_path) as found:
        stub = InboxServiceStub(found.channel)
        await stub.Deliver(request())
        await stub.Deliver(request())
        assert len(found.opened) == 1

        found.replace()
        await stub.Deliver(request())

        assert len(found.opened) == 2
        await eventually(lambda: found.is_closed(0))
        await stub.Deliver(request())
        assert len(found.opened) == 2


async def test_a_stream_goes_on_where_it_began_and_its_channel_closes_after_it(
    tmp_path: Path,
) -> None:
    async with renewing(tmp_path) as found:
        stream = EventServiceStub(found.channel).WatchEvents(WatchEventsRequest())
        pages = aiter(stream)
        await anext(pages)

        found.replace()
        await InboxServiceStub(found.channel).Deliver(request())

        assert [(await anext(pages)).revision for _ in range(3)] == [2, 3, 4]
        assert not found.is_closed(0)
        stream.cancel()
        await eventually(lambda: found.is_closed(0))


async def test_a_call_that_was_begun_before_is_answered(tmp_path: Path) -> None:
    go = asyncio.Event()
    inbox = Inbox(lambda _context: go.wait())
    async with renewing(tmp_path, inbox=inbox) as found:
        stub = InboxServiceStub(found.channel)
        first = stub.Deliver(request())
        await inbox.entered.wait()

        found.replace()
        second = stub.Deliver(request())
        go.set()

        assert (await first).recorded_count == (await second).recorded_count == 1
        await eventually(lambda: found.is_closed(0))


async def test_who_closes_the_channel_ends_the_calls_on_those_it_replaced(tmp_path: Path) -> None:
    feed = Feed()
    async with renewing(tmp_path, feed=feed) as found:
        stream = EventServiceStub(found.channel).WatchEvents(WatchEventsRequest())
        await stream.read()
        found.replace()
        await InboxServiceStub(found.channel).Deliver(request())

        await found.channel.close()

        assert found.is_closed(0)
        assert found.is_closed(1)
        await eventually(feed.left.is_set)
