"""The linter: everything that is wrong with a version of a policy, errors first."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from ordermesh.routing.domain import season
from ordermesh.routing.domain.linting import rules as of_rules
from ordermesh.routing.domain.linting.finding import Finding, Kind, Severity, Witness
from ordermesh.routing.domain.linting.situation import Situation, find
from ordermesh.routing.domain.policy import DEFAULT_ID, Policy, PolicyState
from ordermesh.routing.domain.rules.conditions import Condition, judge_all, level_of
from ordermesh.routing.domain.rules.knowing import Facts
from ordermesh.routing.domain.rules.rule import (
    Fence,
    PromiseRule,
    Rule,
    SplitLimit,
    Window,
    in_force,
)
from ordermesh.routing.domain.rules.vocabulary import Fact, Level
from ordermesh.routing.domain.stages import NONE, changes_nothing, relaxations

GAP = timedelta(days=60)
"""Seasons of one policy that lie closer together have a gap between them; others are apart."""

FENCES_MAX = 40
"""Orders that two fences leave nowhere are looked for among so many."""


def lint(
    policy: Policy, others: Sequence[Policy], network: Mapping[str, Facts], now: datetime
) -> tuple[Finding, ...]:
    """All findings about a version, were it active beside the other active versions.

    ``network`` holds what never changes of each location that ships.
    """
    active = replace(policy, state=PolicyState.ACTIVE)
    gone = {one.version for one in season.replaced_by(active, _versions(policy, others))}
    beside = [
        one
        for one in others
        if one.is_active
        and not (
            one.policy_id == policy.policy_id
            and (one.version in gone or one.version == policy.version)
        )
    ]
    found = [
        *of_rules.dead(active, network, now),
        *of_rules.shadowed(active),
        *of_rules.contradictory(active),
        *_stages(active),
        *_seasons(active, beside, now),
        *_unserved(active, network, now),
    ]
    return tuple(sorted(found, key=lambda one: one.severity is not Severity.ERROR))


def _versions(policy: Policy, others: Iterable[Policy]) -> list[Policy]:
    return [one for one in others if one.policy_id == policy.policy_id]


def _stages(policy: Policy) -> Iterator[Finding]:
    """Stages that can fill nothing that an earlier one does not."""
    before = NONE
    limits = [rule.effect for rule in policy.rules if isinstance(rule.effect, SplitLimit)]
    has_limit = bool(policy.shipments_max) or any(
        one.shipments_max
        or one.item_value_min is not None
        or one.order_value_min is not None
        or one.only_if_available
        for one in limits
    )
    is_hard = any(
        isinstance(rule.effect, PromiseRule) and rule.effect.hard for rule in policy.rules
    )
    witness = Witness({Fact.ORDER_IS_AVAILABLE: False})
    steps = zip(policy.stages, relaxations(policy.stages), strict=False)
    for place, (stage, after) in enumerate(steps):
        if place and changes_nothing(stage, before):
            sentence = f"Stage {stage.name} allows nothing that the ones before it did not."
            yield Finding(Kind.UNREACHABLE_STAGE, Severity.ERROR, (stage.name,), sentence, witness)
        if stage.more_shipments and not has_limit:
            sentence = f"Stage {stage.name} allows more shipments, and nothing limits them."
            yield Finding(
                Kind.UNREACHABLE_STAGE, Severity.WARNING, (stage.name,), sentence, witness
            )
        if stage.more_days and not is_hard:
            sentence = f"Stage {stage.name} puts the promise off, and no rule makes it hard."
            yield Finding(
                Kind.UNREACHABLE_STAGE, Severity.WARNING, (stage.name,), sentence, witness
            )
        before = after


def _seasons(policy: Policy, beside: Sequence[Policy], now: datetime) -> Iterator[Finding]:
    """Windows that have passed, gaps between seasons, and others that are in force as well."""
    name = f"{policy.policy_id}/{policy.version}"
    if policy.windows and all(one.end is not None and one.end <= now for one in policy.windows):
        sentence = f"{policy.policy_id} would never be in force: its windows have passed."
        yield Finding(Kind.SEASON_GAP, Severity.ERROR, (name,), sentence, Witness(at=now))
        return
    yield from _gaps(policy, beside, now)
    for other in beside:
        if other.priority != policy.priority:
            continue
        shared = _shared(policy.windows, other.windows)
        if shared is None or (shared.end is not None and shared.end <= now):
            continue
        is_same = other.policy_id == policy.policy_id
        if is_same and not (policy.windows and other.windows):
            # A season above what is always in force is what seasons are for.
            continue
        at = max(now, shared.start or now)
        subjects = (name, f"{other.policy_id}/{other.version}")
        if is_same:
            sentence = f"Both versions are in force from {at:%Y-%m-%d %H:%M} on; the newest counts."
            yield Finding(Kind.SEASON_OVERLAP, Severity.WARNING, subjects, sentence, Witness(at=at))
        elif policy.chosen_when and other.chosen_when:
            seen = find([*policy.chosen_when, *other.chosen_when])
            if seen is not None:
                first = min(policy.policy_id, other.policy_id)
                sentence = f"An order may choose both with the same priority; {first} counts."
                yield Finding(
                    Kind.SEASON_OVERLAP, Severity.WARNING, subjects, sentence, Witness(seen, at=at)
                )


def _gaps(policy: Policy, beside: Sequence[Policy], now: datetime) -> Iterator[Finding]:
    """Times between two seasons at which no version of the policy is in force."""
    if policy.policy_id == DEFAULT_ID or not policy.windows:
        return
    versions = [policy, *_versions(policy, beside)]
    if any(not one.windows for one in versions):
        return
    windows = [window for one in versions for window in one.windows]
    listed = sorted(
        (one for one in windows if one.end is not None),
        key=lambda one: one.end or now,
    )
    starts = sorted(one.start for one in windows if one.start is not None)
    for window in listed:
        end = window.end or now
        nexts = [start for start in starts if start > end]
        covered = any(in_force(one.windows, end) for one in versions)
        if covered or not nexts or nexts[0] - end > GAP or end < now:
            continue
        sentence = (
            f"Nothing of {policy.policy_id} is in force from {end:%Y-%m-%d %H:%M} "
            f"until {nexts[0]:%Y-%m-%d %H:%M}."
        )
        name = f"{policy.policy_id}/{policy.version}"
        yield Finding(Kind.SEASON_GAP, Severity.WARNING, (name,), sentence, Witness(at=end))


def _shared(first: Sequence[Window], second: Sequence[Window]) -> Window | None:
    for one in first or (Window(),):
        for other in second or (Window(),):
            shared = of_rules.overlap(one, other)
            if shared is not None:
                return shared
    return None


def _unserved(policy: Policy, network: Mapping[str, Facts], now: datetime) -> Iterator[Finding]:
    """Orders for which fences leave no location of the network, at the last stage too."""
    if not network:
        return
    last = list(relaxations(policy.stages))[-1]
    fences = [
        rule
        for rule in policy.rules
        if isinstance(rule.effect, Fence)
        and not rule.disabled
        and rule.rule_id not in last.without
        and (not rule.windows or any(one.end is None or one.end > now for one in rule.windows))
    ][:FENCES_MAX]
    told: set[tuple[str, ...]] = set()
    for size in (0, 1, 2):
        for chosen in itertools.combinations(fences, size):
            if any(set(before) <= {rule.rule_id for rule in chosen} for before in told):
                continue
            wanted = [one for rule in chosen for one in _about_order(rule)]
            seen = find(wanted)
            if seen is None:
                continue
            closing = _closing(fences, seen, network)
            if closing is None:
                continue
            told.add(tuple(rule.rule_id for rule in chosen))
            yield _nowhere(closing, Witness(seen), size)
            if size == 0:
                return


def _about_order(rule: Rule) -> list[Condition]:
    """Its conditions that a location has no part in."""
    about = (Level.ORDER, Level.ITEM)
    return [one for one in rule.all_conditions if level_of(one) in about]


def _closing(
    fences: Sequence[Rule], seen: Situation, network: Mapping[str, Facts]
) -> tuple[str, ...] | None:
    """The fences that together take every location away for this order; None: one is left."""
    closing: dict[str, None] = {}
    for facts in network.values():
        known = {**seen, **facts}
        rule = next(
            (one for one in fences if judge_all(one.all_conditions, known).holds is True), None
        )
        if rule is None:
            return None
        closing[rule.rule_id] = None
    return tuple(closing)


def _nowhere(closing: tuple[str, ...], witness: Witness, size: int) -> Finding:
    names = ", ".join(closing[:5])
    if size == 0:
        sentence = f"No order can be sourced from anywhere: {names} leave no location."
        return Finding(Kind.UNSERVED_ORDER, Severity.ERROR, closing, sentence, witness)
    sentence = f"Some orders can be sourced from nowhere: {names} leave no location for them."
    return Finding(Kind.UNSERVED_ORDER, Severity.WARNING, closing, sentence, witness)
