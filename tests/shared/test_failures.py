import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordermesh.kernel.errors import Conflict, InvalidRequest, NotFound, RuleViolated, Unavailable
from ordermesh.runtime.failures import (
    BACKOFF_SECONDS_MAX,
    DEAD_AFTER,
    backoff_seconds,
    is_dead,
    is_passing,
    is_refusal,
    sentence_of,
)

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
AWAY = Unavailable("Notify is away.", service="notify", retry_after=3.0)


@given(attempt=st.integers(1, 10_000), seed=st.integers())
def test_a_wait_is_never_longer_than_a_quarter_of_an_hour(attempt: int, seed: int) -> None:
    wait = backoff_seconds(attempt, ValueError(), random.Random(seed))

    assert 0.0 <= wait <= min(BACKOFF_SECONDS_MAX, 0.5 * 2 ** min(attempt, 20))


@given(attempt=st.integers(1, 10_000), seed=st.integers())
def test_whoever_asks_for_time_gets_it(attempt: int, seed: int) -> None:
    assert backoff_seconds(attempt, AWAY, random.Random(seed)) >= 3.0


def test_waits_of_many_are_spread() -> None:
    chance = random.Random(1)

    waits = {round(backoff_seconds(10, ValueError(), chance)) for _ in range(200)}

    assert len(waits) > 100


@pytest.mark.parametrize("error", [RuleViolated("no"), InvalidRequest("no"), NotFound("no")])
def test_what_is_refused_is_not_expected_to_pass(error: Exception) -> None:
    assert is_refusal(error)
    assert not is_passing(error)


@pytest.mark.parametrize("error", [AWAY, Conflict("no"), TimeoutError()])
def test_what_passes_is_no_refusal(error: Exception) -> None:
    assert is_passing(error)
    assert not is_refusal(error)


def test_three_refusals_or_three_days_are_the_end() -> None:
    assert not is_dead(2, NOW - DEAD_AFTER + timedelta(seconds=1), NOW)
    assert is_dead(3, NOW, NOW)
    assert is_dead(0, NOW - DEAD_AFTER, NOW)


def test_only_published_words_are_written_down() -> None:
    assert sentence_of(AWAY) == "UNAVAILABLE: Notify is away."
    assert sentence_of(KeyError("somebody@example.com")) == "KeyError"
