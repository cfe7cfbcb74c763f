"""Promising stock to many at once: one decision after the other, under the locks of all.

What waits at one moment shares one transaction, and so its fixed cost. Each wish is decided as if
it were alone, in the order in which they came, on what the ones before have left.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from uuid import UUID

from opentelemetry.context import Context

from ordermesh.inventory.domain.answers import Room, portions_bytes, refuse_too_large
from ordermesh.inventory.domain.errors.catalog import UnknownLocation, UnknownSku
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Kit, exploded, with_modes
from ordermesh.inventory.domain.ledger import Cause, Ledger, Mark
from ordermesh.inventory.domain.limits import Buyer, Purchases
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.movement import Document
from ordermesh.inventory.domain.quotas import OpenHolds
from ordermesh.inventory.domain.reservation import Reservation
from ordermesh.inventory.domain.reserving import Ask, Reserved, refuse_malformed, reserve
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.waiting import Due
from ordermesh.inventory.operations.deciding import decide_on, refuse_unlocked
from ordermesh.inventory.operations.grouping import (
    BREADTH_MAX,
    Members,
    breadth_of,
    members_of,
    refuse_unknown,
    with_candidates,
)
from ordermesh.inventory.operations.kits import with_kits
from ordermesh.inventory.operations.limiting import lock_buyers, purchases_of
from ordermesh.inventory.operations.overdue import Overdue
from ordermesh.inventory.operations.reservations import Kept
from ordermesh.inventory.operations.writing import write
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.reservations import StoredReservation
from ordermesh.inventory.ports.stores import Stores
from ordermesh.kernel.errors import DomainError
from ordermesh.kernel.records import record
from ordermesh.runtime import failpoints
from ordermesh.runtime.batching import LATER, Later
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.engines import TransactionConflict
from ordermesh.runtime.telemetry import Attributes, AttributeValue, is_traced, span, within


@record
class Wish:
    """What somebody wants to hold, and the trace that it is part of.

    ``is_limited``: its caller may have so many open holds and no more. ``call`` is that with which
    it came: the wishes of one are decided in their order. 0: it is not known. ``room`` is what the
    answers of that call may take together, beyond ``share`` bytes that are always there for this.
    """

    actor: Actor
    ask: Ask
    trace: Context
    is_limited: bool = False
    call: int = 0
    room: Room | None = None
    share: int = 0

    @property
    def named(self) -> Sequence[UUID]:
        """The reservations that it is about."""
        return (self.ask.reservation_id, *self.ask.replaces)


Verdict = Kept | DomainError | Later
"""A reservation, why there is none, or that the wish is to be in the next batch."""


async def reserve_many(
    stores: Stores, tx: Transaction, wishes: Sequence[Wish], *, is_rehearsal: bool = False
) -> Sequence[Verdict]:
    """Decide on each wish, for itself; only the first is sure to be decided.

    A rehearsal writes nothing.

    A verdict may be ``DuplicateEntry``, ``UnknownSku``, ``UnknownLocation``, ``TooMuchAsked`` and
    what the domain's ``reserve`` raises. Raises ``TransactionConflict``.
    """
    names = Names()
    asks = await _prepared(stores, tx, wishes, names)
    callers = {wish.actor.owner for wish in wishes if wish.is_limited}
    sound = [one for one in asks if isinstance(one, Ask)]
    batch = await _locked(stores, tx, names, sound, callers)
    verdicts: list[Verdict] = []
    for wish, ask in zip(wishes, asks, strict=True):
        verdicts.append(await batch.decide(wish, ask) if isinstance(ask, Ask) else ask)
    if failpoints.armed:
        await failpoints.reach(failpoints.points.LEDGER_DECIDED)
    if not is_rehearsal:
        await batch.write()
    return verdicts


async def _prepared(
    stores: Stores, tx: Transaction, wishes: Sequence[Wish], names: Names
) -> list[Ask | DomainError | Later]:
    """The wishes with kits taken apart, or why they cannot be decided, now or at all."""
    wanted = [line for wish in wishes for line in wish.ask.wanted]
    kits = await stores.items.look_up(tx, {line.key.sku for line in wanted}, names)
    places = {line.key.location_id for line in wanted if not line.group}
    await stores.locations.look_up(tx, places, names)
    members = await members_of(stores, tx, [wish.ask for wish in wishes], names)
    room, asks = BREADTH_MAX, list[Ask | DomainError | Later]()
    for wish in wishes:
        ask = _taken_apart(wish.ask, kits, members, names)
        breadth = breadth_of(ask, members) if members and isinstance(ask, Ask) else 0
        # Who comes after one that is put off may want of the same.
        room = room - breadth if breadth <= room else -1
        asks.append(ask if room >= 0 else LATER)
    sound = [one for one in asks if isinstance(one, Ask)]
    ready = iter(await with_candidates(stores, tx, sound, members, names))
    return [next(ready) if isinstance(one, Ask) else one for one in asks]


def _taken_apart(
    ask: Ask, kits: Mapping[str, Kit], members: Members, names: Names
) -> Ask | DomainError:
    try:
        refuse_malformed(ask.wanted)
        # Asked one by one: to take all known names away from a few costs as much as all are.
        unknown = {line.key.sku for line in ask.wanted if line.key.sku not in names.item_ids}
        if unknown:
            raise UnknownSku(unknown)
        nowhere = {
            line.key.location_id
            for line in ask.wanted
            if not line.group and line.key.location_id not in names.location_ids
        }
        if nowhere:
            raise UnknownLocation(nowhere)
        refuse_unknown(ask, members)
        if kits or names.modes:
            ask = replace(ask, wanted=with_modes(exploded(ask.wanted, kits), names.modes))
        if members:
            breadth_of(ask, members)
        return ask
    except DomainError as refusal:
        return refusal


async def _locked(
    stores: Stores, tx: Transaction, names: Names, asks: Sequence[Ask], callers: Collection[str]
) -> "ReserveBatch":
    """All that the decisions need, locked and read."""
    is_locked = await lock_buyers(stores, tx, (ask.buyer for ask in asks))
    shoppers = {ask.customer for ask in asks if ask.customer and ask.hold_duration}
    shoppers = shoppers if stores.quotas.concern_customers else set()
    if shoppers and not is_locked:
        await stores.controls.lock_buyers(tx, {Buyer(customer=one) for one in shoppers})
    replaced = {one for ask in asks for one in ask.replaces}
    pairs = names.pairs(
        key
        for ask in asks
        for line in ask.wanted
        if line.mode is not ReservationMode.NONE
        for key in line.keys
    )
    pairs |= await stores.reservations.open_pairs(tx, replaced)
    books = await stores.ledger.lock(tx, pairs, names)
    if failpoints.armed:
        await failpoints.reach(failpoints.points.LEDGER_LOCKED)
    made = {ask.reservation_id for ask in asks}
    known = await stores.reservations.load(tx, made | replaced, names)
    refuse_unlocked((known[one] for one in replaced if one in known), books)
    parts = (line for ask in asks for line in ask.wanted if line.kit_sku)
    kits = {StockKey(part.kit_sku, key.location_id) for part in parts for key in part.keys}
    terms = await with_kits(stores, tx, books.terms, kits)
    now = await tx.now()
    wanted = (ask.wanted for ask in asks)
    buyers = (ask.buyer for ask in asks)
    purchases = await purchases_of(
        stores, tx, names, terms, wanted, buyers, now, is_locked=is_locked
    )
    holds = OpenHolds(
        stores.quotas,
        await stores.holds.of_customers(tx, shoppers, now),
        await stores.holds.of_callers(
            tx, callers if stores.quotas.caller_reservations else (), now
        ),
    )
    patient = names.pairs(
        line.key
        for ask in asks
        for line in ask.wanted
        if line.is_held and line.wait is not None and not line.group
    )
    due = await stores.supplies.due(tx, patient, stores.supply_rule, now, names)
    if any(key not in books.balances for key in due):
        raise TransactionConflict("A supply was announced while balances were being locked.")
    overdue = Overdue(stores, tx, names, now)
    return ReserveBatch(
        stores, tx, names, terms, books.opened(), purchases, holds, now, known, due, overdue
    )


@dataclass
class ReserveBatch:
    """The state of one transaction in which several wishes are decided."""

    stores: Stores
    tx: Transaction
    names: Names
    terms: Terms
    ledger: Ledger
    purchases: Purchases
    holds: OpenHolds
    now: datetime
    known: Mapping[UUID, Reservation]
    due: Due
    overdue: Overdue
    replaced: set[UUID] = field(default_factory=set)
    asks: dict[UUID, Ask] = field(default_factory=dict)
    named: set[UUID] = field(default_factory=set)
    awaited: set[tuple[int, StockKey | str]] = field(default_factory=set)
    changes: list[StoredReservation] = field(default_factory=list)
    documents: dict[Cause, Document] = field(default_factory=dict)

    async def decide(self, wish: Wish, ask: Ask) -> Verdict:
        """The verdict on one; what it moves stays in the ledger for the next.

        Who came with somebody who is put off, and wants of the same, is put off too.
        """
        verdict: Verdict = LATER
        if not self._must_wait(wish, ask):
            try:
                verdict = await self._told(wish, ask)
            except DomainError as refusal:
                verdict = refusal
        self.named.update(wish.named)
        self.asks.setdefault(ask.reservation_id, ask)
        if wish.call and isinstance(verdict, Later):
            self.awaited.update((wish.call, one) for one in self._touched(wish, ask))
        return verdict

    def _must_wait(self, wish: Wish, ask: Ask) -> bool:
        """Whether something is to be decided and written before it."""
        # Two wishes about one reservation are decided one after the other.
        if not self.named.isdisjoint(wish.named):
            return True
        if not self.overdue.touched.isdisjoint(ask.replaces):
            return True
        if not self.awaited:
            return False
        return any((wish.call, one) in self.awaited for one in self._touched(wish, ask))

    def _touched(self, wish: Wish, ask: Ask) -> set[StockKey | str]:
        """What the verdict depends on or changes: keys; buyers, and callers, that are limited."""
        touched: set[StockKey | str] = {key for line in ask.wanted for key in line.keys}
        for one in ask.replaces:
            if one in self.known:
                touched.update(line.key for line in self.known[one].open_lines)
            elif one in self.asks:
                touched.update(key for line in self.asks[one].wanted for key in line.keys)
        if self.terms.controls.limits_purchases:
            touched.update(name for name in (ask.order_id, ask.customer) if name)
        if self.stores.quotas.concern(ask.customer, is_limited=wish.is_limited):
            touched.update(name for name in (wish.actor.owner, ask.customer) if name)
        return touched

    async def _told(self, wish: Wish, ask: Ask) -> Kept:
        """The verdict, on a span of the wish's own trace where that goes anywhere."""
        if not is_traced(wish.trace):
            return await self._decide(wish, ask)
        with within(wish.trace), span("decide", _about(ask)):
            return await self._decide(wish, ask)

    def _reserve(self, wish: Wish, ask: Ask, ledger: Ledger, *, is_final: bool = False) -> Reserved:
        reserved = reserve(
            ledger,
            wish.actor,
            ask,
            self.known,
            self.terms,
            self.now,
            self.purchases,
            due=self.due,
            is_final=is_final or not ask.takes_less,
        )
        made, replaced, _ = reserved
        before = [self.known[one.reservation_id] for one in replaced]
        self.holds.refuse_over_quota(made, before, self.now, is_limited=wish.is_limited)
        size = refuse_too_large(made) + portions_bytes(reserved.portions)
        if wish.room is not None:
            wish.room.claim(ask.reservation_id, max(0, size - wish.share))
        return reserved

    async def _decide(self, wish: Wish, ask: Ask) -> Kept:
        decision = partial(self._reserve, wish, ask)
        mark = self.ledger.mark()
        reserved = await decide_on(
            self.overdue,
            self.ledger,
            decision,
            self.replaced.union(wish.named) if self.replaced else wish.named,
            partial(decision, is_final=True) if ask.takes_less else None,
        )
        self._keep(wish, reserved, mark)
        return Kept(reserved.made, self.now, reserved.portions)

    def _keep(self, wish: Wish, reserved: Reserved, mark: Mark) -> None:
        made, replaced, _ = reserved
        self.changes.append(StoredReservation(None, made))
        before = [self.known[one.reservation_id] for one in replaced]
        self.changes += map(StoredReservation, before, replaced)
        if self.terms.controls.limits_purchases:
            self.purchases.renew(replaced)
            self.purchases.note(made)
        self.holds.note(made, before, self.now)
        self.replaced.update(one.reservation_id for one in replaced)
        document = Document(wish.actor)
        self.documents.update((entry.cause, document) for entry in self.ledger.since(mark))

    async def write(self) -> None:
        """Write what was decided."""
        await write(
            self.stores,
            self.tx,
            self.names,
            self.ledger,
            self.terms,
            self.documents,
            [*self.changes, *self.overdue.changes()],
            self.now,
        )


def _about(ask: Ask) -> dict[str, AttributeValue]:
    """What is told on the span of a decision."""
    return {
        Attributes.RESERVATION_ID: str(ask.reservation_id),
        Attributes.ORDER_ID: ask.order_id,
        Attributes.LINE_COUNT: len(ask.wanted),
    }
