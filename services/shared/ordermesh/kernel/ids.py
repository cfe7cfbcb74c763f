"""Ids: fresh ones, handed in as a seam, and derived ones, which are the same every time."""

import os
import secrets
import time
from collections.abc import Iterator
from typing import Protocol
from uuid import UUID, uuid5

_NAMESPACE = UUID("5b7c1f0e-6f0a-5c53-9d5e-0d6f1a4c2b11")

_RANDOM_BYTES = 10
_IDS_DRAWN = 256
"""For so many ids random bytes are drawn at once."""


class Ids(Protocol):
    """Where fresh ids come from."""

    def new(self) -> UUID:
        """An id that nobody has seen before."""
        ...


class RandomIds:
    """Time-ordered random ids, version 7 of RFC 9562, so that indexes grow at one end.

    The system is asked for the random bytes of many ids at once: each question costs more than all
    else that an id needs. A process that was forked asks for its own.
    """

    def __init__(self) -> None:
        self._process = 0
        self._bytes: Iterator[bytes] = iter(())

    def new(self) -> UUID:
        """48 bits of milliseconds, then 74 random bits."""
        random = next(self._bytes, b"") if self._process == os.getpid() else b""
        if not random:
            drawn = secrets.token_bytes(_RANDOM_BYTES * _IDS_DRAWN)
            pieces = range(0, len(drawn), _RANDOM_BYTES)
            self._bytes = iter([drawn[place : place + _RANDOM_BYTES] for place in pieces])
            self._process = os.getpid()
            random = next(self._bytes)
        milliseconds = time.time_ns() // 1_000_000
        bits = (milliseconds & (1 << 48) - 1) << 80 | int.from_bytes(random, "big")
        bits = bits & ~(0xF << 76) | 0x7 << 76
        bits = bits & ~(0x3 << 62) | 0x2 << 62
        return UUID(int=bits)


def derived_id(*parts: object) -> UUID:
    """The id that belongs to these parts, always the same: the key of a safe retry.

    Parts are joined with a separator that cannot occur in a caller's id, so that ``("a", "bc")``
    and ``("ab", "c")`` differ.
    """
    return uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))
