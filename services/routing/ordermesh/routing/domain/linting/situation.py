"""Situations: facts of an order, goods, a location and its stock for which conditions hold.

A situation is found by choosing, for every way in which lists of alternatives can be met, a value
for each fact alone; facts are taken to be free of each other, but for those of real locations.
"""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from ordermesh.routing.domain.rules.conditions import Condition, Test, judge_all
from ordermesh.routing.domain.rules.vocabulary import Fact, Kind, Value

Situation = Mapping[Fact, Value]
"""What is known; a fact that is missing is not asked for by any condition."""

WAYS_MAX = 512
"""So many combinations of alternatives are tried at most."""

_MANY_WORDS = frozenset(
    {
        Fact.ORDER_TAG,
        Fact.ITEM_SKU,
        Fact.ITEM_TAG,
        Fact.ITEM_HANDLING,
        Fact.LOCATION_TAG,
        Fact.LOCATION_GROUP,
        Fact.LOCATION_METHOD,
        Fact.LOCATION_CAPABILITY,
    }
)
"""Facts that have several words at once; the others have one, or none."""

_ALWAYS_SAID = frozenset(
    {
        Fact.ORDER_CHANNEL,
        Fact.ORDER_METHOD,
        Fact.ORDER_COUNTRY,
        Fact.ITEM_SKU,
        Fact.LOCATION_ID,
        Fact.LOCATION_TYPE,
        Fact.LOCATION_COUNTRY,
        Fact.LOCATION_TIME_ZONE,
    }
)

_ONE_AT_LEAST = frozenset(
    {
        Fact.ORDER_LINES,
        Fact.ORDER_UNITS,
        Fact.ORDER_ATTEMPT,
        Fact.LINE_QUANTITY,
        Fact.LOCATION_PRIORITY,
        Fact.LOCATION_DISTANCE_BAND,
    }
)


def negation(condition: Condition) -> Condition:
    """The opposite."""
    return replace(condition, negated=not condition.negated)


def find(conditions: Sequence[Condition], fixed: Situation | None = None) -> Situation | None:
    """A situation in which all conditions hold, with some facts as they are; None: there is none.

    What is found is looked at again by the conditions themselves.
    """
    for tests in _ways(conditions):
        found = _meet(tests, fixed or {})
        if found is not None and judge_all(conditions, found).holds:
            return found
    return None


def _ways(conditions: Iterable[Condition]) -> Iterator[list[Test]]:
    """Each way of meeting them, as tests that must all hold."""
    alternatives: list[list[tuple[Test, ...]]] = []
    for condition in conditions:
        if isinstance(condition, Test):
            alternatives.append([(condition,)])
        elif condition.negated:
            opposite = tuple(replace(test, negated=not test.negated) for test in condition.tests)
            alternatives.append([opposite])
        else:
            alternatives.append([(test,) for test in condition.tests])
    for way in itertools.islice(itertools.product(*alternatives), WAYS_MAX):
        yield [test for tests in way for test in tests]


def _meet(tests: Iterable[Test], fixed: Situation) -> dict[Fact, Value] | None:
    by_fact: dict[Fact, list[Test]] = {}
    for test in tests:
        by_fact.setdefault(test.fact, []).append(test)
    found = dict(fixed)
    for fact, asked in by_fact.items():
        if fact in fixed:
            continue
        value = _value(fact, asked)
        if value is None:
            return None
        found[fact] = value
    return found


def _value(fact: Fact, tests: Sequence[Test]) -> Value | None:
    match fact.kind:
        case Kind.FLAG:
            wanted = {not test.negated for test in tests}
            return None if len(wanted) > 1 else wanted.pop()
        case Kind.TEXT:
            return _words(fact, tests)
        case _:
            return _number(fact, tests)


def _number(fact: Fact, tests: Sequence[Test]) -> int | None:
    """The least number that passes: one of the edges, or one beside them."""
    least = 1 if fact in _ONE_AT_LEAST else 0
    most = 100 if fact.endswith("_PERCENT") else None
    edges = {least} | ({most} if most is not None else set())
    for test in tests:
        for edge in (test.at_least, test.at_most):
            if edge is not None:
                edges |= {edge - 1, edge, edge + 1}
    signed = fact in (Fact.LOCATION_NUMBER, Fact.ORDER_DAYS_LEFT)
    for number in sorted(edges):
        in_range = signed or (number >= least and (most is None or number <= most))
        if in_range and judge_all(tests, {fact: number}).holds:
            return number
    return None


def _words(fact: Fact, tests: Sequence[Test]) -> frozenset[str] | None:
    wanted = [frozenset(test.values) for test in tests if not test.negated]
    refused = frozenset(word for test in tests if test.negated for word in test.values)
    allowed = [words - refused for words in wanted]
    if any(not words for words in allowed):
        return None
    if fact in _MANY_WORDS:
        return frozenset(min(words) for words in allowed) or _some(fact, refused)
    if not allowed:
        return _some(fact, refused)
    common = frozenset.intersection(*allowed)
    return frozenset({min(common)}) if common else None


def _some(fact: Fact, refused: frozenset[str]) -> frozenset[str]:
    """Any word but these where something is always said, else nothing."""
    if fact not in _ALWAYS_SAID:
        return frozenset()
    word = "other"
    while word in refused:
        word += "-other"
    return frozenset({word})


def implies(stronger: Sequence[Condition], weaker: Iterable[Condition]) -> bool:
    """Whether the weaker conditions hold wherever the stronger ones do."""
    return all(find([*stronger, negation(condition)]) is None for condition in weaker)


def conflict(conditions: Sequence[Condition]) -> tuple[Condition, ...]:
    """Of conditions that cannot all hold a least part that cannot."""
    left = list(conditions)
    for condition in conditions:
        without = [one for one in left if one is not condition]
        if find(without) is None:
            left = without
    return tuple(left)
