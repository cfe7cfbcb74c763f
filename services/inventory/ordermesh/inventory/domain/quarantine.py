"""Rows of systems outside that cannot be right, until somebody decides."""

import enum
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.errors.feed import QuarantinedRowDecided, QuarantinedRowNotFound
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.stock_feed import Misfit, Told


class QuarantineState(enum.IntEnum):
    """What was decided; the numbers are the contract's."""

    OPEN = 1
    ACCEPTED = 2
    DISMISSED = 3


@dataclass(frozen=True)
class Quarantined:
    """A row in quarantine, and what was decided about it, when, and by whom."""

    quarantine_id: UUID
    told: Told
    misfit: Misfit
    state: QuarantineState = QuarantineState.OPEN
    create_time: datetime | None = None
    decide_time: datetime | None = None
    decided_by: Actor | None = None
    note: str = ""


@dataclass(frozen=True)
class Decision:
    """What becomes of a row in quarantine; ``misfit`` where it is still wrong, and stays."""

    state: QuarantineState
    misfit: Misfit | None = None


def refuse_decided(wanted: Collection[UUID], found: Mapping[UUID, Quarantined]) -> None:
    """Raise ``QuarantinedRowNotFound`` and ``QuarantinedRowDecided``, with every such row."""
    unknown = set(wanted) - found.keys()
    if unknown:
        raise QuarantinedRowNotFound(unknown)
    decided = [one for one in wanted if found[one].state is not QuarantineState.OPEN]
    if decided:
        raise QuarantinedRowDecided(decided)
