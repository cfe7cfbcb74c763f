"""What was acknowledged survives crashes of the database, again and again."""

import pytest

from ordermesh.inventory.bench.checks import kill_under_load
from ordermesh.inventory.bench.cluster import Cluster, NoPostgres

KILLS = 20


@pytest.mark.slow
@pytest.mark.timeout(3_600)
async def test_twenty_kills_of_the_database_under_load_lose_and_double_nothing() -> None:
    told: list[str] = []
    try:
        cluster = Cluster()
    except NoPostgres as error:
        pytest.skip(f"Kills were not tested on PostgreSQL: {error}")
    with cluster:
        found = await kill_under_load(cluster, 1, KILLS, told.append)

    assert found.is_clean, found
    assert (found.kills, len(told)) == (KILLS, KILLS)
    # There was load, and kills hit it: callers were left without an answer, and asked again.
    assert found.asked > 500
    assert found.resent > KILLS
    assert found.replayed == 2 * found.asked
