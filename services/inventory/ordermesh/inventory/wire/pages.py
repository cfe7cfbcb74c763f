"""Page tokens: where a list goes on, sealed with the filters it was asked with."""

import base64
import binascii
import hashlib
import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from google.protobuf.message import Message

from ordermesh.inventory.domain.errors import InvalidPageToken

PAGE_SIZE_DEFAULT = 100

_SEAL_BYTES = 12


def page_size(asked: int) -> int:
    """How many a page has; 0 means the default."""
    return asked or PAGE_SIZE_DEFAULT


def page_token(request: Message, last: Sequence[str]) -> str:
    """The token of the page after the one that ends with ``last``."""
    written = _seal(request) + json.dumps(list(last), ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


def place(request: Message, token: str, parts: int) -> tuple[str, ...] | None:
    """Where the page begins: after these ``parts``; None at the beginning.

    Raises ``InvalidPageToken`` for one that was not made by this list with these filters.
    """
    if not token:
        return None
    try:
        written = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        last = json.loads(written[_SEAL_BYTES:]) if written.startswith(_seal(request)) else None
    except (binascii.Error, ValueError) as error:
        raise InvalidPageToken(token) from error
    if not isinstance(last, list) or len(last) != parts:
        raise InvalidPageToken(token)
    return tuple(str(part) for part in last)


def _seal(request: Message) -> bytes:
    """A hash of the list and its filters: all fields but the size and the token of the page."""
    filters = type(request)()
    filters.CopyFrom(request)
    for name in ("page_size", "page_token"):
        filters.ClearField(name)
    digest = hashlib.sha256(request.DESCRIPTOR.full_name.encode() + b"\0")
    digest.update(filters.SerializeToString(deterministic=True))
    return digest.digest()[:_SEAL_BYTES]


def time_place(request: Message, token: str) -> tuple[datetime, UUID] | None:
    """As ``place``, for lists in the order of an instant and an id."""
    last = place(request, token, 2)
    if last is None:
        return None
    try:
        instant = datetime.fromisoformat(last[0])
        if instant.utcoffset() != timedelta(0):
            raise InvalidPageToken(token)
        return instant, UUID(last[1])
    except ValueError as error:
        raise InvalidPageToken(token) from error
