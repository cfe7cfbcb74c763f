"""What the doctor says of the copy in Redis."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from ordermesh.cli.doctor import Finding, Verdict, examine, is_sound
from ordermesh.cli.place import MeshDirectory
from ordermesh.client.vectors import Vectors
from ordermesh.inventory.cache.writing import RedisCopyWriter
from tests.valkey import Valkey, find_server


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    program = find_server()
    if program is None:
        pytest.skip("There is neither Valkey nor Redis.")
    server = Valkey(program)
    server.start()
    yield server
    server.close()


async def of_the_copy(place: Path, url: str | None) -> list[Finding]:
    findings = await examine(MeshDirectory(place), url)
    assert is_sound(findings)  # nothing depends on the copy
    return [one for one in findings if one.subject == "copy in redis"]


async def test_a_copy_that_is_not_configured_is_not_spoken_of(tmp_path: Path) -> None:
    assert await of_the_copy(tmp_path, None) == []


async def test_a_redis_that_is_away_or_empty_is_doubtful(tmp_path: Path, valkey: Valkey) -> None:
    (empty,) = await of_the_copy(tmp_path, valkey.url)
    valkey.kill()
    (away,) = await of_the_copy(tmp_path, valkey.url)

    assert (empty.verdict, away.verdict) == (Verdict.DOUBTFUL, Verdict.DOUBTFUL)
    assert "holds no copy" in empty.fact
    assert "does not answer" in away.fact
    assert "nothing is lost" in away.advice


async def test_a_copy_is_well_while_it_is_kept(tmp_path: Path, valkey: Valkey) -> None:
    writer = RedisCopyWriter(valkey.url)
    now = await writer.time()
    await writer.begin(7, Vectors(), 12, now)
    (kept,) = await of_the_copy(tmp_path, valkey.url)
    await writer.begin(8, Vectors(), 12, now.replace(year=now.year - 1))
    (left,) = await of_the_copy(tmp_path, valkey.url)
    await writer.close()

    assert (kept.verdict, left.verdict) == (Verdict.WELL, Verdict.DOUBTFUL)
    assert "revision 12" in kept.fact
