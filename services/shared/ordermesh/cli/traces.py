"""The traces of an order as trees of spans, and how they are shown."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.text import Text
from rich.tree import Tree

ORDER_ID = "ordermesh.order_id"
"""The attribute by which the traces of an order are found."""

Fact = str | int | float | bool

KIND_SERVER, KIND_CLIENT = 2, 3
"""The kinds of OTLP that are shown: who answers a call, and who makes it."""

_DATABASE = ("db.system.name", "db.system")
_HIDDEN = frozenset({"", "OK", "0", "False"})
_OWN_PREFIXES = ("ordermesh.sourcing.", "ordermesh.")
_ID_SHOWN = 8
_SHOWN = {
    "rpc.response.status_code": "code",
    "error.type": "error",
    "status.message": "because",
    "ordermesh.reason": "reason",
}
"""Attributes of others that are worth a place beside the name of a span; ours all are."""

_ONE_ROW = ("ordermesh.work.rows", "1")
_VALUE_MAX = 60


@dataclass(frozen=True)
class Span:
    """One span, as it was received. Times are nanoseconds since 1970."""

    trace_id: str
    span_id: str
    parent_id: str
    service: str
    name: str
    kind: int
    start_ns: int
    end_ns: int
    is_error: bool
    attributes: Mapping[str, Fact]
    links: tuple[tuple[str, str], ...]

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return (self.end_ns - self.start_ns) / 1e6

    @property
    def is_statement(self) -> bool:
        """Whether it is one statement to a database."""
        return any(key in self.attributes for key in _DATABASE)

    @property
    def title(self) -> str:
        """What was done, in short: the service and method of a call without their package."""
        path, slash, method = self.name.rpartition("/")
        return f"{path.rpartition('.')[2]}/{method}" if slash else self.name

    @property
    def facts(self) -> dict[str, str]:
        """What is worth showing beside the title, by a short word."""
        shown: dict[str, str] = {}
        for key, value in self.attributes.items():
            word = _SHOWN.get(key) or _own_word(key)
            text = f"{value:.6g}" if isinstance(value, float) else str(value)
            if key.endswith("_id"):
                text = text[:_ID_SHOWN]
            is_said = text in _HIDDEN or text in shown.values() or text in self.name
            if word and not is_said and (key, text) != _ONE_ROW:
                shown[word] = text if len(text) <= _VALUE_MAX else text[: _VALUE_MAX - 1] + "…"
        return shown


@dataclass(frozen=True)
class Node:
    """A span with its children in the order of their start.

    ``statements`` counts the database statements that were folded away below it, and
    ``statements_ms`` is what they took together.
    """

    span: Span
    children: tuple["Node", ...]
    statements: int = 0
    statements_ms: float = 0.0

    def walk(self, depth: int = 0) -> Iterator[tuple[int, "Node"]]:
        """This node and all below it, with their depths, parents first."""
        yield depth, self
        for child in self.children:
            yield from child.walk(depth + 1)


def trees(spans: Iterable[Span], *, fold: bool = True) -> list[Node]:
    """The trees of the spans, in the order of their start.

    A span whose parent was not received is the root of a tree of its own. With ``fold``, database
    statements that did not fail are only counted.
    """
    by_id = {(span.trace_id, span.span_id): span for span in spans}
    children: dict[tuple[str, str], list[Span]] = defaultdict(list)
    roots: list[Span] = []
    for span in by_id.values():
        parent = (span.trace_id, span.parent_id)
        if parent in by_id and span.parent_id != span.span_id:
            children[parent].append(span)
        else:
            roots.append(span)

    def grow(span: Span) -> Node:
        below = sorted(children[span.trace_id, span.span_id], key=lambda one: one.start_ns)
        folded = [one for one in below if fold and _is_folded(one, children)]
        grown = tuple(grow(one) for one in below if one not in folded)
        return Node(span, grown, len(folded), sum(one.milliseconds for one in folded))

    return [grow(root) for root in sorted(roots, key=lambda one: one.start_ns)]


def apart(spans: Iterable[Span], order_id: str) -> tuple[list[Span], list[Span]]:
    """The traces that name the order, and those of batches in which it was one of many."""
    spans = list(spans)
    own = {span.trace_id for span in spans if span.attributes.get(ORDER_ID) == order_id}
    return (
        [span for span in spans if span.trace_id in own],
        [span for span in spans if span.trace_id not in own],
    )


def services(spans: Iterable[Span]) -> set[str]:
    """The services that took part."""
    return {span.service for span in spans if span.service}


def render(roots: Sequence[Node]) -> list[Tree]:
    """One tree for each trace, with durations and facts, and errors in red."""
    by_trace: dict[str, list[Node]] = defaultdict(list)
    for root in roots:
        by_trace[root.span.trace_id].append(root)
    return [_trace(trace_id, nodes, by_trace) for trace_id, nodes in by_trace.items()]


def _trace(trace_id: str, nodes: Sequence[Node], shown_traces: Collection[str]) -> Tree:
    spans = [node.span for root in nodes for _, node in root.walk()]
    start_ns = min(span.start_ns for span in spans)
    end_ns = max(span.end_ns for span in spans)
    started = datetime.fromtimestamp(start_ns / 1e9, UTC)
    title = Text.assemble(
        ("trace ", "bold"),
        (trace_id, "dim"),
        f"  {started:%Y-%m-%d %H:%M:%S} UTC  ",
        (f"{(end_ns - start_ns) / 1e6:.1f} ms", "green"),
        f"  {_count(len(services(spans)), 'service')}, {_count(len(spans), 'span')}",
    )
    tree = Tree(title)
    for node in nodes:
        _grow(tree, node, start_ns, shown_traces)
    return tree


def _grow(tree: Tree, node: Node, start_ns: int, shown_traces: Collection[str]) -> None:
    branch = tree.add(_label(node, start_ns, shown_traces))
    for child in node.children:
        _grow(branch, child, start_ns, shown_traces)


def _label(node: Node, start_ns: int, shown_traces: Collection[str]) -> Text:
    span = node.span
    label = Text()
    label.append(f"{span.service:<9} ", style="cyan")
    label.append("→ " if span.kind == KIND_CLIENT else "")
    label.append(span.title, style="bold red" if span.is_error else "bold")
    label.append(f"  {span.milliseconds:.1f} ms", style="green")
    label.append(f"  at {(span.start_ns - start_ns) / 1e6:.1f}", style="dim")
    if span.is_error:
        label.append("  ERROR", style="bold red")
    for word, value in span.facts.items():
        label.append(f"  {word} ", style="dim")
        label.append(value, style="red" if span.is_error else "yellow")
    if node.statements:
        label.append(f"  {node.statements} statements {node.statements_ms:.1f} ms", style="dim")
    if span.links:
        label.append(f"  {_linked(span.links, shown_traces)}", style="magenta")
    return label


def _linked(links: Sequence[tuple[str, str]], shown_traces: Collection[str]) -> str:
    """Links to traces that are shown, by name; how many lead elsewhere."""
    here = [
        f"{trace_id[:8]}/{span_id[:8]}" for trace_id, span_id in links if trace_id in shown_traces
    ]
    others = len(links) - len(here)
    more = [f"{others} other{'s' if others > 1 else ''}"] if others else []
    return f"link to {', '.join([*here, *more])}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _own_word(key: str) -> str:
    """The short word for an attribute of ours; empty for those of others."""
    for prefix in _OWN_PREFIXES:
        if key.startswith(prefix) and key != ORDER_ID:
            return key.removeprefix(prefix).removesuffix("_id").replace("_", " ").replace(".", " ")
    return ""


def _is_folded(span: Span, children: Mapping[tuple[str, str], Sequence[Span]]) -> bool:
    has_children = bool(children.get((span.trace_id, span.span_id)))
    return span.is_statement and not span.is_error and not span.links and not has_children
