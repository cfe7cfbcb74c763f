"""The whole page, from its head to its foot."""

from importlib.resources import files

from ordermesh.cli.comparison import saving
from ordermesh.cli.facts import RunFacts
from ordermesh.cli.report.html import Markup, join, tag
from ordermesh.cli.report.map import network_map
from ordermesh.cli.report.order import order_story
from ordermesh.cli.report.sections import (
    comparison,
    costs_by_kind,
    mails,
    returned,
    top_locations,
)
from ordermesh.cli.report.waterfall import waterfall
from ordermesh.cli.traces import apart


def render_report(facts: RunFacts) -> str:
    """The report as a document that refers to nothing outside of itself."""
    style = files("ordermesh.cli.report").joinpath("style.css").read_text()
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("title", "An order travels the mesh"),
        tag("style", Markup(style)),
    )
    body = tag(
        "body",
        tag("a", "To the content", href="#content", class_="skip"),
        tag("main", *_sections(facts), id="content"),
    )
    return f"<!doctype html>\n{tag('html', head, body, lang='en')}\n"


def _sections(facts: RunFacts) -> list[Markup]:
    shown = facts.shown.order.order_id
    return [
        tag("h1", "An order travels the mesh"),
        tag(
            "p",
            f"{facts.loaded.orders} orders, made of a year of baskets, went through the four"
            " services: submitted, sourced exactly, held, released, shipped, and some returned,"
            f" each under its own trace. All of it took {facts.seconds:.0f} seconds, the start of"
            " the services and the questions to the baselines included."
            " All costs, weights and stock are illustrative; the places are real.",
        ),
        _figures(facts),
        tag("h2", "Beside simpler rules"),
        comparison(facts),
        costs_by_kind(facts),
        tag("h2", "Where it left from"),
        network_map(facts),
        top_locations(facts),
        tag("h2", "What customers were told"),
        mails(facts),
        tag("h2", "What came back"),
        returned(facts),
        tag("h2", f"One order: {shown}"),
        order_story(facts),
        tag("h2", "Its traces"),
        tag(
            "p",
            "Every call and every event of the order, over all services. What came later, such as"
            " shipping, has a trace of its own.",
        ),
        *_traces(facts),
        tag("h2", "Again"),
        _again(facts),
    ]


def _traces(facts: RunFacts) -> list[Markup]:
    """The order's own traces, and folded away those in which it was one of many."""
    own, batches = apart(facts.shown.spans, facts.shown.order.order_id)
    if not batches:
        return [waterfall(own)]
    summary = "Deliveries of events of many orders at once, this order's among them"
    return [waterfall(own), tag("details", tag("summary", summary), waterfall(batches))]


def _figures(facts: RunFacts) -> Markup:
    ours, nearest, ledger = facts.ours, facts.nearest, facts.verification
    currency = facts.retailer.currency_code
    sound = "balanced" if ledger.balanced and not ledger.units_oversold else "not sound"
    checked = (
        f"ledger: {ledger.balance_count:,} balances against {ledger.entry_count:,} entries,"
        f" {ledger.units_oversold} units oversold"
    )
    figures = [
        (f"{ours.whole} of {ours.orders}", "orders filled completely"),
        (f"{ours.cost_per_order:.2f} {currency}", "cost per order, penalties included"),
        (f"{saving(ours, nearest):.1%}", "less than the nearest single location"),
        (f"{ours.extra_parcels_per_order:.3f}", "parcels beyond the first, per order"),
        (
            f"{facts.afterwards.notifications_delivered}",
            f"mails told {len(facts.afterwards.told_orders)} customers",
        ),
        (
            f"{facts.afterwards.units_restocked}",
            f"units on sale again, from {facts.afterwards.returns_completed} returns",
        ),
        (sound, checked),
    ]
    return tag(
        "ul",
        *(tag("li", tag("strong", value), words) for value, words in figures),
        class_="figures",
    )


def _again(facts: RunFacts) -> Markup:
    known = facts.retailer.facts
    commands = (
        f"ordermesh run --orders {facts.loaded.orders} --seed {known.get('seed', 1)}\n"
        "ordermesh up --directory .ordermesh/run      # the same mesh again, to be asked\n"
        f"ordermesh order {facts.shown.order.order_id} --directory .ordermesh/run\n"
        f"ordermesh trace {facts.shown.order.order_id} --directory .ordermesh/run\n"
    )
    return join(
        tag("p", "The same orders, stock and network come from the same seed."),
        tag("pre", tag("code", commands)),
    )
