"""Requests about policies that are refused, and how."""

from typing import Any

from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money

from ordermesh.api.routing import v1
from tests.routing.house import usd
from tests.routing.requests import activate, archive, facts, policy
from tests.routing.wrong import INVALID, LONG, NOT_FOUND, REFUSED, Case, invalid

WEB = v1.Condition(text=v1.TextTest(fact=v1.TextFact.TEXT_FACT_ORDER_CHANNEL, values=["web"]))
HERE = v1.Condition(text=v1.TextTest(fact=v1.TextFact.TEXT_FACT_LOCATION_ID, values=["NEAR"]))
SKU = v1.Condition(text=v1.TextTest(fact=v1.TextFact.TEXT_FACT_ITEM_SKU, values=["MUG"]))


SHIPMENTS = v1.WeightedTerm.TERM_SHIPMENTS
AVAILABLE = v1.NumberFact.NUMBER_FACT_STOCK_AVAILABLE
SHORT = v1.Substitute.WHEN_SHORT


def number(**limits: int) -> v1.Condition:
    fact = v1.NumberFact.NUMBER_FACT_ORDER_UNITS
    return v1.Condition(number=v1.NumberTest(fact=fact, **limits))


def ruled(*conditions: v1.Condition, **effect: Any) -> v1.SavePolicyRequest:
    """A policy with one rule."""
    wanted = effect or {"fence": v1.Fence()}
    return policy(rules=[v1.Rule(rule_id="R", conditions=conditions, **wanted)])


def not_valid(name: str, request: Any, problem: str) -> Case:
    return Case(name, request, INVALID, "RULE_NOT_VALID", {"ruleId": "R", "problem": problem})


POLICY_CASES = [
    invalid(
        "a rule without a name",
        lambda: policy(rules=[v1.Rule(fence=v1.Fence())]),
        "policy.rules[0].rule_id",
    ),
    invalid(
        "a rule without effect",
        lambda: policy(rules=[v1.Rule(rule_id="R")]),
        "policy.rules[0].effect",
    ),
    invalid(
        "a condition without a test",
        lambda: ruled(v1.Condition()),
        "policy.rules[0].conditions[0].test",
    ),
    invalid(
        "a test of nothing",
        lambda: ruled(v1.Condition(flag=v1.FlagTest())),
        "policy.rules[0].conditions[0].flag.fact",
    ),
    invalid(
        "a set without words",
        lambda: ruled(v1.Condition(text=v1.TextTest(fact=v1.TextFact.TEXT_FACT_ORDER_CHANNEL))),
        "policy.rules[0].conditions[0].text.values",
    ),
    invalid(
        "a list inside a list",
        lambda: ruled(
            v1.Condition(
                any_of=v1.AnyTest(conditions=[v1.Condition(any_of=v1.AnyTest(conditions=[WEB]))])
            )
        ),
        "conditions.any_of",
    ),
    invalid("a policy chosen by a location", lambda: policy(chosen_when=[HERE]), "chosen_when"),
    invalid(
        "a window that ends before it begins",
        lambda: policy(
            windows=[v1.TimeWindow(start_time=Timestamp(seconds=9), end_time=Timestamp(seconds=9))]
        ),
        "windows",
    ),
    invalid(
        "a window at no time",
        lambda: policy(windows=[v1.TimeWindow(start_time=Timestamp(seconds=2**60))]),
        "windows",
    ),
    invalid(
        "tiers in which nothing counts",
        lambda: policy(tiers=[v1.Tier(terms=[v1.WeightedTerm(term=SHIPMENTS)])]),
        "tiers",
    ),
    not_valid(
        "an action on goods",
        lambda: ruled(SKU, action=v1.OrderAction(clear_auto_cancel=v1.ClearAutoCancel())),
        "its effect cannot depend on facts of item",
    ),
    not_valid(
        "an action on a location",
        lambda: ruled(HERE, action=v1.OrderAction(cancel_unfilled=v1.CancelUnfilled())),
        "its effect cannot depend on facts of location",
    ),
    invalid(
        "an action that does nothing",
        lambda: ruled(action=v1.OrderAction()),
        "policy.rules[0].action.action",
    ),
    invalid(
        "an action after something unsaid",
        lambda: ruled(
            action=v1.OrderAction(
                outcomes=[v1.OrderAction.OUTCOME_UNSPECIFIED], send_to_care=v1.SendToCare()
            )
        ),
        "policy.rules[0].action.outcomes[0]",
    ),
    invalid(
        "a move to no queue",
        lambda: ruled(action=v1.OrderAction(move_to_queue=v1.MoveToQueue())),
        "policy.rules[0].action.move_to_queue.queue",
    ),
    invalid(
        "a cancellation at once that says it is later",
        lambda: ruled(
            action=v1.OrderAction(set_auto_cancel=v1.SetAutoCancel(after_duration=Duration()))
        ),
        "policy.rules[0].action.set_auto_cancel.after_duration",
    ),
    not_valid(
        "a test without limits", lambda: ruled(number()), "its test of ORDER_UNITS has no limit"
    ),
    not_valid(
        "a range upside down",
        lambda: ruled(number(at_least=5, at_most=4)),
        "its test of ORDER_UNITS lets nothing pass",
    ),
    not_valid("a charge of nothing", lambda: ruled(charge=v1.Charge()), "it charges nothing"),
    not_valid(
        "a limit of nothing", lambda: ruled(split_limit=v1.SplitLimit()), "it limits nothing"
    ),
    not_valid(
        "a shipment charged by goods",
        lambda: ruled(SKU, charge=v1.Charge(per_shipment=usd(1))),
        "what is charged by shipment or parcel cannot depend on goods or stock",
    ),
    not_valid(
        "a scale of no width",
        lambda: ruled(charge=v1.Charge(per_unit=usd(1), scale=v1.Scale(fact=AVAILABLE))),
        "its scale has no width",
    ),
    not_valid(
        "a split limited by place",
        lambda: ruled(HERE, split_limit=v1.SplitLimit(shipments_max=1)),
        "its effect cannot depend on facts of location",
    ),
    not_valid(
        "services neither banned nor charged",
        lambda: ruled(service=v1.ServiceRule(service_ids=["air"])),
        "services are either banned or charged",
    ),
    invalid(
        "no services at all",
        lambda: ruled(service=v1.ServiceRule(banned=True)),
        "policy.rules[0].service",
    ),
    not_valid(
        "goods that are kept apart from none",
        lambda: ruled(WEB, keep_apart=v1.KeepApart()),
        "it keeps all goods apart from none",
    ),
    not_valid(
        "goods that are kept apart by place",
        lambda: ruled(SKU, HERE, keep_apart=v1.KeepApart()),
        "its effect cannot depend on facts of location",
    ),
    not_valid(
        "a substitute by place",
        lambda: ruled(HERE, substitute=v1.Substitute(sku="CUP", when=SHORT)),
        "its effect cannot depend on facts of location",
    ),
    not_valid(
        "a substitute that earns money",
        lambda: ruled(SKU, substitute=v1.Substitute(sku="CUP", when=SHORT, per_unit=usd(-1))),
        "substitutes that earn money would be sent for it",
    ),
    Case(
        "an item instead of itself",
        lambda: policy(
            rules=[
                v1.Rule(
                    rule_id="R",
                    scope=v1.RuleScope(skus=["CUP"]),
                    substitute=v1.Substitute(sku="CUP", when=SHORT),
                )
            ]
        ),
        INVALID,
        "RULE_NOT_VALID",
        {"ruleId": "R", "problem": "CUP replaces itself"},
    ),
    invalid(
        "a substitute without an occasion",
        lambda: ruled(substitute=v1.Substitute(sku="CUP")),
        "policy.rules[0].substitute.when",
    ),
    invalid(
        "a substitute that is nothing",
        lambda: ruled(substitute=v1.Substitute(when=SHORT)),
        "policy.rules[0].substitute.sku",
    ),
    not_valid(
        "bringing together by place",
        lambda: ruled(HERE, consolidate=v1.Consolidate(hub_location_ids=["NEAR"])),
        "its effect cannot depend on facts of location",
    ),
    invalid(
        "bringing together nowhere",
        lambda: ruled(consolidate=v1.Consolidate(required=True)),
        "policy.rules[0].consolidate.hub_location_ids",
    ),
    invalid(
        "an offer without end",
        lambda: ruled(action=v1.OrderAction(offer=v1.OfferAndWait())),
        "policy.rules[0].action.offer.answer_duration",
    ),
    Case(
        "a charge in another currency",
        lambda: ruled(charge=v1.Charge(per_unit=Money(currency_code="EUR", units=1))),
        INVALID,
        "CURRENCY_MISMATCH",
    ),
    Case(
        "a rule twice",
        lambda: policy(rules=[v1.Rule(rule_id="R", fence=v1.Fence())] * 2),
        INVALID,
        "DUPLICATE_ENTRY",
        {"field": "rules.rule_id", "value": "R"},
    ),
    Case(
        "a stage twice",
        lambda: policy(stages=[v1.Stage(name="all")] * 2),
        INVALID,
        "DUPLICATE_ENTRY",
        {"field": "stages.name", "value": "all"},
    ),
    Case(
        "a stage without a rule that is not there",
        lambda: policy(stages=[v1.Stage(name="all", without_rule_ids=["Q"])]),
        INVALID,
        "RULE_NOT_VALID",
        {"ruleId": "Q"},
    ),
    Case(
        "rules that make sending dearer than leaving",
        lambda: ruled(charge=v1.Charge(per_shipment=usd(100))),
        REFUSED,
        "UNFILLED_MUST_DOMINATE",
    ),
    Case(
        "a tier that had rather leave",
        lambda: policy(
            tiers=[
                v1.Tier(
                    terms=[
                        v1.WeightedTerm(term=v1.WeightedTerm.TERM_SHIPMENTS, weight_thousandths=1)
                    ]
                )
            ]
        ),
        REFUSED,
        "UNFILLED_MUST_DOMINATE",
    ),
    invalid("no facts", lambda: facts(facts=[]), "facts"),
    # ActivatePolicyVersion and ArchivePolicyVersion
    invalid("activating no policy", lambda: activate(policy_id=""), "policy_id"),
    invalid("activating no version", lambda: activate(version=0), "version"),
    Case(
        "activating what is not there",
        lambda: activate(version=7),
        NOT_FOUND,
        "POLICY_NOT_FOUND",
        {"policyId": "spring", "version": "7"},
    ),
    invalid("archiving a long name", lambda: archive(policy_id=LONG), "policy_id"),
    Case(
        "archiving what is not there",
        lambda: archive(policy_id="gone"),
        NOT_FOUND,
        "POLICY_NOT_FOUND",
    ),
    Case(
        "archiving what orders need",
        lambda: archive(policy_id="default"),
        REFUSED,
        "DEFAULT_MUST_REMAIN",
        {"policyId": "default", "version": "1"},
    ),
]
