"""Selects what the image of one service needs: its part of the lock, and its part of the house.

The builder stage of the Dockerfile runs it; it needs nothing but Python::

    python deploy/portion.py requirements inventory        # prints, with the hashes of the lock
    python deploy/portion.py copy inventory /site-packages

An image holds the code of one service, of the shared portions that servers need, and the stubs:
no other service, no command, no sample, and so no benchmark and no audit, which the command runs.
"""

import argparse
import re
import shutil
import sys
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]

SERVICES = ("inventory", "routing", "returns", "notify")

SHARED = ("kernel", "runtime", "client")
"""What servers need of the shared portions. The client is how they call their peers."""

DATABASE = "postgres"
"""The extra that every image has beside that of its service: replicas need PostgreSQL."""

BESIDES: Mapping[str, str] = {"inventory": "redis"}
"""Further extras: inventory keeps a copy for readers where it is told to."""

PROJECT = "ordermesh"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
_EXTRAS = re.compile(r"\[([^\]]*)\]")
_BLOCKS = re.compile(r"^(?=[A-Za-z0-9])", re.MULTILINE)
_BECAUSE_OF = re.compile(r"^ +# +(?:via +)?([A-Za-z0-9][A-Za-z0-9._-]*)(?= |$)", re.MULTILINE)


class NotLocked(Exception):
    """The service asks for packages that the lock does not have."""


def requirements(service: str, root: Path = ROOT) -> str:
    """The blocks of the lock that the service's image needs, as they are, hashes and markers too.

    The lock says of every package on whose account it is there; that is followed from what the
    project asks for to the last package. Raises ``NotLocked``.
    """
    blocks = _locked((root / "requirements.lock").read_text())
    because = [
        (name, {_canonical(one) for one in _BECAUSE_OF.findall(block)}) for name, block in blocks
    ]
    wanted = _asked_for(service, tomllib.loads((root / "pyproject.toml").read_text()))
    missing = wanted - {name for name, _ in blocks}
    if missing:
        raise NotLocked(f"The lock does not have {', '.join(sorted(missing))}: run `make lock`.")
    found = len(wanted)
    while True:
        wanted |= {name for name, reasons in because if reasons & wanted}
        if len(wanted) == found:
            return "".join(block for name, block in blocks if name in wanted)
        found = len(wanted)


def copy(service: str, target: Path, root: Path = ROOT) -> None:
    """Put the stubs, the shared portions and the service into ``target``, to be imported there."""
    folders = {root / "protos" / "gen" / name: target / name for name in (PROJECT, "buf")}
    for portion in (*SHARED, service):
        home = "shared" if portion in SHARED else portion
        folders[root / "services" / home / PROJECT / portion] = target / PROJECT / portion
    for source, place in folders.items():
        shutil.copytree(
            source,
            place,
            ignore=shutil.ignore_patterns("__pycache__", "bench", "audit"),
            dirs_exist_ok=True,
        )


def _asked_for(service: str, settings: Mapping[str, object]) -> set[str]:
    """The names that the project asks for: always, for the service, and for its database."""
    project = settings["project"]
    if not isinstance(project, dict):
        raise TypeError("pyproject.toml has no project.")
    extras = project["optional-dependencies"]
    asked: set[str] = set()
    followed: set[str] = set()
    waiting: list[Iterable[str]] = [project["dependencies"], extras[service], extras[DATABASE]]
    if service in BESIDES:
        waiting.append(extras[BESIDES[service]])
    while waiting:
        for requirement in waiting.pop():
            name = _canonical(_match(requirement))
            if name != PROJECT:
                asked.add(name)
                continue
            named = _EXTRAS.search(requirement)
            for extra in (named[1] if named else "").replace(" ", "").split(","):
                if extra not in followed:
                    followed.add(extra)
                    waiting.append(extras[extra])
    return asked


def _locked(lock: str) -> list[tuple[str, str]]:
    """The blocks of the lock with the names of their packages; some are there for two Pythons."""
    blocks = [block for block in _BLOCKS.split(lock) if _NAME.match(block)]
    return [(_canonical(_match(block)), block) for block in blocks]


def _match(text: str) -> str:
    found = _NAME.match(text)
    if found is None:
        raise ValueError(f"No package is named in {text!r}.")
    return found[0]


def _canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description="What the image of one service needs.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("requirements", "copy"):
        commands.add_parser(name).add_argument("service", choices=SERVICES)
    commands.choices["copy"].add_argument("target", type=Path)
    given = parser.parse_args()
    if given.command == "copy":
        copy(given.service, given.target)
    else:
        sys.stdout.write(requirements(given.service))


if __name__ == "__main__":
    main()
