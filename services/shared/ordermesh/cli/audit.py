"""`ordermesh audit`: what past shipments could have cost; a process of the routing service."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from ordermesh.cli.commands import failure, run_module

Limit = Annotated[
    float, typer.Option(min=1, help="When the search ends; what was found until then counts.")
]
Days = Annotated[int, typer.Option(min=1, help="Over how many days the sample left.")]
Directory = Annotated[Path, typer.Option(help="The directory of the sample.")]


def audit_command(
    shipments: Annotated[
        Path | None, typer.Argument(help="A CSV file: what left which building for which order.")
    ] = None,
    rates: Annotated[
        Path | None, typer.Option(help="A CSV file: the rate card, by zone and weight.")
    ] = None,
    stock: Annotated[
        Path | None, typer.Option(help="A CSV file: units at the beginning, for the free case.")
    ] = None,
    currency: Annotated[str, typer.Option(help="Of the rate card.")] = "USD",
    parcel_fee: Annotated[
        str, typer.Option(help="What a building spends on a parcel beside its freight.")
    ] = "0",
    pool: Annotated[
        Literal["day", "week", "all"],
        typer.Option(help="Over which time the units that left a building may change orders."),
    ] = "day",
    until_promise: Annotated[
        bool,
        typer.Option(
            "--until-promise", help="Units may arrive as late as promised, not only as they did."
        ),
    ] = False,
    page: Annotated[Path, typer.Option(help="Where to write the page.")] = Path("audit.html"),
    json_file: Annotated[
        Path, typer.Option("--json", help="Where to write the same for programs.")
    ] = Path("audit.json"),
    proof: Annotated[
        Path, typer.Option(help="Where to write the proof: python -m ordermesh.client.audited.")
    ] = Path("audit-proof.json"),
    seed: Annotated[int, typer.Option(help="Of the search, or of the sample.")] = 1,
    quick: Annotated[bool, typer.Option("--quick", help="Less of a search.")] = False,
    seconds_max: Limit = 200.0,
    sample: Annotated[
        int | None,
        typer.Option(min=1, help="Write shipments.csv, rates.csv, stock.csv of so many orders."),
    ] = None,
    rule: Annotated[
        Literal["nearest", "priority"],
        typer.Option(help="The rule that the sample was sourced by."),
    ] = "nearest",
    regime: Annotated[
        Literal["calm", "peak", "scarce"], typer.Option(help="How much stock the sample has.")
    ] = "peak",
    days: Days = 1,
    into: Directory = Path(),
) -> None:
    """Say what past shipments could have cost, and below what nobody could have come; prove it.

    Two files are enough: SHIPMENTS and --rates. The same units leave the same buildings, and nobody
    is served later; with --stock also what would have been possible with all that was there. What
    cannot be read is told with its line and left out. --sample writes files to begin with.
    """
    options: dict[str, object] = {"--seed": seed}
    if sample is None:
        if shipments is None or rates is None:
            raise failure("Name the shipments and --rates, or write some with --sample.", code=2)
        options |= {"--rates": rates, "--stock": stock, "--currency": currency, "--pool": pool}
        options |= {"--parcel-fee": parcel_fee, "--seconds-max": seconds_max}
        options |= {"--page": page, "--json": json_file, "--proof": proof}
    else:
        options |= {"--sample": sample, "--rule": rule, "--regime": regime, "--days": days}
        options |= {"--into": into}
    arguments = [f"{name}={value}" for name, value in options.items() if value is not None]
    arguments += ["--quick"] if quick else []
    arguments += ["--until-promise"] if until_promise else []
    arguments += ["--", str(shipments)] if shipments is not None else []
    run_module("routing", "audit", arguments, extras="routing,cli")
