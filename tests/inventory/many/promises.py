"""What reservations and their lines say, compared with all that is beside them."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.reservation import OPEN, TRANSITIONS, LineState

Pair = tuple[int, int]
"""The surrogates of an item and a location."""

BOUGHT = (LineState.HELD, LineState.CONFIRMED, LineState.SHIPPED)


@dataclass
class Lines:
    """Sums of lines. ``before`` is what every line said when it was last looked at."""

    before: dict[tuple[UUID, int], tuple[int, int, int]] = field(default_factory=dict)
    granted: Counter[UUID] = field(default_factory=Counter)
    counts: Counter[UUID] = field(default_factory=Counter)
    held: dict[Pair, Counter[UUID]] = field(default_factory=lambda: defaultdict(Counter))
    shipped: dict[Pair, Counter[UUID]] = field(default_factory=lambda: defaultdict(Counter))
    waiting: Counter[str] = field(default_factory=Counter)
    pools: Counter[tuple[int, Pair]] = field(default_factory=Counter)
    states: Counter[LineState] = field(default_factory=Counter)
    bought: dict[int, list[Any]] = field(default_factory=lambda: defaultdict(list))
    looked: int = 0
    waiting_count: int = 0

    def begin(self) -> None:
        """Look at all of them anew."""
        fresh = Lines(self.before)
        self.__dict__.update(fresh.__dict__)

    def add(self, row: Any) -> None:
        """One line."""
        state, pair = LineState(row.state), (row.item_id, row.location_id)
        self._compare(row, state)
        self.states[state] += 1
        self.granted[row.reservation_id] += row.quantity
        self.counts[row.reservation_id] += 1
        self.waiting_count += row.supply_id is not None
        is_reserved = row.mode == ReservationMode.RESERVE
        if state in OPEN and is_reserved and row.supply_id is None:
            self.held[pair][row.reservation_id] += row.quantity
        if state in OPEN and row.supply_id is not None and row.broken_time is None:
            self.waiting[row.supply_id] += row.quantity
        if state is LineState.SHIPPED and is_reserved:
            self.shipped[pair][row.reservation_id] += row.quantity
        if row.pool is not None and state in BOUGHT:
            self.pools[row.pool, pair] += row.quantity

    def _compare(self, row: Any, state: LineState) -> None:
        """It has become what it may become: a closed line never changes."""
        name = (row.reservation_id, row.number)
        said = (int(state), row.quantity, hash(tuple(row)))
        earlier = self.before.get(name)
        self.before[name] = said
        self.looked += 1
        if earlier is None:
            return
        was = LineState(earlier[0])
        if was not in OPEN:
            assert said == earlier, f"A closed line changed: {row}"
        assert row.quantity <= earlier[1], f"A line grew: {row}"
        may_become = {was} | TRANSITIONS[was]
        for one in tuple(may_become):
            may_become |= TRANSITIONS[one]
        assert state in may_become, f"A line that was {was.name}: {row}"

    def end(self) -> None:
        """No line has vanished."""
        assert self.looked == len(self.before), "lines are gone"


def check_header(row: Any, lines: Lines, made: Mapping[UUID, int]) -> None:
    """A reservation has all its lines, and what was acknowledged was granted."""
    whose = row.reservation_id
    assert row.granted == lines.granted[whose], f"{whose}: lines do not sum to what was granted"
    assert row.last_number == lines.counts[whose], f"{whose}: lines are missing"
    # What was reserved again is granted again; what was acknowledged is never less.
    assert row.granted >= made.get(whose, 0), f"{whose}: less than was acknowledged"
    assert not (row.is_tombstone and lines.counts[whose]), f"{whose}: a tombstone with lines"


def check_shortfalls(rows: list[Any], balances: Mapping[Pair, Any], lines: Lines) -> None:
    """Open shortfalls of a key sum to its deficit, and nobody is short of more than they hold."""
    sums: Counter[Pair] = Counter()
    whose: Counter[tuple[Pair, UUID]] = Counter()
    for row in rows:
        pair = (row.item_id, row.location_id)
        sums[pair] += row.open_quantity
        whose[pair, row.reservation_id] += row.open_quantity
    for pair, balance in balances.items():
        assert sums.pop(pair, 0) == balance.short, f"{pair}: shortfalls are not the deficit"
    assert not any(sums.values())
    for (pair, reservation_id), units in whose.items():
        assert units <= lines.held[pair][reservation_id], f"{reservation_id} is short of too much"


def check_supplies(rows: list[Any], lines: Lines) -> dict[int, int]:
    """Promises on supplies are the lines that wait for them. Gives units on their way by item."""
    waiting = lines.waiting.copy()
    on_their_way: Counter[int] = Counter()
    for row in rows:
        is_expected = row.state <= 3
        to_come = max(0, row.quantity - row.received - row.lost) if is_expected else 0
        assert row.promised == waiting.pop(row.supply_id, 0), f"{row.supply_id}: {row.promised}"
        assert row.promised <= to_come, f"{row.supply_id}: more is promised than comes"
        if row.kind == 3 and row.state == 3:
            on_their_way[row.item_id] += to_come
    assert not any(waiting.values()), f"lines wait for what does not exist: {waiting}"
    return on_their_way


def check_pools(rows: list[Any], lines: Lines, most: Mapping[int, int]) -> None:
    """What was taken of a pool is what lines say, and never more than it ever had."""
    pools = lines.pools.copy()
    for row in rows:
        pair = (row.item_id, row.location_id)
        assert row.taken == pools.pop((row.number, pair), 0), f"pool {row.number} at {pair}"
        assert row.taken <= most.get(row.number, row.taken), f"pool {row.number} is oversold"
    assert not any(pools.values()), f"units of pools that nobody counted: {pools}"
