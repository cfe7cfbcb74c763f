"""What of a policy is kept in one column: windows, conditions, rules, tiers, stages, and the like.

They are read and written whole, and nothing asks for a part of them in SQL.
"""

from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.policy import REASSIGNMENT_CHARGE, Policy
from ordermesh.routing.domain.rules.conditions import Condition
from ordermesh.routing.domain.rules.rule import Rule, Window
from ordermesh.routing.domain.stages import Stage
from ordermesh.routing.domain.terms import Tier


@dataclass(frozen=True)
class Body:
    """The part of a policy that is one value."""

    windows: tuple[Window, ...] = ()
    chosen_when: tuple[Condition, ...] = ()
    rules: tuple[Rule, ...] = ()
    tiers: tuple[Tier, ...] = ()
    stages: tuple[Stage, ...] = ()
    reassignment_charge: Money = REASSIGNMENT_CHARGE


_BODY: TypeAdapter[Body] = TypeAdapter(Body)


def written(policy: Policy) -> dict[str, Any]:
    """The body as JSON."""
    body = Body(
        policy.windows,
        policy.chosen_when,
        policy.rules,
        policy.tiers,
        policy.stages,
        policy.reassignment_charge,
    )
    value: dict[str, Any] = _BODY.dump_python(body, mode="json")
    return value


def read(value: dict[str, Any]) -> Body:
    """The body as it was written."""
    return _BODY.validate_python(value)
