"""Words for tests of policies over the wire."""

from typing import Any

from ordermesh.api.order.v1 import StockMatrix
from ordermesh.api.routing import v1
from tests.routing.house import House, new_id
from tests.routing.requests import policy, question


def text(fact: str, *values: str, negated: bool = False) -> v1.Condition:
    test = v1.TextTest(fact=v1.TextFact.Value(f"TEXT_FACT_{fact}"), values=values)
    return v1.Condition(text=test, negated=negated)


def number(fact: str, **limits: int) -> v1.Condition:
    test = v1.NumberTest(fact=v1.NumberFact.Value(f"NUMBER_FACT_{fact}"), **limits)
    return v1.Condition(number=test)


def rule(rule_id: str, *conditions: v1.Condition, **fields: Any) -> v1.Rule:
    """A rule, a fence unless it is said what it does."""
    effects = {
        "charge",
        "split_limit",
        "capacity_mode",
        "service",
        "promise",
        "action",
        "substitute",
        "keep_apart",
    }
    wanted = fields if effects & fields.keys() else {"fence": v1.Fence(), **fields}
    return v1.Rule(rule_id=rule_id, conditions=conditions, **wanted)


async def save(house: House, policy_id: str = "default", **fields: Any) -> v1.Policy:
    """The next version of a policy; ``draft`` keeps it idle."""
    draft = fields.pop("draft", False)
    request = policy(policy_id=policy_id, **fields)
    request.draft = draft
    return (await house.mesh.policies.SavePolicy(request)).policy


async def activate(house: House, saved: v1.Policy) -> v1.ActivatePolicyVersionResponse:
    return await house.mesh.policies.ActivatePolicyVersion(
        v1.ActivatePolicyVersionRequest(
            request_id=new_id(), policy_id=saved.policy_id, version=saved.version
        )
    )


async def archive(house: House, saved: v1.Policy) -> v1.Policy:
    request = v1.ArchivePolicyVersionRequest(
        request_id=new_id(), policy_id=saved.policy_id, version=saved.version
    )
    return (await house.mesh.policies.ArchivePolicyVersion(request)).policy


async def asked(
    house: House,
    wanted: dict[str, int],
    stock: dict[str, dict[str, int]],
    **fields: Any,
) -> v1.Decision:
    """What would be decided on this stock, by location then SKU, for so many units of each SKU."""
    skus = sorted({sku for held in stock.values() for sku in held} | set(wanted))
    places = sorted(stock)
    traits = fields.pop("traits", None)
    promise_days = fields.pop("promise_days", 0)
    request = question(
        *(
            v1.SourcingLine(line_id=sku, sku=sku, quantity=units)
            for sku, units in sorted(wanted.items())
        ),
        supplied_stock=StockMatrix(
            skus=skus,
            location_ids=places,
            quantities=[stock[place].get(sku, 0) for sku in skus for place in places],
        ),
        **fields,
    )
    request.question.channel = "web"
    request.question.promise_days = promise_days
    if traits is not None:
        request.question.traits.CopyFrom(traits)
    return (await house.mesh.sourcing.SourceOrder(request)).decision


def sent(decision: v1.Decision) -> dict[str, dict[str, int]]:
    """Units by location, then SKU."""
    found: dict[str, dict[str, int]] = {}
    for shipment in decision.plan.shipments:
        units = found.setdefault(shipment.location_id, {})
        for line in shipment.lines:
            units[line.sku] = units.get(line.sku, 0) + line.quantity
    return found


def removed_by(decision: v1.Decision) -> dict[str, str]:
    """The rule that kept each location out: of the policy, or of the service."""
    return {
        one.location_id: one.rule_id or one.removed_by
        for one in decision.candidates
        if one.removed_by
    }
