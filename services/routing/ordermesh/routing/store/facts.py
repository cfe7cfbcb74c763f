"""Facts that were put, in SQL."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from ordermesh.routing.domain.rules.vocabulary import Fact, PutFact
from ordermesh.routing.store import versions
from ordermesh.routing.store.tables.policies import put_fact
from ordermesh.runtime.database import Transaction

_CHUNK = 500
"""How many names one statement asks for."""


class SqlFactStore:
    """Keeps facts of locations and of items at them."""

    async def put(self, tx: Transaction, facts: Sequence[PutFact], now: datetime) -> None:
        """Store facts, each instead of the one before."""
        if not facts:
            return
        await versions.changed(tx, versions.FACTS)
        insert = sqlite.insert if tx.dialect == "sqlite" else postgresql.insert
        statement = insert(put_fact)
        await tx.execute(
            statement.on_conflict_do_update(
                index_elements=["location_id", "sku", "fact"],
                set_={
                    "value": statement.excluded.value,
                    "update_time": statement.excluded.update_time,
                },
            ),
            [
                {
                    "location_id": one.location_id,
                    "sku": one.sku,
                    "fact": one.fact,
                    "value": one.value,
                    "update_time": now,
                }
                for one in sorted(facts, key=lambda one: (one.location_id, one.sku, one.fact))
            ],
        )

    async def forget(self, tx: Transaction, facts: Sequence[PutFact]) -> None:
        """Remove facts."""
        if facts:
            await versions.changed(tx, versions.FACTS)
        for start in range(0, len(facts), _CHUNK):
            keys = [
                (one.location_id, one.sku, str(one.fact)) for one in facts[start : start + _CHUNK]
            ]
            columns = tuple_(put_fact.c.location_id, put_fact.c.sku, put_fact.c.fact)
            await tx.execute(delete(put_fact).where(columns.in_(keys)))

    async def of(self, tx: Transaction, skus: Collection[str]) -> tuple[PutFact, ...]:
        """What was put about these items anywhere, and about locations."""
        found: list[PutFact] = []
        names = ["", *sorted(skus)]
        for start in range(0, len(names), _CHUNK):
            rows = await tx.execute(
                select(put_fact).where(put_fact.c.sku.in_(names[start : start + _CHUNK]))
            )
            found.extend(
                PutFact(row.location_id, row.sku, Fact(row.fact), row.value) for row in rows
            )
        return tuple(found)

    async def page(
        self, tx: Transaction, location_id: str, after: tuple[str, str], size: int
    ) -> list[PutFact]:
        """The next facts of a location after an item and a fact."""
        rows = await tx.execute(
            select(put_fact)
            .where(
                put_fact.c.location_id == location_id,
                tuple_(put_fact.c.sku, put_fact.c.fact) > after,
            )
            .order_by(put_fact.c.sku, put_fact.c.fact)
            .limit(size)
        )
        return [PutFact(row.location_id, row.sku, Fact(row.fact), row.value) for row in rows]
