"""Ids: fresh ones, handed in as a seam, and derived ones, which are the same every time."""

import secrets
import time
from typing import Protocol
from uuid import UUID, uuid5

_NAMESPACE = UUID("5b7c1f0e-6f0a-5c53-9d5e-0d6f1a4c2b11")


class Ids(Protocol):
    """Where fresh ids come from."""

    def new(self) -> UUID:
        """An id that nobody has seen before."""
        ...


class RandomIds:
    """Time-ordered random ids, version 7 of RFC 9562, so that indexes grow at one end."""

    def new(self) -> UUID:
        """48 bits of milliseconds, then 74 random bits."""
        milliseconds = time.time_ns() // 1_000_000
        bits = (milliseconds & (1 << 48) - 1) << 80 | secrets.randbits(80)
        bits = bits & ~(0xF << 76) | 0x7 << 76
        bits = bits & ~(0x3 << 62) | 0x2 << 62
        return UUID(int=bits)


def derived_id(*parts: object) -> UUID:
    """The id that belongs to these parts, always the same: the key of a safe retry.

    Parts are joined with a separator that cannot occur in a caller's id, so that ``("a", "bc")``
    and ``("ab", "c")`` differ.
    """
    return uuid5(_NAMESPACE, "\x1f".join(str(part) for part in parts))
