"""The commands about decisions: explained, made again, exported."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.text import Text

from ordermesh.api.routing.v1 import (
    Conflict,
    CostTerm,
    Decision,
    ExplainDecisionRequest,
    ExplainDecisionResponse,
    ExportDecisionRequest,
    LocationExplanation,
    ReplayDecisionRequest,
)
from ordermesh.cli.calls import open_mesh
from ordermesh.cli.commands import print_json
from ordermesh.cli.show import as_json, decision_table, read_decisions
from ordermesh.cli.tables import add_row, new_table, titled
from ordermesh.client import Mesh, proof
from ordermesh.kernel.money import from_units_and_nanos, to_decimal

CHOSEN, LOST, OUT = "chosen", "lost", "left out"


async def explain(
    targets: Mapping[str, str],
    order_id: str,
    location_ids: Sequence[str],
    console: Console,
    *,
    json_: bool,
) -> None:
    """Show why each location, and why not all. Raises ``ValueError`` without a decision."""
    async with open_mesh(targets) as mesh:
        decision = await _last(mesh, order_id)
        told = await mesh.sourcing.ExplainDecision(
            ExplainDecisionRequest(decision_id=decision.decision_id, location_ids=location_ids)
        )
    if json_:
        print_json({"decision": as_json(decision), "explanation": as_json(told)})
        return
    console.print(decision_table(decision))
    console.print(explanation_table(told))
    if any(one.HasField("action") for one in decision.rules):
        console.print(actions_table(decision))
    if told.HasField("conflict"):
        console.print(conflict_table(told.conflict))


async def replay(
    targets: Mapping[str, str], order_id: str, policy_id: str, console: Console
) -> bool:
    """Decide again; gives whether it went as it must. Raises ``ValueError``."""
    async with open_mesh(targets) as mesh:
        decision = await _last(mesh, order_id)
        reply = await mesh.sourcing.ReplayDecision(
            ReplayDecisionRequest(decision_id=decision.decision_id, policy_id=policy_id)
        )
    if policy_id:
        console.print(Text(f"Under the policy {policy_id}, on the stock of then:"))
        console.print(decision_table(reply.decision))
        return True
    said = (
        "The same came out, to the last integer." if reply.identical else "Another plan came out."
    )
    console.print(Text(said, style="green" if reply.identical else "bold red"))
    return reply.identical


async def export(targets: Mapping[str, str], order_id: str, file: Path, console: Console) -> None:
    """Write the record, checked before. Raises ``ValueError``."""
    async with open_mesh(targets) as mesh:
        decision = await _last(mesh, order_id)
        reply = await mesh.sourcing.ExportDecision(
            ExportDecisionRequest(decision_id=decision.decision_id)
        )
    try:
        proof.check(json.loads(reply.record_json))
    except proof.Refused as refused:
        raise ValueError(f"The record does not hold: {refused}") from refused
    await asyncio.to_thread(file.write_text, reply.record_json + "\n")
    console.print(
        Text(f"Wrote {file}. Anybody can check it: python -m ordermesh.client.proof {file}")
    )


async def _last(mesh: Mesh, order_id: str) -> Decision:
    decisions = await read_decisions(mesh, order_id)
    if not decisions:
        raise ValueError(f"Nothing was decided for the order {order_id} yet.")
    return decisions[-1]


def explanation_table(told: ExplainDecisionResponse) -> Group:
    """Each location with what became of it and why."""
    table = new_table(("location", "", "why", "what differs"), ())
    for one in told.locations:
        add_row(table, one.location_id, _fate(one), one.sentence, _differences(one))
    return titled("Why", table)


def _fate(one: LocationExplanation) -> Text:
    if one.chosen:
        return Text(CHOSEN, style="green")
    # One that can be part of a plan may still lack some of the lines.
    is_out = bool(one.removals) and not one.HasField("loses_by")
    return Text(OUT if is_out else LOST, style="red" if is_out else "yellow")


def _differences(one: LocationExplanation) -> str:
    """By how much the best plan with this location is dearer or cheaper, by kind of cost."""
    return ", ".join(
        f"{CostTerm.Kind.Name(term.kind).removeprefix('KIND_').lower().replace('_', ' ')}"
        f" {to_decimal(from_units_and_nanos(term.amount.units, term.amount.nanos)):+.2f}"
        for term in one.differences
    )


def actions_table(decision: Decision) -> Group:
    """What rules make of the order by what the decision came to, and which of them count."""
    table = new_table(("rule", "", "what"), ())
    for one in decision.rules:
        if one.HasField("action"):
            fate = Text("acts", style="green")
            if not one.applied:
                fate = Text("an earlier one counts", style="yellow")
            add_row(table, one.rule_id, fate, "; ".join(one.sentences))
    return titled("What becomes of the order", table)


def conflict_table(conflict: Conflict) -> Group:
    """What is in the way of the rest, and what could give way."""
    if not conflict.members:
        return titled("No location has a service that takes all of it there.", new_table(("",), ()))
    table = new_table(("what gives way", "cost of the plan", "shipments", "days"), ())
    for way in conflict.ways_out:
        add_row(
            table,
            "; ".join(member.fact for member in way.members),
            f"{to_decimal(from_units_and_nanos(way.cost.units, way.cost.nanos)):.2f}"
            f" {way.cost.currency_code}",
            str(way.shipment_count),
            str(way.days),
        )
    facts = "; ".join(member.fact for member in conflict.members)
    return titled(f"Not all can be filled while all of this holds: {facts}", table)
