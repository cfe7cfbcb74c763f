"""The traces of an order as a table of bars against time."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from ordermesh.cli.report.html import Markup, join, tag
from ordermesh.cli.traces import KIND_CLIENT, Node, Span, trees

ROWS_MAX = 80


def waterfall(spans: Sequence[Span]) -> Markup:
    """A table for each trace: who, what, how long, and when; errors are named as such."""
    by_trace: dict[str, list[Node]] = defaultdict(list)
    for root in trees(spans):
        by_trace[root.span.trace_id].append(root)
    return join(*(_trace(trace_id, roots) for trace_id, roots in by_trace.items()))


def _trace(trace_id: str, roots: Sequence[Node]) -> Markup:
    nodes = [(depth, node) for root in roots for depth, node in root.walk()]
    start = min(node.span.start_ns for _, node in nodes)
    end = max(node.span.end_ns for _, node in nodes)
    caption = f"Trace {trace_id}: {(end - start) / 1e6:,.1f} ms"
    head = tag("tr", *(tag("th", word, scope="col") for word in ("service", "span", "ms", "when")))
    rows = list(_rows(nodes[:ROWS_MAX], start, max(1, end - start)))
    rest = len(nodes) - ROWS_MAX
    more = tag("p", f"{rest} more spans: ordermesh trace shows them.") if rest > 0 else None
    return join(
        tag(
            "div",
            tag("table", tag("caption", caption), tag("thead", head), tag("tbody", *rows)),
            class_="wide waterfall",
            tabindex="0",
            role="region",
            aria_label=caption,
        ),
        more,
    )


def _rows(nodes: Sequence[tuple[int, Node]], start: int, length: int) -> Iterator[Markup]:
    for depth, node in nodes:
        span = node.span
        left = 100 * (span.start_ns - start) / length
        width = max(0.3, 100 * (span.end_ns - span.start_ns) / length)
        width = min(width, 100 - min(left, 99.7))
        bar = tag(
            "div", class_=f"bar {_colour(span)}", style=f"left:{left:.2f}%;width:{width:.2f}%"
        )
        arrow = "→ " if span.kind == KIND_CLIENT else ""
        facts = ", ".join(f"{word} {value}" for word, value in span.facts.items())
        what = join(
            tag("span", arrow + span.title, style=f"padding-left:{depth}em"),
            tag("strong", " ERROR", class_="error") if span.is_error else None,
            tag("small", f" {facts}") if facts else None,
        )
        yield tag(
            "tr",
            tag("th", span.service, scope="row"),
            tag("td", what),
            tag("td", f"{span.milliseconds:,.1f}", class_="number"),
            tag("td", tag("div", bar, class_="lane", aria_hidden="true")),
        )


def _colour(span: Span) -> str:
    if span.is_error:
        return "failed"
    return span.service if span.service in ("inventory", "routing", "returns", "notify") else ""
