"""The check of the books: what must hold between balances, entries and reservation lines.

It recomputes everything from the entries and the open lines, finds, and repairs nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from ordermesh.inventory.domain.key import StockKey

FIGURES = ("free", "reserved", "short", "damaged", "inspection", "missing")
"""The figures of a balance that its entries explain."""


@dataclass(frozen=True)
class Figures:
    """The figures of one balance, as they are written or as the entries sum up. Not checked."""

    free: int = 0
    reserved: int = 0
    short: int = 0
    damaged: int = 0
    inspection: int = 0
    missing: int = 0

    @property
    def on_hand(self) -> int:
        """Sellable units that are there."""
        return self.free + self.reserved - self.short

    def __add__(self, other: "Figures") -> "Figures":
        """The sum of two parts of the entries."""
        return Figures(*(getattr(self, name) + getattr(other, name) for name in FIGURES))

    @property
    def lowest(self) -> int:
        """The smallest of the figures that can never fall below zero."""
        blocked = (self.damaged, self.inspection, self.missing)
        return min(self.on_hand, self.reserved, *blocked)


@dataclass(frozen=True)
class Promise:
    """Units that one reservation holds of a key: by the entries, and by its open lines."""

    order_id: str
    by_entries: int
    by_lines: int


@dataclass(frozen=True)
class PoolUse:
    """Units taken from one pool at a key: as it is counted, and by the lines that took them."""

    counted: int = 0
    by_lines: int = 0


@dataclass
class KeyFacts:
    """Everything that one snapshot says about a key.

    ``recorded`` is None when there is no balance. ``sequence`` is the balance's; ``entry_count``
    and ``last_sequence`` are those of the entries; ``hollow_count`` counts those that move nothing.
    ``shortfalls`` are units of open ones. Seals cover ``sealed_count`` entries, the last of them
    ``last_sealed``; ``waiting_count`` beyond it were told and wait for theirs, None where so many
    wait that nobody has counted.
    ``transit`` are units on their way by the entries, ``on_its_way`` by the transfers to this key.
    ``pools`` are by the number of the pool.
    """

    key: StockKey
    recorded: Figures | None = None
    sequence: int = 0
    folded: Figures = field(default_factory=Figures)
    entry_count: int = 0
    last_sequence: int = 0
    hollow_count: int = 0
    transit: int = 0
    shortfalls: int = 0
    sealed_count: int = 0
    last_sealed: int = 0
    waiting_count: int | None = None
    on_its_way: int = 0
    promises: dict[UUID | None, Promise] = field(default_factory=dict)
    pools: dict[int, PoolUse] = field(default_factory=dict)

    @property
    def by_lines(self) -> int:
        """Units of all open lines."""
        return sum(promise.by_lines for promise in self.promises.values())


@dataclass(frozen=True)
class ReservationFacts:
    """A header and the sum of its lines."""

    reservation_id: UUID
    order_id: str
    granted: int
    last_number: int
    line_units: int
    line_count: int


@dataclass(frozen=True)
class SupplyFacts:
    """A supply and the lines that wait for it; the key is None when there is no such supply."""

    supply_id: str
    key: StockKey | None
    promised: int
    open_quantity: int
    by_lines: int


@dataclass(frozen=True)
class Chunk:
    """A part of the books, read in one snapshot; ``last`` says where the next one begins."""

    keys: Sequence[KeyFacts]
    reservations: Sequence[ReservationFacts]
    balance_count: int
    last: int | UUID | str | None
    supplies: Sequence[SupplyFacts] = ()


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: what the books say, and what should be there."""

    invariant: str
    key: StockKey | None
    recorded: int
    expected: int
    sentence: str
    order_id: str = ""


def examine(facts: KeyFacts) -> list[Finding]:
    """What is wrong with one key."""
    recorded = facts.recorded or Figures()
    findings = _promises(facts, recorded)
    explained = bool(findings) and recorded.reserved == facts.by_lines
    for name in FIGURES:
        written, summed = getattr(recorded, name), getattr(facts.folded, name)
        # Reserved units that one order's entries explain are told with the order, once.
        if written != summed and not (name == "reserved" and explained):
            findings.append(
                Finding(
                    "BALANCE_IS_FOLD_OF_ENTRIES",
                    facts.key,
                    written,
                    summed,
                    f"The balance says {written} {name}, its entries sum up to {summed}.",
                )
            )
    deficit = max(0, recorded.reserved - recorded.on_hand)
    if recorded.short != deficit or recorded.lowest < 0:
        findings.append(
            Finding(
                "SHORT_IS_THE_DEFICIT",
                facts.key,
                recorded.short,
                deficit,
                f"The balance says {recorded.short} short where {deficit} are.",
            )
        )
    return findings + _shortfalls(facts, recorded) + _pools(facts) + _entries(facts)


def _shortfalls(facts: KeyFacts, recorded: Figures) -> list[Finding]:
    findings: list[Finding] = []
    if recorded.short != facts.shortfalls:
        findings.append(
            Finding(
                "SHORT_IS_SUM_OF_SHORTFALLS",
                facts.key,
                recorded.short,
                facts.shortfalls,
                f"The balance says {recorded.short} short, open shortfalls sum up to "
                f"{facts.shortfalls}.",
            )
        )
    return findings


def _pools(facts: KeyFacts) -> list[Finding]:
    return [
        Finding(
            "POOL_USE_IS_SUM_OF_LINES",
            facts.key,
            use.counted,
            use.by_lines,
            f"Of pool {number} {use.counted} units are counted as taken, by the lines "
            f"{use.by_lines} are.",
        )
        for number, use in sorted(facts.pools.items())
        if use.counted != use.by_lines
    ]


def _entries(facts: KeyFacts) -> list[Finding]:
    findings: list[Finding] = []
    told = facts.last_sequence - facts.last_sealed
    if facts.waiting_count is not None and facts.waiting_count != told:
        findings.append(
            Finding(
                "SEALS_COVER_ENTRIES",
                facts.key,
                facts.waiting_count,
                told,
                f"{told} entries follow number {facts.last_sealed}, the last that is sealed, and "
                f"{facts.waiting_count} of them were told of by those who made them.",
            )
        )
    elif facts.sealed_count != facts.last_sealed or facts.last_sealed > facts.last_sequence:
        findings.append(
            Finding(
                "SEALS_COVER_ENTRIES",
                facts.key,
                facts.sealed_count,
                facts.last_sealed,
                f"{facts.sealed_count} entries are sealed up to number {facts.last_sealed}, and "
                f"the last one is {facts.last_sequence}.",
            )
        )
    if not facts.sequence == facts.entry_count == facts.last_sequence:
        findings.append(
            Finding(
                "ENTRIES_HAVE_NO_GAPS",
                facts.key,
                facts.entry_count,
                max(facts.sequence, facts.last_sequence),
                f"{facts.entry_count} entries, the last one is {facts.last_sequence}, and the "
                f"balance counts {facts.sequence}.",
            )
        )
    if facts.hollow_count:
        findings.append(
            Finding(
                "ENTRIES_MOVE_UNITS",
                facts.key,
                facts.hollow_count,
                0,
                f"{facts.hollow_count} entries move nothing.",
            )
        )
    return findings


def _promises(facts: KeyFacts, recorded: Figures) -> list[Finding]:
    findings = [
        Finding(
            "RESERVED_IS_SUM_OF_LINES",
            facts.key,
            promise.by_entries,
            promise.by_lines,
            f"By its entries {promise.by_entries} are held, by its open lines {promise.by_lines}.",
            promise.order_id,
        )
        for promise in facts.promises.values()
        if promise.by_entries != promise.by_lines
    ]
    if not findings and recorded.reserved != facts.by_lines:
        findings.append(
            Finding(
                "RESERVED_IS_SUM_OF_LINES",
                facts.key,
                recorded.reserved,
                facts.by_lines,
                f"The balance says {recorded.reserved} reserved, open lines sum up to "
                f"{facts.by_lines}.",
            )
        )
    return findings


def examine_transit(keys: Sequence[KeyFacts]) -> list[Finding]:
    """What is wrong with units on their way: those that left and have not come are in transfers.

    All keys of an item must be among ``keys``.
    """
    sums: dict[str, list[int]] = {}
    for facts in keys:
        units = sums.setdefault(facts.key.sku, [0, 0])
        units[0] += facts.transit
        units[1] += facts.on_its_way
    findings: list[Finding] = []
    for sku, (by_entries, by_transfers) in sums.items():
        if by_entries < 0:
            findings.append(
                Finding(
                    "TRANSIT_IS_NOT_NEGATIVE",
                    StockKey(sku, ""),
                    by_entries,
                    0,
                    f"{-by_entries} units more arrived than were sent.",
                )
            )
        elif by_entries != by_transfers:
            findings.append(
                Finding(
                    "TRANSIT_IS_SUM_OF_TRANSFERS",
                    StockKey(sku, ""),
                    by_entries,
                    by_transfers,
                    f"By the entries {by_entries} units are on their way, by the transfers "
                    f"{by_transfers}.",
                )
            )
    return findings


def examine_supply(facts: SupplyFacts) -> list[Finding]:
    """What is wrong with one supply: its promises are its waiting lines, and no more than comes."""
    findings: list[Finding] = []
    if facts.promised != facts.by_lines:
        findings.append(
            Finding(
                "PROMISED_IS_SUM_OF_WAITING_LINES",
                facts.key,
                facts.promised,
                facts.by_lines,
                f"Of supply {facts.supply_id} {facts.promised} units are promised, lines wait for "
                f"{facts.by_lines}.",
            )
        )
    if facts.by_lines > facts.open_quantity:
        findings.append(
            Finding(
                "PROMISED_IS_STILL_TO_COME",
                facts.key,
                facts.by_lines,
                facts.open_quantity,
                f"Lines wait for {facts.by_lines} units of supply {facts.supply_id}, of which "
                f"{facts.open_quantity} are still to come.",
            )
        )
    return findings


def examine_reservation(facts: ReservationFacts) -> list[Finding]:
    """What is wrong with one reservation: its lines must sum to what was granted."""
    if facts.line_units == facts.granted and facts.line_count == facts.last_number:
        return []
    return [
        Finding(
            "LINES_SUM_TO_GRANTED",
            None,
            facts.line_units,
            facts.granted,
            f"Reservation {facts.reservation_id} was granted {facts.granted} units in lines up to "
            f"number {facts.last_number}; {facts.line_count} lines sum up to {facts.line_units}.",
            facts.order_id,
        )
    ]


def oversold(facts: KeyFacts) -> int:
    """Units promised beyond what the entries put on hand, without a recorded deficit."""
    recorded = facts.recorded or Figures()
    promised = max(facts.by_lines, facts.folded.reserved)
    return max(0, promised - facts.folded.on_hand - recorded.short)


def unguarded(tables: Sequence[str]) -> list[Finding]:
    """What is wrong with tables of history that nothing keeps from being edited."""
    return [
        Finding(
            "HISTORY_IS_GUARDED", None, 0, 1, f"Table {name} has lost a guard: it can be edited."
        )
        for name in tables
    ]
