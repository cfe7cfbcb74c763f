"""Sets of ids as queries with one or two parameters, so that no request meets their limit."""

import json
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    column,
    func,
    select,
    type_coerce,
)
from sqlalchemy.sql.elements import KeyedColumnElement

from ordermesh.runtime.engines import Dialect


def pairs(dialect: Dialect, wanted: Iterable[tuple[int, int]]) -> Select[int, int]:
    """Rows of ``item_id`` and ``location_id``, each once and in ascending order."""
    rows = sorted(set(wanted))
    if dialect == "postgresql":
        table = (
            func.unnest(
                bindparam("items", [row[0] for row in rows], type_=ARRAY(Integer), unique=True),
                bindparam("places", [row[1] for row in rows], type_=ARRAY(Integer), unique=True),
            )
            .table_valued(column("item_id", Integer), column("location_id", Integer))
            .render_derived()
        )
        return select(table.c.item_id, table.c.location_id)
    listed = json_rows(json.dumps(rows))
    return select(
        cast(func.json_extract(listed, "$[0]"), Integer).label("item_id"),
        cast(func.json_extract(listed, "$[1]"), Integer).label("location_id"),
    )


def integers(dialect: Dialect, wanted: Iterable[int]) -> Select[int]:
    """One row for each number."""
    rows = sorted(set(wanted))
    if dialect == "postgresql":
        return select(func.unnest(bindparam("numbers", rows, type_=ARRAY(Integer), unique=True)))
    return select(cast(json_rows(json.dumps(rows)), Integer))


def texts(dialect: Dialect, wanted: Iterable[str]) -> Select[str]:
    """One row for each text."""
    rows = sorted(set(wanted))
    if dialect == "postgresql":
        return select(func.unnest(bindparam("texts", rows, type_=ARRAY(Text), unique=True)))
    return select(type_coerce(json_rows(json.dumps(rows)), Text))


def uuids(dialect: Dialect, wanted: Iterable[UUID]) -> Select[UUID]:
    """One row for each id."""
    rows = sorted(set(wanted))
    if dialect == "postgresql":
        return select(func.unnest(bindparam("uuids", rows, type_=ARRAY(Uuid), unique=True)))
    listed = json_rows(json.dumps([row.hex for row in rows]))
    return select(type_coerce(listed, Uuid))


def bigs(dialect: Dialect, wanted: Iterable[int]) -> Select[int]:
    """One row for each number, which may be large."""
    rows = sorted(set(wanted))
    if dialect == "postgresql":
        return select(func.unnest(bindparam("bigs", rows, type_=ARRAY(BigInteger), unique=True)))
    return integers(dialect, rows)


def json_rows(written: str) -> KeyedColumnElement[Any]:
    """The elements of a list in JSON, on SQLite."""
    return func.json_each(bindparam("rows", written, unique=True)).table_valued("value").c.value
