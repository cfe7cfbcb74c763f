"""Tests that take turns on the databases: none is left out on both, and about half on each."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from tests import turns


def item(folder: str, name: str, dialect: str | None) -> Any:
    """What is collected of a test on a database; None: of one that asks for none."""
    asked = SimpleNamespace(params={"dialect": dialect}) if dialect else None
    where = f"tests/{folder}/test_x.py"
    nodeid = f"{where}::{name}" + (f"[{dialect}]" if dialect else "")
    collected = SimpleNamespace(nodeid=nodeid, path=Path(where))
    return SimpleNamespace(**vars(collected), callspec=asked) if asked else collected


def pair(folder: str, name: str) -> list[Any]:
    return [item(folder, name, dialect) for dialect in ("sqlite", "postgresql")]


def test_each_test_runs_on_one_database_and_half_of_them_on_each() -> None:
    pairs = [pair("routing", f"test_{number}") for number in range(400)]

    gone = [one.nodeid for one in turns.left_out([one for both in pairs for one in both])]

    assert [sum(one.nodeid in gone for one in both) for both in pairs] == [1] * 400
    assert 150 < sum("sqlite" in one for one in gone) < 250


def test_it_is_the_same_one_in_every_run() -> None:
    one, other = pair("returns", "test_it"), pair("returns", "test_it")

    (first,), (second,) = turns.left_out(one), turns.left_out(reversed(other))

    assert first.nodeid == second.nodeid


def test_what_runs_on_one_database_only_or_on_none_or_elsewhere_stays() -> None:
    alone = [item("notify", "test_file", "sqlite"), item("routing", "test_plain", None)]

    assert not list(turns.left_out([*alone, *pair("inventory", "test_it"), *pair("mesh", "x")]))
