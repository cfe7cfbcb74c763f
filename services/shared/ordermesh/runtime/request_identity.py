"""By what a request is known again: its id, and a hash of all that it says."""

import hashlib
from functools import lru_cache
from typing import ClassVar, Protocol, cast
from uuid import UUID

from google.protobuf.message import Message

from ordermesh.kernel.errors import InvalidRequest
from ordermesh.runtime.call import Call


class RequestIdMalformed(InvalidRequest):
    """The request id is not a UUID."""

    reason: ClassVar[str] = "FIELD_VIOLATION"


class _Identified(Protocol):
    request_id: str


def request_id_of(request: Message) -> UUID:
    """The id that its caller has made. Raises ``RequestIdMalformed``."""
    written = cast("_Identified", request).request_id
    try:
        return UUID(written)
    except ValueError as error:
        raise RequestIdMalformed(
            "request_id must be a UUID.", {"field": "request_id", "rule": "string.uuid"}
        ) from error


def request_hash_of(call: Call, request: Message) -> bytes:
    """The SHA-256 of method, caller and content: of another request the id may not be reused."""
    digest = _begun(call.method, call.identity.name).copy()
    _add(digest, request.SerializeToString(deterministic=True))
    return digest.digest()


@lru_cache(maxsize=1_000)
def _begun(method: str, caller: str) -> "hashlib._Hash":
    """The hash of what all requests of a caller by one method begin with."""
    digest = hashlib.sha256()
    for part in (method.encode(), caller.encode()):
        _add(digest, part)
    return digest


def _add(digest: "hashlib._Hash", part: bytes) -> None:
    # The length keeps two parts from being read as one.
    digest.update(len(part).to_bytes(8, "big") + part)
