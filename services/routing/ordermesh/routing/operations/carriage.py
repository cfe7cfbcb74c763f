"""Putting carriage."""

from collections.abc import Sequence
from datetime import datetime

from ordermesh.api.routing.v1 import PutCarriageRequest, PutCarriageResponse
from ordermesh.routing.domain.carriage.checking import findings, raise_first
from ordermesh.routing.domain.errors.requests import DuplicateEntry
from ordermesh.routing.ports.carriage import StoredEntry
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.carriage import (
    NewEntry,
    book,
    finding_messages,
    new_entry,
    stored,
    version_message,
)
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.idempotency import Mutations


class PutCarriage:
    """Makes versions of carriage."""

    def __init__(self, database: Database, mutations: Mutations, stores: Stores) -> None:
        self._database = database
        self._mutations = mutations
        self._stores = stores

    async def __call__(self, request: PutCarriageRequest) -> PutCarriageResponse:
        """Make the next versions, or say what is wrong; raises what the contract lists."""
        entries = [new_entry(message) for message in request.entries]
        named: set[tuple[str, str]] = set()
        for entry in entries:
            if (entry.kind, entry.id) in named:
                raise DuplicateEntry("entries", entry.id)
            named.add((entry.kind, entry.id))
        if request.validate_only:
            return await self._database.read(lambda tx: self._check(tx, entries))
        return await self._mutations.run(
            request, PutCarriageResponse, lambda tx: self._put(tx, entries)
        )

    async def _check(self, tx: Transaction, entries: Sequence[NewEntry]) -> PutCarriageResponse:
        now = await tx.now()
        before = await self._stores.carriage.in_force(tx)
        after, made = _next(before, entries, now, 0)
        found = findings(book(after), now)
        return PutCarriageResponse(changed_count=len(made), findings=finding_messages(found))

    async def _put(self, tx: Transaction, entries: Sequence[NewEntry]) -> PutCarriageResponse:
        revision = await self._stores.carriage.take_turns(tx)
        now = await tx.now()
        before = await self._stores.carriage.in_force(tx)
        after, made = _next(before, entries, now, revision)
        raise_first(findings(book(after), now))
        await self._stores.carriage.add(tx, made)
        in_force = {(one.kind, one.id): one.version for one in after}
        return PutCarriageResponse(
            changed_count=len(made),
            versions=[
                version_message(one.kind, one.id, in_force[one.kind, one.id]) for one in entries
            ],
        )


def _next(
    before: Sequence[StoredEntry], entries: Sequence[NewEntry], now: datetime, revision: int
) -> tuple[list[StoredEntry], list[StoredEntry]]:
    """What would be in force, and the versions that are new in it."""
    known = {(one.kind, one.id): one for one in before}
    made: list[StoredEntry] = []
    for entry in entries:
        last = known.get((entry.kind, entry.id))
        if last is None or last.payload != entry.payload:
            new = stored(entry, 1 if last is None else last.version + 1, now, revision)
            known[entry.kind, entry.id] = new
            made.append(new)
    return list(known.values()), made
