"""What is shown of orders and stock: read through the public API, printed as tables or JSON."""

from collections.abc import Sequence
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message
from google.type.money_pb2 import Money
from rich.console import Group
from rich.text import Text

from ordermesh.api.inventory.v1 import Balance, GetAvailabilityRequest, ListBalancesRequest
from ordermesh.api.returns.v1 import ListReturnsRequest, Return
from ordermesh.api.routing.v1 import (
    CostTerm,
    Decision,
    FulfillmentOrder,
    Hop,
    ListDecisionsRequest,
    ListFulfillmentOrdersRequest,
    Order,
    Outcome,
    SourcingMethod,
)
from ordermesh.cli.calls import all_pages, patiently
from ordermesh.cli.comparison import minor
from ordermesh.cli.tables import add_row, new_table, titled
from ordermesh.client import Mesh
from ordermesh.kernel.money import SCALE

PAGE = 1_000
_PATIENCE = 5.0


def as_json(message: Message) -> dict[str, object]:
    """The message as JSON has it, with the contract's field names and zeros written out."""
    return MessageToDict(
        message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )


async def read_decisions(mesh: Mesh, order_id: str) -> list[Decision]:
    """The decisions of an order, oldest first."""

    async def read(token: str) -> tuple[Sequence[Decision], str]:
        request = ListDecisionsRequest(order_id=order_id, page_token=token)
        page = await patiently(mesh.sourcing.ListDecisions, request, patience=_PATIENCE)
        return page.decisions, page.next_page_token

    return [decision async for decision in all_pages(read)]


async def read_work(mesh: Mesh, order_id: str) -> list[FulfillmentOrder]:
    """The fulfillment orders of an order, oldest first."""

    async def read(token: str) -> tuple[Sequence[FulfillmentOrder], str]:
        request = ListFulfillmentOrdersRequest(order_id=order_id, page_token=token)
        page = await patiently(mesh.fulfillments.ListFulfillmentOrders, request, patience=_PATIENCE)
        return page.fulfillment_orders, page.next_page_token

    return [work async for work in all_pages(read)]


async def read_returns(mesh: Mesh, order_id: str) -> list[Return]:
    """The returns of an order, oldest first."""

    async def read(token: str) -> tuple[Sequence[Return], str]:
        request = ListReturnsRequest(order_id=order_id, page_token=token)
        page = await patiently(mesh.returns.ListReturns, request, patience=_PATIENCE)
        return page.returns, page.next_page_token

    return [one async for one in all_pages(read)]


async def read_balances(mesh: Mesh, sku: str, location_id: str) -> list[Balance]:
    """The balances of an item, at one location or all."""

    async def read(token: str) -> tuple[Sequence[Balance], str]:
        request = ListBalancesRequest(
            skus=[sku],
            location_ids=[location_id] if location_id else [],
            page_size=PAGE,
            page_token=token,
        )
        page = await patiently(mesh.ledger.ListBalances, request, patience=_PATIENCE)
        return page.balances, page.next_page_token

    return [balance async for balance in all_pages(read)]


async def seen_by(mesh: Mesh, channel: str, balances: Sequence[Balance]) -> list[Balance]:
    """The same balances, with what a channel may sell of each."""
    seen: list[Balance] = []
    for start in range(0, len(balances), PAGE):
        part = balances[start : start + PAGE]
        request = GetAvailabilityRequest(
            skus=sorted({one.key.sku for one in part}),
            location_ids=sorted({one.key.location_id for one in part}),
            channel=channel,
        )
        reply = await patiently(mesh.availability.GetAvailability, request, patience=_PATIENCE)
        wide = len(reply.available.location_ids)
        rows = {sku: row for row, sku in enumerate(reply.available.skus)}
        columns = {name: column for column, name in enumerate(reply.available.location_ids)}
        for one in part:
            changed = Balance()
            changed.CopyFrom(one)
            place = rows[one.key.sku] * wide + columns[one.key.location_id]
            changed.available = reply.available.quantities[place]
            seen.append(changed)
    return seen


def order_table(order: Order) -> Group:
    """An order with its lines."""
    goal = order.destination
    promise = f", promised in {order.promise_days} days" if order.promise_days else ""
    title = (
        f"Order {order.order_id}: {_word(Order.State.Name(order.state))}, to {goal.country_code}"
        f" {goal.region} {goal.postal_code}{promise}"
    )
    has_cancelled = any(line.cancelled_quantity for line in order.lines)
    has_unfilled = any(line.unfilled_quantity for line in order.lines)
    table = new_table(("line", "SKU"), ("price", "ordered", "sourced", "shipped"), numbers_at=2)
    if has_cancelled:
        table.add_column("cancelled", justify="right")
    if has_unfilled:
        table.add_column("unfilled", justify="right")
        table.add_column("because", overflow="fold")
    for line in order.lines:
        parts = ", ".join(f"{part.quantity} × {part.sku}" for part in line.components)
        cells = [
            line.line_id,
            f"{line.sku}\n({parts})" if parts else line.sku,
            _amount(line.unit_price),
            str(line.quantity),
            str(line.sourced_quantity),
            str(line.shipped_quantity),
        ]
        if has_cancelled:
            cells.append(str(line.cancelled_quantity))
        if has_unfilled:
            cells += [str(line.unfilled_quantity or ""), line.unfilled_reason]
        add_row(table, *cells)
    return titled(title, table)


def decision_table(decision: Decision, *, currency: str = "") -> Group:
    """A decision with its plan and its cost by kind."""
    terms = ", ".join(
        f"{_word(CostTerm.Kind.Name(term.kind))} {_amount(term.amount)}"
        for term in decision.cost_terms
        if minor(term.amount)
    )
    bound = f", bound {_amount(decision.bound)}" if decision.HasField("bound") else ""
    title = (
        f"Decision {decision.decision_id}: {_word(SourcingMethod.Name(decision.method))},"
        f" {_word(Outcome.Name(decision.outcome))}, cost {_amount(decision.cost)}"
        f" {currency or decision.cost.currency_code}{bound}"
    )
    numbers = ("parcels", "kg", "km", "zone", "days", "cost")
    table = new_table(("from", "what"), numbers, numbers_at=2)
    for shipment in decision.plan.shipments:
        sent = ", ".join(f"{line.quantity} × {line.sku}" for line in shipment.lines)
        add_row(
            table,
            shipment.location_id,
            sent,
            str(shipment.parcel_count),
            f"{shipment.weight_grams / 1000:.2f}",
            str(shipment.distance_km),
            str(shipment.zone),
            str(shipment.days),
            _amount(shipment.cost),
        )
        for leg in shipment.legs:
            brought = ", ".join(f"{line.quantity} × {line.sku}" for line in leg.lines)
            add_row(table, f"  brought from {leg.location_id}", brought)
    for one in decision.substitutions:
        add_row(table, Text("instead", style="yellow"), one.sentence)
    for left in decision.unfilled_lines:
        words = f"{left.unfilled} × {left.sku} of line {left.line_id}: {left.reason}"
        add_row(table, Text("unfilled", style="red"), words)
    return titled(f"{title}\n{terms}", table)


def work_table(work: Sequence[FulfillmentOrder]) -> Group:
    """The work of an order's locations."""
    table = new_table(("fulfillment order", "location", "state", "what", "tracking"), ())
    for one in work:
        sent = ", ".join(f"{line.quantity} × {line.sku}" for line in one.lines)
        tracking = ", ".join(parcel.tracking_number for parcel in one.parcels)
        state = _word(FulfillmentOrder.State.Name(one.state))
        add_row(table, one.fulfillment_order_id, one.location_id, state, sent, tracking)
    return titled("Work", table, *map(_delay, filter(_is_late, work)))


def _is_late(work: FulfillmentOrder) -> bool:
    return work.lateness.hop_to_blame != Hop.HOP_UNSPECIFIED


def _delay(work: FulfillmentOrder) -> Text:
    """How late work is, and which hops are charged with it."""
    charges = [
        f"{_word(Hop.Name(one.hop))} {_span(one.delay_duration)}"
        for one in work.lateness.hops
        if one.delay_duration.ToTimedelta()
    ]
    late = _span(work.lateness.delay_duration)
    slack = _span(work.lateness.slack_duration)
    words = f"{work.fulfillment_order_id} is {late} late: {', '.join(charges)} (slack {slack})"
    return Text(words, style="yellow")


def _span(duration: Duration) -> str:
    """Days, hours and minutes, to the second."""
    return str(timedelta(seconds=duration.seconds))


def return_table(returns: Sequence[Return]) -> Group:
    """What came back of an order, and what became of it."""
    numbers = ("may", "came", "restocked", "blocked", "discarded", "refund")
    table = new_table(("return", "state", "to", "line", "SKU"), numbers, numbers_at=5)
    for one in returns:
        due = sum(minor(refund.amount) for refund in one.refunds)
        for number, line in enumerate(one.lines):
            first = number == 0
            add_row(
                table,
                one.return_id if first else "",
                _word(Return.State.Name(one.state)) if first else "",
                one.location_id if first else "",
                line.line_id,
                line.sku,
                str(line.quantity),
                str(line.received_quantity),
                str(line.restocked_quantity),
                str(line.blocked_quantity),
                str(line.discarded_quantity),
                f"{due / SCALE:.2f}" if first and one.refunds else "",
            )
    reasons = [Text(one.location_reason, style="dim") for one in returns if one.location_reason]
    return titled("Returns", table, *reasons)


def balance_table(sku: str, balances: Sequence[Balance], channel: str = "") -> Group:
    """The balances of an item, with their sum."""
    numbers = (
        "on hand",
        "reserved",
        "available",
        "short",
        "damaged",
        "inspected",
        "missing",
        "incoming",
        "in transit",
    )
    table = new_table(("location",), numbers, numbers_at=1)
    total = [0] * len(numbers)
    for one in balances:
        units = (
            one.on_hand,
            one.reserved,
            one.available,
            one.short,
            one.damaged,
            one.in_inspection,
            one.missing,
            one.incoming,
            one.in_transit,
        )
        total = [sum(pair) for pair in zip(total, units, strict=True)]
        add_row(table, one.key.location_id, *map(str, units))
    table.add_section()
    add_row(table, f"{len(balances)} locations", *map(str, total), style="bold")
    return titled(f"Stock of {sku}{f' for {channel}' if channel else ''}", table)


def _word(name: str) -> str:
    """The last words of a value of an enum: `KIND_FREIGHT` is `freight`."""
    for prefix in ("STATE_", "KIND_", "OUTCOME_", "SOURCING_METHOD_", "HOP_"):
        if name.startswith(prefix):
            name = name.removeprefix(prefix)
    return name.lower().replace("_", " ")


def _amount(amount: Money) -> str:
    return f"{minor(amount) / SCALE:.2f}"
