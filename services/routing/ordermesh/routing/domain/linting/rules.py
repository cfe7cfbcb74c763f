"""What can be wrong with single rules and with two of them: dead, shadowed, contradictory."""

import itertools
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from ordermesh.routing.domain.linting.finding import Finding, Kind, Severity, Witness
from ordermesh.routing.domain.linting.situation import Situation, conflict, find, implies
from ordermesh.routing.domain.policy import Policy
from ordermesh.routing.domain.rules.action import (
    Filling,
    OrderAction,
    SetAutoCancel,
    clash,
)
from ordermesh.routing.domain.rules.conditions import Condition
from ordermesh.routing.domain.rules.knowing import Facts
from ordermesh.routing.domain.rules.rule import (
    CapacityMode,
    Consolidate,
    Effect,
    Fence,
    PromiseRule,
    Rule,
    ServiceRule,
    SplitLimit,
    Window,
)
from ordermesh.routing.domain.rules.substitute import Substitute
from ordermesh.routing.domain.rules.vocabulary import STATIC, words
from ordermesh.routing.domain.stages import relaxations

RULES_MAX = 100
"""Pairs are looked at among so many rules; of more, the first ones."""


def dead(policy: Policy, network: Mapping[str, Facts], now: datetime) -> Iterator[Finding]:
    """Rules whose conditions nothing satisfies, that hold nowhere in the network, or never.

    A condition of the network alone is looked for at its real locations.
    """
    for rule in _on(policy):
        conditions = rule.all_conditions
        seen = find(conditions)
        if seen is None:
            yield _impossible(rule)
            continue
        if rule.windows and all(_is_over(window, now) for window in rule.windows):
            sentence = f"{rule.title} will never hold again: all of its windows have passed."
            yield Finding(
                Kind.DEAD_RULE, Severity.WARNING, (rule.rule_id,), sentence, Witness(seen, at=now)
            )
        if isinstance(rule.effect, OrderAction) and rule.effect.is_idle:
            sentence = f"{rule.title} does nothing: there is nothing to do where it acts."
            yield Finding(Kind.DEAD_RULE, Severity.ERROR, (rule.rule_id,), sentence, Witness(seen))
        elif _never_comes(policy, rule.effect):
            sentence = f"{rule.title} never acts: all of an order is sent, or nothing."
            yield Finding(
                Kind.DEAD_RULE, Severity.WARNING, (rule.rule_id,), sentence, Witness(seen)
            )
        fixed = [one for one in conditions if STATIC.issuperset(t.fact for t in one.tests)]
        if network and fixed and not any(find(fixed, facts) for facts in network.values()):
            sentence = f"{rule.title} holds at no location of the network."
            yield Finding(
                Kind.DEAD_RULE, Severity.WARNING, (rule.rule_id,), sentence, Witness(seen)
            )


def _never_comes(policy: Policy, effect: Effect) -> bool:
    """Whether an action waits for orders that are sent in part, and no stage allows that."""
    if not isinstance(effect, OrderAction) or effect.after != {Filling.PARTLY_FILLED}:
        return False
    return not any(one.partial_allowed for one in relaxations(policy.stages))


def _impossible(rule: Rule) -> Finding:
    """The conditions that cannot meet, and an order that meets all but the last of them."""
    part = conflict(rule.all_conditions)
    rest = [one for one in rule.all_conditions if one is not part[-1]]
    seen: Situation = find(rest) or find(part[:-1]) or {}
    asked = " and ".join(dict.fromkeys(_told(one) for one in part))
    sentence = f"Nothing satisfies {rule.title}: its conditions on {asked} cannot all hold."
    return Finding(Kind.DEAD_RULE, Severity.ERROR, (rule.rule_id,), sentence, Witness(seen))


def _told(condition: Condition) -> str:
    return " or ".join(dict.fromkeys(words(test.fact) for test in condition.tests))


def shadowed(policy: Policy) -> Iterator[Finding]:
    """Rules that change nothing wherever they hold, because another one holds there too."""
    dropped = {name for stage in policy.stages for name in stage.without_rule_ids}
    rules = _on(policy)
    shaded: set[str] = set()
    for first, second in itertools.permutations(rules, 2):
        if second.rule_id in shaded or first.rule_id in shaded or first.rule_id in dropped:
            continue
        is_before = rules.index(first) < rules.index(second)
        if not _outdoes(first.effect, second.effect, is_before=is_before):
            continue
        if not _covers(first.windows, second.windows):
            continue
        if _same(first, second) and not is_before:
            continue
        if implies(second.all_conditions, first.all_conditions):
            seen = find([*second.all_conditions, *first.all_conditions])
            if seen is None:
                continue
            shaded.add(second.rule_id)
            sentence = f"{second.title} changes nothing: {first.title} holds wherever it does."
            ids = (second.rule_id, first.rule_id)
            yield Finding(Kind.SHADOWED_RULE, Severity.WARNING, ids, sentence, Witness(seen))


def _same(first: Rule, second: Rule) -> bool:
    return first.all_conditions == second.all_conditions and first.windows == second.windows


def _outdoes(first: Effect, second: Effect, *, is_before: bool) -> bool:
    """Whether the second does nothing where the first does what it does."""
    match first, second:
        case Fence(), Fence():
            return True
        case (CapacityMode(), CapacityMode()) | (PromiseRule(), PromiseRule()):
            return is_before and first == second
        case SplitLimit(), SplitLimit():
            return _is_stricter(first, second)
        case OrderAction(), OrderAction():
            return _acts_for(first, second, is_before=is_before)
        case Substitute(), Substitute():
            return is_before and first == second
        case Consolidate(), Consolidate():
            return _brings_all(first, second, is_before=is_before)
        case _:
            return False


def _acts_for(first: OrderAction, second: OrderAction, *, is_before: bool) -> bool:
    """Whether the first does all that the second does, whenever that acts."""
    if not second.after <= first.after:
        return False
    if isinstance(first.deed, SetAutoCancel) and isinstance(second.deed, SetAutoCancel):
        is_earlier = first.deed.after < second.deed.after
        return is_earlier or (is_before and first.deed.after == second.deed.after)
    return is_before and first.deed == second.deed


def _brings_all(first: Consolidate, second: Consolidate, *, is_before: bool) -> bool:
    """Whether the first allows every hub that the second does, and asks for as much."""
    has_all = set(second.hub_location_ids) <= set(first.hub_location_ids)
    return has_all and first.required >= second.required and (is_before or first != second)


def _is_stricter(first: SplitLimit, second: SplitLimit) -> bool:
    """Whether all that the second limits is limited as much by the first; lines stay out of it."""
    if second.lines_together or second.item_value_min is not None:
        return False

    def at_most(ours: int, theirs: int) -> bool:
        return not theirs or bool(ours and ours <= theirs)

    return (
        at_most(first.shipments_max, second.shipments_max)
        and at_most(first.parcels_max, second.parcels_max)
        and (first.ship_complete or not second.ship_complete)
        and (first.lines_whole or not second.lines_whole)
        and (first.only_if_available or not second.only_if_available)
        and (
            second.order_value_min is None
            or (
                first.order_value_min is not None
                and first.order_value_min >= second.order_value_min
            )
        )
    )


def contradictory(policy: Policy) -> Iterator[Finding]:
    """Rules that say what cannot both be, of the same order at the same time."""
    for first, second in itertools.combinations(_on(policy), 2):
        what = _contradiction(first.effect, second.effect)
        if not what or not _meet(first.windows, second.windows):
            continue
        seen = find([*first.all_conditions, *second.all_conditions])
        if seen is None:
            continue
        severity = Severity.ERROR if _same(first, second) else Severity.WARNING
        sentence = f"{first.title} and {second.title} {what}; the first one counts."
        yield Finding(
            Kind.CONTRADICTORY_RULES,
            severity,
            (first.rule_id, second.rule_id),
            sentence,
            Witness(seen),
        )


def _contradiction(first: Effect, second: Effect) -> str:
    match first, second:
        case CapacityMode(), CapacityMode() if first.mode is not second.mode:
            return f"say that a full location is {first.mode} and {second.mode}"
        case PromiseRule(), PromiseRule() if first != second:
            return "say different things of the promise"
        case ServiceRule(), ServiceRule() if first.banned is not second.banned:
            shared = sorted(set(first.service_ids) & set(second.service_ids))
            if shared:
                return f"ban and price service {shared[0]}"
            alike = sorted(set(first.features) & set(second.features))
            return f"ban and price services that are {alike[0]}" if alike else ""
        case OrderAction(), OrderAction() if first.after & second.after:
            return clash(first.deed, second.deed)
        case Substitute(), Substitute() if first.sku == second.sku:
            return "" if first == second else f"offer {first.sku} on different terms"
        case _:
            return ""


def _on(policy: Policy) -> list[Rule]:
    return [rule for rule in policy.rules if not rule.disabled][:RULES_MAX]


def _is_over(window: Window, now: datetime) -> bool:
    return window.end is not None and window.end <= now


def _covers(outer: Iterable[Window], inner: Iterable[Window]) -> bool:
    """Whether each of the inner windows lies in one of the outer; none at all is always."""
    ours, theirs = tuple(outer), tuple(inner)
    if not ours:
        return True
    return bool(theirs) and all(any(_contains(one, other) for one in ours) for other in theirs)


def _contains(outer: Window, inner: Window) -> bool:
    starts = outer.start is None or (inner.start is not None and outer.start <= inner.start)
    ends = outer.end is None or (inner.end is not None and inner.end <= outer.end)
    return starts and ends


def _meet(first: Iterable[Window], second: Iterable[Window]) -> bool:
    ours, theirs = tuple(first) or (Window(),), tuple(second) or (Window(),)
    return any(overlap(one, other) is not None for one in ours for other in theirs)


def overlap(first: Window, second: Window) -> Window | None:
    """The time that two windows share, None when there is none."""
    starts = [one for one in (first.start, second.start) if one is not None]
    ends = [one for one in (first.end, second.end) if one is not None]
    shared = Window(max(starts, default=None), min(ends, default=None))
    if shared.start is not None and shared.end is not None and shared.start >= shared.end:
        return None
    return shared
