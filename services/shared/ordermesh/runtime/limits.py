"""How large what travels may be, in bytes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from ordermesh.kernel.errors import InvalidRequest

MEBIBYTE = 1024 * 1024

TRANSPORT_REQUEST_BYTES = 4 * MEBIBYTE
"""Above this the transport refuses a request by itself, before any of it is read here."""

_METADATUM_OVERHEAD = 32
"""What HTTP/2 counts for each header beside its name and value."""


class RequestTooLarge(InvalidRequest):
    """The request, or the metadata that came with it, is larger than it may be."""

    reason: ClassVar[str] = "REQUEST_TOO_LARGE"


class ReplyTooLarge(Exception):
    """We would answer more than a reply may carry: a fault of ours."""


@dataclass(frozen=True)
class Limits:
    """The limits of one server. ``methods`` has those of requests that may be larger."""

    request_bytes: int = MEBIBYTE
    reply_bytes: int = 4 * MEBIBYTE
    metadata_bytes: int = 8 * 1024
    methods: Mapping[str, int] = field(default_factory=dict)

    def of_method(self, method: str) -> int:
        """How large a request of this method may be."""
        return self.methods.get(method, self.request_bytes)

    def check_metadata(self, metadata: Iterable[tuple[str, str | bytes]]) -> None:
        """Raise ``RequestTooLarge`` when the metadata of a call is."""
        size = sum(len(key) + len(value) + _METADATUM_OVERHEAD for key, value in metadata)
        if size > self.metadata_bytes:
            raise RequestTooLarge(
                f"Metadata may have {self.metadata_bytes} bytes.", {"limit": self.metadata_bytes}
            )

    def check_reply(self, size: int) -> None:
        """Raise ``ReplyTooLarge`` when a reply is."""
        if size > self.reply_bytes:
            raise ReplyTooLarge(f"A reply of {size} bytes; it may have {self.reply_bytes}.")


def check_request(size: int, limit: int) -> None:
    """Raise ``RequestTooLarge`` when a request is."""
    if size > limit:
        raise RequestTooLarge(f"A request may have {limit} bytes.", {"limit": limit})
