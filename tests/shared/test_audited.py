"""The verifier of audits needs nothing but Python, and refuses whatever is not true."""

import copy
import json
import random
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from ordermesh.client import audited
from ordermesh.client.audited import Refused, check, check_files
from ordermesh.routing.audit.sampling import write_sample
from tests.shared.audits import FILES, Record, audit, sealed

TAMPERED = 1_000


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the shipments and the proof of both cases."""
    directory = tmp_path_factory.mktemp("proven")
    write_sample(directory, 60, "priority", days=2)
    audit(directory)
    return directory


@pytest.fixture(scope="module")
def proof(proven: Path) -> Record:
    found: Record = json.loads((proven / "audit-proof.json").read_text())
    return found


def run_alone(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The file by itself, without any package beside it."""
    return subprocess.run(
        [sys.executable, "-I", audited.__file__, *arguments],
        cwd=directory,
        capture_output=True,
        text=True,
        check=False,
    )


def test_what_is_true_is_accepted_by_the_file_alone(proven: Path) -> None:
    files = ["shipments.csv", "--rates=rates.csv", "--stock=stock.csv"]

    ended = run_alone(proven, "audit-proof.json", *files)

    lines = len((proven / "shipments.csv").read_text().splitlines()) - 1
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("ACCEPTED") == 2
    assert "nobody could have saved more than" in ended.stdout
    assert f"Of {lines} lines {lines} are part of it" in ended.stdout
    (claimed,) = [one for one in ended.stdout.splitlines() if "Taken as claimed" in one]
    assert "distances are taken as claimed" in claimed


def test_without_the_files_it_is_told_what_is_taken_as_claimed(proven: Path) -> None:
    ended = run_alone(proven, "audit-proof.json")

    assert ended.returncode == 0
    for what in ("and all distances", "the rates", "the stock of the free case"):
        assert f"{what}." in ended.stdout


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"form": "ordermesh.audit/1"}', "null"])
def test_what_is_no_proof_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "proof.json").write_text(text)

    ended = run_alone(tmp_path, "proof.json")

    assert ended.returncode == 1
    assert ended.stdout.startswith("REFUSED")
    assert not ended.stderr


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_was_changed_afterwards_is_refused(
    proven: Path, proof: Record, name: str
) -> None:
    files = [proven / f"{one}.csv" for one in FILES]
    other = proven / "other.csv"
    other.write_text((proven / f"{name}.csv").read_text() + "\n")
    files[FILES.index(name)] = other

    with pytest.raises(Refused, match=f"hash of the {name}"):
        check_files(proof, *files)


def test_a_bound_that_is_one_above_what_the_prices_prove_is_refused(proof: Record) -> None:
    for place, case in enumerate(proof["cases"]):
        plan = case["plan"]
        if plan["bound"] < plan["cost"]:
            claimed = copy.deepcopy(proof)
            claimed["cases"][place]["plan"]["bound"] += 1
            with pytest.raises(Refused, match="prove less"):
                check(sealed(claimed))


def test_each_of_a_thousand_tampered_proofs_is_refused(proven: Path, proof: Record) -> None:
    draw = random.Random(7)

    accepted = [number for number in range(TAMPERED) if _is_accepted(proven, proof, draw, number)]

    assert accepted == []


def _is_accepted(proven: Path, proof: Record, draw: random.Random, number: int) -> bool:
    tampered = copy.deepcopy(proof)
    name = list(WAYS)[number % len(WAYS)]
    WAYS[name](tampered, draw)
    assert tampered != proof
    if name != "unsealed":
        tampered = sealed(tampered)
    try:
        check(tampered)
        check_files(tampered, *(proven / f"{one}.csv" for one in FILES))
    except Refused:
        return False
    return True


def _unsealed(record: Record, draw: random.Random) -> None:
    """Any number anywhere."""
    value: Any = record
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        keys = [k for k in keys if isinstance(value[k], int) or (value[k] and _holds(value[k]))]
        key = draw.choice(keys)
        if isinstance(value[key], int):
            value[key] += draw.choice([-1, 1]) * draw.randint(1, 1_000)
            return
        value = value[key]


def _holds(value: Any) -> bool:
    """Whether there is a number in it."""
    if isinstance(value, (dict, list)):
        return any(map(_holds, value.values() if isinstance(value, dict) else value))
    return isinstance(value, int)


def _amount(draw: random.Random) -> int:
    return draw.choice([-1, 1]) * draw.choice([1, 2, draw.randint(1, 10**6)])


def _case(record: Record, draw: random.Random) -> Record:
    found: Record = draw.choice(record["cases"])
    return found


def _cost(name: str) -> Callable[[Record, random.Random], None]:
    def tamper(record: Record, draw: random.Random) -> None:
        _case(record, draw)[name]["cost"] += _amount(draw)

    return tamper


def _moved(name: str) -> Callable[[Record, random.Random], None]:
    """The same units: one atom cannot go elsewhere alone."""

    def tamper(record: Record, draw: random.Random) -> None:
        case = record["cases"][0]
        location, places = case[name]["location"], len(case["batch"]["locations"]["ids"])
        atom = draw.randrange(len(location))
        location[atom] = draw.choice([p for p in range(-1, places + 1) if p != location[atom]])

    return tamper


def _bound(record: Record, draw: random.Random) -> None:
    plan = _case(record, draw)["plan"]
    plan["bound"] = max(plan["bound"], plan["cost"]) + draw.randint(1, 10**6)


def _price(record: Record, draw: random.Random) -> None:
    case = _case(record, draw)
    stock = len(case["batch"]["stock"]["item"])
    if draw.random() < 0.5:
        case["plan"]["prices"][str(draw.randrange(stock))] = -draw.randint(1, 10**6)
    else:
        case["plan"]["prices"][str(draw.randrange(10**6, 10**7))] = draw.randint(1, 10**6)


def _total(record: Record, draw: random.Random) -> None:
    total = record["totals"][draw.choice(list(record["totals"]))]
    total[draw.choice(list(total))] += _amount(draw)


def _later(record: Record, draw: random.Random) -> None:
    days = _case(record, draw)["batch"]["atoms"]["days_max"]
    days[draw.randrange(len(days))] += draw.choice([-1, 1, 2, 3])


def _more_stock(record: Record, draw: random.Random) -> None:
    stock = record["cases"][0]["batch"]["stock"]["units"]
    stock[draw.randrange(len(stock))] += draw.randint(1, 9)


def _lighter(record: Record, draw: random.Random) -> None:
    grams = record["cases"][0]["batch"]["items"]["grams"]
    grams[draw.randrange(len(grams))] += _amount(draw)


def _shorter(record: Record, draw: random.Random) -> None:
    atoms = _case(record, draw)["batch"]["atoms"]
    del atoms[draw.choice(["item", "units", "days_max", "penalty"])][-1]


def _other_line(record: Record, draw: random.Random) -> None:
    lines = _case(record, draw)["lines"]
    place = draw.randrange(len(lines))
    lines[place] += draw.choice([-1, 1]) * 10**4 if lines[place] > 10**4 else 10**4


def _more_labor(record: Record, draw: random.Random) -> None:
    capacity = record["cases"][-1]["batch"]["locations"]["capacity"]
    capacity[draw.randrange(len(capacity))] += draw.randint(1, 99)


WAYS: dict[str, Callable[[Record, random.Random], None]] = {
    "unsealed": _unsealed,
    "cost of the plan": _cost("plan"),
    "cost of what happened": _cost("actual"),
    "plan": _moved("plan"),
    "what happened": _moved("actual"),
    "bound": _bound,
    "prices": _price,
    "totals": _total,
    "days": _later,
    "stock": _more_stock,
    "weights": _lighter,
    "columns": _shorter,
    "lines": _other_line,
    "labor": _more_labor,
}
