"""Statements that are built once, and writes of whole columns that travel together.

Building a statement of SQLAlchemy and reading its cursor costs several times what PostgreSQL needs
to answer it. What is asked for every reservation is therefore built once, and goes to the driver as
text; the driver and the server keep it prepared.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import Executable
from sqlalchemy.dialects.postgresql.asyncpg import dialect as asyncpg_dialect
from sqlalchemy.sql import ClauseElement

from ordermesh.runtime.engines import Dialect

_POSTGRES = asyncpg_dialect()  # type: ignore[no-untyped-call]


class Prepared:
    """A statement for both databases; ``build`` makes it with parameters that have names.

    Its types must be those that the driver of PostgreSQL knows by itself: numbers, texts, UUIDs,
    instants, bytes and lists of them; no JSON.
    """

    def __init__(self, build: Callable[[Dialect], Executable]) -> None:
        self._build = build
        self._statements: dict[Dialect, Executable] = {}
        self._text: tuple[str, Sequence[str], Mapping[str, Any]] | None = None

    def statement(self, dialect: Dialect) -> Executable:
        """The statement as SQLAlchemy executes it."""
        if dialect not in self._statements:
            self._statements[dialect] = self._build(dialect)
        return self._statements[dialect]

    def text(self, values: Mapping[str, Any]) -> tuple[str, tuple[Any, ...]]:
        """The statement for PostgreSQL, and its values in their order.

        Raises ``KeyError`` for a parameter of the statement that has no value.
        """
        if self._text is None:
            statement = self.statement("postgresql")
            assert isinstance(statement, ClauseElement)  # noqa: S101 - all that can be built are
            compiled: Any = statement.compile(
                dialect=_POSTGRES, compile_kwargs={"render_postcompile": True}
            )
            # What the statement compares with itself has names that SQLAlchemy made up.
            constants = {
                name: value for name, value in compiled.params.items() if value is not None
            }
            self._text = str(compiled), tuple(compiled.positiontup or ()), constants
        text, names, others = self._text
        return text, tuple(values[name] if name in values else others[name] for name in names)


@dataclass(frozen=True)
class ColumnWrite:
    """One statement that writes whole columns to a table of PostgreSQL.

    ``build`` makes its text when the number of its first parameter is known. ``rows_wanted`` is how
    many rows it must give back for the others to stand; None: it gives back none.
    """

    table: str
    is_insert: bool
    build: Callable[[int], str]
    columns: Sequence[Any]
    rows_wanted: int | None = None

    def must_follow(self, earlier: "ColumnWrite") -> bool:
        """Whether it might touch rows that the earlier one writes; one statement sees no such."""
        return self.table == earlier.table and not (self.is_insert and earlier.is_insert)


def together(writes: Sequence[ColumnWrite]) -> tuple[str, list[Any]]:
    """One statement for all writes, and its columns."""
    columns = [column for write in writes for column in write.columns]
    if len(writes) == 1:
        return writes[0].build(1), columns
    parts: list[tuple[Callable[[int], str], int]] = []
    first = 1
    for write in writes:
        parts.append((write.build, first))
        first += len(write.columns)
    return _joined(tuple(parts)), columns


@cache
def _joined(parts: tuple[tuple[Callable[[int], str], int], ...]) -> str:
    texts = [build(first) for build, first in parts]
    named = ",\n".join(f"w{number} AS ({text})" for number, text in enumerate(texts[:-1]))
    return f"WITH {named}\n{texts[-1]}"


@cache
def row_class() -> type[Any]:
    """Rows of the driver whose columns are attributes, as SQLAlchemy's are."""
    import asyncpg  # only where PostgreSQL is used

    class Row(asyncpg.Record):
        __slots__ = ()

        def __getattr__(self, name: str) -> Any:
            try:
                return self[name]
            except KeyError:
                raise AttributeError(name) from None

    return Row
