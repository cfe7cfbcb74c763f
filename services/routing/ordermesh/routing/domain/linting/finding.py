"""What a linter finds, and the order that shows it."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ordermesh.routing.domain.linting.situation import Situation


class Severity(StrEnum):
    """Whether a policy may be activated with it."""

    ERROR = "ERROR"
    WARNING = "WARNING"


class Kind(StrEnum):
    """What is wrong."""

    DEAD_RULE = "DEAD_RULE"
    SHADOWED_RULE = "SHADOWED_RULE"
    CONTRADICTORY_RULES = "CONTRADICTORY_RULES"
    UNREACHABLE_STAGE = "UNREACHABLE_STAGE"
    SEASON_GAP = "SEASON_GAP"
    SEASON_OVERLAP = "SEASON_OVERLAP"
    UNSERVED_ORDER = "UNSERVED_ORDER"


@dataclass(frozen=True)
class Witness:
    """An order that shows a finding: facts of it, its goods, a location and its stock, and when.

    ``location_id`` is empty where it does not matter which, ``at`` is None where it does not
    matter when.
    """

    facts: Situation = field(default_factory=dict)
    location_id: str = ""
    at: datetime | None = None


@dataclass(frozen=True)
class Finding:
    """Something that is wrong, with the rules, the stage or the version that it is about."""

    kind: Kind
    severity: Severity
    subjects: tuple[str, ...]
    sentence: str
    witness: Witness
