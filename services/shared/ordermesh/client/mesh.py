"""The mesh as a caller sees it: one object with a typed stub for each service."""

import json
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Generic, Self, TypeVar, overload

import grpc

from ordermesh.api.event.v1 import EventServiceStub, InboxServiceStub
from ordermesh.api.inventory.v1 import (
    AvailabilityServiceStub,
    ControlServiceStub,
    CountServiceStub,
    FeedServiceStub,
    ItemServiceStub,
    LedgerServiceStub,
    LocationServiceStub,
    ReservationServiceStub,
    SupplyServiceStub,
)
from ordermesh.api.notify.v1 import (
    NotificationServiceStub,
    PreferenceServiceStub,
    TimelineServiceStub,
)
from ordermesh.api.returns.v1 import DispositionServiceStub, ReturnServiceStub
from ordermesh.api.routing.v1 import (
    CapacityServiceStub,
    CarriageServiceStub,
    FulfillmentServiceStub,
    NetworkServiceStub,
    OrderServiceStub,
    PolicyServiceStub,
    PriceServiceStub,
    PromiseServiceStub,
    SourcingServiceStub,
)
from ordermesh.client.interceptors import Defaults, interceptors_of
from ordermesh.client.renewing import RenewedChannel
from ordermesh.client.streams import MeshChannel

if TYPE_CHECKING:  # these exist for type checkers alone
    from ordermesh.api.event.v1.event_service_pb2_grpc import EventServiceAsyncStub
    from ordermesh.api.event.v1.inbox_service_pb2_grpc import InboxServiceAsyncStub

TIMEOUT_SECONDS = 10.0
"""The deadline of unary calls that are given none."""

MESSAGE_BYTES_MAX = 4 * 1024 * 1024
"""How large a reply may be; requests may have a quarter of it, and the services refuse larger."""

METADATA_BYTES_MAX = 16 * 1024
"""What may come with a reply: a refusal with many rows of facts must never be lost."""

_SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "1s",
                    "backoffMultiplier": 4.0,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
        "retryThrottling": {"maxTokens": 100, "tokenRatio": 0.1},
    }
)
_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.service_config", _SERVICE_CONFIG),
    ("grpc.enable_retries", 1),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_send_message_length", MESSAGE_BYTES_MAX),
    ("grpc.max_metadata_size", METADATA_BYTES_MAX),
    ("grpc.absolute_max_metadata_size", METADATA_BYTES_MAX),
    # A service that was restarted is found again soon.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
)

Stub = TypeVar("Stub")


class _Served(Generic[Stub]):
    """A stub as an attribute of the mesh, made when it is first asked for."""

    def __init__(self, service: str, make: Callable[[grpc.aio.Channel], Stub]) -> None:
        self._service = service
        self._make = make
        self._name = ""

    def __set_name__(self, owner: type["Mesh"], name: str) -> None:
        self._name = name

    @overload
    def __get__(self, mesh: None, owner: type["Mesh"]) -> Self: ...
    @overload
    def __get__(self, mesh: "Mesh", owner: type["Mesh"]) -> Stub: ...
    def __get__(self, mesh: "Mesh | None", owner: type["Mesh"]) -> Self | Stub:
        if mesh is None:
            return self
        stub = self._make(mesh.channel(self._service))
        mesh.__dict__[self._name] = stub  # found before this descriptor from now on
        return stub


class Mesh:
    """Channels and stubs for the services of one mesh::

        async with Mesh({"routing": "127.0.0.1:7102"}, caller="webshop") as mesh:
            reply = await mesh.orders.GetOrder(GetOrderRequest(order_id="1001"))

    ``targets`` are addresses by service; ``dns:///routing:7102`` where several replicas serve, over
    which calls are spread. ``caller`` is the name under which a mesh for development knows us;
    elsewhere the certificate of ``credentials`` names us. Where certificates are replaced while the
    mesh is open, ``credentials`` is a function that gives the present ones: others than before, and
    calls that begin go over connections that are made with them.

    Unary calls without a timeout get ``timeout`` seconds, and never more than ``seconds_left``
    says. Calls that find no server (``UNAVAILABLE``) are tried up to three times, at growing
    intervals from 50 ms to 1 s; nothing else is ever sent again. Retrying by hand is safe with the
    same ``request_id``. A stream whose loop is left, or that is dropped, is cancelled. ``connect``
    opens the channels that need no credentials: tests hand in channels that have no network.
    """

    items = _Served("inventory", ItemServiceStub)
    locations = _Served("inventory", LocationServiceStub)
    ledger = _Served("inventory", LedgerServiceStub)
    reservations = _Served("inventory", ReservationServiceStub)
    availability = _Served("inventory", AvailabilityServiceStub)
    feeds = _Served("inventory", FeedServiceStub)
    controls = _Served("inventory", ControlServiceStub)
    supplies = _Served("inventory", SupplyServiceStub)
    counts = _Served("inventory", CountServiceStub)
    network = _Served("routing", NetworkServiceStub)
    capacity = _Served("routing", CapacityServiceStub)
    prices = _Served("routing", PriceServiceStub)
    promises = _Served("routing", PromiseServiceStub)
    policies = _Served("routing", PolicyServiceStub)
    carriage = _Served("routing", CarriageServiceStub)
    sourcing = _Served("routing", SourcingServiceStub)
    orders = _Served("routing", OrderServiceStub)
    fulfillments = _Served("routing", FulfillmentServiceStub)
    returns = _Served("returns", ReturnServiceStub)
    dispositions = _Served("returns", DispositionServiceStub)
    timeline = _Served("notify", TimelineServiceStub)
    notifications = _Served("notify", NotificationServiceStub)
    preferences = _Served("notify", PreferenceServiceStub)

    def __init__(
        self,
        targets: Mapping[str, str],
        *,
        caller: str = "",
        interceptors: Sequence[grpc.aio.ClientInterceptor] = (),
        timeout: float = TIMEOUT_SECONDS,
        credentials: grpc.ChannelCredentials | Callable[[], grpc.ChannelCredentials] | None = None,
        seconds_left: Callable[[], float | None] = lambda: None,
        connect: Callable[..., grpc.aio.Channel] = grpc.aio.insecure_channel,
    ) -> None:
        self._targets = dict(targets)
        self._caller = caller
        self._interceptors = tuple(interceptors)
        self._timeout = timeout
        self._credentials = credentials
        self._seconds_left = seconds_left
        self._connect = connect
        self._channels: dict[str, grpc.aio.Channel] = {}

    @property
    def targets(self) -> Mapping[str, str]:
        """The addresses by service."""
        return dict(self._targets)

    def channel(self, service: str) -> grpc.aio.Channel:
        """The channel to a service; raises ``LookupError`` when its address is not known."""
        if service not in self._channels:
            if service not in self._targets:
                raise LookupError(f"The address of {service} is not known.")
            self._channels[service] = self._open(self._targets[service])
        return self._channels[service]

    def events(self, service: str) -> "EventServiceAsyncStub":
        """The feed of a service's events."""
        return EventServiceStub(self.channel(service))

    def inbox(self, service: str) -> "InboxServiceAsyncStub":
        """The door through which services tell each other what happened."""
        return InboxServiceStub(self.channel(service))

    async def close(self) -> None:
        """End all calls and close all channels."""
        for name, channel in tuple(self._channels.items()):
            del self._channels[name]
            await channel.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    def _open(self, target: str) -> grpc.aio.Channel:
        defaults = Defaults(target, self._caller, self._timeout, self._seconds_left)
        interceptors = (*self._interceptors, *interceptors_of(defaults))
        credentials = self._credentials
        if credentials is None:
            return MeshChannel(self._connect(target, options=_OPTIONS, interceptors=interceptors))

        def secure(proof: grpc.ChannelCredentials) -> grpc.aio.Channel:
            return grpc.aio.secure_channel(
                target, proof, options=_OPTIONS, interceptors=interceptors
            )

        if isinstance(credentials, grpc.ChannelCredentials):
            return MeshChannel(secure(credentials))
        return RenewedChannel(credentials, secure)
