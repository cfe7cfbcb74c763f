"""The stores of one service, and who tells its peers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ordermesh.inventory.domain.levels import Told
from ordermesh.inventory.domain.reservation import Line, Reservation
from ordermesh.inventory.domain.supply import ORDINARY_RULE, SupplyRule
from ordermesh.inventory.ports.controls import ControlStore
from ordermesh.inventory.ports.feeds import ImportStore, QuarantineStore, SourceStore
from ordermesh.inventory.ports.items import ItemStore
from ordermesh.inventory.ports.ledger import LedgerStore
from ordermesh.inventory.ports.levels import LevelStore
from ordermesh.inventory.ports.locations import LocationStore
from ordermesh.inventory.ports.reservations import ReservationStore
from ordermesh.inventory.ports.supplies import SupplyStore
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
        ...

    async def crossed(self, tx: Transaction, told: Told, control_version: int) -> None:
        """A level of availability was crossed; ``told.sequence`` is the event's."""
        ...


@dataclass(frozen=True)
class Stores:
    """The stores of one service, who tells its peers, and which supplies may be counted on."""

    items: ItemStore
    locations: LocationStore
    ledger: LedgerStore
    controls: ControlStore
    reservations: ReservationStore
    supplies: SupplyStore
    announcer: Announcer
    sources: SourceStore
    quarantine: QuarantineStore
    imports: ImportStore
    levels: LevelStore
    supply_rule: SupplyRule = ORDINARY_RULE
