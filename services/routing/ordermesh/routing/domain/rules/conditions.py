"""Conditions: tests of facts that hold, do not hold, or cannot be told for want of a fact."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.domain.rules.vocabulary import Fact, Kind, Level, Value, words


class Known(Protocol):
    """What is known; a mapping of facts is."""

    def get(self, key: Fact, /) -> Value | None:
        """The value of a fact, None when it is not known."""
        ...


@dataclass(frozen=True, slots=True)
class Test:
    """One fact lies in a range, has one of some words, or is so.

    Numbers and amounts lie between ``at_least`` and ``at_most``, both included; words are one of
    ``values``; a flag is so. ``negated`` turns it around.
    """

    __test__ = False  # no test of ours, whatever its name

    fact: Fact
    at_least: int | None = None
    at_most: int | None = None
    values: tuple[str, ...] = ()
    negated: bool = False

    @property
    def tests(self) -> tuple["Test", ...]:
        """All tests of it: itself."""
        return (self,)


@dataclass(frozen=True, slots=True)
class AnyOf:
    """One of several tests is enough."""

    tests: tuple[Test, ...]
    negated: bool = False


Condition = Test | AnyOf


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a condition comes to: ``holds`` is None where ``missing`` is not known."""

    holds: bool | None
    missing: Fact | None = None


YES = Verdict(True)
NO = Verdict(False)


def level_of(condition: Condition) -> Level:
    """What it is about. What is about goods and a location is about stock."""
    levels = {test.fact.level for test in condition.tests}
    if {Level.ITEM, Level.LOCATION} <= levels:
        return Level.STOCK
    return max(levels)


def facts_of(conditions: Iterable[Condition]) -> Iterator[Fact]:
    """All facts that are asked for."""
    for condition in conditions:
        for test in condition.tests:
            yield test.fact


def judge(condition: Condition, known: Known) -> Verdict:
    """Whether it holds by what is known."""
    if isinstance(condition, Test):
        return _judge(condition, known)
    missing: Fact | None = None
    holds: bool | None = False
    for test in condition.tests:
        one = _judge(test, known)
        if one.holds:
            holds, missing = True, None
            break
        if one.holds is None:
            holds, missing = None, missing or one.missing
    if holds is None:
        return Verdict(None, missing)
    return YES if holds is not condition.negated else NO


def judge_all(conditions: Iterable[Condition], known: Known) -> Verdict:
    """Whether all of them hold: one that does not is enough, whatever else is not known."""
    unknown: Verdict | None = None
    for condition in conditions:
        one = judge(condition, known)
        if one.holds is False:
            return NO
        if one.holds is None and unknown is None:
            unknown = one
    return unknown or YES


def _judge(test: Test, known: Known) -> Verdict:
    value = known.get(test.fact)
    if value is None:
        return Verdict(None, test.fact)
    if isinstance(value, frozenset):
        holds = not value.isdisjoint(test.values)
    elif test.fact.kind is Kind.FLAG:
        holds = bool(value)
    else:
        low, high = test.at_least, test.at_most
        holds = (low is None or value >= low) and (high is None or value <= high)
    return YES if holds is not test.negated else NO


def told(conditions: Iterable[Condition], known: Known) -> str:
    """The facts that were asked for, as they are: "distance km is 812, type is STORE"."""
    asked = dict.fromkeys(facts_of(conditions))
    return ", ".join(_told(fact, value) for fact in asked if (value := known.get(fact)) is not None)


def _told(fact: Fact, value: Value) -> str:
    name = words(fact)
    if isinstance(value, frozenset):
        shown = sorted(value)[:5]
        return f"{name} is {' and '.join(shown)}" if shown else f"{name} is empty"
    if fact.kind is Kind.FLAG:
        return name if value else f"not {name}"
    if fact.kind is Kind.AMOUNT:
        return f"{name} is {to_decimal(Money(value)):.2f}"
    return f"{name} is {value}"
