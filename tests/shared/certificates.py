"""Certificates of the tests, and settings of production with them."""

import subprocess
from pathlib import Path

from ordermesh.runtime.settings import ServerSettings
from tests.shared.echo import settings_of

_NEW_KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"


class Certificates:
    """An authority of the test, which signs with the binary of OpenSSL."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir()
        self._directory = directory
        self.authority = directory / "authority.pem"
        self._run(
            f"req -x509 {_NEW_KEY} -days 2 -subj /CN=authority"
            f" -keyout {directory}/authority.key -out {self.authority}"
        )

    def sign(self, name: str, uri: str) -> tuple[Path, Path]:
        """Certificate and key of somebody."""
        base = self._directory / name
        extensions = base.with_suffix(".ext")
        extensions.write_text(f"subjectAltName=URI:{uri},DNS:localhost,IP:127.0.0.1\n")
        self._run(f"req -new {_NEW_KEY} -subj /CN={name} -keyout {base}.key -out {base}.csr")
        self._run(
            f"x509 -req -in {base}.csr -CA {self.authority} -CAkey {self._directory}/authority.key"
            f" -CAcreateserial -days 1 -extfile {extensions} -out {base}.pem"
        )
        return base.with_suffix(".pem"), base.with_suffix(".key")

    @staticmethod
    def _run(arguments: str) -> None:
        subprocess.run(["openssl", *arguments.split()], check=True, capture_output=True)


def production(certificates: Certificates, name: str, uri: str = "") -> ServerSettings:
    chain, key = certificates.sign(name, uri or f"spiffe://example.org/ordermesh/{name}")
    return settings_of(
        environment="production",
        tls_certificate=chain,
        tls_private_key=key,
        tls_authorities=certificates.authority,
        trust_domain="example.org",
    )
