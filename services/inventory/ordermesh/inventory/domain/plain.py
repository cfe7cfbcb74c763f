"""Plain reservations: ordinary units at named places, all of them free. Most are of this kind.

Who asks for nothing else needs a look at what is free and nothing more, and is spared all that
``reserve`` thinks of besides. What is granted here is what ``reserve`` would grant, entry by entry;
a test holds one against the other. It may only say yes: every other answer is for ``reserve``.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from ordermesh.inventory.domain.conditions import Conditions
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import Balance
from ordermesh.inventory.domain.selling import Terms


class PlainLine(NamedTuple):
    """So many units of one key."""

    line_id: str
    key: StockKey
    quantity: int


class PlainAsk(NamedTuple):
    """What is to be held, all of it, at places that are named, and for whom.

    ``hold_duration`` None means confirmed at once. ``customer`` is a key of the caller's for who
    buys; empty: not said.
    """

    actor: Actor
    reservation_id: UUID
    order_id: str
    lines: Sequence[PlainLine]
    hold_duration: timedelta | None
    fence: int = 0
    channel: str = ""
    customer: str = ""


class Granted(NamedTuple):
    """An ask that is granted. ``sequences`` are the numbers of its entries, line by line.

    ``now`` is the instant that decided, ``expire_time`` when the hold ends; None: it lasts.
    """

    ask: PlainAsk
    sequences: Sequence[int]
    now: datetime
    expire_time: datetime | None
    control_version: int

    @property
    def units(self) -> int:
        """How many units it holds."""
        return sum(line.quantity for line in self.ask.lines)


class _Shelf:
    """The free units of one key, and the number of its last entry, while asks are granted."""

    __slots__ = ("balance", "free", "sequence")

    def __init__(self, balance: Balance) -> None:
        self.balance = balance
        self.free = balance.free
        self.sequence = balance.sequence


class FreeStock:
    """What is free at some keys, while one ask after the other takes of it.

    It starts from balances that were locked and read, or that are remembered and guarded. Only for
    ``terms`` without pools and without limits on purchases.
    """

    def __init__(self, balances: Mapping[StockKey, Balance], terms: Terms, now: datetime) -> None:
        self._balances = balances
        self._terms = terms
        self._now = now
        self._is_free = not terms.off and not terms.controls.controls
        self._shelves: dict[StockKey, _Shelf] = {}
        self._conditions: dict[tuple[StockKey, str], Conditions] = {}
        self._changed: Mapping[StockKey, Balance] | None = None

    def grant(self, ask: PlainAsk) -> Granted | None:
        """Hold all lines and say so; None, and nothing has changed, where it is not a plain yes."""
        sequences = self._take(ask)
        if sequences is None:
            return None
        hold, now = ask.hold_duration, self._now
        expire_time = None if hold is None else now + hold
        return Granted(ask, sequences, now, expire_time, self._terms.controls.version)

    def _take(self, ask: PlainAsk) -> list[int] | None:
        demand: dict[StockKey, int] = {}
        for _, key, quantity in ask.lines:
            demand[key] = demand.get(key, 0) + quantity
        if len(demand) < len(ask.lines) and len({line[:2] for line in ask.lines}) < len(ask.lines):
            return None  # a line twice: it is refused as malformed
        for key, units in demand.items():
            if not 0 < units <= self._left(key, ask.channel):
                return None
        self._changed = None
        sequences: list[int] = []
        for _, key, quantity in ask.lines:
            shelf = self._shelves[key]
            shelf.free -= quantity
            shelf.sequence += 1
            sequences.append(shelf.sequence)
        return sequences

    def _left(self, key: StockKey, channel: str) -> int:
        """Units of a key that a channel may take now."""
        shelf = self._shelves.get(key)
        if shelf is None:
            balance = self._balances.get(key)
            if balance is None:
                return 0
            shelf = self._shelves[key] = _Shelf(balance)
        if self._is_free:
            return shelf.free
        if key in self._terms.off:
            return 0
        conditions = self._conditions.get((key, channel))
        if conditions is None:
            conditions = self._terms.conditions(key, channel, self._now)
            self._conditions[key, channel] = conditions
        return conditions.available(shelf.free)

    def changed(self) -> Mapping[StockKey, Balance]:
        """The balances that were taken from, as they are now."""
        if self._changed is None:
            self._changed = {
                key: _after(one)
                for key, one in self._shelves.items()
                if one.sequence != one.balance.sequence
            }
        return self._changed

    def opening_sequences(self) -> list[int]:
        """The number of the last entry that each of ``changed`` had before."""
        return [self._shelves[key].balance.sequence for key in self.changed()]


def _after(shelf: _Shelf) -> Balance:
    """Free units have become reserved ones, and where any were free nothing was short."""
    before = shelf.balance
    return Balance(
        before.on_hand,
        before.reserved + before.free - shelf.free,
        before.short,
        before.damaged,
        before.inspection,
        before.missing,
        shelf.sequence,
    )
