"""Proofs of audits for the tests of their verifier."""

import sys
from pathlib import Path
from typing import Any

import pytest

from ordermesh.client.audited import digest
from ordermesh.routing.audit import __main__ as command

FILES = ("shipments", "rates", "stock")

Record = dict[str, Any]


def audit(directory: Path) -> None:
    """Audit the files of a directory as whoever types the command has it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(directory)
        patch.setattr(sys, "argv", ["audit", "shipments.csv", "--stock=stock.csv", "--quick"])
        assert command.main() == 0


def sealed(record: Record) -> Record:
    """Sealed again, as somebody would who wants to be believed."""
    return {**record, "seal": digest({k: v for k, v in record.items() if k != "seal"})}
