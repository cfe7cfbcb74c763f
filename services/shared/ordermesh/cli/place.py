"""Where a mesh lives: its directory, the files in it, and the addresses of its services."""

import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO

PORTS: Mapping[str, int] = {"inventory": 7101, "routing": 7102, "returns": 7103, "notify": 7104}
"""The services of the mesh and their usual ports."""

PACKAGES: Mapping[str, str] = {name: f"ordermesh.api.{name}.v1" for name in PORTS}
"""The contract package of each service."""

DIRECTORY = Path(".ordermesh")
"""Where a mesh lives unless another directory is named."""

RUN_DIRECTORY = DIRECTORY / "run"
"""Where the mesh of `ordermesh run` lives, and what it tells."""

# Other commands hold the lock for a moment when they look whether the mesh runs.
_HOLD_ATTEMPTS = 20
_HOLD_PAUSE_SECONDS = 0.05


class MeshRunsAlready(Exception):
    """A mesh runs on this directory."""


@dataclass(frozen=True)
class Address:
    """Where one service answers, and which process it is."""

    target: str
    process_id: int


@dataclass(frozen=True)
class MeshRecord:
    """A mesh, as it is written into its directory for other commands."""

    command_process_id: int
    receiver: str
    services: Mapping[str, Address]

    @property
    def targets(self) -> dict[str, str]:
        """The address of each service."""
        return {name: address.target for name, address in self.services.items()}


class MeshDirectory:
    """The files of one mesh."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def record_file(self) -> Path:
        """The addresses of the running mesh."""
        return self.path / "mesh.json"

    @property
    def lock_file(self) -> Path:
        """Held by the command that runs the mesh, and let go by the system when it dies."""
        return self.path / "mesh.lock"

    @property
    def traces_file(self) -> Path:
        """The spans that were received."""
        return self.path / "traces.db"

    @property
    def mail_folder(self) -> Path:
        """The mails that were sent, as files."""
        return self.path / "mail"

    def database_file(self, service: str) -> Path:
        """The database of a service."""
        return self.path / f"{service}.db"

    def log_file(self, service: str) -> Path:
        """What a service writes."""
        return self.path / "logs" / f"{service}.log"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the one command that runs a mesh here; raises ``MeshRunsAlready``."""
        self.path.mkdir(parents=True, exist_ok=True)
        with self.lock_file.open("a") as file:
            for attempt in range(_HOLD_ATTEMPTS):
                if _lock(file, fcntl.LOCK_EX):
                    break
                if attempt == _HOLD_ATTEMPTS - 1:
                    raise MeshRunsAlready(self._sentence())
                time.sleep(_HOLD_PAUSE_SECONDS)
            yield

    @property
    def is_held(self) -> bool:
        """Whether a command runs a mesh here now."""
        try:
            with self.lock_file.open("a") as file:
                return not _lock(file, fcntl.LOCK_SH)
        except OSError:
            return False

    @property
    def summary_file(self) -> Path:
        """The facts of `ordermesh run`."""
        return self.path / "summary.json"

    @property
    def report_file(self) -> Path:
        """The report of `ordermesh run`."""
        return self.path / "report.html"

    def clear(self) -> None:
        """Remove what a mesh and a run have stored here, and nothing else."""
        for name in (*PORTS, "traces"):
            for file in self.path.glob(f"{name}.db*"):
                file.unlink()
        for name in PORTS:
            for file in self.log_file(name).parent.glob(f"{name}*.log"):
                file.unlink()
        for file in self.mail_folder.glob("*.eml"):
            file.unlink()
        self.summary_file.unlink(missing_ok=True)
        self.report_file.unlink(missing_ok=True)

    def write(self, record: MeshRecord) -> None:
        """Write the record whole or not at all."""
        fresh = self.record_file.with_suffix(".new")
        fresh.write_text(json.dumps(asdict(record), indent=2) + "\n")
        fresh.replace(self.record_file)

    def read(self) -> MeshRecord | None:
        """The record of the mesh that runs here; None when none does."""
        return self.left_behind() if self.is_held else None

    def left_behind(self) -> MeshRecord | None:
        """The record as it lies there, whether or not its command still lives."""
        try:
            fields = json.loads(self.record_file.read_text())
            return MeshRecord(
                command_process_id=fields["command_process_id"],
                receiver=fields["receiver"],
                services={name: Address(**at) for name, at in fields["services"].items()},
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return None

    def forget(self) -> None:
        """Remove the record."""
        self.record_file.unlink(missing_ok=True)

    def _sentence(self) -> str:
        record = self.left_behind()
        owner = f" by process {record.command_process_id}" if record else ""
        return (
            f"A mesh runs on {self.path} already{owner}. Stop it with Ctrl+C where it was started,"
            " or take another --directory."
        )


def _lock(file: IO[str], kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
