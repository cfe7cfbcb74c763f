"""The public surface: the contracts and the client. What they give out is meant, and explained."""

import importlib
import inspect
from pathlib import Path
from types import ModuleType

import pytest
from google.protobuf.message import Message

from tests.architecture.house import ROOT

CLIENT_MODULES = ("ordermesh.client", "ordermesh.client.testing")
"""What callers may import of the client."""

SURFACE = {
    "ordermesh.client": [
        "AvailabilityMatrix",
        "Batch",
        "CoalescingReserver",
        "CopyAway",
        "Mesh",
        "PositionCompacted",
        "PositionFile",
        "Refusal",
        "StockCopy",
        "cloud_event",
        "follow",
        "refusal_of",
    ],
}
"""The names that callers rely on. To take one away breaks them."""

PACKAGES = sorted(
    ".".join(file.parent.relative_to(ROOT / "protos" / "gen").parts)
    for file in (ROOT / "protos" / "gen" / "ordermesh").rglob("__init__.py")
)


def _undocumented(module: ModuleType) -> list[str]:
    """Names that are given out without a word about what they are."""
    found = []
    for name in module.__all__:
        thing = getattr(module, name)
        if not inspect.getdoc(thing):
            found.append(name)
        elif inspect.isclass(thing):
            found += [
                f"{name}.{member}"
                for member, value in vars(thing).items()
                if not member.startswith("_")
                and (inspect.isfunction(value) or isinstance(value, property))
                and not inspect.getdoc(value)
            ]
    return found


@pytest.mark.parametrize("name", CLIENT_MODULES)
def test_what_the_client_gives_out_is_listed_and_sorted(name: str) -> None:
    module = importlib.import_module(name)

    assert module.__all__ == sorted(module.__all__)
    assert module.__all__ == SURFACE.get(name, module.__all__)


@pytest.mark.parametrize("name", CLIENT_MODULES)
def test_what_the_client_gives_out_is_explained(name: str) -> None:
    assert _undocumented(importlib.import_module(name)) == []


def test_a_name_without_an_explanation_is_found() -> None:
    planted = ModuleType("planted")
    exec("class Parcel:\n    'A parcel.'\n    def weigh(self): ...\n", vars(planted))
    vars(planted)["__all__"] = ["Parcel"]

    assert _undocumented(planted) == ["Parcel.weigh"]


def test_the_command_and_the_sample_use_the_client_as_everybody_does() -> None:
    shared = ROOT / "services" / "shared" / "ordermesh"
    inner = {file.stem for file in (shared / "client").glob("[a-z]*.py")} - {"testing", "proof"}

    users = [
        f"{file.relative_to(shared)} imports ordermesh.client.{module}"
        for portion in ("cli", "sample")
        for file in (shared / portion).rglob("*.py")
        for module in inner
        if f"ordermesh.client.{module} " in file.read_text()
    ]

    assert users == []


@pytest.mark.parametrize("package", PACKAGES)
def test_a_contract_gives_out_its_messages_and_services_from_one_door(package: str) -> None:
    module = importlib.import_module(package)
    folder = Path(str(module.__file__)).parent

    names = {
        name
        for file in folder.glob("*_pb2.py")
        for name, value in vars(importlib.import_module(f"{package}.{file.stem}")).items()
        if inspect.isclass(value) and issubclass(value, Message)
    }
    names |= {
        name
        for file in folder.glob("*_pb2_grpc.py")
        for name in vars(importlib.import_module(f"{package}.{file.stem}"))
        if name.endswith(("Stub", "Servicer")) or name.startswith("add_")
    }

    assert names - vars(module).keys() == set()
