from collections.abc import Iterator

import pytest

from tests.mutants.mutations import DOMAIN
from tests.mutants.trying import ROOT
from tests.mutants.warm import WarmTests, module_of

PATH = DOMAIN / "availability.py"
SOUND = PATH.read_text()
TESTS = [[str(ROOT / "tests" / "inventory" / "domain" / "test_availability.py")]]


@pytest.fixture(scope="module")
def warm() -> Iterator[WarmTests]:
    with WarmTests() as opened:
        yield opened


def test_a_module_is_known_by_the_name_by_which_it_is_imported() -> None:
    assert module_of(PATH) == "ordermesh.inventory.domain.availability"
    assert module_of(DOMAIN / "errors" / "__init__.py") == "ordermesh.inventory.domain.errors"


def test_the_program_as_it_is_passes_before_and_after_a_mutant(warm: WarmTests) -> None:
    broken = SOUND.replace("max(0,", "min(0,")

    assert not warm.attempt(PATH, SOUND, TESTS, 60).is_caught
    trial = warm.attempt(PATH, broken, TESTS, 60)
    assert not warm.attempt(PATH, SOUND, TESTS, 60).is_caught

    assert broken != SOUND
    assert trial.is_caught
    assert "test_what_can_be_promised" in trial.said


def test_every_group_of_tests_is_asked_until_one_fails(warm: WarmTests) -> None:
    other = [str(ROOT / "tests" / "inventory" / "domain" / "test_quarantine.py")]
    broken = SOUND.replace("max(0,", "min(0,")

    assert not warm.attempt(PATH, broken, [other], 60).is_caught
    assert warm.attempt(PATH, broken, [other, *TESTS], 60).is_caught


def test_what_cannot_be_imported_or_never_ends_is_caught(warm: WarmTests) -> None:
    assert warm.attempt(PATH, "no program", TESTS, 60).is_caught
    assert warm.attempt(PATH, "while True: pass", TESTS, 1).said == "the tests did not end"


def test_tests_that_are_not_there_say_nothing_of_a_mutant(warm: WarmTests) -> None:
    with pytest.raises(RuntimeError, match="did not run"):
        warm.attempt(PATH, SOUND, [["tests/nowhere.py"]], 60)
