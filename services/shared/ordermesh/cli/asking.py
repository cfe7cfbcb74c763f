"""The commands that ask a running mesh: `order`, `stock`, `submit`, `verify`, `trace`."""

import json
import sys
from collections.abc import Mapping

from google.protobuf.json_format import Parse, ParseError
from rich.console import Console
from rich.progress import Progress

from ordermesh.api.inventory.v1 import BatchGetItemsRequest, VerifyLedgerResponse
from ordermesh.api.routing.v1 import SubmitOrderRequest
from ordermesh.cli.calls import open_mesh, patiently
from ordermesh.cli.place import MeshDirectory
from ordermesh.cli.receiver import SPANS_SHOWN_MAX, spans_of_order
from ordermesh.cli.show import (
    as_json,
    balance_table,
    decision_table,
    order_table,
    read_balances,
    read_decisions,
    read_returns,
    read_work,
    return_table,
    seen_by,
    work_table,
)
from ordermesh.cli.story import read_order, verify
from ordermesh.cli.traces import render, trees
from ordermesh.kernel.ids import derived_id


async def order(
    targets: Mapping[str, str], order_id: str, console: Console, *, json_: bool
) -> None:
    """Show an order, its decisions, its work and its returns."""
    async with open_mesh(targets) as mesh:
        found = await read_order(mesh, order_id)
        decisions = await read_decisions(mesh, order_id)
        work = await read_work(mesh, order_id)
        returns = await read_returns(mesh, order_id)
    if json_:
        _print_json(
            {
                "order": as_json(found),
                "decisions": [as_json(one) for one in decisions],
                "fulfillment_orders": [as_json(one) for one in work],
                "returns": [as_json(one) for one in returns],
            }
        )
        return
    console.print(order_table(found))
    for decision in decisions:
        console.print(decision_table(decision))
    if work:
        console.print(work_table(work))
    if returns:
        console.print(return_table(returns))


async def stock(
    targets: Mapping[str, str],
    sku: str,
    location_id: str,
    channel: str,
    console: Console,
    *,
    json_: bool,
) -> bool:
    """Show the balances of an item, with what a channel may sell; whether there is such an item."""
    async with open_mesh(targets) as mesh:
        balances = await read_balances(mesh, sku, location_id)
        if channel:
            balances = await seen_by(mesh, channel, balances)
        is_known = bool(balances)
        if not is_known:
            request = BatchGetItemsRequest(skus=[sku])
            # One that is not known is left out of the answer, or is there without a revision.
            found = await patiently(mesh.items.BatchGetItems, request)
            is_known = any(item.revision for item in found.items)
    if json_:
        _print_json([as_json(one) for one in balances])
    elif balances:
        console.print(balance_table(sku, balances, channel))
    else:
        where = f" at {location_id}" if location_id else ""
        console.print(
            f"{sku} was never stocked{where}." if is_known else f"There is no item {sku}.",
            highlight=False,
            markup=False,
        )
    return is_known


async def submit(targets: Mapping[str, str], text: str, console: Console, *, json_: bool) -> None:
    """Submit the order that the text describes. Raises ``ValueError`` when it is none."""
    try:
        request = Parse(text, SubmitOrderRequest())
    except ParseError as error:
        raise ValueError(f"This is no SubmitOrderRequest: {error}") from error
    if not request.request_id:
        request.request_id = str(derived_id("submit", request.SerializeToString().hex()))
    async with open_mesh(targets) as mesh:
        reply = await patiently(mesh.orders.SubmitOrder, request)
    if json_:
        _print_json(as_json(reply))
        return
    console.print(order_table(reply.order))
    if reply.HasField("decision"):
        console.print(decision_table(reply.decision))


async def verification(targets: Mapping[str, str], console: Console, *, json_: bool) -> bool:
    """Have the ledger checked; whether it is sound."""
    async with open_mesh(targets) as mesh:
        with Progress(console=console) as progress:
            task = progress.add_task("checking", total=None)

            def progressed(reply: VerifyLedgerResponse) -> None:
                progress.update(task, completed=reply.checked_count, total=reply.total_count)

            found = await verify(mesh, progressed)
    if json_:
        _print_json(
            {
                "balanced": found.balanced,
                "units_oversold": found.units_oversold,
                "balances": found.balance_count,
                "entries": found.entry_count,
                "sealed_revision": found.sealed_revision,
                "seal": found.seal,
                "findings": [as_json(one) for one in found.findings],
            }
        )
    else:
        word = "balanced" if found.balanced else "not balanced"
        console.print(
            f"{found.balance_count} balances, {found.entry_count} entries: {word},"
            f" {found.units_oversold} units oversold."
        )
        console.print(
            f"Sealed up to revision {found.sealed_revision}: {found.seal}", soft_wrap=True
        )
        for finding in found.findings:
            key = finding.key
            place = f" {key.sku} at {key.location_id}" if finding.HasField("key") else ""
            console.print(
                f"{finding.invariant}{place}: {finding.sentence}",
                style="red",
                markup=False,
            )
    return found.balanced and not found.units_oversold


def trace(
    directory: MeshDirectory, order_id: str, console: Console, *, fold: bool, json_: bool
) -> bool:
    """Show the traces of an order; whether there are any."""
    try:
        spans = spans_of_order(directory.traces_file, order_id)
    except FileNotFoundError:
        console.print(f"No span was ever received on {directory.path}.", highlight=False)
        return False
    if json_:
        _print_json([vars(span) for span in spans])
    elif not spans:
        console.print(
            f"No trace names the order {order_id}. Spans arrive some seconds after what they tell"
            " of, and the oldest make way for the newest.",
            highlight=False,
        )
    else:
        for tree in render(trees(spans, fold=fold)):
            console.print(tree)
        if len(spans) == SPANS_SHOWN_MAX:
            console.print(f"Only the first {SPANS_SHOWN_MAX} spans are shown.")
    return bool(spans)


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2) + "\n")
