"""The lines of an order as groups of what leaves together."""

from collections.abc import Iterable

from ordermesh.routing.domain.errors.requests import DuplicateEntry, FieldViolation
from ordermesh.routing.domain.problem import Group, Part
from ordermesh.routing.domain.sourcing import SourcingComponent, SourcingLine, SourcingOrder


def groups_of(order: SourcingOrder) -> tuple[Group, ...]:
    """The lines as groups of atoms, in canonical order.

    Raises ``FieldViolation`` without lines and for a number out of range, ``DuplicateEntry``.
    """
    if not any(line.quantity > 0 for line in order.lines):
        sentence = "The order has no line of positive quantity."
        raise FieldViolation("lines", "min_items", sentence)
    refuse_repeated("lines.line_id", (line.line_id for line in order.lines))
    groups: list[Group] = []
    for line in order.lines:
        parts = line.parts
        if line.quantity <= 0 or any(part.quantity <= 0 for part in parts):
            sentence = f"A quantity of line {line.line_id} is not positive."
            raise FieldViolation("lines.quantity", "gt", sentence)
        if any(part.weight_grams < 0 or part.cubic_mm < 0 for part in parts):
            sentence = f"A weight or size of line {line.line_id} is negative."
            raise FieldViolation("lines.weight_grams", "gte", sentence)
        refuse_repeated("lines.components.sku", (part.sku for part in parts))
        groups.extend(_groups_of(line, parts))
    return tuple(sorted(groups, key=lambda group: group.name))


def refuse_repeated(field: str, values: Iterable[str]) -> None:
    """Raise ``DuplicateEntry`` for a name that is there twice."""
    seen: set[str] = set()
    for value in values:
        if value in seen:
            raise DuplicateEntry(field, value)
        seen.add(value)


def _groups_of(line: SourcingLine, parts: tuple[SourcingComponent, ...]) -> list[Group]:
    """One group for the line, or one for each component where the kit may be split."""
    if line.components and line.components_may_split:
        return [_alone(line, part) for part in parts]
    atoms, per_atom = (line.quantity, 1) if line.divisible else (1, line.quantity)
    ordered = sorted(parts, key=lambda part: part.sku)
    together = tuple(
        Part(part.sku, part.quantity * per_atom, part.weight_grams, part.cubic_mm)
        for part in ordered
    )
    return [Group(line.line_id, together, atoms, line.category)]


def _alone(line: SourcingLine, part: "SourcingComponent") -> Group:
    """A component that may leave without the rest of its kit, as a group of its own."""
    units = part.quantity * line.quantity
    atoms, per_atom = (units, 1) if line.divisible else (1, units)
    alone = Part(part.sku, per_atom, part.weight_grams, part.cubic_mm)
    return Group(line.line_id, (alone,), atoms, line.category)
