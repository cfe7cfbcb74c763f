"""What will be asked for, what it makes of stock and work, and what an order pays of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.batch.instance import NO_LIMIT, Integers
from ordermesh.routing.domain.capacity import Capacity, CapacityUnit
from ordermesh.routing.domain.foresight.ahead import (
    Ahead,
    Laid,
    Priced,
    laid_out,
    pieces_of,
    started,
)
from ordermesh.routing.domain.foresight.demand import Asked, Promotion, demand_of
from ordermesh.routing.domain.foresight.labor import labor_of, units_an_hour
from ordermesh.routing.domain.foresight.price_set import StockPrice, Suggested, suggestions
from ordermesh.routing.domain.foresight.prices import (
    NO_PRICES,
    PriceBook,
    strength,
    with_charges,
)
from ordermesh.routing.domain.network import NetworkLocation
from ordermesh.routing.domain.order import OrderLine
from ordermesh.routing.domain.problem import Adjustment, AdjustmentKind, Group, Part, Problem
from ordermesh.routing.domain.rates import declared_costs
from ordermesh.routing.domain.wanted import Wanted
from ordermesh.routing.solver.batch.ahead import price_ahead
from ordermesh.routing.solver.solve import solve
from tests.routing.batches import column
from tests.routing.sourcing import line, location, problem

NOW = datetime(2026, 11, 24, 18, tzinfo=UTC)
DAY = timedelta(days=1)
COSTS = declared_costs()


def wanted(line_id: str, **units: int) -> Wanted:
    return Wanted(OrderLine(line_id, next(iter(units)), 1), units)


def book(**stock: dict[str, int]) -> PriceBook:
    return PriceBook(3, "USD", NOW, NOW + 40 * timedelta(minutes=1), stock, {"A": 200})


def charge(kind: str, amount: int, line_id: str = "1") -> Adjustment:
    return Adjustment(AdjustmentKind(kind), line_id, Money(amount))


def test_prices_count_in_full_until_they_fade_and_for_nothing_at_their_end() -> None:
    end = NOW + timedelta(minutes=30)
    minutes = (-5, 0, 1, 15, 29, 30, 31)
    found = [strength(NOW, end, NOW + timedelta(minutes=minute)) for minute in minutes]
    assert found == [1_000, 1_000, 966, 500, 33, 0, 0]
    # Prices that never fade do not divide by nothing.
    assert [strength(NOW, NOW, NOW), strength(NOW, NOW, end)] == [1_000, 0]


def test_prices_of_another_currency_or_that_are_gone_are_none() -> None:
    prices = book(MUG={"A": 5_000})
    assert prices.at(NOW, "EUR") is NO_PRICES
    assert prices.at(NOW + timedelta(hours=1), "USD") is NO_PRICES
    assert NO_PRICES.charges([wanted("1", MUG=1)]) == {}
    assert NO_PRICES.used is None


def test_a_line_pays_for_its_stock_and_the_work_and_a_kit_the_mean_of_its_parts() -> None:
    prices = book(MUG={"A": 5_000, "B": 300}, LAMP={"A": 1_001}).at(NOW, "USD")

    assert prices.charges([wanted("1", MUG=1)]) == {
        "A": (charge("STOCK_PRICE", 5_000), charge("LABOR_PRICE", 200)),
        "B": (charge("STOCK_PRICE", 300),),
    }
    kit = prices.charges([wanted("1", MUG=2, LAMP=2)])
    assert kit["A"][0] == charge("STOCK_PRICE", (2 * 5_000 + 2 * 1_001) // 4)
    assert kit["B"] == (charge("STOCK_PRICE", 150),)
    faded = book(MUG={"A": 5_000}).at(NOW + timedelta(minutes=20), "USD")
    assert faded.charges([wanted("1", MUG=1)])["A"][0] == charge("STOCK_PRICE", 2_500)


def test_of_two_guesses_at_what_a_unit_is_worth_the_greater_one_counts_and_not_both() -> None:
    ruled = (charge("STOCK_OUT", 300), charge("MARKDOWN", -100), charge("STOCK_OUT", 50, ""))
    price, work = charge("STOCK_PRICE", 1_000), charge("LABOR_PRICE", 200)

    assert with_charges(ruled, (price, work)) == (*ruled, charge("STOCK_PRICE", 700), work)
    assert with_charges(ruled, (charge("STOCK_PRICE", 250),)) == ruled
    other = charge("STOCK_PRICE", 250, "2")
    assert with_charges(ruled, (other,)) == (*ruled, other)


def test_demand_knows_how_many_orders_come_and_what_they_ask_for() -> None:
    asked = [
        Asked(2 * day + half, sku, units, NOW - day * DAY - timedelta(hours=1))
        for day in range(10)
        for half, (sku, units) in enumerate((("MUG", 1), ("LAMP", 3)))
    ]
    demand = demand_of(asked, NOW, [], 7)

    assert demand.skus == ("LAMP", "MUG")
    assert demand.units.tolist() == pytest.approx([3.0, 1.0])
    assert (demand.days, demand.orders) == (10, 20)
    assert demand.orders_a_day == pytest.approx(2.0)
    assert demand.orders_within(36) == pytest.approx(3.0)
    assert demand.units_per_order == pytest.approx(2.0)
    assert demand.accuracy.error == pytest.approx(0.0)
    assert demand.accuracy.periods == 5
    # What is too old, or not yet, counts for nothing.
    old = [Asked(1, "MUG", 9, NOW - 57 * DAY), Asked(2, "MUG", 9, NOW + DAY)]
    assert demand_of(old, NOW, [], 7).orders == 0
    nothing = demand_of([], NOW, [], 7)
    assert (nothing.days, nothing.orders_within(168), nothing.units_per_order) == (0, 0.0, 1.0)


def test_days_of_the_week_are_not_alike_where_two_weeks_say_so() -> None:
    # Ten orders on every seventh day, one on all others; the last of these was yesterday.
    asked = []
    for day in range(28):
        for number in range(10 if day % 7 == 0 else 1):
            time = NOW - day * DAY - timedelta(hours=1)
            asked.append(Asked(100 * day + number, "MUG", 1, time))
    demand = demand_of(asked, NOW, [], 7)

    # The seven days to come: six quiet ones, then a busy one again.
    quiet, week = demand.orders_within(24 * 6), demand.orders_within(24 * 7)
    assert week - quiet > 5 * quiet / 6


def test_a_promotion_raises_its_item_and_how_many_orders_come_until_it_ends() -> None:
    asked = [Asked(day, "MUG", 1, NOW - day * DAY - timedelta(hours=1)) for day in range(8)]
    usual = demand_of(asked, NOW, [], 7)
    raised = demand_of(asked, NOW, [Promotion("MUG", 3_000, NOW + DAY)], 7)
    ended = demand_of(asked, NOW, [Promotion("MUG", 3_000, NOW)], 7)

    assert raised.levels.tolist() == pytest.approx((3 * usual.levels).tolist())
    assert raised.orders_within(24) == pytest.approx(3 * usual.orders_within(24))
    assert ended.orders_within(24) == pytest.approx(usual.orders_within(24))


def network(*capacities: Capacity) -> NetworkLocation:
    return NetworkLocation("A", ("SHIP",), 1, "USD", Money(0), Money(0), 1, capacities=capacities)


def test_labor_of_now_and_later_is_what_its_windows_have_left_in_units() -> None:
    units = Capacity("day", CapacityUnit.UNITS, 10)
    today = datetime(2026, 11, 24, 6, tzinfo=UTC)
    used = {("A", "day", today): 4, ("A", "day", today + DAY): 3}

    def labor(one: NetworkLocation, days: int = 3) -> tuple[int, int]:
        return labor_of(one, "America/Chicago", NOW, used, days, 2.0)

    assert labor(network()) == (NO_LIMIT, NO_LIMIT)
    assert labor(network(units)) == (6, 17)
    assert labor(network(units), 1) == (6, 0)
    orders = Capacity("orders", CapacityUnit.ORDERS, 2)
    assert labor(network(units, orders)) == (4, 8)
    minutes = Capacity("work", CapacityUnit.MINUTES, 30, minutes_per_order=6, minutes_per_unit=2)
    assert labor(network(minutes)) == (6, 12)
    collected = Capacity("desk", CapacityUnit.UNITS, 1, methods=("PICK_UP",))
    assert labor(network(collected)) == (NO_LIMIT, NO_LIMIT)
    assert units_an_hour(network(), 2.0) is None
    morning = Capacity("am", CapacityUnit.UNITS, 30, start_minute=480, end_minute=660)
    assert units_an_hour(network(units, collected), 2.0) == 0
    assert units_an_hour(network(morning), 2.0) == 10


def test_wide_orders_are_taken_in_pieces_and_kits_in_their_parts() -> None:
    kit = Group("2", (Part("CUP", 2, 100), Part("PLATE", 1, 300)), 2)
    made = problem([line("1", "MUG", 40), kit], [location("A", MUG=50)])

    (atoms,) = pieces_of(made)

    told = [(one.line_id, one.parts[0].sku, one.units) for one in atoms]
    assert told == [
        ("1", "MUG", 14),
        ("1", "MUG", 13),
        ("1", "MUG", 13),
        ("2", "CUP", 2),
        ("2", "CUP", 2),
        ("2", "PLATE", 1),
        ("2", "PLATE", 1),
    ]
    wide = problem([line(f"{n}", f"S{n}") for n in range(10, 30)], [location("A", S10=1)])
    assert [len(piece) for piece in pieces_of(wide)] == [8, 8, 4]


def mugs(km_of: dict[str, int]) -> Problem:
    """Somebody wants a mug; locations are so far away, the zone by the distance."""
    candidates = []
    for name, km in km_of.items():
        zone = COSTS.zone_at(km)
        assert zone is not None
        days = zone.transit_days
        place = location(name, km=km, zone=zone.zone, transit_days=days, MUG=10**6)
        candidates.append(place)
    return problem([line("1", "MUG")], candidates, COSTS)


def ahead_of(
    problems: list[Problem], stock: dict[str, int], orders: int, labor: dict[str, int] | None = None
) -> Ahead:
    laid: Laid = laid_out(problems, {("MUG", name): units for name, units in stock.items()})
    limits = [(labor or {}).get(name, NO_LIMIT) for name in laid.locations]
    return Ahead(
        cells=laid.cells,
        rows=laid.rows,
        locations=laid.locations,
        stock=column([stock[place] for _, place in laid.rows]),
        labor_now=column(limits),
        labor_later=column(limits),
        weights=np.full(len(problems), 1 / len(problems)),
        now=orders,
        later=0,
        start=started({}, {}, laid.rows, laid.locations),
    )


def told(ahead: Ahead, values: Integers) -> dict[str, int]:
    return {place: int(value) for (_, place), value in zip(ahead.rows, values, strict=False)}


NEXT_DOOR, FAR = {"A": 50, "B": 2_000}, {"A": 900, "B": 2_000}


def test_a_unit_is_worth_what_the_order_saves_that_would_get_it() -> None:
    """All orders are alike: with one unit more one more of them goes the shorter way."""
    alike = [mugs(NEXT_DOOR)]

    def cost(units: int) -> int:
        """What ten orders cost, by hand: as many as there are units come from next door."""
        near, far = (
            _alone({name: km}) for name, km in (("A", NEXT_DOOR["A"]), ("B", NEXT_DOOR["B"]))
        )
        return min(units, 10) * near + (10 - min(units, 10)) * far

    for units in (0, 1, 4, 9, 10, 12):
        ahead = ahead_of(alike, {"A": units, "B": 100}, 10)
        found = price_ahead(ahead, 1)
        more, less = cost(units) - cost(units + 1), cost(max(0, units - 1)) - cost(units)
        assert told(ahead, found.next)["A"] == more
        assert told(ahead, found.last)["A"] == less
        assert told(ahead, found.missing)["A"] == 1_000 * max(0, 10 - units)
        assert told(ahead, found.missing_value)["A"] == cost(units) - cost(10)
        assert told(ahead, found.idle)["A"] == max(0, units - 10)
        if units == 12:
            assert told(ahead, found.prices)["A"] == 0
        elif 0 < units < 10:
            assert told(ahead, found.prices)["A"] > 0
    assert told(ahead, found.prices)["B"] == told(ahead, found.last)["B"] == 0


def _alone(km_of: dict[str, int]) -> int:
    """What the order costs from the one location there is."""
    return int(solve(mugs(km_of)).plan.costs.total)


def test_units_serve_those_first_who_save_most() -> None:
    """Of those who live next door and those who live far, units go to the first."""
    ahead = ahead_of([mugs(NEXT_DOOR), mugs(FAR)], {"A": 3, "B": 500}, 200)
    found = price_ahead(ahead, 1)
    saves_most = _alone({"B": 2_000}) - _alone({"A": 50})

    assert told(ahead, found.last)["A"] == saves_most
    assert told(ahead, found.next)["A"] == saves_most
    plenty = ahead_of([mugs(NEXT_DOOR), mugs(FAR)], {"A": 150, "B": 500}, 200)
    found = price_ahead(plenty, 1)
    saves_less = _alone({"B": 2_000}) - _alone({"A": 900})
    assert told(plenty, found.last)["A"] == saves_less < saves_most


def test_labor_that_is_short_has_a_price_and_plenty_of_it_none() -> None:
    short = ahead_of([mugs(NEXT_DOOR)], {"A": 100, "B": 100}, 10, {"A": 4})
    plenty = ahead_of([mugs(NEXT_DOOR)], {"A": 100, "B": 100}, 10, {"A": 11})

    def labor(ahead: Ahead) -> list[int]:
        rows = len(ahead.rows)
        found = price_ahead(ahead, 1).prices[rows : rows + len(ahead.locations)]
        return [int(price) for price in found]

    assert labor(short)[0] > 0 == labor(short)[1]
    assert labor(plenty) == [0, 0]


def test_the_same_seed_gives_the_same_prices_and_no_orders_give_none() -> None:
    ahead = ahead_of([mugs(NEXT_DOOR), mugs(FAR)], {"A": 20, "B": 100}, 30)
    one, two = price_ahead(ahead, 5), price_ahead(ahead, 5)
    assert one.prices.tolist() == two.prices.tolist()
    assert one.last.tolist() == two.last.tolist()

    none = price_ahead(ahead_of([mugs(NEXT_DOOR)], {"A": 0, "B": 9}, 0), 1)
    assert not none.prices.any()
    assert none.futures == 0
    assert none.idle.tolist() == [0, 9]


def test_a_search_that_is_over_at_once_gives_what_there_is_and_says_so() -> None:
    ahead = ahead_of([mugs(NEXT_DOOR)], {"A": 2, "B": 100}, 10)
    found: Priced = price_ahead(ahead, 1, is_over=lambda: True)
    assert (found.is_cut, found.futures) == (True, 1)
    assert (found.prices >= 0).all()


def stocked(sku: str, place: str, **fields: Any) -> StockPrice:
    usual = {"price": 0, "units": 1, "last_unit": 0, "next_unit": 0}
    return StockPrice(sku, place, **{**usual, "missing_permille": 0, "idle_units": 0, **fields})


def test_of_an_item_units_are_brought_from_where_they_lie_idle_and_the_rest_is_bought() -> None:
    stock = [
        stocked("MUG", "A", missing_permille=5_400),
        stocked("MUG", "B", idle_units=2),
        stocked("MUG", "C", idle_units=1),
        stocked("MUG", "D", missing_permille=9_000),
        stocked("LAMP", "A", missing_permille=300),
        stocked("CUP", "A", idle_units=9),
    ]

    found = suggestions(stock, [50_000, 0, 0, 20_000, 4_000, 0])

    told_ = [(one.kind, one.sku, one.from_location_id, one.to_location_id) for one in found]
    assert told_ == [
        (Suggested.REPLENISHMENT, "MUG", "", "A"),
        (Suggested.TRANSFER, "MUG", "B", "A"),
        (Suggested.REPLENISHMENT, "LAMP", "", "A"),
    ]
    assert [(one.units, one.value) for one in found] == [(3, 30_000), (2, 20_000), (1, 4_000)]
    assert suggestions([], []) == ()
