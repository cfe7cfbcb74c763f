"""What every command does: find the mesh, run, and end with a sentence when something is wrong."""

import asyncio
import json
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

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


def failure(sentence: str, *, code: int = 1) -> typer.Exit:
    """Say what is wrong; what is returned ends the command when it is raised."""
    console(stderr=True).print(
        sentence, style="bold red", markup=False, highlight=False, soft_wrap=True
    )
    return typer.Exit(code)
