"""The numbers of the domain's words are those of the contract, so that none is ever translated."""

import enum
import importlib
import inspect
import pkgutil
from collections.abc import Mapping
from typing import Any

import pytest

from ordermesh.api.inventory import v1
from ordermesh.api.order.v1 import Disposition as PublishedDisposition
from ordermesh.inventory import domain
from ordermesh.inventory.domain.control import ControlKind
from ordermesh.inventory.domain.count import CountLineState, CountState
from ordermesh.inventory.domain.item import Handling, Unit
from ordermesh.inventory.domain.ledger import (
    Account,
    AdjustmentReason,
    BlockedKind,
    MovementKind,
)
from ordermesh.inventory.domain.levels import Level
from ordermesh.inventory.domain.location import LocationType
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.picking import ShortOutcome
from ordermesh.inventory.domain.quarantine import QuarantineState
from ordermesh.inventory.domain.reservation import LineState
from ordermesh.inventory.domain.returned import Disposition
from ordermesh.inventory.domain.snapshot_import import Absent
from ordermesh.inventory.domain.stock_feed import DeltaKind, Outcome, Trouble
from ordermesh.inventory.domain.stock_source import GapPolicy, SourceKind
from ordermesh.inventory.domain.supply import PutVerdict, SupplyKind, SupplyState
from ordermesh.inventory.domain.waiting import BreakCause

PUBLISHED: Mapping[type[enum.IntEnum], Any] = {
    Absent: v1.SnapshotImport.Absent,
    Account: v1.Account,
    AdjustmentReason: v1.AdjustmentReason,
    BlockedKind: v1.BlockedKind,
    BreakCause: v1.BrokenPromise.Cause,
    ControlKind: v1.ControlKind,
    CountLineState: v1.CountLine.State,
    CountState: v1.Count.State,
    DeltaKind: v1.StockDelta.Kind,
    Disposition: PublishedDisposition,
    GapPolicy: v1.StockSource.GapPolicy,
    Handling: v1.Item.Handling,
    Level: v1.AvailabilityLevel,
    LineState: v1.ReservationLine.State,
    LocationType: v1.Location.Type,
    MovementKind: v1.Movement.Kind,
    Outcome: v1.RowOutcome,
    PutVerdict: v1.PutOutcome.Verdict,
    QuarantineState: v1.QuarantinedRow.State,
    ReservationMode: v1.ReservationMode,
    ShortOutcome: v1.ShortOutcome,
    SourceKind: v1.StockSource.Kind,
    SupplyKind: v1.Supply.Kind,
    SupplyState: v1.Supply.State,
    Trouble: v1.QuarantineReason,
    Unit: v1.Item.Unit,
}

OTHER_NAMES = {
    (Account, "BLOCKED"): "INSPECTION",
    (AdjustmentReason, "UNSPECIFIED"): "NONE",
    (ReservationMode, "UNSPECIFIED"): "UNSAID",
}
"""What the domain calls otherwise than the contract."""


def contract(words: type[enum.IntEnum]) -> dict[str, int]:
    """The published numbers by the domain's names; what is not said is no word of its own."""
    numbers: dict[str, int] = dict(PUBLISHED[words].items())
    (unsaid,) = (name for name, number in numbers.items() if not number)
    prefix = unsaid.removesuffix("UNSPECIFIED")
    found = {name.removeprefix(prefix): number for name, number in numbers.items()}
    named = {OTHER_NAMES.get((words, name), name): number for name, number in found.items()}
    return {name: number for name, number in named.items() if number or name in words.__members__}


@pytest.mark.parametrize("words", PUBLISHED, ids=lambda words: words.__name__)
def test_the_numbers_are_the_published_ones(words: type[enum.IntEnum]) -> None:
    assert {word.name: word.value for word in words} == contract(words)


def test_all_words_with_numbers_are_compared() -> None:
    found = {
        kind
        for module in pkgutil.iter_modules(domain.__path__)
        for _, kind in inspect.getmembers(
            importlib.import_module(f"{domain.__name__}.{module.name}"), inspect.isclass
        )
        if issubclass(kind, enum.IntEnum) and kind.__module__.startswith(domain.__name__)
    }

    assert found == PUBLISHED.keys()
