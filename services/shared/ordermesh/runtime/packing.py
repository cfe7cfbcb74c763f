"""Changes of one transaction, packed into one row of the feed.

To write, number and read a row costs many times what it costs to pack a change into one.
"""

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple

PACKED_MAX = 1_000
"""How many changes are packed into one row at most."""

_HEAD = struct.Struct(">qHIH")
"""Of each change: its sequence, and how many bytes of key, payload and memo follow."""


class NewChange(NamedTuple):
    """A change that is about to be written.

    ``sequence`` is the thing's own version where it has one. ``memo`` is what the service notes
    beside the change for itself; watchers never see it.
    """

    key: str
    payload: bytes
    sequence: int = 0
    memo: bytes = b""


def pack(changes: Iterable[NewChange]) -> bytes:
    """Changes as bytes, in their order.

    A key or memo has at most 65,535 bytes; raises ``struct.error`` for longer ones.
    """
    parts: list[bytes] = []
    head = _HEAD.pack
    for written_key, payload, sequence, memo in changes:
        key = written_key.encode()
        parts += (head(sequence, len(key), len(payload), len(memo)), key, payload, memo)
    return b"".join(parts)


def unpack(packed: bytes) -> Iterator[NewChange]:
    """The changes that were packed. Raises ``struct.error`` or ``ValueError`` for other bytes."""
    place, end, size = 0, len(packed), _HEAD.size
    head = _HEAD.unpack_from
    while place < end:
        sequence, of_key, of_payload, of_memo = head(packed, place)
        key = place + size
        payload = key + of_key
        memo = payload + of_payload
        place = memo + of_memo
        if place > end:
            raise ValueError("The packed changes were cut.")
        yield NewChange(
            packed[key:payload].decode(), packed[payload:memo], sequence, packed[memo:place]
        )
