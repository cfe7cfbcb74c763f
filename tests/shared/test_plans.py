"""A statement whose plan goes through a list once for each row is noticed in every test."""

import sqlite3

import pytest

from ordermesh.runtime import one_trip

KEYS = "SELECT json_extract(value, '$[0]') AS a, json_extract(value, '$[1]') AS b FROM json_each(?)"
JOINED = f"SELECT t.* FROM t JOIN ({KEYS}) AS k ON t.who = 1 AND t.a = k.a AND t.b = k.b"
AMONG = f"SELECT * FROM t WHERE who = 1 AND (a, b) IN ({KEYS})"


@pytest.fixture
def connection() -> sqlite3.Connection:
    opened = sqlite3.connect(":memory:")
    opened.execute("CREATE TABLE t (who INTEGER, a INTEGER, b INTEGER, PRIMARY KEY (who, a, b))")
    opened.execute("INSERT INTO t VALUES (1, 2, 3), (1, 4, 5), (2, 2, 3)")
    return opened


def test_a_list_that_would_be_gone_through_for_each_row_is_an_error(
    connection: sqlite3.Connection,
) -> None:
    for _ in range(2):
        with pytest.raises(AssertionError, match="SCAN json_each VIRTUAL TABLE"):
            one_trip._execute(connection, JOINED, ["[[2, 3]]"])


def test_a_list_that_is_gone_through_once_is_none(connection: sqlite3.Connection) -> None:
    assert one_trip._execute(connection, AMONG, ["[[2, 3], [7, 7]]"]).rows == [(1, 2, 3)]
