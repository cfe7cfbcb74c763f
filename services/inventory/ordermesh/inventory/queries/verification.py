"""The check of the books, in parts, while the service goes on working."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

from ordermesh.inventory.domain.seal import Chain, Head, Sealed
from ordermesh.inventory.domain.verification import (
    Chunk,
    Finding,
    examine,
    examine_reservation,
    examine_supply,
    examine_transit,
    oversold,
    unguarded,
)
from ordermesh.inventory.ports.seals import SealStore
from ordermesh.inventory.ports.verification import VerificationStore
from ordermesh.runtime.database import Transaction

T = TypeVar("T")

BALANCES = 2_000
RESERVATIONS = 5_000
SEALS = 2_000
SUPPLIES = 5_000
FINDINGS_MAX = 1_000
"""Findings that one message carries, so that a damaged ledger can still be told of."""


class Reader(Protocol):
    """Who runs reads, each on one snapshot, with time for very much."""

    async def survey(self, work: Callable[[Transaction], Awaitable[T]]) -> T:
        """Run ``work`` on one consistent snapshot."""
        ...


@dataclass
class Progress:
    """How far the check has come; ``findings`` are new since the last one, ``head`` is how far
    the books are sealed."""

    checked_count: int = 0
    total_count: int = 0
    entry_count: int = 0
    units_oversold: int = 0
    found_count: int = 0
    is_done: bool = False
    findings: Sequence[Finding] = ()
    head: Head = field(default_factory=Head)


async def verify_ledger(
    store: VerificationStore, seals: SealStore, reader: Reader
) -> AsyncIterator[Progress]:
    """Check all balances, reservations and seals, each part in one snapshot; the last is done."""
    progress = Progress(total_count=await reader.survey(store.size))
    after: int | None = 0
    while after is not None:
        chunk = await reader.survey(partial(_balances, store, after))
        findings = [finding for facts in chunk.keys for finding in examine(facts)]
        findings += examine_transit(chunk.keys)
        progress.checked_count += chunk.balance_count
        progress.total_count = max(progress.total_count, progress.checked_count)
        progress.entry_count += sum(facts.entry_count for facts in chunk.keys)
        progress.units_oversold += sum(oversold(facts) for facts in chunk.keys)
        for part in _parts(progress, findings):
            yield part
        after = chunk.last if isinstance(chunk.last, int) else None
    for check in (_check_supplies(store, reader), _check_reservations(store, reader)):
        async for wrong in check:
            for part in _parts(progress, wrong):
                yield part
    async for broken, head in _check_seals(seals, reader):
        progress.head = head
        if broken:
            for part in _parts(progress, broken):
                yield part
    lost = unguarded(await reader.survey(store.unguarded))
    if lost:
        for part in _parts(progress, lost):
            yield part
    progress.is_done, progress.findings = True, ()
    yield progress


async def _check_supplies(
    store: VerificationStore, reader: Reader
) -> AsyncIterator[Sequence[Finding]]:
    """What is wrong with supplies and those who wait for them, part by part."""
    after: str | None = ""
    while after is not None:
        chunk = await reader.survey(partial(_supplies, store, after))
        findings = [one for facts in chunk.supplies for one in examine_supply(facts)]
        if findings:
            yield findings
        after = chunk.last if isinstance(chunk.last, str) else None


async def _check_reservations(
    store: VerificationStore, reader: Reader
) -> AsyncIterator[Sequence[Finding]]:
    """What is wrong with reservations, part by part."""
    after: UUID | None = None
    while True:
        chunk = await reader.survey(partial(_reservations, store, after))
        findings = [one for facts in chunk.reservations for one in examine_reservation(facts)]
        if findings:
            yield findings
        if not isinstance(chunk.last, UUID):
            break
        after = chunk.last


async def _check_seals(
    seals: SealStore, reader: Reader
) -> AsyncIterator[tuple[Sequence[Finding], Head]]:
    """What is wrong with the chain, part by part, and how far it reaches.

    How far is read first: what is sealed meanwhile is followed to there and no further. What has a
    seal beyond the head was not sealed meanwhile: the two are written together.
    """
    chain, after = Chain(), 0
    head, reach = await reader.survey(seals.reach)
    while True:
        page = await reader.survey(partial(_seals, seals, after))
        told = [one for one in page if one.covered.revision <= max(reach, head.revision)]
        findings = [finding for one in told for finding in chain.check(one)]
        if findings:
            yield findings, head
        if len(page) < SEALS or len(told) < len(page):
            break
        after = page[-1].covered.revision
    yield chain.end(head), head


def _seals(seals: SealStore, after: int, tx: Transaction) -> Awaitable[Sequence[Sealed]]:
    return seals.page(tx, after, SEALS)


def _balances(store: VerificationStore, after: int, tx: Transaction) -> Awaitable[Chunk]:
    return store.balances(tx, after, BALANCES)


def _supplies(store: VerificationStore, after: str, tx: Transaction) -> Awaitable[Chunk]:
    return store.supplies(tx, after, SUPPLIES)


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
