"""Another language generates its stubs from the published contracts, and makes calls with them."""

import asyncio
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from ordermesh.inventory.__main__ import define
from ordermesh.inventory.settings import InventorySettings
from ordermesh.kernel.clock import SystemClock
from ordermesh.runtime.database import Database
from tests.dialects import on_sqlite
from tests.servers import serving

HERE = Path(__file__).with_name("typescript")
PUBLISHED = Path(__file__).parents[2] / "protos/gen/ordermesh/api/descriptors.binpb"
SECONDS = 120

pytestmark = [on_sqlite, pytest.mark.integration, pytest.mark.timeout(240)]


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=SECONDS, check=False
    )


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The compiled program; skips, and says so, where there is no Node or no packages."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        pytest.skip("NOT TESTED: stubs in TypeScript, because there is no Node.js here")
    folder = tmp_path_factory.mktemp("typescript")
    shutil.copytree(HERE, folder, dirs_exist_ok=True)
    installed = run(folder, "npm", "ci", "--no-audit", "--no-fund", "--prefer-offline")
    if installed.returncode != 0:
        pytest.skip(f"NOT TESTED: stubs in TypeScript; packages: {installed.stderr[-200:]}")
    buf = Path(sys.executable).with_name("buf")
    generated = run(folder, str(buf), "generate", str(PUBLISHED), "--template", "buf.gen.yaml")
    assert generated.returncode == 0, generated.stderr
    compiled = run(folder, "node_modules/.bin/tsc")
    assert compiled.returncode == 0, compiled.stdout
    return folder / "dist" / "call.js"


async def test_typescript_calls_with_stubs_from_the_published_contracts(
    program: Path, migrated_url: Callable[[str], str]
) -> None:
    clock = SystemClock()
    database = await Database.open(migrated_url("ordermesh.inventory:migrations"), clock=clock)
    definition = define(database, clock, InventorySettings(port=0))
    async with serving(definition) as served:
        target = f"http://{served.targets['inventory']}"
        called = await asyncio.to_thread(run, program.parent, "node", str(program), target)

    assert called.returncode == 0, called.stderr
    assert json.loads(called.stdout) == {
        "changed": 1,
        "items": [["MUG", "A mug", 350]],
        "refusal": {
            "code": "InvalidArgument",
            "reason": "INVALID_PAGE_TOKEN",
            "metadata": {"pageToken": "no token of ours"},
        },
    }
