"""Two worlds in which a shop can live: the whole service, and the pure domain alone."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Protocol, TypeVar
from uuid import UUID

from ordermesh.api.inventory.v1 import LineSelection, ReservationLine
from ordermesh.inventory.domain.availability import available
from ordermesh.inventory.domain.errors.reservation import ReservationNotFound
from ordermesh.inventory.domain.errors.stock import CuredByExpiry
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Component, Kit, Wanted, exploded
from ordermesh.inventory.domain.ledger import Account, AdjustmentReason, Balance, Entry, Ledger
from ordermesh.inventory.domain.movement import Adjustment, StockLine, Transfer
from ordermesh.inventory.domain.movement import adjust as adjusted
from ordermesh.inventory.domain.movement import receive as received
from ordermesh.inventory.domain.movement import transfer as transferred
from ordermesh.inventory.domain.moving import reassign
from ordermesh.inventory.domain.picking import Shipment, ship
from ordermesh.inventory.domain.reservation import Line, Reservation, Selection
from ordermesh.inventory.domain.reserving import Ask, reserve
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.verbs import confirm, expire_for, release, settle
from ordermesh.inventory.operations.expiry import expire_overdue
from tests.fakes import FakeClock
from tests.inventory.reference import Place, Unit
from tests.inventory.shop import Shop, location, selection

Row = tuple[str, str, str, int]
"""Line id, SKU, location and quantity."""

ANYBODY = Actor("developer")

T = TypeVar("T")


class World(Protocol):
    """What a life needs: calls that may raise a refusal, and a look at what became of it."""

    async def receive(self, place: Place, count: int) -> None: ...
    async def set_on_hand(self, place: Place, count: int) -> None: ...
    async def adjust(self, place: Place, delta: int) -> None: ...
    async def transfer(self, place: Place, location_id: str, count: int) -> None: ...
    async def reserve(
        self, promise: str, wanted: Sequence[Row], hold: int, replaces: Sequence[str]
    ) -> None: ...
    async def confirm(self, promise: str) -> None: ...
    async def release(self, promise: str, chosen: Selection | None) -> None: ...
    async def ship(self, promise: str, chosen: Selection) -> None: ...
    async def reassign(self, promise: str, chosen: Selection, to: str) -> None: ...
    async def switch(self, location_id: str, *, is_off: bool) -> None: ...
    async def let_pass(self, seconds: int) -> None: ...
    async def sweep(self) -> None: ...
    async def figures(self, places: Sequence[Place]) -> list[tuple[int, int]]:
        """What is available and on hand at each place."""
        ...

    async def promises(self) -> dict[str, Counter[Unit]]: ...
    async def is_sound(self) -> bool: ...
    async def close(self) -> None: ...


class ServiceWorld:
    """The whole service but for the network."""

    def __init__(self, shop: Shop) -> None:
        self._shop = shop

    async def receive(self, place: Place, count: int) -> None:
        await self._shop.receive({" at ".join(place): count})

    async def set_on_hand(self, place: Place, count: int) -> None:
        await self._shop.adjust(" at ".join(place), on_hand=count)

    async def adjust(self, place: Place, delta: int) -> None:
        await self._shop.adjust(" at ".join(place), delta=delta)

    async def transfer(self, place: Place, location_id: str, count: int) -> None:
        await self._shop.transfer((" at ".join(place), location_id, count))

    async def reserve(
        self, promise: str, wanted: Sequence[Row], hold: int, replaces: Sequence[str]
    ) -> None:
        lines = [(line_id, f"{sku} at {place}", count) for line_id, sku, place, count in wanted]
        await self._shop.reserve(
            lines,
            reservation_id=promise,
            hold_seconds=hold,
            confirm=not hold,
            replaces=replaces,
        )

    async def confirm(self, promise: str) -> None:
        await self._shop.confirm(promise)

    async def release(self, promise: str, chosen: Selection | None) -> None:
        lines = [] if chosen is None else [_message(chosen)]
        await self._shop.release(promise, *lines)

    async def ship(self, promise: str, chosen: Selection) -> None:
        await self._shop.ship(promise, _message(chosen))

    async def reassign(self, promise: str, chosen: Selection, to: str) -> None:
        await self._shop.reassign(promise, (_message(chosen), to))

    async def switch(self, location_id: str, *, is_off: bool) -> None:
        await self._shop.put_locations(location(location_id, disabled=is_off))

    async def let_pass(self, seconds: int) -> None:
        await self._shop.let_pass(seconds)

    async def sweep(self) -> None:
        stores = self._shop.wiring.stores
        await self._shop.wiring.database.run(lambda tx: expire_overdue(stores, tx))

    async def figures(self, places: Sequence[Place]) -> list[tuple[int, int]]:
        skus = list(dict.fromkeys(sku for sku, _ in places))
        location_ids = list(dict.fromkeys(location_id for _, location_id in places))
        reply = await self._shop.availability(skus, location_ids)
        return list(zip(reply.available.quantities, reply.on_hand, strict=True))

    async def promises(self) -> dict[str, Counter[Unit]]:
        stored = await self._shop.all_reservations()
        return {one.reservation_id: _counted(map(_unit, one.lines)) for one in stored}

    async def is_sound(self) -> bool:
        return await self._shop.is_sound()

    async def close(self) -> None:
        await self._shop.wiring.database.close()


class PureWorld:
    """The decisions of the domain on dictionaries: no database, so that lives are cheap."""

    def __init__(self, kits: Mapping[str, Mapping[str, int]]) -> None:
        self._kits = {
            sku: Kit(tuple(Component(*part) for part in parts.items()))
            for sku, parts in kits.items()
        }
        self._clock = FakeClock()
        self._balances: dict[StockKey, Balance] = {}
        self._entries: list[Entry] = []
        self._known: dict[UUID, Reservation] = {}
        self._off: set[str] = set()

    async def receive(self, place: Place, count: int) -> None:
        self._balances.setdefault(StockKey(*place), Balance())
        self._decide(lambda ledger: received(ledger, [StockLine(StockKey(*place), count)]))

    async def set_on_hand(self, place: Place, count: int) -> None:
        self._adjust(Adjustment(StockKey(*place), on_hand=count))

    async def adjust(self, place: Place, delta: int) -> None:
        self._adjust(Adjustment(StockKey(*place), delta=delta))

    def _adjust(self, one: Adjustment) -> None:
        reason = AdjustmentReason.CORRECTION
        self._decide(lambda ledger: adjusted(ledger, [one], reason))

    async def transfer(self, place: Place, location_id: str, count: int) -> None:
        one = Transfer(StockKey(*place), location_id, count)
        self._decide(lambda ledger: transferred(ledger, [one]))

    async def reserve(
        self, promise: str, wanted: Sequence[Row], hold: int, replaces: Sequence[str]
    ) -> None:
        lines = [Wanted(line, StockKey(sku, place), count) for line, sku, place, count in wanted]
        ask = Ask(
            UUID(promise),
            "",
            exploded(lines, self._kits),
            timedelta(seconds=hold) if hold else None,
            [UUID(other) for other in replaces],
        )
        made, replaced, _ = self._decide(
            lambda ledger: reserve(
                ledger, ANYBODY, ask, self._known, self._terms(), self._clock.now()
            ),
            {ask.reservation_id, *ask.replaces},
        )
        self._keep([made, *replaced])

    async def confirm(self, promise: str) -> None:
        self._verb(promise, lambda ledger, one: confirm(ledger, one, self._clock.now()))

    async def release(self, promise: str, chosen: Selection | None) -> None:
        stored = self._known.get(UUID(promise))
        if stored is None or stored.is_tombstone:
            self._keep(
                [Reservation(UUID(promise), "developer", "", self._clock.now(), is_tombstone=True)]
            )
            return
        lines = [] if chosen is None else [chosen]
        self._verb(promise, lambda ledger, one: release(ledger, one, lines, self._clock.now())[0])

    async def ship(self, promise: str, chosen: Selection) -> None:
        self._verb(
            promise, lambda ledger, one: ship(ledger, one, Shipment([chosen]), self._clock.now())[0]
        )

    async def reassign(self, promise: str, chosen: Selection, to: str) -> None:
        moves, now = [(chosen, to)], self._clock.now()
        self._verb(
            promise, lambda ledger, one: reassign(ledger, [(one, moves)], self._terms(), now)[0]
        )

    async def switch(self, location_id: str, *, is_off: bool) -> None:
        self._off = self._off - {location_id} | ({location_id} if is_off else set())

    async def let_pass(self, seconds: int) -> None:
        self._clock.advance(seconds)

    async def sweep(self) -> None:
        now = self._clock.now()
        self._keep(
            self._decide(lambda ledger: [settle(ledger, one, now) for one in self._known.values()])
        )

    async def figures(self, places: Sequence[Place]) -> list[tuple[int, int]]:
        returning: Counter[StockKey] = Counter()
        for one in self._known.values():
            for line in one.open_lines:
                if line.is_overdue(self._clock.now()):
                    returning[line.key] += line.quantity
        keys = [StockKey(*place) for place in places]
        balances = [self._balances.get(key, Balance()) for key in keys]
        return [
            (
                available(balance, returning[key], is_off=key.location_id in self._off),
                balance.on_hand,
            )
            for key, balance in zip(keys, balances, strict=True)
        ]

    async def promises(self) -> dict[str, Counter[Unit]]:
        now = self._clock.now()
        return {
            str(one.reservation_id): _counted(_pure_unit(line, now) for line in one.lines)
            for one in self._known.values()
            if not one.is_tombstone
        }

    async def is_sound(self) -> bool:
        sums: dict[StockKey, Counter[Account]] = {}
        counts: Counter[StockKey] = Counter()
        for entry in self._entries:
            accounts = sums.setdefault(entry.key, Counter())
            accounts[entry.source] -= entry.quantity
            accounts[entry.target] += entry.quantity
            counts[entry.key] += 1
        held: Counter[StockKey] = Counter()
        for one in self._known.values():
            if sum(line.quantity for line in one.lines) != one.granted:
                return False
            for line in one.open_lines:
                held[line.key] += line.quantity
        return all(
            balance.free == sums.get(key, Counter())[Account.FREE]
            and balance.reserved == sums.get(key, Counter())[Account.RESERVED] == held[key]
            and balance.sequence == counts[key]
            and balance.short == 0
            for key, balance in self._balances.items()
        )

    async def close(self) -> None:
        pass

    def _terms(self) -> Terms:
        return Terms(frozenset(key for key in self._balances if key.location_id in self._off))

    def _verb(self, promise: str, verb: Callable[[Ledger, Reservation], Reservation]) -> None:
        stored = self._known.get(UUID(promise))
        if stored is None:
            raise ReservationNotFound(UUID(promise))
        self._keep(
            [self._decide(lambda ledger: verb(ledger, stored.entered(ANYBODY, 0)), {UUID(promise)})]
        )

    def _decide(self, decision: Callable[[Ledger], T], involved: Iterable[UUID] = ()) -> T:
        """As the operations do: where holds are overdue they are expired and it is tried again."""
        ledger = Ledger(self._balances)
        try:
            outcome = decision(ledger)
        except CuredByExpiry as refusal:
            ledger = Ledger(self._balances)
            others = [one for id_, one in self._known.items() if id_ not in set(involved)]
            expired = expire_for(ledger, others, refusal.missing, self._clock.now())
            outcome = decision(ledger)
            self._keep(expired)
        self._balances.update(ledger.changed())
        self._entries += ledger.entries
        return outcome

    def _keep(self, reservations: Iterable[Reservation]) -> None:
        self._known.update({one.reservation_id: one for one in reservations})


def _message(chosen: Selection) -> LineSelection:
    return selection(chosen.line_id, chosen.quantity, chosen.location_id, chosen.sku)


def _counted(units: Iterable[tuple[Unit, int]]) -> Counter[Unit]:
    counted: Counter[Unit] = Counter()
    for unit, count in units:
        counted[unit] += count
    return counted


def _unit(line: ReservationLine) -> tuple[Unit, int]:
    state = ReservationLine.State.Name(line.state).removeprefix("STATE_")
    key = line.key
    return Unit(line.line_id, line.kit_sku, key.sku, key.location_id, state), line.quantity


def _pure_unit(line: Line, now: datetime) -> tuple[Unit, int]:
    state = "EXPIRED" if line.is_open and line.is_overdue(now) else line.state.name
    return Unit(line.line_id, line.kit_sku, *line.key, state), line.quantity
