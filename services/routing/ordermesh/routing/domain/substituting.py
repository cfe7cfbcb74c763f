"""What is sent instead of what was ordered, where rules and the customer allow it.

A line is filled with one item throughout. So an order with lines that may be filled with something
else is as many questions as there are choices; each is decided by itself, and the best decision of
all is the one that is made. Where there are too many choices, the last lines are filled as they
were ordered, and the decision claims no optimum.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, product
from math import prod

from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.domain.decision import DecidedSubstitution, Decision, Outcome
from ordermesh.routing.domain.item import Item
from ordermesh.routing.domain.order import FrozenComponent
from ordermesh.routing.domain.price import Price
from ordermesh.routing.domain.question import Question, Units
from ordermesh.routing.domain.record import Replaced
from ordermesh.routing.domain.rules.result import Evaluation, Note, RuleAdjustment
from ordermesh.routing.domain.rules.rule import Purpose
from ordermesh.routing.domain.rules.substitute import Offered, PaidFor, When
from ordermesh.routing.domain.wanted import Wanted

CHOICES_MAX = 64
"""So many choices of what lines are filled with are compared at most."""

Worth = Callable[[Decision], tuple[int, ...]]
"""What a decision is compared by: less is better."""

Choice = Mapping[str, Offered]
"""By line: what is sent instead; the others are filled as they were ordered."""


def most_wanted(question: Question, offered: Iterable[Offered]) -> dict[str, int]:
    """Units of each substitute, were every line that could be to be filled with it."""
    units = {one.line.line_id: one.units for one in question.wanted}
    most: dict[str, int] = {}
    for one in offered:
        sku, each = one.substitute.sku, one.substitute.units_each
        most[sku] = most.get(sku, 0) + sum(units[one.line_id].values()) * each
    return most


@dataclass(frozen=True)
class Choices:
    """What is compared; ``left_out`` are lines that could have been filled with more."""

    choices: tuple[Choice, ...]
    left_out: tuple[str, ...]


def choices(
    question: Question, evaluation: Evaluation, items: Mapping[str, Item], decision: Decision
) -> Choices:
    """What else lines could be filled with when ``decision`` is the best as it was ordered.

    Those that replace least come first. Of several rules that offer the same for a line the first
    one counts; an item that is not known here, is not sold or is a kit is offered by none.
    """
    short = _short(question, decision)
    by_line: dict[str, dict[str, Offered]] = {}
    for one in evaluation.offered:
        item = items.get(one.substitute.sku)
        if item is None or not item.is_sellable or item.components:
            continue
        by_line.setdefault(one.line_id, {}).setdefault(item.sku, one)
    usable = {
        line_id: found
        for line_id, offers in by_line.items()
        if (
            found := [
                one
                for one in offers.values()
                if one.substitute.when is When.CHEAPER or line_id in short
            ]
        )
    }
    left_out = []
    while prod(len(offers) + 1 for offers in usable.values()) > CHOICES_MAX:
        left_out.append(list(usable)[-1])
        del usable[left_out[-1]]
    return Choices(tuple(_combined(usable)), tuple(reversed(left_out)))


def _combined(usable: Mapping[str, Sequence[Offered]]) -> Iterator[Choice]:
    for number in range(1, len(usable) + 1):
        for lines in combinations(usable, number):
            for picked in product(*(usable[line_id] for line_id in lines)):
                yield dict(zip(lines, picked, strict=True))


def _short(question: Question, decision: Decision) -> Collection[str]:
    """The lines of the items of which something is unfilled."""
    left = {line.line_id for line in decision.unfilled_lines}
    skus = {one.line.sku for one in question.wanted if one.line.line_id in left}
    return {one.line.line_id for one in question.wanted if one.line.sku in skus}


def replaced(question: Question, choice: Choice, items: Mapping[str, Item]) -> Question:
    """The question as if the substitutes had been ordered."""
    wanted = tuple(
        _instead(one, choice[one.line.line_id], items) if one.line.line_id in choice else one
        for one in question.wanted
    )
    return replace(question, wanted=wanted)


def _instead(wanted: Wanted, offered: Offered, items: Mapping[str, Item]) -> Wanted:
    line, substitute = wanted.line, offered.substitute
    sku, each = substitute.sku, substitute.units_each
    made = replace(
        line,
        sku=sku,
        keep_together=line.keep_together or items[sku].keep_together,
        # So many that stand for one leave together, like a kit.
        components=() if each == 1 else (FrozenComponent(sku, each, None),),
        components_may_split=False,
    )
    return Wanted(made, {sku: wanted.units[line.sku] * each})


def charged(evaluation: Evaluation, choice: Choice, stock: Units) -> Evaluation:
    """What rules do to the question of a choice, with what its substitutes cost besides."""
    charges = [
        RuleAdjustment(
            one.rule_id,
            Purpose.PREFERENCE,
            location_id,
            line_id,
            per_unit=one.substitute.per_unit,
        )
        for line_id, one in choice.items()
        if one.substitute.per_unit
        for location_id, held in sorted(stock.items())
        if held.get(one.substitute.sku, 0) > 0
    ]
    return replace(evaluation, adjustments=(*evaluation.adjustments, *charges))


def by_tiers(decision: Decision) -> tuple[int, ...]:
    """What a decision comes to in what is minimised, the first tier before all others."""
    if len(decision.tiers) > 1:
        return tuple(tier.value for tier in decision.tiers)
    return (decision.cost,)


def settled(
    ordered: Evaluation,
    chosen: Evaluation,
    choice: Choice,
    decision: Decision,
) -> Evaluation:
    """What the rules did in all: those that offer substitutes were asked about what was ordered."""
    used = {one.rule_id for one in choice.values()}
    offering = {one.rule_id for one in ordered.reports if one.effect == "SUBSTITUTE"}
    first = tuple(
        replace(one, applied=one.rule_id in used)
        for one in ordered.reports
        if one.rule_id in offering
    )
    rest = tuple(one for one in chosen.reports if one.effect != "SUBSTITUTE")
    said = tuple(Note(one.rule_id, one.sentence) for one in decision.substitutions)
    return replace(chosen, reports=(*first, *rest), remarks=(*ordered.remarks, *said))


def told(
    decision: Decision,
    compared: Sequence[tuple[Choice, Decision]],
    question: Question,
    choice: Choice,
    items: Mapping[str, Item],
) -> Decision:
    """The decision of a choice, which says what is sent instead of what, and why.

    ``compared`` are all choices with their decisions; the first one replaces nothing.
    """
    short = _short(question, compared[0][1])
    found = []
    for one in question.wanted:
        offered = choice.get(one.line.line_id)
        if offered is None:
            continue
        substitute, line = offered.substitute, one.line
        why = f"not all of {line.sku} can be had"
        if line.line_id not in short:
            why = _better(decision, compared, choice, line.line_id)
        times = "" if substitute.units_each == 1 else f"{substitute.units_each} of "
        found.append(
            DecidedSubstitution(
                line.line_id,
                line.sku,
                substitute.sku,
                substitute.units_each,
                one.units[line.sku],
                offered.rule_id,
                _paid(
                    line.unit_price, substitute.price, substitute.units_each, items[substitute.sku]
                ),
                f"line {line.line_id}: {times}{substitute.sku} for {line.sku}: {why}",
            )
        )
    return replace(decision, substitutions=tuple(found))


def _better(
    decision: Decision,
    compared: Sequence[tuple[Choice, Decision]],
    choice: Choice,
    line_id: str,
) -> str:
    """What a line is replaced for: what it saves when all others are filled as they are."""
    others = {name: one for name, one in choice.items() if name != line_id}
    without = next((one for other, one in compared if other == others), None)
    saving = 0 if without is None else without.cost - decision.cost
    if saving <= 0:
        return "what counts before cost is better so"
    return f"the order costs {to_decimal(Money(saving))} less so"


def _paid(price: Price | None, paid: PaidFor, each: int, item: Item) -> Price | None:
    """What the customer pays for each that was ordered."""
    if price is None or paid is PaidFor.AS_ORDERED:
        return price
    if item.value is None or item.value.currency_code != price.currency_code:
        return price
    return replace(price, amount=Money(min(price.amount, item.value.amount * each)))


def bounded(decision: Decision, others: Iterable[Decision], *, is_cut: bool) -> Decision:
    """The best of all decisions, with what is proven of all of them together."""
    unproven = [one for one in others if one.outcome is Outcome.FEASIBLE]
    if not is_cut and not unproven:
        return decision
    bound: Money | None = None
    if not is_cut and len(decision.tiers) <= 1:
        bounds = [one.bound for one in (decision, *unproven)]
        known = [one for one in bounds if one is not None]
        bound = min(known) if len(known) == len(bounds) else None
    return replace(decision, bound=bound, outcome=_unproven(decision.outcome))


def _unproven(outcome: Outcome) -> Outcome:
    return Outcome.FEASIBLE if outcome is Outcome.OPTIMAL else outcome


def of_record(decision: Decision, name: Callable[[str], str]) -> tuple[Replaced, ...]:
    """What the record keeps of substitutions, by the ``name`` that a line has in its problem."""
    return tuple(
        Replaced(name(one.line_id), one.ordered_sku, one.sku, one.units_each)
        for one in decision.substitutions
    )
