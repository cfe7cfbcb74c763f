"""`ordermesh prices`: what stock and work are worth to orders that will come."""

from pathlib import Path
from typing import Annotated

import typer

from ordermesh.cli.commands import console, mesh, run

price_app = typer.Typer(
    help="What stock and work are worth to orders that will come.", no_args_is_help=True
)

Place = Annotated[Path, typer.Option("--directory", "-d", help="Where the mesh lives.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
Rows = Annotated[int, typer.Option("--rows", min=1, max=1000, help="So many of each at most.")]
DIRECTORY = Path(".ordermesh")


@price_app.command("show")
def show_command(
    sku: Annotated[str, typer.Option("--sku", help="Only this item.")] = "",
    location: Annotated[str, typer.Option("--location", "-l", help="Only this location.")] = "",
    rows: Rows = 20,
    directory: Place = DIRECTORY,
    json_: AsJson = False,
) -> None:
    """Show how good the forecast was, and what units and hours of work are worth."""
    from ordermesh.cli import pricing

    targets = mesh(directory).targets
    run(pricing.show(targets, sku, location, rows, console(), json_=json_))


@price_app.command("suggest")
def suggest_command(rows: Rows = 20, directory: Place = DIRECTORY, json_: AsJson = False) -> None:
    """Show which units would save something elsewhere, brought from where they idle, or bought."""
    from ordermesh.cli import pricing

    run(pricing.suggest(mesh(directory).targets, rows, console(), json_=json_))


@price_app.command("renew")
def renew_command(
    days: Annotated[int, typer.Option("--days", min=1, max=28, help="How far to look.")] = 7,
    hours: Annotated[
        float, typer.Option("--fresh-hours", min=0.25, max=168, help="How long they count in full.")
    ] = 0.25,
    directory: Place = DIRECTORY,
    json_: AsJson = False,
) -> None:
    """Make the next version now, from the orders of before."""
    from ordermesh.cli import pricing

    run(pricing.renew(mesh(directory).targets, days, hours, console(), json_=json_))
