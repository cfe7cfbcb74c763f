"""A sourcing question, in the words of orders."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from ordermesh.routing.domain.carriage.area import NOWHERE, Address
from ordermesh.routing.domain.context import UNSAID, OrderContext
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.hold import HeldUnits
from ordermesh.routing.domain.network import PickupPoint
from ordermesh.routing.domain.order import PromiseMade
from ordermesh.routing.domain.saga import Cap
from ordermesh.routing.domain.sourcing_method import SourcingMethod
from ordermesh.routing.domain.wanted import Wanted

Units = Mapping[str, Mapping[str, int]]
"""Units by location id, then SKU."""


@dataclass(frozen=True)
class Question:
    """What is to be decided.

    ``excluding_ids`` are reservations whose units count as free; ``kept`` are units that the order
    holds beside them and could go on holding where they are; ``caps`` are what the ledger said
    when it was asked to hold an earlier plan. ``rejected`` are (location, line) pairs with the
    reason. ``channel`` is through which it is sold: the ledger says what that may sell. ``pickup``
    is where the customer collects, None where it is sent. ``attempt`` counts the decisions for the
    order, this one included.
    """

    order_id: str
    wanted: tuple[Wanted, ...]
    place: Place
    promise_days: int
    policy_id: str
    policy_version: int = 0
    method: SourcingMethod = SourcingMethod.EXACT
    excluding_ids: tuple[UUID, ...] = ()
    kept: tuple[HeldUnits, ...] = ()
    caps: tuple[Cap, ...] = ()
    rejected: tuple[tuple[str, str, str], ...] = ()
    channel: str = ""
    address: Address = NOWHERE
    promise: PromiseMade | None = None
    context: OrderContext = UNSAID
    pickup: PickupPoint | None = None
    attempt: int = 1

    @property
    def named(self) -> tuple[str, ...]:
        """All items that are spoken of: those that stock is needed of, and the kits."""
        return tuple(sorted({*self.skus, *(one.line.sku for one in self.wanted)}))

    @property
    def skus(self) -> tuple[str, ...]:
        """The items that stock is needed of, each once."""
        return tuple(sorted({sku for one in self.wanted for sku in one.units}))

    @property
    def units_by_sku(self) -> Mapping[str, int]:
        """Units of each item that stock is needed of."""
        total: dict[str, int] = {}
        for one in self.wanted:
            for sku, units in one.units.items():
                total[sku] = total.get(sku, 0) + units
        return total
