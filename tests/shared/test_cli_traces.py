"""Span trees: how they are built from stored spans, and how they are shown."""

import io
from collections.abc import Sequence

import pytest
from rich.console import Console

from ordermesh.cli.traces import KIND_CLIENT, Fact, Node, Span, render, services, trees

SECOND = 1_000_000_000
START = 1_772_452_800 * SECOND


def span(
    span_id: str,
    parent_id: str = "",
    *,
    trace_id: str = "t1",
    service: str = "routing",
    name: str = "",
    at: float = 0.0,
    seconds: float = 1.0,
    kind: int = 1,
    is_error: bool = False,
    links: tuple[tuple[str, str], ...] = (),
    **attributes: Fact,
) -> Span:
    start = START + int(at * SECOND)
    return Span(
        trace_id=trace_id,
        span_id=span_id,
        parent_id=parent_id,
        service=service,
        name=name or span_id,
        kind=kind,
        start_ns=start,
        end_ns=start + int(seconds * SECOND),
        is_error=is_error,
        attributes={key.replace("__", "."): value for key, value in attributes.items()},
        links=links,
    )


def shape(nodes: Sequence[Node]) -> str:
    return " ".join(
        node.span.span_id + (f"({shape(node.children)})" if node.children else "") for node in nodes
    )


@pytest.mark.parametrize(
    ("spans", "wanted"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param([span("a")], "a", id="one"),
        pytest.param([span("b", "a"), span("a")], "a(b)", id="a child that came first"),
        pytest.param(
            [span("a"), span("c", "a", at=2), span("b", "a", at=1), span("d", "b", at=1.5)],
            "a(b(d) c)",
            id="children in the order of their start",
        ),
        pytest.param([span("b", "lost"), span("a", at=1)], "b a", id="a parent that never came"),
        pytest.param(
            [span("a", at=1), span("b", "a", trace_id="t2")],
            "b a",
            id="the same span id in another trace is nobody's parent",
        ),
        pytest.param([span("a", "a")], "a", id="its own parent"),
        pytest.param(
            [span("a"), span("s", "a", db__system__name="sqlite")], "a", id="statements are folded"
        ),
        pytest.param(
            [span("a"), span("s", "a", is_error=True, db__system__name="sqlite")],
            "a(s)",
            id="a statement that failed is not",
        ),
    ],
)
def test_spans_become_trees(spans: list[Span], wanted: str) -> None:
    assert shape(trees(spans)) == wanted


def test_folded_statements_are_counted_with_their_time() -> None:
    statements = [
        span(f"s{number}", "a", seconds=0.002, db__system__name="sqlite") for number in range(3)
    ]

    [node] = trees([span("a"), *statements])

    assert (node.statements, round(node.statements_ms, 3)) == (3, 6.0)
    assert shape(trees([span("a"), *statements], fold=False)) == "a(s0 s1 s2)"


def shown(spans: list[Span]) -> str:
    console = Console(file=io.StringIO(), width=160, color_system=None)
    for tree in render(trees(spans)):
        console.print(tree)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_trace_is_shown_with_durations_facts_errors_and_links() -> None:
    text = shown(
        [
            span("a", name="ordermesh.api.routing.v1.OrderService/SubmitOrder", seconds=0.25),
            span(
                "b",
                "a",
                service="inventory",
                name="ordermesh.api.inventory.v1.ReservationService/Reserve",
                at=0.05,
                seconds=0.1,
                kind=KIND_CLIENT,
                is_error=True,
                ordermesh__reason="INSUFFICIENT_STOCK",
                ordermesh__order_id="A-1",
                rpc__response__status_code="FAILED_PRECONDITION",
                thread__id=7,
            ),
            span("c", trace_id="t2", at=60, links=(("t1", "abcdefghij"), ("elsewhere", "b"))),
        ]
    )

    lines = text.splitlines()
    assert lines[0].startswith("trace t1  2026-03-02 12:00:00 UTC  250.0 ms  2 services, 2 spans")
    assert "routing   OrderService/SubmitOrder  250.0 ms  at 0.0" in lines[1]
    assert "inventory → ReservationService/Reserve  100.0 ms  at 50.0  ERROR" in lines[2]
    assert "reason INSUFFICIENT_STOCK  code FAILED_PRECONDITION" in lines[2]
    assert "A-1" not in text
    assert "thread" not in text
    assert lines[3].startswith("trace t2  2026-03-02 12:01:00 UTC")
    assert "link to t1/abcdefgh, 1 other" in lines[4]


@pytest.mark.parametrize(
    ("code", "is_error"), [("CANCELLED", False), ("DEADLINE_EXCEEDED", True), ("INTERNAL", True)]
)
def test_a_call_that_did_not_come_to_its_end_says_what_became_of_it(
    code: str, is_error: bool
) -> None:
    name = "ordermesh.api.routing.v1.OrderService/SubmitOrder"
    text = shown([span("a", name=name, is_error=is_error, rpc__response__status_code=code)])

    line = text.splitlines()[1]
    assert ("ERROR" in line) == is_error
    assert f"code {code}" in line


def test_the_services_of_a_trace_are_counted_once() -> None:
    assert services(
        [span("a"), span("b"), span("c", service="inventory"), span("d", service="")]
    ) == {
        "routing",
        "inventory",
    }
