"""Systems outside that tell of stock, and the numbers that they give their changes."""

import enum
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import cached_property
from typing import NamedTuple

from ordermesh.inventory.domain.belonging import refuse_foreign
from ordermesh.inventory.domain.errors.feed import ForeignLocation, NotYourSource
from ordermesh.inventory.domain.errors.requests import DuplicateEntry
from ordermesh.inventory.domain.key import Actor

GAPS_KEPT = 1_000
"""Of so many gaps a source's missing numbers are known; of those before it is not known any more
which have come.
"""


class SourceKind(enum.IntEnum):
    """What the system is; the numbers are the contract's."""

    WMS = 1
    POS = 2
    ERP = 3
    OTHER = 4


class GapPolicy(enum.IntEnum):
    """What becomes of a change whose predecessors have not come; the contract's numbers."""

    TELL = 1
    HOLD = 2


@dataclass(frozen=True)
class StockSource:
    """A system outside, what it speaks for, and how far it is believed.

    ``jump_units`` 0 means that no change is too large, ``ahead_max`` 0 that no watermark is too far
    ahead. ``silence`` None: it is never stale.
    """

    source_id: str
    kind: SourceKind
    location_ids: tuple[str, ...]
    callers: tuple[str, ...] = ()
    may_fall_below_reserved: bool = False
    jump_units: int = 0
    jump_percent: int = 0
    gap_policy: GapPolicy = GapPolicy.TELL
    silence: timedelta | None = None
    ahead_max: int = 0

    @cached_property
    def own_locations(self) -> frozenset[str]:
        """The locations that it speaks for."""
        return frozenset(self.location_ids)

    def jump_limit(self, on_hand: int) -> int | None:
        """By how many units one row may change so many on hand; None: by any number."""
        if not self.jump_units:
            return None
        return max(self.jump_units, on_hand * self.jump_percent // 100)

    def refuse_stranger(self, speaker: "Speaker") -> None:
        """Raise ``NotYourSource`` unless the speaker may speak in the source's name.

        A speaker that is confined to locations speaks only in the name of sources that are confined
        to them, too: else ``NotYourLocation``.
        """
        if not speaker.may_speak_for(self):
            raise NotYourSource(self.source_id)
        refuse_foreign(speaker.actor, self.location_ids)

    def refuse_foreign(self, location_ids: Collection[str]) -> None:
        """Raise ``ForeignLocation`` for locations that it does not speak for."""
        foreign = set(location_ids) - self.own_locations
        if foreign:
            raise ForeignLocation(self.source_id, foreign)


@dataclass(frozen=True)
class Speaker:
    """Who tells, and whether they are an operator, who may speak for every source."""

    actor: Actor
    is_operator: bool

    def may_speak_for(self, source: StockSource) -> bool:
        """Whether the source has named the speaker as one of its callers."""
        return self.is_operator or self.actor.caller in source.callers

    def owns(self, source: StockSource) -> bool:
        """Whether all the locations of the source are among those that the speaker has."""
        own = self.actor.own_locations
        return own is None or own >= source.own_locations


class Gap(NamedTuple):
    """Numbers from ``first`` to ``last`` that have not come."""

    first: int
    last: int


@dataclass(frozen=True)
class Numbers:
    """Which changes of a source were dealt with: all up to ``applied``, but for the gaps.

    The gaps ascend and do not touch. Up to ``forgotten`` there were more gaps than are kept, so it
    is not known which numbers are missing there.
    """

    applied: int = 0
    gaps: tuple[Gap, ...] = ()
    forgotten: int = 0

    def has(self, number: int) -> bool:
        """Whether the change with this number is known to have been dealt with."""
        return self.forgotten < number <= self.applied and not any(
            first <= number <= last for first, last in self.gaps
        )

    @property
    def settled(self) -> int:
        """The highest number with nothing missing at or below it."""
        if self.forgotten:
            return 0
        return self.gaps[0].first - 1 if self.gaps else self.applied

    def last_after(self, number: int) -> int:
        """The highest number up to which nothing is missing after this one."""
        if number < self.forgotten:
            return number
        missing = next((gap.first for gap in self.gaps if gap.last > number), self.applied + 1)
        return max(number, missing - 1)

    def is_forgotten(self, number: int) -> bool:
        """Whether it is not known any more if the change with this number was dealt with."""
        return number <= self.forgotten

    def after(self, number: int) -> "Numbers":
        """The numbers after a change that was not dealt with before."""
        if number == self.applied + 1:
            return replace(self, applied=number)
        if number > self.applied:
            gaps = (*self.gaps, Gap(self.applied + 1, number - 1))
            return self._with(number, gaps)
        left: list[Gap] = []
        for gap in self.gaps:
            if gap.first <= number <= gap.last:
                parts = (Gap(gap.first, number - 1), Gap(number + 1, gap.last))
                left += [part for part in parts if part.first <= part.last]
            else:
                left.append(gap)
        return self._with(self.applied, tuple(left))

    def _with(self, applied: int, gaps: tuple[Gap, ...]) -> "Numbers":
        given_up = gaps[:-GAPS_KEPT]
        forgotten = given_up[-1].last if given_up else self.forgotten
        return Numbers(applied, gaps[-GAPS_KEPT:], forgotten)


@dataclass(frozen=True)
class SourceState:
    """A source as it stands: its numbers, and when it was last heard of.

    ``ahead`` is the highest watermark of a picture that contained changes which had not come, or
    the highest number of a change that was applied after such a picture.
    """

    source: StockSource
    numbers: Numbers = field(default_factory=Numbers)
    ahead: int = 0
    heard_time: datetime | None = None

    @property
    def highest(self) -> int:
        """No change with a higher number can stand in the books."""
        return max(self.ahead, self.numbers.applied)

    def is_far_behind(self, watermark: int | None) -> bool:
        """Whether a watermark is too far ahead of its changes to be believed."""
        limit = self.source.ahead_max
        return watermark is not None and 0 < limit < watermark - self.numbers.applied


@dataclass(frozen=True)
class SourceReport:
    """A source as it is listed."""

    state: SourceState
    held_count: int
    quarantined_count: int
    create_time: datetime

    def silence(self, now: datetime) -> timedelta:
        """For how long nothing was heard of it; of one never heard of, since it was made."""
        return now - (self.state.heard_time or self.create_time)

    def is_stale(self, now: datetime) -> bool:
        """Whether it has been silent for longer than it may."""
        allowed = self.state.source.silence
        return allowed is not None and self.silence(now) > allowed


def refuse_repeated(sources: Sequence[StockSource]) -> None:
    """Raise ``DuplicateEntry`` where a source is put twice."""
    seen: set[str] = set()
    for number, source in enumerate(sources):
        if source.source_id in seen:
            raise DuplicateEntry(f"sources[{number}].source_id", source.source_id)
        seen.add(source.source_id)
