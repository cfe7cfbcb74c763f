"""What is not said of a thing means nothing: no unit, no, empty, or unknown."""

import dataclasses
import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from types import FunctionType

import pytest

from ordermesh.inventory import domain
from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.quarantine import QuarantineState
from ordermesh.inventory.domain.stock_source import GapPolicy
from ordermesh.inventory.domain.supply import SupplyState

MODULES = [
    importlib.import_module(module.name)
    for module in pkgutil.walk_packages(domain.__path__, f"{domain.__name__}.")
]

MEANT: dict[str, int] = {
    "quarantine.Quarantined.state": QuarantineState.OPEN,
    "reservation.Line.mode": ReservationMode.RESERVE,
    "snapshot_import.SnapshotImport.next_frame": 1,
    "stock_source.StockSource.gap_policy": GapPolicy.TELL,
    "supply.Supply.state": SupplyState.PLANNED,
    "supply.SupplyRule.confidence_percent": 50,
}
"""Where the plain case is another: how things begin, and what the contract says."""

PLAINLY = {"is_final", "without_record"}
"""What functions do unless they are told not to."""


def unsaid() -> Iterator[tuple[str, int]]:
    """Every number, and every yes or no, that is taken where nothing is said."""
    for module in MODULES:
        place = module.__name__.removeprefix(f"{domain.__name__}.")
        for name, one in inspect.getmembers(module):
            if getattr(one, "__module__", "") != module.__name__:
                continue
            if inspect.isfunction(one):
                yield from defaults(f"{place}.{name}", one)
            elif inspect.isclass(one):
                if dataclasses.is_dataclass(one):
                    for field in dataclasses.fields(one):
                        if isinstance(field.default, int):
                            yield f"{place}.{name}.{field.name}", field.default
                for method, called in inspect.getmembers(one, inspect.isfunction):
                    if method != "__init__" or not dataclasses.is_dataclass(one):
                        yield from defaults(f"{place}.{name}.{method}", called)


def defaults(place: str, called: FunctionType) -> Iterator[tuple[str, int]]:
    """What a function takes where nothing is said."""
    for parameter in inspect.signature(called).parameters.values():
        if isinstance(parameter.default, int):
            yield f"{place}.{parameter.name}", parameter.default


UNSAID = dict(unsaid())


@pytest.mark.parametrize("place", UNSAID)
def test_what_is_not_said_is_nothing_or_the_plain_case(place: str) -> None:
    plain = MEANT.get(place, int(place.rpartition(".")[2] in PLAINLY))

    assert UNSAID[place] == plain


def test_there_is_much_that_need_not_be_said() -> None:
    assert UNSAID.keys() >= MEANT.keys()
    assert len(UNSAID) >= 50
