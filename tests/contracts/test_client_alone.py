"""Who installs `ordermesh` without an extra gets the contracts and the client, and both import."""

import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]

BASE = {"googleapis-common-protos", "grpcio", "protobuf"}

FINDER = """
import importlib.abc
import sys

OURS = {"ordermesh", "buf"}
PORTIONS = {"api", "client", "kernel"}
BASE = {"grpc", "google", "typing_extensions"}


class OnlyTheBase(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        extra = name.startswith("ordermesh.") and name.split(".")[1] not in PORTIONS
        known = top in OURS | BASE | sys.stdlib_module_names
        if extra or not (known or top.startswith("_")):
            raise ModuleNotFoundError(f"{name} is not installed with the base", name=name)
        return None


sys.meta_path.insert(0, OnlyTheBase())
"""

IMPORT_EVERYTHING = """
import importlib
from pathlib import Path

import ordermesh.api
import ordermesh.client

names = []
for package in (ordermesh.api, ordermesh.client):
    for folder in map(Path, package.__path__):
        files = (file.relative_to(folder).with_suffix("") for file in folder.rglob("*.py"))
        names += [".".join((package.__name__, *file.parts)) for file in files]
for name in names:
    importlib.import_module(name.removesuffix(".__init__"))
print(len(names))
"""


def _run(program: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", FINDER + program],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_the_base_has_three_dependencies() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    names = {requirement.partition(">")[0] for requirement in project["dependencies"]}

    assert names == BASE


def test_contracts_and_client_import_with_the_base_alone() -> None:
    finished = _run(IMPORT_EVERYTHING)

    assert finished.stderr == ""
    assert int(finished.stdout) > 40


def test_what_an_extra_brings_cannot_be_imported_here() -> None:
    assert "sqlalchemy is not installed" in _run("import sqlalchemy").stderr
    assert "ordermesh.runtime is not installed" in _run("import ordermesh.runtime.call").stderr
