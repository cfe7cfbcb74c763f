"""Looking at orders at a time that was set before."""

from collections.abc import Sequence

from ordermesh.routing.operations.records import Records
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.work import Claimed, WorkKind, finish_all

BATCH = 64


class Waking:
    """Lets a worker look at each order whose time has come: it finds out what is due."""

    def __init__(self, database: Database, records: Records) -> None:
        self._database = database
        self._records = records

    def work_kind(self) -> WorkKind:
        """How a worker handles it."""
        return WorkKind(self.handle, batch=BATCH, concurrency=1)

    async def handle(self, rows: Sequence[Claimed]) -> None:
        """Have these orders driven."""

        async def wake(tx: Transaction) -> None:
            for order_id in dict.fromkeys(row.payload.decode() for row in rows):
                await self._records.drive(tx, order_id)
            await finish_all(tx, rows)

        await self._database.run(wake)
