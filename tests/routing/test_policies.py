"""Policies over the wire: their life, the choice among them, their rules and their stages."""

from collections.abc import Callable

import pytest

from ordermesh.api.routing import v1
from tests.dialects import on_sqlite
from tests.routing.conftest import INVENTORY, ROUTING
from tests.routing.house import House, line, refused, usd
from tests.routing.policing import (
    activate,
    archive,
    asked,
    number,
    removed_by,
    rule,
    save,
    sent,
    text,
)

ACTIVE, ARCHIVED = v1.Policy.STATE_ACTIVE, v1.Policy.STATE_ARCHIVED
GIFT = v1.OrderTraits(tags=["gift"])
FENCE_WEST = rule("no-west", text("LOCATION_ID", "WEST"), name="West is closed")


@pytest.fixture
async def mugs(house: House) -> House:
    await house.items("MUG", "LAMP")
    return house


async def test_a_draft_decides_nothing_until_it_is_activated_and_answers_when_it_is_asked(
    mugs: House,
) -> None:
    closed = rule("closed", text("LOCATION_ID", "NEAR"))
    draft = await save(mugs, rules=[closed], draft=True)
    stock = {"NEAR": {"MUG": 1}}

    before = await asked(mugs, {"MUG": 1}, stock)
    trial = await asked(mugs, {"MUG": 1}, stock, policy_version=draft.version)
    reply = await activate(mugs, draft)
    after = await asked(mugs, {"MUG": 1}, stock)

    assert draft.state == v1.Policy.STATE_DRAFT
    assert (before.policy_version, sent(before)) == (1, {"NEAR": {"MUG": 1}})
    assert (trial.policy_version, sent(trial)) == (2, {})
    assert (after.policy_version, removed_by(after)["NEAR"]) == (2, "closed")
    assert (reply.policy.state, list(reply.archived_versions)) == (ACTIVE, [1])
    assert (await archive_refused(mugs, reply.policy)) == "DEFAULT_MUST_REMAIN"


async def archive_refused(house: House, saved: v1.Policy) -> str:
    return (await refused(archive(house, saved))).reason


async def test_a_draft_cannot_be_made_to_decide_an_order(mugs: House) -> None:
    await mugs.receive({"MUG at NEAR": 1})
    await mugs.submit("O-1", line("1", "MUG"))
    draft = await save(mugs, draft=True)

    refusal = await refused(mugs.source("O-1", policy_version=draft.version))

    assert refusal.reason == "POLICY_IS_DRAFT"
    assert refusal.metadata["version"] == "2"


async def test_what_was_saved_is_read_as_it_was_with_every_kind_of_rule(mugs: House) -> None:
    any_of = v1.Condition(
        any_of=v1.AnyTest(
            conditions=[text("ORDER_TAG", "a", "b"), number("ORDER_UNITS", at_most=3)]
        ),
        negated=True,
    )
    value = v1.Condition(
        amount=v1.AmountTest(
            fact=v1.AmountFact.AMOUNT_FACT_ORDER_VALUE, at_least=usd(10), at_most=usd(99)
        )
    )
    flag = v1.Condition(flag=v1.FlagTest(fact=v1.FlagFact.FLAG_FACT_LOCATION_IS_FULL))
    window = v1.TimeWindow()
    window.start_time.FromSeconds(1_800_000_000)
    scale = v1.Scale(fact=v1.NumberFact.NUMBER_FACT_STOCK_WEEKS_OF_SUPPLY, nothing_at=9, all_at=2)
    rules = [
        rule("fence", any_of, value, flag, windows=[window], disabled=True),
        rule(
            "charge",
            scope=v1.RuleScope(location_ids=["NEAR"], groups=["g"]),
            charge=v1.Charge(per_unit=usd(1), scale=scale, purpose=v1.Charge.PURPOSE_EXCESS_STOCK),
        ),
        rule(
            "split",
            split_limit=v1.SplitLimit(
                shipments_max=2,
                parcels_max=3,
                ship_complete=True,
                lines_whole=True,
                lines_together=True,
                item_value_min=usd(5),
                order_value_min=usd(6),
                only_if_available=True,
            ),
        ),
        rule("full", capacity_mode=v1.CapacityMode(mode=v1.CapacityMode.MODE_RANK_LAST)),
        rule("air", service=v1.ServiceRule(service_ids=["air"], banned=True)),
        rule("late", promise=v1.PromiseRule(hard=True, tolerance_days=2)),
    ]
    tier = v1.Tier(
        terms=[v1.WeightedTerm(term=v1.WeightedTerm.TERM_UNFILLED_UNITS, weight_thousandths=1000)],
        name="whole first",
    )
    stage = v1.Stage(
        name="all",
        partial_allowed=True,
        more_shipments=1,
        more_parcels=2,
        more_days=3,
        without_rule_ids=["fence"],
        beyond_capacity=True,
    )

    saved = await save(
        mugs,
        "rich",
        priority=7,
        windows=[window],
        chosen_when=[text("ORDER_CHANNEL", "web")],
        rules=rules,
        tiers=[tier],
        stages=[stage],
    )
    read = await mugs.mesh.policies.GetPolicy(v1.GetPolicyRequest(policy_id="rich", version=1))

    assert list(saved.rules) == rules
    assert list(saved.tiers) == [tier]
    assert list(saved.stages) == [stage]
    assert (list(saved.windows), saved.priority) == ([window], 7)
    assert read.policy == saved


async def test_an_order_chooses_its_policy_by_what_it_says_and_the_decision_tells_why(
    mugs: House,
) -> None:
    await mugs.receive({"MUG at NEAR": 2, "MUG at WEST": 2})
    await save(
        mugs,
        "gifts",
        priority=3,
        chosen_when=[text("ORDER_TAG", "gift")],
        rules=[rule("far", text("LOCATION_ID", "WEST", negated=True))],
    )

    plain = await mugs.submit("O-1", line("1", "MUG"))
    gift = await mugs.submit("O-2", line("1", "MUG"), traits=GIFT)

    assert (plain.decision.policy_id, sent(plain.decision)) == ("default", {"NEAR": {"MUG": 1}})
    assert plain.decision.policy_reason == "no other policy applies"
    assert (gift.decision.policy_id, sent(gift.decision)) == ("gifts", {"WEST": {"MUG": 1}})
    assert gift.decision.policy_reason == "chosen because tag is gift; priority 3"
    assert (gift.order.policy_id, gift.order.traits) == ("", GIFT)


async def test_a_fence_is_named_with_its_fact_and_the_rule_with_what_it_did(mugs: House) -> None:
    await save(mugs, rules=[FENCE_WEST, rule("slow", number("STOCK_WEEKS_OF_SUPPLY", at_least=1))])

    decision = await asked(mugs, {"MUG": 1}, {"WEST": {"MUG": 1}, "EAST": {"MUG": 1}})

    (gone,) = [one for one in decision.candidates if one.location_id == "WEST"]
    assert (gone.removed_by, gone.rule_id) == ("FENCED", "no-west")
    assert gone.fact == "West is closed: id is WEST"
    did = {one.rule_id: one for one in decision.rules}
    assert (did["no-west"].applied, did["no-west"].location_count) == (True, 1)
    assert (did["slow"].applied, did["slow"].missing_fact) == (False, "stock weeks of supply")
    assert sent(decision) == {"EAST": {"MUG": 1}}


async def test_versions_are_listed_page_by_page_and_unknown_policies_are_refused(
    mugs: House,
) -> None:
    for _ in range(2):
        await save(mugs)
    first = await mugs.mesh.policies.ListPolicyVersions(
        v1.ListPolicyVersionsRequest(policy_id="default", page_size=2)
    )
    rest = await mugs.mesh.policies.ListPolicyVersions(
        v1.ListPolicyVersionsRequest(
            policy_id="default", page_size=2, page_token=first.next_page_token
        )
    )
    unknown = await refused(
        mugs.mesh.policies.ListPolicyVersions(v1.ListPolicyVersionsRequest(policy_id="gone"))
    )

    seen = [(one.version, one.state) for one in [*first.policies, *rest.policies]]
    assert seen == [(1, ARCHIVED), (2, ARCHIVED), (3, ACTIVE)]
    assert unknown.reason == "POLICY_NOT_FOUND"


async def test_a_preview_ends_after_it_begins_and_tells_what_changes(mugs: House) -> None:
    season = v1.TimeWindow()
    season.start_time.FromSeconds(2_000_000_000)
    season.end_time.FromSeconds(2_000_086_400)
    await save(mugs, windows=[season])
    request = v1.PreviewPoliciesRequest()
    request.start_time.FromSeconds(1_999_000_000)
    request.end_time.FromSeconds(2_001_000_000)

    reply = await mugs.mesh.policies.PreviewPolicies(request)
    request.end_time.FromSeconds(1_999_000_000)
    refusal = await refused(mugs.mesh.policies.PreviewPolicies(request))

    assert [one.version for one in reply.periods] == [1, 2, 1]
    assert [(one.version_before, one.version_after) for one in reply.changes] == [(1, 2), (2, 1)]
    assert "end_time" in refusal.violations


def tier(*names: str) -> v1.Tier:
    terms = [
        v1.WeightedTerm(term=v1.WeightedTerm.Term.Value(f"TERM_{name}"), weight_thousandths=1000)
        for name in names
    ]
    return v1.Tier(terms=terms)


async def test_tiers_are_compared_one_after_the_other(mugs: House) -> None:
    stock = {"NEAR": {"MUG": 1}, "EAST": {"MUG": 1}, "WEST": {"MUG": 2}}
    await save(mugs, tiers=[tier("UNFILLED_UNITS"), tier("UNITS_BY_RANK")])
    by_rank = await asked(mugs, {"MUG": 2}, stock)
    await save(mugs, tiers=[tier("UNFILLED_UNITS"), tier("SHIPMENTS"), tier("COST")])
    fewest = await asked(mugs, {"MUG": 2}, stock)

    assert sent(by_rank) == {"NEAR": {"MUG": 1}, "EAST": {"MUG": 1}}
    assert sent(fewest) == {"WEST": {"MUG": 2}}
    assert [one.name for one in fewest.tiers] == ["unfilled units", "shipments", "cost"]
    assert [one.value for one in fewest.tiers][:2] == [0, 1]


async def test_money_of_rules_moves_an_order_and_is_counted_by_what_it_is_for(mugs: House) -> None:
    stock = {"NEAR": {"MUG": 1}, "WEST": {"MUG": 1}}
    before = await asked(mugs, {"MUG": 1}, stock)
    credit = v1.Charge(per_unit=usd(-20), purpose=v1.Charge.PURPOSE_MARKDOWN)
    avoid = v1.Charge(per_shipment=usd(1), per_parcel=usd(0.5))

    await save(
        mugs,
        rules=[
            rule("slow", text("LOCATION_ID", "WEST"), charge=credit),
            rule("avoid", text("LOCATION_ID", "WEST"), charge=avoid),
        ],
    )
    after = await asked(mugs, {"MUG": 1}, stock)

    assert (sent(before), sent(after)) == ({"NEAR": {"MUG": 1}}, {"WEST": {"MUG": 1}})
    terms = {
        v1.CostTerm.Kind.Name(one.kind).removeprefix("KIND_"): one.amount.units
        for one in after.cost_terms
    }
    assert (terms["MARKDOWN"], terms["PREFERENCE"]) == (-20, 1)
    assert [one.applied for one in after.rules] == [True, True]


@on_sqlite
async def test_where_there_is_no_location_at_all_the_policy_is_named_with_its_reason_too(
    migrated_url: Callable[[str], str],
) -> None:
    empty = House(migrated_url(INVENTORY), migrated_url(ROUTING))
    await empty.start_inventory()
    await empty.start_routing()
    await empty.items("MUG")

    decision = (await empty.submit("O-1", line("1", "MUG"))).decision
    await empty.close()

    assert decision.outcome == v1.Outcome.OUTCOME_INFEASIBLE
    assert (decision.policy_id, decision.policy_version) == ("default", 1)
    assert decision.policy_reason == "no other policy applies"
