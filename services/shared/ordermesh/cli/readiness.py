"""`ordermesh data check`: which orders cannot be promised, and why."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from ordermesh.api.routing.v1 import FindObstaclesRequest, FindObstaclesResponse, Obstacle
from ordermesh.cli import commands
from ordermesh.cli.calls import open_mesh, patiently
from ordermesh.cli.tables import add_row, new_table, titled
from ordermesh.sample.files.orders import read_orders

CHECK_SECONDS = 300.0
DESTINATIONS_MAX = 1_000

data_app = typer.Typer(help="What the mesh knows, and what is missing.", no_args_is_help=True)


@data_app.command("check")
def data_check_command(
    orders: Annotated[
        Path | None, typer.Option(help="A CSV file of orders whose destinations are looked at.")
    ] = None,
    policy: Annotated[str, typer.Option(help="By which policy; else the default one.")] = "",
    horizon: Annotated[
        int, typer.Option(min=0, max=3650, help="Prices should last for so many days.")
    ] = 30,
    directory: Annotated[
        Path, typer.Option("--directory", "-d", help="Where the mesh lives.")
    ] = Path(".ordermesh"),
    json_: Annotated[bool, typer.Option("--json", help="Print JSON for programs.")] = False,
) -> None:
    """Say which orders cannot be promised, and why; the exit code is 1 when there are any."""
    targets = commands.mesh(directory).targets
    found = commands.run(check(targets, orders, policy_id=policy, horizon_days=horizon))
    print_obstacles(found, commands.console(stderr=json_))
    if json_:
        commands.print_json(as_fields(found))
    raise typer.Exit(1 if found.obstacles else 0)


async def check(
    targets: Mapping[str, str], orders: Path | None, *, policy_id: str = "", horizon_days: int = 30
) -> FindObstaclesResponse:
    """What stands in the way; raises ``ValueError``, ``OSError`` and ``AioRpcError``."""
    request = FindObstaclesRequest(policy_id=policy_id, horizon_days=horizon_days)
    if orders is not None:
        read = read_orders(orders)
        if read.refusals:
            raise ValueError(f"{len(read.refusals)} cells cannot be read: {read.refusals[0]}.")
        named = {
            (one.destination.country_code, one.destination.region, one.destination.postal_code)
            for one in read.rows
        }
        for country, region, code in sorted(named)[:DESTINATIONS_MAX]:
            request.destinations.add(country_code=country, region=region, postal_code=code)
    async with open_mesh(targets) as mesh:
        return await patiently(mesh.carriage.FindObstacles, request, timeout=CHECK_SECONDS)


def print_obstacles(found: FindObstaclesResponse, console: Console) -> None:
    """One row for each kind of obstacle, with how many there are and one of them."""
    seen = f"{found.item_count:,} items and {found.lane_count:,} lanes looked at"
    if not found.obstacles:
        console.print(f"{seen}: nothing stands in the way.", highlight=False)
        return
    table = new_table(("what", "how many", "for example", "why"))
    for one in found.obstacles:
        add_row(table, _words(one), f"{one.count:,}", one.example, one.sentence)
    console.print(titled(seen, table))


def as_fields(found: FindObstaclesResponse) -> dict[str, object]:
    """The same for programs."""
    return {
        "items": found.item_count,
        "lanes": found.lane_count,
        "obstacles": [
            {
                "kind": Obstacle.Kind.Name(one.kind).removeprefix("KIND_"),
                "count": one.count,
                "example": one.example,
                "sentence": one.sentence,
            }
            for one in found.obstacles
        ],
    }


def _words(obstacle: Obstacle) -> str:
    return Obstacle.Kind.Name(obstacle.kind).removeprefix("KIND_").lower().replace("_", " ")
