"""Defects on purpose: each can be planted into today's product, and is taken out again."""

import pytest

from tests.simulation.defects import DEFECTS, judge, plant
from tests.simulation.running import run

QUICK = "peers are told nothing"


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_can_be_planted_and_leaves_nothing_behind(name: str) -> None:
    with plant(name):
        pass


def test_a_defect_is_noticed_and_the_product_is_sound_again_after_it() -> None:
    verdict = judge(QUICK, seeds_max=1)
    assert verdict.seeds == 1
    assert "never heard of" in verdict.sentence
    assert not run(1).violations


def test_a_defect_that_nothing_notices_is_told() -> None:
    assert judge(QUICK, seeds_max=0).seeds == 0


def test_there_are_enough_defects() -> None:
    assert len(DEFECTS) >= 16
