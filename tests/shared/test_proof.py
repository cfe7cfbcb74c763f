"""A stranger's check of exported decisions: honest ones pass, changed ones are refused."""

import json
import random
import re
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from ordermesh.client import proof
from ordermesh.client.optimum import optimum
from ordermesh.routing.domain.canonical import plain
from ordermesh.routing.domain.inputs import SourcingInputs
from ordermesh.routing.domain.plan import Status
from ordermesh.routing.domain.problem import Problem
from ordermesh.routing.domain.question import Question
from ordermesh.routing.domain.record import FORM, DecidedUnder, Record
from ordermesh.routing.domain.terms import PLAIN
from ordermesh.routing.solver.solve import solve
from ordermesh.routing.wire.record import exported, restored, stored
from tests.routing.rich import rich_problem
from tests.routing.scenes import random_inputs
from tests.routing.sourcing import HOME

NOW = datetime(2026, 11, 25, tzinfo=UTC)


def record_of(inputs: SourcingInputs) -> Record:
    solution = solve(inputs.problem)
    return Record(
        "d7c4ba11-4f1d-4d43-8f4f-3a2f6a6f8a11",
        NOW,
        DecidedUnder("default", 3, "USD"),
        42,
        Question("order-1", (), HOME, 3, "default"),
        inputs,
        solution.plan,
        solution.certificate,
    )


def of_problem(seed: int) -> dict[str, Any]:
    """A decision about everything at once, as it would be exported."""
    return told_of(rich_problem(seed))


def without_limits(wanted: Problem) -> Problem:
    """The same goods, places and prices, where cost is all that counts."""
    return replace(
        wanted,
        costs=replace(wanted.costs, parcel_limit_grams=None),
        tariffs=tuple(replace(one, grams_max=None) for one in wanted.tariffs),
        shipments_max=None,
        parcels_max=None,
        all_or_nothing=False,
        tiers=PLAIN,
    )


def told_of(wanted: Problem) -> dict[str, Any]:
    solution = solve(wanted)
    told: dict[str, Any] = {
        "form": FORM,
        "problem": wanted.canonical,
        "plan": plain(solution.plan),
        "certificate": plain(solution.certificate),
    }
    return sealed(told)


def sealed(told: dict[str, Any]) -> dict[str, Any]:
    rest = {name: value for name, value in told.items() if name != "seal"}
    rest = json.loads(json.dumps(rest))
    return {**rest, "seal": proof.digest(rest)}


def test_honest_decisions_of_every_kind_are_accepted() -> None:
    for seed in range(250):
        proof.check(of_problem(seed))
    for seed in range(60):
        proof.check(json.loads(exported(record_of(random_inputs(seed)))))


def test_a_record_is_restored_as_it_was_and_solves_to_the_same_plan() -> None:
    for seed in range(40):
        record = record_of(random_inputs(seed))

        again = restored(stored(record))

        assert again == record
        assert again.problem.hash == record.certificate.problem_hash
        assert solve(again.problem).plan == record.plan


def test_a_thousand_records_with_one_digit_changed_are_refused() -> None:
    draw = random.Random(7)
    texts = [exported(record_of(random_inputs(seed))) for seed in range(25)]
    for _ in range(1_000):
        text = draw.choice(texts)
        place = draw.choice([one.start() for one in re.finditer(r"\d", text)])
        digit = draw.choice([one for one in "0123456789" if one != text[place]])
        changed = text[:place] + digit + text[place + 1 :]
        with pytest.raises((proof.Refused, ValueError, KeyError)):
            proof.check(json.loads(changed))


def test_a_forger_who_seals_anew_is_refused_for_every_number_of_plan_and_claim() -> None:
    draw = random.Random(11)
    tried = 0
    for seed in range(120):
        told = of_problem(seed)
        if told["certificate"]["status"] != Status.OPTIMAL:
            continue
        del told["certificate"]["loses_by"], told["certificate"]["scale"]
        for part in ("plan", "certificate"):
            forged = json.loads(json.dumps(told))
            if not add_one_somewhere(forged[part], draw):
                continue
            tried += 1
            with pytest.raises((proof.Refused, KeyError)):
                proof.check(sealed(forged))
    assert tried > 100


def add_one_somewhere(value: Any, draw: random.Random) -> bool:
    """One more of some number; False where there is none."""
    places: list[tuple[Any, Any]] = []

    def look(node: Any) -> None:
        pairs = node.items() if isinstance(node, dict) else enumerate(node)
        for key, child in pairs:
            if isinstance(child, dict | list):
                look(child)
            elif isinstance(child, int) and not isinstance(child, bool):
                places.append((node, key))

    look(value)
    if places:
        node, key = draw.choice(places)
        node[key] += 1
    return bool(places)


def test_another_problem_behind_the_same_plan_is_refused() -> None:
    told = of_problem(3)
    told["problem"]["candidates"][0]["distance_km"] += 1

    with pytest.raises(proof.Refused, match="hash of the problem"):
        proof.check(sealed(told))


def test_no_plan_is_cheaper_where_all_of_them_can_be_looked_at() -> None:
    looked = 0
    for seed in range(150):
        told = told_of(without_limits(rich_problem(seed)))
        best = optimum(proof.Check(told["problem"], told["plan"]))
        if best is None or told["certificate"]["status"] != Status.OPTIMAL:
            continue
        looked += 1
        assert told["certificate"]["objective"] == best, seed
    assert looked > 100


def test_the_file_runs_by_itself_and_says_what_is_wrong(tmp_path: Path) -> None:
    honest, forged = tmp_path / "honest.json", tmp_path / "forged.json"
    honest.write_text(json.dumps(of_problem(1)))
    told = of_problem(1)
    told["certificate"]["objective"] += 1
    forged.write_text(json.dumps(sealed(told)))
    assert proof.__file__ is not None
    alone = tmp_path / "proof.py"
    alone.write_text(Path(proof.__file__).read_text())

    run = [sys.executable, "-I", "-S", str(alone)]
    good = subprocess.run([*run, str(honest)], capture_output=True, text=True, check=False)
    bad = subprocess.run([*run, str(forged)], capture_output=True, text=True, check=False)

    assert good.returncode == 0, good.stdout
    assert "permitted, and costs what it says" in good.stdout
    assert bad.returncode == 1
    assert "REFUSED: objective" in bad.stdout


def test_the_file_is_short_enough_to_be_read() -> None:
    assert proof.__file__ is not None
    assert len(Path(proof.__file__).read_text().splitlines()) <= 300
