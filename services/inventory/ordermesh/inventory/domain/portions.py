"""How much of each line can be granted, and at which locations of a group."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.errors.stock import (
    GroupShortage,
    InsufficientStock,
    NotStockedHere,
)
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.kit import LINES_MAX, Wanted
from ordermesh.inventory.domain.ledger import Ledger
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.selling import Terms, sellable

UNBOUNDED = 10**12
"""More than can be wanted of anything."""


@dataclass(frozen=True)
class Portion:
    """What is granted of one line as it was asked for: units, or kits. ``reason`` is why not all.

    ``lines`` are what is to be held for it, component by component. ``group`` was named instead of
    a location.
    """

    line_id: str
    key: StockKey
    wanted: int
    granted: int
    reason: str = ""
    lines: tuple[Wanted, ...] = ()
    group: str = ""


def asked_key(part: Wanted) -> StockKey:
    """The key that was asked for: the kit's at its location, or its own."""
    return StockKey(part.kit_sku or part.key.sku, part.key.location_id)


def as_asked(wanted: Iterable[Wanted]) -> list[tuple[Wanted, ...]]:
    """The lines as they were asked for: the components of one kit together, in their order."""
    asked: dict[tuple[str, StockKey, str], list[Wanted]] = {}
    for part in wanted:
        asked.setdefault((part.line_id, asked_key(part), part.group), []).append(part)
    return [tuple(parts) for parts in asked.values()]


@dataclass
class Shelves:
    """What is left at each key while lines are granted one after the other."""

    ledger: Ledger
    terms: Terms
    channel: str
    now: datetime
    _taken: dict[StockKey, int] = field(default_factory=dict)
    _kits: dict[StockKey, int] = field(default_factory=dict)
    _sellable: dict[StockKey, int] = field(default_factory=dict)

    def take(self, parts: Sequence[Wanted], count: int) -> tuple[int, tuple[Wanted, ...]]:
        """Take up to so many, units or kits; gives how many, and the lines that hold them."""
        if not parts[0].group:
            granted = self.left(parts, count)
            return granted, self.grant(parts, granted) if granted else ()
        rest = count
        lines: list[Wanted] = []
        for there, left in self._choices(parts, count):
            granted = min(rest, left)
            lines += self.grant(there, granted, count - rest)
            rest -= granted
            if not rest:
                break
        return count - rest, tuple(lines)

    def _choices(self, parts: Sequence[Wanted], count: int) -> list[tuple[tuple[Wanted, ...], int]]:
        """The locations of a group that have any, the ones with most of it first.

        To take from the fullest first takes from the fewest.
        """
        if all(part.mode is ReservationMode.NONE for part in parts):
            return [(tuple(parts), count)]
        places = [tuple(part.at(place) for part in parts) for place in parts[0].candidates]
        choices = [(there, self.left(there, UNBOUNDED)) for there in places]
        choices.sort(key=lambda choice: (-choice[1], choice[0][0].key.location_id))
        return [choice for choice in choices if choice[1]]

    def left(self, parts: Sequence[Wanted], most: int) -> int:
        """How many of a line as it was asked for are left, up to ``most``: units, or whole kits."""
        left = min(most, *(self._left_of(part, most) for part in parts))
        if not parts[0].kit_sku or not any(part.is_held for part in parts):
            return left
        kit = asked_key(parts[0])
        ceiling = self.terms.ceiling(kit, self.channel, self.now)
        return left if ceiling is None else max(0, min(left, ceiling - self._kits.get(kit, 0)))

    def _left_of(self, part: Wanted, most: int) -> int:
        if part.is_held:
            return self._available(part.key) // (part.quantity_per_kit or 1)
        is_recordable = part.mode is ReservationMode.NONE or self.ledger.has_record(part.key)
        return most if is_recordable else 0

    def grant(self, parts: Sequence[Wanted], count: int, before: int = 0) -> tuple[Wanted, ...]:
        """Take so many, units or kits, and give the lines that hold them.

        ``before`` is how many of the same line were taken elsewhere.
        """
        lines = [_part(part, count, before) for part in parts]
        for line in lines:
            if line.is_held:
                self._taken[line.key] = self._taken.get(line.key, 0) + line.quantity
        if any(line.is_held for line in lines):
            kit = asked_key(parts[0])
            self._kits[kit] = self._kits.get(kit, 0) + count
        return tuple(line for line in lines if line.mode is not ReservationMode.NONE)

    def _available(self, key: StockKey) -> int:
        # Many lines may ask about one key, and nothing moves meanwhile.
        available = self._sellable.get(key)
        if available is None:
            available = sellable(self.ledger, key, self.terms, self.channel, self.now)
            self._sellable[key] = available
        return max(0, available - self._taken.get(key, 0))


def portions(
    ledger: Ledger, wanted: Sequence[Wanted], terms: Terms, channel: str, now: datetime
) -> list[Portion]:
    """What there is of each line: what one is granted the next does not have.

    Lines that name a location come first, since they have no choice, else they go in their order;
    in that they are given.
    """
    shelves = Shelves(ledger, terms, channel, now)
    asked = as_asked(wanted)
    taken = {
        place: shelves.take(asked[place], asked_count(asked[place]))
        for place in sorted(range(len(asked)), key=lambda place: bool(asked[place][0].group))
    }
    found: list[Portion] = []
    for place, parts in enumerate(asked):
        first, count = parts[0], asked_count(parts)
        granted, lines = taken[place]
        reason = "" if granted == count else _reason(ledger, parts)
        key = asked_key(first)
        found.append(Portion(first.line_id, key, count, granted, reason, lines, first.group))
    return found


def bound(
    ledger: Ledger, wanted: Sequence[Wanted], terms: Terms, channel: str, now: datetime
) -> list[Wanted]:
    """The same lines, those of groups bound to locations that have enough.

    Lines that name a location come first, whatever their order: they have no choice. Those that may
    wait do so too, unless a group then has too little: they leave what is on hand to it. Raises
    ``InsufficientStock`` with every line that its group has too little for, ``TooMuchAsked`` when
    more than ``LINES_MAX`` lines come of it.
    """
    if not any(line.group for line in wanted):
        return list(wanted)
    asked = as_asked(wanted)
    named = [parts for parts in asked if not parts[0].group]
    urgent = [parts for parts in named if parts[0].wait is None]
    lines, short = _spread(Shelves(ledger, terms, channel, now), asked, named)
    if short and len(urgent) < len(named):
        lines, short = _spread(Shelves(ledger, terms, channel, now), asked, urgent)
    if short:
        raise InsufficientStock({}, groups=short)
    if len(lines) > LINES_MAX:
        raise TooMuchAsked("The lines are spread over too many locations.", LINES_MAX)
    return lines


def _spread(
    shelves: Shelves, asked: Sequence[Sequence[Wanted]], apart: Sequence[Sequence[Wanted]]
) -> tuple[list[Wanted], list[GroupShortage]]:
    """The lines with those of groups bound, and what groups lack; some are set ``apart`` before."""
    for parts in apart:
        shelves.grant(parts, asked_count(parts))
    short: list[GroupShortage] = []
    lines: list[Wanted] = []
    for parts in asked:
        first, count = parts[0], asked_count(parts)
        if not first.group:
            lines += parts
            continue
        granted, taken = shelves.take(parts, count)
        lines += taken
        if granted < count:
            keys = [key for part in parts for key in part.keys]
            short.append(GroupShortage(asked_key(first).sku, first.group, count, granted, keys))
    return lines, short


def asked_count(parts: Sequence[Wanted]) -> int:
    """How many were asked for: units, or kits."""
    return parts[0].quantity // (parts[0].quantity_per_kit or 1)


def _part(whole: Wanted, count: int, before: int) -> Wanted:
    """So many of a line, with the serial numbers that follow those of the ones before."""
    each = whole.quantity_per_kit or 1
    start, quantity = before * each, count * each
    named = whole.serial_numbers[start : start + quantity]
    return replace(whole, quantity=quantity, serial_numbers=named)


def _reason(ledger: Ledger, parts: Sequence[Wanted]) -> str:
    unknown = not any(ledger.has_record(key) for part in parts for key in part.keys)
    return NotStockedHere.reason if unknown else InsufficientStock.reason
