"""What every command does: find the mesh, run, and end with a sentence when something is wrong."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from rich.console import Console

    from ordermesh.cli.place import MeshRecord

T = TypeVar("T")


def console(*, stderr: bool = False) -> "Console":
    """Where sentences and tables go."""
    from rich.console import Console

    return Console(stderr=stderr)


def print_json(value: object) -> None:
    """For programs, on the standard output."""
    sys.stdout.write(json.dumps(value, indent=2) + "\n")


def mesh(path: Path) -> "MeshRecord":
    """The mesh that runs on the directory; the command ends when none does."""
    from ordermesh.cli.place import MeshDirectory

    directory = MeshDirectory(path)
    record = directory.read()
    if record is not None:
        return record
    left = directory.left_behind()
    if directory.is_held:
        raise failure(f"The mesh on {path} is still starting.")
    how = f"; the one of process {left.command_process_id} has died" if left else ""
    raise failure(f"No mesh runs on {path}{how}. Start one: ordermesh up --directory {path}.")


def run(work: Coroutine[object, object, T]) -> T:
    """Run it; what is known to go wrong becomes a sentence and the exit code 1."""
    import grpc

    from ordermesh.cli.calls import words
    from ordermesh.cli.place import MeshRunsAlready
    from ordermesh.cli.processes import PortsTaken, ServiceFailed
    from ordermesh.cli.story import StoryFailed

    try:
        return asyncio.run(work)
    except grpc.aio.AioRpcError as error:
        raise failure(words(error)) from None
    except (MeshRunsAlready, PortsTaken, ServiceFailed, StoryFailed, OSError, ValueError) as error:
        raise failure(str(error)) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


def run_module(service: str, module: str, arguments: Sequence[str], *, extras: str) -> NoReturn:
    """Run a module of a service as a process of its own, and end as it ends.

    The command knows no service: where it is not installed, it says what is missing.
    """
    if importlib.util.find_spec(f"ordermesh.{service}") is None:
        typer.echo(
            f"The {service} service is not installed: pip install 'ordermesh[{extras}]'.", err=True
        )
        raise typer.Exit(2)
    name = f"ordermesh.{service}.{module}"
    # Programs are started there beside calls that are under way, and would end in the library's own
    # preparations for a copy of the process. It reads this when it is imported.
    environment = {"GRPC_ENABLE_FORK_SUPPORT": "0", **os.environ}
    try:
        ended = subprocess.run(  # noqa: S603 - our own module
            [sys.executable, "-m", name, *arguments], check=False, env=environment
        )
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    raise typer.Exit(ended.returncode)


def failure(sentence: str, *, code: int = 1) -> typer.Exit:
    """Say what is wrong; what is returned ends the command when it is raised."""
    console(stderr=True).print(
        sentence, style="bold red", markup=False, highlight=False, soft_wrap=True
    )
    return typer.Exit(code)
