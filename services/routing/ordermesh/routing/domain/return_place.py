"""Where goods should go back to: the cheapest location that takes them.

A way back costs what the policy charges for carriage from the customer to the location (each
parcel, the weight, the carbon) and the labor of the location for each unit. Nobody picks, nothing
is split, and days count for nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from ordermesh.kernel.money import Money, to_decimal
from ordermesh.routing.domain.costs import CostTerms, carriage_terms
from ordermesh.routing.domain.errors.policy import CurrencyMismatch
from ordermesh.routing.domain.errors.returning import NoReturnLocation
from ordermesh.routing.domain.geography import Place, distance_km
from ordermesh.routing.domain.item import KnownLocation
from ordermesh.routing.domain.network import NetworkLocation, ReturnHandling
from ordermesh.routing.domain.parcels import count_parcels, weights_of
from ordermesh.routing.domain.rates import CostModel

OTHERS_MAX = 10
"""So many locations are named beside the chosen one."""


@dataclass(frozen=True)
class Parcelled:
    """Units that come back: how many, and the weight of one, for each item."""

    units: tuple[tuple[int, int], ...]

    @property
    def count(self) -> int:
        """Units over all items."""
        return sum(number for _, number in self.units)

    @property
    def grams(self) -> int:
        """Their weight."""
        return sum(grams * number for grams, number in self.units)


@dataclass(frozen=True, slots=True)
class WayBack:
    """A location that takes goods back, and what sending them there costs."""

    location_id: str
    handling: ReturnHandling
    cost: Money
    distance_km: int
    zone: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The cheapest way back, why it is, and the next best."""

    chosen: WayBack
    reason: str
    others: tuple[WayBack, ...]


def choose(
    order_id: str,
    goods: Parcelled,
    origin: Place,
    network: Iterable[NetworkLocation],
    places: Mapping[str, KnownLocation],
    costs: CostModel,
    *,
    only: str = "",
) -> Choice:
    """Where the goods should go; ``only`` names the one location that is asked about.

    Of equal cost, one that puts goods on sale again comes first, then the lower id. Raises
    ``NoReturnLocation``, and ``CurrencyMismatch`` when network and policy differ.
    """
    parcels = count_parcels(weights_of(goods.units), costs.parcel_limit_grams)
    ways = sorted(
        (
            way
            for entry in network
            if only in ("", entry.location_id)
            and (way := _way(goods, parcels, origin, entry, places.get(entry.location_id), costs))
        ),
        key=lambda way: (way.cost, way.handling is not ReturnHandling.RESTOCK, way.location_id),
    )
    if not ways:
        raise NoReturnLocation(order_id, only)
    chosen, *others = ways
    return Choice(chosen, _reason(chosen, others, costs.currency, only), tuple(others[:OTHERS_MAX]))


def _way(
    goods: Parcelled,
    parcels: int,
    origin: Place,
    entry: NetworkLocation,
    known: KnownLocation | None,
    costs: CostModel,
) -> WayBack | None:
    if entry.return_handling is ReturnHandling.NONE or known is None or known.is_disabled:
        return None
    if entry.currency_code != costs.currency:
        raise CurrencyMismatch(costs.currency, entry.currency_code)
    distance = distance_km(origin, known.place)
    zone = costs.zone_at(distance)
    if zone is None:
        return None
    carriage: CostTerms = carriage_terms(costs, zone.zone, distance, parcels, goods.grams)
    cost = Money(carriage.total + entry.labor_cost_per_unit * goods.count)
    return WayBack(entry.location_id, entry.return_handling, cost, distance, zone.zone)


def _reason(chosen: WayBack, others: list[WayBack], currency: str, only: str) -> str:
    price = f"{to_decimal(chosen.cost):.2f} {currency}"
    where = f"{chosen.location_id}, {chosen.distance_km} km away, costs {price}"
    if only:
        return f"{where}; no other location was asked about."
    if not others:
        return f"{where}, and is the only location that takes the goods."
    following = others[0]
    more = following.cost - chosen.cost
    if more == 0:
        return f"{where}; {following.location_id} costs the same."
    return (
        f"{where}, the least of {1 + len(others)} locations that take the goods;"
        f" {following.location_id} costs {to_decimal(more):.2f} {currency} more."
    )
