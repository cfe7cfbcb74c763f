"""A ledger to work on: items and locations with stock, loaded through the service's own parts."""

import itertools
import random
import uuid
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from google.type.latlng_pb2 import LatLng
from sqlalchemy import func, select

from ordermesh.api.inventory.v1 import (
    Item,
    Location,
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    ReserveLine,
    ReserveRequest,
    ReserveResponse,
    StockLine,
    VerifyLedgerRequest,
)
from ordermesh.api.order.v1 import StockKey
from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.servicer.items import ItemServicer, LocationServicer
from ordermesh.inventory.servicer.ledger import LedgerServicer
from ordermesh.inventory.servicer.reserving import RESERVE, Reserving
from ordermesh.inventory.servicer.wiring import Wiring
from ordermesh.inventory.store.tables.items import item
from ordermesh.inventory.store.tables.ledger import balance
from ordermesh.inventory.store.tables.reservations import line
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.call import Call, Identity, calling
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.migrate import migrate

MIGRATIONS = "ordermesh.inventory:migrations"
SKUS = 1_000
LOCATION = "DC-1"
STOCK = 1_000_000
"""Units of each item: enough for every case, but for those that sell out on purpose."""

CALL = Call(RESERVE, Identity("bench", frozenset({"operator"})), None)
_CONTEXT: Any = None
"""Of the handlers that are called here none looks at it."""

_CHUNK = 500


class BooksWrong(Exception):
    """The books do not balance, or more was sold than was there."""


@dataclass(frozen=True)
class Books:
    """The service's parts on one database, without a network."""

    wiring: Wiring
    reserving: Reserving

    async def load(self, skus: Sequence[str], units: int, location_id: str = LOCATION) -> None:
        """Put items at a location with so many units each."""
        with calling(CALL):
            await _load(self.wiring, skus, units, location_id)

    async def check(self) -> int:
        """Verify the whole ledger; gives the units oversold. Raises ``BooksWrong``."""
        last = None
        async for reply in LedgerServicer(self.wiring).VerifyLedger(
            VerifyLedgerRequest(),
            _CONTEXT,
        ):
            if reply.findings:
                raise BooksWrong("; ".join(str(finding) for finding in reply.findings[:3]))
            last = reply
        if last is None or not last.done or not last.balanced:
            raise BooksWrong("The ledger does not balance.")
        return last.units_oversold

    async def put_places(self, location_ids: Sequence[str]) -> None:
        """Put locations."""
        with calling(CALL):
            await _put_places(self.wiring, location_ids)

    async def restock(self, skus: Sequence[str], units: int) -> None:
        """Bring so many units more of each item in."""
        with calling(CALL):
            await _receive(self.wiring, skus, units, LOCATION)

    async def free(self, skus: Sequence[str]) -> dict[str, int]:
        """Units of each item that nobody holds."""

        async def read(tx: Transaction) -> dict[str, int]:
            found: Iterable[Any] = await tx.execute(
                select(item.c.sku, balance.c.on_hand - balance.c.reserved).join(
                    balance, balance.c.item_id == item.c.item_id
                )
            )
            return {row[0]: int(row[1]) for row in found if row[0] in wanted}

        wanted = set(skus)
        return await self.wiring.database.read(read)

    async def reserved_units(self) -> dict[str, int]:
        """The units of each reservation that is in the books."""

        async def read(tx: Transaction) -> dict[str, int]:
            found: Iterable[Any] = await tx.execute(
                select(line.c.reservation_id, func.sum(line.c.quantity)).group_by(
                    line.c.reservation_id
                )
            )
            return {str(row[0]): int(row[1]) for row in found}

        return await self.wiring.database.read(read)

    async def reserve(self, request: ReserveRequest) -> ReserveResponse:
        """What a call of ``Reserve`` does behind the gate."""
        with calling(CALL):
            return await self.reserving.reserve(request)


@asynccontextmanager
async def opened(url: str, *, is_new: bool = True) -> AsyncIterator[Books]:
    """The service's parts on a database; a new one gets the tables first."""
    if is_new:
        await migrate(url, script_location=MIGRATIONS)
    database = await Database.open(url, clock=SystemClock())
    wiring = assemble(database, SystemClock(), RandomIds(), {})
    try:
        yield Books(wiring, Reserving(wiring))
    finally:
        await database.close()


async def _put_places(wiring: Wiring, location_ids: Sequence[str]) -> None:
    for start in range(0, len(location_ids), _CHUNK):
        places = [
            Location(
                location_id=location_id,
                type=Location.TYPE_DISTRIBUTION_CENTER,
                position=LatLng(latitude=41.9, longitude=-87.6),
                time_zone="America/Chicago",
            )
            for location_id in location_ids[start : start + _CHUNK]
        ]
        request = PutLocationsRequest(request_id=new_id(), locations=places)
        await LocationServicer(wiring).PutLocations(request, _CONTEXT)


async def _load(wiring: Wiring, skus: Sequence[str], units: int, location_id: str) -> None:
    await _put_places(wiring, [location_id])
    for start in range(0, len(skus), _CHUNK):
        some = skus[start : start + _CHUNK]
        await ItemServicer(wiring).PutItems(
            PutItemsRequest(
                request_id=new_id(),
                items=[Item(sku=sku, unit=Item.UNIT_EACH) for sku in some],
            ),
            _CONTEXT,
        )
        await _receive(wiring, some, units, location_id)


async def _receive(wiring: Wiring, skus: Sequence[str], units: int, location_id: str) -> None:
    lines = [
        StockLine(key=StockKey(sku=sku, location_id=location_id), quantity=units) for sku in skus
    ]
    await LedgerServicer(wiring).ReceiveStock(
        ReceiveStockRequest(request_id=new_id(), lines=lines), _CONTEXT
    )


def sku_names(count: int) -> list[str]:
    """So many SKUs."""
    return [f"SKU-{number:06}" for number in range(count)]


def new_id() -> str:
    """A request's or reservation's id."""
    return str(uuid.uuid4())


class Demand:
    """Requests for one unit each: of one hot item, or of any."""

    def __init__(self, skus: Sequence[str], seed: int, location_id: str = LOCATION) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - the seed makes it the same every time
        self._ids = random.Random()  # noqa: S311 - only to be unlike all others
        self._skus = skus
        self._location_id = location_id
        self._numbers = itertools.count(1)

    def _id(self) -> str:
        """A random id (RFC 9562, version 4), made as cheaply as a caller can."""
        digits = f"{self._ids.getrandbits(128):032x}"
        return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"

    def next(self) -> ReserveRequest:
        """The next request."""
        sku = self._skus[0] if len(self._skus) == 1 else self._draw.choice(self._skus)
        key = StockKey(sku=sku, location_id=self._location_id)
        return ReserveRequest(
            request_id=self._id(),
            reservation_id=self._id(),
            order_id=f"ORDER-{next(self._numbers)}",
            lines=[ReserveLine(line_id="1", key=key, quantity=1)],
        )
