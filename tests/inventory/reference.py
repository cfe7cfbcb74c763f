"""The ledger once more, as simply as it can be said: what the service must agree with.

It knows nothing of entries, sequences, lines that are split, or sweeps. A reservation is a bag of
units, each in a state at a place; a balance is two numbers.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

Place = tuple[str, str]
"""A SKU and a location."""


class Refused(Exception):
    """The model refuses, for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True)
class Unit:
    """What is alike of units: the line, what was asked for, what it is and where, and its state.

    Units of mode TRACK_ONLY are wanted and not held.
    """

    line_id: str
    kit: str
    sku: str
    location: str
    state: str
    mode: str = "RESERVE"

    @property
    def place(self) -> Place:
        return self.sku, self.location


@dataclass
class Promise:
    """A reservation. ``ends`` is when its hold ends, 0 when it was confirmed at once.

    ``is_renewed``: what had expired of it was reserved again. ``is_given_up``: it was released.
    """

    ends: float
    units: Counter[Unit] = field(default_factory=Counter)
    is_renewed: bool = False
    is_given_up: bool = False


Wish = tuple[str, str, str, int, str]
"""Line id, SKU or kit, location, quantity and mode."""

Move = tuple[str, str, str, str, int]
"""Reservation, line id, location, where to, and quantity."""


@dataclass
class Model:
    """Stock and promises; ``kits`` are what kits are made of."""

    kits: Mapping[str, Mapping[str, int]]
    now: float = 0.0
    on_hand: dict[Place, int] = field(default_factory=dict)
    promises: dict[str, Promise] = field(default_factory=dict)
    tombstones: set[str] = field(default_factory=set)
    off: set[str] = field(default_factory=set)

    def let_pass(self, seconds: float) -> None:
        self.now += seconds
        for promise in self.promises.values():
            if promise.ends and promise.ends <= self.now:
                _change_state(promise, "HELD", "EXPIRED")

    def switch(self, location: str, *, is_off: bool) -> None:
        self.off = self.off - {location} | ({location} if is_off else set())

    def reserved(self, place: Place) -> int:
        return sum(
            count
            for promise in self.promises.values()
            for unit, count in promise.units.items()
            if unit.place == place and _is_open(unit) and unit.mode == "RESERVE"
        )

    def free(self, place: Place) -> int:
        return self.on_hand.get(place, 0) - self.reserved(place)

    def available(self, place: Place) -> int:
        return 0 if place[1] in self.off else self.free(place)

    def receive(self, stock: Mapping[Place, int]) -> None:
        for place, count in stock.items():
            self.on_hand[place] = self.on_hand.get(place, 0) + count

    def adjust(self, place: Place, target: int) -> None:
        if place not in self.on_hand and target < 0:
            raise Refused("NOT_STOCKED_HERE")
        if target < self.reserved(place):
            raise Refused("ON_HAND_BELOW_RESERVED")
        if place in self.on_hand or target > 0:
            self.on_hand[place] = target

    def transfer(self, place: Place, location: str, count: int) -> None:
        if count > self.free(place):
            raise Refused("INSUFFICIENT_STOCK")
        self.on_hand[place] -= count
        self.receive({(place[0], location): count})

    def reserve(
        self,
        promise_id: str,
        wanted: Sequence[Wish],
        hold: float,
        replaces: Sequence[str],
        *,
        best_effort: bool = False,
    ) -> list[int]:
        """Give what is granted of each wish. A hold of 0 is none."""
        if promise_id in self.tombstones:
            raise Refused("RESERVATION_RELEASED")
        if promise_id in self.promises:
            raise Refused("RESERVATION_ID_TAKEN")
        for other in replaces:
            if other not in self.promises:
                raise Refused("RESERVATION_NOT_FOUND")
            if self.promises[other].units and not _open(self.promises[other]):
                raise Refused("RESERVATION_CLOSED")
        before = {other: self.promises[other].units.copy() for other in replaces}
        for other in replaces:
            _release(self.promises[other])
        state = "HELD" if hold else "CONFIRMED"
        granted = [wish[3] for wish in wanted]
        try:
            if best_effort:
                granted = self._portions(wanted)
            if not any(granted) or not best_effort:
                granted = [wish[3] for wish in wanted]
                self._refuse_short(self._made(wanted, granted, state))
        except Refused:
            for other, units in before.items():
                self.promises[other].units = units
            raise
        made = self._made(wanted, granted, state)
        self.promises[promise_id] = Promise(self.now + hold if hold else 0, made)
        return granted

    def _made(self, wanted: Sequence[Wish], granted: Sequence[int], state: str) -> Counter[Unit]:
        """The units of what is granted, but for those that nobody records."""
        units: Counter[Unit] = Counter()
        for (line_id, sku, location, _, mode), count in zip(wanted, granted, strict=True):
            for part, per_kit in self.kits.get(sku, {sku: 1}).items():
                kit = sku if sku in self.kits else ""
                if mode != "NONE" and count:
                    units[Unit(line_id, kit, part, location, state, mode)] += count * per_kit
        return units

    def _portions(self, wanted: Sequence[Wish]) -> list[int]:
        """Of each wish what the ones before have left, kits whole."""
        taken: Counter[Place] = Counter()
        granted: list[int] = []
        for _, sku, location, wished, mode in wanted:
            parts = self.kits.get(sku, {sku: 1})
            count = wished
            for part, per_kit in parts.items():
                place = (part, location)
                if mode == "RESERVE":
                    left = max(0, self.available(place) - taken[place])
                    count = min(count, left // per_kit)
                elif mode == "TRACK_ONLY" and place not in self.on_hand:
                    count = 0
            if mode == "RESERVE":
                taken.update({(part, location): count * per for part, per in parts.items()})
            granted.append(count)
        return granted

    def _refuse_short(self, units: Mapping[Unit, int]) -> None:
        demand: Counter[Place] = Counter()
        for unit, count in units.items():
            if unit.mode == "RESERVE":
                demand[unit.place] += count
            elif unit.place not in self.on_hand:
                raise Refused("NOT_STOCKED_HERE")
        short = [place for place, count in demand.items() if count > self.available(place)]
        if short:
            stocked = any(place in self.on_hand for place in short)
            raise Refused("INSUFFICIENT_STOCK" if stocked else "NOT_STOCKED_HERE")

    def confirm(self, promise_id: str, *, again: bool = False) -> None:
        promise = self._find(promise_id)
        lost = Counter(
            {
                unit: count
                for unit, count in promise.units.items()
                if unit.state == "EXPIRED" and not (promise.is_renewed or promise.is_given_up)
            }
        )
        if lost and again:
            try:
                self._refuse_short(lost)
            except Refused:
                raise Refused("RESERVATION_EXPIRED") from None
            for unit, count in lost.items():
                promise.units[replace(unit, state="CONFIRMED")] += count
            promise.is_renewed = True
        elif lost:
            raise Refused("RESERVATION_EXPIRED")
        elif promise.units and not _open(promise):
            raise Refused("RESERVATION_CLOSED")
        _change_state(promise, "HELD", "CONFIRMED")
        promise.ends = 0

    def release(self, promise_id: str, chosen: tuple[str, str, int] | None) -> None:
        """``chosen`` is a line id, a location and a quantity; None means all."""
        if promise_id not in self.promises:
            self.tombstones.add(promise_id)
            return
        promise = self.promises[promise_id]
        promise.is_given_up |= any(
            unit.state == "EXPIRED"
            and (chosen is None or (unit.line_id, unit.location) == chosen[:2])
            for unit in promise.units
        )
        if chosen is None:
            _release(promise)
            return
        for unit, count in self._units(promise, *chosen)[1].items():
            _move(promise, unit, count, state="RELEASED")

    def ship(
        self, promise_id: str, line_id: str, location: str, count: int, *, exceed: bool = False
    ) -> None:
        promise = self._find(promise_id)
        still_open, units = self._units(promise, line_id, location, count)
        extra = max(0, count - still_open)
        if (extra and not exceed) or not units:
            raise Refused("RESERVATION_CLOSED")
        if any(unit.state == "HELD" for unit in units):
            raise Refused("RESERVATION_NOT_CONFIRMED")
        beyond = Counter({unit.place: extra * self._per_kit(unit) for unit in units})
        beyond.update(
            {unit.place: taken for unit, taken in units.items() if unit.mode != "RESERVE"}
        )
        if any(taken > self.free(place) for place, taken in beyond.items()):
            raise Refused("INSUFFICIENT_STOCK")
        for unit, taken in units.items():
            _move(promise, unit, taken, state="SHIPPED")
            self.on_hand[unit.place] -= taken + extra * self._per_kit(unit)

    def reassign(self, moves: Sequence[Move]) -> None:
        """All moves or none. Those of one reservation come one after the other."""
        for promise_id, *_ in moves:
            self._find(promise_id)
        touched = {promise_id: self.promises[promise_id] for promise_id, *_ in moves}
        before = {promise_id: one.units.copy() for promise_id, one in touched.items()}
        try:
            lifted = [self._lifted(*move) for move in moves]
            self._put_down(lifted)
        except Refused:
            for promise_id, units in before.items():
                touched[promise_id].units = units
            raise

    def _lifted(
        self, promise_id: str, line_id: str, location: str, to: str, count: int
    ) -> tuple[Promise, str, Counter[Unit]]:
        """The units that are to go somewhere: until they are there they are nowhere."""
        promise = self._find(promise_id)
        still_open, units = self._units(promise, line_id, location, count)
        if location == to:
            raise Refused("SAME_LOCATION")
        if count > still_open or not units:
            has_expired = any(
                unit.state == "EXPIRED"
                for unit in promise.units
                if unit.line_id == line_id and unit.location == location
            )
            raise Refused(
                "RESERVATION_EXPIRED" if has_expired and not still_open else "RESERVATION_CLOSED"
            )
        for unit, taken in units.items():
            promise.units[unit] -= taken
        return promise, to, units

    def _put_down(self, lifted: Sequence[tuple[Promise, str, Counter[Unit]]]) -> None:
        demand: Counter[Place] = Counter()
        for _, to, units in lifted:
            for unit, taken in units.items():
                if unit.mode == "RESERVE":
                    demand[unit.sku, to] += taken
                elif (unit.sku, to) not in self.on_hand:
                    raise Refused("INSUFFICIENT_STOCK")
        if any(wanted > self.available(place) for place, wanted in demand.items()):
            raise Refused("INSUFFICIENT_STOCK")
        for promise, to, units in lifted:
            for unit, taken in units.items():
                promise.units[replace(unit, location=to)] += taken
            promise.units = +promise.units

    def _per_kit(self, unit: Unit) -> int:
        return self.kits[unit.kit][unit.sku] if unit.kit else 1

    def _find(self, promise_id: str) -> Promise:
        if promise_id not in self.promises:
            raise Refused("RESERVATION_NOT_FOUND")
        return self.promises[promise_id]

    def _units(
        self, promise: Promise, line_id: str, location: str, count: int
    ) -> tuple[int, Counter[Unit]]:
        """How many are open, counted as they were asked for, and the units that are chosen."""
        there = [
            unit for unit in promise.units if unit.line_id == line_id and unit.location == location
        ]
        if not there:
            raise Refused("LINE_NOT_FOUND")
        open_units = {unit: promise.units[unit] for unit in there if _is_open(unit)}
        per_kit = {unit: self._per_kit(unit) for unit in open_units}
        still_open = max((open_units[unit] // per_kit[unit] for unit in open_units), default=0)
        wanted = min(count, still_open) if count else still_open
        return still_open, Counter({unit: wanted * per_kit[unit] for unit in open_units if wanted})


def _is_open(unit: Unit) -> bool:
    return unit.state in ("HELD", "CONFIRMED")


def _open(promise: Promise) -> bool:
    return any(map(_is_open, promise.units))


def _release(promise: Promise) -> None:
    _change_state(promise, "HELD", "RELEASED")
    _change_state(promise, "CONFIRMED", "RELEASED")


def _change_state(promise: Promise, before: str, after: str) -> None:
    for unit in [unit for unit in promise.units if unit.state == before]:
        _move(promise, unit, promise.units[unit], state=after)


def _move(promise: Promise, unit: Unit, count: int, *, state: str) -> None:
    promise.units[unit] -= count
    if not promise.units[unit]:
        del promise.units[unit]
    promise.units[replace(unit, state=state)] += count
