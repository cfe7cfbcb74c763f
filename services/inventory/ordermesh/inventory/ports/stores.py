"""The stores of one service, and who tells its peers."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ordermesh.inventory.domain.reservation import Line, Reservation
from ordermesh.inventory.ports.controls import ControlStore
from ordermesh.inventory.ports.feeds import ImportStore, QuarantineStore, SourceStore
from ordermesh.inventory.ports.items import ItemStore
from ordermesh.inventory.ports.ledger import LedgerStore
from ordermesh.inventory.ports.locations import LocationStore
from ordermesh.inventory.ports.reservations import ReservationStore
from ordermesh.runtime.database import Transaction


class Announcer(Protocol):
    """Who tells the peers what happened."""

    async def expired(
        self, tx: Transaction, reservation: Reservation, lines: Sequence[Line]
    ) -> None:
        """Lines of a reservation were not confirmed in time; ``event_sequence`` is the event's."""
        ...


@dataclass(frozen=True)
class Stores:
    """The stores of one service, and who tells its peers."""

    items: ItemStore
    locations: LocationStore
    ledger: LedgerStore
    controls: ControlStore
    reservations: ReservationStore
    announcer: Announcer
    sources: SourceStore
    quarantine: QuarantineStore
    imports: ImportStore
