"""The summary of a run, for the terminal."""

from collections.abc import Sequence

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from ordermesh.api.notify.v1 import NotificationKind
from ordermesh.cli.baselines import METHODS
from ordermesh.cli.comparison import ranked, saving
from ordermesh.cli.facts import OURS, RunFacts
from ordermesh.cli.place import MeshDirectory
from ordermesh.cli.show import decision_table, order_table, return_table
from ordermesh.cli.tables import add_row, new_table, titled
from ordermesh.cli.traces import KIND_CLIENT, Span, apart, render, trees

LOCATIONS_SHOWN = 8


def print_summary(facts: RunFacts, directory: MeshDirectory, console: Console) -> None:
    """Print what was sourced from where, beside the baselines, and one order's trace."""
    console.print()
    console.print(_headline(facts))
    console.print(_comparison(facts))
    console.print(_locations(facts))
    console.print(_afterwards(facts))
    console.print(_ledger(facts))
    console.print()
    shown = facts.shown
    console.print(order_table(shown.order))
    console.print(decision_table(shown.decision, currency=facts.retailer.currency_code))
    if shown.returns:
        console.print(return_table(shown.returns))
    own, batches = apart(shown.spans, shown.order.order_id)
    for tree in render(trees(own)):
        console.print(tree)
    console.print(_batches(batches))
    console.print()
    console.print(_next(facts, directory), highlight=False)


def _headline(facts: RunFacts) -> Panel:
    ours = facts.ours
    text = Text.assemble(
        (f"{facts.loaded.orders} orders", "bold"),
        f" submitted: {ours.whole} filled completely, {ours.not_whole} partly or not at all,"
        " with the reason on their lines.\n",
        (f"{len(facts.outcome.shipped)} shipments", "bold"),
        f" of {ours.units} units left {len(ours.shipments_by_location)} of"
        f" {len(facts.retailer.locations)} locations, {ours.split_share:.1%} of orders from more"
        f" than one.\n",
        (f"{facts.afterwards.notifications_delivered} mails", "bold"),
        f" told {len(facts.afterwards.told_orders)} customers;"
        f" {facts.afterwards.returns_completed} sent something back, and"
        f" {facts.afterwards.units_restocked} units of it are on sale again.\n",
        (f"{saving(ours, facts.nearest):.1%} cheaper", "bold green"),
        " than from the nearest single location, on the same orders, stock and capacity.\n",
        (f"{facts.seconds:.0f} s", "bold"),
        " from nothing to here: "
        + ", ".join(
            f"{name} {seconds:.0f}" for name, seconds in facts.phases.items() if seconds >= 1
        ),
    )
    return Panel(text, title="An order travels the mesh", title_align="left")


def _comparison(facts: RunFacts) -> Group:
    table = Table()
    table.add_column("method", no_wrap=True)
    for heading in ("cost", "dearer", "extra", "split", "days", "late", "unfilled"):
        table.add_column(heading, justify="right")
    for name, tally in facts.tallies.items():
        dearer = tally.cost_per_order / facts.ours.cost_per_order - 1 if facts.ours.cost else 0.0
        add_row(
            table,
            name,
            f"{tally.cost_per_order:.2f}",
            "" if name == OURS else f"{dearer:+.1%}",
            f"{tally.extra_parcels_per_order:.3f}",
            f"{tally.split_share:.1%}",
            f"{tally.days_per_order:.2f}",
            f"{tally.late}",
            f"{tally.unfilled_units}",
            style="bold" if name == OURS else "",
        )
    left_out = [name for name in METHODS if name not in facts.tallies]
    late = f" Left out, for lack of time: {', '.join(left_out)}." if left_out else ""
    words = (
        f"Cost in {facts.retailer.currency_code} and extra parcels are per order. All costs are"
        " illustrative; penalties for units that are unfilled are part of everybody's."
    )
    return titled(
        "Beside simpler rules, on the same orders, stock and capacity",
        table,
        Text(words + late, style="dim"),
    )


def _locations(facts: RunFacts) -> Group:
    table = new_table(("location",), ("shipments", "units", "by nearest single"), numbers_at=1)
    for location_id, shipments in ranked(facts.ours.shipments_by_location, LOCATIONS_SHOWN):
        location = facts.locations.get(location_id)
        add_row(
            table,
            location.name if location else location_id,
            str(shipments),
            str(facts.ours.units_by_location[location_id]),
            str(facts.nearest.shipments_by_location[location_id]),
        )
    return titled("Where most left from", table)


def _afterwards(facts: RunFacts) -> Group:
    after = facts.afterwards
    table = new_table(("what customers were told",), ("mails",), numbers_at=1)
    for kind in sorted(after.told):
        name = NotificationKind.Name(kind).removeprefix("NOTIFICATION_KIND_")
        add_row(table, name.lower().replace("_", " "), str(after.told[kind]))
    lines = [line for one in after.returns.values() for line in one.lines]
    came = sum(line.received_quantity for line in lines)
    blocked = sum(line.blocked_quantity for line in lines)
    discarded = sum(line.discarded_quantity for line in lines)
    words = (
        f"{len(after.returns)} returns brought {came} units back: {after.units_restocked} are on"
        f" sale again, {blocked} are kept apart, {discarded} were discarded."
    )
    return titled("After the parcels had left", table, Text(words, style="dim"))


def _ledger(facts: RunFacts) -> Text:
    ledger = facts.verification
    is_sound = ledger.balanced and not ledger.units_oversold
    return Text.assemble(
        ("Ledger ", "bold"),
        ("verified" if is_sound else "NOT SOUND", "bold green" if is_sound else "bold red"),
        f": {ledger.balance_count:,} balances recomputed from {ledger.entry_count:,} entries,"
        f" {'balanced' if ledger.balanced else 'not balanced'},"
        f" {ledger.units_oversold} units oversold.",
    )


def _batches(spans: Sequence[Span]) -> Text:
    """How the order's events were delivered: many orders' at a time, in traces of their own."""
    deliveries = sum(span.kind == KIND_CLIENT for span in spans)
    return Text.assemble(
        "Its events were delivered together with those of other orders by ",
        (f"{deliveries} calls of InboxService/Deliver", "bold"),
        ", in traces that link to these: ordermesh trace shows them too.",
    )


def _next(facts: RunFacts, directory: MeshDirectory) -> Group:
    place = f"--directory {directory.path}"
    order_id = facts.shown.order.order_id
    return Group(
        Text("Where to go next", style="bold"),
        Text(f"  {directory.report_file}   open it in a browser: map, tables, this order's story"),
        Text(f"  {directory.mail_folder}   what customers were told, as .eml files"),
        Text(f"  {directory.summary_file}   the same facts for programs"),
        Text(f"  ordermesh trace {order_id} {place}"),
        Text(f"  ordermesh up {place} --free-ports   the same mesh again"),
        Text("  make up   an empty mesh for your own calls and files (ordermesh load)"),
    )
