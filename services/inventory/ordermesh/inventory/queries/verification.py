"""The check of the books, in parts, while the service goes on working."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

from ordermesh.inventory.domain.verification import (
    Chunk,
    Finding,
    examine,
    examine_reservation,
    examine_transit,
    oversold,
)
from ordermesh.inventory.ports.verification import VerificationStore
from ordermesh.runtime.database import Transaction

T = TypeVar("T")

BALANCES = 2_000
RESERVATIONS = 5_000
FINDINGS_MAX = 1_000
"""Findings that one message carries, so that a damaged ledger can still be told of."""


class Reader(Protocol):
    """Who runs reads, each on one snapshot."""

    async def read(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run ``work`` on one consistent snapshot."""
        ...


@dataclass
class Progress:
    """How far the check has come; ``findings`` are new since the last one."""

    checked_count: int = 0
    total_count: int = 0
    entry_count: int = 0
    units_oversold: int = 0
    found_count: int = 0
    is_done: bool = False
    findings: Sequence[Finding] = ()


async def verify_ledger(store: VerificationStore, reader: Reader) -> AsyncIterator[Progress]:
    """Check every balance and reservation; each part is one snapshot. The last one is done."""
    progress = Progress(total_count=await reader.read(store.size))
    after: int | None = 0
    while after is not None:
        chunk = await reader.read(partial(_balances, store, after))
        findings = [finding for facts in chunk.keys for finding in examine(facts)]
        findings += examine_transit(chunk.keys)
        progress.checked_count += chunk.balance_count
        progress.total_count = max(progress.total_count, progress.checked_count)
        progress.entry_count += sum(facts.entry_count for facts in chunk.keys)
        progress.units_oversold += sum(oversold(facts) for facts in chunk.keys)
        for part in _parts(progress, findings):
            yield part
        after = chunk.last if isinstance(chunk.last, int) else None
    last: UUID | None = None
    while True:
        chunk = await reader.read(partial(_reservations, store, last))
        findings = [one for facts in chunk.reservations for one in examine_reservation(facts)]
        if findings:
            for part in _parts(progress, findings):
                yield part
        if not isinstance(chunk.last, UUID):
            break
        last = chunk.last
    progress.is_done, progress.findings = True, ()
    yield progress


def _balances(store: VerificationStore, after: int, tx: Transaction) -> Awaitable[Chunk]:
    return store.balances(tx, after, BALANCES)


def _reservations(
    store: VerificationStore, after: UUID | None, tx: Transaction
) -> Awaitable[Chunk]:
    return store.reservations(tx, after, RESERVATIONS)


def _parts(progress: Progress, findings: Sequence[Finding]) -> Iterator[Progress]:
    """The progress with its findings, in as many messages as they need."""
    progress.found_count += len(findings)
    for start in range(0, max(1, len(findings)), FINDINGS_MAX):
        progress.findings = findings[start : start + FINDINGS_MAX]
        yield progress
