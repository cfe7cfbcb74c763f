"""Plain orders are solved in one pass: the same optimum and margins as the long way gives."""

import random
from dataclasses import replace

import pytest

from ordermesh.kernel.money import Money
from ordermesh.routing.bench.drawing import draw_order
from ordermesh.routing.domain.problem import Adjustment, AdjustmentKind, Problem
from ordermesh.routing.domain.rates import declared_costs
from ordermesh.routing.domain.scale import scale_of
from ordermesh.routing.solver import reference
from ordermesh.routing.solver.exact import Exact
from ordermesh.routing.solver.plain import solve_plain
from ordermesh.routing.solver.reference import solve_exactly
from ordermesh.routing.solver.tables import tables_of


def draw_plain(seed: int) -> Problem:
    """An order with repeated atoms, credits and scarce stock; all of it goes into one parcel."""
    draw = random.Random(seed)
    drawn = draw_order(draw, draw.randint(1, 5), draw.randint(1, 40), draw.choice([0.2, 0.5, 0.9]))
    groups = tuple(replace(group, atoms=draw.choice([1, 1, 2, 3])) for group in drawn.groups)
    candidates = tuple(
        replace(
            one,
            adjustments=(
                Adjustment(AdjustmentKind.MARKDOWN, "00", Money(-draw.choice([5_000, 30_000]))),
            ),
        )
        if draw.random() < 0.3
        else one
        for one in drawn.candidates
    )
    return replace(drawn, groups=groups, candidates=candidates, all_or_nothing=draw.random() < 0.3)


def the_long_way(problem: Problem, monkeypatch: pytest.MonkeyPatch) -> Exact | None:
    with monkeypatch.context() as patched:
        patched.setattr(reference, "solve_plain", lambda *_, **__: None)
        return solve_exactly(problem, scale_of(problem))


@pytest.mark.parametrize("seed", range(150))
def test_a_plain_order_has_the_same_optimum_and_margins_the_long_way(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    problem = draw_plain(seed)

    found, expected = solve_exactly(problem, scale_of(problem)), the_long_way(problem, monkeypatch)

    assert found is not None
    assert expected is not None
    assert (found.value, found.bound, found.margins) == (
        expected.value, expected.bound, expected.margins,
    )  # fmt: skip
    assert found.assignment == expected.assignment


def test_most_drawn_orders_are_plain() -> None:
    drawn = [draw_plain(seed) for seed in range(150)]
    assert sum(map(is_plain, drawn)) > 100


def is_plain(problem: Problem) -> bool:
    return (
        solve_plain(problem, tables_of(problem, scale_of(problem)), with_margins=False) is not None
    )


def test_where_labor_is_short_it_is_given_back() -> None:
    drawn = draw_order(random.Random(1), 3, 20, 0.9)
    short = tuple(replace(one, capacity_units=1) for one in drawn.candidates)

    assert is_plain(drawn)
    assert not is_plain(replace(drawn, candidates=short))


def test_where_one_parcel_is_too_small_it_is_given_back() -> None:
    drawn = draw_order(random.Random(1), 3, 20, 0.9)
    grams = sum(group.grams * group.atoms for group in drawn.groups)

    for limit, fits in ((grams, True), (grams - 1, False)):
        costs = declared_costs(parcel_limit_grams=limit)
        assert is_plain(replace(drawn, costs=costs)) is fits
