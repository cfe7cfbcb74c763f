"""The `ordermesh` command: run the mesh, load a retailer, and look at what happened."""

__all__ = ["main"]


def main() -> None:
    """Run the command with the arguments of the process."""
    # Imported late, so that nothing is loaded by whoever only wants a module of this package.
    from ordermesh.cli.app import app

    app()
