"""Sets of ids as queries with one or two parameters, so that no request meets their limit."""

import json
from collections.abc import Iterable
from operator import attrgetter
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    ColumnElement,
    FromClause,
    Integer,
    Select,
    Text,
    Uuid,
    bindparam,
    cast,
    column,
    func,
    select,
    tuple_,
    type_coerce,
)
from sqlalchemy.sql.elements import KeyedColumnElement

from ordermesh.runtime.engines import Dialect


def pairs(dialect: Dialect, wanted: Iterable[tuple[int, int]]) -> Select[int, int]:
    """Rows of ``item_id`` and ``location_id``, each once and in ascending order."""
    rows = sorted(set(wanted))
    if dialect == "postgresql":
        return _pairs_of(
            bindparam("items", [row[0] for row in rows], type_=ARRAY(Integer), unique=True),
            bindparam("places", [row[1] for row in rows], type_=ARRAY(Integer), unique=True),
        )
    return _json_pairs(json_rows(json.dumps(rows)))


def is_among(table: FromClause, rows: Select[int, int]) -> ColumnElement[bool]:
    """Whether a row of the table is of one of these pairs.

    A condition and no join: the planner of SQLite would go through the list once for each row that
    another condition finds, where it should go to each pair once.
    """
    return tuple_(table.c.item_id, table.c.location_id).in_(rows)


def pair_rows(dialect: Dialect) -> Select[int, int]:
    """As ``pairs``, for a statement that is prepared: ``pair_values`` are its values."""
    if dialect == "postgresql":
        kind = ARRAY(Integer)
        return _pairs_of(bindparam("items", type_=kind), bindparam("places", type_=kind))
    return _json_pairs(_prepared_rows())


def pair_values(dialect: Dialect, wanted: Iterable[tuple[int, int]]) -> dict[str, Any]:
    """The values of ``pair_rows``."""
    rows = sorted(set(wanted))
    if dialect == "postgresql":
        return {"items": [row[0] for row in rows], "places": [row[1] for row in rows]}
    return {"rows": json.dumps(rows)}


def integer_rows(dialect: Dialect, name: str) -> Select[int]:
    """As ``integers``, for a statement that is prepared: ``integer_values`` are its values."""
    if dialect == "postgresql":
        return select(func.unnest(bindparam(name, type_=ARRAY(Integer))))
    listed = func.json_each(bindparam(name, type_=Text)).table_valued("value").c.value
    return select(cast(listed, Integer))


def integer_values(dialect: Dialect, name: str, wanted: Iterable[int]) -> dict[str, Any]:
    """The values of ``integer_rows``."""
    rows = sorted(set(wanted))
    return {name: rows if dialect == "postgresql" else json.dumps(rows)}


def text_rows(dialect: Dialect) -> Select[str]:
    """As ``texts``, for a statement that is prepared: ``text_values`` are its values."""
    if dialect == "postgresql":
        return select(func.unnest(bindparam("texts", type_=ARRAY(Text))))
    return select(type_coerce(_prepared_rows(), Text))


def text_values(dialect: Dialect, wanted: Iterable[str]) -> dict[str, Any]:
    """The values of ``text_rows``."""
    rows = sorted(set(wanted))
    return {"texts": rows} if dialect == "postgresql" else {"rows": json.dumps(rows)}


def uuid_rows(dialect: Dialect) -> Select[UUID]:
    """As ``uuids``, for a statement that is prepared: ``uuid_values`` are its values."""
    if dialect == "postgresql":
        return select(func.unnest(bindparam("uuids", type_=ARRAY(Uuid))))
    return select(type_coerce(_prepared_rows(), Uuid))


def uuid_values(dialect: Dialect, wanted: Iterable[UUID]) -> dict[str, Any]:
    """The values of ``uuid_rows``."""
    rows = sorted(set(wanted), key=attrgetter("int"))
    if dialect == "postgresql":
        return {"uuids": rows}
    return {"rows": json.dumps([row.hex for row in rows])}


def _pairs_of(items: BindParameter[Any], places: BindParameter[Any]) -> Select[int, int]:
    table = (
        func.unnest(items, places)
        .table_valued(column("item_id", Integer), column("location_id", Integer))
        .render_derived()
    )
    return select(table.c.item_id, table.c.location_id)


def _json_pairs(listed: KeyedColumnElement[Any]) -> Select[int, int]:
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


def _prepared_rows() -> KeyedColumnElement[Any]:
    return func.json_each(bindparam("rows", type_=Text)).table_valued("value").c.value
