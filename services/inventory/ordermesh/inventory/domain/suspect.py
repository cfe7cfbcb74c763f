"""Keys whose books were found wrong: nothing moves there until somebody has looked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from ordermesh.inventory.domain.errors.stock import KeyUnsound
from ordermesh.inventory.domain.key import Actor, StockKey
from ordermesh.inventory.domain.verification import Finding


@dataclass(frozen=True)
class Suspect:
    """A key in quarantine, or one that was: what was found, and who freed it and why."""

    suspect_id: UUID
    key: StockKey
    findings: Sequence[Finding]
    found_time: datetime
    free_time: datetime | None = None
    freed_by: Actor | None = None
    note: str = ""


def refuse_unsound(key: StockKey, findings: Sequence[Finding]) -> None:
    """Raise ``KeyUnsound`` when anything is wrong with the books of a key."""
    if findings:
        raise KeyUnsound(key, [(one.invariant, one.recorded, one.expected) for one in findings])
