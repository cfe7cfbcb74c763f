"""`ordermesh source` tells a merchandiser why, in words."""

import io

from google.type.money_pb2 import Money
from rich.console import Console

from ordermesh.api.routing.v1 import (
    Conflict,
    ConflictMember,
    CostTerm,
    Decision,
    ExplainDecisionResponse,
    LocationExplanation,
    OrderAction,
    Removal,
    RuleOutcome,
    SendToCare,
    WayOut,
)
from ordermesh.cli.sourcing import actions_table, conflict_table, explanation_table


def shown(what: object) -> str:
    console = Console(file=io.StringIO(), width=200)
    console.print(what)
    output = console.file
    assert isinstance(output, io.StringIO)
    return output.getvalue()


def test_each_location_has_its_fate_its_reason_and_its_differences() -> None:
    told = ExplainDecisionResponse(
        locations=[
            LocationExplanation(location_id="NEAR", chosen=True, sentence="NEAR is in the plan."),
            LocationExplanation(
                location_id="EAST",
                sentence="EAST loses by 3.2000 USD.",
                differences=[
                    CostTerm(kind=CostTerm.KIND_FREIGHT, amount=Money(units=3, nanos=500_000_000)),
                    CostTerm(kind=CostTerm.KIND_REJECT_RISK, amount=Money(nanos=-300_000_000)),
                ],
            ),
            LocationExplanation(
                location_id="WEST",
                removals=[Removal(rule="SWITCHED_OFF", fact="snow")],
                sentence="WEST was left out (SWITCHED_OFF): snow.",
            ),
        ]
    )

    text = shown(explanation_table(told))

    assert "NEAR" in text
    assert "chosen" in text
    assert "freight +3.50, reject risk -0.30" in text
    assert "left out" in text
    assert "snow" in text


def test_a_conflict_names_its_facts_and_prices_the_ways_out() -> None:
    fence = ConflictMember(
        kind=ConflictMember.KIND_RULE, name="last-units", fact="B keeps its last"
    )
    stock = ConflictMember(kind=ConflictMember.KIND_STOCK, name="MUG", fact="3 wanted, 2 there")
    way = WayOut(
        members=[fence],
        cost=Money(currency_code="USD", units=12, nanos=340_000_000),
        shipment_count=2,
        days=4,
    )

    text = shown(conflict_table(Conflict(members=[fence, stock], ways_out=[way])))

    assert "while all of this holds: B keeps its last; 3 wanted, 2 there" in text
    assert "12.34 USD" in text


def test_what_becomes_of_the_order_is_told_with_the_rule_that_counts() -> None:
    care = OrderAction(send_to_care=SendToCare())
    rules = [
        RuleOutcome(rule_id="fence", applied=True, sentences=["no action"]),
        RuleOutcome(rule_id="first", applied=True, action=care, sentences=["A: sent to care"]),
        RuleOutcome(rule_id="second", action=care, sentences=["B: sent to care"]),
    ]

    rows = shown(actions_table(Decision(rules=rules))).splitlines()

    assert not any("fence" in row for row in rows)
    assert any("first" in row and "acts" in row and "A: sent to care" in row for row in rows)
    assert any("second" in row and "an earlier one counts" in row for row in rows)


def test_where_nobody_reaches_that_is_said() -> None:
    assert "No location has a service that takes all of it there." in shown(
        conflict_table(Conflict())
    )
