"""Limits of before the windows of capacity are carried over, and back."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

BEFORE, AFTER = "0007", "0008"

LIMITED = {
    "location_id": "NEAR",
    "methods": '["SHIP"]',
    "priority": 1,
    "currency_code": "USD",
    "pick_fee": 0,
    "labor_cost_per_unit": 0,
    "capacity_units_per_day": 7,
    "handling_days": 1,
    "return_handling": "NONE",
    "update_time": "2026-11-25 12:00:00.000000",
}


@pytest.fixture
def moved(tmp_path: Path) -> Iterator[Any]:
    """Takes a file of SQLite to a revision, and gives its locations as rows."""
    engine = sa.create_engine(f"sqlite:///{tmp_path / 'routing.db'}")

    def move(revision: str, *, back: bool = False) -> list[dict[str, Any]]:
        with engine.connect() as connection:
            configuration = Config(stdout=io.StringIO())
            configuration.set_main_option("path_separator", "os")
            configuration.set_main_option("script_location", "ordermesh.routing:migrations")
            configuration.attributes["connection"] = connection
            configuration.attributes["keep"] = None
            step = command.downgrade if back else command.upgrade
            step(configuration, revision)
            connection.commit()
            rows = connection.execute(sa.text("select * from network_location order by 1"))
            return [dict(row._mapping) for row in rows]

    def put(row: dict[str, Any]) -> None:
        names = ", ".join(row)
        values = ", ".join(f":{name}" for name in row)
        with engine.begin() as connection:
            connection.execute(
                sa.text(f"insert into network_location ({names}) values ({values})"), row
            )

    move.put = put  # type: ignore[attr-defined]
    yield move
    engine.dispose()


def test_units_a_day_become_a_capacity_and_units_a_day_again(moved: Any) -> None:
    moved(BEFORE)
    moved.put(LIMITED)
    moved.put({**LIMITED, "location_id": "EAST", "capacity_units_per_day": None})

    east, near = moved(AFTER)

    assert east["capacities"] in ("[]", [])
    assert '"limit": 7' in near["capacities"]
    assert '"id": "units-a-day"' in near["capacities"]
    assert "capacity_units_per_day" not in near

    east, near = moved(BEFORE, back=True)

    assert (east["capacity_units_per_day"], near["capacity_units_per_day"]) == (None, 7)
