"""The stores of one service, and who tells its peers."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

from ordermesh.inventory.domain.levels import Told
from ordermesh.inventory.domain.quotas import NO_QUOTAS, HoldQuotas
from ordermesh.inventory.domain.reservation import Line, Reservation
from ordermesh.inventory.domain.shortfall import Shortfall
from ordermesh.inventory.domain.supply import ORDINARY_RULE, SupplyRule
from ordermesh.inventory.ports.catalog import CatalogStore
from ordermesh.inventory.ports.controls import ControlStore
from ordermesh.inventory.ports.counts import CountStore
from ordermesh.inventory.ports.feeds import ImportStore, QuarantineStore, SourceStore
from ordermesh.inventory.ports.holds import HoldStore
from ordermesh.inventory.ports.items import ItemStore
from ordermesh.inventory.ports.ledger import LedgerStore
from ordermesh.inventory.ports.levels import LevelStore
from ordermesh.inventory.ports.locations import LocationStore
from ordermesh.inventory.ports.plain import PlainStore
from ordermesh.inventory.ports.recollection import Recollection
from ordermesh.inventory.ports.reservations import ReservationStore
from ordermesh.inventory.ports.seals import SealStore
from ordermesh.inventory.ports.shortfalls import ShortfallStore
from ordermesh.inventory.ports.supplies import SupplyStore
from ordermesh.inventory.ports.suspects import SuspectStore
from ordermesh.runtime.database import Transaction


class Announcer(Protocol):
    """Who tells the peers what happened."""

    async def expired(
        self, tx: Transaction, reservation: Reservation, lines: Sequence[Line]
    ) -> None:
        """Lines of a reservation were not confirmed in time; ``event_sequence`` is the event's."""
        ...

    async def broken(
        self, tx: Transaction, reservation: Reservation, lines: Sequence[Line]
    ) -> None:
        """Supplies cannot keep what lines wait for; ``event_sequence`` is the event's."""

    async def shortfall_opened(self, tx: Transaction, shortfall: Shortfall) -> None:
        """Units that a reservation was promised are not there."""
        ...

    async def shortfall_closed(self, tx: Transaction, shortfall: Shortfall) -> None:
        """They are there now, or nobody needs them any more."""
        ...

    async def crossed(self, tx: Transaction, told: Told, control_version: int) -> None:
        """A level of availability was crossed; ``told.sequence`` is the event's."""
        ...


@dataclass(frozen=True)
class Stores:
    """The stores of one service, who tells its peers, and which supplies may be counted on."""

    items: ItemStore
    locations: LocationStore
    catalog: CatalogStore
    ledger: LedgerStore
    controls: ControlStore
    reservations: ReservationStore
    plain: PlainStore
    supplies: SupplyStore
    shortfalls: ShortfallStore
    counts: CountStore
    seals: SealStore
    holds: HoldStore
    announcer: Announcer
    sources: SourceStore
    quarantine: QuarantineStore
    imports: ImportStore
    levels: LevelStore
    suspects: SuspectStore
    supply_rule: SupplyRule = ORDINARY_RULE
    quotas: HoldQuotas = NO_QUOTAS
    recollection: Recollection = field(default_factory=Recollection)
