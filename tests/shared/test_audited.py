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
from ordermesh.client.audited import Refused, check, check_source, digest
from ordermesh.routing.audit import __main__ as command
from ordermesh.routing.audit.sampling import write_sample

TAMPERED = 1_000

Record = dict[str, Any]


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with the shipments and the proof of both cases."""
    directory = tmp_path_factory.mktemp("proven")
    write_sample(directory, 60, "priority")
    patch = pytest.MonkeyPatch()
    patch.chdir(directory)
    arguments = ["shipments.csv", "--stock=stock.csv", "--quick"]
    patch.setattr(sys, "argv", ["audit", *arguments])
    assert command.main() == 0
    patch.undo()
    return directory


@pytest.fixture(scope="module")
def proof(proven: Path) -> Record:
    found: Record = json.loads((proven / "audit-proof.json").read_text())
    return found


def sealed(record: Record) -> Record:
    """Sealed again, as somebody would who wants to be believed."""
    return {**record, "seal": digest({k: v for k, v in record.items() if k != "seal"})}


def test_what_is_true_is_accepted_by_the_file_alone(proven: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-I", audited.__file__, "audit-proof.json", "shipments.csv"],
        cwd=proven,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert ended.stdout.count("ACCEPTED") == 2
    assert "nobody could have saved more than" in ended.stdout


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"form": "ordermesh.audit/1"}', "null"])
def test_what_is_no_proof_is_refused_in_a_sentence(tmp_path: Path, text: str) -> None:
    (tmp_path / "proof.json").write_text(text)

    ended = subprocess.run(
        [sys.executable, "-I", audited.__file__, "proof.json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert ended.stdout.startswith("REFUSED")
    assert not ended.stderr


def test_shipments_that_were_changed_afterwards_are_refused(proven: Path, proof: Record) -> None:
    other = proven / "other.csv"
    other.write_text((proven / "shipments.csv").read_text().replace("2026-11-23", "2026-11-24"))

    with pytest.raises(Refused, match="hash of the shipments"):
        check_source(proof, other)


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
        check_source(tampered, proven / "shipments.csv")
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
