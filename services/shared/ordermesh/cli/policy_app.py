"""`ordermesh policy`: what is wrong with a policy in a file, and one to begin with."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ordermesh.cli.commands import console, mesh, run

policy_app = typer.Typer(help="Policies in files.", no_args_is_help=True)


@policy_app.command("lint")
def lint_command(
    file: Annotated[Path, typer.Argument(help="A policy as JSON, or as .txtpb.")],
    directory: Annotated[
        Path, typer.Option("--directory", "-d", help="Where the mesh lives.")
    ] = Path(".ordermesh"),
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Show what is wrong with a policy, each with an order that shows it; fails for errors."""
    from ordermesh.cli import policies

    if not run(policies.lint(mesh(directory).targets, file, console(), json_=json_)):
        raise typer.Exit(1)


@policy_app.command("example")
def example_command() -> None:
    """Print a policy as JSON, to begin a file with."""
    from ordermesh.cli import policies

    sys.stdout.write(policies.example() + "\n")
