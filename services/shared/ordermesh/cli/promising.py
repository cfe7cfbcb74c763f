"""The command `promise`: by when goods can be there, from where, and how long that is true."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console, Group
from rich.text import Text

from ordermesh.api.order.v1 import Destination
from ordermesh.api.routing.v1 import (
    GetPromiseRequest,
    GetPromiseResponse,
    OrderTraits,
    PromiseObjective,
    PromiseOption,
    PromiseProof,
    PromiseWindow,
    SourcingLine,
)
from ordermesh.cli.calls import open_mesh, patiently
from ordermesh.cli.commands import print_json
from ordermesh.cli.show import as_json
from ordermesh.cli.tables import add_row, new_table, titled

PERCENT = 10
"""Thousandths in one of a hundred."""


@dataclass(frozen=True)
class Said:
    """What the order would say of itself, and the policy that is asked for; "" is not said."""

    channel: str = ""
    customer_class: str = ""
    tags: tuple[str, ...] = ()
    policy_id: str = ""


NOTHING_SAID = Said()


async def promise(
    targets: Mapping[str, str],
    skus: Sequence[str],
    to: tuple[str, str],
    pick_up: str,
    percent: int,
    said: Said,
    console: Console,
    *,
    json_: bool,
) -> bool:
    """Show by when items can be there, or be collected; whether all of them can."""
    request = asked(skus, to, pick_up, percent, said)
    async with open_mesh(targets) as mesh:
        reply = await patiently(mesh.promises.GetPromise, request)
    if json_:
        print_json(as_json(reply))
    else:
        console.print(promise_table(request, reply))
    return any(not option.unpromised_lines for option in reply.options)


def asked(
    skus: Sequence[str], to: tuple[str, str], pick_up: str, percent: int, said: Said = NOTHING_SAID
) -> GetPromiseRequest:
    """The question; an item that is named twice is wanted twice."""
    lines = [
        SourcingLine(line_id=str(number), sku=sku, quantity=quantity)
        for number, (sku, quantity) in enumerate(Counter(skus).items(), start=1)
    ]
    request = GetPromiseRequest(
        lines=lines,
        confidence_permille=percent * PERCENT,
        policy_id=said.policy_id,
        channel=said.channel,
        traits=OrderTraits(customer_class=said.customer_class, tags=said.tags),
    )
    if pick_up:
        request.pickup_location_id = pick_up
    else:
        country, postal_code = to
        request.destination.CopyFrom(Destination(country_code=country, postal_code=postal_code))
    return request


def promise_table(request: GetPromiseRequest, reply: GetPromiseResponse) -> Group:
    """The ways to keep a promise, one below the other."""
    wanted = ", ".join(f"{line.quantity} × {line.sku}" for line in request.lines)
    goal = request.destination
    is_pickup = request.WhichOneof("whereto") == "pickup_location_id"
    where = (
        f"At {request.pickup_location_id}"
        if is_pickup
        else f"To {goal.country_code} {goal.postal_code}"
    )
    kept = (request.confidence_permille or 900) / PERCENT
    title = f"{where}: {wanted}; kept {kept:g} times of 100"
    heading = "ready by" if is_pickup else "there by"
    numbers = ("parcels", "cost", "kg CO2e")
    table = new_table(("", heading, "at" if is_pickup else "leaves"), numbers, numbers_at=2)
    for option in reply.options:
        name = PromiseObjective.Name(option.objective).removeprefix("PROMISE_OBJECTIVE_")
        add_row(
            table,
            "pickup" if is_pickup else name.replace("_", " ").lower(),
            window_words(option),
            str(option.parcel_count),
            f"{option.cost.units}.{option.cost.nanos // 10_000_000:02} {option.cost.currency_code}",
            f"{option.co2e_grams / 1000:.2f}",
            _sources(option),
        )
        for line in option.unpromised_lines:
            words = f"{line.quantity} × {line.sku}: {line.reason}"
            add_row(table, "", Text("not promised", style="red"), "", "", "", words)
    return titled(title, table, Text(proof_words(reply.proof)))


def window_words(option: PromiseOption) -> str:
    """When all of it is there: a day, or an instant where the way is fast."""
    return _window(option.window) if option.HasField("window") else "never"


def proof_words(proof: PromiseProof) -> str:
    """Until when it is true, and what could change it before."""
    return (
        f"True until {_moment(proof.expire_time)} unless the stock (ledger revision"
        f" {proof.ledger_revision}) or the network, its policies or rates (version"
        f" {proof.network_version}) change. By policy {proof.policy_id}, version"
        f" {proof.policy_version}."
    )


def _sources(option: PromiseOption) -> str:
    return "\n".join(
        f"{one.location_id}, {_moment(one.ready_time)}" if one.parcel_count else one.location_id
        for one in option.shipments
    )


def _window(window: PromiseWindow) -> str:
    if window.is_in_days:
        return f"{date.fromisoformat(window.date):%a %d %b}"
    return _moment(window.latest_time)


def _moment(stamp: Timestamp) -> str:
    at: datetime = stamp.ToDatetime()
    return f"{at:%a %d %b %H:%M} UTC"
