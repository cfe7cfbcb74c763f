"""The services' own benchmarks, each run as a process of its own."""

from pathlib import Path
from typing import Annotated

import typer

from ordermesh.cli.commands import run_module

bench_app = typer.Typer(
    help="The benchmarks of the services, each checked as it runs.", no_args_is_help=True
)


@bench_app.command("ledger")
def bench_ledger_command(
    quick: Annotated[
        bool, typer.Option("--quick", help="Fewer and shorter passes, and one kill: a minute.")
    ] = False,
    json_: Annotated[
        Path | None, typer.Option("--json", help="Write the figures to this file.")
    ] = None,
    passes: Annotated[int | None, typer.Option(min=1, help="How often every case runs.")] = None,
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="How long a case runs in a pass.")
    ] = None,
    kills: Annotated[
        int | None, typer.Option(min=0, help="How often the database is killed under load.")
    ] = None,
    more: Annotated[
        bool, typer.Option("--more", help="Measure costs, growth and waits instead.")
    ] = False,
    balances: Annotated[
        int | None, typer.Option(min=1_000, help="Of the large ledger of --more.")
    ] = None,
) -> None:
    """The ledger against what its PostgreSQL can do at best, and whether it ever does wrong.

    It starts a PostgreSQL of its own, runs product and reference in turn, and checks the books
    after every case. What each figure means, and what it must be, stands in the table.
    """
    chosen = {
        "--json": json_,
        "--passes": passes,
        "--seconds": seconds,
        "--kills": kills,
        "--balances": balances,
    }
    arguments = [
        text for name, value in chosen.items() if value is not None for text in (name, f"{value}")
    ]
    arguments += [*(["--quick"] if quick else []), *(["--more"] if more else [])]
    run_module("inventory", "bench", arguments, extras="inventory,bench")


Seeds = Annotated[int, typer.Option(min=1, help="How many seeds; a batch tells the spread.")]
Rates = Annotated[
    Path | None,
    typer.Option(
        exists=True, help="Price a batch by this rate card, against a greedy that knows all prices."
    ),
]
Centres = Annotated[
    Path | None, typer.Option(exists=True, help="Centres in place of the sample's, for --rates.")
]
StoresFrom = Annotated[
    Path | None,
    typer.Option(exists=True, help="Stores in place of the sample's, for --rates; CSV or .csv.gz."),
]
Beside = Annotated[
    bool, typer.Option("--beside", help="Measure whether solving delays what the pod answers.")
]


@bench_app.command("sourcing")
def bench_sourcing_command(
    orders: Annotated[int, typer.Option(min=1, help="How many orders.")] = 200,
    stores: Annotated[int, typer.Option(min=1, help="How many stores.")] = 50,
    seed: Annotated[int, typer.Option(help="Of network, stock and orders.")] = 1,
    single: Annotated[
        bool, typer.Option("--single", help="How long one order takes, and what may never happen.")
    ] = False,
    batch: Annotated[
        int | None, typer.Option(min=1, help="Decide so many orders together, with a proven gap.")
    ] = None,
    regime: Annotated[
        str, typer.Option(help="How much stock a batch has: calm, peak or scarce.")
    ] = "peak",
    seconds_max: Annotated[
        float | None, typer.Option(min=0.1, help="When a batch is cut off; its best plan counts.")
    ] = None,
    instance: Annotated[
        Path | None, typer.Option(exists=True, help="Decide this batch instead of a drawn one.")
    ] = None,
    export: Annotated[Path | None, typer.Option(help="Write the batch to this file.")] = None,
    plan: Annotated[Path | None, typer.Option(help="Write the batch's plan to this file.")] = None,
    seeds: Seeds = 1,
    rates: Rates = None,
    centres: Centres = None,
    stores_from: StoresFrom = None,
    beside: Beside = False,
    online: Annotated[
        bool, typer.Option("--online", help="Streams of --batch orders, one by one, on --seeds.")
    ] = False,
    periods: Annotated[int, typer.Option(min=2, help="Periods of a stream of orders.")] = 10,
    quick: Annotated[bool, typer.Option("--quick", help="Less of it, in under a minute.")] = False,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="Where to write the figures.")
    ] = None,
) -> None:
    """Exact sourcing against the named baselines, one order at a time or many together."""
    arguments = [f"--orders={orders}", f"--stores={stores}", f"--seed={seed}", f"--regime={regime}"]
    arguments += ["--single"] if single else []
    arguments += ["--online", f"--periods={periods}"] if online else []
    arguments += ["--quick"] if quick else []
    arguments += ["--beside"] if beside else []
    arguments += [f"--seeds={seeds}"]
    chosen = {
        "--rates": rates,
        "--centres": centres,
        "--stores-from": stores_from,
        "--batch": batch,
        "--seconds-max": seconds_max,
        "--instance": instance,
        "--export": export,
        "--plan": plan,
        "--json": json_file,
    }
    arguments += [f"{name}={value}" for name, value in chosen.items() if value is not None]
    run_module("routing", "bench", arguments, extras="routing,bench")
