"""The tables of the report."""

from ordermesh.api.notify.v1 import NotificationKind
from ordermesh.api.returns.v1 import Return
from ordermesh.api.routing.v1 import CostTerm
from ordermesh.cli.baselines import METHODS
from ordermesh.cli.comparison import Tally, minor, ranked, saving
from ordermesh.cli.facts import OURS, RunFacts
from ordermesh.cli.report.html import Child, Markup, join, table, tag
from ordermesh.kernel.money import SCALE

LOCATIONS_SHOWN = 12

KINDS: dict[int, str] = {
    CostTerm.KIND_FREIGHT: "freight",
    CostTerm.KIND_PICK: "pick and pack",
    CostTerm.KIND_LABOR: "labor",
    CostTerm.KIND_SPLIT: "split charge",
    CostTerm.KIND_TRANSIT: "transit days",
    CostTerm.KIND_LATE: "late days",
    CostTerm.KIND_CARBON: "CO2e",
    CostTerm.KIND_UNFILLED: "unfilled",
}
"""What money is for, in the order of the contract."""


def comparison(facts: RunFacts) -> Markup:
    """The mesh's decisions beside those of each baseline."""
    currency = facts.retailer.currency_code
    rows: list[tuple[Child, ...]] = [
        _row(name, tally, facts.ours) for name, tally in facts.tallies.items()
    ]
    left_out = [name for name in METHODS if name not in facts.tallies]
    return join(
        tag(
            "p",
            "The baselines were asked about the same orders, one after the other, each on its own"
            " copy of the same stock and the same capacity. Whoever leaves something unfilled pays"
            " the same penalty for it.",
            f" Left out, for lack of time: {', '.join(left_out)}." if left_out else None,
        ),
        table(
            f"Costs in {currency}, illustrative",
            (
                "method",
                "cost per order",
                "without penalties",
                "dearer by",
                "extra parcels per order",
                "split orders",
                "days to the last parcel",
                "late orders",
                "units unfilled",
            ),
            rows,
        ),
    )


def _row(name: str, tally: Tally, ours: Tally) -> tuple[Child, ...]:
    dearer = tally.cost_per_order / ours.cost_per_order - 1 if ours.cost else 0.0
    return (
        name,
        f"{tally.cost_per_order:.2f}",
        f"{tally.cost_per_order_without_penalties:.2f}",
        "" if name == OURS else f"{dearer:+.1%}",
        f"{tally.extra_parcels_per_order:.3f}",
        f"{tally.split_share:.1%}",
        f"{tally.days_per_order:.2f}",
        f"{tally.late}",
        f"{tally.unfilled_units}",
    )


def costs_by_kind(facts: RunFacts) -> Markup:
    """What the money of each method was for, as bars on one scale and as numbers."""
    most = max((tally.cost_per_order for tally in facts.tallies.values()), default=0.0) or 1.0
    rows: list[tuple[Child, ...]] = []
    for name, tally in facts.tallies.items():
        shares = {kind: _per_order(tally, kind) for kind in KINDS}
        bar = tag(
            "div",
            *(
                tag(
                    "div",
                    class_=f"k{number}",
                    style=f"width:{100 * shares[kind] / most:.2f}%",
                    title=f"{title} {shares[kind]:.2f}",
                )
                for number, (kind, title) in enumerate(KINDS.items(), start=1)
            ),
            class_="stack",
            aria_hidden="true",
        )
        rows.append((name, bar, *(f"{share:.2f}" for share in shares.values())))
    headings = tuple(
        join(tag("span", class_=f"key k{number}", aria_hidden="true"), " ", title)
        for number, title in enumerate(KINDS.values(), start=1)
    )
    caption = f"Cost per order by kind, {facts.retailer.currency_code}"
    return table(caption, ("method", "", *headings), rows)


def _per_order(tally: Tally, kind: int) -> float:
    return tally.cost_by_kind[kind] / SCALE / tally.orders if tally.orders else 0.0


def top_locations(facts: RunFacts) -> Markup:
    """The locations from which most shipments left."""
    ours, nearest = facts.ours, facts.nearest
    rows: list[tuple[Child, ...]] = []
    for location_id, shipments in ranked(ours.shipments_by_location, LOCATIONS_SHOWN):
        location = facts.locations.get(location_id)
        rows.append(
            (
                location.name if location else location_id,
                location_id,
                f"{shipments}",
                f"{shipments / ours.shipments:.1%}",
                f"{ours.units_by_location[location_id]}",
                f"{nearest.shipments_by_location[location_id]}",
            )
        )
    caption = (
        f"The first {len(rows)} of {len(ours.shipments_by_location)} locations that shipped."
        f" {saving_words(facts)}"
    )
    headings = ("location", "id", "shipments", "share", "units", "shipments by nearest single")
    return table(caption, headings, rows)


def saving_words(facts: RunFacts) -> str:
    """The difference to the nearest single location, in a sentence."""
    share = saving(facts.ours, facts.nearest)
    word = "less" if share >= 0 else "more"
    return f"Costs are {abs(share):.1%} {word} than from the nearest single location."


def mails(facts: RunFacts) -> Markup:
    """What customers were told, by kind of notice."""
    after = facts.afterwards
    rows: list[tuple[Child, ...]] = [
        (
            NotificationKind.Name(kind)
            .removeprefix("NOTIFICATION_KIND_")
            .lower()
            .replace("_", " "),
            f"{after.told[kind]}",
        )
        for kind in sorted(after.told)
    ]
    caption = (
        f"{after.notifications_delivered} mails to {len(after.told_orders)} customers."
        " They went to nobody: a mail server on this machine wrote each into a file."
    )
    return table(caption, ("notice", "mails"), rows)


def returned(facts: RunFacts) -> Markup:
    """The returns, line by line, with what became of the units."""
    rows: list[tuple[Child, ...]] = []
    for one in facts.afterwards.returns.values():
        location = facts.locations.get(one.location_id)
        refund = sum(minor(due.amount) for due in one.refunds)
        rows.extend(
            (
                one.order_id,
                Return.State.Name(one.state).removeprefix("STATE_").lower(),
                location.name if location else one.location_id,
                line.sku,
                f"{line.received_quantity}",
                f"{line.restocked_quantity}",
                f"{line.blocked_quantity}",
                f"{line.discarded_quantity}",
                f"{refund / SCALE:.2f}" if one.refunds else "",
            )
            for line in one.lines
        )
    caption = (
        f"{facts.afterwards.returns_completed} returns; {facts.afterwards.units_restocked} units"
        f" are on sale again. Refunds in {facts.retailer.currency_code}."
    )
    headings = (
        "order",
        "state",
        "to",
        "SKU",
        "received",
        "restocked",
        "kept apart",
        "discarded",
        "refund",
    )
    return table(caption, headings, rows)
