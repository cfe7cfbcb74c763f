"""One server of the mesh, from its start to its graceful end, and a service's whole main."""

import asyncio
import gc
import signal
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, NoReturn, TypeVar

import grpc
import structlog
from google.protobuf.internal import api_implementation
from grpc_channelz.v1 import channelz  # type: ignore[import-untyped]  # it ships no types
from grpc_health.v1 import (  # type: ignore[import-untyped]  # it ships no types
    health,
    health_pb2,
    health_pb2_grpc,
)
from grpc_reflection.v1alpha import reflection  # type: ignore[import-untyped]  # it ships no types

from ordermesh.kernel.clock import Clock, SystemClock
from ordermesh.runtime import failpoints
from ordermesh.runtime.auth import (
    ANYONE,
    OPERATOR,
    Authenticator,
    LoopbackAuthenticator,
    PeerCertificateAuthenticator,
    Rules,
)
from ordermesh.runtime.background import Background, Keeper
from ordermesh.runtime.contract import methods_of, require_rules
from ordermesh.runtime.database import Database
from ordermesh.runtime.deadlines import Deadlines
from ordermesh.runtime.export import Telemetry, start_telemetry, trace_statements
from ordermesh.runtime.interceptors import Admission, CallInterceptor
from ordermesh.runtime.limits import TRANSPORT_REQUEST_BYTES, Limits
from ordermesh.runtime.logs import start_logs
from ordermesh.runtime.migrate import migrate
from ordermesh.runtime.settings import ServerSettings, read_settings
from ordermesh.runtime.telemetry import ServerTelemetry
from ordermesh.runtime.tls import server_credentials
from ordermesh.runtime.validation import warm

HEALTH = "grpc.health.v1.Health"
REFLECTION = "grpc.reflection.v1alpha.ServerReflection"
CHANNELZ = "grpc.channelz.v1.Channelz"

CLOSING_SECONDS = 1.0
"""What the transport gets to say goodbye after the last call has ended."""

GARBAGE_OBJECTS = 50_000
"""After so many new objects those that are in cycles are looked for."""

BACKGROUND_SECONDS = 10.0
"""How long the background may take to finish what it has begun: as long as a lease of work."""

S = TypeVar("S", bound=ServerSettings)

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True)
class Servicer:
    """A service of the contract and who implements it.

    ``register`` is the generated ``add_...Servicer_to_server``; ``service_name`` is full:
    ``ordermesh.api.inventory.v1.ReservationService``.
    """

    register: Callable[[Any, grpc.aio.Server], None]
    implementation: object
    service_name: str


@dataclass(frozen=True)
class ServiceDefinition:
    """What a service consists of.

    ``rules`` has the roles that may call each method, by its full name. ``seconds`` has the
    deadline of methods that need more than the usual two seconds when their caller gives none,
    ``request_bytes`` the size of requests that may be larger than one MiB.
    """

    name: str
    servicers: Sequence[Servicer]
    background: Sequence[Background]
    rules: Mapping[str, frozenset[str]]
    database: Database
    seconds: Mapping[str, float] = field(default_factory=dict)
    request_bytes: Mapping[str, int] = field(default_factory=dict)


class Server:
    """Serves a definition. ``start`` it once, ``stop`` it once."""

    def __init__(
        self,
        definition: ServiceDefinition,
        settings: ServerSettings,
        clock: Clock,
        *,
        transport: Callable[..., grpc.aio.Server] = grpc.aio.server,
    ) -> None:
        """Raises ``MissingRules`` and ``UnknownService`` for the definition, ``InsecureServer``.

        Nothing listens before ``start``. ``transport`` makes what listens.
        """
        self._definition = definition
        self._settings = settings
        self._clock = clock
        self._is_development = settings.environment == "development"
        self._served = tuple(definition.servicers) if "serve" in settings.roles else ()
        self._background = tuple(definition.background) if "work" in settings.roles else ()
        self._health = health.aio.HealthServicer()
        self._tasks: list[asyncio.Task[None]] = []
        self._is_stopping = False
        rules = {**definition.rules, **self._own_rules()}
        own = (HEALTH, *((REFLECTION, CHANNELZ) if self._is_development else ()))
        require_rules((*(one.service_name for one in definition.servicers), *own), rules)
        self._gate = CallInterceptor(
            Admission(
                service=definition.name,
                authenticator=_authenticator(settings),
                rules=Rules(rules),
                clock=clock,
                limits=Limits(methods=definition.request_bytes),
                deadlines=Deadlines(methods=definition.seconds),
            )
        )
        self._make = transport
        self._server = self._transport()
        self._probes = transport(options=[("grpc.so_reuseport", 0)])
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._probes)

    async def start(self) -> int:
        """Listen, serve, work; gives the port once health says so.

        Raises ``OSError`` when the address is taken or a certificate cannot be read.
        """
        if api_implementation.Type() == "python":
            raise RuntimeError("protobuf runs without its C implementation: it is far too slow.")
        for servicer in self._served:
            warm(method.request_type for method in methods_of(servicer.service_name))
        await self._tell_health(health_pb2.HealthCheckResponse.NOT_SERVING)
        port = self._listen()
        await self._server.start()
        if self._settings.health_port is not None:
            _add_port(self._probes, self._settings.host, self._settings.health_port)
            await self._probes.start()
        self._tasks = [Keeper(one, self._clock).start() for one in self._background]
        await self._tell_health(health_pb2.HealthCheckResponse.SERVING)
        return port

    async def stop(self) -> None:
        """End in good order, and close the database.

        Health says no, streams end, calls under way get their grace and are cut off after it, the
        background finishes what it has begun. Whoever is cut off is told that others serve.
        """
        self._is_stopping = True
        await self._health.enter_graceful_shutdown()
        seconds = self._settings.grace_seconds
        closing = asyncio.create_task(self._server.stop(seconds + CLOSING_SECONDS))
        self._gate.cut_off_streams()
        await self._gate.finish(seconds)
        await closing
        await self._stop_background()
        await self._probes.stop(None)
        await self._definition.database.close()

    def _own_rules(self) -> dict[str, frozenset[str]]:
        """Of the services that the runtime itself serves. Who probes health has no certificate."""
        rules = {method.name: frozenset({ANYONE}) for method in methods_of(HEALTH)}
        if self._is_development:
            for service in (REFLECTION, CHANNELZ):
                rules.update({one.name: frozenset({OPERATOR}) for one in methods_of(service)})
        return rules

    def _transport(self) -> grpc.aio.Server:
        # A client pings every 30 s; the transport would take that for an attack. Connections end
        # after a while, so that new replicas get their share: the transport adds jitter by itself.
        options: list[tuple[str, int]] = [
            ("grpc.so_reuseport", 0),
            ("grpc.max_receive_message_length", TRANSPORT_REQUEST_BYTES),
            ("grpc.max_send_message_length", Limits.reply_bytes),
            ("grpc.max_metadata_size", 2 * Limits.metadata_bytes),
            ("grpc.absolute_max_metadata_size", 2 * Limits.metadata_bytes),
            ("grpc.max_concurrent_streams", 100),
            ("grpc.keepalive_permit_without_calls", 1),
            ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
        ]
        if not self._is_development:
            options += [
                ("grpc.max_connection_age_ms", 300_000),
                ("grpc.max_connection_age_grace_ms", 35_000),
            ]
        server = self._make(interceptors=[ServerTelemetry(), self._gate], options=options)
        for servicer in self._served:
            servicer.register(servicer.implementation, server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        if self._is_development:
            names = [one.service_name for one in self._served]
            reflection.enable_server_reflection([*names, HEALTH, REFLECTION, CHANNELZ], server)
            channelz.add_channelz_servicer(server)
        return server

    def _listen(self) -> int:
        credentials = None
        if self._settings.has_certificates:
            credentials = server_credentials(self._settings)
        return _add_port(self._server, self._settings.host, self._settings.port, credentials)

    async def _tell_health(self, state: int) -> None:
        for name in ("", *(one.service_name for one in self._served)):
            await self._health.set(name, state)

    async def _stop_background(self) -> None:
        stops = asyncio.gather(*(one.stop() for one in self._background), return_exceptions=True)
        with suppress(TimeoutError):
            await asyncio.wait_for(stops, BACKGROUND_SECONDS)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _authenticator(settings: ServerSettings) -> Authenticator:
    if settings.trust_domain is not None:
        return PeerCertificateAuthenticator(settings.trust_domain, settings.location_callers)
    authenticator = LoopbackAuthenticator(environment=settings.environment, host=settings.host)
    _log.warning(
        "callers are believed without proof: this is for development on one machine only",
        host=settings.host,
    )
    return authenticator


def _add_port(
    server: grpc.aio.Server,
    host: str,
    port: int,
    credentials: grpc.ServerCredentials | None = None,
) -> int:
    bracketed = f"[{host}]" if ":" in host and not host.startswith("[") else host
    address = f"{bracketed}:{port}"
    try:
        if credentials is None:
            return server.add_insecure_port(address)
        return server.add_secure_port(address, credentials)
    except RuntimeError as error:
        raise OSError(f"Nobody can listen on {address}: it is taken or not ours.") from error


def main(
    name: str,
    settings_type: type[S],
    build: Callable[[S], Awaitable[ServiceDefinition]],
    *,
    migrations: str | None = None,
) -> NoReturn:
    """The whole of a service's ``__main__``: serve until SIGTERM or SIGINT, then exit.

    ``build`` opens the database and puts the service together. Before it is called, the database is
    brought to the newest schema by the chain at ``migrations``, which is the service's own unless
    given. One line goes to standard output, when health says that the service serves:
    ``ordermesh <name> listening on <host>:<port>``. Exits with 0 after a graceful end, with 1 when
    the service cannot start, with 2 when its settings are wrong.
    """
    settings = read_settings(settings_type)
    start_logs(name, environment=settings.environment, level=settings.log_level)
    failpoints.arm(settings.failpoints)
    telemetry = start_telemetry(
        name, settings.otlp_endpoint, exports_metrics=settings.exports_metrics
    )
    chain = migrations or f"ordermesh.{name}:migrations"
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        code = runner.run(_serve(settings, build, chain, telemetry))
    raise SystemExit(code)


async def _serve(
    settings: S,
    build: Callable[[S], Awaitable[ServiceDefinition]],
    migrations: str,
    telemetry: Telemetry,
) -> int:
    told_to_stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_stop.set)
    try:
        if settings.migrate:
            await migrate(
                settings.database_url,
                script_location=migrations,
                schema=settings.database_schema,
            )
        definition = await build(settings)
        if settings.trace_sql:
            trace_statements(definition.database.engines())
        server = Server(definition, settings, SystemClock())
        port = await server.start()
        spare_garbage_collection()
    except Exception as error:  # noqa: BLE001 - whatever it is, the operator must read it
        _log.critical("the service cannot start", why=str(error), exc_info=error)
        return 1
    sys.stdout.write(f"ordermesh {definition.name} listening on {settings.host}:{port}\n")
    sys.stdout.flush()
    await told_to_stop.wait()
    _log.info("stopping")
    await server.stop()
    await asyncio.to_thread(telemetry.shutdown)
    return 0


def spare_garbage_collection() -> None:
    """Let the collector of cycles look at what is new alone, and seldom.

    What a server is made of stays until it ends, and requests leave no cycles of any size: looking
    at all of it after every 700 new objects costs a tenth of a busy server's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GARBAGE_OBJECTS, *gc.get_threshold()[1:])


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """The fastest event loop that this system has; None: Python's own."""
    try:
        import uvloop
    except ImportError:  # there is none for some systems
        return None
    return uvloop.new_event_loop
