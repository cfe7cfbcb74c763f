"""Promises on goods that are still to come: how they are made, kept, and broken.

On hand is used first, then supplies in the order of their dates. Whoever changes a supply, or what
is promised of it, holds the lock of the balance of its key: there is no other order of locks.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from uuid import UUID

from ordermesh.inventory.domain.conditions import UNCONDITIONAL
from ordermesh.inventory.domain.errors.stock import InsufficientStock, NotStockedHere
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import Wanted, kits_among
from ordermesh.inventory.domain.ledger import Account, Cause, Ledger
from ordermesh.inventory.domain.movement import summed
from ordermesh.inventory.domain.reservation import Draft, Line, Reservation
from ordermesh.inventory.domain.selling import Terms, refuse_short
from ordermesh.inventory.domain.supply import Supply
from ordermesh.kernel.records import record

Due = Mapping[StockKey, Sequence[Supply]]
"""What may be counted on at each key, in the order of dates."""

NOTHING_DUE: Due = {}

_NEVER = datetime.max.replace(tzinfo=UTC)


@record
class Part:
    """A part of what is wanted: on hand, or of a supply."""

    wanted: Wanted
    supply_id: str = ""

    @property
    def is_on_hand(self) -> bool:
        """Whether units that are there are held for it."""
        return self.wanted.is_held and not self.supply_id


@dataclass(frozen=True)
class Market:
    """Who sells: on which terms, through which channel, when, and what is due by then."""

    terms: Terms
    channel: str
    now: datetime
    due: Due = field(default_factory=dict)

    def sellable(self, ledger: Ledger, key: StockKey, coming: int = 0) -> int:
        """Units of a key that may be taken, when so many have come."""
        return self.terms.available(
            key,
            ledger.balance(key),
            self.now,
            channel=self.channel,
            returning=coming,
            taken=lambda number: ledger.taken(number, key),
        )


def allot(
    ledger: Ledger, wanted: Sequence[Wanted], market: Market, *, without_record: bool = True
) -> list[Part]:
    """Where each wish is met from; nothing is moved yet.

    What must be on hand comes first; then those who may wait, the most urgent first, each on hand
    before supply: like this whatever can be met is met. Raises ``NotStockedHere`` and
    ``InsufficientStock`` as ``refuse_short``; ``available`` then counts supply in time too.
    """
    held = [line for line in wanted if line.is_held]
    is_patient = any(_is_patient(line) for line in held)
    refuse_short(
        ledger,
        {} if is_patient else summed((line.key, line.quantity) for line in held),
        market.terms,
        market.now,
        channel=market.channel,
        kits=kits_among(held),
        without_record=without_record,
    )
    if not is_patient:
        return [Part(line) for line in wanted]
    table = _Allotment(ledger, market)
    patient = [number for number, line in enumerate(wanted) if _is_patient(line)]
    patient.sort(key=lambda number: (_until(wanted[number]), number))
    for line in wanted:
        if line.is_held and not _is_patient(line):
            table.place(line)
    met = {number: table.place(wanted[number]) for number in patient}
    table.refuse_short()
    return [part for number, line in enumerate(wanted) for part in met.get(number, (Part(line),))]


def _is_patient(line: Wanted) -> bool:
    return line.is_held and line.wait is not None


def _until(line: Wanted) -> datetime:
    return (line.wait.needed_by if line.wait else None) or _NEVER


@dataclass
class _Allotment:
    """What has been given out so far, on hand by key and of supplies by id."""

    ledger: Ledger
    market: Market
    on_hand: dict[StockKey, int] = field(default_factory=dict)
    of_supply: dict[str, int] = field(default_factory=dict)
    asked: dict[StockKey, int] = field(default_factory=dict)
    given: dict[StockKey, int] = field(default_factory=dict)

    def place(self, line: Wanted) -> list[Part]:
        """Meet one wish as far as possible."""
        key, rest = line.key, line.quantity
        found: list[tuple[str, int]] = []
        there = self.market.sellable(self.ledger, key) - self.on_hand.get(key, 0)
        units = min(rest, max(0, there))
        if units:
            self.on_hand[key] = self.on_hand.get(key, 0) + units
            found.append(("", units))
            rest -= units
        if line.wait is not None and rest:
            room, usable = self._usable(key, _until(line))
            room -= self.given.get(key, 0) + units
            for supply_id, left in usable:
                units = min(rest, room, left - self.of_supply.get(supply_id, 0))
                if units > 0:
                    self.of_supply[supply_id] = self.of_supply.get(supply_id, 0) + units
                    found.append((supply_id, units))
                    rest -= units
                    room -= units
        self.asked[key] = self.asked.get(key, 0) + line.quantity
        self.given[key] = self.given.get(key, 0) + line.quantity - rest
        return _parts(line, found)

    def _usable(self, key: StockKey, until: datetime) -> tuple[int, list[tuple[str, int]]]:
        """Units that may be sold by then in all, and those of each supply that may be promised.

        The first to come cover deficits, and what may not be sold by the terms.
        """
        changed = self.ledger.promised()
        rows = [
            (one.supply_id, one.unpromised - changed.get(one.supply_id, 0))
            for one in self.market.due.get(key, ())
            if one.expected_time <= until
        ]
        coming = sum(units for _, units in rows)
        there = self.market.sellable(self.ledger, key)
        room = self.market.sellable(self.ledger, key, coming)
        owed = coming - (room - there)
        usable: list[tuple[str, int]] = []
        for supply_id, units in rows:
            covered = min(owed, units)
            owed -= covered
            usable.append((supply_id, units - covered))
        return room, usable

    def refuse_short(self) -> None:
        """Refuse where more was asked for than could be given."""
        short = {
            key: (wanted, self.given[key])
            for key, wanted in self.asked.items()
            if wanted > self.given[key]
        }
        if not short:
            return
        if not any(self.ledger.has_record(key) for key in short):
            raise NotStockedHere(short)
        terms, channel, now = self.market.terms, self.market.channel, self.market.now
        conditional = {key for key in short if terms.conditions(key, channel, now) != UNCONDITIONAL}
        raise InsufficientStock(short, conditional)


def _parts(line: Wanted, found: Iterable[tuple[str, int]]) -> list[Part]:
    """The line in parts; the first ones have the serial numbers that are meant."""
    parts: list[Part] = []
    start = 0
    for supply_id, units in found:
        serial_numbers = line.serial_numbers[start : start + units]
        part = replace(line, quantity=units, serial_numbers=serial_numbers)
        parts.append(Part(part, supply_id))
        start += units
    return parts


class BreakCause(enum.IntEnum):
    """Why a promise on supply cannot be kept; the numbers are the contract's."""

    LATE = 1
    FEWER = 2
    CANCELLED = 3


@dataclass(frozen=True)
class Broken:
    """A promise on supply that cannot be kept: the line as it is now, and why."""

    reservation: Reservation
    line: Line
    cause: BreakCause


class Waiters:
    """The promises that wait for supplies, while something is decided about the supplies."""

    def __init__(self, reservations: Iterable[Reservation]) -> None:
        self._drafts = {one.reservation_id: Draft(one) for one in reservations}
        self._by_supply: dict[str, set[UUID]] = {}
        for draft in self._drafts.values():
            for line in draft.lines.values():
                waiters = self._by_supply.setdefault(line.supply_id, set())
                waiters.add(draft.reservation.reservation_id)

    def done(self) -> dict[UUID, Reservation]:
        """The reservations as they are to be."""
        return {reservation_id: draft.done() for reservation_id, draft in self._drafts.items()}

    def keep(self, ledger: Ledger, cause: Cause, supply: Supply, quantity: int) -> int:
        """Units of the supply have become free: they go to those who wait for it, oldest first.

        Gives how many did.
        """
        rest = quantity
        for draft, line in self._of(supply.supply_id):
            units = min(rest, line.quantity)
            if not units:
                break
            rest -= units
            whose = draft.reservation.reservation_id
            part = draft.split(line.number, units)
            draft.put(part.on_hand())
            # The pool, too, gives for what has come what it gave for what was to come.
            ledger.promise(supply.supply_id, -units, part.place)
            ledger.move(
                cause,
                part.key,
                Account.FREE,
                Account.RESERVED,
                units,
                part.serial_numbers,
                part.lot_id,
                part.pool,
                whose,
            )
        return quantity - rest

    def lapse(self, ledger: Ledger, supply: Supply, now: datetime) -> list[Broken]:
        """Break the promises that the supply, as it is now, cannot keep.

        Those that it comes too late for; then, where less is to come than is promised, the newest
        first. Of one that can be kept in part, that part is kept.
        """
        broken: list[Broken] = []
        for draft, line in self._of(supply.supply_id):
            if line.needed_by is not None and line.needed_by < supply.expected_time:
                broken.append(_break(ledger, draft, line, BreakCause.LATE, now))
        waiting = self._of(supply.supply_id)
        excess = sum(line.quantity for _, line in waiting) - supply.open_quantity
        cause = BreakCause.FEWER if supply.open_quantity else BreakCause.CANCELLED
        for draft, line in reversed(waiting):
            if excess <= 0:
                break
            part = draft.split(line.number, min(excess, line.quantity))
            excess -= part.quantity
            broken.append(_break(ledger, draft, part, cause, now))
        return broken

    def _of(self, supply_id: str) -> list[tuple[Draft, Line]]:
        """Those who wait for a supply, the oldest first."""
        found = [
            (draft, line)
            for reservation_id in self._by_supply.get(supply_id, ())
            for draft in (self._drafts[reservation_id],)
            for line in draft.lines.values()
            if line.is_waiting and line.supply_id == supply_id
        ]
        return sorted(
            found,
            key=lambda one: (
                one[0].reservation.create_time,
                one[0].reservation.reservation_id,
                one[1].number,
            ),
        )


def _break(ledger: Ledger, draft: Draft, line: Line, cause: BreakCause, now: datetime) -> Broken:
    ledger.promise(line.supply_id, -line.quantity, line.place)
    broken = replace(line, broken_time=now, pool=None)
    draft.put(broken)
    return Broken(draft.reservation, broken, cause)
