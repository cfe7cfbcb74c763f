"""Durations that are not known for sure, as whole numbers with whole weights: no rounding."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from ordermesh.routing.domain.errors.requests import FieldViolation

PERMILLE = 1000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class QuantilePoint:
    """With this probability it takes at most so many open days and then open minutes.

    ``weekday`` is that on which it begins, 0 for Monday; None: all without points of their own.
    """

    permille: int
    days: int = 0
    minutes: int = 0
    weekday: int | None = None


@dataclass(frozen=True, slots=True)
class Chance:
    """What happens with a weight out of ``PERMILLE``: so many days, then minutes."""

    weight: int
    days: int
    minutes: int


CERTAIN = (Chance(PERMILLE, 0, 0),)


def certain(*, days: int = 0, minutes: int = 0) -> tuple[Chance, ...]:
    """A duration that is known."""
    return (Chance(PERMILLE, days, minutes),)


def chances(field_name: str, points: Sequence[QuantilePoint]) -> tuple[Chance, ...]:
    """The distribution that has these quantiles, the longer durations never understated.

    What lies between two points takes as long as the later one; what lies beyond the last takes as
    much longer again as the last took longer than the one before (all of it, when it is the only
    one). So a quantile that was given is exactly what is quoted. No points: it takes no time.

    Raises ``FieldViolation`` unless probabilities rise and durations do not fall.
    """
    if not points:
        return CERTAIN
    reached, before = 0, QuantilePoint(0)
    found: list[Chance] = []
    for point in points:
        if not reached < point.permille <= PERMILLE:
            sentence = "Probabilities rise from point to point, to 1000 at most."
            raise FieldViolation(field_name, "quantiles.ascending", sentence)
        if (point.days, point.minutes) < (before.days, before.minutes):
            sentence = "What is more probable does not take less time."
            raise FieldViolation(field_name, "quantiles.falling", sentence)
        found.append(Chance(point.permille - reached, point.days, point.minutes))
        reached, last, before = point.permille, before, point
    if reached < PERMILLE:
        days = before.days + max(0, before.days - last.days)
        minutes = before.minutes + max(0, before.minutes - last.minutes)
        found.append(Chance(PERMILLE - reached, days, minutes))
    return tuple(found)


def quantile(weighted: Iterable[tuple[T, int]], permille: int) -> T:
    """The least outcome that is not exceeded with at least this probability.

    ``weighted`` are outcomes that can be compared, each with a positive weight. Raises
    ``ValueError`` without any.
    """
    ordered = sorted(weighted, key=lambda pair: pair[0])  # type: ignore[arg-type, return-value]
    total = sum(weight for _, weight in ordered)
    reached = 0
    for outcome, weight in ordered:
        reached += weight
        if reached * PERMILLE >= total * permille:
            return outcome
    raise ValueError("a quantile of nothing")
