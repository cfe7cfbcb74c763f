"""Leadership: one of several replicas does what needs to be done once."""

from contextlib import suppress
from datetime import timedelta

from sqlalchemy import or_, update

from ordermesh.kernel.clock import Clock
from ordermesh.kernel.errors import Conflict, Overloaded, Unavailable
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.tables import insert_new, leader

LEASE_SECONDS = 5.0
"""How long a dead leader keeps others from leading."""


class Leadership:
    """Leads under a name for as long as the lease is renewed.

    Two may believe to lead for a moment, when one was asleep: what a leader does must do no harm
    when it is done twice.
    """

    def __init__(self, database: Database, clock: Clock, name: str) -> None:
        self._database = database
        self._clock = clock
        self._name = name
        self._holder = database.ids.new()
        self._renew_time = float("-inf")

    async def hold(self) -> bool:
        """Lead, or go on leading; False while another does. Raises as ``Database.run``."""
        if self._clock.monotonic() < self._renew_time:
            return True
        self._renew_time = float("-inf")
        if not await self._database.run(self._elect):
            return False
        self._renew_time = self._clock.monotonic() + LEASE_SECONDS / 2
        return True

    async def resign(self) -> None:
        """Let another lead at once. Where that fails the lease ends by itself."""
        self._renew_time = float("-inf")
        with suppress(Unavailable, Overloaded, Conflict):
            await self._database.run(self._resign)

    async def _elect(self, tx: Transaction) -> bool:
        now = await tx.now()
        row = {"name": self._name, "fence": 0, "revision": 0, "compacted_revision": 0}
        await tx.execute(insert_new(leader, tx.dialect).values(row))
        elected = await tx.execute(
            update(leader)
            .where(
                leader.c.name == self._name,
                or_(
                    leader.c.holder == self._holder,
                    leader.c.lease_until.is_(None),
                    leader.c.lease_until <= now,
                ),
            )
            .values(
                holder=self._holder,
                lease_until=now + timedelta(seconds=LEASE_SECONDS),
                fence=leader.c.fence + 1,
            )
        )
        return elected.rowcount == 1

    async def _resign(self, tx: Transaction) -> None:
        await tx.execute(
            update(leader)
            .where(leader.c.name == self._name, leader.c.holder == self._holder)
            .values(holder=None, lease_until=None)
        )
