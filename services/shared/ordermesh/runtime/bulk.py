"""Many rows as one statement: on PostgreSQL a column of values is one parameter.

A row at a time costs a message each and SQLAlchemy's work for each value; columns that the driver
takes as they are cost a tenth of it. Numbers and ids go as one text a column, which the server
reads faster than the driver writes them one by one. Instants are aware, ids are UUIDs.
"""

import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, Integer, Table, Uuid
from sqlalchemy.dialects import postgresql

from ordermesh.runtime.instants import UtcTime, written
from ordermesh.runtime.prepared import ColumnWrite
from ordermesh.runtime.transaction import Transaction

SHARING_ROWS = 16
"""From so many rows on a value that all of them have is sent once."""

Rows = Sequence[Mapping[str, Any]]

_DIALECT = postgresql.dialect()  # type: ignore[no-untyped-call]


Columns = Mapping[str, Sequence[Any]]
"""New rows of a table, column by column: all are of one length."""


async def insert_rows(tx: Transaction, table: Table, rows: Rows) -> None:
    """Insert rows that all have the same columns. Without rows nothing happens."""
    if rows:
        await insert_columns(tx, table, {name: [row[name] for row in rows] for name in rows[0]})


async def insert_columns(tx: Transaction, table: Table, columns: Columns) -> None:
    """As ``insert_rows``; ids may be given as the text of their digits."""
    names = tuple(columns)
    count = len(columns[names[0]])
    if not count:
        return
    if tx.dialect == "sqlite":
        written_columns = [_sqlite_column(table, name, columns[name]) for name in names]
        await tx.execute_rows(
            _sqlite_insertion(table, names), list(zip(*written_columns, strict=True))
        )
        return
    values = _as_driver_takes(table, names, list(columns.values()))
    shared = _shared_columns(table, names, values)
    if count == 1:
        arguments = [column[0] for column in values]
    else:
        arguments = [
            column[0] if name in shared else _argument(kind, column)
            for name, kind, column in zip(names, _kinds(table, names), values, strict=True)
        ]
    await tx.write_columns(
        ColumnWrite(table.name, True, _insertion(table, names, shared), arguments)
    )


async def update_rows(tx: Transaction, table: Table, key: tuple[str, ...], rows: Rows) -> None:
    """Give the rows with these keys new values: every row names its key and the same columns."""
    if not rows:
        return
    names = tuple(rows[0])
    if tx.dialect == "sqlite":
        ordered = (*(name for name in names if name not in key), *key)
        statement = _sqlite_change(table, key, ordered)
        await tx.execute_rows(statement, _sqlite_rows(table, ordered, rows))
        return
    arguments = _arguments(table, names, rows)
    await tx.write_columns(ColumnWrite(table.name, False, _change(table, key, names), arguments))


async def update_unchanged_rows(
    tx: Transaction,
    table: Table,
    key: tuple[str, ...],
    rows: Rows,
    seen: Mapping[str, Sequence[Any]],
) -> None:
    """As ``update_rows``, but only rows that still have what was ``seen`` in these columns.

    They are locked in the order of their keys before any is changed. It is for a transaction that
    is one statement, and fails unless all of them have. Without rows nothing happens.
    """
    if not rows:
        return
    names = tuple(rows[0])
    arguments = _arguments(table, names, rows)
    guarded = tuple(seen)
    arguments += map(_argument, _kinds(table, guarded), seen.values())
    build = _unchanged(table, key, names, guarded)
    await tx.write_columns(ColumnWrite(table.name, False, build, arguments, len(rows)))


def _arguments(table: Table, names: tuple[str, ...], rows: Rows) -> list[Any]:
    columns = _as_driver_takes(table, names, [[row[name] for row in rows] for name in names])
    return list(map(_argument, _kinds(table, names), columns))


def _as_driver_takes(
    table: Table, names: tuple[str, ...], columns: list[Sequence[Any]]
) -> list[Sequence[Any]]:
    """Columns of values as PostgreSQL's driver takes them."""
    for place in _json_places(table, names):
        columns[place] = [None if value is None else json.dumps(value) for value in columns[place]]
    return columns


@cache
def _json_places(table: Table, names: tuple[str, ...]) -> Sequence[int]:
    return [place for place, name in enumerate(names) if isinstance(table.c[name].type, JSON)]


@cache
def _kinds(table: Table, names: tuple[str, ...]) -> "Sequence[Callable[[Any], str] | None]":
    """How the values of each column are written in the text of an array."""
    return [_written_as(table, name) for name in names]


def _argument(kind: "Callable[[Any], str] | None", column: Sequence[Any]) -> Any:
    """A column of values as one parameter: an array, or the text of one."""
    if kind is None:
        return column
    if None in column:
        return f"{{{','.join('NULL' if value is None else kind(value) for value in column)}}}"
    if isinstance(column[0], str):
        return f"{{{','.join(column)}}}"
    return f"{{{','.join(map(kind, column))}}}"


@cache
def _written_as(table: Table, name: str) -> Callable[[Any], str] | None:
    """How a value is written in the text of an array; None: its column goes as values."""
    kind = table.c[name].type
    if isinstance(kind, Integer):
        return str
    return attrgetter("hex") if isinstance(kind, Uuid) else None


def _sqlite_rows(table: Table, names: Sequence[str], rows: Rows) -> list[tuple[Any, ...]]:
    columns = [_sqlite_column(table, name, [row[name] for row in rows]) for name in names]
    return list(zip(*columns, strict=True))


def _sqlite_column(table: Table, name: str, column: Sequence[Any]) -> Sequence[Any]:
    """Values as SQLite's own driver takes them; SQLAlchemy would look at each one by itself."""
    kind = table.c[name].type
    if isinstance(kind, Uuid):
        return [value.hex if isinstance(value, UUID) else value for value in column]
    if isinstance(kind, JSON):
        return [None if value is None else json.dumps(value) for value in column]
    if isinstance(kind, UtcTime):
        # Those of one write are mostly one instant.
        texts = {value: value and written(value) for value in set(column)}
        return [texts[value] for value in column]
    return column


@cache
def _sqlite_insertion(table: Table, names: tuple[str, ...]) -> str:
    marks = ", ".join("?" for _ in names)
    return f"INSERT INTO {table.name} ({_listed(names)}) VALUES ({marks})"  # noqa: S608 - names of our own tables


@cache
def _sqlite_change(table: Table, key: tuple[str, ...], ordered: tuple[str, ...]) -> str:
    values = ", ".join(f'"{name}" = ?' for name in ordered if name not in key)
    same = " AND ".join(f'"{name}" = ?' for name in key)
    return f"UPDATE {table.name} SET {values} WHERE {same}"  # noqa: S608 - names of our own tables


_shared: dict[tuple[Table, tuple[str, ...]], frozenset[str]] = {}


def _shared_columns(
    table: Table, names: tuple[str, ...], columns: Sequence[Sequence[Any]]
) -> frozenset[str]:
    """The columns in which all rows have one value, which is then sent once.

    An element of an array costs the driver a microsecond. Of many rows only those columns count
    that never had two values in one write: so the statements of a table are few, and stay prepared.
    """
    count = len(columns[0])
    if count == 1:
        return frozenset(names)
    if count < SHARING_ROWS:
        return frozenset()
    known = _shared.get((table, names), frozenset(names))
    same = frozenset(
        name
        for name, column in zip(names, columns, strict=True)
        if name in known and column.count(column[0]) == count
    )
    if len(same) == len(names):
        return frozenset(names[1:])
    _shared[table, names] = same
    return same


@cache
def _insertion(
    table: Table, names: tuple[str, ...], shared: frozenset[str]
) -> Callable[[int], str]:
    listed = _listed(names)
    apart = [name for name in names if name not in shared]

    @cache
    def build(first: int) -> str:
        places = dict(zip(names, itertools.count(first), strict=False))
        values = ", ".join(
            f"${places[name]}::{_type(table, name)}" if name in shared else f'"{name}"'
            for name in names
        )
        rows = f" FROM {_unnested(table, apart, places)} AS new ({_listed(apart)})" if apart else ""
        return f"INSERT INTO {table.name} ({listed}) SELECT {values}{rows}"

    return build


@cache
def _change(
    table: Table, key: tuple[str, ...], names: tuple[str, ...], seen: tuple[str, ...] = ()
) -> Callable[[int], str]:
    listed = ", ".join([_listed(names), *(f'"seen_{name}"' for name in seen)])
    values = ", ".join(f'"{name}" = new."{name}"' for name in names if name not in key)
    same = " AND ".join(
        [f'{table.name}."{name}" = new."{name}"' for name in key]
        + [f'{table.name}."{name}" = new."seen_{name}"' for name in seen]
    )

    @cache
    def build(first: int) -> str:
        numbers = itertools.count(first)
        arrays = ", ".join(_array(table, name, next(numbers)) for name in (*names, *seen))
        rows = f"unnest({arrays}) AS new ({listed})"
        return f"UPDATE {table.name} SET {values} FROM {rows} WHERE {same}"  # noqa: S608 - names of our own tables

    return build


@cache
def _unchanged(
    table: Table, key: tuple[str, ...], names: tuple[str, ...], seen: tuple[str, ...]
) -> Callable[[int], str]:
    change = _change(table, key, names, seen)
    columns = ", ".join(f'{table.name}."{name}"' for name in key)

    @cache
    def build(first: int) -> str:
        places = dict(zip(names, itertools.count(first), strict=False))
        wanted = f"SELECT * FROM {_unnested(table, key, places)}"  # noqa: S608 - names of our own tables
        # The count is looked at once, before the first row is changed.
        return (
            f"WITH locked AS (SELECT 1 FROM {table.name} WHERE ({columns}) IN ({wanted})"  # noqa: S608 - as above
            f" ORDER BY {columns} FOR NO KEY UPDATE) {change(first)}"
            f" AND (SELECT count(*) FROM locked) > 0 RETURNING 1"
        )

    return build


def _unnested(table: Table, names: Sequence[str], places: Mapping[str, int]) -> str:
    return f"unnest({', '.join(_array(table, name, places[name]) for name in names)})"


def _array(table: Table, name: str, number: int) -> str:
    """A column as a parameter: an array of its type, or the text of one."""
    text = "text::" if _written_as(table, name) else ""
    return f"${number}::{text}{_type(table, name)}[]"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


@cache
def _type(table: Table, name: str) -> str:
    column_type = table.c[name].type
    if isinstance(column_type, JSON):
        return "json"
    return column_type.compile(dialect=_DIALECT).partition(" COLLATE")[0]
