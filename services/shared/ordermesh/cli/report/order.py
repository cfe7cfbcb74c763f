"""One order's story: what was wanted, what was decided and why, and what happened when."""

from ordermesh.api.routing.v1 import Candidate, Decision, FulfillmentOrder
from ordermesh.cli.comparison import minor
from ordermesh.cli.facts import RunFacts
from ordermesh.cli.report.html import Child, Markup, join, table, tag
from ordermesh.cli.report.sections import KINDS
from ordermesh.cli.story import state_word
from ordermesh.kernel.money import SCALE

CANDIDATES_SHOWN = 10


def order_story(facts: RunFacts) -> Markup:
    """The order with its lines, decision, plan, costs, candidates and timeline."""
    return join(
        _introduction(facts),
        _lines(facts),
        _plan(facts),
        _costs(facts),
        _candidates(facts),
        _timeline(facts),
    )


def _introduction(facts: RunFacts) -> Markup:
    order, decision = facts.shown.order, facts.shown.decision
    goal = order.destination
    promise = f", promised within {order.promise_days} days" if order.promise_days else ""
    words = (
        f"Ordered in the channel {order.channel} for {goal.region} {goal.postal_code}{promise}."
        f" It is {state_word(order)}. The decision was made at ledger revision"
        f" {decision.ledger_revision} under version {decision.policy_version} of the policy"
        f" {decision.policy_id}; it costs {_money(minor(decision.cost))}"
        f" {facts.retailer.currency_code}, and {_proof(decision)}."
    )
    return tag("p", words)


def _proof(decision: Decision) -> str:
    if decision.HasField("bound"):
        gap = minor(decision.cost) - minor(decision.bound)
        return (
            "no plan can cost less: this is proven"
            if gap == 0
            else f"no plan can cost less than {_money(minor(decision.bound))}"
        )
    return "nothing is proven about it"


def _lines(facts: RunFacts) -> Markup:
    names = {item.sku: item.name for item in facts.retailer.items}
    rows: list[tuple[Child, ...]] = [
        (
            names.get(line.sku, line.sku),
            line.sku,
            f"{line.quantity}",
            _money(minor(line.unit_price)),
            f"{line.shipped_quantity}",
            f"{line.unfilled_quantity} {line.unfilled_reason}" if line.unfilled_quantity else "",
        )
        for line in facts.shown.order.lines
    ]
    headings = ("item", "SKU", "ordered", "price", "shipped", "unfilled")
    return join(tag("h3", "What was wanted"), table("Order lines", headings, rows))


def _plan(facts: RunFacts) -> Markup:
    rows: list[tuple[Child, ...]] = []
    for shipment in facts.shown.decision.plan.shipments:
        location = facts.locations.get(shipment.location_id)
        sent = ", ".join(f"{line.quantity} × {line.sku}" for line in shipment.lines)
        rows.append(
            (
                location.name if location else shipment.location_id,
                sent,
                f"{shipment.parcel_count}",
                f"{shipment.weight_grams / 1000:.2f}",
                f"{shipment.distance_km}",
                f"{shipment.zone}",
                f"{shipment.days}",
                _money(minor(shipment.cost)),
                _tracking(facts.shown.work, shipment.location_id),
            )
        )
    headings = ("from", "what", "parcels", "kg", "km", "zone", "days", "cost", "tracking")
    return join(tag("h3", "What was decided"), table("Shipments of the plan", headings, rows))


def _tracking(work: tuple[FulfillmentOrder, ...], location_id: str) -> str:
    return ", ".join(
        parcel.tracking_number
        for one in work
        if one.location_id == location_id
        for parcel in one.parcels
    )


def _costs(facts: RunFacts) -> Markup:
    rows: list[tuple[Child, ...]] = [
        (KINDS.get(term.kind, "other"), _money(minor(term.amount)))
        for term in facts.shown.decision.cost_terms
    ]
    rows.append(("together", _money(minor(facts.shown.decision.cost))))
    caption = f"Cost terms of the decision, {facts.retailer.currency_code}"
    return table(caption, ("for", "amount"), rows)


def _candidates(facts: RunFacts) -> Markup:
    ranked = sorted(facts.shown.decision.candidates, key=_nearness)
    rows: list[tuple[Child, ...]] = []
    for one in ranked[:CANDIDATES_SHOWN]:
        location = facts.locations.get(one.location_id)
        rows.append(
            (
                location.name if location else one.location_id,
                f"{one.distance_km}",
                "chosen" if one.chosen else "",
                _money(minor(one.loses_by)) if one.HasField("loses_by") else "",
                one.removed_by,
                one.fact,
            )
        )
    headings = ("location", "km", "", "best plan with it costs more by", "kept out by", "because")
    caption = f"{len(rows)} of {len(ranked)} locations that were looked at"
    return join(tag("h3", "Why not elsewhere"), table(caption, headings, rows))


def _nearness(candidate: Candidate) -> tuple[bool, bool, int, int]:
    has_price = candidate.HasField("loses_by")
    loses_by = minor(candidate.loses_by) if has_price else 0
    return (not candidate.chosen, not has_price, loses_by, candidate.distance_km)


def _timeline(facts: RunFacts) -> Markup:
    entries = facts.shown.timeline
    if not entries:
        return tag("p", "The timeline service knows nothing of it yet.")
    items = []
    for entry in entries:
        moment = entry.event_time.ToDatetime()
        stamp = tag(
            "time", f"{moment:%H:%M:%S.%f}"[:-3], datetime=f"{moment:%Y-%m-%dT%H:%M:%S.%f}Z"
        )
        items.append(tag("li", stamp, entry.sentence or entry.event_type))
    return join(
        tag("h3", "What happened, and when"),
        tag("ol", *items, class_="timeline"),
    )


def _money(amount: int) -> str:
    return f"{amount / SCALE:.2f}"
