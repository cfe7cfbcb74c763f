"""Certificates that are replaced while the server runs."""

import shutil
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from ordermesh.api.event.v1 import DeliverResponse
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.peers import peer_mesh
from ordermesh.runtime.server import Server
from ordermesh.runtime.settings import ServerSettings
from tests.shared.certificates import Certificates, production
from tests.shared.echo import echo, empty_database, request

FILES = ("tls_private_key", "tls_certificate", "tls_authorities")


async def test_a_certificate_that_is_replaced_is_used_without_a_restart(
    certificates: Certificates, tmp_path: Path
) -> None:
    settings = production(certificates, "echo")
    renewed = Certificates(tmp_path / "other")
    server = Server(echo(await empty_database(tmp_path)), settings, SystemClock())
    target = f"localhost:{await server.start()}"
    try:
        replace(settings, production(renewed, "echo"))
        own = production(renewed, "routing").model_copy(update={"peers": {"echo": target}})
        async with peer_mesh("routing", own, SystemClock()) as mesh:
            reply = await mesh.inbox("echo").Deliver(request())
    finally:
        await server.stop()

    assert reply.recorded_count == 1


async def test_a_certificate_that_is_replaced_is_shown_to_peers_without_a_restart(
    certificates: Certificates, tmp_path: Path
) -> None:
    settings, own = production(certificates, "echo"), production(certificates, "routing")
    renewed = Certificates(tmp_path / "other")
    async with calling_a_peer_that_is_started_anew(tmp_path, settings, own) as (call, start_anew):
        await call()
        replace(settings, production(renewed, "echo"))
        replace(own, production(renewed, "routing"))
        await start_anew()

        reply = await call()

    assert reply.recorded_count == 1


async def test_a_key_without_its_certificate_leaves_both_sides_what_they_had(
    certificates: Certificates, tmp_path: Path
) -> None:
    settings, own = production(certificates, "echo"), production(certificates, "routing")
    renewed = Certificates(tmp_path / "other")
    async with calling_a_peer_that_is_started_anew(tmp_path, settings, own) as (call, _):
        for name, before in (("echo", settings), ("routing", own)):
            replace(before, production(renewed, name), "tls_private_key")

        reply = await call()

    assert reply.recorded_count == 1


@pytest.mark.parametrize("name", FILES)
async def test_a_file_that_is_just_being_written_leaves_both_sides_what_they_had(
    certificates: Certificates, tmp_path: Path, name: str
) -> None:
    settings, own = production(certificates, "echo"), production(certificates, "routing")
    async with calling_a_peer_that_is_started_anew(tmp_path, settings, own) as (call, _):
        for before in (settings, own):
            getattr(before, name).write_bytes(b"")

        reply = await call()

    assert reply.recorded_count == 1


def replace(before: ServerSettings, fresh: ServerSettings, *names: str) -> None:
    """Put other files where the server has its own."""
    for name in names or FILES:
        shutil.copyfile(getattr(fresh, name), getattr(before, name))


@asynccontextmanager
async def calling_a_peer_that_is_started_anew(
    directory: Path, settings: ServerSettings, own: ServerSettings
) -> AsyncIterator[tuple[Callable[[], Awaitable[DeliverResponse]], Callable[[], Awaitable[None]]]]:
    """A call by the one mesh of ``own``, and what ends its connection: a server in its place."""
    database = await empty_database(directory)
    servers = [Server(echo(database), settings, SystemClock())]
    port = await servers[0].start()

    async def start_anew() -> None:
        await servers[-1].stop()
        again = settings.model_copy(update={"port": port})
        servers.append(Server(echo(database), again, SystemClock()))
        await servers[-1].start()

    peers = {"peers": {"echo": f"localhost:{port}"}}
    try:
        async with peer_mesh("routing", own.model_copy(update=peers), SystemClock()) as mesh:
            inbox = mesh.inbox("echo")
            yield lambda: inbox.Deliver(request(), timeout=5), start_anew
    finally:
        await servers[-1].stop()
