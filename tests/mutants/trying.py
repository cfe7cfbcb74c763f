"""Runs tests against a changed copy of one portion of the program, in a process of its own."""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Trial:
    """What became of it: ``is_caught`` by a failing test or by tests that never ended."""

    is_caught: bool
    said: str


@contextmanager
def changed(path: Path, text: str) -> Iterator[Path]:
    """A folder with a copy of the portion that holds the file, in which the file has this text."""
    portion = next(one for one in path.parents if one.parent.name == "ordermesh")
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copied = Path(folder) / "ordermesh" / portion.name
        shutil.copytree(portion, copied, ignore=shutil.ignore_patterns("__pycache__"))
        (copied / path.relative_to(portion)).write_text(text)
        yield Path(folder)


def attempt(path: Path, text: str, tests: Sequence[str], seconds: float) -> Trial:
    """Run tests against the file with another text.

    Raises ``RuntimeError`` when pytest could not run them, or found none.
    """
    with changed(path, text) as folder:
        # Before the project's own folders, so that the copy is what is imported.
        environment = {**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", *tests]
        try:
            ran = subprocess.run(
                command,
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=seconds,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return judged(None, "")
    return judged(ran.returncode, ran.stdout + ran.stderr)


def judged(code: int | None, output: str) -> Trial:
    """What an exit code of pytest says; None: it did not end.

    Raises ``RuntimeError`` when it could not run the tests, or found none.
    """
    if code is None:
        return Trial(is_caught=True, said="the tests did not end")
    if code not in (0, 1, 2):  # 2: a module that cannot be imported
        raise RuntimeError(f"The tests did not run:\n{output[-4_000:]}")
    return Trial(code != 0, _failed(output))


def _failed(output: str) -> str:
    named = [line for line in output.splitlines() if line.startswith(("FAILED", "ERROR"))]
    return named[0].split(" - ")[0].partition(" ")[2] if named else ""
