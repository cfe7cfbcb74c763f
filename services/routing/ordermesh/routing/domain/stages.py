"""Stages: what may be done when nothing stricter fills all of an order."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from ordermesh.routing.domain.rules.result import Evaluation


@dataclass(frozen=True, slots=True)
class Stage:
    """What a stage changes; what is changed once stays so in later stages.

    ``more_shipments`` and ``more_parcels`` raise limits, ``more_days`` puts the promise off,
    ``without_rule_ids`` do not hold, and with ``beyond_capacity`` no location is full.
    """

    name: str
    partial_allowed: bool = False
    more_shipments: int = 0
    more_parcels: int = 0
    more_days: int = 0
    without_rule_ids: tuple[str, ...] = ()
    beyond_capacity: bool = False


@dataclass(frozen=True, slots=True)
class Relaxation:
    """All that has been changed up to a stage."""

    name: str = ""
    partial_allowed: bool = True
    more_shipments: int = 0
    more_parcels: int = 0
    more_days: int = 0
    without: frozenset[str] = frozenset()
    beyond_capacity: bool = False


NONE = Relaxation()
"""Of a policy without stages: as much as can be is filled, at once."""


@dataclass(frozen=True)
class Ruled:
    """What the rules say to an order at one stage.

    ``open_when_full`` are locations that may send more than they have capacity for. With
    ``past_soft_limits`` the limits at which locations only come last do not hold. With
    ``transfers`` goods are brought to where the customer collects them.
    """

    evaluation: Evaluation = field(default_factory=Evaluation)
    relaxation: Relaxation = NONE
    open_when_full: frozenset[str] = frozenset()
    past_soft_limits: bool = False
    transfers: bool = False


NO_RULES = Ruled()
"""Nothing is said."""


def relaxations(stages: Iterable[Stage]) -> Iterator[Relaxation]:
    """What each stage comes to, with all before it; one for a policy without stages."""
    so_far = Relaxation(partial_allowed=False)
    has_any = False
    for stage in stages:
        has_any = True
        so_far = Relaxation(
            stage.name,
            so_far.partial_allowed or stage.partial_allowed,
            so_far.more_shipments + stage.more_shipments,
            so_far.more_parcels + stage.more_parcels,
            so_far.more_days + stage.more_days,
            so_far.without | frozenset(stage.without_rule_ids),
            so_far.beyond_capacity or stage.beyond_capacity,
        )
        yield so_far
    if not has_any:
        yield NONE


def changes_nothing(stage: Stage, before: Relaxation) -> bool:
    """Whether a stage allows nothing that the ones before it did not."""
    return not (
        (stage.partial_allowed and not before.partial_allowed)
        or stage.more_shipments
        or stage.more_parcels
        or stage.more_days
        or frozenset(stage.without_rule_ids) - before.without
        or (stage.beyond_capacity and not before.beyond_capacity)
    )
