"""Imported postal codes in SQL."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from sqlalchemy import Row, func, insert, select, tuple_, update

from ordermesh.routing.domain.carriage.postal_code import PostalCode, PostalCodeTable, TableState
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.store import versions
from ordermesh.routing.store.tables.postal_codes import postal_code, postal_code_table
from ordermesh.runtime.database import Transaction

_CHUNK = 500
"""How many names one statement asks for."""

_tables = postal_code_table.c
_codes = postal_code.c


class SqlPostalCodeStore:
    """Keeps imported postal codes."""

    async def in_use(self, tx: Transaction) -> dict[str, PostalCodeTable]:
        """The tables in use, by country."""
        rows = await tx.execute(select(postal_code_table).where(_tables.state == TableState.IN_USE))
        return {row.country_code: _table(row) for row in rows}

    async def page(
        self, tx: Transaction, after: tuple[str, int], size: int
    ) -> list[PostalCodeTable]:
        """The next tables after a country and version."""
        rows = await tx.execute(
            select(postal_code_table)
            .where(tuple_(_tables.country_code, _tables.version) > tuple_(*after))
            .order_by(_tables.country_code, _tables.version)
            .limit(size)
        )
        return [_table(row) for row in rows]

    async def imported(
        self, tx: Transaction, import_id: UUID, *, lock: bool
    ) -> PostalCodeTable | None:
        """The table of an import."""
        statement = select(postal_code_table).where(_tables.import_id == import_id)
        rows = await tx.execute(statement.with_for_update() if lock else statement)
        row = rows.one_or_none()
        return None if row is None else _table(row)

    async def open(self, tx: Transaction, table: PostalCodeTable) -> PostalCodeTable:
        """Keep a table as the next of its country; a twin's number is a key conflict."""
        highest = await tx.execute(
            select(func.coalesce(func.max(_tables.version), 0)).where(
                _tables.country_code == table.country_code
            )
        )
        opened = replace(table, version=highest.scalar_one() + 1)
        await tx.execute(
            insert(postal_code_table).values(
                country_code=opened.country_code,
                version=opened.version,
                import_id=opened.import_id,
                source=opened.source,
                significant=opened.significant,
                state=opened.state,
                next_part=opened.next_part,
                postal_codes=opened.count,
                create_time=opened.create_time,
            )
        )
        return opened

    async def known(
        self, tx: Transaction, table: PostalCodeTable, keys: Collection[str]
    ) -> frozenset[str]:
        """Which of these the table has already."""
        found: set[str] = set()
        names = sorted(keys)
        for start in range(0, len(names), _CHUNK):
            rows = await tx.execute(
                select(_codes.code).where(
                    _codes.country_code == table.country_code,
                    _codes.version == table.version,
                    _codes.code.in_(names[start : start + _CHUNK]),
                )
            )
            found.update(rows.scalars())
        return frozenset(found)

    async def add(
        self, tx: Transaction, table: PostalCodeTable, codes: Sequence[PostalCode]
    ) -> PostalCodeTable:
        """Keep the next part; gives the table as it is then."""
        await tx.execute(insert(postal_code), [_values(table, code) for code in codes])
        grown = replace(table, next_part=table.next_part + 1, count=table.count + len(codes))
        await self._save(tx, grown)
        return grown

    async def use(self, tx: Transaction, table: PostalCodeTable) -> PostalCodeTable:
        """Take a table into use, in place of the one before."""
        await versions.changed(tx, versions.CARRIAGE)
        await tx.execute(
            update(postal_code_table)
            .where(_tables.country_code == table.country_code, _tables.state == TableState.IN_USE)
            .values(state=TableState.REPLACED)
        )
        used = replace(table, state=TableState.IN_USE)
        await self._save(tx, used)
        return used

    async def find(self, tx: Transaction, table: PostalCodeTable, key: str) -> PostalCode | None:
        """Where a code is."""
        rows = await tx.execute(
            select(postal_code).where(
                _codes.country_code == table.country_code,
                _codes.version == table.version,
                _codes.code == key,
            )
        )
        row = rows.one_or_none()
        if row is None:
            return None
        place = Place(row.latitude, row.longitude)
        return PostalCode(row.code, row.code, place, row.region, row.time_zone)

    async def _save(self, tx: Transaction, table: PostalCodeTable) -> None:
        await tx.execute(
            update(postal_code_table)
            .where(_tables.country_code == table.country_code, _tables.version == table.version)
            .values(state=table.state, next_part=table.next_part, postal_codes=table.count)
        )


def _values(table: PostalCodeTable, code: PostalCode) -> dict[str, Any]:
    return {
        "country_code": table.country_code,
        "version": table.version,
        "code": code.key,
        "latitude": code.place.latitude_microdegrees,
        "longitude": code.place.longitude_microdegrees,
        "region": code.region,
        "time_zone": code.time_zone,
    }


def _table(row: Row[Any]) -> PostalCodeTable:
    return PostalCodeTable(
        country_code=row.country_code,
        version=row.version,
        import_id=row.import_id,
        source=row.source,
        significant=row.significant,
        state=TableState(row.state),
        next_part=row.next_part,
        count=row.postal_codes,
        create_time=row.create_time,
    )
