"""`ordermesh import`: what it sends, what it says, and how it goes on after a break."""

import asyncio
import io
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import grpc
import pytest
from rich.console import Console

from ordermesh.cli import importing, snapshot
from ordermesh.cli.doctor import Verdict, sources
from ordermesh.cli.snapshot import (
    BrokeOff,
    CannotBeRead,
    Imported,
    ImportOptions,
    as_fields,
    import_snapshot,
    print_imported,
)
from ordermesh.inventory.__main__ import assemble
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.database import Database
from tests.eventually import eventually
from tests.fakes import FakeClock
from tests.inventory.outside import Outside, delta
from tests.inventory.shop import Shop
from tests.servers import Served

SILENT = Console(quiet=True)


@pytest.fixture
async def outside(served: Served, inventory_database: Database, clock: FakeClock) -> Outside:
    """A warehouse that speaks for A and B, and some stock, behind a real server."""
    shop = Shop(assemble(inventory_database, clock, RandomIds(), {}), clock)
    await shop.put_locations("A", "B")
    await shop.stock({"MUG at A": 10, "CUP at A": 10, "MUG at B": 10})
    opened = Outside(shop)
    await opened.put_source("WMS")
    assert served.mesh.targets
    return opened


async def bring(served: Served, file: Path, **options: Any) -> Imported:
    chosen = ImportOptions(file, "WMS", taken=datetime.now(UTC), **options)
    return await import_snapshot(served.mesh.targets, chosen, SILENT)


async def test_a_file_is_imported_and_what_was_not_taken_is_told(
    served: Served, outside: Outside, tmp_path: Path
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text(
        "sku,location_id,on_hand\nMUG,A,7\nCUP,A,10\nNOBODY,A,3\nMUG,B,-2\nCUP,A,many\nMUG,C\n"
    )

    imported = await bring(served, file)

    assert await outside.on_hand("MUG at A") == 7
    assert await outside.on_hand("MUG at B") == 10
    fields = as_fields(imported)
    assert (fields["applied"], fields["unchanged"], fields["quarantined"]) == (1, 1, 2)
    assert fields["quarantined_by_reason"] == {"unknown_sku": 1, "negative": 1}
    assert [(one.line, one.column) for one in imported.refused] == [(6, "on_hand"), (7, "")]
    assert not imported.is_whole
    said = Console(record=True, width=200, file=io.StringIO())
    print_imported(imported, said)
    text = said.export_text()
    assert "1 rows changed a balance, 1 were as the books say" in text
    assert "unknown_sku" in text
    assert "is not a whole number" in text


async def test_a_file_of_one_location_need_not_name_it(
    served: Served, outside: Outside, tmp_path: Path
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("sku,on_hand,included_sequence\nMUG,6,1\n")

    imported = await bring(served, file, location_ids=["A"], watermark=0, absent="zero")

    assert imported.is_whole
    assert [await outside.on_hand(place) for place in ("MUG at A", "CUP at A", "MUG at B")] == [
        6,
        0,
        10,
    ]


async def test_what_cannot_be_read_is_not_taken_for_absent(
    served: Served, outside: Outside, tmp_path: Path
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("sku,on_hand\nMUG,6\nCUP,many\n")

    with pytest.raises(CannotBeRead):
        await bring(served, file, location_ids=["A"], watermark=0, absent="zero")

    assert await outside.on_hand("CUP at A") == 10
    assert await outside.on_hand("MUG at A") == 10


async def test_the_same_file_again_changes_nothing(
    served: Served, outside: Outside, tmp_path: Path
) -> None:
    file = tmp_path / "stock.csv"
    file.write_text("sku,location_id,on_hand,included_sequence\nMUG,A,7,1\n")
    options = ImportOptions(file, "WMS", watermark=0)
    first = await import_snapshot(served.mesh.targets, options, SILENT)
    await outside.shop.receive({"MUG at A": 5})

    again = await import_snapshot(served.mesh.targets, options, SILENT)

    assert as_fields(again) == as_fields(first)
    assert await outside.on_hand("MUG at A") == 12


async def test_an_import_that_broke_off_goes_on_when_that_is_said(
    served: Served, outside: Outside, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (importing, snapshot):
        monkeypatch.setattr(module, "FRAME_ROWS", 1)
    skus = [f"SKU-{number:03}" for number in range(120)]
    await outside.shop.put_items(*skus)
    file = tmp_path / "stock.csv"
    rows = "".join(f"{sku},A,{number + 1},0\n" for number, sku in enumerate(skus))
    file.write_text(f"sku,location_id,on_hand,included_sequence\n{rows}")
    options = ImportOptions(file, "WMS", watermark=0)
    broken = asyncio.create_task(import_snapshot(served.mesh.targets, options, SILENT))

    async def some_are_there() -> bool:
        return await outside.on_hand("SKU-003 at A") > 0

    await eventually(some_are_there)
    broken.cancel()
    with pytest.raises(asyncio.CancelledError):
        await broken

    with pytest.raises(BrokeOff, match="broke off after"):
        await import_snapshot(served.mesh.targets, options, SILENT)
    resumed = ImportOptions(file, "WMS", watermark=0, resume=True)
    imported = await import_snapshot(served.mesh.targets, resumed, SILENT)

    assert (imported.counts.applied_count, imported.is_whole) == (120, True)
    assert await outside.on_hand("SKU-119 at A") == 120
    assert await outside.shop.is_sound()


async def test_an_unknown_source_and_a_missing_file_are_told(
    served: Served, outside: Outside, tmp_path: Path
) -> None:
    file = tmp_path / "stock.csv"
    with pytest.raises(OSError, match=r"stock\.csv"):
        await bring(served, file)
    file.write_text("sku,location_id,on_hand\nMUG,A,7\n")

    with pytest.raises(grpc.aio.AioRpcError) as error:
        await import_snapshot(served.mesh.targets, ImportOptions(file, "NOBODY"), SILENT)

    assert error.value.code() is grpc.StatusCode.NOT_FOUND
    assert await outside.on_hand("MUG at A") == 10


async def test_the_doctor_looks_at_sources(served: Served, outside: Outside) -> None:
    await outside.put_source("QUIET", silence_duration={"seconds": 1})
    await outside.tell(delta(1, "MUG at A", 1), delta(2, "MUG at A", 99), source_id="WMS")
    await outside.put_source("TILL")
    await outside.tell(delta(5, "MUG at A", 1))
    await asyncio.sleep(1.1)

    found = {(one.subject, one.verdict): one for one in await sources(served.mesh)}

    assert "may be silent for 0:00:01" in found["source QUIET", Verdict.DOUBTFUL].advice
    assert found["source TILL", Verdict.DOUBTFUL].fact.endswith("1 gaps, 0 changes are held")
    assert ("source WMS", Verdict.WELL) in found
    assert found["source WMS", Verdict.DOUBTFUL].fact == "1 rows in quarantine"
