"""What every decision ends with: the books, the reservations, and who is short now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.ledger import Cause, Ledger
from ordermesh.inventory.domain.movement import Document
from ordermesh.inventory.domain.reservation import Line, LineState
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.shortfall import Shortfall, hit, pay
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.reservations import StoredReservation
from ordermesh.inventory.ports.stores import Stores
from ordermesh.kernel.ids import derived_id
from ordermesh.runtime import failpoints
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.idempotency import reused


async def write(
    stores: Stores,
    tx: Transaction,
    names: Names,
    ledger: Ledger,
    terms: Terms,
    documents: Mapping[Cause, Document],
    changes: Sequence[StoredReservation],
    now: datetime,
) -> dict[Cause, UUID]:
    """Write what was decided, and tell whom it concerns; gives the movement of each cause.

    Nothing else writes into the books: balances, promises and shortfalls would not agree.
    """
    movements = await stores.ledger.record(tx, names, ledger, terms, documents, now)
    await _save(stores, tx, changes, names)
    await _settle_shortfalls(stores, tx, names, ledger, movements, now)
    if failpoints.armed:
        await failpoints.reach(failpoints.points.LEDGER_WRITTEN)
    return movements


async def known_movement(stores: Stores, tx: Transaction, document: Document) -> UUID | None:
    """The movement that this request made once, None where it has made none.

    To be asked under the locks of its keys: a twin may have moved them while they were waited for.
    Raises ``RequestIdReused`` where another request with its id made one.
    """
    if document.demand is None:
        return None
    known = await stores.ledger.asked_for(tx, document.demand.request_id)
    if known is None:
        return None
    movement_id, digest = known
    if digest != document.demand.digest:
        raise reused(document.demand.request_id)
    return movement_id


async def _save(
    stores: Stores, tx: Transaction, changes: Sequence[StoredReservation], names: Names
) -> None:
    """Write reservations, and tell the peers which lines expired, and which promises broke."""
    told: list[StoredReservation] = []
    for change in changes:
        lines = _newly_expired(change)
        after = change.after
        if lines:
            after = replace(after, event_sequence=after.event_sequence + 1)
            await stores.announcer.expired(tx, after, lines)
        broken = _newly_broken(change)
        if broken:
            after = replace(after, event_sequence=after.event_sequence + 1)
            await stores.announcer.broken(tx, after, broken)
        told.append(StoredReservation(change.before, after))
    await stores.reservations.save(tx, told, names)


def _newly_expired(change: StoredReservation) -> list[Line]:
    known: Mapping[int, Line] = (
        {line.number: line for line in change.before.lines} if change.before else {}
    )
    return [
        line
        for line in change.after.lines
        if line.state is LineState.EXPIRED
        and line.number in known
        and known[line.number].state is not LineState.EXPIRED
    ]


def _newly_broken(change: StoredReservation) -> list[Line]:
    known = {line.number for line in change.before.lines if line.is_broken} if change.before else ()
    return [line for line in change.after.lines if line.is_broken and line.number not in known]


async def _settle_shortfalls(
    stores: Stores,
    tx: Transaction,
    names: Names,
    ledger: Ledger,
    movements: Mapping[Cause, UUID],
    now: datetime,
) -> None:
    """Open and close shortfalls where units are short, or were until now.

    The lines of reservations are written before: they say who holds what.
    """
    deficits = ledger.deficits()
    if not deficits:
        return
    last = {entry.key: movements[entry.cause] for entry in ledger.entries}
    standing = await stores.shortfalls.standing(tx, deficits, names)
    changed: list[Shortfall] = []
    opened: list[Shortfall] = []
    for key, deficit in deficits.items():
        before = standing.get(key, [])
        ids = {one.reservation_id for one in before}
        promised = await stores.shortfalls.promised(tx, key, names, ids) if ids else {}
        after = pay(before, deficit, promised, now)
        changed += [one for one, old in zip(after, before, strict=True) if one != old]
        more = deficit - sum(one.open_quantity for one in after)
        if more:
            # Each of those before may hold all that it can be short of.
            candidates = await stores.shortfalls.candidates(tx, key, names, more + len(ids))
            opened += [
                Shortfall(
                    derived_id("shortfall", last[key], *key, one.reservation_id),
                    key,
                    one.reservation_id,
                    one.order_id,
                    one.line_ids,
                    units,
                    units,
                    last[key],
                    now,
                )
                for one, units in hit(more, candidates, after)
            ]
    await stores.shortfalls.change(tx, changed)
    await stores.shortfalls.add(tx, opened, names)
    for one in opened:
        await stores.announcer.shortfall_opened(tx, one)
    for one in changed:
        if not one.is_open:
            await stores.announcer.shortfall_closed(tx, one)
