"""The ledger: accounts, balances, and entries that move whole units between two accounts."""

import enum
from collections.abc import Iterable, Mapping
from typing import NamedTuple
from uuid import UUID

from ordermesh.inventory.domain.errors.requests import QuantityTooLarge
from ordermesh.inventory.domain.errors.stock import KeyQuarantined
from ordermesh.inventory.domain.key import StockKey
from ordermesh.kernel.records import record

BALANCE_LIMIT = 10**12
"""No balance holds more units than this."""


class Account(enum.IntEnum):
    """Where units are, or where they came from or went; the numbers are the contract's."""

    FREE = 1
    RESERVED = 2
    INSPECTION = 3
    SHORT = 4
    SUPPLIER = 5
    CUSTOMER = 6
    LOSS = 7
    OPENING = 8
    TRANSIT = 9
    DAMAGED = 10
    MISSING = 11


class BlockedKind(enum.IntEnum):
    """Why units that are there are not sellable; the numbers are the contract's."""

    DAMAGED = 1
    INSPECTION = 2
    MISSING = 3

    @property
    def account(self) -> Account:
        """Where such units are."""
        return _BLOCKED_ACCOUNTS[self]


_BLOCKED_ACCOUNTS: Mapping[BlockedKind, Account] = {
    BlockedKind.DAMAGED: Account.DAMAGED,
    BlockedKind.INSPECTION: Account.INSPECTION,
    BlockedKind.MISSING: Account.MISSING,
}


class MovementKind(enum.IntEnum):
    """Why units moved; the numbers are the contract's."""

    RECEIVED = 1
    ADJUSTED = 2
    TRANSFERRED = 3
    RESERVED = 4
    RELEASED = 5
    EXPIRED = 6
    REASSIGNED = 7
    SHIPPED = 8
    RETURNED = 9
    DISPOSED = 10
    SHORTED = 11
    BLOCKED = 12
    UNBLOCKED = 13
    SOLD = 14
    COUNTED = 15


class AdjustmentReason(enum.IntEnum):
    """Why the books were corrected; the numbers are the contract's."""

    NONE = 0
    OPENING = 1
    COUNTED = 2
    DAMAGED = 3
    LOST = 4
    FOUND = 5
    CORRECTION = 6
    SNAPSHOT = 7
    SNAPSHOT_BY_TIME = 8


_EFFECTS: Mapping[Account, tuple[int, ...]] = {
    # What one unit more in the account does to on hand, reserved, short, damaged, inspection and
    # missing.
    Account.FREE: (1, 0, 0, 0, 0, 0),
    Account.RESERVED: (1, 1, 0, 0, 0, 0),
    Account.SHORT: (1, 0, -1, 0, 0, 0),  # the account holds minus the deficit
    Account.DAMAGED: (0, 0, 0, 1, 0, 0),
    Account.INSPECTION: (0, 0, 0, 0, 1, 0),
    Account.MISSING: (0, 0, 0, 0, 0, 1),
}
_NO_EFFECT = (0, 0, 0, 0, 0, 0)

_CHANGES: Mapping[tuple[Account, Account], tuple[int, ...]] = {
    (source, target): tuple(
        more - less
        for more, less in zip(
            _EFFECTS.get(target, _NO_EFFECT), _EFFECTS.get(source, _NO_EFFECT), strict=True
        )
    )
    for source in Account
    for target in Account
}
"""What one unit that goes from one account to another does to the figures of a balance."""


@record
class Balance:
    """How many units a location has of an item. ``sequence`` is the number of its last entry.

    ``damaged``, ``inspection`` and ``missing`` are there and not sellable. Raises ``ValueError``
    for figures that no sound ledger can have.
    """

    on_hand: int = 0
    reserved: int = 0
    short: int = 0
    damaged: int = 0
    inspection: int = 0
    missing: int = 0
    sequence: int = 0

    def __post_init__(self) -> None:
        on_hand, reserved = self.on_hand, self.reserved
        if on_hand < 0 or reserved < 0 or min(self.damaged, self.inspection, self.missing) < 0:
            raise ValueError(f"A balance fell below zero: {self}.")
        if self.short != (reserved - on_hand if reserved > on_hand else 0):
            raise ValueError(f"A deficit that promises and stock do not explain: {self}.")

    @property
    def free(self) -> int:
        """Units on hand that are promised to nobody; never negative."""
        return self.on_hand - self.reserved + self.short

    @property
    def blocked(self) -> int:
        """Units that are there and not sellable, for whatever reason."""
        return self.damaged + self.inspection + self.missing

    def blocked_as(self, kind: BlockedKind) -> int:
        """Units that are there and not sellable, for this reason."""
        return {
            BlockedKind.DAMAGED: self.damaged,
            BlockedKind.INSPECTION: self.inspection,
            BlockedKind.MISSING: self.missing,
        }[kind]

    @property
    def is_empty(self) -> bool:
        """Whether nothing is there and nothing is promised."""
        return not (self.on_hand or self.reserved or self.blocked)

    def after(self, source: Account, target: Account, quantity: int) -> "Balance":
        """The balance after so many units went from one account to another."""
        on_hand, reserved, short, damaged, inspection, missing = _CHANGES[source, target]
        return Balance(
            self.on_hand + on_hand * quantity,
            self.reserved + reserved * quantity,
            self.short + short * quantity,
            self.damaged + damaged * quantity,
            self.inspection + inspection * quantity,
            self.missing + missing * quantity,
            self.sequence + 1,
        )


NOTHING = Balance()
"""The balance of a key that has no record."""


@record
class Cause:
    """Why units move: what becomes one movement, and the reservation and order that it serves."""

    kind: MovementKind
    reservation_id: UUID | None = None
    order_id: str = ""


@record
class Entry:
    """So many units of one key from one account to another: both sides in one, so it balances.

    ``sequence`` counts 1, 2, 3 ... within the key. ``pool`` is the number of the pool from which
    promised units were taken, or to which they go back; those that are sold stay taken.
    ``reservation_id`` is whose promise it makes or ends: the cause's, unless one movement serves
    several.
    """

    cause: Cause
    key: StockKey
    sequence: int
    source: Account
    target: Account
    quantity: int
    serial_numbers: tuple[str, ...] = ()
    lot_id: str = ""
    pool: int | None = None
    reservation_id: UUID | None = None

    def __post_init__(self) -> None:
        if self.quantity <= 0 or self.source == self.target:
            raise ValueError(f"An entry that moves nothing: {self}.")

    @property
    def units_taken(self) -> int:
        """Units that it takes from its pool; negative when they go back."""
        if self.target is Account.RESERVED:
            return self.quantity
        is_given_back = self.source is Account.RESERVED and self.target is not Account.CUSTOMER
        return -self.quantity if is_given_back else 0

    @property
    def place(self) -> "PoolKey | None":
        """The pool that it takes units from, or gives them back to."""
        return None if self.pool is None else (self.pool, self.key)


PoolKey = tuple[int, StockKey]
"""The number of a pool, and the key of which it holds units."""


class Mark(NamedTuple):
    """A place in a decision: how many entries, and how many promises on supply, it had made."""

    entries: int
    promises: int


class Ledger:
    """Balances while something is decided, and the entries that the decision has made so far.

    It starts from balances that are locked and freshly read, and from what was ``taken`` from pools
    at these keys. Whoever refuses throws it away. What is promised of goods that are still to come
    is no entry, because no unit moves: it is counted beside them, by supply, and taken from pools
    at once. At keys that are ``quarantined`` nothing moves.
    """

    def __init__(
        self,
        balances: Mapping[StockKey, Balance],
        taken: Mapping[PoolKey, int] | None = None,
        quarantined: frozenset[StockKey] = frozenset(),
    ) -> None:
        self._balances = dict(balances)
        self._quarantined = quarantined
        self._taken = dict(taken or {})
        self._taken_here: dict[PoolKey, int] = {}
        self._entries: list[Entry] = []
        self._earlier: list[Balance | None] = []  # before each entry; None: there was no record
        self._promises: list[tuple[str, int, PoolKey | None]] = []  # of which supply, units, pool

    @property
    def entries(self) -> tuple[Entry, ...]:
        """What was moved, in order."""
        return tuple(self._entries)

    def since(self, mark: Mark) -> tuple[Entry, ...]:
        """What was moved since the mark."""
        return tuple(self._entries[mark.entries :])

    def mark(self) -> Mark:
        """A place in the decision that ``undo`` returns to."""
        return Mark(len(self._entries), len(self._promises))

    def undo(self, mark: Mark) -> None:
        """Forget what was decided since the mark: one of many was refused, the others stand."""
        while len(self._promises) > mark.promises:
            _, quantity, place = self._promises.pop()
            self._note_taken(place, -quantity)
        while len(self._entries) > mark.entries:
            undone, earlier = self._entries.pop(), self._earlier.pop()
            self._note_taken(undone.place, -undone.units_taken)
            if earlier is None:
                del self._balances[undone.key]
            else:
                self._balances[undone.key] = earlier

    def has_record(self, key: StockKey) -> bool:
        """Whether the location keeps a balance of the item."""
        return key in self._balances

    def balance(self, key: StockKey) -> Balance:
        """The balance as it is now; of a key without record, nothing."""
        return self._balances.get(key, NOTHING)

    def refuse_quarantined(self, keys: Iterable[StockKey]) -> None:
        """Raise ``KeyQuarantined`` with those of the keys whose books were found wrong."""
        if self._quarantined and (found := self._quarantined.intersection(keys)):
            raise KeyQuarantined(found)

    def taken(self, pool: int, key: StockKey) -> int:
        """Units that were taken from a pool at a key, as it is now."""
        return self._taken.get((pool, key), 0) + self._taken_here.get((pool, key), 0)

    def taken_here(self) -> dict[PoolKey, int]:
        """Units that the decision took from pools; negative where more came back."""
        return {place: units for place, units in self._taken_here.items() if units}

    def _note_taken(self, place: PoolKey | None, units: int) -> None:
        if place is not None:
            self._taken_here[place] = self._taken_here.get(place, 0) + units

    def changed(self) -> dict[StockKey, Balance]:
        """The balances that have new entries, as they are now."""
        return {entry.key: self._balances[entry.key] for entry in self._entries}

    def promise(self, supply_id: str, quantity: int, place: PoolKey | None = None) -> None:
        """Promise units of a supply, from a pool; a negative quantity gives them back."""
        self._promises.append((supply_id, quantity, place))
        self._note_taken(place, quantity)

    def promised(self) -> dict[str, int]:
        """By how much what is promised of each supply has changed, where it has."""
        sums: dict[str, int] = {}
        for supply_id, quantity, _ in self._promises:
            sums[supply_id] = sums.get(supply_id, 0) + quantity
        return {supply_id: units for supply_id, units in sums.items() if units}

    def deficits(self) -> dict[StockKey, int]:
        """Units short now, of the changed keys that are short or were at some time before."""
        return {
            entry.key: self._balances[entry.key].short
            for entry, earlier in zip(self._entries, self._earlier, strict=True)
            if self._balances[entry.key].short or (earlier is not None and earlier.short)
        }

    def move(
        self,
        cause: Cause,
        key: StockKey,
        source: Account,
        target: Account,
        quantity: int,
        serial_numbers: tuple[str, ...] = (),
        lot_id: str = "",
        pool: int | None = None,
        reservation_id: UUID | None = None,
    ) -> None:
        """Move units. Raises ``ValueError``, ``QuantityTooLarge`` and ``KeyQuarantined``.

        ``reservation_id`` says whose promise it is where the cause serves several.
        """
        if key in self._quarantined:
            raise KeyQuarantined([key])
        balance = self.balance(key)
        if source is Account.FREE and quantity > balance.free:
            raise ValueError(f"{quantity} units of {key} are not free: {balance}.")
        after = balance.after(source, target, quantity)
        if max(after.on_hand, after.blocked) > BALANCE_LIMIT:
            raise QuantityTooLarge(key)
        whose = reservation_id or cause.reservation_id
        made = Entry(
            cause,
            key,
            after.sequence,
            source,
            target,
            quantity,
            serial_numbers,
            lot_id,
            pool,
            whose,
        )
        self._earlier.append(self._balances.get(key))
        self._balances[key] = after
        self._entries.append(made)
        self._note_taken(made.place, made.units_taken)

    def bring(
        self,
        cause: Cause,
        key: StockKey,
        source: Account,
        quantity: int,
        serial_numbers: tuple[str, ...] = (),
        lot_id: str = "",
        pool: int | None = None,
    ) -> None:
        """Make units free that were elsewhere: what comes in pays the deficit first."""
        owed = min(quantity, self.balance(key).short)
        if owed:
            self.move(cause, key, source, Account.SHORT, owed, serial_numbers[:owed], lot_id, pool)
        if quantity > owed:
            rest = quantity - owed
            self.move(cause, key, source, Account.FREE, rest, serial_numbers[owed:], lot_id, pool)

    def take_away(self, cause: Cause, key: StockKey, target: Account, quantity: int) -> None:
        """Take away units on hand that turned out not to be there, or not to be sellable.

        Free units are missing first; beyond them promises are left without a unit behind them.
        Raises ``ValueError`` where fewer are on hand.
        """
        balance = self.balance(key)
        if quantity > balance.on_hand:
            raise ValueError(f"{quantity} units of {key} are not on hand: {balance}.")
        free = min(quantity, balance.free)
        if free:
            self.move(cause, key, Account.FREE, target, free)
        if quantity > free:
            self.move(cause, key, Account.SHORT, target, quantity - free)
