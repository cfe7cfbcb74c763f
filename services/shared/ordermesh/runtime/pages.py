"""Page tokens: where a list goes on, sealed with the filters it was asked with."""

import base64
import binascii
import hashlib
import json
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, TypeVar
from uuid import UUID

from google.protobuf.message import Message

from ordermesh.kernel.errors import InvalidRequest

PAGE_SIZE_DEFAULT = 100

PAGE_BYTES = 3_900_000
"""How large the rows of a page are together, unless one alone is larger: a reply may have four MiB,
and beside them the token of the next page."""

_SEAL_BYTES = 12

_FRAME_BYTES = 6
"""What a message costs in a list beside its own bytes."""

M = TypeVar("M", bound=Message)

NUMBER_MAX, SMALL_NUMBER_MAX = 2**63 - 1, 2**31 - 1
"""The greatest numbers that columns of eight and of four bytes hold."""

Part = str | int
"""What a place in a list is made of."""


class InvalidPageToken(InvalidRequest):
    """The page token was not made by this list with these filters."""

    reason: ClassVar[str] = "INVALID_PAGE_TOKEN"

    def __init__(self, page_token: str) -> None:
        super().__init__(
            "The page token is not of this list with these filters.",
            {"pageToken": page_token[:100]},
        )


def page_size(asked: int) -> int:
    """How many a page has; 0 means the default."""
    return asked or PAGE_SIZE_DEFAULT


def fitting_rows(rows: Iterable[M]) -> list[M]:
    """The rows that a page carries: all, or the first of them where all would be too large."""
    taken: list[M] = []
    size = 0
    for row in rows:
        size += row.ByteSize() + _FRAME_BYTES
        if taken and size > PAGE_BYTES:
            break
        taken.append(row)
    return taken


def page_token(request: Message, *last: Part) -> str:
    """The token of the page after the one that ends with the row of these parts."""
    written = _seal(request) + json.dumps(last, ensure_ascii=False).encode()
    return base64.urlsafe_b64encode(written).decode().rstrip("=")


def place(
    request: Message, token: str, *kinds: type[str] | type[int], number_max: int = NUMBER_MAX
) -> tuple[Part, ...] | None:
    """The parts after which the page begins, of these kinds; None at the beginning.

    Raises ``InvalidPageToken`` for a token that was not made by this list with these filters, as
    far as the seal tells, and for parts that no row can have: anybody may write a seal.
    """
    if not token:
        return None
    try:
        written = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        last = json.loads(written[_SEAL_BYTES:])
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidPageToken(token) from error
    is_sealed = written[:_SEAL_BYTES] == _seal(request)
    if not is_sealed or not _are_of(last, kinds) or not _can_be(last, number_max):
        raise InvalidPageToken(token)
    return tuple(last)


def place_in_text(request: Message, token: str) -> str:
    """The id after which the page begins; "" at the beginning. Raises ``InvalidPageToken``."""
    parts = place(request, token, str)
    return str(parts[0]) if parts else ""


def place_in_numbers(request: Message, token: str, number_max: int = NUMBER_MAX) -> int:
    """The number after which the page begins; 0 at the beginning. Raises ``InvalidPageToken``."""
    parts = place(request, token, int, number_max=number_max)
    return int(parts[0]) if parts else 0


def place_in_time(request: Message, token: str) -> tuple[datetime, UUID] | None:
    """The instant and the id after which the page begins; None at the beginning.

    Raises ``InvalidPageToken``.
    """
    parts = place(request, token, str, str)
    return None if parts is None else _in_time(token, parts)


def place_at_revision(
    request: Message, token: str
) -> tuple[tuple[datetime, UUID] | None, int | None]:
    """As ``place_in_time``, and the revision of the first page; None twice at the beginning.

    What commits while a list is read may belong to pages that were read before: together they
    contain every change up to the revision of the first one, and no later one. Raises
    ``InvalidPageToken``.
    """
    parts = place(request, token, str, str, int)
    return (None, None) if parts is None else (_in_time(token, parts), int(parts[2]))


def _in_time(token: str, parts: Sequence[Part]) -> tuple[datetime, UUID]:
    try:
        return instant_of(token, parts[0]), UUID(str(parts[1]))
    except ValueError as error:
        raise InvalidPageToken(token) from error


def instant_of(token: str, part: Part) -> datetime:
    """The instant that a part of the token says. Raises ``InvalidPageToken``."""
    try:
        instant = datetime.fromisoformat(str(part))
    except ValueError as error:
        raise InvalidPageToken(token) from error
    if instant.utcoffset() != timedelta(0):
        raise InvalidPageToken(token)
    return instant


def _are_of(last: object, kinds: Sequence[type]) -> bool:
    return (
        isinstance(last, list)
        and len(last) == len(kinds)
        and all(type(part) is kind for part, kind in zip(last, kinds, strict=True))
    )


def _can_be(last: Sequence[Part], number_max: int) -> bool:
    """Whether columns can hold the parts: no number beyond theirs, no text that is none."""
    return all(
        0 <= part <= number_max if isinstance(part, int) else _is_text(part) for part in last
    )


def _is_text(part: str) -> bool:
    return "\0" not in part and not any("\ud800" <= letter <= "\udfff" for letter in part)


def _seal(request: Message) -> bytes:
    """A hash of the list and its filters: all fields but the size and the token of the page."""
    filters = type(request)()
    filters.CopyFrom(request)
    for name in ("page_size", "page_token"):
        filters.ClearField(name)
    digest = hashlib.sha256(request.DESCRIPTOR.full_name.encode() + b"\0")
    digest.update(filters.SerializeToString(deterministic=True))
    return digest.digest()[:_SEAL_BYTES]
