"""Levels of availability, and which crossings of them are told."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple


class Level(enum.IntEnum):
    """How much is available; the numbers are the contract's."""

    PLENTY = 1
    LOW = 2
    OUT = 3


class Crossing(enum.Enum):
    """What is told when a level changes."""

    LOW = "low"
    OUT = "out"
    BACK = "back"
    RECOVERED = "recovered"


class Subject(NamedTuple):
    """Of what: an item or kit, for a channel, at a location or (empty) everywhere together."""

    sku: str
    channel: str
    location_id: str


@dataclass(frozen=True)
class Look:
    """What is available of a subject, and below what it is low.

    ``is_last``: no control names its channel any more, so it is forgotten after this look.
    """

    subject: Subject
    available: int
    low_level: int
    is_last: bool = False

    @property
    def level(self) -> Level:
        """The level that it is at."""
        if self.available <= 0:
            return Level.OUT
        return Level.LOW if self.available <= self.low_level else Level.PLENTY


@dataclass(frozen=True)
class Standing:
    """The level that was told last; None: it is not known. ``sequence`` counts what was told."""

    level: Level | None = None
    sequence: int = 0


@dataclass(frozen=True)
class Told:
    """A crossing that is to be told."""

    look: Look
    crossing: Crossing
    previous: Level
    sequence: int


def crossing_of(before: Level | None, after: Level) -> Crossing | None:
    """What is told of a change; None: nothing. What is looked at first has crossed nothing."""
    if before is None or before is after:
        return None
    if after is Level.OUT:
        return Crossing.OUT
    if before is Level.OUT:
        return Crossing.BACK
    return Crossing.LOW if after is Level.LOW else Crossing.RECOVERED


def settle_levels(
    looks: Mapping[Subject, Look], known: Mapping[Subject, Standing]
) -> tuple[dict[Subject, Standing], list[Told]]:
    """The standings that change, and what is told of them.

    A channel that is looked at first was told what all were told, those who name none. What is
    known and not looked at any more is forgotten, but for the count of what was told.
    """
    changed: dict[Subject, Standing] = {}
    told: list[Told] = []
    for subject, look in looks.items():
        before, previous = known.get(subject, Standing()), _told_last(subject, known)
        after = replace(before, level=None if look.is_last else look.level)
        crossing = crossing_of(previous, look.level)
        if crossing is not None and previous is not None:
            after = replace(after, sequence=before.sequence + 1)
            told.append(Told(look, crossing, previous, after.sequence))
        if after != before:
            changed[subject] = after
    for subject, standing in known.items():
        if subject not in looks and standing.level is not None:
            changed[subject] = replace(standing, level=None)
    return changed, told


def _told_last(subject: Subject, known: Mapping[Subject, Standing]) -> Level | None:
    """The level that those who follow a channel were told last, be it of all channels."""
    own = known.get(subject, Standing()).level
    return own or known.get(subject._replace(channel=""), Standing()).level
