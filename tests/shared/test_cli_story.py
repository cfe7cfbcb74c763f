"""What a run says of its orders: which is shown, which were shipped twice, what is wrong."""

import io
import json
from collections import Counter

import pytest
from google.type.money_pb2 import Money
from rich.console import Console

from ordermesh.api.inventory.v1 import LedgerFinding
from ordermesh.api.notify.v1 import Notification
from ordermesh.api.returns.v1 import Return
from ordermesh.api.routing.v1 import (
    Candidate,
    Decision,
    FrozenComponent,
    FulfillmentLine,
    FulfillmentOrder,
    Order,
    OrderLine,
    Plan,
    PlannedLine,
    Shipment,
    UnfilledLine,
)
from ordermesh.cli.afterwards import Afterwards, chosen_for_delivery, chosen_for_return
from ordermesh.cli.baselines import NEAREST
from ordermesh.cli.comparison import Tally
from ordermesh.cli.facts import OURS, RunFacts, ShownOrder
from ordermesh.cli.loader import Loaded
from ordermesh.cli.report.html import Markup, join, tag
from ordermesh.cli.story import (
    Outcome,
    Verification,
    choose_shown,
    double_shipped,
    state_word,
    unexplained,
)
from ordermesh.cli.traces import Span
from ordermesh.sample.files.sheets import Refusal
from ordermesh.sample.nouns import Retailer


def order(order_id: str, *lines: OrderLine) -> Order:
    return Order(order_id=order_id, state=Order.STATE_FULFILLED, lines=lines)


def line(quantity: int, sourced: int, unfilled: int = 0, reason: str = "") -> OrderLine:
    return OrderLine(
        line_id="1",
        sku="MUG",
        quantity=quantity,
        sourced_quantity=sourced,
        unfilled_quantity=unfilled,
        unfilled_reason=reason,
    )


def decided(*places: str, unfilled: int = 0) -> Decision:
    missing = [UnfilledLine(line_id="1", sku="MUG", unfilled=unfilled)] if unfilled else []
    sent = [PlannedLine(line_id="1", sku="MUG", quantity=1)]
    return Decision(
        decision_id="d",
        cost=Money(currency_code="USD", units=10),
        plan=Plan(
            shipments=[Shipment(location_id=place, parcel_count=1, lines=sent) for place in places]
        ),
        candidates=[Candidate(location_id=place, chosen=True) for place in places],
        unfilled_lines=missing,
    )


def work(work_id: str, order_id: str, sku: str, quantity: int) -> FulfillmentOrder:
    lines = [FulfillmentLine(line_id="1", sku=sku, quantity=quantity)]
    return FulfillmentOrder(fulfillment_order_id=work_id, order_id=order_id, lines=lines)


@pytest.mark.parametrize(
    ("lines", "is_explained"),
    [
        ([line(2, 2)], True),
        ([line(2, 1, 1, "INSUFFICIENT_STOCK")], True),
        ([line(2, 0, 2, "NO_LOCATION")], True),
        ([line(2, 1)], False),
        ([line(2, 1, 1)], False),
        ([line(2, 2, 0, "NO_LOCATION")], False),
        ([line(2, 2, 1, "NO_LOCATION")], False),
    ],
)
def test_every_unit_is_sourced_or_explained(lines: list[OrderLine], is_explained: bool) -> None:
    outcome = Outcome(orders={"A-1": order("A-1", *lines)})

    assert unexplained(outcome) == ([] if is_explained else ["A-1"])


def test_more_than_was_ordered_is_shipped_twice() -> None:
    kit = OrderLine(
        line_id="1", sku="SET", quantity=2, components=[FrozenComponent(sku="MUG", quantity=3)]
    )
    outcome = Outcome(
        orders={"A-1": order("A-1", line(2, 2)), "A-2": order("A-2", kit)},
        shipped={
            "w1": work("w1", "A-1", "MUG", 1),
            "w2": work("w2", "A-1", "MUG", 1),
            "w3": work("w3", "A-2", "MUG", 6),
        },
    )
    assert double_shipped(outcome) == []

    outcome.shipped["w4"] = work("w4", "A-1", "MUG", 1)
    outcome.shipped["w5"] = work("w5", "A-2", "LAMP", 1)

    assert double_shipped(outcome) == ["A-1", "A-2"]


def test_the_order_that_is_shown_leaves_from_two_places_and_is_whole() -> None:
    decisions = {
        "one": decided("OHIO"),
        "three": decided("OHIO", "UTAH", "IOWA"),
        "two but short": decided("OHIO", "UTAH", unfilled=1),
        "two": decided("OHIO", "UTAH"),
    }
    orders = {order_id: order(order_id, line(3, 3), line(3, 3)) for order_id in decisions}
    outcome = Outcome(orders=orders, decisions=decisions)

    assert choose_shown(outcome) == "two"


def test_every_fourth_shipment_arrives_and_every_twelfth_order_comes_back() -> None:
    outcome = Outcome(
        shipped={f"w{n:02}": work(f"w{n:02}", f"A-{n:02}", "MUG", 1) for n in range(30)}
    )

    assert len(chosen_for_delivery(outcome)) == 8
    assert chosen_for_return(outcome, "A-05") == ["A-05", "A-00", "A-12", "A-24"]
    assert chosen_for_return(outcome, "A-12") == ["A-12", "A-00", "A-24"]
    assert chosen_for_return(outcome, "never left") == ["A-00", "A-12", "A-24"]


def test_the_state_of_an_order_is_a_word() -> None:
    assert state_word(Order(state=Order.STATE_UNFILLABLE)) == "UNFILLABLE"


SPANS = tuple(
    Span("t", service, "", service, "SubmitOrder", 2, 0, 1, False, {}, ())
    for service in ("inventory", "returns", "routing", "notify")
)


def facts(
    *,
    verification: Verification | None = None,
    refused: tuple[Refusal, ...] = (),
    deaths: dict[str, int] | None = None,
    spans: tuple[Span, ...] = SPANS,
    unfilled: int = 0,
    afterwards: Afterwards | None = None,
    returned: bool = True,
) -> RunFacts:
    made = decided("OHIO", unfilled=unfilled)
    ours, nearest = Tally(), Tally()
    ours.add(made, 0)
    nearest.add(made, 0)
    taken = order("A-1", line(1, 1))
    return RunFacts(
        retailer=Retailer("USD", (), (), (), (), (), {}),
        loaded=Loaded(orders=0, refused=list(refused)),
        outcome=Outcome({"A-1": taken}, {"A-1": made}, {"w1": work("w1", "A-1", "MUG", 1)}),
        tallies={OURS: ours, NEAREST: nearest},
        verification=verification or Verification(True, 0, 1, 3, ()),
        afterwards=afterwards or Afterwards(told_orders=frozenset({"A-1"})),
        shown=ShownOrder(taken, made, (), (Return(),) if returned else (), (), spans),
        phases={"orders": 1.0},
        seconds=12.34,
        deaths=deaths or {},
    )


def test_a_good_run_has_no_problem_and_its_summary_is_json() -> None:
    found = facts()

    assert found.problems() == []
    written = json.loads(json.dumps(found.summary()))
    assert written["orders_sourced"] == 1
    assert written["orders_unfilled"] == 0
    assert written["shipments"] == 1
    assert written["cost_per_order"] == written["cost_per_order_nearest"] == 10.0
    assert written["ledger_balanced"] is True
    assert written["services_in_trace"] == 4
    assert written["seconds"] == 12.3


@pytest.mark.parametrize(
    ("found", "sentence"),
    [
        (facts(deaths={"routing": 1}), "The service routing died 1 times."),
        (
            facts(refused=(Refusal("stock.csv", 3, "sku", "MUG", "is unknown"),)),
            "A load was refused: stock.csv, line 3, sku: 'MUG' is unknown",
        ),
        (
            facts(verification=Verification(False, 0, 1, 3, (LedgerFinding(sentence="Off."),))),
            "The ledger is not balanced.",
        ),
        (facts(verification=Verification(True, 2, 1, 3, ())), "2 units are oversold."),
        (facts(unfilled=1), "No order was sourced."),
        (
            facts(afterwards=Afterwards()),
            "1 customers have no mail, of order A-1 for one.",
        ),
        (
            facts(
                afterwards=Afterwards(
                    told_orders=frozenset({"A-1"}), not_told=Counter({Notification.STATE_DEAD: 2})
                )
            ),
            "2 mails were not sent.",
        ),
        (
            facts(
                afterwards=Afterwards(
                    returns={"R-1": Return(state=Return.STATE_RECEIVED)},
                    told_orders=frozenset({"A-1"}),
                )
            ),
            "1 returns were not completed.",
        ),
        (facts(spans=SPANS[:3]), "The traces of order A-1 have no span of notify."),
        (facts(spans=(), returned=False), "The traces of order A-1 have no span of routing."),
    ],
)
def test_what_is_wrong_is_said(found: RunFacts, sentence: str) -> None:
    assert sentence in found.problems()


def test_text_in_the_report_is_escaped_and_markup_is_not() -> None:
    made = tag("p", "<b> & ", tag("b", "bold"), None, 7, class_='a"b', aria_label=None)

    assert made == '<p class="a&quot;b">&lt;b&gt; &amp; <b>bold</b>7</p>'
    assert tag("rect", x=1) == '<rect x="1"/>'
    assert join("<", Markup("<br/>")) == "&lt;<br/>"


def test_the_console_prints_names_that_look_like_markup() -> None:
    from ordermesh.cli.show import order_table

    console = Console(file=io.StringIO(), width=100, color_system=None)
    odd = OrderLine(line_id="[/]", sku="[bold]", quantity=1)
    console.print(order_table(order("[red]A-1[/red]", odd)))

    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert "Order [red]A-1[/red]: fulfilled" in text
    assert "│ [/]  │ [bold] │" in text
