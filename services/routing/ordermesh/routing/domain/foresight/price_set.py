"""A version of prices as it is kept and read by people: what each price is, and what follows."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from ordermesh.kernel.money import Money
from ordermesh.routing.domain.foresight.demand import Promotion
from ordermesh.routing.domain.foresight.levels import Accuracy
from ordermesh.routing.domain.foresight.prices import strength


@dataclass(frozen=True, slots=True)
class StockPrice:
    """What stock of an item at a location is worth to orders that will come.

    ``price`` is what an order pays for a unit. ``last_unit`` is what would be lost with the last of
    the ``units`` that can be promised there, ``next_unit`` what one more would save. So many units
    are missing, or idle, within the horizon on the average of the futures.
    """

    sku: str
    location_id: str
    price: Money
    units: int
    last_unit: Money
    next_unit: Money
    missing_permille: int
    idle_units: int


@dataclass(frozen=True, slots=True)
class LaborPrice:
    """What an order pays for each unit that a location sends now.

    It can send ``units`` more in its windows of now, None for any number. ``hour_worth`` is the
    price of what it sends in an hour, None where no capacity says so.
    """

    location_id: str
    price: Money
    units: int | None
    hour_worth: Money | None


class Suggested(StrEnum):
    """What stock could be made more useful by."""

    TRANSFER = "TRANSFER"
    REPLENISHMENT = "REPLENISHMENT"


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Units that would save ``value`` where they are brought to, before what bringing them costs.

    ``from_location_id`` has them idle; "" where they would be bought. Suggestions for one item are
    alternatives of none: each item has at most one of each kind.
    """

    kind: Suggested
    sku: str
    from_location_id: str
    to_location_id: str
    units: int
    value: Money


@dataclass(frozen=True)
class PriceSet:
    """All prices that were made at one moment, and what they were made from.

    ``orders`` of before were looked at over ``days``; ``futures`` of ``orders_ahead`` orders each
    were drawn from ``baskets`` of them for the ``horizon_hours``. ``accuracy`` is that of the
    forecast in a back-test over the days of before. ``is_cut``: the clock ended the search.
    """

    version: int
    create_time: datetime
    currency_code: str
    fade_time: datetime
    end_time: datetime
    horizon_hours: int
    seed: int
    days: int
    orders: int
    baskets: int
    futures: int
    orders_ahead: int
    accuracy: Accuracy
    is_cut: bool
    cause: str
    promotions: tuple[Promotion, ...] = ()
    stock: tuple[StockPrice, ...] = field(default=())
    labor: tuple[LaborPrice, ...] = field(default=())
    suggestions: tuple[Suggestion, ...] = field(default=())

    def strength(self, now: datetime) -> int:
        """How much of the prices counts, in thousandths."""
        return strength(self.fade_time, self.end_time, now)


STOCK_MAX = 50_000
"""So many prices of stock are kept at most, the dearest of them."""

SUGGESTIONS_MAX = 200


def suggestions(stock: list[StockPrice], missing_value: list[int]) -> tuple[Suggestion, ...]:
    """What could be brought where, the most valuable first.

    ``missing_value`` is what all units that are missing in a row would save. Of the rows of an item
    that would save most with what is missing, units are brought from where most are idle; where
    that is not enough the rest is bought.
    """
    best: dict[str, int] = {}
    idle: dict[str, int] = {}
    for row, one in enumerate(stock):
        worth, known = missing_value[row], best.get(one.sku)
        if worth > 0 and (known is None or worth > missing_value[known]):
            best[one.sku] = row
        known = idle.get(one.sku)
        if one.idle_units > 0 and (known is None or one.idle_units > stock[known].idle_units):
            idle[one.sku] = row
    found: list[Suggestion] = []
    for sku, row in best.items():
        one, value = stock[row], missing_value[row]
        wanted = max(1, round(one.missing_permille / 1_000))
        source = idle.get(sku)
        if source is not None and source != row:
            moved = min(wanted, stock[source].idle_units)
            found.append(_suggestion(Suggested.TRANSFER, stock[source], one, moved, wanted, value))
            wanted, value = wanted - moved, value * (wanted - moved) // wanted
        if wanted:
            found.append(_suggestion(Suggested.REPLENISHMENT, None, one, wanted, wanted, value))
    found.sort(key=lambda each: (-each.value, each.sku, each.kind))
    return tuple(each for each in found if each.value > 0)[:SUGGESTIONS_MAX]


def _suggestion(
    kind: Suggested,
    source: StockPrice | None,
    to: StockPrice,
    units: int,
    wanted: int,
    value: int,
) -> Suggestion:
    return Suggestion(
        kind=kind,
        sku=to.sku,
        from_location_id="" if source is None else source.location_id,
        to_location_id=to.location_id,
        units=units,
        # The first units save most: so many of all save no less than their share.
        value=Money(value * units // wanted),
    )
