"""`ordermesh load`: which records are read from where, and what is said of them."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ordermesh.cli.calls import open_mesh
from ordermesh.cli.loader import SAMPLE, Loaded, Loader, Source
from ordermesh.cli.tables import add_row, new_table, titled
from ordermesh.sample import nouns
from ordermesh.sample.files import items as item_files
from ordermesh.sample.files import network as network_files
from ordermesh.sample.files import orders as order_files
from ordermesh.sample.files import stock as stock_files
from ordermesh.sample.files.sheets import Refusal
from ordermesh.sample.retailer import Regime, build_retailer

SAMPLE_ORDERS = 500
"""For how many orders the sample retailer is stocked when none are submitted."""

REFUSALS_SHOWN = 50


@dataclass(frozen=True)
class LoadOptions:
    """What is loaded: the sample with so many orders, or files."""

    sample_orders: int | None
    items: Path | None
    network: Path | None
    stock: Path | None
    orders: Path | None
    currency_code: str
    seed: int
    regime: Regime


@dataclass
class Rows:
    """What was read, and what the files refused."""

    currency_code: str
    sources: Mapping[str, Source]
    items: tuple[nouns.Item, ...] = ()
    locations: tuple[nouns.Location, ...] = ()
    network: tuple[nouns.NetworkLocation, ...] = ()
    stock: tuple[nouns.StockRow, ...] = ()
    orders: tuple[nouns.Order, ...] = ()
    refused: list[Refusal] = field(default_factory=list)


async def load(targets: Mapping[str, str], options: LoadOptions, console: Console) -> Loaded:
    """Read the rows and load them, with a progress bar."""
    rows = await asyncio.to_thread(read_rows, options)
    columns = (
        TextColumn("{task.description:<12}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    async with open_mesh(targets) as mesh:
        with Progress(*columns, console=console) as progress:
            loader = Loader(mesh, rows.currency_code, progress, rows.sources)
            loader.loaded.refused.extend(rows.refused)
            if rows.items:
                await loader.put_items(rows.items)
            if rows.locations:
                await loader.put_network(rows.locations, rows.network)
            if rows.stock:
                await loader.receive_stock(rows.stock)
            if rows.orders:
                await loader.submit_orders(rows.orders)
    return loader.loaded


def read_rows(options: LoadOptions) -> Rows:
    """The rows of the sample or of the files. Raises ``OSError`` for one that cannot be read."""
    if options.sample_orders is not None:
        made = build_retailer(options.seed, options.sample_orders or SAMPLE_ORDERS, options.regime)
        return Rows(
            currency_code=made.currency_code,
            sources=SAMPLE,
            items=made.items,
            locations=made.locations,
            network=made.network,
            stock=made.stock,
            orders=made.orders if options.sample_orders else (),
        )
    return _read_files(options)


def _read_files(options: LoadOptions) -> Rows:
    """A file is checked against those that come with it; the rest the services know."""
    rows = Rows(options.currency_code, _sources(options))
    if options.items is not None:
        items = item_files.read_items(options.items)
        rows.items = items.rows
        rows.refused.extend(items.refusals)
    if options.network is not None:
        places = network_files.read_network(options.network)
        rows.locations = tuple(location for location, _ in places.rows)
        rows.network = tuple(node for _, node in places.rows)
        rows.refused.extend(places.refusals)
    known_items = rows.items if options.items is not None else None
    if options.stock is not None:
        known_places = rows.locations if options.network is not None else None
        stock = stock_files.read_stock(options.stock, known_items, known_places)
        rows.stock = stock.rows
        rows.refused.extend(stock.refusals)
    if options.orders is not None:
        orders = order_files.read_orders(options.orders, known_items)
        rows.orders = orders.rows
        rows.refused.extend(orders.refusals)
    return rows


def _sources(options: LoadOptions) -> dict[str, Source]:
    return {
        "items": Source("items", ("sku",), options.items, item_files.COLUMNS),
        "network": Source("network", ("location_id",), options.network, network_files.COLUMNS),
        "stock": Source("stock", ("sku", "location_id"), options.stock, stock_files.COLUMNS),
        "orders": Source("orders", ("order_id",), options.orders, order_files.COLUMNS),
    }


def print_loaded(loaded: Loaded, console: Console) -> None:
    """What was loaded, and what was refused and why."""
    kept = f", {loaded.stock_rows_kept} stocked before and left as they are"
    console.print(
        f"{loaded.items} items, {loaded.locations} locations, {loaded.network} in the network,"
        f" {loaded.stock_units} units in {loaded.stock_rows} balances"
        f"{kept if loaded.stock_rows_kept else ''}, {loaded.orders} orders.",
        highlight=False,
    )
    if not loaded.refused:
        return
    table = new_table(("file", "line", "column", "value", "why"))
    for one in loaded.refused[:REFUSALS_SHOWN]:
        add_row(table, one.file, str(one.line or ""), one.column, one.value, one.why)
    console.print(titled(f"{len(loaded.refused)} refused", table))
    if len(loaded.refused) > REFUSALS_SHOWN:
        console.print(f"and {len(loaded.refused) - REFUSALS_SHOWN} more: --json lists all.")
