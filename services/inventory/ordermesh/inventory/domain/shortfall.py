"""Shortfalls: promises that have no unit behind them, named one by one.

A balance says how many units are short; its shortfalls say whom that hits, so that somebody can
answer for it: move the promise elsewhere, delay it, or cancel it. Open shortfalls of a key always
sum to its ``short``.

Who is hit is chosen, not found: no unit has a name. Promises for an order come before those without
(only an order can be answered for), and the youngest before the older ones: who came first is
served first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.key import StockKey


@dataclass(frozen=True)
class Shortfall:
    """Units of one key that one reservation was promised and that are not there.

    ``quantity`` is how many when it was opened, ``open_quantity`` how many still are.
    ``line_ids`` are the lines of the reservation at the key, as they were then. ``movement_id`` is
    the movement that opened it.
    """

    shortfall_id: UUID
    key: StockKey
    reservation_id: UUID
    order_id: str
    line_ids: tuple[str, ...]
    quantity: int
    open_quantity: int
    movement_id: UUID
    open_time: datetime
    close_time: datetime | None = None

    @property
    def is_open(self) -> bool:
        """Whether units are still missing."""
        return self.close_time is None

    def paid(self, units: int, now: datetime) -> "Shortfall":
        """The shortfall after so many units of it were covered, or need no cover any more."""
        rest = self.open_quantity - units
        if rest < 0 or units < 0:
            raise ValueError(f"{units} units do not pay {self}.")
        return replace(self, open_quantity=rest, close_time=None if rest else now)


@dataclass(frozen=True)
class Promised:
    """Open units of one key that one reservation holds."""

    reservation_id: UUID
    order_id: str
    line_ids: tuple[str, ...]
    quantity: int


def pay(
    standing: Sequence[Shortfall], deficit: int, promised: Mapping[UUID, int], now: datetime
) -> list[Shortfall]:
    """The open shortfalls of a key, given oldest first, as they are after a change of the key.

    ``promised`` is what their reservations still hold there. Nobody can be short of more than that:
    who gave a promise back is not short of it, though the others still be. What is then more than
    the deficit is paid, the oldest first.
    """
    after = []
    for one in standing:
        spare = max(0, one.open_quantity - promised.get(one.reservation_id, 0))
        after.append(one.paid(spare, now) if spare else one)
    surplus = sum(one.open_quantity for one in after) - deficit
    for place, one in enumerate(after):
        units = min(surplus, one.open_quantity)
        if units > 0:
            after[place] = one.paid(units, now)
            surplus -= units
    return after


def hit(
    units: int, candidates: Iterable[Promised], standing: Iterable[Shortfall]
) -> list[tuple[Promised, int]]:
    """Which of the candidates, in their order, are short of so many more units, and of how many.

    What ``standing`` shortfalls say already is not said twice. Raises ``ValueError`` where fewer
    units are promised: then nothing could be short of them.
    """
    said: dict[UUID, int] = {}
    for one in standing:
        said[one.reservation_id] = said.get(one.reservation_id, 0) + one.open_quantity
    chosen: list[tuple[Promised, int]] = []
    for candidate in candidates:
        more = min(units, candidate.quantity - said.get(candidate.reservation_id, 0))
        if more > 0:
            chosen.append((candidate, more))
            units -= more
    if units:
        raise ValueError(f"{units} units are short that nobody was promised.")
    return chosen
