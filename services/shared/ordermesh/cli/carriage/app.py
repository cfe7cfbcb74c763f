"""The commands about carriage."""

from pathlib import Path
from typing import Annotated

import typer

from ordermesh.cli import commands

carriage_app = typer.Typer(
    help="Carriers, zones, prices, lanes, postal codes and rates of exchange.",
    no_args_is_help=True,
)


@carriage_app.command("import")
def import_carriage_command(
    paths: Annotated[list[Path], typer.Argument(help="Directories, or CSV files.")],
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what is wrong, and store nothing.")
    ] = False,
    directory: Annotated[
        Path, typer.Option("--directory", "-d", help="Where the mesh lives.")
    ] = Path(".ordermesh"),
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Import files of carriage: all of them, or when something is wrong, nothing."""
    from ordermesh.cli.carriage.importing import as_fields, import_carriage, print_imported

    targets = commands.mesh(directory).targets
    imported = commands.run(import_carriage(targets, paths, dry_run=dry_run))
    print_imported(imported, commands.console(stderr=json_))
    if json_:
        commands.print_json(as_fields(imported))
    raise typer.Exit(1 if imported.refused else 0)
