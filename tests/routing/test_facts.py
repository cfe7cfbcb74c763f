"""Facts that are put from outside: what rules then decide, and what is refused."""

import grpc
import pytest

from ordermesh.api.routing import v1
from tests.routing.house import House, new_id, refused
from tests.routing.policing import activate, asked, number, rule, save, sent, text

WEEKS = v1.NumberFact.NUMBER_FACT_STOCK_WEEKS_OF_SUPPLY
OUTAGE = v1.FlagFact.FLAG_FACT_LOCATION_HAS_OUTAGE


async def put(house: House, *facts: v1.PlaceFact) -> None:
    await house.mesh.policies.PutFacts(v1.PutFactsRequest(request_id=new_id(), facts=facts))


async def known(house: House, location_id: str, **fields: object) -> v1.ListFactsResponse:
    request = v1.ListFactsRequest(location_id=location_id, **fields)  # type: ignore[arg-type]
    return await house.mesh.policies.ListFacts(request)


@pytest.mark.parametrize(
    ("fact", "reason"),
    [
        (v1.PlaceFact(location_id="MOON", number=WEEKS), "UNKNOWN_LOCATION"),
        (v1.PlaceFact(location_id="NEAR", flag=OUTAGE, value=2), "FIELD_VIOLATION"),
        (
            v1.PlaceFact(location_id="NEAR", number=v1.NumberFact.NUMBER_FACT_ORDER_UNITS),
            "FIELD_VIOLATION",
        ),
    ],
    ids=["nowhere", "no flag", "known by itself"],
)
async def test_a_fact_that_cannot_be_is_refused_with_all_beside_it(
    house: House, fact: v1.PlaceFact, reason: str
) -> None:
    sound = v1.PlaceFact(location_id="NEAR", number=WEEKS, value=3)

    refusal = await refused(put(house, sound, fact))

    assert refusal.reason == reason
    assert not (await known(house, "NEAR")).facts


async def test_a_fact_that_is_put_twice_at_once_is_refused(house: House) -> None:
    fact = v1.PlaceFact(location_id="NEAR", sku="MUG", number=WEEKS, value=3)

    refusal = await refused(put(house, fact, fact))

    assert (refusal.code, refusal.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "DUPLICATE_ENTRY")


async def test_facts_decide_from_when_they_are_put_until_they_are_forgotten(house: House) -> None:
    await house.items("MUG")
    await save(house, rules=[rule("slow-first", number("STOCK_WEEKS_OF_SUPPLY", at_most=8))])
    stock = {"NEAR": {"MUG": 1}, "WEST": {"MUG": 1}}
    fresh = v1.PlaceFact(location_id="NEAR", sku="MUG", number=WEEKS, value=2)
    excess = v1.PlaceFact(location_id="WEST", number=WEEKS, value=40)

    before = await asked(house, {"MUG": 1}, stock)
    await put(house, fresh, excess)
    told = await asked(house, {"MUG": 1}, stock)
    await put(house, v1.PlaceFact(location_id="NEAR", sku="MUG", number=WEEKS, forgotten=True))
    after = await asked(house, {"MUG": 1}, stock)

    assert sent(before) == sent(after) == {"NEAR": {"MUG": 1}}
    assert sent(told) == {"WEST": {"MUG": 1}}
    assert (before.rules[0].applied, before.rules[0].abstained_count) == (False, 2)
    assert (told.rules[0].applied, told.rules[0].abstained_count) == (True, 0)


async def test_facts_of_a_location_are_listed_page_by_page(house: House) -> None:
    await put(
        house,
        v1.PlaceFact(location_id="NEAR", flag=OUTAGE, value=1),
        v1.PlaceFact(location_id="NEAR", sku="MUG", number=WEEKS, value=2),
        v1.PlaceFact(location_id="NEAR", sku="a b", number=WEEKS, value=-4),
    )

    first = await known(house, "NEAR", page_size=2)
    rest = await known(house, "NEAR", page_size=2, page_token=first.next_page_token)

    seen = [(one.sku, one.value) for one in [*first.facts, *rest.facts]]
    assert seen == [("", 1), ("MUG", 2), ("a b", -4)]
    assert not rest.next_page_token


async def test_a_policy_with_errors_is_kept_as_a_draft_and_does_not_decide(house: House) -> None:
    dead = rule("dead", text("ORDER_CHANNEL", "web"), text("ORDER_CHANNEL", "shop"))
    draft = await save(house, rules=[dead], draft=True)
    request = v1.LintPolicyRequest(
        version=v1.PolicyVersion(policy_id="default", version=draft.version)
    )

    (finding,) = (await house.mesh.policies.LintPolicy(request)).findings
    at_once = await refused(save(house, rules=[dead]))
    later = await refused(activate(house, draft))

    assert finding.kind == v1.LintFinding.KIND_DEAD_RULE
    assert finding.severity == v1.LintFinding.SEVERITY_ERROR
    witness = {one.fact: one.value for one in finding.witness.facts}
    assert witness == {"ORDER_CHANNEL": "web"}
    assert at_once.reason == later.reason == "POLICY_HAS_ERRORS"
    assert at_once.metadata["kind"] == "DEAD_RULE"
    assert at_once.metadata["subjects"] == "dead"


async def test_a_policy_that_is_not_saved_is_linted_and_an_unknown_version_is_refused(
    house: House,
) -> None:
    saved = await save(house, "trial", draft=True)
    saved.rules.append(rule("west", text("LOCATION_GROUP", "no such group")))

    reply = await house.mesh.policies.LintPolicy(v1.LintPolicyRequest(policy=saved))
    gone = v1.LintPolicyRequest(version=v1.PolicyVersion(policy_id="trial", version=9))
    refusal = await refused(house.mesh.policies.LintPolicy(gone))

    assert [list(one.subjects) for one in reply.findings] == [["west"]]
    assert refusal.reason == "POLICY_NOT_FOUND"
