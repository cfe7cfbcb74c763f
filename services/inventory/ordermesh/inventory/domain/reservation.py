"""Reservations: stock that is promised, line by line, and what may become of a line.

::

    HELD ──Confirm──▶ CONFIRMED ──Ship──▶ SHIPPED
     │ │                  ├──Short──────▶ SHORT
     │ │                  └──Release────▶ RELEASED
     │ └──Release───────────────────────▶ RELEASED
     └──its time passes─────────────────▶ EXPIRED

Part of a line is never a state: the part that is closed or moved becomes a line of its own, so that
the lines of a reservation always sum to what was granted.
"""

import enum
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.errors.reservation import (
    Fenced,
    LineNotFound,
    NotYourReservation,
    ReservationNotFound,
)
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import PoolKey
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.kernel.records import record


class LineState(enum.IntEnum):
    """What has become of a line; the numbers are the contract's."""

    HELD = 1
    CONFIRMED = 2
    SHIPPED = 3
    RELEASED = 4
    EXPIRED = 5
    SHORT = 6


TRANSITIONS: Mapping[LineState, frozenset[LineState]] = {
    LineState.HELD: frozenset({LineState.CONFIRMED, LineState.RELEASED, LineState.EXPIRED}),
    LineState.CONFIRMED: frozenset({LineState.SHIPPED, LineState.RELEASED, LineState.SHORT}),
    LineState.SHIPPED: frozenset(),
    LineState.RELEASED: frozenset(),
    LineState.EXPIRED: frozenset(),
    LineState.SHORT: frozenset(),
}
"""What a line may become. A state from which nothing leads on is closed for ever."""

OPEN = frozenset(state for state, next_states in TRANSITIONS.items() if next_states)
"""The states in which a line holds stock."""


@record
class Line:
    """Stock of one key, held together. ``number`` counts within the reservation from 1.

    ``expire_time`` is set while it is held. ``close_time`` is when it was closed; of an expired
    line, when its hold ended. ``kit_sku`` and ``quantity_per_kit`` tell of the kit asked for.
    ``lot_id`` and ``serial_numbers`` are facts that go with the units.
    ``pool`` is the number of the pool that its units were taken from, or are to come from.

    A line with a ``supply_id`` holds nothing on hand: it waits for that supply, at the latest until
    ``needed_by``. ``broken_time`` is when the supply could no longer keep the promise; it then
    waits for nothing, and stays open so that nobody forgets it.
    """

    number: int
    line_id: str
    key: StockKey
    quantity: int
    state: LineState
    expire_time: datetime | None = None
    kit_sku: str = ""
    quantity_per_kit: int = 0
    close_time: datetime | None = None
    mode: ReservationMode = ReservationMode.RESERVE
    lot_id: str = ""
    serial_numbers: tuple[str, ...] = ()
    pool: int | None = None
    supply_id: str = ""
    needed_by: datetime | None = None
    broken_time: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether it promises something."""
        return self.state in OPEN

    @property
    def is_on_hand(self) -> bool:
        """Whether it holds units that are at its location, so that they count as reserved."""
        return self.is_open and self.mode is ReservationMode.RESERVE and not self.supply_id

    @property
    def is_waiting(self) -> bool:
        """Whether units of a supply are promised to it."""
        return self.is_open and bool(self.supply_id) and self.broken_time is None

    @property
    def is_broken(self) -> bool:
        """Whether it is open, and neither holds units nor has any coming."""
        return self.is_open and self.broken_time is not None

    def on_hand(self) -> "Line":
        """The line when it holds units that are there, instead of waiting for others."""
        return replace(self, supply_id="", needed_by=None, broken_time=None)

    @property
    def place(self) -> PoolKey | None:
        """The pool that it takes units from."""
        return None if self.pool is None else (self.pool, self.key)

    @property
    def asked_sku(self) -> str:
        """The SKU that the caller asked for: the kit's, or its own."""
        return self.kit_sku or self.key.sku

    def is_overdue(self, now: datetime) -> bool:
        """Whether its hold has passed, so that it counts for nobody."""
        return self.expire_time is not None and self.expire_time <= now

    def become(self, state: LineState, at: datetime) -> "Line":
        """The line in another state; raises ``ValueError`` where the table has no such way."""
        if state not in TRANSITIONS[self.state]:
            raise ValueError(f"A line that is {self.state.name} cannot become {state.name}.")
        return replace(
            self, state=state, expire_time=None, close_time=None if state in OPEN else at
        )


@record
class Reservation:
    """What its caller holds, or held. Verbs make a new one and leave this one as it was.

    ``lines`` may be only those that a decision needs; ``last_number`` counts all. ``granted`` is
    the sum of units when it was made, and when it was reserved again. ``event_sequence`` counts
    the events told about it. ``renew_time``: when its expired lines were reserved again.
    ``is_given_up``: they were released, and are not to be reserved again.
    ``is_tombstone``: it was released before it was made, and holds nothing.
    ``channel`` is through which it is sold, ``customer`` a key of its caller's for who buys;
    ``control_version`` is that of the controls under which it was made.
    """

    reservation_id: UUID
    owner: str
    order_id: str
    create_time: datetime
    lines: tuple[Line, ...] = ()
    last_number: int = 0
    granted: int = 0
    fence: int = 0
    event_sequence: int = 0
    is_tombstone: bool = False
    renew_time: datetime | None = None
    is_given_up: bool = False
    channel: str = ""
    customer: str = ""
    control_version: int = 0

    @property
    def purchase_time(self) -> datetime:
        """When its customer bought what it holds or has sold."""
        return self.renew_time or self.create_time

    @property
    def open_lines(self) -> tuple[Line, ...]:
        """The lines that hold stock."""
        return tuple(line for line in self.lines if line.is_open)

    @property
    def lost_lines(self) -> tuple[Line, ...]:
        """The lines that were not confirmed in time, unless reserved again or given up."""
        if self.renew_time is not None or self.is_given_up:
            return ()
        return tuple(line for line in self.lines if line.state is LineState.EXPIRED)

    def entered(self, actor: Actor, fence: int) -> "Reservation":
        """The reservation as a verb of this actor may work on it, with its fence noted.

        A fence of 0 is none. Raises ``ReservationNotFound`` for a tombstone,
        ``NotYourReservation``, ``Fenced``.
        """
        self.refuse_strangers(actor)
        if self.is_tombstone:
            raise ReservationNotFound(self.reservation_id)
        if 0 < fence < self.fence:
            raise Fenced(self.reservation_id, fence, self.fence)
        return replace(self, fence=max(self.fence, fence))

    def refuse_strangers(self, actor: Actor) -> None:
        """Raise ``NotYourReservation`` when the actor may not change it."""
        if not actor.may_change(self.owner):
            raise NotYourReservation(self.reservation_id)


@dataclass(frozen=True)
class Selection:
    """Open lines of a reservation, or a part of them. Empty texts mean any.

    ``quantity`` counts what was asked for: kits, where a kit was asked for and ``sku`` is empty. 0
    means all that is open.
    """

    line_id: str
    location_id: str = ""
    sku: str = ""
    quantity: int = 0

    def covers(self, line: Line) -> bool:
        """Whether the line is among those that are chosen, whatever its state."""
        return (
            line.line_id == self.line_id
            and self.location_id in ("", line.key.location_id)
            and self.sku in ("", line.key.sku)
        )


@dataclass
class Draft:
    """A reservation while a verb works on it: its lines by number, and how parts are split off."""

    reservation: Reservation
    lines: dict[int, Line] = field(init=False)
    last_number: int = field(init=False)

    def __post_init__(self) -> None:
        self.lines = {line.number: line for line in self.reservation.lines}
        self.last_number = self.reservation.last_number

    def put(self, line: Line) -> None:
        """Replace the line of this number."""
        self.lines[line.number] = line

    def add(self, line: Line) -> Line:
        """One line more, with the next number."""
        self.last_number += 1
        self.put(added := replace(line, number=self.last_number))
        return added

    def split(self, number: int, quantity: int) -> Line:
        """So many units of a line as a line of their own; the whole line when it has no more.

        The first of its serial numbers go with them.
        """
        line = self.lines[number]
        if quantity == line.quantity:
            return line
        first, rest = line.serial_numbers[:quantity], line.serial_numbers[quantity:]
        self.put(replace(line, quantity=line.quantity - quantity, serial_numbers=rest))
        return self.add(replace(line, quantity=quantity, serial_numbers=first))

    def done(self) -> Reservation:
        """The reservation with the changed lines, in the order of their numbers."""
        lines = tuple(self.lines[number] for number in sorted(self.lines))
        return replace(self.reservation, lines=lines, last_number=self.last_number)


@dataclass(frozen=True)
class Taking:
    """What a selection takes: so many units of lines by number; wanted and open as it counts."""

    wanted: int
    still_open: int
    units: Mapping[int, int]

    @property
    def taken(self) -> int:
        """How many of those wanted are there, as the selection counts."""
        return min(self.wanted, self.still_open)


def take(
    draft: Draft,
    selection: Selection,
    taken: dict[int, int],
    excluding_location_id: str = "",
    *,
    on_hand_first: bool = False,
) -> Taking:
    """Choose units of open lines: broken ones first, then those that wait, then those on hand.

    With ``on_hand_first`` the other way round; among equals in the order of their numbers.
    ``taken`` are the units that earlier selections of the same request chose, by line number; it
    grows. Lines at ``excluding_location_id`` are passed over. Raises ``LineNotFound``.
    """
    covered = [line for line in draft.lines.values() if selection.covers(line)]
    covered.sort(key=lambda line: (_rank(line, on_hand_first=on_hand_first), line.number))
    if not covered:
        raise LineNotFound(draft.reservation.reservation_id, selection.line_id)
    groups: dict[str, list[Line]] = {}
    for line in covered:
        if line.is_open and line.key.location_id != (excluding_location_id or None):
            groups.setdefault(line.asked_sku if not selection.sku else "", []).append(line)
    rest = selection.quantity or None
    still_open = 0
    units: dict[int, int] = {}
    for lines in groups.values():
        as_kits = bool(lines[0].kit_sku) and not selection.sku
        count = _open_count(lines, taken, as_kits=as_kits)
        still_open += count
        wanted = count if rest is None else min(count, rest)
        if rest is not None:
            rest -= wanted
        _choose(lines, wanted, taken, units, as_kits=as_kits)
    for number, quantity in units.items():
        taken[number] = taken.get(number, 0) + quantity
    return Taking(selection.quantity or still_open, still_open, units)


def _rank(line: Line, *, on_hand_first: bool) -> int:
    rank = 0 if line.is_broken else 1 if line.is_waiting else 2
    return -rank if on_hand_first else rank


def _open_count(lines: Sequence[Line], taken: Mapping[int, int], *, as_kits: bool) -> int:
    """Units that are open; of kits, the number that some component is still open of."""
    if not as_kits:
        return sum(line.quantity - taken.get(line.number, 0) for line in lines)
    return max(
        -(-sum(part.quantity - taken.get(part.number, 0) for part in parts) // per_kit)
        for per_kit, parts in _components(lines)
    )


def _choose(
    lines: Sequence[Line],
    wanted: int,
    taken: Mapping[int, int],
    units: dict[int, int],
    *,
    as_kits: bool,
) -> None:
    components = _components(lines) if as_kits else [(1, lines)]
    for per_kit, parts in components:
        rest = wanted * per_kit
        for part in parts:
            quantity = min(rest, part.quantity - taken.get(part.number, 0))
            if quantity > 0:
                units[part.number] = quantity
                rest -= quantity


def _components(lines: Iterable[Line]) -> list[tuple[int, list[Line]]]:
    parts: dict[tuple[str, int], list[Line]] = {}
    for line in lines:
        parts.setdefault((line.key.sku, line.quantity_per_kit), []).append(line)
    return [(per_kit, members) for (_, per_kit), members in parts.items()]
