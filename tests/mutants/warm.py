"""Runs tests of the pure domain against one changed module, each time in a fork of a warm process.

To start Python and to import pytest, Hypothesis and their plugins takes much longer than the tests
of the domain do. One process does it once; from then on each mutant is a fork of it, in which the
changed text is what is imported. The domain itself is never imported before the fork.

``python -m tests.mutants.warm`` reads one request a line and answers each with a line.
"""

import importlib.abc
import importlib.machinery
import importlib.util
import json
import math
import os
import resource
import signal
import subprocess
import sys
import tempfile
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import CodeType, ModuleType, TracebackType
from typing import IO, Self

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase

from tests.mutants.trying import ROOT, Trial, judged

PORTIONS = ROOT / "services"
MEMORY_BYTES_MAX = 4 * 1024**3
"""A mutant that never ends may take memory without end."""

PROFILE = "mutants"
"""The same examples for every mutant; the first that fails is enough."""


class WarmTests:
    """A warm process, to be asked by one thread; a context manager that ends it."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.mutants.warm"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.communicate()

    def attempt(
        self, path: Path, text: str, tests: Sequence[Sequence[str]], seconds: float
    ) -> Trial:
        """Run groups of tests against the file with another text, until one of them fails.

        ``seconds`` are those of the processor.

        Raises ``RuntimeError`` when pytest could not run them, or found none.
        """
        asked = json.dumps([str(path), text, tests, seconds])
        requests = self._pipe(self._process.stdin)
        requests.write(asked + "\n")
        requests.flush()
        answer = self._pipe(self._process.stdout).readline()
        if not answer:
            raise RuntimeError("The warm process has ended.")
        code, output = json.loads(answer)
        return judged(code, output)

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe


def module_of(path: Path) -> str:
    """The name by which a file of a portion is imported."""
    portion = next(one for one in path.parents if one.parent.name == "ordermesh")
    parts = path.relative_to(portion.parent.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


class _Changed(importlib.abc.MetaPathFinder):
    """Finds one module with another text than that of its file."""

    def __init__(self, path: Path, text: str) -> None:
        self._loader = _Text(path, text)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._loader.name:
            return None
        place = self._loader.path
        return importlib.util.spec_from_file_location(fullname, place, loader=self._loader)


class _Text(importlib.machinery.SourceFileLoader):
    """Loads a module with this text."""

    def __init__(self, path: Path, text: str) -> None:
        super().__init__(module_of(path), str(path))
        self._text = text

    def get_code(self, fullname: str) -> CodeType:
        """Compiled anew: what is kept beside the file is that of the program."""
        code: CodeType = compile(self._text, self.path, "exec", dont_inherit=True)
        return code


def _answer(
    path: Path, text: str, tests: Sequence[Sequence[str]], seconds: float
) -> tuple[int | None, str]:
    """The exit code of pytest, None where it did not end in time, and what it printed."""
    with tempfile.TemporaryFile("w+") as printed:
        child = os.fork()
        if not child:
            os.dup2(printed.fileno(), 1)
            os.dup2(printed.fileno(), 2)
            ran = 3
            try:
                ran = _run(path, text, tests, seconds)
            except BaseException:  # noqa: BLE001 - a fork never goes on as if it were the parent
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(ran)
        code = _ended(child)
        printed.seek(0)
        return code, printed.read()


def _ended(child: int) -> int | None:
    """The exit code of a fork; None where it used up its time."""
    _, status = os.waitpid(child, 0)
    if os.WIFEXITED(status):
        return os.WEXITSTATUS(status)
    # Who was killed for its memory has not passed.
    return None if os.WTERMSIG(status) == signal.SIGXCPU else 1


def _run(path: Path, text: str, tests: Sequence[Sequence[str]], seconds: float) -> int:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES_MAX, MEMORY_BYTES_MAX))
    # Time of the processor: on a busy machine nothing is caught for being slow.
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(seconds), resource.RLIM_INFINITY))
    sys.meta_path.insert(0, _Changed(path, text))
    options = ["-x", "-q", "--tb=no", "--assert=plain", "-p", "no:cacheprovider", "--noconftest"]
    options += ["-o", "timeout=0"]
    for group in tests:
        # To read the files of all tests takes longer than to run those of one module.
        code = int(pytest.main([*options, f"--hypothesis-profile={PROFILE}", *group]))
        sys.stdout.flush()
        if code:
            return code
    return 0


def _serve() -> None:
    hypothesis.settings.register_profile(
        PROFILE,
        deadline=None,
        derandomize=True,
        database=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.too_slow],
    )
    for name in ("_hypothesis_pytestplugin", "hypothesis.stateful", "pytest_asyncio", "xdist"):
        importlib.import_module(name)
    for line in sys.stdin:
        path, text, tests, seconds = json.loads(line)
        sys.stdout.write(json.dumps(_answer(Path(path), text, tests, seconds)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    _serve()
