"""Promising stock, and what becomes of the promise."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from uuid import UUID

from ordermesh.inventory.domain.errors.reservation import ReservationNotFound
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import Ledger
from ordermesh.inventory.domain.limits import Purchases
from ordermesh.inventory.domain.movement import Document, documented
from ordermesh.inventory.domain.portions import Portion
from ordermesh.inventory.domain.reservation import Reservation, Selection, Taking
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.verbs import confirm, extend, release
from ordermesh.inventory.operations.deciding import (
    Decided,
    decide,
    refuse_unlocked,
    refuse_unlocked_lines,
)
from ordermesh.inventory.operations.kits import with_kits
from ordermesh.inventory.operations.limiting import (
    lock_buyer_of,
    purchases_of,
    refuse_unlocked_buyers,
)
from ordermesh.inventory.operations.writing import write
from ordermesh.inventory.ports.ledger import Books
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.reservations import StoredReservation
from ordermesh.inventory.ports.stores import Stores
from ordermesh.kernel.records import record
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.telemetry import Attributes

T = TypeVar("T")


@record
class Kept:
    """A reservation as it is now, at the instant of the database's clock that decided."""

    reservation: Reservation
    now: datetime
    portions: Sequence[Portion] = ()


@dataclass(frozen=True)
class Released:
    """What a release did; the reservation is None when it did not exist and is now remembered."""

    reservation: Reservation | None
    takings: Sequence[Taking]
    now: datetime


@dataclass(frozen=True)
class Verb:
    """Who wants something of which reservation, with which fence; 0 is none."""

    actor: Actor
    reservation_id: UUID
    fence: int = 0


async def confirm_reservation(
    stores: Stores, tx: Transaction, verb: Verb, *, again: bool = False
) -> Kept:
    """Make a hold last; ``again``: reserve anew what was not confirmed in time.

    Raises ``ReservationNotFound`` and as the domain's ``confirm``.
    """
    buyers, is_locked = await lock_buyer_of(stores, tx, verb.reservation_id)
    entered = await _enter(stores, tx, verb, with_expired=again)
    refuse_unlocked_buyers(entered.books.terms, is_locked=is_locked)
    terms: Terms | None = None
    purchases: Purchases | None = None
    if again:
        parts = [line for line in entered.before.lines if line.kit_sku]
        kits = {StockKey(part.kit_sku, part.key.location_id) for part in parts}
        terms = await with_kits(stores, tx, entered.books.terms, kits)
        refuse_unlocked_lines(entered.before.lost_lines, entered.books)
        purchases = await purchases_of(
            stores,
            tx,
            entered.names,
            terms,
            [entered.before.lines],
            buyers,
            entered.now,
            is_locked=is_locked,
        )

    def decision(ledger: Ledger, *, is_final: bool) -> Reservation:
        return confirm(
            ledger,
            entered.after,
            entered.now,
            terms=terms,
            purchases=purchases,
            is_final=is_final,
        )

    decided = await entered.decide(
        partial(decision, is_final=False), partial(decision, is_final=True)
    )
    await entered.write(decided, decided.outcome)
    return Kept(decided.outcome, entered.now)


async def extend_reservation(
    stores: Stores, tx: Transaction, verb: Verb, hold_duration: timedelta
) -> Kept:
    """Give a hold more time. Raises ``ReservationNotFound`` and as the domain's ``extend``."""
    _, is_locked = await lock_buyer_of(stores, tx, verb.reservation_id)
    entered = await _enter(stores, tx, verb)
    refuse_unlocked_buyers(entered.books.terms, is_locked=is_locked)
    decided = await entered.decide(
        lambda ledger: extend(ledger, entered.after, hold_duration, entered.now)
    )
    await entered.write(decided, decided.outcome)
    return Kept(decided.outcome, entered.now)


async def release_reservation(
    stores: Stores, tx: Transaction, verb: Verb, selections: Sequence[Selection]
) -> Released:
    """Take promises back; what does not exist is remembered, so that it cannot be made later.

    Raises as the domain's ``release``.
    """
    entered = await _find(stores, tx, verb)
    if entered is None or entered.before.is_tombstone:
        now = entered.now if entered else await tx.now()
        if entered is None:
            await stores.reservations.save(
                tx, [StoredReservation(None, _tombstone(verb, now))], Names()
            )
        nothing = [Taking(selection.quantity, 0, {}) for selection in selections]
        return Released(None, nothing, now)
    decided = await entered.decide(
        lambda ledger: release(ledger, entered.after, selections, entered.now)
    )
    outcome, takings = decided.outcome
    await entered.write(decided, outcome)
    return Released(outcome, takings, entered.now)


@dataclass
class _Entered:
    """A reservation whose balances are locked and whose lines were read after that."""

    stores: Stores
    tx: Transaction
    names: Names
    books: Books
    before: Reservation
    now: datetime
    verb: Verb

    @property
    def after(self) -> Reservation:
        """The reservation as this verb may work on it; raises as ``Reservation.entered``."""
        return self.before.entered(self.verb.actor, self.verb.fence)

    async def decide(
        self, decision: Callable[[Ledger], T], otherwise: Callable[[Ledger], T] | None = None
    ) -> Decided[T]:
        """Decide on it, and on nothing else but overdue holds that are in the way."""
        return await decide(
            self.stores,
            self.tx,
            self.names,
            self.books,
            self.now,
            decision,
            {
                Attributes.RESERVATION_ID: str(self.verb.reservation_id),
                Attributes.ORDER_ID: self.before.order_id,
                Attributes.LINE_COUNT: len(self.before.open_lines),
            },
            {self.verb.reservation_id},
            otherwise,
        )

    async def write(self, decided: Decided[T], outcome: Reservation) -> None:
        """Write what was decided."""
        await write(
            self.stores,
            self.tx,
            self.names,
            decided.ledger,
            self.books.terms,
            documented(decided.ledger, Document(self.verb.actor)),
            [StoredReservation(self.before, outcome), *decided.expired],
            self.now,
        )


async def _enter(
    stores: Stores, tx: Transaction, verb: Verb, *, with_expired: bool = False
) -> _Entered:
    entered = await _find(stores, tx, verb, with_expired=with_expired)
    if entered is None:
        raise ReservationNotFound(verb.reservation_id)
    return entered


async def _find(
    stores: Stores, tx: Transaction, verb: Verb, *, with_expired: bool = False
) -> _Entered | None:
    names = Names()
    pairs = await stores.reservations.open_pairs(
        tx, [verb.reservation_id], with_expired=with_expired
    )
    books = await stores.ledger.lock(tx, pairs, names)
    known = await stores.reservations.load(tx, [verb.reservation_id], names)
    before = known.get(verb.reservation_id)
    if before is None:
        return None
    before.refuse_strangers(verb.actor)
    refuse_unlocked([before], books)
    return _Entered(stores, tx, names, books, before, await tx.now(), verb)


def _tombstone(verb: Verb, now: datetime) -> Reservation:
    return Reservation(
        reservation_id=verb.reservation_id,
        owner=verb.actor.owner,
        order_id="",
        create_time=now,
        fence=verb.fence,
        is_tombstone=True,
    )
