"""A large picture comes in while others reserve: none lost, none undone, memory bounded."""

import os
import sys
from pathlib import Path

import pytest

from tests.inventory.importing import Proof, served

MEMORY_MB_MAX = 300


async def prove(url: str, folder: Path, rows: int, rate: float) -> None:
    async with served(url, folder) as (process_id, mesh):
        proof = Proof(mesh, process_id, rows, rate)
        await proof.prepare()

        opening = await proof.bring(1, buying=False)
        assert opening.counts.applied_count == len(proof.keys)
        assert await proof.differences(1, opening) == []

        # The second picture was taken just before; everything sold while it comes in is newer.
        measured = await proof.bring(2, buying=True)
        said = (f"an empty ledger: {opening.alone()}", *measured.lines())
        sys.stdout.write("\n" + "".join(f"  {line}\n" for line in said))
        counts = measured.counts
        assert counts.applied_count + counts.unchanged_count == len(proof.keys)
        assert len(measured.reserving_ms) > 0
        assert await proof.differences(2, measured) == []
        assert await proof.is_sound()
        assert measured.peak_mb < MEMORY_MB_MAX


async def test_a_picture_comes_in_while_others_reserve(database_url: str, tmp_path: Path) -> None:
    await prove(database_url, tmp_path, rows=4_000, rate=50)


@pytest.mark.slow
@pytest.mark.timeout(5_400)
async def test_a_million_rows_come_in_while_200_reserve_each_second(
    database_url: str, tmp_path: Path
) -> None:
    """``ORDERMESH_PROOF_ROWS`` makes it shorter."""
    rows = int(os.environ.get("ORDERMESH_PROOF_ROWS", "1000000"))
    await prove(database_url, tmp_path, rows=rows, rate=200)
