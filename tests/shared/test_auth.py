"""Who calls, and what they may: on loopback, and with certificates."""

import itertools
from collections.abc import Awaitable, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest

from ordermesh.client import Mesh, refusal_of
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.auth import (
    ANYONE,
    InsecureServer,
    LoopbackAuthenticator,
    NotAuthenticated,
    NotPermitted,
    Peer,
    PeerCertificateAuthenticator,
    Rules,
    is_loopback,
)
from ordermesh.runtime.call import Identity, current_call
from ordermesh.runtime.contract import methods_of, require_rules
from ordermesh.runtime.peers import peer_mesh
from ordermesh.runtime.server import CHANNELZ, REFLECTION, Server
from tests.shared.certificates import Certificates, production
from tests.shared.echo import DELIVER, Context, Inbox, echo, empty_database, request


def loopback() -> LoopbackAuthenticator:
    return LoopbackAuthenticator(environment="development", host="127.0.0.1")


def peer(caller: str | None = None, uris: tuple[bytes, ...] = ()) -> Peer:
    metadata = [] if caller is None else [("ordermesh-caller", caller)]
    return Peer(metadata, {"peer_spiffe_id": uris} if uris else {})


@pytest.mark.parametrize(
    ("caller", "name", "role"),
    [
        (None, "developer", "operator"),
        ("routing", "routing", "routing"),
        ("inventory", "inventory", "inventory"),
        ("alice", "alice", "operator"),
        ("location", "location", "operator"),
    ],
)
def test_on_loopback_a_caller_is_whom_it_says_it_is(
    caller: str | None, name: str, role: str
) -> None:
    assert loopback().identify(peer(caller)) == Identity(name, frozenset({role}))


@pytest.mark.parametrize("caller", ["", "x" * 129, "a\u202eb"])
def test_a_name_that_cannot_be_read_is_nobody(caller: str) -> None:
    with pytest.raises(NotAuthenticated):
        loopback().identify(peer(caller))


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ("production", "127.0.0.1"),
        ("development", "0.0.0.0"),
        ("development", "10.0.0.7"),
        ("development", "::"),
        ("development", "example.org"),
    ],
)
def test_callers_are_believed_without_proof_on_loopback_in_development_alone(
    environment: str, host: str
) -> None:
    with pytest.raises(InsecureServer):
        LoopbackAuthenticator(environment=environment, host=host)


def test_loopback_has_several_names() -> None:
    assert all(is_loopback(host) for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"))


@pytest.mark.parametrize(
    ("uri", "name", "roles"),
    [
        (b"spiffe://example.org/ordermesh/routing", "routing", {"routing"}),
        (b"spiffe://example.org/ordermesh/edge/webshop", "edge/webshop", {"edge"}),
        (b"spiffe://example.org/ordermesh/stranger", "stranger", set()),
        (b"spiffe://example.org/ordermesh/anyone", "anyone", set()),
    ],
)
def test_a_certificate_tells_name_and_role(uri: bytes, name: str, roles: set[str]) -> None:
    authenticator = PeerCertificateAuthenticator("example.org")

    assert authenticator.identify(peer("operator", (uri,))) == Identity(name, frozenset(roles))


@pytest.mark.parametrize(
    ("uri", "locations"),
    [
        (b"spiffe://example.org/ordermesh/location/STORE-12", frozenset({"STORE-12"})),
        (b"spiffe://example.org/ordermesh/location/wms-east", frozenset({"EAST", "EAST-2"})),
        (b"spiffe://example.org/ordermesh/location/closed", frozenset()),
        (b"spiffe://example.org/ordermesh/location", frozenset()),
    ],
)
def test_a_location_speaks_for_the_one_it_is_named_after_or_for_those_it_is_given(
    uri: bytes, locations: frozenset[str]
) -> None:
    given = {"wms-east": ["EAST", "EAST-2"], "closed": []}

    identity = PeerCertificateAuthenticator("example.org", given).identify(peer("operator", (uri,)))

    assert identity.roles == {"location"}
    assert identity.own_locations == locations


@pytest.mark.parametrize("role", ["edge", "operator", "source", "routing"])
def test_nobody_else_is_confined_to_locations(role: str) -> None:
    uri = f"spiffe://example.org/ordermesh/{role}/STORE-12".encode()

    identity = PeerCertificateAuthenticator("example.org").identify(peer("", (uri,)))

    assert identity.own_locations is None


@pytest.mark.parametrize(
    "uris",
    [
        (),
        (b"spiffe://evil.org/ordermesh/routing",),
        (b"spiffe://example.org.evil.org/ordermesh/routing",),
        (b"spiffe://example.org/other/routing",),
        (b"spiffe://example.org/ordermesh",),
        (b"spiffe://example.org/ordermesh/",),
        (b"spiffe://example.org/ordermesh//routing",),
        (b"https://example.org/ordermesh/routing",),
        (b"spiffe://user@example.org/ordermesh/routing",),
        (b"spiffe://example.org/ordermesh/a", b"spiffe://example.org/ordermesh/b"),
        (b"\xff\xfe",),
    ],
)
def test_another_certificate_is_nobody(uris: tuple[bytes, ...]) -> None:
    with pytest.raises(NotAuthenticated):
        PeerCertificateAuthenticator("example.org").identify(peer("routing", uris))


TABLE: Mapping[str, frozenset[str]] = {
    "/a.B/Open": frozenset({ANYONE}),
    "/a.B/Routing": frozenset({"routing"}),
    "/a.B/Both": frozenset({"routing", "edge"}),
    "/a.B/Nobody": frozenset(),
}
CALLERS = ("routing", "notify", "alice")
ADMITTED = {
    *((caller, "/a.B/Open") for caller in CALLERS),
    ("routing", "/a.B/Routing"),
    ("routing", "/a.B/Both"),
    # The operator may do everything that anybody may do.
    ("alice", "/a.B/Routing"),
    ("alice", "/a.B/Both"),
}


@pytest.mark.parametrize(
    ("caller", "method"), list(itertools.product(CALLERS, (*TABLE, "/a.B/Unknown", "")))
)
def test_who_may_call_what_is_what_the_table_says_and_nothing_else(
    caller: str, method: str
) -> None:
    rules = Rules(TABLE)
    if (caller, method) in ADMITTED:
        assert rules.admit(method, loopback(), peer(caller)).name == caller
    else:
        with pytest.raises(NotPermitted):
            rules.admit(method, loopback(), peer(caller))


def test_nobody_may_call_only_what_is_open_to_anyone() -> None:
    rules, authenticator = Rules(TABLE), PeerCertificateAuthenticator("example.org")

    assert rules.admit("/a.B/Open", authenticator, peer()).roles == frozenset()
    with pytest.raises(NotAuthenticated):
        rules.admit("/a.B/Routing", authenticator, peer())


def test_a_rule_with_an_unknown_role_is_refused() -> None:
    with pytest.raises(ValueError, match="rooting"):
        Rules({"/a.B/C": frozenset({"rooting"})})


def test_the_methods_of_a_service_are_read_from_its_contract() -> None:
    assert [method.name for method in methods_of("ordermesh.api.event.v1.InboxService")] == [
        DELIVER
    ]
    require_rules(("ordermesh.api.event.v1.InboxService",), {DELIVER: frozenset()})


def calling_as(
    certificates: Certificates, name: str, target: str, *, uri: str = "", claims: str = "operator"
) -> Mesh:
    """A mesh whose certificate is that of ``name``, and which says that it is another."""
    settings = production(certificates, name, uri).model_copy(update={"peers": {"echo": target}})
    return peer_mesh(claims, settings, SystemClock())


async def fails(call: Awaitable[object]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value


async def test_in_production_the_certificate_names_the_caller_and_metadata_does_not(
    certificates: Certificates, tmp_path: Path
) -> None:
    callers: list[Identity] = []

    async def look(_context: Context) -> None:
        callers.append(current_call().identity)

    definition = echo(await empty_database(tmp_path), Inbox(look))
    server = Server(definition, production(certificates, "echo"), SystemClock())
    target = f"localhost:{await server.start()}"
    evil = "spiffe://evil.org/ordermesh/routing"
    try:
        async with calling_as(certificates, "routing", target) as mesh:
            await mesh.inbox("echo").Deliver(request())
        async with calling_as(certificates, "notify", target) as mesh:
            denied = await fails(mesh.inbox("echo").Deliver(request()))
        async with calling_as(certificates, "foreign", target, uri=evil) as mesh:
            unknown = await fails(mesh.inbox("echo").Deliver(request()))
    finally:
        await server.stop()

    assert callers == [Identity("routing", frozenset({"routing"}))]
    refused = refusal_of(denied)
    assert refused is not None
    assert (refused.reason, refused.metadata["caller"]) == ("NOT_PERMITTED", "notify")
    assert unknown.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_production_tells_nobody_what_it_serves(
    certificates: Certificates, tmp_path: Path
) -> None:
    definition = echo(await empty_database(tmp_path))
    server = Server(definition, production(certificates, "echo"), SystemClock())
    target = f"localhost:{await server.start()}"
    try:
        async with calling_as(certificates, "operator", target) as mesh:
            for method in (f"/{REFLECTION}/ServerReflectionInfo", f"/{CHANNELZ}/GetServers"):
                hidden: Any = mesh.channel("echo").unary_unary(method)
                error = await fails(hidden(b""))
                assert error.code() is grpc.StatusCode.UNIMPLEMENTED
    finally:
        await server.stop()


async def test_in_production_nobody_connects_without_a_certificate(
    certificates: Certificates, tmp_path: Path
) -> None:
    settings = production(certificates, "echo")
    server = Server(echo(await empty_database(tmp_path)), settings, SystemClock())
    target = f"localhost:{await server.start()}"
    authority = certificates.authority.read_bytes()
    try:
        for credentials in (grpc.ssl_channel_credentials(root_certificates=authority), None):
            async with Mesh({"echo": target}, credentials=credentials) as mesh:
                error = await fails(mesh.inbox("echo").Deliver(request(), timeout=5))
                assert error.code() is grpc.StatusCode.UNAVAILABLE
    finally:
        await server.stop()
