"""`ordermesh source`: why an order is sourced as it is, made again, and exported for strangers."""

from pathlib import Path
from typing import Annotated

import typer

from ordermesh.cli.commands import console, mesh, run

source_app = typer.Typer(help="Why orders are sourced as they are.", no_args_is_help=True)

OrderId = Annotated[str, typer.Argument(help="The order; its last decision is meant.")]
Place = Annotated[Path, typer.Option("--directory", "-d", help="Where the mesh lives.")]
DIRECTORY = Path(".ordermesh")


@source_app.command("explain")
def explain_command(
    order_id: OrderId,
    location: Annotated[
        list[str] | None, typer.Option("--location", "-l", help="Only these locations.")
    ] = None,
    directory: Place = DIRECTORY,
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Say of each location why it was chosen or not, and what would have changed it."""
    from ordermesh.cli import sourcing

    targets = mesh(directory).targets
    run(sourcing.explain(targets, order_id, location or [], console(), json_=json_))


@source_app.command("replay")
def replay_command(
    order_id: OrderId,
    policy: Annotated[str, typer.Option("--policy", help="Decide under this policy instead.")] = "",
    directory: Place = DIRECTORY,
) -> None:
    """Make the decision again from its record; fails when something else comes out."""
    from ordermesh.cli import sourcing

    if not run(sourcing.replay(mesh(directory).targets, order_id, policy, console())):
        raise typer.Exit(1)


@source_app.command("export")
def export_command(
    order_id: OrderId,
    file: Annotated[Path, typer.Argument(help="Where the record goes, as JSON.")],
    directory: Place = DIRECTORY,
) -> None:
    """Write the decision's record to a file that `python -m ordermesh.client.proof` checks."""
    from ordermesh.cli import sourcing

    run(sourcing.export(mesh(directory).targets, order_id, file, console()))
