import ast
from pathlib import Path

import pytest

from tests.mutants.defects import DEFECTS, Defect
from tests.mutants.mutations import DOMAIN, mutations_of
from tests.mutants.survivors import REASONS

PROGRAM = '''"""Words."""

LIMIT: int = 3


def available(on_hand: int, reserved: int) -> int:
    """At least 0 units."""
    if not reserved and on_hand >= LIMIT:
        return max(0, on_hand - reserved)
    raise ValueError(f"{on_hand} < {reserved}")
'''


@pytest.fixture
def program(tmp_path: Path) -> Path:
    path = tmp_path / "program.py"
    path.write_text(PROGRAM)
    return path


def test_each_mutant_differs_from_the_program_in_one_place_and_can_be_read(program: Path) -> None:
    found = mutations_of(program)

    assert [f"{one.line}: {one.before} -> {one.after}" for one in found] == [
        "3: 3 -> 4",
        "8: not reserved and on_hand >= LIMIT -> (not (not reserved and on_hand >= LIMIT))",
        "8: not reserved and on_hand >= LIMIT -> (not reserved or on_hand >= LIMIT)",
        "8: not reserved -> (reserved)",
        "8: on_hand >= LIMIT -> (on_hand > LIMIT)",
        "9: max -> min",
        "9: 0 -> 1",
        "9: on_hand - reserved -> (on_hand + reserved)",
        '10: raise ValueError(f"{on_hand} < {reserved}") -> pass',
    ]
    for one in found:
        ast.parse(one.text)
        changed = [
            line
            for line, (before, after) in enumerate(
                zip(PROGRAM.splitlines(), one.text.splitlines(), strict=True), start=1
            )
            if before != after
        ]
        assert changed == [one.line]


def test_every_seeded_defect_still_has_the_place_where_it_is_planted() -> None:
    lost = [one.name for one in DEFECTS if one.path.read_text().count(one.sound) != 1]

    assert lost == []
    assert len({one.name for one in DEFECTS}) == len(DEFECTS) >= 12


def test_every_survivor_with_a_reason_is_still_a_mutant() -> None:
    mutants = {one.name for path in DOMAIN.rglob("*.py") for one in mutations_of(path)}

    assert REASONS.keys() <= mutants


def test_a_defect_without_a_place_is_told_and_not_counted_as_caught(program: Path) -> None:
    with pytest.raises(ValueError, match="has not once"):
        Defect("lost", program, "no such text", "", []).attempt(1.0)
