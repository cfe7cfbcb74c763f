"""The commands about prices."""

import uuid
from collections.abc import Iterable, Mapping
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from google.type.money_pb2 import Money
from rich.console import Console, Group

from ordermesh.api.routing.v1 import (
    GetPriceSetRequest,
    LaborPrice,
    ListLaborPricesRequest,
    ListStockPricesRequest,
    ListStockSuggestionsRequest,
    PriceSet,
    RenewPricesRequest,
    StockPrice,
    StockSuggestion,
)
from ordermesh.cli.calls import open_mesh
from ordermesh.cli.commands import print_json
from ordermesh.cli.show import as_json
from ordermesh.cli.tables import add_row, new_table, titled
from ordermesh.kernel.money import from_units_and_nanos, to_decimal

RENEWAL_SECONDS = 110.0

BOUGHT = "a supplier"


async def show(
    targets: Mapping[str, str],
    sku: str,
    location_id: str,
    rows: int,
    console: Console,
    *,
    json_: bool,
) -> None:
    """Show the newest version and its prices."""
    async with open_mesh(targets) as mesh:
        found = (await mesh.prices.GetPriceSet(GetPriceSetRequest())).price_set
        stock = await mesh.prices.ListStockPrices(
            ListStockPricesRequest(
                version=found.version, sku=sku, location_id=location_id, page_size=rows
            )
        )
        labor = await mesh.prices.ListLaborPrices(
            ListLaborPricesRequest(version=found.version, page_size=rows)
        )
    work = [one for one in labor.labor_prices if location_id in ("", one.location_id)]
    if json_:
        told = {"price_set": as_json(found), "stock": [as_json(one) for one in stock.stock_prices]}
        print_json({**told, "labor": [as_json(one) for one in work]})
        return
    console.print(set_table(found))
    console.print(stock_table(stock.stock_prices, found.currency_code))
    if work:
        console.print(labor_table(work, found.currency_code))


async def suggest(targets: Mapping[str, str], rows: int, console: Console, *, json_: bool) -> None:
    """Show what would save something elsewhere."""
    async with open_mesh(targets) as mesh:
        found = (await mesh.prices.GetPriceSet(GetPriceSetRequest())).price_set
        reply = await mesh.prices.ListStockSuggestions(
            ListStockSuggestionsRequest(version=found.version, page_size=rows)
        )
    if json_:
        print_json([as_json(one) for one in reply.suggestions])
        return
    console.print(suggestion_table(reply.suggestions, found))


async def renew(
    targets: Mapping[str, str], days: int, hours: float, console: Console, *, json_: bool
) -> None:
    """Make the next version, and show it."""
    horizon, fresh = Duration(), Duration()
    horizon.FromTimedelta(timedelta(days=days))
    fresh.FromTimedelta(timedelta(hours=hours))
    request = RenewPricesRequest(
        request_id=str(uuid.uuid4()),
        horizon=horizon,
        fresh_duration=fresh,
        cause="ordermesh prices renew",
    )
    async with open_mesh(targets) as mesh:
        reply = await mesh.prices.RenewPrices(request, timeout=RENEWAL_SECONDS)
    if json_:
        print_json(as_json(reply))
        return
    console.print(set_table(reply.price_set))


def set_table(found: PriceSet) -> Group:
    """What a version was made from, and how good its forecast was."""
    table = new_table(("", ""))
    made = found.create_time.ToDatetime()
    add_row(table, "made", f"{made:%Y-%m-%d %H:%M} UTC: {found.cause}")
    add_row(table, "counts", f"{found.strength_permille / 10:.0f} % now")
    add_row(table, "from", f"{found.orders} orders over {found.days} days")
    hours = found.horizon.ToTimedelta() / timedelta(hours=1)
    ahead = f"{hours / 24:.1f} days, {found.futures} futures of {found.orders_ahead} orders"
    add_row(table, "looks ahead", ahead)
    add_row(table, "forecast", _accuracy(found))
    return titled(f"Prices, version {found.version}", table)


def _accuracy(found: PriceSet) -> str:
    told = found.accuracy
    if not told.days:
        return "too few days to say how good"
    return (
        f"off by {told.error:.0%} of all units, item by item and day by day, over {told.days} days"
        f" (the mean of all days before: {told.naive_error:.0%}); {told.bias:+.0%} in all"
    )


def stock_table(prices: Iterable[StockPrice], currency: str) -> Group:
    """What stock is worth, the dearest first."""
    numbers = ("units", "an order pays", "last unit", "one more", "missing")
    table = new_table(("item", "location"), numbers, numbers_at=2)
    for one in prices:
        add_row(
            table,
            one.sku,
            one.location_id,
            str(one.units),
            _money(one.price),
            _money(one.last_unit_worth),
            _money(one.next_unit_worth),
            f"{one.missing_permille / 1_000:.1f}",
        )
    return titled(f"What stock is worth, {currency} a unit", table)


def labor_table(prices: Iterable[LaborPrice], currency: str) -> Group:
    """What work is worth, the dearest first."""
    numbers = ("units left", "an order pays a unit", "an hour more")
    table = new_table(("location",), numbers, numbers_at=1)
    for one in prices:
        left = str(one.units) if one.HasField("units") else ""
        hour = _money(one.hour_worth) if one.HasField("hour_worth") else ""
        add_row(table, one.location_id, left, _money(one.price), hour)
    return titled(f"What work is worth, {currency}", table)


def suggestion_table(suggestions: Iterable[StockSuggestion], found: PriceSet) -> Group:
    """What would save something elsewhere, the most valuable first."""
    table = new_table(("item", "from", "to"), ("units", "saves"), numbers_at=3)
    for one in suggestions:
        source = one.from_location_id or BOUGHT
        add_row(table, one.sku, source, one.to_location_id, str(one.units), _money(one.value))
    hours = found.horizon.ToTimedelta() / timedelta(hours=1)
    title = f"What would save something within {hours / 24:.1f} days, {found.currency_code}"
    return titled(f"{title}, before what bringing it costs", table)


def _money(amount: Money) -> str:
    return f"{to_decimal(from_units_and_nanos(amount.units, amount.nanos)):.2f}"
