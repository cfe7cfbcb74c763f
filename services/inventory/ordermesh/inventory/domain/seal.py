"""Seals: each change of the books is sealed with all that came before it.

A seal is the SHA-256 of the seal before and of a digest of what the change did, entry by entry,
with its movement. Whoever makes the change makes the digest, of what it writes. Who edits, removes
or slips in an entry, or alters a seal, breaks the chain at that place; who makes the whole chain
anew gets another last seal than the one that others have noted.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.verification import Finding


def _said(value: object) -> str:
    if isinstance(value, UUID):
        return value.hex
    return value.hex() if isinstance(value, bytes) else str(value)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=_said)

GENESIS = bytes(32)
"""The seal before the first one."""


@dataclass(frozen=True)
class Head:
    """How far the books are sealed: up to ``revision``; ``seal`` is the last one."""

    revision: int = 0
    seal: bytes = GENESIS


@dataclass(frozen=True)
class Covered:
    """The entries of one key that one change made; ``revision`` is the change's."""

    revision: int
    key: StockKey
    first_sequence: int
    last_sequence: int


@dataclass(frozen=True)
class Sealed:
    """What a change covers, its seal, and the entries as they are in the books now."""

    covered: Covered
    seal: bytes
    entries: Sequence[bytes] = ()


def canonical(fields: Sequence[object]) -> bytes:
    """Fields as bytes that only depend on what they say.

    They are JSON; ids and bytes are said by their digits, instants as texts.
    """
    return _ENCODER.encode(fields).encode()


def text_said(text: str) -> str:
    """A text as it is in the canonical form."""
    return _ENCODER.encode(text)


def digest_of(entries: Iterable[bytes]) -> bytes:
    """The digest of a key's new entries, each in its canonical form, in their order."""
    return _digested(b"", entries)


def seal_of(previous: bytes, covered: Covered, digest: bytes) -> bytes:
    """The seal of a change after the seal before it; ``digest`` is that of its entries."""
    place = (covered.revision, *covered.key, covered.first_sequence, covered.last_sequence)
    return _digested(previous, (canonical(place), digest))


def _digested(start: bytes, parts: Iterable[bytes]) -> bytes:
    """The SHA-256 of parts; their lengths keep two from being read as one."""
    sealed = hashlib.sha256(start)
    for part in parts:
        sealed.update(len(part).to_bytes(8, "big") + part)
    return sealed.digest()


class Chain:
    """The chain of seals while it is followed: ``check`` says where it is broken."""

    def __init__(self) -> None:
        self._head = Head()

    def check(self, one: Sealed) -> list[Finding]:
        """What is wrong with the next seal. The chain goes on from what is written."""
        covered = one.covered
        wanted = seal_of(self._head.seal, covered, digest_of(one.entries))
        self._head = Head(covered.revision, one.seal)
        if wanted == one.seal:
            return []
        place = f"Entries {covered.first_sequence} to {covered.last_sequence}"
        return [
            Finding(
                "SEALS_HOLD",
                covered.key,
                len(one.entries),
                covered.last_sequence - covered.first_sequence + 1,
                f"{place}, sealed at revision {covered.revision}, are not what was sealed, or a "
                "seal was altered.",
            )
        ]

    def end(self, head: Head) -> list[Finding]:
        """What is wrong with the end of the chain: ``head`` is how far it should reach."""
        if self._head.seal == head.seal and self._head.revision <= head.revision:
            return []
        return [
            Finding(
                "SEALS_HOLD",
                None,
                self._head.revision,
                head.revision,
                f"The last seal is that of revision {self._head.revision}, and not the one noted "
                f"for revision {head.revision}.",
            )
        ]
