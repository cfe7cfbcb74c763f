"""Seals: each change of the books is sealed with all that came before it.

A seal is the SHA-256 of the seal before and of what the change did, entry by entry, with its
movement. Who edits, removes or slips in an entry, or alters a seal, breaks the chain at that place;
who makes the whole chain anew gets another last seal than the one that others have noted.
"""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.verification import Finding

_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), default=str)

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
    """What a change covers, its seal, and the entries as they are in the books now.

    ``times`` is at how many instants they were made.
    """

    covered: Covered
    seal: bytes
    entries: Sequence[bytes] = ()
    times: int = 1


def canonical(fields: Sequence[object]) -> bytes:
    """Fields as bytes that only depend on what they say; ids and instants are said as texts."""
    return _ENCODER.encode(fields).encode()


def seal_of(previous: bytes, covered: Covered, entries: Iterable[bytes]) -> bytes:
    """The seal of a change after the seal before it."""
    place = (covered.revision, *covered.key, covered.first_sequence, covered.last_sequence)
    digest = hashlib.sha256(previous)
    for part in (canonical(place), *entries):
        digest.update(len(part).to_bytes(8, "big"))
        digest.update(part)
    return digest.digest()


def uncovered(
    changes: Iterable[tuple[int, StockKey, int]], sealed: dict[StockKey, int]
) -> list[Covered]:
    """What changes cover that no seal covers yet, in their order.

    A change says its revision, its key and the number of the key's last entry; ``sealed`` says up
    to which entry each key is sealed, and grows. A change without a new entry covers nothing.
    """
    found = []
    for revision, key, sequence in changes:
        first = sealed.get(key, 0) + 1
        if sequence >= first:
            found.append(Covered(revision, key, first, sequence))
            sealed[key] = sequence
    return found


class Chain:
    """The chain of seals while it is followed: ``check`` says where it is broken."""

    def __init__(self) -> None:
        self._head = Head()

    def check(self, one: Sealed) -> list[Finding]:
        """What is wrong with the next seal. The chain goes on from what is written."""
        covered = one.covered
        wanted = seal_of(self._head.seal, covered, one.entries)
        self._head = Head(covered.revision, one.seal)
        place = f"Entries {covered.first_sequence} to {covered.last_sequence}"
        if wanted == one.seal and one.times <= 1:
            return []
        if wanted == one.seal:
            return [
                Finding(
                    "CHANGES_ARE_WHOLE",
                    covered.key,
                    one.times,
                    1,
                    f"{place} were made at {one.times} instants, and only the change of revision "
                    f"{covered.revision} tells of them.",
                )
            ]
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
