"""Page tokens: where a list goes on, sealed with the filters it was asked with."""

import base64
import binascii
import hashlib
import json

from google.protobuf.message import Message

from ordermesh.routing.domain.errors import InvalidPageToken

PAGE_SIZE_DEFAULT = 100

_SEAL_BYTES = 12


def page_size(asked: int) -> int:
    """How many a page has; 0 means the default."""
    return asked or PAGE_SIZE_DEFAULT


def page_token(request: Message, last: str | int) -> str:
    """The token of the page after the one that ends with ``last``."""
    written = _seal(request) + json.dumps(last, ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


def after_text(request: Message, token: str) -> str:
    """The id after which the page begins; "" at the beginning. Raises ``InvalidPageToken``."""
    last = _last(request, token) if token else ""
    if not isinstance(last, str):
        raise InvalidPageToken(token)
    return last


def after_number(request: Message, token: str) -> int:
    """The number after which the page begins; 0 at the beginning. Raises ``InvalidPageToken``."""
    last = _last(request, token) if token else 0
    if not isinstance(last, int) or isinstance(last, bool):
        raise InvalidPageToken(token)
    return last


def _last(request: Message, token: str) -> object:
    try:
        written = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        last: object = json.loads(written[_SEAL_BYTES:])
    except (binascii.Error, ValueError) as error:
        raise InvalidPageToken(token) from error
    if written[:_SEAL_BYTES] != _seal(request):
        raise InvalidPageToken(token)
    return last


def _seal(request: Message) -> bytes:
    """A hash of the list and its filters: all fields but the size and the token of the page."""
    filters = type(request)()
    filters.CopyFrom(request)
    for name in ("page_size", "page_token"):
        filters.ClearField(name)
    digest = hashlib.sha256(request.DESCRIPTOR.full_name.encode() + b"\0")
    digest.update(filters.SerializeToString(deterministic=True))
    return digest.digest()[:_SEAL_BYTES]
