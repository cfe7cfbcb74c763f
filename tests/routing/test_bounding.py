"""Prices of stock and labor: what they prove grows, whatever it is that is to be reached."""

from dataclasses import replace

import numpy as np
import pytest

from ordermesh.routing.domain.batch.cells import cells_of
from ordermesh.routing.domain.batch.instance import Batch
from ordermesh.routing.domain.batch.verification import bound_of
from ordermesh.routing.solver.batch.bounding import Bound, Pricing
from tests.routing.batches import draw_small, optimum


def improved(batch: Batch, target: int, passes: int) -> Bound:
    return Pricing(cells_of(batch), batch.capacities, map).improve(target, passes, 1.0)


@pytest.mark.parametrize("seed", range(3))
def test_a_target_far_above_the_cheapest_plan_wastes_few_passes(seed: int) -> None:
    # Who audits begins with what happened, and that may cost half as much again.
    batch = draw_small(seed, orders=80, locations=6)
    nothing = np.zeros(len(batch.capacities), np.int64)
    bare = bound_of(batch, nothing.tolist())
    known = improved(batch, 3 * bare, 400).value

    found = improved(batch, 3 * bare, 60)

    assert bare < found.value <= known
    assert found.value - bare >= 0.8 * (known - bare)


def test_what_is_proven_is_what_the_prices_prove() -> None:
    batch = draw_small(4, orders=40)

    found = improved(batch, 10**9, 40)

    assert found.value == bound_of(batch, found.prices.tolist())
    assert (found.prices >= 0).all()


@pytest.mark.parametrize("seed", [3, 6, 7, 10, 11, 12, 13, 22, 24, 26, 27, 28])
def test_prices_are_what_a_unit_more_saves_and_a_unit_less_costs(seed: int) -> None:
    """Both are solved for again by the compact programme; prices are as exact as their bound."""
    batch = draw_small(seed, orders=8, locations=4, skus=3, atoms=2)
    single = replace(batch.atoms, units=np.ones_like(batch.atoms.units))
    batch = replace(batch, atoms=single)
    cheapest = cost(batch)
    found = improved(batch, cheapest, 400)
    gap = cheapest - found.value
    assert 0 <= gap <= cheapest // 2_000

    compared = 0
    for resource in np.flatnonzero(found.prices).tolist():
        price, units = int(found.prices[resource]), int(batch.capacities[resource])
        # Where one order alone could not have it all, a unit more is more than a unit more.
        if alone(batch, resource) <= units:
            assert cheapest - cost(changed(batch, resource, 1)) <= price + gap
            compared += 1
        if alone(batch, resource) < units:
            assert price - gap <= cost(changed(batch, resource, -1)) - cheapest
    assert compared


def cost(batch: Batch) -> int:
    """What the cheapest plan costs."""
    found = optimum(batch)
    assert found.is_closed
    return found.proven


def changed(batch: Batch, resource: int, by: int) -> Batch:
    """The batch with so many units more of a row of stock, or of a location's labor."""
    place = resource - len(batch.stock.units)
    if place < 0:
        units = batch.stock.units.copy()
        units[resource] += by
        return replace(batch, stock=replace(batch.stock, units=units))
    capacity = batch.locations.capacity.copy()
    capacity[place] += by
    return replace(batch, locations=replace(batch.locations, capacity=capacity))


def alone(batch: Batch, resource: int) -> int:
    """The most units of it that a single order could want."""
    units = batch.atoms.units
    if resource < len(batch.stock.units):
        units = np.where(batch.atoms.item == batch.stock.item[resource], units, 0)
    return int(np.bincount(batch.order_of_atom, units).max())
