"""Two worlds in which a shop can live: the whole service, and the pure domain alone."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Protocol, TypeVar
from uuid import UUID

from ordermesh.api.inventory.v1 import LineSelection, ReservationLine, ReserveLine
from ordermesh.api.inventory.v1 import ReservationMode as ReservationModeMessage
from ordermesh.inventory.domain.availability import available
from ordermesh.inventory.domain.errors.reservation import ReservationNotFound
from ordermesh.inventory.domain.errors.stock import CuredByExpiry
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.kit import Component, Kit, Wanted, exploded
from ordermesh.inventory.domain.ledger import Account, AdjustmentReason, Balance, Entry, Ledger
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.movement import Adjustment, StockLine, Transfer
from ordermesh.inventory.domain.movement import adjust as adjusted
from ordermesh.inventory.domain.movement import receive as received
from ordermesh.inventory.domain.movement import transfer as transferred
from ordermesh.inventory.domain.moving import reassign
from ordermesh.inventory.domain.picking import Shipment, ship
from ordermesh.inventory.domain.reservation import Line, Reservation, Selection
from ordermesh.inventory.domain.reserving import Ask, Reserved, reserve
from ordermesh.inventory.domain.selling import Terms
from ordermesh.inventory.domain.verbs import confirm, expire_for, release, settle
from ordermesh.inventory.operations.expiry import expire_overdue
from tests.fakes import FakeClock
from tests.inventory.messages import key, location, selection
from tests.inventory.reference import Move, Place, Unit, Wish
from tests.inventory.shop import Shop

ANYBODY = Actor("developer")

T = TypeVar("T")


class World(Protocol):
    """What a life needs: calls that may raise a refusal, and a look at what became of it."""

    async def receive(self, place: Place, count: int) -> None: ...
    async def set_on_hand(self, place: Place, count: int) -> None: ...
    async def adjust(self, place: Place, delta: int) -> None: ...
    async def transfer(self, place: Place, location_id: str, count: int) -> None: ...
    async def reserve(
        self,
        promise: str,
        wanted: Sequence[Wish],
        hold: int,
        replaces: Sequence[str],
        *,
        best_effort: bool,
    ) -> list[int]:
        """Gives what is granted of each wish."""
        ...

    async def confirm(self, promise: str, *, again: bool) -> None: ...
    async def release(self, promise: str, chosen: Selection | None) -> None: ...
    async def ship(self, promise: str, chosen: Selection, *, exceed: bool) -> None: ...
    async def reassign(self, moves: Sequence[Move]) -> None: ...
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
        self,
        promise: str,
        wanted: Sequence[Wish],
        hold: int,
        replaces: Sequence[str],
        *,
        best_effort: bool,
    ) -> list[int]:
        request = self._shop.wish(
            [_line(wish) for wish in wanted],
            reservation_id=promise,
            confirm=not hold,
            replaces_reservation_ids=replaces,
            best_effort=best_effort,
        )
        if hold:
            request.hold_duration.FromSeconds(hold)
        reply = await self._shop.ask(request)
        granted = [one.granted for one in reply.line_verdicts]
        return granted if best_effort else [wish[3] for wish in wanted]

    async def confirm(self, promise: str, *, again: bool) -> None:
        await self._shop.confirm(promise, again=again)

    async def release(self, promise: str, chosen: Selection | None) -> None:
        lines = [] if chosen is None else [_message(chosen)]
        await self._shop.release(promise, *lines)

    async def ship(self, promise: str, chosen: Selection, *, exceed: bool) -> None:
        await self._shop.ship(promise, _message(chosen), over_ship=exceed)

    async def reassign(self, moves: Sequence[Move]) -> None:
        wanted = {
            promise: [(selection(line_id, count, place), to)]
            for promise, line_id, place, to, count in moves
        }
        if len(wanted) == 1:
            await self._shop.reassign(moves[0][0], *wanted[moves[0][0]])
        else:
            await self._shop.reassign_bulk(wanted)

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
        self,
        promise: str,
        wanted: Sequence[Wish],
        hold: int,
        replaces: Sequence[str],
        *,
        best_effort: bool,
    ) -> list[int]:
        lines = [
            Wanted(line, StockKey(sku, place), count, mode=ReservationMode[mode])
            for line, sku, place, count, mode in wanted
        ]
        ask = Ask(
            UUID(promise),
            "",
            exploded(lines, self._kits),
            timedelta(seconds=hold) if hold else None,
            [UUID(other) for other in replaces],
            is_best_effort=best_effort,
        )

        def decision(ledger: Ledger, *, is_final: bool) -> Reserved:
            now = self._clock.now()
            return reserve(ledger, ANYBODY, ask, self._known, self._terms(), now, is_final=is_final)

        made, replaced, portions = self._decide(
            partial(decision, is_final=not best_effort),
            {ask.reservation_id, *ask.replaces},
            partial(decision, is_final=True),
        )
        self._keep([made, *replaced])
        return [one.granted for one in portions] if best_effort else [wish[3] for wish in wanted]

    async def confirm(self, promise: str, *, again: bool) -> None:
        terms = self._terms() if again else None

        def verb(ledger: Ledger, one: Reservation, *, is_final: bool) -> Reservation:
            return confirm(ledger, one, self._clock.now(), terms=terms, is_final=is_final)

        self._verb(promise, partial(verb, is_final=False), partial(verb, is_final=True))

    async def release(self, promise: str, chosen: Selection | None) -> None:
        stored = self._known.get(UUID(promise))
        if stored is None or stored.is_tombstone:
            self._keep(
                [Reservation(UUID(promise), "developer", "", self._clock.now(), is_tombstone=True)]
            )
            return
        lines = [] if chosen is None else [chosen]
        self._verb(promise, lambda ledger, one: release(ledger, one, lines, self._clock.now())[0])

    async def ship(self, promise: str, chosen: Selection, *, exceed: bool) -> None:
        shipment = Shipment([chosen], may_exceed=exceed)

        def left(ledger: Ledger, one: Reservation) -> Reservation:
            ((after, _),) = ship(ledger, [(one, shipment)], self._clock.now())
            return after

        self._verb(promise, left)

    async def reassign(self, moves: Sequence[Move]) -> None:
        ids = [UUID(promise) for promise, *_ in moves]
        for one in ids:
            if one not in self._known:
                raise ReservationNotFound(one)
        chosen = [[(Selection(line, place, "", count), to)] for _, line, place, to, count in moves]

        def decision(ledger: Ledger) -> list[Reservation]:
            entered = [self._known[one].entered(ANYBODY, 0) for one in ids]
            wanted = list(zip(entered, chosen, strict=True))
            return reassign(ledger, wanted, self._terms(), self._clock.now())

        self._keep(self._decide(decision, ids))

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
                if line.is_on_hand and line.is_overdue(self._clock.now()):
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
            for line in one.lines:
                held[line.key] += line.quantity if line.is_on_hand else 0
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

    def _verb(
        self,
        promise: str,
        verb: Callable[[Ledger, Reservation], Reservation],
        otherwise: Callable[[Ledger, Reservation], Reservation] | None = None,
    ) -> None:
        stored = self._known.get(UUID(promise))
        if stored is None:
            raise ReservationNotFound(UUID(promise))

        def decision(
            what: Callable[[Ledger, Reservation], Reservation], ledger: Ledger
        ) -> Reservation:
            return what(ledger, stored.entered(ANYBODY, 0))

        final = partial(decision, otherwise) if otherwise else None
        self._keep([self._decide(partial(decision, verb), {UUID(promise)}, final)])

    def _decide(
        self,
        decision: Callable[[Ledger], T],
        involved: Iterable[UUID] = (),
        otherwise: Callable[[Ledger], T] | None = None,
    ) -> T:
        """As the operations do: where holds are overdue they are expired and it is tried again."""
        ledger = Ledger(self._balances)
        try:
            outcome = decision(ledger)
        except CuredByExpiry as refusal:
            ledger = Ledger(self._balances)
            others = [one for id_, one in self._known.items() if id_ not in set(involved)]
            expired = expire_for(ledger, others, refusal.missing, self._clock.now())
            outcome = (otherwise or decision)(ledger)
            self._keep(expired)
        self._balances.update(ledger.changed())
        self._entries += ledger.entries
        return outcome

    def _keep(self, reservations: Iterable[Reservation]) -> None:
        self._known.update({one.reservation_id: one for one in reservations})


def _line(wish: Wish) -> ReserveLine:
    line_id, sku, place, count, mode = wish
    return ReserveLine(
        line_id=line_id,
        key=key(f"{sku} at {place}"),
        quantity=count,
        mode=ReservationModeMessage.Value(f"RESERVATION_MODE_{mode}"),
    )


def _message(chosen: Selection) -> LineSelection:
    return selection(chosen.line_id, chosen.quantity, chosen.location_id, chosen.sku)


def _counted(units: Iterable[tuple[Unit, int]]) -> Counter[Unit]:
    counted: Counter[Unit] = Counter()
    for unit, count in units:
        counted[unit] += count
    return counted


def _unit(line: ReservationLine) -> tuple[Unit, int]:
    state = ReservationLine.State.Name(line.state).removeprefix("STATE_")
    place = line.key
    mode = ReservationModeMessage.Name(line.mode).removeprefix("RESERVATION_MODE_")
    return Unit(
        line.line_id, line.kit_sku, place.sku, place.location_id, state, mode
    ), line.quantity


def _pure_unit(line: Line, now: datetime) -> tuple[Unit, int]:
    state = "EXPIRED" if line.is_open and line.is_overdue(now) else line.state.name
    return Unit(line.line_id, line.kit_sku, *line.key, state, line.mode.name), line.quantity
