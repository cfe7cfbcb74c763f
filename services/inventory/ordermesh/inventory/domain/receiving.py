"""What becomes of supplies: they are sent, received, written off, and cancelled."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.errors.stock import InsufficientStock
from ordermesh.inventory.domain.errors.supply import (
    MoreThanExpected,
    SupplyIdTaken,
    SupplyNotFound,
    SupplyStateRefused,
    TransferInTransit,
)
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Account, Cause, Ledger, MovementKind
from ordermesh.inventory.domain.movement import summed
from ordermesh.inventory.domain.supply import Put, Supply, SupplyKind, SupplyState
from ordermesh.inventory.domain.waiting import Broken, Waiters


@dataclass(frozen=True)
class Receipt:
    """What has come of one supply: 0 means all that is still to come.

    ``accept_surplus`` says that it may be more, ``is_complete`` that nothing more will come.
    """

    supply_id: str
    quantity: int = 0
    accept_surplus: bool = False
    is_complete: bool = False

    def units(self, supply: Supply) -> int:
        """Units that have come."""
        return self.quantity or supply.open_quantity


@dataclass(frozen=True)
class Received:
    """What has come beside what was expected, and how much went to those who waited for it."""

    supply: Supply
    quantity: int
    missing: int
    surplus: int
    kept: int


@dataclass(frozen=True)
class Situation:
    """The supplies that a decision is about, by id, those who wait for them, and the instant."""

    stored: Mapping[str, Supply]
    waiters: Waiters
    now: datetime

    def find(self, supply_id: str) -> Supply:
        """One of them; raises ``SupplyNotFound``."""
        if supply_id not in self.stored:
            raise SupplyNotFound([supply_id])
        return self.stored[supply_id]


def refuse_repeated(receipts: Sequence[Receipt]) -> None:
    """Raise ``DuplicateEntry`` where a supply is received twice."""
    seen: set[str] = set()
    for number, receipt in enumerate(receipts):
        if receipt.supply_id in seen:
            raise DuplicateEntry(f"receipts[{number}].supply_id", receipt.supply_id)
        seen.add(receipt.supply_id)


def origin(supply: Supply) -> StockKey:
    """Where the units of a transfer were."""
    return StockKey(supply.key.sku, supply.from_location_id)


def change(ledger: Ledger, puts: Iterable[Put], situation: Situation) -> list[Broken]:
    """Break what announcements break."""
    return [
        broken
        for one in puts
        if one.is_change and one.before is not None
        for broken in situation.waiters.lapse(ledger, one.after, situation.now)
    ]


def cancel(ledger: Ledger, supply_id: str, situation: Situation) -> tuple[Supply, list[Broken]]:
    """What is still to come will not; cancelling twice changes nothing.

    Raises ``SupplyNotFound``, ``TransferInTransit``, ``SupplyStateRefused``.
    """
    before = situation.find(supply_id)
    if before.state is SupplyState.CANCELLED:
        return before, []
    if before.is_on_its_way:
        raise TransferInTransit(supply_id, before.open_quantity)
    after = _counted(before.become(SupplyState.CANCELLED))
    return after, situation.waiters.lapse(ledger, after, situation.now)


def receive(
    ledger: Ledger, receipts: Sequence[Receipt], situation: Situation
) -> tuple[list[Received], list[Broken]]:
    """Bring in what has come; those who wait for it get it, the oldest first.

    Raises ``SupplyNotFound`` with every unknown one, ``SupplyStateRefused``, ``MoreThanExpected``
    with every one of which too much came, ``TransferInTransit``, ``QuantityTooLarge``.
    """
    unknown = {one.supply_id for one in receipts} - situation.stored.keys()
    if unknown:
        raise SupplyNotFound(unknown)
    surplus: list[tuple[str, int, int]] = []
    for receipt in receipts:
        supply = situation.find(receipt.supply_id)
        units = receipt.units(supply)
        is_home = supply.kind is SupplyKind.TRANSFER and not supply.is_on_its_way
        if is_home or not supply.is_expected:
            raise SupplyStateRefused(supply.supply_id, supply.state.name, SupplyState.RECEIVED.name)
        if units > supply.open_quantity and not receipt.accept_surplus:
            surplus.append((supply.supply_id, units, supply.open_quantity))
        if supply.is_on_its_way and receipt.is_complete and units < supply.open_quantity:
            raise TransferInTransit(supply.supply_id, supply.open_quantity - units)
    if surplus:
        raise MoreThanExpected(*surplus)
    received, broken = [], []
    for receipt in receipts:
        one, lost = _receive(ledger, receipt, situation)
        received.append(one)
        broken += lost
    return received, broken


def _receive(
    ledger: Ledger, receipt: Receipt, situation: Situation
) -> tuple[Received, list[Broken]]:
    before = situation.find(receipt.supply_id)
    units = receipt.units(before)
    expected = min(units, before.open_quantity)
    cause = Cause(MovementKind.RECEIVED)
    short = ledger.balance(before.key).short
    if expected:
        source = Account.TRANSIT if before.is_on_its_way else Account.SUPPLIER
        ledger.bring(cause, before.key, source, expected)
    if units > expected:
        # A transfer cannot bring more than was sent: what is too much was found.
        source = Account.LOSS if before.is_on_its_way else Account.SUPPLIER
        ledger.bring(cause, before.key, source, units - expected)
    kept = situation.waiters.keep(ledger, cause, before, max(0, units - short))
    after = replace(before, received=before.received + units)
    if receipt.is_complete or not after.open_quantity:
        after = after.become(SupplyState.RECEIVED)
    after = _counted(after)
    missing = before.open_quantity - expected
    row = Received(after, units, missing, units - expected, kept)
    return row, situation.waiters.lapse(ledger, after, situation.now)


def send(
    ledger: Ledger, transfers: Sequence[Supply], situation: Situation
) -> tuple[list[Supply], list[Broken]]:
    """Free units leave their location for another, where they are expected.

    Raises ``SupplyIdTaken``, ``SupplyStateRefused``, ``InsufficientStock`` with every short key.
    """
    sent = [_sent(one, situation.stored.get(one.supply_id)) for one in transfers]
    short = {
        key: (units + ledger.balance(key).free, ledger.balance(key).free)
        for key, units in lacking(ledger, sent).items()
    }
    if short:
        raise InsufficientStock(short)
    cause = Cause(MovementKind.TRANSFERRED)
    for one in sent:
        ledger.move(cause, origin(one), Account.FREE, Account.TRANSIT, one.quantity)
    broken = [lost for one in sent for lost in situation.waiters.lapse(ledger, one, situation.now)]
    return sent, broken


def lacking(ledger: Ledger, transfers: Iterable[Supply]) -> dict[StockKey, int]:
    """By how many units transfers go beyond what is free where they leave."""
    leaving = summed((origin(one), one.quantity) for one in transfers)
    beyond = {key: wanted - ledger.balance(key).free for key, wanted in leaving.items()}
    return {key: units for key, units in beyond.items() if units > 0}


def _sent(told: Supply, before: Supply | None) -> Supply:
    if before is None:
        return replace(told, version=1)
    same = (before.kind, before.key, before.from_location_id)
    if same != (told.kind, told.key, told.from_location_id):
        raise SupplyIdTaken(told.supply_id)
    before.become(told.state)
    return replace(
        told,
        source_version=max(told.source_version, before.source_version),
        promised=before.promised,
        version=before.version + 1,
    )


def write_off(
    ledger: Ledger, supply_id: str, quantity: int, situation: Situation
) -> tuple[Supply, list[Broken]]:
    """Units of a transfer were lost on their way; 0 means all that is still to come.

    Raises ``SupplyNotFound``, ``SupplyStateRefused``, ``MoreThanExpected``.
    """
    before = situation.find(supply_id)
    if not before.is_on_its_way:
        raise SupplyStateRefused(supply_id, before.state.name, SupplyState.RECEIVED.name)
    units = quantity or before.open_quantity
    if units > before.open_quantity:
        raise MoreThanExpected((supply_id, units, before.open_quantity))
    ledger.move(Cause(MovementKind.ADJUSTED), before.key, Account.TRANSIT, Account.LOSS, units)
    after = replace(before, lost=before.lost + units)
    if not after.open_quantity:
        after = after.become(SupplyState.RECEIVED)
    after = _counted(after)
    return after, situation.waiters.lapse(ledger, after, situation.now)


def _counted(supply: Supply) -> Supply:
    return replace(supply, version=supply.version + 1)
