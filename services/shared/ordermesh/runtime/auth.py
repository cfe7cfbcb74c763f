"""Who calls, and whether they may: identities of peers, and one table of what each may do."""

import ipaddress
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import ClassVar, Protocol
from urllib.parse import urlsplit

from ordermesh.runtime.call import LOCATION, Identity

CALLER_KEY = "ordermesh-caller"
"""The metadata in which a caller names itself. Believed in development on loopback alone."""

DEVELOPER = "developer"
"""The name of a caller on loopback that gives none."""

OPERATOR = "operator"
"""The role that may call every method that has a rule."""

ANYONE = "anyone"
"""In a rule: also those of whom nobody knows who they are. Only health is open to them."""

SERVICES = frozenset({"inventory", "routing", "returns", "notify"})
"""The services of the mesh; each has the role of its name."""

ROLES = SERVICES | {"edge", LOCATION, "source", OPERATOR}
"""All roles that a rule may speak of."""

NAME_LENGTH_MAX = 128

_NOBODY = Identity(name="", roles=frozenset())


class NotAuthenticated(Exception):
    """Nobody can tell who calls."""

    reason: ClassVar[str] = "NOT_AUTHENTICATED"

    def __init__(self, sentence: str) -> None:
        super().__init__(sentence)
        self.sentence = sentence


class NotPermitted(Exception):
    """The caller may not call this method."""

    reason: ClassVar[str] = "NOT_PERMITTED"

    def __init__(self, method: str, caller: str) -> None:
        self.sentence = f"{caller or 'Somebody unknown'} may not call {method}."
        super().__init__(self.sentence)
        self.method = method
        self.caller = caller


class InsecureServer(Exception):
    """The server would not know who calls it."""


@dataclass(frozen=True)
class Peer:
    """What the transport tells of the other side.

    ``metadata`` came with the call and proves nothing; ``proofs`` is what the handshake has shown.
    """

    metadata: Iterable[tuple[str, str | bytes]]
    proofs: Mapping[str, Iterable[bytes]]


class Authenticator(Protocol):
    """Tells who calls."""

    def identify(self, peer: Peer) -> Identity:
        """The caller; raises ``NotAuthenticated``."""
        ...


class LoopbackAuthenticator:
    """Believes what callers on this machine say of themselves; for development alone.

    A caller named like a service has that service's role; everybody else is an operator.
    """

    def __init__(self, *, environment: str, host: str) -> None:
        """Raises ``InsecureServer`` outside of development and off loopback."""
        if environment != "development" or not is_loopback(host):
            raise InsecureServer(
                f"Callers are believed without proof only in development and on loopback, not in"
                f" {environment} on {host}. Set the certificates, or listen on 127.0.0.1."
            )

    def identify(self, peer: Peer) -> Identity:
        """The caller by the name in its metadata."""
        name = _caller(peer.metadata)
        if not 0 < len(name) <= NAME_LENGTH_MAX or not name.isprintable():
            raise NotAuthenticated(
                f"{CALLER_KEY} must be 1 to {NAME_LENGTH_MAX} printable characters."
            )
        return Identity(name, frozenset({name if name in SERVICES else OPERATOR}))


class PeerCertificateAuthenticator:
    """Believes the certificate that the peer proved to own, and nothing else.

    Its one URI is ``spiffe://<trust domain>/ordermesh/<role>``, or ``.../<role>/<name>`` where many
    share a role. A name that is no role gets none, and so may call nothing. ``location/<id>``
    speaks for the location of this id; for which others instead, ``location_callers`` may say by
    name.
    """

    def __init__(
        self,
        trust_domain: str,
        location_callers: Mapping[str, Collection[str]] = MappingProxyType({}),
    ) -> None:
        self._trust_domain = trust_domain
        self._location_callers = {name: frozenset(ids) for name, ids in location_callers.items()}

    def identify(self, peer: Peer) -> Identity:
        """The caller by the URI in its certificate."""
        uris = [bytes(uri) for uri in peer.proofs.get("peer_spiffe_id", ())]
        if len(uris) != 1:
            raise NotAuthenticated("A certificate with one SPIFFE id is needed.")
        uri = urlsplit(uris[0].decode("ascii", "replace"))
        parts = uri.path.split("/")
        is_ours = uri.scheme == "spiffe" and uri.netloc == self._trust_domain
        if not is_ours or len(parts) < 3 or parts[:2] != ["", "ordermesh"] or not all(parts[2:]):
            raise NotAuthenticated("The certificate is of another trust domain or mesh.")
        role, name = parts[2], "/".join(parts[3:])
        return Identity(
            "/".join(parts[2:]),
            frozenset({role}) & ROLES,
            self._locations_of(name) if role == LOCATION else frozenset(),
        )

    def _locations_of(self, name: str) -> frozenset[str]:
        own = frozenset({name}) if name else frozenset()
        return self._location_callers.get(name, own)


class Rules:
    """The table of who may call what; what it does not have, nobody may call."""

    def __init__(self, table: Mapping[str, frozenset[str]]) -> None:
        """``table`` is by full method name; raises ``ValueError`` for a role that is none."""
        for method, roles in table.items():
            unknown = roles - ROLES - {ANYONE}
            if unknown:
                raise ValueError(f"The rule of {method} has unknown roles: {sorted(unknown)}.")
        self._table = dict(table)

    def admit(self, method: str, authenticator: Authenticator, peer: Peer) -> Identity:
        """The caller, who may call this method.

        Raises ``NotAuthenticated`` and ``NotPermitted``.
        """
        roles = self._table.get(method, frozenset())
        try:
            identity = authenticator.identify(peer)
        except NotAuthenticated:
            if ANYONE not in roles:
                raise
            return _NOBODY
        if ANYONE in roles or identity.roles & roles or (roles and OPERATOR in identity.roles):
            return identity
        raise NotPermitted(method, identity.name)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach a server that listens there."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _caller(metadata: Iterable[tuple[str, str | bytes]]) -> str:
    for key, value in metadata:
        if key == CALLER_KEY:
            return value if isinstance(value, str) else value.decode("ascii", "replace")
    return DEVELOPER
