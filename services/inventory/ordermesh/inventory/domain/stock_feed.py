"""What systems outside tell: numbered changes, and pictures that must not undo what came after.

On hand becomes what the picture shows, plus the changes that it does not contain: those of the
same source above its watermark, and ours that the source had not heard of. Corrections by other
pictures are knowledge and no change, so they are not added again.
"""

import enum
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import (
    BALANCE_LIMIT,
    Account,
    AdjustmentReason,
    Balance,
    Cause,
    Ledger,
    MovementKind,
)
from ordermesh.inventory.domain.stock_source import StockSource

CLOCK_SKEW = timedelta(minutes=5)
"""By so much the clock of a source may be ahead; a picture of later than that cannot be right."""

BY_PICTURE = frozenset({AdjustmentReason.SNAPSHOT, AdjustmentReason.SNAPSHOT_BY_TIME})
"""Reasons of corrections that a picture made; nobody else may give them."""


class Outcome(enum.IntEnum):
    """What became of a row; the numbers are the contract's."""

    APPLIED = 1
    UNCHANGED = 2
    DUPLICATE = 3
    CONTAINED = 4
    OUTDATED = 5
    HELD = 6
    QUARANTINED = 7


class Trouble(enum.IntEnum):
    """Why a row cannot be right; the numbers are the contract's."""

    UNKNOWN_SKU = 1
    UNKNOWN_LOCATION = 2
    FOREIGN_LOCATION = 3
    KIT = 4
    NEGATIVE = 5
    IMPOSSIBLE_JUMP = 6
    MALFORMED = 7
    BELOW_RESERVED = 8
    TOO_LARGE = 9
    REPEATED = 10
    KEY_QUARANTINED = 11
    UNKNOWN_SEQUENCE = 12
    IN_FUTURE = 13
    NUMBER_FORGOTTEN = 14
    TOO_FAR_AHEAD = 15


@dataclass(frozen=True)
class Misfit:
    """Why a row cannot be right, and what that rests on. ``missing`` units more would cure it."""

    trouble: Trouble
    facts: Mapping[str, str] = field(default_factory=dict)
    missing: int = 0


class DeltaKind(enum.IntEnum):
    """What happened outside; the numbers are the contract's."""

    UNSPECIFIED = 0
    SALE = 1
    RECEIPT = 2
    RETURN = 3
    ADJUSTMENT = 4


@dataclass(frozen=True)
class Delta:
    """A change that happened outside; only an adjustment may have a negative quantity."""

    source_sequence: int
    key: StockKey
    kind: DeltaKind
    quantity: int
    document: str = ""
    reason: AdjustmentReason = AdjustmentReason.NONE

    @property
    def change(self) -> int:
        """What it does to on hand."""
        return -self.quantity if self.kind is DeltaKind.SALE else self.quantity


@dataclass(frozen=True)
class PictureRow:
    """What the source saw of a key. ``included_sequence`` None: the time of the picture decides."""

    key: StockKey
    on_hand: int
    included_sequence: int | None = None


Row = Delta | PictureRow


@dataclass(frozen=True)
class Picture:
    """When a picture was taken: after which change of the source, or at what time, or both."""

    watermark: int | None
    taken: datetime | None

    def is_older_than(self, other: "Picture") -> bool:
        """Whether the other one was taken later, as far as they can be compared."""
        if self.watermark is not None and other.watermark is not None:
            return self.watermark < other.watermark
        if self.taken is not None and other.taken is not None:
            return self.taken < other.taken
        return False

    def after(self, known: "Picture | None") -> "Picture":
        """What is known of pictures when this one has come, too: what it does not say still holds.

        The watermark of one before it says which changes were shown, and its time what is older.
        """
        if known is None:
            return self
        return Picture(
            known.watermark if self.watermark is None else self.watermark,
            known.taken if self.taken is None else self.taken,
        )

    def covers(self, other: "Picture") -> bool:
        """Whether all that is older than the other one is known to be older than this one."""
        by_number = other.watermark is None or (
            self.watermark is not None and self.watermark >= other.watermark
        )
        by_time = other.taken is None or (self.taken is not None and self.taken >= other.taken)
        return by_number and by_time

    def is_in_future(self, now: datetime) -> bool:
        """Whether it cannot have been taken yet, however wrong clocks may be."""
        return self.taken is not None and self.taken > now + CLOCK_SKEW

    def is_imprecise(self, row: PictureRow) -> bool:
        """Whether only a time says what the row contains."""
        return self.watermark is None or row.included_sequence is None


@dataclass(frozen=True)
class Unseen:
    """What a picture does not contain of a key: units by which on hand has changed since.

    ``own`` by later changes of the source, ``others`` by what it had not heard of. ``is_counted``:
    people have counted the key since, which is better knowledge.
    """

    own: int = 0
    others: int = 0
    is_counted: bool = False


NOTHING_UNSEEN = Unseen()


@dataclass(frozen=True)
class Told:
    """A row, who told it, and with which picture; ``is_full``: it showed whole locations."""

    source_id: str
    row: Row
    picture: Picture | None = None
    is_full: bool = False
    import_id: UUID | None = None
    document: str = ""


@dataclass(frozen=True)
class Marks:
    """The latest pictures of one source that are remembered, by key and by location.

    Of ``others`` only the time of their latest picture of a key can be compared.

    A picture of a key contains what came before it; that of a location only says that older ones
    are of no use, because its rows may still be on their way.
    """

    keys: Mapping[StockKey, Picture] = field(default_factory=dict)
    locations: Mapping[str, Picture] = field(default_factory=dict)
    others: Mapping[StockKey, datetime] = field(default_factory=dict)

    def contain(self, delta: Delta) -> bool:
        """Whether a picture of its key has shown the change."""
        shown = self.keys.get(delta.key)
        return (
            shown is not None
            and shown.watermark is not None
            and delta.source_sequence <= shown.watermark
        )

    def outdate(self, picture: Picture, key: StockKey, now: datetime) -> bool:
        """Whether a later picture of the key is known; those of the future are none."""
        other = self.others.get(key)
        by_others = None if other is None else Picture(None, other)
        later = (self.keys.get(key), self.locations.get(key.location_id), by_others)
        return any(
            one is not None and picture.is_older_than(one) and not one.is_in_future(now)
            for one in later
        )


@dataclass(frozen=True)
class ToldCause(Cause):
    """The cause of a movement that a source told of; ``source_sequence`` None: by a picture."""

    source_id: str = ""
    source_sequence: int | None = None
    reason: AdjustmentReason = AdjustmentReason.NONE
    document: str = ""


@dataclass
class Tally:
    """What became of many rows."""

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    troubles: Counter[Trouble] = field(default_factory=Counter)

    def add(self, verdict: "Verdict") -> None:
        """Count one more."""
        if isinstance(verdict, Misfit):
            self.outcomes[Outcome.QUARANTINED] += 1
            self.troubles[verdict.trouble] += 1
        else:
            self.outcomes[verdict] += 1

    def add_all(self, other: "Tally") -> None:
        """Count what another one counted."""
        self.outcomes += other.outcomes
        self.troubles += other.troubles


Verdict = Outcome | Misfit
"""What became of a row: an outcome, or why it goes into quarantine."""


def outcome_of(verdict: Verdict) -> Outcome:
    """The outcome of a row, whatever was wrong with it."""
    return Outcome.QUARANTINED if isinstance(verdict, Misfit) else verdict


def tallied(verdicts: Sequence[Verdict]) -> Tally:
    """What became of many rows."""
    tally = Tally()
    for verdict in verdicts:
        tally.add(verdict)
    return tally


@dataclass(frozen=True)
class Leave:
    """What is let pass: a jump however large, and less on hand than is promised."""

    any_jump: bool = False
    below_reserved: bool = False


def apply_delta(ledger: Ledger, source: StockSource, delta: Delta, leave: Leave) -> Verdict:
    """Move what the source says has moved."""
    balance = ledger.balance(delta.key)
    misfit = _misfit(source, balance, balance.on_hand + delta.change, leave)
    if misfit is not None:
        return misfit
    kind, outside = _ROADS[delta.kind]
    reason = AdjustmentReason.NONE
    if delta.kind is DeltaKind.ADJUSTMENT:
        reason = delta.reason or AdjustmentReason.CORRECTION
    cause = ToldCause(
        kind,
        source_id=source.source_id,
        source_sequence=delta.source_sequence,
        reason=reason,
        document=delta.document,
    )
    _change(ledger, cause, delta.key, delta.change, outside)
    return Outcome.APPLIED


def apply_picture(
    ledger: Ledger,
    source: StockSource,
    picture: Picture,
    row: PictureRow,
    unseen: Unseen,
    leave: Leave,
    document: str = "",
) -> Verdict:
    """Correct the books to what the picture shows and what has changed since.

    A key that has no entry yet is opened with what the picture shows, whatever the jump.
    """
    if unseen.is_counted:
        return Outcome.OUTDATED
    if row.included_sequence is None and picture.taken is None:
        return Misfit(Trouble.MALFORMED, {"field": "included_sequence"})
    balance = ledger.balance(row.key)
    if (row.included_sequence or 0) > balance.sequence:
        facts = {"includedSequence": str(row.included_sequence), "sequence": str(balance.sequence)}
        return Misfit(Trouble.UNKNOWN_SEQUENCE, facts)
    wanted = row.on_hand + unseen.own + unseen.others
    is_new = balance.sequence == 0
    leave = replace(leave, any_jump=leave.any_jump or is_new)
    misfit = _misfit(source, balance, wanted, leave)
    if misfit is not None:
        return misfit
    if wanted == balance.on_hand:
        return Outcome.UNCHANGED
    is_imprecise = picture.is_imprecise(row) and not is_new
    cause = ToldCause(
        MovementKind.ADJUSTED,
        source_id=source.source_id,
        reason=(AdjustmentReason.SNAPSHOT_BY_TIME if is_imprecise else AdjustmentReason.SNAPSHOT),
        document=document,
    )
    outside = Account.OPENING if is_new else Account.LOSS
    _change(ledger, cause, row.key, wanted - balance.on_hand, outside)
    return Outcome.APPLIED


_ROADS: Mapping[DeltaKind, tuple[MovementKind, Account]] = {
    # Why units move, and where from or to.
    DeltaKind.SALE: (MovementKind.SOLD, Account.CUSTOMER),
    DeltaKind.RECEIPT: (MovementKind.RECEIVED, Account.SUPPLIER),
    DeltaKind.RETURN: (MovementKind.RETURNED, Account.CUSTOMER),
    DeltaKind.ADJUSTMENT: (MovementKind.ADJUSTED, Account.LOSS),
}


def _misfit(source: StockSource, balance: Balance, wanted: int, leave: Leave) -> Misfit | None:
    facts = {"onHand": str(balance.on_hand), "wanted": str(wanted)}
    if wanted < 0:
        return Misfit(Trouble.NEGATIVE, facts)
    if wanted > BALANCE_LIMIT:
        return Misfit(Trouble.TOO_LARGE, facts)
    limit = None if leave.any_jump else source.jump_limit(balance.on_hand)
    if limit is not None and abs(wanted - balance.on_hand) > limit:
        return Misfit(Trouble.IMPOSSIBLE_JUMP, {**facts, "limit": str(limit)})
    if wanted < min(balance.reserved, balance.on_hand) and not leave.below_reserved:
        facts["reserved"] = str(balance.reserved)
        return Misfit(Trouble.BELOW_RESERVED, facts, balance.reserved - wanted)
    return None


def _change(ledger: Ledger, cause: Cause, key: StockKey, change: int, outside: Account) -> None:
    if change > 0:
        ledger.bring(cause, key, outside, change)
    else:
        # What is gone is gone: free units first, then promises are short of it.
        ledger.take_away(cause, key, outside, -change)
