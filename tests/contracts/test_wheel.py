"""The wheel that users install: everything in it, and the client works with the base alone.

Marked slow, because it builds and installs: it needs access to packages, which tests have not.
"""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.architecture.house import ROOT, portions
from tests.contracts.test_client_alone import IMPORT_EVERYTHING

pytestmark = pytest.mark.slow


def _uv(*arguments: str) -> None:
    subprocess.run([sys.executable, "-m", "uv", "--quiet", *arguments], check=True, timeout=300)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the files as they are."""
    folder = tmp_path_factory.mktemp("wheel")
    _uv("build", "--wheel", "--out-dir", str(folder), str(ROOT))
    (built,) = folder.glob("*.whl")
    return built


def _wanted() -> set[str]:
    """Every file of every portion and of the stubs, as it is named in the wheel."""
    roots = [portion.parents[1] for portion in portions(ROOT)]
    folders = [*((root, root / "ordermesh") for root in roots)]
    generated = ROOT / "protos" / "gen"
    folders += [(generated, generated / "ordermesh"), (generated, generated / "buf")]
    return {
        str(file.relative_to(root))
        for root, folder in folders
        for file in folder.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }


def test_the_wheel_holds_every_portion_with_its_files_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        found = {name for name in archive.namelist() if ".dist-info/" not in name}

    assert sorted(_wanted() - found) == []
    assert sorted(found - _wanted()) == []


def test_the_client_works_from_the_wheel_with_three_dependencies(
    wheel: Path, tmp_path: Path
) -> None:
    _uv("venv", "--python", sys.executable, str(tmp_path / "venv"))
    python = tmp_path / "venv" / "bin" / "python"
    _uv("pip", "install", "--python", str(python), str(wheel))
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}

    finished = subprocess.run(
        [python, "-W", "error", "-c", IMPORT_EVERYTHING],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        cwd=tmp_path,
        env=environment,
    )
    listed = subprocess.run(
        [sys.executable, "-m", "uv", "--quiet", "pip", "list", "--python", str(python)],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert finished.stderr == ""
    assert int(finished.stdout) > 40
    assert {line.split()[0] for line in listed.stdout.splitlines()[2:]} == {
        "googleapis-common-protos",
        "grpcio",
        "ordermesh",
        "protobuf",
        "typing-extensions",
    }
