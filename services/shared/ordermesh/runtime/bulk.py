"""Many rows as one statement: on PostgreSQL a column of values is one parameter.

A row at a time costs a message each and SQLAlchemy's work for each value; columns that the driver
takes as they are cost a tenth of it. Instants are aware, ids are UUIDs.
"""

import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, Table, bindparam, insert, update
from sqlalchemy.dialects import postgresql

from ordermesh.runtime.database import Transaction

Rows = Sequence[Mapping[str, Any]]

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


async def insert_rows(tx: Transaction, table: Table, rows: Rows) -> None:
    """Insert rows that all have the same columns. Without rows nothing happens."""
    if not rows:
        return
    if tx.dialect == "sqlite":
        await tx.execute(insert(table), [dict(row) for row in rows])
        return
    names = tuple(rows[0])
    await tx.execute_columns(_insertion(table, names), _columns(table, names, rows))


async def update_rows(tx: Transaction, table: Table, key: tuple[str, ...], rows: Rows) -> None:
    """Give the rows with these keys new values: every row names its key and the same columns."""
    if not rows:
        return
    names = tuple(rows[0])
    if tx.dialect == "sqlite":
        statement = update(table).where(
            *(table.c[name] == bindparam(f"key_{name}") for name in key)
        )
        values = [{**row, **{f"key_{name}": row[name] for name in key}} for row in rows]
        await tx.execute(statement, values)
        return
    await tx.execute_columns(_change(table, key, names), _columns(table, names, rows))


def _columns(table: Table, names: Sequence[str], rows: Rows) -> list[list[Any]]:
    columns = [[row[name] for row in rows] for name in names]
    for place, name in enumerate(names):
        if isinstance(table.c[name].type, JSON):
            columns[place] = [
                None if value is None else json.dumps(value) for value in columns[place]
            ]
    return columns


@cache
def _insertion(table: Table, names: tuple[str, ...]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    return f"INSERT INTO {table.name} ({listed}) SELECT * FROM {_unnested(table, names)}"  # noqa: S608 - names of our own tables


@cache
def _change(table: Table, key: tuple[str, ...], names: tuple[str, ...]) -> str:
    listed = ", ".join(f'"{name}"' for name in names)
    values = ", ".join(f'"{name}" = new."{name}"' for name in names if name not in key)
    same = " AND ".join(f'{table.name}."{name}" = new."{name}"' for name in key)
    rows = f"{_unnested(table, names)} AS new ({listed})"
    return f"UPDATE {table.name} SET {values} FROM {rows} WHERE {same}"  # noqa: S608 - names of our own tables


def _unnested(table: Table, names: Sequence[str]) -> str:
    arrays = [f"${place}::{_type(table, name)}[]" for place, name in enumerate(names, start=1)]
    return f"unnest({', '.join(arrays)})"


def _type(table: Table, name: str) -> str:
    column_type = table.c[name].type
    if isinstance(column_type, JSON):
        return "json"
    return column_type.compile(dialect=_DIALECT).partition(" COLLATE")[0]
