"""What every change of stock does: decide, and again where overdue holds are in the way."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

from ordermesh.inventory.domain.errors.stock import CuredByExpiry
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Ledger
from ordermesh.inventory.domain.movement import Document, documented
from ordermesh.inventory.domain.reservation import Line, Reservation
from ordermesh.inventory.domain.verbs import expire_for
from ordermesh.inventory.operations.overdue import Overdue
from ordermesh.inventory.operations.writing import write
from ordermesh.inventory.ports.ledger import Books
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.reservations import StoredReservation
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.telemetry import AttributeValue, span

T = TypeVar("T")


@dataclass(frozen=True)
class Decided(Generic[T]):
    """A decision: the ledger with its entries, what was decided, and what expired for it."""

    ledger: Ledger
    outcome: T
    expired: Sequence[StoredReservation]


def refuse_unlocked(reservations: Iterable[Reservation], books: Books) -> None:
    """Raise ``TransactionConflict`` when an open line is at a key that was not locked.

    The lines were read before the locks to know the keys; somebody may have moved one since. To
    lock more now would break the order of locks, so the whole is tried again.
    """
    for reservation in reservations:
        refuse_unlocked_lines(reservation.open_lines, books)


def refuse_unlocked_lines(lines: Iterable[Line], books: Books) -> None:
    """Raise ``TransactionConflict`` when one of the lines is at a key that was not locked."""
    if any(line.key not in books.balances for line in lines):
        raise TransactionConflict("A line was moved while its balance was being locked.")


async def decide(
    stores: Stores,
    tx: Transaction,
    names: Names,
    books: Books,
    now: datetime,
    decision: Callable[[Ledger], T],
    about: Mapping[str, AttributeValue],
    involved: Collection[UUID] = (),
    otherwise: Callable[[Ledger], T] | None = None,
) -> Decided[T]:
    """Decide; where stock is missing, expire overdue holds of those keys and decide again.

    ``about`` is told on the span of the decision. ``involved`` are reservations that the decision
    itself looks after. ``otherwise`` decides in the end, when no overdue hold helps any more.
    """
    with span("decide", about):
        ledger, overdue = books.opened(), Overdue(stores, tx, names, now)
        outcome = await decide_on(overdue, ledger, decision, involved, otherwise)
        return Decided(ledger, outcome, overdue.changes())


async def decide_on(
    overdue: Overdue,
    ledger: Ledger,
    decision: Callable[[Ledger], T],
    involved: Collection[UUID],
    otherwise: Callable[[Ledger], T] | None = None,
) -> T:
    """As ``decide``, on a ledger that others have decided on before; a refusal changes nothing.

    What expires for it is noted in ``overdue``, which remembers what is left for those after it.
    """
    mark = ledger.mark()
    final = otherwise or decision
    others: list[Reservation] = []
    try:
        return decision(ledger)
    except CuredByExpiry as refusal:
        ledger.undo(mark)
        missing = {key: units for key, units in refusal.missing.items() if ledger.has_record(key)}
        others = await overdue.in_the_way(ledger, missing, involved)
        if not others and otherwise is None:
            raise
    except BaseException:
        ledger.undo(mark)
        raise
    try:
        expired = expire_for(ledger, others, missing, overdue.now)
        outcome = final(ledger)
    except BaseException:
        ledger.undo(mark)
        raise
    overdue.note(expired)
    return outcome


def owed(ledger: Ledger, keys: Iterable[StockKey]) -> dict[StockKey, int]:
    """The keys with a deficit, and one unit beyond it: all overdue holds that are part of it go.

    They count for nobody, so nothing that a deficit decides about may be decided by theirs.
    """
    return {key: 1 for key in keys if ledger.balance(key).short}


async def make_room(
    stores: Stores,
    tx: Transaction,
    names: Names,
    books: Books,
    now: datetime,
    breaking: Callable[[Ledger], Mapping[StockKey, int]],
    document: Document,
    involved: Collection[UUID] = (),
) -> Books:
    """Expire overdue holds before a fact breaks promises; gives the books as they are then.

    ``breaking`` says by how many units the fact goes beyond what is free. A fact is not refused, so
    nothing else would look for what is overdue. None of those ``involved`` is expired here.
    """
    ledger, overdue = books.opened(), Overdue(stores, tx, names, now)
    if not await overdue.make_way(ledger, breaking(ledger), involved):
        return books
    documents = documented(ledger, document)
    await write(stores, tx, names, ledger, books.terms, documents, overdue.changes(), now)
    return books.after(ledger)
