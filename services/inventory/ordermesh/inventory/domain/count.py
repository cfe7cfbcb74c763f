"""Counts: what should be there, what was found, and who says so.

::

    line   OPEN ──▶ RECOUNT ──▶ DISPUTED ──▶ ACCEPTED
             │         │            └─ counted once more: DISPUTED or ACCEPTED
             └─────────┴──▶ ACCEPTED (within the thresholds)
           from each of them but ACCEPTED: ──▶ CANCELLED

    count  PLANNED ──▶ OPEN ──▶ SETTLED
              └──────────┴────▶ CANCELLED

What the books expect is noted when a count of a line begins. Goods go on moving, so what was
counted is compared with that, and the books are moved by the difference: a pick during the count is
not counted twice. Where the books are only corrected meanwhile, by another count, a picture, or a
write-off, nothing has moved: what should be found is then corrected, too.
"""

import enum
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.errors.counts import NotInCount, WrongCountState
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.ledger import AdjustmentReason, Balance


class CountState(enum.IntEnum):
    """How far a count has come; the numbers are the contract's."""

    PLANNED = 1
    OPEN = 2
    SETTLED = 3
    CANCELLED = 4


class CountLineState(enum.IntEnum):
    """How far the count of an item has come; the numbers are the contract's."""

    OPEN = 1
    RECOUNT = 2
    DISPUTED = 3
    ACCEPTED = 4
    CANCELLED = 5


COUNT_TRANSITIONS: Mapping[CountState, frozenset[CountState]] = {
    CountState.PLANNED: frozenset({CountState.OPEN, CountState.CANCELLED}),
    CountState.OPEN: frozenset({CountState.SETTLED, CountState.CANCELLED}),
    CountState.SETTLED: frozenset(),
    CountState.CANCELLED: frozenset(),
}
"""What a count may become."""

LINE_TRANSITIONS: Mapping[CountLineState, frozenset[CountLineState]] = {
    CountLineState.OPEN: frozenset(
        {CountLineState.ACCEPTED, CountLineState.RECOUNT, CountLineState.CANCELLED}
    ),
    CountLineState.RECOUNT: frozenset(
        {
            CountLineState.ACCEPTED,
            CountLineState.RECOUNT,
            CountLineState.DISPUTED,
            CountLineState.CANCELLED,
        }
    ),
    CountLineState.DISPUTED: frozenset(
        {
            CountLineState.ACCEPTED,
            CountLineState.RECOUNT,
            CountLineState.DISPUTED,
            CountLineState.CANCELLED,
        }
    ),
    CountLineState.ACCEPTED: frozenset(),
    CountLineState.CANCELLED: frozenset(),
}
"""What a line may become. A state from which nothing leads on is settled."""


@dataclass(frozen=True)
class Expectation:
    """What the books said of a balance: the number of its last entry, and units that should be
    found, those declared missing included.
    """

    sequence: int
    units: int


def expectation(balance: Balance) -> Expectation:
    """What a count of this balance should find."""
    return Expectation(balance.sequence, balance.on_hand + balance.missing)


Corrected = Mapping[str, int]
"""By how many units the books of an item were corrected since a moment, although none moved."""


@dataclass(frozen=True)
class LastCount:
    """When a key was last counted to the end, and the number of its last entry then."""

    sequence: int
    time: datetime


@dataclass(frozen=True)
class Threshold:
    """Up to which variance a count is believed at once; None leaves a measure out.

    Without any measure no variance is.
    """

    units: int | None = None
    percent: int | None = None

    def bears(self, variance: int, expected: int) -> bool:
        """Whether a variance is within all measures; none at all always is."""
        if variance == 0:
            return True
        if self.units is None and self.percent is None:
            return False
        size = abs(variance)
        return (self.units is None or size <= self.units) and (
            self.percent is None or size * 100 <= self.percent * expected
        )


@dataclass(frozen=True)
class Tally:
    """What somebody counted, and what should have been found, as far as it was known by then."""

    counter: str
    units: int
    expected: Expectation
    count_time: datetime

    @property
    def variance(self) -> int:
        """How many units more were found than expected."""
        return self.units - self.expected.units


@dataclass(frozen=True)
class CountLine:
    """The count of one item.

    ``expected`` is what the next count of it should find. ``settled_missing`` are units declared
    missing that were found, or lost for good, by it.
    """

    sku: str
    state: CountLineState
    expected: Expectation
    tallies: tuple[Tally, ...] = ()
    accepted_by: str = ""
    accept_time: datetime | None = None
    reason: AdjustmentReason = AdjustmentReason.NONE
    settled_missing: int = 0
    movement_id: UUID | None = None

    @property
    def counters(self) -> frozenset[str]:
        """Who counted it."""
        return frozenset(tally.counter for tally in self.tallies)

    @property
    def is_blind(self) -> bool:
        """Whether a count of it is due that must not know the books, nor what others found."""
        return self.state in (CountLineState.OPEN, CountLineState.RECOUNT)

    @property
    def is_settled(self) -> bool:
        """Whether nothing more becomes of it."""
        return not LINE_TRANSITIONS[self.state]

    def become(self, state: CountLineState) -> "CountLine":
        """The line in another state; raises ``ValueError`` where the table has no such way."""
        if state not in LINE_TRANSITIONS[self.state]:
            raise ValueError(f"A line that is {self.state.name} cannot become {state.name}.")
        return replace(self, state=state)


@dataclass(frozen=True)
class Count:
    """A count of items at one location. ``lines`` are in the order of SKUs.

    ``skus`` are the items that were asked for; none means all that are stocked once it is open.
    """

    count_id: str
    location_id: str
    state: CountState
    threshold: Threshold
    skus: tuple[str, ...]
    actor: Actor
    create_time: datetime
    assigned_to: str = ""
    document: str = ""
    note: str = ""
    open_time: datetime | None = None
    close_time: datetime | None = None
    lines: tuple[CountLine, ...] = ()

    def key(self, sku: str) -> StockKey:
        """Where an item is counted."""
        return StockKey(sku, self.location_id)

    def line(self, sku: str) -> CountLine:
        """The line of an item; raises ``NotInCount``."""
        for line in self.lines:
            if line.sku == sku:
                return line
        raise NotInCount(self.count_id, sku)

    def become(self, state: CountState) -> "Count":
        """The count in another state; raises ``WrongCountState``."""
        if state not in COUNT_TRANSITIONS[self.state]:
            raise WrongCountState(self.count_id, self.state.name)
        return replace(self, state=state)


@dataclass(frozen=True)
class Plan:
    """What somebody wants to have counted."""

    count_id: str
    location_id: str
    skus: Sequence[str]
    threshold: Threshold
    assigned_to: str
    document: str
    note: str


@dataclass(frozen=True)
class Counted:
    """How many units of an item somebody found."""

    sku: str
    units: int
