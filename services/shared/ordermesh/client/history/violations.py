"""What is found in a history that may never be there."""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """Which promise was broken."""

    OVERSOLD = "oversold"
    """More units were promised at an instant than existed."""

    REPLIES_DIFFER = "replies differ"
    """Two tries of one request were answered differently."""

    REQUEST_ID_REUSED = "request id reused"
    """Two things were done under one request id."""

    VERSION_FELL = "version fell"
    """Something was seen older than it had been seen before."""

    LOST = "lost"
    """What was acknowledged is not there."""


@dataclass(frozen=True)
class Violation:
    """A promise that was broken, and the numbers of the calls that show it."""

    kind: Kind
    sentence: str
    calls: tuple[int, ...]
