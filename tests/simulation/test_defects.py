"""Defects on purpose: each can be planted into today's product, and is taken out again."""

import sys

import pytest

from tests.simulation.defects import DEFECTS, judge, plant
from tests.simulation.running import run

QUICK = "peers are told nothing"


def product() -> dict[str, object]:
    """What the modules of the product have, with its code, by where it is; without contracts."""
    found: dict[str, object] = {}
    for module_name, module in list(sys.modules.items()):
        if not module_name.startswith("ordermesh.") or module_name.startswith("ordermesh.api."):
            continue
        for name, value in list(vars(module).items()):
            found[f"{module_name}.{name}"] = value
            # What is only imported here is looked into where it is made.
            if getattr(value, "__module__", "") == module_name:
                parts = vars(value) if isinstance(value, type) else {"": value}
                for part, inner in list(parts.items()):
                    function = getattr(inner, "__func__", inner)
                    found[f"{module_name}.{name}.{part}"] = getattr(function, "__code__", function)
    return found


def differing(before: dict[str, object], after: dict[str, object]) -> list[str]:
    """Where the product is not the same."""
    return [name for name in {*before, *after} if before.get(name) is not after.get(name)]


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_can_be_planted_and_leaves_nothing_behind(name: str) -> None:
    sound = product()

    with plant(name):
        assert differing(sound, product())

    assert not differing(sound, product())


def test_a_defect_is_noticed_and_the_product_is_sound_again_after_it() -> None:
    verdict = judge(QUICK, seeds_max=1)
    assert verdict.seeds == 1
    assert "never heard of" in verdict.sentence
    assert not run(1).violations


def test_a_defect_that_nothing_notices_is_told() -> None:
    assert judge(QUICK, seeds_max=0).seeds == 0


def test_there_are_enough_defects() -> None:
    assert len(DEFECTS) >= 16
