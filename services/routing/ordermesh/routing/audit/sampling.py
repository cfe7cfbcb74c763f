"""A sample to audit: what the sample retailer would have shipped by a simple rule.

Geography and baskets are real, stock, labor, weights and rates declared and illustrative. Orders
are sourced one after the other in the order of their arrival, and what the rule cannot fill is not
shipped. The rate card is the declared one of the public benchmark, by brackets of weight.
"""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path

from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.audit.reading import RATES, SHIPMENTS
from ordermesh.routing.bench.instances import draw_batch
from ordermesh.routing.domain.batch.baselines import RULES, decide_by
from ordermesh.routing.domain.batch.instance import Batch, Integers
from ordermesh.routing.domain.rates import ZoneRates, declared_costs
from ordermesh.sample.files.sheets import Column
from ordermesh.sample.files.stock import COLUMNS as STOCK
from ordermesh.sample.nouns import Order
from ordermesh.sample.retailer import Regime, build_retailer

RULE_OF: Mapping[str, str] = {"nearest": "nearest single", "priority": "fixed priority list"}

FIRST_DAY = date(2026, 11, 23)

_EDGES = (250, 500, 1_000, 2_000, 3_000, 5_000, 7_500, 10_000, 15_000, 20_000, 30_000)


def write_sample(
    directory: Path,
    orders: int,
    rule: str,
    *,
    seed: int = 1,
    regime: Regime = "peak",
    days: int = 1,
) -> tuple[Path, Path, Path]:
    """Write ``shipments.csv``, ``rates.csv`` and ``stock.csv``, and give where they are.

    Orders leave over so many days, as many on each. Raises ``KeyError`` for an unknown rule, and
    ``OSError`` when a file cannot be written.
    """
    batch = draw_batch(orders, regime, seed)
    location = decide_by(batch, RULES[RULE_OF[rule]])
    retailer = build_retailer(seed, orders, regime, kits=0)
    codes = {one.location_id: one.address.postal_code for one in retailer.locations}
    directory.mkdir(parents=True, exist_ok=True)
    units = sorted(zip(batch.stock.item, batch.stock.location, batch.stock.units, strict=True))
    stock = (
        (batch.items.skus[item], batch.locations.ids[place], int(number))
        for item, place, number in units
    )
    return (
        _write(
            directory / "shipments.csv",
            SHIPMENTS,
            _shipments(batch, location, retailer.orders, codes, days),
        ),
        _write(directory / "rates.csv", RATES, _rates(declared_costs().zones)),
        _write(directory / "stock.csv", STOCK, stock),
    )


def _shipments(
    batch: Batch,
    location: Integers,
    orders: Sequence[Order],
    codes: Mapping[str, str],
    days: int,
) -> Iterator[tuple[object, ...]]:
    for number, order in enumerate(orders):
        day = FIRST_DAY + timedelta(days=number * days // len(orders))
        goes = order.destination
        start, end = (int(batch.orders.first_atom[number + step]) for step in (0, 1))
        left: dict[tuple[int, int], int] = {}
        for atom in range(start, end):
            place = int(location[atom])
            if place >= 0:
                key = (int(batch.atoms.line[atom]), place)
                left[key] = left.get(key, 0) + int(batch.atoms.units[atom])
        for (line, place), quantity in left.items():
            wanted, name = order.lines[line], batch.locations.ids[place]
            grams = batch.items.grams[batch.items.skus.index(wanted.sku)]
            yield (
                order.order_id,
                wanted.line_id,
                wanted.sku,
                quantity,
                int(grams),
                day.isoformat(),
                name,
                codes[name],
                "",
                "",
                goes.postal_code,
                "",
                "",
                goes.country_code,
                (day + timedelta(days=order.promise_days)).isoformat(),
                "yes" if wanted.keep_together else "no",
            )


def _rates(zones: Sequence[ZoneRates]) -> Iterator[tuple[object, ...]]:
    """Each bracket costs what its heaviest parcel would at the declared rates."""
    for zone in zones:
        for edge in _EDGES:
            price = zone.freight_per_parcel + zone.freight_per_kg * edge // 1_000
            yield _rate(zone, edge, Money(price))
        last = zone.freight_per_parcel + zone.freight_per_kg * 2 * _EDGES[-1] // 1_000
        yield _rate(zone, "", Money(last))


def _rate(zone: ZoneRates, edge: object, price: Money) -> tuple[object, ...]:
    far = "" if zone.distance_km_max is None else zone.distance_km_max
    return zone.zone, far, zone.transit_days, edge, f"{to_decimal(price):.4f}", "0"


def _write(path: Path, columns: Sequence[Column], rows: Iterable[tuple[object, ...]]) -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(column.name for column in columns)
        writer.writerows(rows)
    return path
