"""Policies in files: `policy lint` and `policy example`.

A file holds one ``ordermesh.api.routing.v1.Policy``: as JSON, in which fields are written in
``lowerCamelCase`` or as the contract has them and amounts are ``{"currencyCode": "USD", "units":
"2"}``; or as text of Protocol Buffers, by the ending ``.txtpb`` or ``.textproto``.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from google.protobuf import json_format, text_format
from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money
from rich.console import Console
from rich.text import Text

from ordermesh.api.routing import v1
from ordermesh.cli.calls import open_mesh, patiently
from ordermesh.cli.show import as_json

_PATIENCE = 5.0
_TEXT = frozenset({".txtpb", ".textproto"})


def read_policy(file: Path) -> v1.Policy:
    """The policy of a file; raises ``ValueError`` for what is none and ``OSError``."""
    text = file.read_text(encoding="utf-8")
    policy = v1.Policy()
    try:
        if file.suffix in _TEXT:
            text_format.Parse(text, policy)
        else:
            json_format.Parse(text, policy)
    except (text_format.ParseError, json_format.ParseError) as error:
        raise ValueError(f"{file} is no policy: {error}") from error
    return policy


async def lint(targets: Mapping[str, str], file: Path, console: Console, *, json_: bool) -> bool:
    """Show what is wrong with the policy of a file; whether it may be activated."""
    request = v1.LintPolicyRequest(policy=read_policy(file))
    async with open_mesh(targets) as mesh:
        reply = await patiently(mesh.policies.LintPolicy, request, patience=_PATIENCE)
    if json_:
        sys.stdout.write(json.dumps(as_json(reply), indent=2) + "\n")
    else:
        show(reply.findings, file, console)
    return all(one.severity != v1.LintFinding.SEVERITY_ERROR for one in reply.findings)


def show(findings: Sequence[v1.LintFinding], file: Path, console: Console) -> None:
    """Each finding with the order that shows it, and how many there are."""
    for one in findings:
        is_error = one.severity == v1.LintFinding.SEVERITY_ERROR
        kind = v1.LintFinding.Kind.Name(one.kind).removeprefix("KIND_").lower().replace("_", " ")
        line = Text(
            "error  " if is_error else "warning", style="bold red" if is_error else "yellow"
        )
        line.append(f"  {kind}: {one.sentence}", style="none")
        console.print(line, soft_wrap=True)
        witness = _witness(one.witness)
        if witness:
            console.print(f"         shown by {witness}", markup=False, highlight=False)
    errors = sum(one.severity == v1.LintFinding.SEVERITY_ERROR for one in findings)
    warnings = len(findings) - errors
    console.print(f"{file}: {errors} errors, {warnings} warnings.", markup=False, highlight=False)


def _witness(witness: v1.LintWitness) -> str:
    told = [
        f"{one.fact.lower().replace('_', ' ')} {one.value or 'not said'}" for one in witness.facts
    ]
    when = f"at {witness.witness_time.ToJsonString()}" if witness.HasField("witness_time") else ""
    order = f"an order with {', '.join(told)}" if told else ""
    return " ".join(part for part in (order, when) if part)


def example() -> str:
    """A policy as JSON that shows the form: a season with rules of every kind, and stages."""
    return json_format.MessageToJson(_example())


def _usd(units: int, nanos: int = 0) -> Money:
    return Money(currency_code="USD", units=units, nanos=nanos)


def _example() -> v1.Policy:
    policy = v1.Policy(
        policy_id="default",
        name="Holiday season",
        currency_code="USD",
        priority=10,
        split_charge=_usd(2),
        transit_day_cost=_usd(0, 300_000_000),
        late_day_cost=_usd(3, 500_000_000),
        carbon_price_per_kilogram=_usd(0, 100_000_000),
        unfilled_penalty=v1.UnfilledPenalty(
            fixed=_usd(60), per_unit=_usd(10), per_kilogram=_usd(5)
        ),
        zones=[
            v1.Zone(
                distance_km_max=reach,
                freight_per_parcel=_usd(parcel),
                freight_per_kilogram=_usd(0, 500_000_000),
                transit_days=days,
            )
            for reach, parcel, days in ((500, 6, 1), (1_500, 8, 2), (20_100, 10, 5))
        ],
        rules=_example_rules(),
        stages=[
            v1.Stage(name="on time from nearby"),
            v1.Stage(name="from any store", without_rule_ids=["stores-ship-near"]),
            v1.Stage(name="two more shipments", more_shipments=2),
            v1.Stage(name="whatever there is", partial_allowed=True),
        ],
    )
    season = policy.windows.add()
    season.start_time.FromJsonString("2099-11-20T00:00:00Z")
    season.end_time.FromJsonString("2099-12-27T00:00:00Z")
    return policy


def _example_rules() -> list[v1.Rule]:
    """A rule of each kind that retailers begin with."""
    far = v1.NumberTest(fact=v1.NumberFact.NUMBER_FACT_LOCATION_DISTANCE_KM, at_least=801)
    store = v1.TextTest(fact=v1.TextFact.TEXT_FACT_LOCATION_TYPE, values=["STORE"])
    weeks = v1.NumberFact.NUMBER_FACT_STOCK_WEEKS_OF_SUPPLY
    again = v1.NumberTest(fact=v1.NumberFact.NUMBER_FACT_ORDER_ATTEMPT, at_least=3)
    left = [v1.OrderAction.OUTCOME_PARTLY_FILLED, v1.OrderAction.OUTCOME_UNFILLED]
    three_days = v1.SetAutoCancel(after_duration=Duration(seconds=3 * 86_400))
    return [
        v1.Rule(
            rule_id="stores-ship-near",
            name="Stores ship to customers nearby",
            conditions=[v1.Condition(text=store), v1.Condition(number=far)],
            fence=v1.Fence(),
        ),
        v1.Rule(
            rule_id="slow-stock-first",
            name="Stock of more than four weeks goes first, up to 3.00 a unit",
            charge=v1.Charge(
                per_unit=_usd(-3),
                scale=v1.Scale(fact=weeks, nothing_at=4, all_at=12),
                purpose=v1.Charge.PURPOSE_EXCESS_STOCK,
            ),
        ),
        v1.Rule(
            rule_id="one-shipment",
            name="One shipment where possible",
            split_limit=v1.SplitLimit(shipments_max=1),
        ),
        v1.Rule(
            rule_id="look-after-it",
            name="People look at what cannot be filled at the third attempt",
            conditions=[v1.Condition(number=again)],
            action=v1.OrderAction(outcomes=left, send_to_care=v1.SendToCare()),
        ),
        v1.Rule(
            rule_id="give-up",
            name="What is unfilled after three days is cancelled",
            action=v1.OrderAction(outcomes=left, set_auto_cancel=three_days),
        ),
    ]
