"""Certificates of both sides, read from files that may be replaced while the server runs."""

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

    def read(self) -> tuple[bytes, bytes, bytes]:
        """Key, certificate chain and authorities; raises ``OSError``."""
        self._stamp = self._stamps()
        private_key, certificate, authorities = (path.read_bytes() for path in self._paths)
        return private_key, certificate, authorities

    def have_changed(self) -> bool:
        return self._stamps() != self._stamp

    def _stamps(self) -> tuple[int, ...]:
        return tuple(path.stat().st_mtime_ns for path in self._paths)


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

    def configuration() -> grpc.ServerCertificateConfiguration:
        private_key, certificate, authorities = files.read()
        return grpc.ssl_server_certificate_configuration(
            [(private_key, certificate)], root_certificates=authorities
        )

    def renewed() -> grpc.ServerCertificateConfiguration | None:
        try:
            return configuration() if files.have_changed() else None
        except OSError as error:
            # Half of a rotation: those we have are still good.
            _log.warning("certificates cannot be read", error=type(error).__name__)
            return None

    return grpc.dynamic_ssl_server_credentials(
        configuration(),
        renewed,  # type: ignore[arg-type]  # None, which the types leave out, keeps what there is
        require_client_authentication=True,
    )


def channel_credentials(settings: ServerSettings) -> grpc.ChannelCredentials | None:
    """Credentials that prove to peers who we are; None when certificates are not set."""
    if not settings.has_certificates:
        return None
    private_key, certificate, authorities = _files(settings).read()
    return grpc.ssl_channel_credentials(
        root_certificates=authorities, private_key=private_key, certificate_chain=certificate
    )
