"""The commands and their options. What a command needs is imported when it is called."""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import typer

from ordermesh.cli.audit import audit_command
from ordermesh.cli.benchmarks import bench_app
from ordermesh.cli.carriage.app import carriage_app
from ordermesh.cli.commands import console as _console
from ordermesh.cli.commands import failure as _failure
from ordermesh.cli.commands import mesh as _mesh
from ordermesh.cli.commands import print_json as _print_json
from ordermesh.cli.commands import run as _run
from ordermesh.cli.policy_app import policy_app
from ordermesh.cli.price_app import price_app
from ordermesh.cli.readiness import data_app
from ordermesh.cli.source_app import source_app

T = TypeVar("T")

app = typer.Typer(
    name="ordermesh",
    help="Distributed order management as a mesh of four gRPC services.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

app.add_typer(bench_app, name="bench")
app.command("audit")(audit_command)
app.add_typer(carriage_app, name="carriage")
app.add_typer(data_app, name="data")
app.add_typer(policy_app, name="policy")
app.add_typer(price_app, name="prices")
app.add_typer(source_app, name="source")

Place = Annotated[Path, typer.Option("--directory", "-d", help="Where the mesh lives.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]
RedisUrl = Annotated[
    str | None,
    typer.Option(
        "--redis",
        envvar="ORDERMESH_REDIS_URL",
        help="Where inventory keeps a copy for many readers: redis://host:6379/0.",
    ),
]
Seed = Annotated[int, typer.Option(help="The seed of the sample retailer.")]
RegimeName = Annotated[
    Literal["calm", "peak", "scarce"],
    typer.Option(help="How much stock there is: calm, peak or scarce."),
]

DIRECTORY = Path(".ordermesh")
RUN_DIRECTORY = DIRECTORY / "run"


@app.command("up")
def up_command(
    directory: Place = DIRECTORY,
    free_ports: Annotated[
        bool, typer.Option("--free-ports", help="Take free ports instead of 7101 to 7104.")
    ] = False,
    services: Annotated[
        str, typer.Option(help="Start only these, separated by commas; run the others yourself.")
    ] = "inventory,routing,returns,notify",
    trace_sql: Annotated[
        bool, typer.Option("--trace-sql", help="Record every SQL statement, which costs time.")
    ] = False,
    redis: RedisUrl = None,
) -> None:
    """Start all services on SQLite files and keep them running until Ctrl+C."""
    from ordermesh.cli.place import PORTS, MeshDirectory
    from ordermesh.cli.up import up

    names = [name.strip() for name in services.split(",") if name.strip()]
    if unknown := [name for name in names if name not in PORTS]:
        raise _failure(
            f"There is no service {', '.join(unknown)}: they are {', '.join(PORTS)}.", code=2
        )
    _run(
        up(
            MeshDirectory(directory),
            on_free_ports=free_ports,
            services=list(dict.fromkeys(names)),
            trace_sql=trace_sql,
            console=_console(),
            redis_url=redis,
        )
    )


@app.command("run")
def run_command(
    orders: Annotated[int, typer.Option(min=1, help="How many baskets to submit.")] = 500,
    seed: Seed = 1,
    regime: RegimeName = "peak",
    directory: Place = RUN_DIRECTORY,
) -> None:
    """Run the whole story on a fresh mesh and stop: load, submit, source, ship, compare, verify."""
    from ordermesh.cli.place import MeshDirectory
    from ordermesh.cli.run import RunOptions, run

    options = RunOptions(MeshDirectory(directory), orders, seed, regime)
    raise typer.Exit(_run(run(options, _console())))


@app.command("load")
def load_command(
    sample: Annotated[bool, typer.Option("--sample", help="Load the sample retailer.")] = False,
    items: Annotated[Path | None, typer.Option(help="A CSV file of items.")] = None,
    network: Annotated[Path | None, typer.Option(help="A CSV file of locations.")] = None,
    stock: Annotated[Path | None, typer.Option(help="A CSV file of stock.")] = None,
    orders: Annotated[
        str | None,
        typer.Option(help="A CSV file of orders; with --sample how many to submit."),
    ] = None,
    currency: Annotated[str, typer.Option(help="Of all amounts in the files.")] = "USD",
    seed: Seed = 1,
    regime: RegimeName = "peak",
    directory: Place = DIRECTORY,
    json_: AsJson = False,
) -> None:
    """Load a retailer: the sample, or your own CSV files. Says what was refused, and why."""
    from ordermesh.cli.load import LoadOptions, load, print_loaded

    if sample and (items or network or stock):
        raise _failure("Either --sample or files: not both.", code=2)
    if sample and orders is not None and not orders.isdigit():
        raise _failure("With --sample, --orders is a number.", code=2)
    if not sample and not (items or network or stock or orders):
        raise _failure("Name --sample, or files: --items, --network, --stock, --orders.", code=2)
    options = LoadOptions(
        sample_orders=int(orders or 0) if sample else None,
        items=items,
        network=network,
        stock=stock,
        orders=None if sample or orders is None else Path(orders),
        currency_code=currency,
        seed=seed,
        regime=regime,
    )
    record = _mesh(directory)
    console = _console(stderr=json_)
    loaded = _run(load(record.targets, options, console))
    print_loaded(loaded, console)
    if json_:
        _print_json({**vars(loaded), "refused": [str(one) for one in loaded.refused]})
    raise typer.Exit(1 if loaded.refused else 0)


@app.command("import")
def import_command(
    file: Annotated[Path, typer.Argument(help="A CSV file: sku, location_id, on_hand.")],
    source: Annotated[str, typer.Option(help="The registered source whose picture it is.")],
    location: Annotated[
        list[str] | None, typer.Option(help="It shows all of this location; may be repeated.")
    ] = None,
    watermark: Annotated[
        int | None, typer.Option(min=0, help="The last change of the source that it contains.")
    ] = None,
    taken: Annotated[
        datetime | None, typer.Option(help="When it was taken, in UTC; else as the file is dated.")
    ] = None,
    absent: Annotated[
        Literal["leave", "zero"],
        typer.Option(help="What becomes of what it does not name; zero takes no unreadable line."),
    ] = "leave",
    resume: Annotated[
        bool, typer.Option("--resume", help="Go on with an import that broke off.")
    ] = False,
    directory: Place = DIRECTORY,
    json_: AsJson = False,
) -> None:
    """Import a picture of stock, row by row or a million; it never undoes what came after it."""
    from ordermesh.cli.snapshot import (
        ImportOptions,
        as_fields,
        import_snapshot,
        print_imported,
    )

    if absent == "zero" and not location:
        raise _failure("--absent zero needs the locations that the file shows: --location.", code=2)
    options = ImportOptions(
        file,
        source,
        location or (),
        watermark,
        taken.replace(tzinfo=UTC) if taken else None,
        absent,
        resume,
    )
    targets = _mesh(directory).targets
    console = _console(stderr=json_)
    imported = _run(import_snapshot(targets, options, console))
    print_imported(imported, console)
    if json_:
        _print_json(as_fields(imported))
    raise typer.Exit(0 if imported.is_whole else 1)


@app.command("submit")
def submit_command(
    file: Annotated[str, typer.Argument(help="A SubmitOrderRequest as JSON; - reads the input.")],
    directory: Place = DIRECTORY,
    json_: AsJson = False,
) -> None:
    """Submit one order. A missing request_id is derived, so that submitting again is harmless."""
    from ordermesh.cli import asking

    text = sys.stdin.read() if file == "-" else Path(file).read_text()
    _run(asking.submit(_mesh(directory).targets, text, _console(), json_=json_))


@app.command("order")
def order_command(order_id: str, directory: Place = DIRECTORY, json_: AsJson = False) -> None:
    """Show an order, its decisions with every cost term, and its work."""
    from ordermesh.cli import asking

    _run(asking.order(_mesh(directory).targets, order_id, _console(), json_=json_))


@app.command("stock")
def stock_command(
    sku: str,
    location: Annotated[str, typer.Option(help="Only at this location.")] = "",
    channel: Annotated[str, typer.Option(help="What this channel may sell.")] = "",
    directory: Place = DIRECTORY,
    json_: AsJson = False,
) -> None:
    """Show what is on hand, reserved and available of an item, by location."""
    from ordermesh.cli import asking

    targets = _mesh(directory).targets
    is_known = _run(asking.stock(targets, sku, location, channel, _console(), json_=json_))
    raise typer.Exit(0 if is_known else 1)


@app.command("promise")
def promise_command(
    skus: Annotated[list[str], typer.Argument(help="The items; twice for two of one.")],
    to: Annotated[
        tuple[str, str], typer.Option(metavar="COUNTRY POSTCODE", help="Where they go.")
    ] = ("", ""),
    pick_up: Annotated[
        str, typer.Option("--pick-up", help="The location at which they are collected.")
    ] = "",
    confidence: Annotated[
        int, typer.Option(min=1, max=99, help="How often of 100 the promise is to be kept.")
    ] = 90,
    channel: Annotated[str, typer.Option(help="Where they would be sold.")] = "",
    customer_class: Annotated[str, typer.Option(help="The class of the customer.")] = "",
    tag: Annotated[
        list[str] | None, typer.Option(help="A tag of the order; may be given again.")
    ] = None,
    policy: Annotated[
        str, typer.Option(help="The policy; without it the one that such an order chooses.")
    ] = "",
    directory: Place = DIRECTORY,
    json_: AsJson = False,
) -> None:
    """Show by when items can be there: the cheapest, fastest and greenest way, and why not."""
    from ordermesh.cli.promising import Said, promise

    if bool(pick_up) == bool(to[0]):
        raise _failure("Say where it goes, --to COUNTRY POSTCODE, or --pick-up LOCATION.", code=2)
    targets = _mesh(directory).targets
    said = Said(channel, customer_class, tuple(tag or ()), policy)
    can = _run(promise(targets, skus, to, pick_up, confidence, said, _console(), json_=json_))
    raise typer.Exit(0 if can else 1)


@app.command("verify")
def verify_command(directory: Place = DIRECTORY, json_: AsJson = False) -> None:
    """Recompute every balance from its entries while the mesh goes on working."""
    from ordermesh.cli import asking

    targets = _mesh(directory).targets
    is_sound = _run(asking.verification(targets, _console(stderr=json_), json_=json_))
    raise typer.Exit(0 if is_sound else 1)


@app.command("trace")
def trace_command(
    order_id: str,
    directory: Place = DIRECTORY,
    statements: Annotated[
        bool,
        typer.Option(
            "--statements", help="Show every statement, where `up --trace-sql` recorded them."
        ),
    ] = False,
    json_: AsJson = False,
) -> None:
    """Show the span trees of an order over all services; a mesh need not run for it."""
    from ordermesh.cli import asking
    from ordermesh.cli.place import MeshDirectory

    is_known = asking.trace(
        MeshDirectory(directory), order_id, _console(), fold=not statements, json_=json_
    )
    raise typer.Exit(0 if is_known else 1)


@app.command("doctor")
def doctor_command(
    directory: Place = DIRECTORY, json_: AsJson = False, redis: RedisUrl = None
) -> None:
    """Look whether everything is well, and say what to do where it is not."""
    from ordermesh.cli.doctor import as_rows, examine, finding_table, is_sound
    from ordermesh.cli.place import MeshDirectory

    findings = _run(examine(MeshDirectory(directory), redis))
    if json_:
        _print_json(as_rows(findings))
    else:
        _console().print(finding_table(findings))
    raise typer.Exit(0 if is_sound(findings) else 1)


@app.command("events")
def events_command(
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on as more happens, until Ctrl+C.")
    ] = False,
    service: Annotated[
        list[str] | None, typer.Option(help="Only what this service tells; may be repeated.")
    ] = None,
    type_: Annotated[
        list[str] | None, typer.Option("--type", help="Only of this type; may be repeated.")
    ] = None,
    order: Annotated[str, typer.Option(help="Only about this order.")] = "",
    position: Annotated[
        int | None, typer.Option("--after", min=0, help="Only after this revision of each feed.")
    ] = None,
    directory: Place = DIRECTORY,
    json_: Annotated[bool, typer.Option("--json", help="One CloudEvent a line, as JSON.")] = False,
) -> None:
    """Show what the services tell, merged as it comes."""
    from ordermesh.cli.events import Wanted, show_events
    from ordermesh.cli.place import PORTS
    from ordermesh.client import PositionCompacted

    names = service or list(PORTS)
    if unknown := [name for name in names if name not in PORTS]:
        raise _failure(
            f"There is no service {', '.join(unknown)}: they are {', '.join(PORTS)}.", code=2
        )
    wanted = Wanted(names, type_ or (), order, position, follow, json_)
    try:
        _run(show_events(_mesh(directory).targets, wanted, _console()))
    except PositionCompacted as gone:
        raise _failure(str(gone)) from None


@app.command("descriptors")
def descriptors_command(
    file: Annotated[Path, typer.Argument(help="Where to write them.")],
) -> None:
    """Write the contracts as a descriptor set, from which other languages generate their stubs."""
    from importlib.resources import files

    written = files("ordermesh.api").joinpath("descriptors.binpb").read_bytes()
    file.write_bytes(written)
    _console().print(f"{len(written):,} bytes in {file}.", markup=False, highlight=False)
