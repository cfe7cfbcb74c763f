"""The sample retailer: ten distribution centres, 200 stores, and orders from a year of baskets.

Taken from their sources are the geography, the baskets with their widths, quantities, times and
prices, and so the popularity of items. **Declared here and illustrative are all costs, weights,
sizes, stock and capacities.** Everything is drawn from one seeded generator in this order: stores,
households, demand, weights, stock, capacities.
"""

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from ordermesh.kernel.money import Money, from_decimal
from ordermesh.sample.baskets import Baskets, Product, read_baskets
from ordermesh.sample.demand import Demand, DrawnLine, DrawnOrder, draw_demand, item_count
from ordermesh.sample.geography import (
    HUBS,
    ZipArea,
    distances_km,
    population_weights,
    read_zip_areas,
)
from ordermesh.sample.nouns import (
    Contact,
    Destination,
    FulfillmentMethod,
    Item,
    KitComponent,
    Location,
    LocationType,
    NetworkLocation,
    Order,
    OrderLine,
    PostalAddress,
    Retailer,
    ReturnHandling,
    Size,
    StockRow,
    Unit,
)
from ordermesh.sample.stock import Ordered, draw_capacities, draw_stock, hub_shares

Regime = Literal["calm", "peak", "scarce"]

STORES = 200
STOCK_RATIOS: dict[Regime, float] = {"calm": 15.0, "peak": 4.6, "scarce": 1.7}
"""Total stock divided by units ordered."""

_LOOSENESS_START: dict[Regime, float] = {"calm": 10.0, "peak": 3.0, "scarce": 1.0}
_PICK_FEES = {
    LocationType.DISTRIBUTION_CENTER: from_decimal("1.40"),
    LocationType.STORE: from_decimal("2.60"),
}
_LABOR_COSTS = {
    LocationType.DISTRIBUTION_CENTER: from_decimal("0.45"),
    LocationType.STORE: from_decimal("1.10"),
}
_HANDLING_DAYS = 1
_KEEPS_APART_EVERY = 5
"""Every fifth store takes goods back and sells nothing of them."""

_WEIGHT_KG_MIN, _WEIGHT_KG_MAX = 0.05, 15.0
# A packed item floats: a quarter of a kilogram a litre, its sides as 3 to 2 to 1.
_CUBIC_MILLIMETRES_PER_GRAM = 4_000.0

_Kit = tuple[tuple[int, int], ...]
"""The components of a kit: item and quantity, items ascending."""


def build_retailer(
    seed: int,
    orders: int,
    regime: Regime = "peak",
    *,
    items: int | None = None,
    kits: int = 4,
    centres: Sequence[ZipArea] = HUBS,
    stores: Sequence[ZipArea] = (),
    history: int = 0,
) -> Retailer:
    """The sample retailer of this seed, with so many orders; the same every time.

    ``regime`` says how much stock there is for the units ordered. ``items`` are carried, by
    default two for five orders, at least 300 and at most 20,000; wider orders come from more
    items. With fewer than some 500 orders, or many items for each, there is more stock than the
    regime says, because every location keeps a little; ``facts`` has the true ratio as
    ``stock_ratio``. The ``kits`` are made of items that these orders have together, whose lines
    then ask for the kit. ``centres`` and ``stores`` are a network of somebody's own in place of the
    hubs and of the stores that are drawn. So many orders of ``history`` come before those that
    stock and capacity are for, and are the first of the retailer's. Raises ``ValueError`` for an
    unknown regime and for more orders or items than the extract has.
    """
    if regime not in get_args(Regime):
        raise ValueError(f"the regime is one of {', '.join(get_args(Regime))}, not {regime}")
    random = np.random.default_rng(seed)
    baskets = read_baskets()
    areas = read_zip_areas()
    weights = population_weights(areas)
    drawn = random.choice(len(areas), STORES, replace=False, p=weights)
    stores = stores or [areas[place] for place in drawn]
    homes = _draw_homes(random, baskets, areas, weights)
    carried = item_count(orders) if items is None else items
    demand = draw_demand(random, baskets, history + orders, carried)
    asked = demand.after(history)
    kilograms = random.lognormal(-0.2, 0.9, len(demand.products))
    grams = np.rint(np.clip(kilograms, _WEIGHT_KG_MIN, _WEIGHT_KG_MAX) * 1000).astype(np.int64)
    ordered = Ordered(
        lines=asked.lines_by_item(),
        units=asked.units_by_item(),
        hub_shares=hub_shares(_people_nearest(areas, weights, centres)),
        store_count=len(stores),
    )
    stocked = draw_stock(random, ordered, STOCK_RATIOS[regime], _LOOSENESS_START[regime])
    capacities = draw_capacities(random, ordered)
    catalogue = _items(baskets, demand, grams.tolist())
    kits_by_parts = _kits(demand, kits)
    locations = (*map(_centre, centres), *map(_store, stores))
    return Retailer(
        currency_code="USD",
        items=(*catalogue, *_kit_items(catalogue, kits_by_parts)),
        locations=locations,
        network=tuple(_network(locations, capacities.tolist())),
        stock=tuple(_stock(catalogue, locations, stocked.units)),
        orders=tuple(_orders(seed, baskets, homes, demand, catalogue, kits_by_parts)),
        facts={
            "seed": seed,
            "regime": regime,
            "looseness": stocked.looseness,
            "stock_ratio": round(int(stocked.units.sum()) / int(ordered.units.sum()), 3),
            "costs": "illustrative",
        },
    )


def _draw_homes(
    random: np.random.Generator,
    baskets: Baskets,
    areas: Sequence[ZipArea],
    weights: NDArray[np.float64],
) -> dict[int, ZipArea]:
    """A ZIP area for every household, in the order of their ids."""
    households = sorted(set(baskets.columns["basket_household"]))
    drawn = random.choice(len(areas), len(households), p=weights)
    return {household: areas[place] for household, place in zip(households, drawn, strict=True)}


def _people_nearest(
    areas: Sequence[ZipArea], weights: NDArray[np.float64], centres: Sequence[ZipArea]
) -> NDArray[np.float64]:
    """For each centre the share of people to whom it is the nearest."""
    nearest = distances_km(areas, centres).argmin(axis=1)
    return np.bincount(nearest, weights=weights, minlength=len(centres)).astype(np.float64)


def _items(baskets: Baskets, demand: Demand, grams: list[int]) -> list[Item]:
    products = [baskets.products[place] for place in demand.products]
    return [
        Item(
            sku=str(product.product_id),
            name=_name(product),
            department=product.department,
            unit=Unit.EACH,
            weight_grams=weight,
            size=_size(weight),
            tags=(_tag(product.category), f"{_tag(product.brand)}-brand"),
            handling=(),
            price=Money(price),
        )
        for product, weight, price in zip(products, grams, demand.prices.tolist(), strict=True)
    ]


def _name(product: Product) -> str:
    """The kind without what the source cut off inside a bracket, and the size of the package."""
    kind = re.sub(r"\([^)]*$", "", product.kind or product.category).strip().capitalize()
    return f"{kind}, {product.package_size.lower()}" if product.package_size else kind


def _tag(words: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")


def _size(weight_grams: int) -> Size:
    shortest = (weight_grams * _CUBIC_MILLIMETRES_PER_GRAM / 6) ** (1 / 3)
    return Size(round(3 * shortest), round(2 * shortest), round(shortest))


def _kits(demand: Demand, count: int) -> tuple[_Kit, ...]:
    """Pairs most often ordered together in equal quantity, and last a pack of three of one item.

    No item is in two of them, so that a line belongs to at most one kit.
    """
    pairs: Counter[_Kit] = Counter()
    threes: Counter[_Kit] = Counter()
    for order in demand.orders:
        whole = [line for line in order.lines if not line.divisible]
        for one, other in itertools.combinations(sorted(whole, key=lambda line: line.item), 2):
            pairs[(one.item, 1), (other.item, 1)] += one.quantity == other.quantity
        threes.update(((line.item, 3),) for line in whole if line.quantity == 3)
    chosen: list[_Kit] = []
    for candidates, wanted in ((pairs, count - 1), (threes, count)):
        for parts, _ in sorted(candidates.items(), key=lambda entry: (-entry[1], entry[0])):
            taken = {item for kit in chosen for item, _ in kit}
            if len(chosen) >= wanted:
                break
            if candidates[parts] and taken.isdisjoint(item for item, _ in parts):
                chosen.append(parts)
    return tuple(chosen)


def _kit_items(items: Sequence[Item], kits: Sequence[_Kit]) -> Iterator[Item]:
    """The kits as items; every second one may be shipped from several locations."""
    for number, parts in enumerate(kits):
        made_of = [(items[place], quantity) for place, quantity in parts]
        weight = sum(item.weight_grams * quantity for item, quantity in made_of)
        names = " + ".join(
            item.name if quantity == 1 else f"{quantity} x {item.name}"
            for item, quantity in made_of
        )
        yield Item(
            sku=_kit_sku(items, parts),
            name=f"Kit: {names}",
            department=made_of[0][0].department,
            unit=Unit.EACH,
            weight_grams=weight,
            size=_size(weight),
            tags=("kit",),
            handling=(),
            price=Money(sum(item.price * quantity for item, quantity in made_of)),
            components=tuple(KitComponent(item.sku, quantity) for item, quantity in made_of),
            may_split=number % 2 == 1,
        )


def _kit_sku(items: Sequence[Item], parts: _Kit) -> str:
    """The same for the same components, whatever the seed."""
    return "KIT-" + "-".join(
        items[place].sku if quantity == 1 else f"{items[place].sku}x{quantity}"
        for place, quantity in parts
    )


def _centre(hub: ZipArea) -> Location:
    return _location(f"DC-{hub.city.upper()}-{hub.state}", LocationType.DISTRIBUTION_CENTER, hub)


def _store(area: ZipArea) -> Location:
    return _location(f"STORE-{area.zip_code}", LocationType.STORE, area)


def _location(location_id: str, kind: LocationType, area: ZipArea) -> Location:
    title = "Store" if kind is LocationType.STORE else "Distribution centre"
    return Location(
        location_id=location_id,
        name=f"{title} {area.city} {area.state}",
        type=kind,
        address=PostalAddress("US", area.state, area.city, area.zip_code),
        latitude=area.latitude,
        longitude=area.longitude,
        time_zone=area.time_zone,
    )


def _network(locations: Sequence[Location], capacities: Sequence[int]) -> Iterator[NetworkLocation]:
    pairs = zip(locations, capacities, strict=True)
    for priority, (location, capacity) in enumerate(pairs, start=1):
        yield NetworkLocation(
            location_id=location.location_id,
            methods=(FulfillmentMethod.SHIP,),
            priority=priority,
            pick_fee=_PICK_FEES[location.type],
            labor_cost_per_unit=_LABOR_COSTS[location.type],
            capacity_units_per_day=capacity,
            handling_days=_HANDLING_DAYS,
            return_handling=_return_handling(location, priority),
        )


def _return_handling(location: Location, priority: int) -> ReturnHandling:
    keeps_apart = location.type is LocationType.STORE and priority % _KEEPS_APART_EVERY == 0
    return ReturnHandling.KEEP_APART if keeps_apart else ReturnHandling.RESTOCK


def _stock(
    items: Sequence[Item], locations: Sequence[Location], units: NDArray[np.int64]
) -> Iterator[StockRow]:
    for item, place in zip(*(axis.tolist() for axis in np.nonzero(units)), strict=True):
        yield StockRow(items[item].sku, locations[place].location_id, int(units[item, place]))


def _orders(
    seed: int,
    baskets: Baskets,
    homes: dict[int, ZipArea],
    demand: Demand,
    items: Sequence[Item],
    kits: Sequence[_Kit],
) -> Iterator[Order]:
    for drawn in demand.orders:
        household = baskets.columns["basket_household"][drawn.basket]
        home = homes[household]
        order_id = f"S{seed}-{drawn.basket:05d}-{drawn.part}"
        yield Order(
            order_id=order_id,
            channel="web",
            channel_order_id=order_id,
            customer_id=f"HOUSEHOLD-{household}",
            order_time=datetime.fromtimestamp(baskets.columns["basket_time"][drawn.basket], UTC),
            destination=Destination(
                country_code="US",
                region=home.state,
                postal_code=home.zip_code,
                latitude=home.latitude,
                longitude=home.longitude,
            ),
            promise_days=drawn.promise_days,
            contact=Contact(
                name=f"Household {household}", email=f"household-{household}@customers.example"
            ),
            lines=tuple(_lines(drawn, items, kits)),
        )


def _lines(order: DrawnOrder, items: Sequence[Item], kits: Sequence[_Kit]) -> Iterator[OrderLine]:
    """The lines of the order, with kits in place of the lines that are one."""
    left = {line.item: line for line in order.lines}
    asked: list[tuple[str, int, Money, bool]] = []
    for parts in kits:
        quantity = _kits_in(left, parts)
        if quantity:
            price = sum(left.pop(place).unit_price * each for place, each in parts)
            asked.append((_kit_sku(items, parts), quantity, Money(price), True))
    asked.extend(
        (items[line.item].sku, line.quantity, line.unit_price, not line.divisible)
        for line in left.values()
    )
    for number, (sku, quantity, unit_price, undivided) in enumerate(asked, start=1):
        yield OrderLine(str(number), sku, quantity, unit_price, undivided and quantity > 1)


def _kits_in(lines: dict[int, DrawnLine], parts: _Kit) -> int:
    """How many whole kits these lines are, when they are neither more nor less."""
    wanted = [lines.get(place) for place, _ in parts]
    if any(line is None or line.divisible for line in wanted):
        return 0
    times = {
        line.quantity / each
        for line, (_, each) in zip(wanted, parts, strict=True)
        if line is not None
    }
    return int(times.pop()) if len(times) == 1 and min(times).is_integer() else 0
