"""Small changes of a program that its tests should notice: one operator, number or statement each.

The kinds are those of the mutation testing literature (DeMillo, Lipton and Sayward, 1978): swapped
comparisons, arithmetic and connectives, numbers off by one, negated conditions, dropped statements.
Ready-made tools know modules by their path from one source folder, and the namespace has several.
"""

import ast
import copy
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

from tests.mutants.trying import ROOT

DOMAIN = ROOT / "services" / "inventory" / "ordermesh" / "inventory" / "domain"

COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq, ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is,
}  # fmt: skip
ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Add, ast.FloorDiv: ast.Mult,
    ast.BitOr: ast.BitAnd, ast.BitAnd: ast.BitOr,
}  # fmt: skip
CONNECTIVES: dict[type[ast.boolop], type[ast.boolop]] = {ast.And: ast.Or, ast.Or: ast.And}
CHOICES = {"min": "max", "max": "min", "any": "all", "all": "any"}


@dataclass(frozen=True)
class Mutation:
    """One change: where, what stood there, what stands there instead, and the whole new text.

    ``around`` is the line in which it stands.
    """

    path: Path
    line: int
    around: str
    before: str
    after: str
    text: str

    @property
    def name(self) -> str:
        """What is listed; it does not change with the lines around it."""
        return f"{self.path.stem}: {self.before} -> {self.after} in: {self.around}"


def mutations_of(path: Path) -> list[Mutation]:
    """All changes of a file, in the order of its text."""
    text = path.read_text()
    return [
        _mutation(path, text, node, replacement)
        for node in _program(ast.parse(text))
        for replacement in _replacements(node)
    ]


def _program(tree: ast.Module) -> Iterator[ast.AST]:
    """The nodes that do something: no annotations, no words for people, no type aliases."""
    waiting: list[ast.AST] = [tree]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.JoinedStr):
            continue
        yield node
        passed_over = {id(annotation) for annotation in _annotations(node)}
        children = [one for one in ast.iter_child_nodes(node) if id(one) not in passed_over]
        waiting.extend(reversed(children))


def _annotations(node: ast.AST) -> Iterator[ast.AST]:
    for name in ("annotation", "returns"):
        annotation = getattr(node, name, None)
        if annotation is not None:
            yield annotation
    yield from getattr(node, "decorator_list", ())
    yield from getattr(node, "bases", ())


def _replacements(node: ast.AST) -> Iterator[ast.AST]:
    if isinstance(node, ast.Compare):
        for place, comparison in enumerate(node.ops):
            if type(comparison) in COMPARISONS:
                yield _with(node, _setting_item("ops", place, COMPARISONS[type(comparison)]()))
    elif isinstance(node, ast.BinOp | ast.AugAssign) and type(node.op) in ARITHMETIC:
        yield _with(node, _setting("op", ARITHMETIC[type(node.op)]()))
    elif isinstance(node, ast.BoolOp):
        yield _with(node, _setting("op", CONNECTIVES[type(node.op)]()))
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield node.operand
    elif isinstance(node, ast.Constant) and isinstance(node.value, int):
        yield ast.Constant(not node.value if isinstance(node.value, bool) else node.value + 1)
    elif isinstance(node, ast.Name) and node.id in CHOICES:
        yield ast.Name(CHOICES[node.id], node.ctx)
    elif isinstance(node, ast.If | ast.IfExp | ast.While):
        yield _with(node, _setting("test", ast.UnaryOp(ast.Not(), node.test)))
    elif isinstance(node, ast.Raise) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ):
        yield ast.Pass()


def _with(node: ast.AST, change: Callable[[ast.AST], None]) -> ast.AST:
    changed = copy.deepcopy(node)
    change(changed)
    return changed


def _setting(name: str, value: object) -> Callable[[ast.AST], None]:
    return lambda one: setattr(one, name, value)


def _setting_item(name: str, place: int, value: object) -> Callable[[ast.AST], None]:
    return lambda one: getattr(one, name).__setitem__(place, value)


def _mutation(path: Path, text: str, node: ast.AST, replacement: ast.AST) -> Mutation:
    if isinstance(node, ast.If | ast.While) and isinstance(replacement, ast.If | ast.While):
        # Its head alone: the body stays as it is written.
        node, replacement = node.test, replacement.test
    start, end = _span(text, node)
    before = text[start:end]
    after = ast.unparse(replacement)
    if isinstance(node, ast.expr) and not isinstance(node, ast.Constant | ast.Name):
        after = f"({after})"
    changed = text[:start] + after + text[end:]
    around = _lines(text)[0][node.lineno - 1].strip()  # type: ignore[attr-defined]
    return Mutation(path, node.lineno, around, " ".join(before.split()), after, changed)  # type: ignore[attr-defined]


def _span(text: str, node: ast.AST) -> tuple[int, int]:
    """Where the node begins and ends in the text."""
    lines, starts = _lines(text)
    places = ((node.lineno, node.col_offset), (node.end_lineno, node.end_col_offset))  # type: ignore[attr-defined]
    start, end = (
        # Columns count bytes.
        starts[line - 1] + len(lines[line - 1].encode()[:column].decode())
        for line, column in places
    )
    return start, end


@lru_cache(maxsize=1)
def _lines(text: str) -> tuple[list[str], list[int]]:
    lines = text.splitlines(keepends=True)
    return lines, [0, *accumulate(map(len, lines))]
