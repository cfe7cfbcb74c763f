"""What an error means for the row of work whose handler raised it."""

import random as randomness
from datetime import datetime, timedelta

from ordermesh.kernel.errors import (
    Conflict,
    DomainError,
    InvalidRequest,
    NotFound,
    Overloaded,
    RuleViolated,
    Unavailable,
)

REFUSALS_MAX = 3
"""After so many refusals a row is dead."""

DEAD_AFTER = timedelta(hours=72)
"""After so long without success a row is dead; while nobody tries no time passes for it."""

BACKOFF_SECONDS = 0.5
"""The first wait is up to twice, the second up to four times as long."""

BACKOFF_SECONDS_MAX = 900.0

_SENTENCE_LENGTH = 500


def is_refusal(error: Exception) -> bool:
    """Whether asking again, unchanged, is not expected to help."""
    return isinstance(error, RuleViolated | InvalidRequest | NotFound)


def is_passing(error: Exception) -> bool:
    """Whether the trouble is around the work and not in it, so that a batch stays together."""
    return isinstance(error, Unavailable | Overloaded | Conflict | TimeoutError)


def failing_since(before: datetime | None, due_time: datetime, now: datetime) -> datetime:
    """Since when a row fails that has failed now, and ``before``; it was due at ``due_time``.

    Who was not tried for long, because the service was not there, is not older by that: else it
    would be dead at the first trouble of a start.
    """
    if before is None:
        return now
    untried = now - due_time - timedelta(seconds=BACKOFF_SECONDS_MAX)
    return min(now, before + max(timedelta(0), untried))


def is_dead(refusals: int, failing_since: datetime, now: datetime) -> bool:
    """Whether to give up."""
    return refusals >= REFUSALS_MAX or now - failing_since >= DEAD_AFTER


def backoff_seconds(attempt: int, error: Exception, random: randomness.Random) -> float:
    """How long to wait after the ``attempt``-th claim failed: growing, and random in all of it.

    Many rows that failed together do not come back together. Whoever asked for more time gets it.
    """
    ceiling = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS * 2.0 ** min(attempt, 20))
    floor = error.retry_after if isinstance(error, Unavailable | Overloaded) else 0.0
    return max(floor, random.uniform(0.0, ceiling))


def sentence_of(error: Exception) -> str:
    """What is written beside the row: published words only, no arguments of other exceptions."""
    if isinstance(error, DomainError | Unavailable | Overloaded):
        return f"{error.reason}: {error.sentence}"[:_SENTENCE_LENGTH]
    return type(error).__name__
