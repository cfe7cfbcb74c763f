"""Why an order cannot be sourced whole: a minimal set of facts that conflict, and ways out.

The members are hard rules, facts of stock and capacity, and limits, that were in the way. A set of
them conflicts when the order cannot be filled while all of the set hold and no other member does.
The set that is given is minimal: without any one of its members the order can be filled. It is
found by the deletion filter (Chinneck, Dravnieks, *Locating minimal infeasible constraint sets in
linear programs*, 1991): each member in turn is left out, and stays out where the rest conflicts
without it.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.plan import Plan, Solution
from ordermesh.routing.domain.problem import Problem, Rule
from ordermesh.routing.domain.sourcing import SourcingLine, SourcingLocation

WAYS_OUT_MAX = 3
"""So many ways out are priced and told."""

_DROPPED_TOGETHER_MAX = 4
"""A way out that needs more members to give way than this is not looked for."""

Solve = Callable[[Problem], Solution]
"""Who finds plans."""


class MemberKind(StrEnum):
    """What sort of thing is in the way."""

    RULE = "RULE"
    STOCK = "STOCK"
    CAPACITY = "CAPACITY"
    SHIPMENTS_MAX = "SHIPMENTS_MAX"
    PARCELS_MAX = "PARCELS_MAX"
    TOGETHER = "TOGETHER"
    PROMISE = "PROMISE"


@dataclass(frozen=True, slots=True)
class Member:
    """One thing that is in the way.

    ``name`` is the rule (for a rule of a policy its id), the SKU of stock, or the line that stays
    together; ``fact`` is for people.
    """

    kind: MemberKind
    name: str
    fact: str


@dataclass(frozen=True, slots=True)
class WayOut:
    """Members that give way, and the cost of the plan that fills all then."""

    members: tuple[Member, ...]
    cost: Money
    shipments: int
    days: int


@dataclass(frozen=True, slots=True)
class Conflict:
    """A minimal set of members that conflict, and the cheapest ways out.

    Without members even an order that none of them held back could not be filled: no location has
    a service that takes all of it to its destination.
    """

    members: tuple[Member, ...]
    ways_out: tuple[WayOut, ...]


def find_conflict(inputs: SourcingInputs, solve: Solve) -> Conflict | None:
    """Why not all of the order can be filled; None when it can."""
    search = _Search(inputs, solve)
    if search.plan(()) is not None:
        return None
    every = members_of(inputs)
    if search.plan(every) is None:
        return Conflict((), ())
    return Conflict(search.minimal(every, ()), search.ways_out(every))


def members_of(inputs: SourcingInputs) -> tuple[Member, ...]:
    """Everything that could be in the way, in a fixed order."""
    problem, policy = inputs.problem, inputs.policy
    found: list[Member] = []
    for removal in problem.removals:
        if removal.rule in _OTHERWISE:
            continue
        name = removal.rule_id or str(removal.rule)
        if not any(one.kind is MemberKind.RULE and one.name == name for one in found):
            found.append(Member(MemberKind.RULE, name, f"{removal.location_id}: {removal.fact}"))
    if policy.promise_is_hard and policy.promise_days is not None:
        fact = f"promised within {policy.promise_days} days"
        found.append(Member(MemberKind.PROMISE, str(Rule.PAST_PROMISE), fact))
    if any(location.capacity_units is not None for location in inputs.locations):
        found.append(Member(MemberKind.CAPACITY, str(Rule.NO_CAPACITY), "capacity of locations"))
    if policy.shipments_max is not None:
        fact = f"at most {policy.shipments_max} shipments"
        found.append(Member(MemberKind.SHIPMENTS_MAX, "SHIPMENTS_MAX", fact))
    if policy.parcels_max is not None:
        fact = f"at most {policy.parcels_max} parcels"
        found.append(Member(MemberKind.PARCELS_MAX, "PARCELS_MAX", fact))
    for line in inputs.order.lines:
        if not line.divisible and line.quantity > 1:
            fact = f"{line.quantity} units of line {line.line_id} leave together"
            found.append(Member(MemberKind.TOGETHER, line.line_id, fact))
    for sku, wanted in problem.wanted.items():
        held = sum(units.get(sku, 0) for units in inputs.stock.values())
        fact = f"{wanted} of {sku} are wanted, {held} are there"
        found.append(Member(MemberKind.STOCK, sku, fact))
    return tuple(found)


_OTHERWISE = (
    Rule.NOT_STOCKED,
    Rule.NO_CAPACITY,
    Rule.PAST_PROMISE,
    Rule.OUT_OF_REACH,
    Rule.NO_SERVICE,
)
"""Removals that are members of another kind, or that nothing can make give way."""


def without(inputs: SourcingInputs, members: Collection[Member]) -> SourcingInputs:
    """The inputs as if none of these held."""
    rules = {one.name for one in members if one.kind is MemberKind.RULE}
    kinds = {one.kind for one in members}
    policy = inputs.policy
    if MemberKind.PROMISE in kinds:
        policy = replace(policy, promise_is_hard=False)
    if MemberKind.SHIPMENTS_MAX in kinds:
        policy = replace(policy, shipments_max=None)
    if MemberKind.PARCELS_MAX in kinds:
        policy = replace(policy, parcels_max=None)
    if str(Rule.NOT_ALLOWED) in rules:
        policy = replace(policy, allowed_location_ids=None)
    rejections = tuple(
        one for one in inputs.rejections if (one.rule_id or str(one.rule)) not in rules
    )
    locations = tuple(
        _without(one, kinds, is_on=str(Rule.SWITCHED_OFF) in rules) for one in inputs.locations
    )
    together = {one.name for one in members if one.kind is MemberKind.TOGETHER}
    lines = tuple(_parted(line, together) for line in inputs.order.lines)
    plenty = {one.name for one in members if one.kind is MemberKind.STOCK}
    wanted = inputs.problem.wanted
    stock = {
        location.location_id: {
            **inputs.stock.get(location.location_id, {}),
            **{sku: wanted[sku] for sku in plenty},
        }
        for location in inputs.locations
    }
    return SourcingInputs(replace(inputs.order, lines=lines), locations, policy, stock, rejections)


def _without(
    location: SourcingLocation, kinds: Collection[MemberKind], *, is_on: bool
) -> SourcingLocation:
    if MemberKind.CAPACITY in kinds:
        location = replace(location, capacity_units=None)
    return replace(location, active=True, ships=True) if is_on else location


def _parted(line: SourcingLine, together: Collection[str]) -> SourcingLine:
    return replace(line, divisible=True) if line.line_id in together else line


class _Search:
    """Plans of the inputs without some members, each found once."""

    def __init__(self, inputs: SourcingInputs, solve: Solve) -> None:
        self._inputs = inputs
        self._solve = solve
        self._plans: dict[frozenset[Member], Plan | None] = {}

    def plan(self, dropped: Iterable[Member]) -> Plan | None:
        """A plan that fills everything when these do not hold; None where there is none."""
        key = frozenset(dropped)
        if key not in self._plans:
            problem = replace(without(self._inputs, key).problem, all_or_nothing=True)
            plan = self._solve(problem).plan
            self._plans[key] = plan if plan.is_complete else None
        return self._plans[key]

    def minimal(self, members: Sequence[Member], dropped: Sequence[Member]) -> tuple[Member, ...]:
        """Those that still conflict when each one that is not needed for it is left out."""
        out = list(dropped)
        kept = []
        for member in members:
            if member in out:
                continue
            if self.plan([*out, member]) is None:
                out.append(member)
            else:
                kept.append(member)
        return tuple(kept)

    def ways_out(self, members: Sequence[Member]) -> tuple[WayOut, ...]:
        """The cheapest plans that few members giving way allow."""
        found: dict[frozenset[Member], WayOut] = {}
        for first in self.minimal(members, ()):
            dropped = [first]
            plan = self.plan(dropped)
            while plan is None and len(dropped) < _DROPPED_TOGETHER_MAX:
                dropped.append(self.minimal(members, dropped)[0])
                plan = self.plan(dropped)
            if plan is not None:
                days = max((shipment.days for shipment in plan.shipments), default=0)
                way = WayOut(tuple(dropped), plan.costs.total, len(plan.shipments), days)
                found[frozenset(dropped)] = way
        cheapest = sorted(found.values(), key=lambda way: (way.cost, len(way.members)))
        return tuple(cheapest[:WAYS_OUT_MAX])
