"""A few cells of the matrix of failures on real processes, and that the matrix can fail."""

from math import inf

import pytest

from ordermesh.runtime.engines import Dialect
from ordermesh.runtime.failpoints import Action, parse
from ordermesh.runtime.points import POINTS
from tests.failpoints.audit import at_the_end, findings
from tests.failpoints.cells import Cell, cells
from tests.failpoints.matrix import ORDERS, run_cell
from tests.failpoints.stillness import Patience
from tests.failpoints.story import UNITS, Day
from tests.failpoints.world import World, world

FEW = (
    Cell("database.committed", Action.DROP, "inventory"),
    Cell("batch.handled", Action.RAISE, "inventory"),
    Cell("routing.after_reserve", Action.DELAY, "routing"),
    Cell("outbox.delivered", Action.EXIT, "routing"),
    Cell("notify.answered", Action.EXIT, "notify"),
)
"""Of each action one at least, and of what is hardest: an effect of which nobody knows."""

ON_POSTGRES = (FEW[0], FEW[3])
"""What differs between databases is a connection that is lost, and a process that leaves locks."""

NEVER = Cell("returns.asked", Action.RAISE, "notify")
"""No notice asks where goods go."""


def test_every_point_has_a_cell_for_every_action() -> None:
    chosen = list(cells())

    assert {(one.point, one.action) for one in chosen} == {
        (point, action) for point in POINTS for action in Action
    }
    assert len(chosen) == len(POINTS) * len(Action)
    assert set(chosen) < set(cells(everywhere=True))
    for one in cells(everywhere=True):
        assert parse(one.faults)[0].point == one.point


@pytest.mark.integration
@pytest.mark.timeout(600)
@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
async def test_a_few_failures_lose_and_double_nothing_and_what_is_wrong_is_found(
    dialect: Dialect,
) -> None:
    told: list[str] = []
    try:
        async with world(dialect, told.append) as running:
            for number, cell in enumerate(FEW if dialect == "sqlite" else ON_POSTGRES, start=1):
                result = await run_cell(running, cell, f"c{number}", within=inf)
                assert result.problems == [], cell.name
                assert result.calls > ORDERS
            assert await at_the_end(running) == []
            if dialect == "sqlite":
                await _find_what_is_wrong(running)
    except LookupError:
        pytest.skip("Failures were not tested on PostgreSQL: there is none.")


def the_day() -> Day:
    """What becomes of a cell's first day."""
    sold = {f"c1-{number}": UNITS for number in range(1, ORDERS + 1)}
    day = Day("c1", ORDERS, shipped=sold, delivered={"c1-1", "c1-3"})
    return replace_day(day, returned={"c1-1": 1}, cancelled={f"c1-{ORDERS + 1}"})


def replace_day(day: Day, **fields: object) -> Day:
    changed = Day(day.tag, day.orders)
    for name in ("shipped", "delivered", "returned", "cancelled"):
        setattr(changed, name, fields.get(name, getattr(day, name)))
    return changed


async def _find_what_is_wrong(running: World) -> None:
    """A fault that never fired is found, and books that are wrong: those of the first cell."""
    day = the_day()
    assert await findings(running, day) == []
    for field, wrong in {
        "shipped": {**day.shipped, "c1-2": UNITS + 1},
        "returned": {},
        "delivered": {"c1-1"},
        "cancelled": {"c1-2"},
    }.items():
        assert await findings(running, replace_day(day, **{field: wrong})) != [], field

    result = await run_cell(running, NEVER, "never")
    assert result.problems == ["the fault never fired"]


def test_patience_is_used_up_by_waiting_and_not_by_a_machine_that_stands_still(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    now = 100.0
    monkeypatch.setattr("tests.failpoints.stillness.time.monotonic", lambda: now)
    patience = Patience(10.2)

    found = []
    for seconds in (4.0, 600.0, 0.5):
        now += seconds
        found.append(patience.is_over)

    assert found == [False, False, True]
