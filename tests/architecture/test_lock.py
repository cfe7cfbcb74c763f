"""The lock: every package with its hashes, none below its floor, and no address of a server."""

import re
import tomllib
from collections.abc import Iterator

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.architecture.house import ROOT

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^ \\;]+)", re.MULTILINE)


def _lock() -> str:
    return (ROOT / "requirements.lock").read_text()


def _pinned(lock: str) -> dict[str, str]:
    return {canonicalize_name(name): version for name, version in PINNED.findall(lock)}


def _requirements() -> Iterator[Requirement]:
    """All that the project asks for, in every extra and group."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = settings["project"]
    lists = [project["dependencies"], *project["optional-dependencies"].values()]
    for requirements in [*lists, *settings["dependency-groups"].values()]:
        for requirement in requirements:
            if isinstance(requirement, str):
                yield Requirement(requirement)


def _outside(lock: str) -> list[str]:
    """What the project asks for and the lock does not have, or not in an allowed version."""
    pinned = _pinned(lock)
    return [
        f"{requirement} is locked at {pinned.get(canonicalize_name(requirement.name))}"
        for requirement in _requirements()
        if requirement.name != "ordermesh"
        and not requirement.specifier.contains(
            pinned.get(canonicalize_name(requirement.name), "0"), prereleases=True
        )
    ]


def _without_hash(lock: str) -> list[str]:
    blocks = re.split(r"^(?=[A-Za-z0-9])", lock, flags=re.MULTILINE)
    return [
        block.split("==", maxsplit=1)[0]
        for block in blocks
        if PINNED.match(block) and "--hash=sha256:" not in block
    ]


def test_nothing_is_locked_below_its_floor() -> None:
    assert _outside(_lock()) == []


def test_everything_that_is_locked_has_a_hash() -> None:
    assert _without_hash(_lock()) == []
    assert len(_pinned(_lock())) > 50


def test_the_lock_holds_no_address() -> None:
    assert "://" not in _lock()


def test_a_silent_downgrade_is_found() -> None:
    version = _pinned(_lock())["ortools"]
    lock = _lock().replace(f"ortools=={version}", "ortools==9.10.4067")

    assert _outside(lock) == ["ortools>=9.15 is locked at 9.10.4067"]


def test_a_package_without_a_hash_is_found() -> None:
    assert _without_hash("mugs==1.0\n    # via nobody\nplates==2.0 \\\n    --hash=sha256:0\n") == [
        "mugs"
    ]


def test_the_generator_is_of_the_line_that_the_solver_can_live_with() -> None:
    pinned = _pinned(_lock())

    assert pinned["grpcio-tools"].startswith("1.81.")
    assert pinned["protobuf"].startswith("6.33.")
