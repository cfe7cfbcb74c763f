"""Certificates of both sides, read from files that may be replaced while the server runs."""

import ssl
from collections.abc import Callable
from pathlib import Path

import grpc
import structlog

from ordermesh.runtime.settings import ServerSettings

_log = structlog.stdlib.get_logger(__name__)


class _Files:
    """The certificate files, and whether they have changed since they were read."""

    def __init__(self, certificate: Path, private_key: Path, authorities: Path) -> None:
        self._paths = (private_key, certificate, authorities)
        self._stamp: tuple[int, ...] = ()
        self._is_told = False

    def read(self) -> tuple[bytes, bytes, bytes]:
        """Key, certificate chain and authorities.

        Raises ``OSError`` for what cannot be read, or is not written to its end.
        """
        stamp = self._stamps()
        private_key, certificate, authorities = (path.read_bytes() for path in self._paths)
        _require_whole(*self._paths)
        self._stamp, self._is_told = stamp, False
        return private_key, certificate, authorities

    def read_if_changed(self) -> tuple[bytes, bytes, bytes] | None:
        """What they hold where it is new, else None: also in the middle of a rotation."""
        try:
            return self.read() if self._stamps() != self._stamp else None
        except OSError as error:
            # Half of a rotation: those we have are still good.
            if not self._is_told:
                _log.warning("certificates cannot be read", error=type(error).__name__)
            self._is_told = True
            return None

    def _stamps(self) -> tuple[int, ...]:
        return tuple(path.stat().st_mtime_ns for path in self._paths)


def _require_whole(private_key: Path, certificate: Path, authorities: Path) -> None:
    """Raises ``ssl.SSLError``, an ``OSError``, for half a file and for half a pair of files."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("ALL:@SECLEVEL=0")  # how strong keys must be is the library's to say
    # A password is given because one would be asked for at the terminal otherwise.
    context.load_cert_chain(certificate, private_key, password="")
    context.load_verify_locations(authorities)


def _files(settings: ServerSettings) -> _Files:
    paths = (settings.tls_certificate, settings.tls_private_key, settings.tls_authorities)
    certificate, private_key, authorities = paths
    if certificate is None or private_key is None or authorities is None:
        raise ValueError("Certificates are not set.")
    return _Files(certificate, private_key, authorities)


def server_credentials(settings: ServerSettings) -> grpc.ServerCredentials:
    """Credentials that ask callers for their certificate; raises ``OSError`` for missing files.

    Files are looked at in each handshake, and read again when they have changed.
    """
    files = _files(settings)

    def configuration(
        private_key: bytes, certificate: bytes, authorities: bytes
    ) -> grpc.ServerCertificateConfiguration:
        return grpc.ssl_server_certificate_configuration(
            [(private_key, certificate)], root_certificates=authorities
        )

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        changed = files.read_if_changed()
        return configuration(*changed) if changed else None

    return grpc.dynamic_ssl_server_credentials(
        configuration(*files.read()),
        renewed,  # type: ignore[arg-type]  # None, which the types leave out, keeps what there is
        require_client_authentication=True,
    )


def channel_credentials(
    settings: ServerSettings,
) -> Callable[[], grpc.ChannelCredentials] | None:
    """What gives the credentials that prove to peers who we are; None without certificates.

    Files are looked at each time, and read again when they have changed; until then the very same
    credentials are given. Raises ``OSError`` for missing files, now and not later.
    """
    if not settings.has_certificates:
        return None
    files = _files(settings)

    def credentials(
        private_key: bytes, certificate: bytes, authorities: bytes
    ) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(
            root_certificates=authorities, private_key=private_key, certificate_chain=certificate
        )

    current = credentials(*files.read())

    def renewed() -> grpc.ChannelCredentials:
        nonlocal current
        changed = files.read_if_changed()
        if changed:
            current = credentials(*changed)
        return current

    return renewed
