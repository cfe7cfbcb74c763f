"""Seasons: which version of a policy is in force when, and which policy decides an order.

Of a policy's active versions the one is in force whose window it is; of several the one of the
highest priority, then the newest. Of the policies that choose an order by its context the one of
the highest priority decides, then the first by id; where none does, ``default`` decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from ordermesh.routing.domain.policy import DEFAULT_ID, Policy
from ordermesh.routing.domain.rules.conditions import Known, judge_all, told
from ordermesh.routing.domain.rules.rule import Window, in_force


@dataclass(frozen=True, slots=True)
class Choice:
    """The policy that decides, and why it does."""

    policy: Policy
    reason: str


def version_in_force(versions: Iterable[Policy], now: datetime) -> Policy | None:
    """Of versions of one policy the one that is in force, None when none is."""
    there = [one for one in versions if one.is_active and in_force(one.windows, now)]
    return max(there, key=lambda one: (one.priority, one.version), default=None)


def shown(versions: Sequence[Policy], now: datetime) -> Policy | None:
    """The version that is shown for a policy: the one in force, else the newest."""
    newest = max(versions, key=lambda one: one.version, default=None)
    return version_in_force(versions, now) or newest


def policies_in_force(active: Iterable[Policy], now: datetime) -> Mapping[str, Policy]:
    """The versions that are in force, by policy."""
    by_id: dict[str, list[Policy]] = {}
    for one in active:
        by_id.setdefault(one.policy_id, []).append(one)
    found = {name: version_in_force(versions, now) for name, versions in by_id.items()}
    return {name: one for name, one in sorted(found.items()) if one is not None}


NAMED = "named by the order"
ASKED_FOR = "this version was asked for"
"""Why a policy decides that was not chosen by what the order is like."""


def choose(active: Iterable[Policy], named: str, order: Known, now: datetime) -> Choice | None:
    """The policy that decides an order which names ``named`` or none; None when there is none.

    A policy that is named and not in force decides nothing: the order goes on as if it named none.
    """
    there = policies_in_force(active, now)
    if named in there:
        return Choice(there[named], NAMED)
    because = f"{named} is not in force; " if named else ""
    fitting = [
        one
        for one in there.values()
        if one.chosen_when and judge_all(one.chosen_when, order).holds is True
    ]
    if fitting:
        best = min(fitting, key=lambda one: (-one.priority, one.policy_id))
        facts = told(best.chosen_when, order)
        among = f", of {len(fitting)} that apply" if len(fitting) > 1 else ""
        return Choice(best, f"{because}chosen because {facts}; priority {best.priority}{among}")
    if DEFAULT_ID in there:
        return Choice(there[DEFAULT_ID], f"{because}no other policy applies")
    return None


def replaced_by(new: Policy, versions: Iterable[Policy]) -> tuple[Policy, ...]:
    """The active versions that could never be in force again once this one is active."""
    return tuple(
        one
        for one in versions
        if one.is_active
        and one.version != new.version
        and one.priority == new.priority
        and frozenset(one.windows) == frozenset(new.windows)
    )


def is_needed(policy: Policy, versions: Iterable[Policy]) -> bool:
    """Whether orders could be left without any policy if this version went."""
    if policy.policy_id != DEFAULT_ID or not policy.is_active or policy.windows:
        return False
    return not any(
        one.is_active and not one.windows and one.version != policy.version for one in versions
    )


@dataclass(frozen=True, slots=True)
class Period:
    """A stretch of time in which one version is in force with the same rules."""

    policy_id: str
    version: int
    start: datetime
    end: datetime
    rule_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What changes at an instant; a version of 0 is none."""

    time: datetime
    policy_id: str
    version_before: int
    version_after: int
    rules_starting: tuple[str, ...]
    rules_ending: tuple[str, ...]


def periods(active: Sequence[Policy], start: datetime, end: datetime) -> tuple[Period, ...]:
    """What is in force when, from ``start`` until ``end``, by policy and time."""
    edges = [start, *(edge for edge in _edges(active) if start < edge < end), end]
    open_ones: dict[str, Period] = {}
    closed: list[Period] = []
    for here, there in pairwise(edges):
        current = policies_in_force(active, here)
        for name in sorted({*open_ones, *current}):
            one, before = current.get(name), open_ones.get(name)
            rules = () if one is None else _rules_in_force(one, here)
            version = 0 if one is None else one.version
            if before is not None and (before.version, before.rule_ids) == (version, rules):
                open_ones[name] = Period(name, version, before.start, there, rules)
                continue
            if before is not None:
                closed.append(open_ones.pop(name))
            if one is not None:
                open_ones[name] = Period(name, version, here, there, rules)
    closed.extend(open_ones.values())
    return tuple(sorted(closed, key=lambda one: (one.policy_id, one.start)))


def changes(found: Iterable[Period], start: datetime, end: datetime) -> tuple[Change, ...]:
    """What changes between periods, in the order of time."""
    by_id: dict[str, list[Period]] = {}
    for one in found:
        by_id.setdefault(one.policy_id, []).append(one)
    result: list[Change] = []
    for name, listed in by_id.items():
        before: Period | None = None
        for one in listed:
            gap = before is not None and before.end < one.start
            if before is not None and gap:
                result.append(_change(name, before.end, before, None))
            if one.start > start:
                result.append(_change(name, one.start, None if gap else before, one))
            before = one
        if before is not None and before.end < end:
            result.append(_change(name, before.end, before, None))
    return tuple(sorted(result, key=lambda one: (one.time, one.policy_id)))


def _change(name: str, time: datetime, before: Period | None, after: Period | None) -> Change:
    old = () if before is None else before.rule_ids
    new = () if after is None else after.rule_ids
    return Change(
        time,
        name,
        0 if before is None else before.version,
        0 if after is None else after.version,
        tuple(rule for rule in new if rule not in old),
        tuple(rule for rule in old if rule not in new),
    )


def _rules_in_force(policy: Policy, now: datetime) -> tuple[str, ...]:
    return tuple(
        rule.rule_id for rule in policy.rules if not rule.disabled and in_force(rule.windows, now)
    )


def next_change(active: Iterable[Policy], now: datetime) -> datetime | None:
    """When a version or a rule next begins or ceases to be in force; None: never by itself."""
    return next((edge for edge in _edges(active) if edge > now), None)


def _edges(active: Iterable[Policy]) -> list[datetime]:
    """All instants at which a window begins or ends."""
    windows: list[Window] = []
    for one in active:
        windows.extend(one.windows)
        for rule in one.rules:
            windows.extend(rule.windows)
    return sorted({edge for one in windows for edge in (one.start, one.end) if edge is not None})
