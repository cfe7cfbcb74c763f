"""Holds whose time has passed, at locked keys, while one after the other is decided about.

Their lines are read once, a page at a time, and only as far as somebody lacks what they hold. What
was read stays true until the transaction ends: who changes a line holds the lock of its balance.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from datetime import datetime
from operator import itemgetter
from uuid import UUID

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Ledger
from ordermesh.inventory.domain.reservation import Line, Reservation
from ordermesh.inventory.domain.verbs import expire_for
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.reservations import LinePlace, StoredReservation
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction

PAGE_LINES = 256
"""How many overdue lines are read, and their reservations locked, at once."""


@dataclass
class Overdue:
    """What is overdue at locked keys, as it is after what was decided so far."""

    stores: Stores
    tx: Transaction
    names: Names
    now: datetime
    _before: dict[UUID, Reservation] = field(default_factory=dict)
    _after: dict[UUID, Reservation] = field(default_factory=dict)
    _touched: set[UUID] = field(default_factory=set)
    _lines: dict[StockKey, dict[tuple[UUID, int], Line]] = field(default_factory=dict)
    """The lines that are still held at each key, those that have been overdue for longest first."""
    _read_to: dict[StockKey, LinePlace | None] = field(default_factory=dict)
    """How far the lines of each key were read; None: all were."""

    @property
    def touched(self) -> AbstractSet[UUID]:
        """The reservations that have lost lines."""
        return self._touched

    async def in_the_way(
        self, ledger: Ledger, missing: Mapping[StockKey, int], involved: Collection[UUID]
    ) -> list[Reservation]:
        """Reservations that hold what is missing, as far as such there are; none ``involved``."""
        while True:
            found: dict[UUID, Reservation] = {}
            unread: list[StockKey] = []
            for key, units in missing.items():
                # What comes back pays the deficit before it is free.
                rest = units + ledger.balance(key).short
                for (reservation_id, _), line in self._lines.get(key, {}).items():
                    if rest <= 0:
                        break
                    if reservation_id not in involved:
                        found[reservation_id] = self._after[reservation_id]
                        rest -= line.quantity if line.is_on_hand else 0
                if rest > 0 and not self._is_read(key):
                    unread.append(key)
            if not unread:
                return list(found.values())
            await self._read(unread)

    async def make_way(
        self, ledger: Ledger, missing: Mapping[StockKey, int], involved: Collection[UUID] = ()
    ) -> bool:
        """Expire what holds what is missing, for a fact that nobody can refuse; gives whether any.

        What has expired is among the ``changes``; none ``involved`` is.
        """
        others = await self.in_the_way(ledger, missing, involved)
        self.note(expire_for(ledger, others, missing, self.now))
        return bool(others)

    def note(self, expired: Iterable[Reservation]) -> None:
        """Some of the reservations have lost lines."""
        for one in expired:
            self._after[one.reservation_id] = one
            self._touched.add(one.reservation_id)
            for line in one.lines:
                if not line.is_open:
                    self._lines[line.key].pop((one.reservation_id, line.number), None)

    def changes(self) -> list[StoredReservation]:
        """What has become of those that have lost lines."""
        return [
            StoredReservation(self._before[one], self._after[one])
            for one in self._after
            if one in self._touched
        ]

    def _is_read(self, key: StockKey) -> bool:
        return key in self._read_to and self._read_to[key] is None

    async def _read(self, keys: Sequence[StockKey]) -> None:
        """The next page of the keys; those of which more was read have it twice."""
        places = [self._read_to.get(key) for key in keys]
        known = [place for place in places if place is not None]
        after = min(known) if len(known) == len(places) else None
        page = await self.stores.reservations.overdue(
            self.tx, self.names.pairs(keys), self.now, self.names, PAGE_LINES, after
        )
        new = [(self._place(one, line), line) for one in page for line in self._merged(one)]
        for (_, whose, number), line in sorted(new, key=itemgetter(0)):
            self._lines.setdefault(line.key, {})[whose, number] = line
        ends = [self._place(one, line) for one in page for line in one.lines]
        end = max(ends) if len(ends) >= PAGE_LINES else None
        for key, place in zip(keys, places, strict=True):
            self._read_to[key] = end if end is None or place is None else max(end, place)

    def _place(self, one: Reservation, line: Line) -> LinePlace:
        return LinePlace(line.expire_time or self.now, one.reservation_id, line.number)

    def _merged(self, read: Reservation) -> tuple[Line, ...]:
        """Note a reservation, or more of its lines; gives those that were not known."""
        whose = read.reservation_id
        before = self._before.get(whose)
        if before is None:
            self._before[whose] = self._after[whose] = read
            return read.lines
        numbers = {line.number for line in before.lines}
        new = tuple(line for line in read.lines if line.number not in numbers)
        after = self._after[whose]
        self._before[whose] = replace(before, lines=before.lines + new)
        self._after[whose] = replace(after, lines=after.lines + new)
        return new
