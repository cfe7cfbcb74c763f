"""Goods that come in, go from place to place, and are corrected in the books."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

from ordermesh.inventory.domain.errors.requests import (
    DuplicateEntry,
    SameLocation,
    TooManySerialNumbers,
)
from ordermesh.inventory.domain.errors.stock import (
    BalanceChanged,
    InsufficientStock,
    NotStockedHere,
    OnHandBelowReserved,
    OnHandChanged,
)
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import (
    Account,
    AdjustmentReason,
    Cause,
    Entry,
    Ledger,
    MovementKind,
)
from ordermesh.kernel.records import record


@record
class Demand:
    """A request as it is recognized: its id, and a digest of who asks by it, and for what."""

    request_id: UUID
    digest: bytes


@record
class Document:
    """What is behind a movement: a paper, a reason, a remark, and who is answerable.

    ``demand`` is the request for just this movement of stock, None where there is none. By it the
    request is known for ever: answers are only kept for days, and whoever repeats a request later
    must not move goods twice.
    """

    actor: Actor
    document: str = ""
    note: str = ""
    reason: AdjustmentReason = AdjustmentReason.NONE
    demand: Demand | None = None


def documented(ledger: Ledger, document: Document) -> dict[Cause, Document]:
    """One document behind everything that was decided."""
    return {entry.cause: document for entry in ledger.entries}


@dataclass(frozen=True)
class Movement:
    """One cause and the balanced entries it made, as it stands in the books."""

    movement_id: UUID
    cause: Cause
    entries: tuple[Entry, ...]
    document: Document
    create_time: datetime
    control_version: int = 0


@dataclass(frozen=True)
class StockLine:
    """So many units of one key, with their lot and serial numbers where they are recorded."""

    key: StockKey
    quantity: int
    serial_numbers: tuple[str, ...] = ()
    lot_id: str = ""


@dataclass(frozen=True)
class Adjustment:
    """The correction of one balance: by ``delta``, or to ``on_hand`` where that is set.

    ``expected_on_hand`` is what the caller believes to be there, ``expected_sequence`` the number
    of the last entry that it has seen; None: not checked.
    """

    key: StockKey
    delta: int = 0
    on_hand: int | None = None
    expected_on_hand: int | None = None
    expected_sequence: int | None = None


@dataclass(frozen=True)
class Transfer:
    """So many units of one key to another location, with what is known of them."""

    key: StockKey
    to_location_id: str
    quantity: int
    serial_numbers: tuple[str, ...] = ()
    lot_id: str = ""

    @property
    def target(self) -> StockKey:
        """The key they will have."""
        return StockKey(self.key.sku, self.to_location_id)


@dataclass
class _Receipt:
    quantity: int = 0
    serial_numbers: list[str] = field(default_factory=list)


def summed(quantities: Iterable[tuple[StockKey, int]]) -> dict[StockKey, int]:
    """The sum for each key, in the order in which keys first appear."""
    sums: dict[StockKey, int] = {}
    for key, quantity in quantities:
        sums[key] = sums.get(key, 0) + quantity
    return sums


def receive(ledger: Ledger, lines: Sequence[StockLine]) -> None:
    """Bring goods in from the supplier; the same key and lot twice is summed.

    Raises ``DuplicateEntry``, ``TooManySerialNumbers`` and ``QuantityTooLarge``.
    """
    refuse_wrong_serials("lines", lines)
    receipts: dict[tuple[StockKey, str], _Receipt] = {}
    for line in lines:
        receipt = receipts.setdefault((line.key, line.lot_id), _Receipt())
        receipt.quantity += line.quantity
        receipt.serial_numbers += line.serial_numbers
    cause = Cause(MovementKind.RECEIVED)
    for (key, lot_id), receipt in receipts.items():
        serial_numbers = tuple(receipt.serial_numbers)
        ledger.bring(cause, key, Account.SUPPLIER, receipt.quantity, serial_numbers, lot_id)


class _Numbered(Protocol):
    """Units of a key, some of which are known by their serial numbers."""

    @property
    def key(self) -> StockKey: ...
    @property
    def quantity(self) -> int: ...
    @property
    def serial_numbers(self) -> tuple[str, ...]: ...


def refuse_wrong_serials(field_name: str, lines: Iterable[_Numbered]) -> None:
    """Raise for serial numbers that cannot be true: each unit of an item has one of its own.

    ``TooManySerialNumbers`` where a line has more than units, ``DuplicateEntry`` for one that is
    named twice for an item.
    """
    seen: set[tuple[str, str]] = set()
    for line in lines:
        count = len(line.serial_numbers)
        if count > line.quantity:
            raise TooManySerialNumbers(line.key.sku, count, line.quantity)
        for serial_number in line.serial_numbers:
            if (line.key.sku, serial_number) in seen:
                raise DuplicateEntry(f"{field_name}.serial_numbers", serial_number)
            seen.add((line.key.sku, serial_number))


def refuse_repeated(adjustments: Iterable[Adjustment]) -> None:
    """Raise ``DuplicateEntry`` where a key is corrected twice."""
    seen: set[StockKey] = set()
    for number, adjustment in enumerate(adjustments):
        if adjustment.key in seen:
            raise DuplicateEntry(f"adjustments[{number}].key", adjustment.key)
        seen.add(adjustment.key)


def rises(adjustment: Adjustment) -> bool:
    """Whether units are added to a key without a record, so that one is made."""
    return adjustment.on_hand > 0 if adjustment.on_hand is not None else adjustment.delta > 0


def adjust(ledger: Ledger, adjustments: Sequence[Adjustment], reason: AdjustmentReason) -> None:
    """Correct what is on hand; the number that it is already makes no entry.

    Raises, in this order and each with every wrong key: ``BalanceChanged``, ``OnHandChanged``,
    ``NotStockedHere``, ``OnHandBelowReserved``; and ``QuantityTooLarge``.
    """
    _refuse_moved(ledger, adjustments)
    changed: dict[StockKey, tuple[int, int]] = {}
    below: dict[StockKey, tuple[int, int, int]] = {}
    unknown: list[StockKey] = []
    wanted: dict[StockKey, int] = {}
    for adjustment in adjustments:
        key, balance = adjustment.key, ledger.balance(adjustment.key)
        target = (
            adjustment.on_hand
            if adjustment.on_hand is not None
            else balance.on_hand + adjustment.delta
        )
        expected = adjustment.expected_on_hand
        if expected is not None and expected != balance.on_hand:
            changed[key] = (balance.on_hand, expected)
        elif not ledger.has_record(key) and target < 0:
            unknown.append(key)
        elif target < balance.reserved and target < balance.on_hand:
            below[key] = (balance.on_hand, balance.reserved, target)
        wanted[key] = target
    if changed:
        raise OnHandChanged(changed)
    if unknown:
        raise NotStockedHere(unknown)
    if below:
        raise OnHandBelowReserved(below)
    outside = Account.OPENING if reason is AdjustmentReason.OPENING else Account.LOSS
    cause = Cause(MovementKind.ADJUSTED)
    for key, target in wanted.items():
        difference = target - ledger.balance(key).on_hand
        if difference > 0:
            ledger.bring(cause, key, outside, difference)
        elif difference < 0:
            ledger.move(cause, key, Account.FREE, outside, -difference)


def _refuse_moved(ledger: Ledger, adjustments: Sequence[Adjustment]) -> None:
    """Raise ``BalanceChanged`` for balances with other last entries than the caller has seen."""
    moved = {
        one.key: (ledger.balance(one.key).sequence, one.expected_sequence)
        for one in adjustments
        if one.expected_sequence is not None
        and one.expected_sequence != ledger.balance(one.key).sequence
    }
    if moved:
        raise BalanceChanged(moved)


def transfer(ledger: Ledger, transfers: Sequence[Transfer]) -> None:
    """Move free units between locations; what arrives cannot be sent on in the same request.

    Raises ``SameLocation``, ``DuplicateEntry``, ``TooManySerialNumbers``, ``InsufficientStock``
    with every short key, ``QuantityTooLarge``.
    """
    for one in transfers:
        if one.target == one.key:
            raise SameLocation(one.key)
    refuse_wrong_serials("transfers", transfers)
    leaving = summed((one.key, one.quantity) for one in transfers)
    short = {
        key: (wanted, ledger.balance(key).free)
        for key, wanted in leaving.items()
        if wanted > ledger.balance(key).free
    }
    if short:
        raise InsufficientStock(short)
    cause = Cause(MovementKind.TRANSFERRED)
    for one in transfers:
        facts = (one.quantity, one.serial_numbers, one.lot_id)
        ledger.move(cause, one.key, Account.FREE, Account.TRANSIT, *facts)
    for one in transfers:
        facts = (one.quantity, one.serial_numbers, one.lot_id)
        ledger.bring(cause, one.target, Account.TRANSIT, *facts)
