"""Files of shipments by hand, and audits of them."""

import json
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from ordermesh.routing.audit import __main__ as command

RATES = """zone,distance_km_max,transit_days,up_to_grams,price,price_per_kg
1,500,1,1000,5.00,0
1,500,1,5000,6.00,0
2,1500,2,1000,8.00,0
2,1500,2,5000,9.50,0
3,5000,4,1000,12.00,0
3,5000,4,5000,15.00,0
"""
HEAD = (
    "order_id,line_id,sku,quantity,weight_grams,shipped_on,location_id,location_postal_code,"
    "postal_code,promised_on,keep_together"
)
NEW_YORK, CHICAGO, LOS_ANGELES = "10001", "60601", "90001"
EAST, WEST = f"EAST,{NEW_YORK}", f"WEST,{LOS_ANGELES}"


@dataclass(frozen=True)
class Audit:
    """How the command ended, what it said, and what it wrote: nothing where it ended with 2."""

    code: int
    said: str
    figures: dict[str, Any]
    proof: dict[str, Any]
    page: str


def write(directory: Path, rows: Iterable[str], rates: str = RATES) -> None:
    (directory / "shipments.csv").write_text("\n".join([HEAD, *rows]) + "\n")
    (directory / "rates.csv").write_text(rates)


def run(
    directory: Path,
    arguments: Sequence[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    *,
    is_quick: bool = True,
) -> Audit:
    """The command as whoever types it has it, on the files of a directory."""
    monkeypatch.chdir(directory)
    monkeypatch.setattr(sys, "argv", ["audit", *["--quick"] * is_quick, *arguments])
    code = command.main()
    said = capsys.readouterr()
    words = said.out + said.err
    if code == 2:
        return Audit(code, words, {}, {}, "")
    return Audit(
        code,
        words,
        json.loads((directory / "audit.json").read_text()),
        json.loads((directory / "audit-proof.json").read_text()),
        (directory / "audit.html").read_text(),
    )
