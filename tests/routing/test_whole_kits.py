"""Kits whose components may leave apart: which of them are sent whole, and what is said of that."""

import itertools
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest

from ordermesh.routing.domain.costs import unfilled_penalty
from ordermesh.routing.domain.decision import Decision, Outcome
from ordermesh.routing.domain.framing import frame
from ordermesh.routing.domain.known import Known
from ordermesh.routing.domain.order import FrozenComponent, OrderLine
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.rules.evaluation import Rulebook
from ordermesh.routing.domain.terms import Term, Tier, Weighted
from ordermesh.routing.domain.wanted import Wanted
from ordermesh.routing.operations.deciding import Deciding
from ordermesh.routing.ports.stock import Availability
from ordermesh.routing.solver.solve import solve
from tests.routing.ruled import scene

DECIDE = Deciding(solve, {})

Stock = Mapping[str, Mapping[str, int]]


def kits(line_id: str, quantity: int, **parts: int) -> Wanted:
    """So many kits of these parts, which may leave apart."""
    components = tuple(FrozenComponent(sku, number, None) for sku, number in parts.items())
    line = OrderLine(
        line_id, f"KIT-{line_id}", quantity, components=components, components_may_split=True
    )
    return Wanted(line, {sku: number * quantity for sku, number in parts.items()})


def asked(seed: int, *wanted: Wanted) -> tuple[Question, Known, Stock]:
    """These lines in a network drawn from a seed, with its stock, under no rules and limits."""
    drawn = scene(seed)
    policy = replace(drawn.known.policy, rules=(), stages=(), tiers=(), shipments_max=0)
    network = tuple(replace(one, capacities=()) for one in drawn.known.network)
    known = replace(
        drawn.known, policy=policy, network=network, rulebook=Rulebook((), {}), instead={}
    )
    return replace(drawn.question, wanted=wanted), known, drawn.stock


def decided(question: Question, known: Known, stock: Stock) -> Decision:
    return DECIDE.decide(question, known, Availability(stock, 7), None)


def least(question: Question, known: Known, stock: Stock) -> int:
    """What the best numbers of whole kits cost, found by trying all."""
    problem = frame(question, known, stock).problem
    found = []
    for numbers in itertools.product(*(range(one.line.quantity + 1) for one in question.wanted)):
        penalty, some = 0, []
        for one, number in zip(question.wanted, numbers, strict=True):
            per_kit = one.line.per_kit
            penalty += (one.line.quantity - number) * sum(
                unfilled_penalty(problem.costs, group) * per_kit[group.parts[0].sku]
                for group in problem.groups
                if group.line_id == one.line.line_id
            )
            if number:
                units = {sku: each * number for sku, each in per_kit.items()}
                some.append(replace(one, units=units))
        if not some:
            found.append(penalty)
            continue
        decision = decided(replace(question, wanted=tuple(some)), known, stock)
        if not decision.unfilled_lines:
            found.append(decision.cost + penalty)
    return min(found)


@pytest.mark.parametrize(("possible", "other"), [("1", "2"), ("2", "1")])
def test_a_kit_that_can_be_sent_is_sent_though_another_wants_its_parts(
    possible: str, other: str
) -> None:
    wanted = sorted(
        (kits(possible, 1, A=1, B=1), kits(other, 1, A=2, C=1)), key=lambda one: one.line.line_id
    )
    question, known, _ = asked(62, *wanted)

    decision = decided(question, known, {"X": {"C": 1}, "Y": {"A": 1, "B": 1, "C": 2}})

    assert decision.outcome is not Outcome.INFEASIBLE
    assert {line.line_id for one in decision.shipments for line in one.lines} == {possible}
    assert {one.line_id for one in decision.unfilled_lines} == {other}


@pytest.mark.parametrize("start", range(0, 60, 20))
def test_what_is_called_best_of_orders_with_kits_is_the_best(start: int) -> None:
    for seed in range(start, start + 20):
        draw = random.Random(f"kits {seed}")
        wanted = [
            kits(
                str(number),
                draw.choice([1, 1, 2]),
                **{sku: draw.choice([1, 1, 2]) for sku in sorted(draw.sample("ABC", 2))},
            )
            for number in (1, 2)
        ]
        question, known, stock = asked(seed, *wanted)

        decision = decided(question, known, stock)

        best = least(question, known, stock)
        assert decision.bound is None or decision.bound <= best, seed
        if decision.outcome is Outcome.OPTIMAL:
            assert decision.cost == best, seed
        assert decision.shipments or decision.cost == best, seed


def test_kits_of_which_a_part_is_nowhere_are_best_not_sent() -> None:
    question, known, _ = asked(3, kits("1", 3, A=2, B=1))

    decision = decided(question, known, {"X": {"A": 9}})

    assert decision.outcome is Outcome.INFEASIBLE
    assert not decision.shipments
    assert decision.cost == decision.bound


def test_the_tiers_of_a_decision_count_the_kits_that_are_not_sent() -> None:
    question, known, _ = asked(3, kits("1", 2, A=1, B=1))
    tiers = (
        Tier("filled", (Weighted(Term.UNFILLED_UNITS),)),
        Tier("cost", (Weighted(Term.COST),)),
    )
    known = replace(known, policy=replace(known.policy, tiers=tiers))

    decision = decided(question, known, {"X": {"A": 2}, "Y": {"B": 1}})

    assert sum(one.unfilled for one in decision.unfilled_lines) == 2
    assert [one.value for one in decision.tiers] == [2, decision.cost]
