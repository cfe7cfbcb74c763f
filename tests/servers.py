"""Real servers inside of the process of a test, on free ports of loopback."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from ordermesh.client.mesh import Mesh
from ordermesh.kernel.clock import Clock, SystemClock
from ordermesh.runtime.server import Server, ServiceDefinition
from ordermesh.runtime.settings import ServerSettings


@dataclass(frozen=True)
class Served:
    """A service that listens: where it and its peers are, and a mesh that knows them."""

    targets: Mapping[str, str]
    mesh: Mesh

    def as_caller(self, name: str) -> Mesh:
        """Another mesh, for a caller of this name; closed by whoever asked for it."""
        return Mesh(self.targets, caller=name)


@asynccontextmanager
async def serving(
    definition: ServiceDefinition,
    *,
    caller: str = "",
    clock: Clock | None = None,
    peers: Mapping[str, str] | None = None,
    port: int = 0,
) -> AsyncIterator[Served]:
    """Serve a definition on a free port; ``peers`` are addresses of others that the mesh knows.

    A ``port`` is named only by a server that comes back to where it was.

    The definition's database is closed at the end.
    """
    # The database was opened by whoever made the definition: the address here is not used.
    settings = ServerSettings(
        port=port, database_url="sqlite+aiosqlite:///unused.db", grace_seconds=1.0
    )
    server = Server(definition, settings, clock or SystemClock())
    bound = await server.start()
    targets = {**(peers or {}), definition.name: f"127.0.0.1:{bound}"}
    try:
        async with Mesh(targets, caller=caller) as mesh:
            yield Served(targets, mesh)
    finally:
        await server.stop()
