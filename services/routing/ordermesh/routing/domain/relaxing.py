"""Limits of a policy and of its rules as a stage leaves them, in the words of problems."""

from collections.abc import Iterable, Set

from ordermesh.routing.domain.policy import Policy
from ordermesh.routing.domain.problem import Rule
from ordermesh.routing.domain.rates import CostModel
from ordermesh.routing.domain.sourcing import Rejection, SourcingPolicy
from ordermesh.routing.domain.stages import Ruled
from ordermesh.routing.domain.terms import PLAIN


def sourcing_policy(
    policy: Policy, costs: CostModel, promise_days: int, ruled: Ruled
) -> SourcingPolicy:
    """The prices and limits of an order at a stage; ``promise_days`` 0 is no promise."""
    limits, relaxed = ruled.evaluation.limits, ruled.relaxation
    return SourcingPolicy(
        costs=costs,
        promise_days=promise_days + limits.promise_tolerance_days if promise_days else None,
        promise_is_hard=limits.promise_is_hard or False,
        more_days=relaxed.more_days,
        shipments_max=_shipments_max(policy, ruled),
        parcels_max=_parcels_max(ruled),
        tiers=policy.tiers or PLAIN,
        all_or_nothing=limits.ship_complete or not relaxed.partial_allowed,
    )


def fenced(line_ids: Set[str], ruled: Ruled) -> Iterable[Rejection]:
    """What rules take away; no lines are named where it is all of these."""
    for one in ruled.evaluation.removals:
        is_whole = not one.line_ids or line_ids <= set(one.line_ids)
        lines = frozenset() if is_whole else frozenset(one.line_ids)
        yield Rejection(one.location_id, lines, one.fact, Rule.FENCED, one.rule_id, one.is_of_stock)


def _shipments_max(policy: Policy, ruled: Ruled) -> int | None:
    """The strictest limit, and what the stage adds to it."""
    limits, relaxed = ruled.evaluation.limits, ruled.relaxation
    said = [limit for limit in (policy.shipments_max, limits.shipments_max) if limit]
    return min(said) + relaxed.more_shipments if said else None


def _parcels_max(ruled: Ruled) -> int | None:
    """The limit of parcels, and what the stage adds to it."""
    limit = ruled.evaluation.limits.parcels_max
    return limit + ruled.relaxation.more_parcels if limit else None
