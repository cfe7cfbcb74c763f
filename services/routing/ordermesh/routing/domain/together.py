"""Lines that rules keep together: put to the solver as one, and told apart again in its answer.

What is one leaves from one location or not at all, so that each of its lines gets all of its units.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.decision import (
    DecidedParcel,
    DecidedShipment,
    Decision,
    PlannedLine,
    UnfilledLine,
)
from ordermesh.routing.domain.order import FrozenComponent, OrderLine
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.rounding import divide_half_even
from ordermesh.routing.domain.rules.result import Evaluation, RuleAdjustment
from ordermesh.routing.domain.wanted import Wanted


@dataclass(frozen=True)
class Bundles:
    """What was put together: the name that stands for each line, and what each name stands for.

    A bundle goes by the name of its first line; ``parts`` are units of its SKUs by line, in order.
    """

    name_of: Mapping[str, str] = field(default_factory=dict)
    parts: Mapping[str, Mapping[str, tuple[tuple[str, int], ...]]] = field(default_factory=dict)

    def name(self, line_id: str) -> str:
        """The name that stands for a line."""
        return self.name_of.get(line_id, line_id)


def bundled(question: Question, groups: Iterable[frozenset[str]]) -> tuple[Question, Bundles]:
    """The question with each group of lines as one; groups that share a line are one group."""
    by_id = {one.line.line_id: one for one in question.wanted}
    joined = [group for group in _joined(groups, by_id) if len(group) > 1]
    if not joined:
        return question, Bundles()
    name_of = {line_id: group[0] for group in joined for line_id in group}
    parts: dict[str, dict[str, tuple[tuple[str, int], ...]]] = {}
    wanted: list[Wanted] = []
    for one in question.wanted:
        name = name_of.get(one.line.line_id)
        if name is None:
            wanted.append(one)
        elif name == one.line.line_id:
            members = [by_id[line_id] for line_id in by_id if name_of.get(line_id) == name]
            parts[name] = _parts(members)
            wanted.append(_bundle(one, parts[name]))
    rejected = tuple(
        dict.fromkeys(
            (location_id, name_of.get(line_id, line_id), reason)
            for location_id, line_id, reason in question.rejected
        )
    )
    return replace(question, wanted=tuple(wanted), rejected=rejected), Bundles(name_of, parts)


def _joined(groups: Iterable[frozenset[str]], by_id: Mapping[str, Wanted]) -> list[list[str]]:
    """Groups of lines of the question, each line in one of them, in the order of the question."""
    merged: list[set[str]] = []
    for group in groups:
        here = set(group) & by_id.keys()
        apart = [other for other in merged if not other & here]
        for other in merged:
            if other & here:
                here |= other
        merged = [*apart, here]
    return [[line_id for line_id in by_id if line_id in group] for group in merged]


def _parts(members: Iterable[Wanted]) -> dict[str, tuple[tuple[str, int], ...]]:
    parts: dict[str, tuple[tuple[str, int], ...]] = {}
    for one in members:
        for sku, units in one.units.items():
            parts[sku] = (*parts.get(sku, ()), (one.line.line_id, units))
    return parts


def _bundle(first: Wanted, parts: Mapping[str, tuple[tuple[str, int], ...]]) -> Wanted:
    units = {sku: sum(count for _, count in shares) for sku, shares in parts.items()}
    line = OrderLine(
        line_id=first.line.line_id,
        sku=first.line.sku,
        quantity=1,
        keep_together=True,
        components=tuple(FrozenComponent(sku, count, None) for sku, count in units.items()),
    )
    return Wanted(line, units)


def renamed(evaluation: Evaluation, bundles: Bundles) -> Evaluation:
    """What rules do, said of bundles: what is taken from one line is taken from all of them.

    Money for units of some lines becomes money for all units of the bundle, rounded half to even.
    """
    if not bundles.parts:
        return evaluation
    removals = tuple(
        replace(one, line_ids=tuple(dict.fromkeys(map(bundles.name, one.line_ids))))
        for one in evaluation.removals
    )
    apart = tuple(
        (rule_id, frozenset(map(bundles.name, lines))) for rule_id, lines in evaluation.limits.apart
    )
    return replace(
        evaluation,
        removals=removals,
        limits=replace(evaluation.limits, apart=apart),
        adjustments=tuple(_adjusted(evaluation.adjustments, bundles)),
    )


def _adjusted(adjustments: Iterable[RuleAdjustment], bundles: Bundles) -> Iterable[RuleAdjustment]:
    for one in adjustments:
        name = bundles.name(one.line_id)
        parts = bundles.parts.get(name)
        if not one.line_id or parts is None:
            yield one
            continue
        shares = [share for listed in parts.values() for share in listed]
        own = sum(units for line_id, units in shares if line_id == one.line_id)
        amount = divide_half_even(one.per_unit * own, sum(units for _, units in shares))
        yield replace(one, line_id=name, per_unit=Money(amount))


def told_apart(decision: Decision, bundles: Bundles) -> Decision:
    """The decision with the lines that were asked for."""
    if not bundles.parts:
        return decision
    return replace(
        decision,
        shipments=tuple(_shipment(one, bundles) for one in decision.shipments),
        unfilled_lines=tuple(
            line for one in decision.unfilled_lines for line in _unfilled(one, bundles)
        ),
    )


def _shipment(shipment: DecidedShipment, bundles: Bundles) -> DecidedShipment:
    return replace(
        shipment,
        lines=_lines(shipment.lines, _left(bundles)),
        parcels=_parcels(shipment.parcels, bundles),
    )


def _left(bundles: Bundles) -> dict[tuple[str, str], list[tuple[str, int]]]:
    """Units of each bundle and SKU that are still to be given to lines."""
    return {
        (name, sku): list(shares)
        for name, by_sku in bundles.parts.items()
        for sku, shares in by_sku.items()
    }


def _parcels(parcels: Iterable[DecidedParcel], bundles: Bundles) -> tuple[DecidedParcel, ...]:
    left = _left(bundles)
    return tuple(replace(parcel, lines=_lines(parcel.lines, left)) for parcel in parcels)


def _lines(
    lines: Iterable[PlannedLine], left: dict[tuple[str, str], list[tuple[str, int]]]
) -> tuple[PlannedLine, ...]:
    found: list[PlannedLine] = []
    for one in lines:
        shares = left.get((one.line_id, one.sku))
        if shares is None:
            found.append(one)
            continue
        rest = one.quantity
        while rest and shares:
            line_id, units = shares.pop(0)
            taken = min(rest, units)
            rest -= taken
            found.append(PlannedLine(line_id, one.sku, taken))
            if units > taken:
                shares.insert(0, (line_id, units - taken))
    return tuple(found)


def _unfilled(line: UnfilledLine, bundles: Bundles) -> Iterable[UnfilledLine]:
    shares = bundles.parts.get(line.line_id, {}).get(line.sku)
    if shares is None:
        yield line
        return
    for line_id, units in shares:
        yield replace(line, line_id=line_id, wanted=units, unfilled=units)
