"""Planning a count, counting, and bringing the books to what was found."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.belonging import refuse_foreign
from ordermesh.inventory.domain.count import (
    Corrected,
    Count,
    Counted,
    CountLine,
    CountLineState,
    CountState,
    LastCount,
    Plan,
)
from ordermesh.inventory.domain.counting import (
    accept,
    cancel,
    opened,
    submit,
    undercut,
    undercut_by,
)
from ordermesh.inventory.domain.errors.catalog import KitHasNoStock
from ordermesh.inventory.domain.errors.counts import CountIdTaken, CountNotFound
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import AdjustmentReason, Ledger
from ordermesh.inventory.domain.movement import Document, documented
from ordermesh.inventory.operations.deciding import decide, make_room
from ordermesh.inventory.operations.writing import write
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.telemetry import Attributes

LINES_MAX = 5_000
"""Items that one count can hold, so that it fits in a message."""


async def plan_count(stores: Stores, tx: Transaction, plan: Plan, actor: Actor) -> Count:
    """Plan a count. Raises ``CountIdTaken``, ``UnknownSku``, ``UnknownLocation``,
    ``KitHasNoStock``, ``NotYourLocation``.
    """
    refuse_foreign(actor, [plan.location_id])
    names = Names()
    kits = await stores.items.resolve(tx, plan.skus, names)
    named = set(plan.skus) & kits.keys()
    if named:
        raise KitHasNoStock(named)
    await stores.locations.resolve(tx, [plan.location_id], names)
    planned = Count(
        count_id=plan.count_id,
        location_id=plan.location_id,
        state=CountState.PLANNED,
        threshold=plan.threshold,
        skus=tuple(sorted(plan.skus)),
        actor=actor,
        create_time=await tx.now(),
        assigned_to=plan.assigned_to,
        document=plan.document,
        note=plan.note,
    )
    if not await stores.counts.add(tx, planned, names):
        raise CountIdTaken(plan.count_id)
    return planned


async def open_count(stores: Stores, tx: Transaction, count_id: str, actor: Actor) -> Count:
    """Begin.

    Raises ``CountNotFound``, ``NotYourLocation``, ``WrongCountState``, ``TooMuchAsked``.
    """
    before, names = await _found(stores, tx, count_id, actor)
    expected = await stores.counts.expected(
        tx, names.location_ids[before.location_id], before.skus or None, LINES_MAX + 1
    )
    if len(expected) > LINES_MAX:
        raise TooMuchAsked("More items are stocked there than one count can hold.", LINES_MAX)
    await stores.items.look_up(tx, expected.keys(), names)
    after = opened(before, expected, await tx.now())
    await stores.counts.save(tx, before, after, names)
    return after


async def submit_count(
    stores: Stores,
    tx: Transaction,
    count_id: str,
    found: Sequence[Counted],
    counter: str,
    actor: Actor,
) -> Count:
    """Somebody counted. Raises as ``open_count`` and the domain's ``submit``."""
    before, names = await _found(stores, tx, count_id, actor)
    named = {one.sku for one in found}
    wanted = {line.sku: line.expected.sequence for line in before.lines if line.sku in named}
    here = [one for one in found if one.sku in wanted]
    return await _decided(
        stores,
        tx,
        names,
        before,
        wanted,
        {one.sku for one in here if one.units},
        Document(actor, before.document or count_id, before.note, AdjustmentReason.COUNTED),
        lambda ledger, known, now: submit(ledger, before, found, counter, now, known),
        lambda ledger, known: undercut(ledger, before, here, known),
    )


async def accept_count(
    stores: Stores,
    tx: Transaction,
    count_id: str,
    skus: Sequence[str],
    accepted_by: str,
    document: Document,
) -> Count:
    """Somebody believes it. Raises as ``open_count`` and the domain's ``accept``."""
    before, names = await _found(stores, tx, count_id, document.actor)
    wanted = {
        line.sku: line.tallies[-1].expected.sequence
        for line in before.lines
        if line.state is CountLineState.DISPUTED and (not skus or line.sku in skus)
    }
    return await _decided(
        stores,
        tx,
        names,
        before,
        wanted,
        {sku for sku in wanted if before.line(sku).tallies[-1].units},
        replace(document, document=before.document or count_id),
        lambda ledger, known, now: accept(
            ledger, before, skus, accepted_by, document.reason, now, known
        ),
        lambda ledger, known: undercut_by(ledger, before, skus, known),
    )


async def cancel_count(stores: Stores, tx: Transaction, count_id: str, actor: Actor) -> Count:
    """Call off what is not settled. Raises as ``open_count``."""
    before, names = await _found(stores, tx, count_id, actor)
    after = cancel(before, await tx.now())
    await stores.counts.save(tx, before, after, names)
    return after


async def _found(
    stores: Stores, tx: Transaction, count_id: str, actor: Actor
) -> tuple[Count, Names]:
    """The count, locked before any balance is, and the surrogates of its names."""
    count = await stores.counts.get(tx, count_id, lock=True)
    if count is None:
        raise CountNotFound(count_id)
    refuse_foreign(actor, [count.location_id])
    names = Names()
    await stores.locations.look_up(tx, [count.location_id], names)
    await stores.items.look_up(tx, {line.sku for line in count.lines} | set(count.skus), names)
    return count, names


async def _decided(
    stores: Stores,
    tx: Transaction,
    names: Names,
    before: Count,
    skus: Mapping[str, int],
    growing: set[str],
    document: Document,
    decision: Callable[[Ledger, Corrected, datetime], Count],
    breaking: Callable[[Ledger, Corrected], Mapping[StockKey, int]],
) -> Count:
    """Decide under the locks of the balances that may move, and write.

    ``skus`` have the sequences of their balances when it was noted what should be found. A record
    is made of what was found where there was none: ``growing``.
    """
    await stores.ledger.open(tx, names.pairs(before.key(sku) for sku in growing))
    books = await stores.ledger.lock(tx, names.pairs(before.key(sku) for sku in skus), names)
    kits = await stores.items.kits_among(tx, skus)
    if kits:
        raise KitHasNoStock(kits)
    now = await tx.now()
    since = {before.key(sku): sequence for sku, sequence in skus.items()}
    found = await stores.counts.corrected(tx, since, names)
    known = {key.sku: units for key, units in found.items()}
    books = await make_room(
        stores, tx, names, books, now, lambda ledger: breaking(ledger, known), document
    )
    decided = await decide(
        stores,
        tx,
        names,
        books,
        now,
        lambda ledger: decision(ledger, known, now),
        {Attributes.LINE_COUNT: len(skus)},
    )
    movements = await write(
        stores,
        tx,
        names,
        decided.ledger,
        books.terms,
        documented(decided.ledger, document),
        decided.expired,
        now,
    )
    moved = {entry.key.sku: movements[entry.cause] for entry in decided.ledger.entries}
    after = replace(
        decided.outcome,
        lines=tuple(_with_movement(line, before, moved) for line in decided.outcome.lines),
    )
    await stores.counts.save(tx, before, after, names)
    settled = [before.key(line.sku) for line in after.lines if _is_settled_now(line, before)]
    await stores.counts.remember(
        tx, {key: LastCount(decided.ledger.balance(key).sequence, now) for key in settled}, names
    )
    return after


def _is_settled_now(line: CountLine, before: Count) -> bool:
    return line.is_settled and not before.line(line.sku).is_settled


def _with_movement(line: CountLine, before: Count, moved: Mapping[str, UUID]) -> CountLine:
    if _is_settled_now(line, before) and line.sku in moved:
        return replace(line, movement_id=moved[line.sku])
    return line
