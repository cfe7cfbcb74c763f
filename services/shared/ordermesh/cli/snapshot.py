"""`ordermesh import`: a large picture from a file, with a report of what was not taken and why."""

import asyncio
import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from ordermesh.api.inventory.v1 import (
    BeginImportRequest,
    FeedCounts,
    ListQuarantinedRowsRequest,
    QuarantinedRow,
    QuarantineReason,
    SnapshotImport,
    SnapshotRow,
)
from ordermesh.cli.calls import all_pages, open_mesh, patiently
from ordermesh.cli.importing import FRAME_ROWS, begin, send
from ordermesh.cli.tables import add_row, new_table, titled
from ordermesh.client import Mesh
from ordermesh.kernel.ids import derived_id
from ordermesh.sample.files.sheets import Refusal
from ordermesh.sample.files.snapshot import SnapshotFile

ROWS_SHOWN = 50

ABSENT = {"leave": SnapshotImport.ABSENT_LEAVE, "zero": SnapshotImport.ABSENT_ZERO}


class BrokeOff(ValueError):
    """An import of this file broke off, and nobody said that it should go on."""


class CannotBeRead(ValueError):
    """Lines of a file cannot be read, and what the file does not name would be set to zero."""


@dataclass(frozen=True)
class ImportOptions:
    """A file, whose picture it is, of what, and when it was taken.

    Without ``taken`` it was taken when the file was last written.
    """

    file: Path
    source_id: str
    location_ids: Sequence[str] = ()
    watermark: int | None = None
    taken: datetime | None = None
    absent: str = "leave"
    resume: bool = False


@dataclass
class Imported:
    """What became of the file: ``refused`` could not be read, ``quarantined`` cannot be right."""

    import_id: str
    counts: FeedCounts
    refused: list[Refusal] = field(default_factory=list)
    quarantined: list[QuarantinedRow] = field(default_factory=list)

    @property
    def is_whole(self) -> bool:
        """Whether every row was taken."""
        return not self.refused and not self.counts.quarantined_count


async def import_snapshot(
    targets: Mapping[str, str], options: ImportOptions, console: Console
) -> Imported:
    """Send the file, or what is left of it, and read what was not taken.

    Raises ``BrokeOff``, ``CannotBeRead``, ``OSError`` and ``AioRpcError``.
    """
    announcement, total = await asyncio.to_thread(_announcement, options)
    only = options.location_ids[0] if len(options.location_ids) == 1 else ""
    file = SnapshotFile(options.file, only)
    if options.absent == "zero":
        await asyncio.to_thread(_refuse_unreadable, file)

    def rows() -> Iterator[SnapshotRow]:
        for row in file.rows():
            yield SnapshotRow(
                sku=row.sku,
                location_id=row.location_id,
                on_hand=row.on_hand,
                included_sequence=row.included_sequence,
            )

    async with open_mesh(targets) as mesh:
        begun = await begin(mesh, announcement)
        is_open = begun.state == SnapshotImport.STATE_OPEN
        if is_open and begun.next_frame > 1 and not options.resume:
            raise BrokeOff(
                f"An import of this file broke off after {(begun.next_frame - 1) * FRAME_ROWS:,}"
                " rows. --resume goes on with it."
            )
        columns = (
            TextColumn("{task.description:<12}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=console) as progress:
            before = (begun.next_frame - 1) * FRAME_ROWS
            task = progress.add_task("rows", total=total, completed=min(before, total))
            done = begun
            if is_open:
                done = await send(
                    mesh, announcement, rows, lambda size, _: progress.advance(task, size)
                )
        imported = Imported(announcement.import_id, done.counts, list(file.refusals))
        imported.quarantined = await _quarantined(mesh, announcement.import_id)
    return imported


def print_imported(imported: Imported, console: Console) -> None:
    """What became of the rows, and of which ones somebody must decide."""
    counts = imported.counts
    console.print(
        f"{counts.applied_count:,} rows changed a balance, {counts.unchanged_count:,} were as the"
        f" books say, {counts.outdated_count:,} were outdated, {counts.quarantined_count:,} are in"
        f" quarantine, {len(imported.refused):,} could not be read.",
        highlight=False,
    )
    if imported.refused:
        table = new_table(("file", "line", "column", "value", "why"))
        for one in imported.refused[:ROWS_SHOWN]:
            add_row(table, one.file, str(one.line or ""), one.column, one.value, one.why)
        console.print(titled(f"{len(imported.refused):,} could not be read", table))
    if counts.quarantined_count:
        table = new_table(("sku", "location", "on hand", "why", "facts"))
        for row in imported.quarantined:
            seen = row.snapshot_row
            facts = ", ".join(f"{key} {value}" for key, value in sorted(row.facts.items()))
            add_row(table, seen.sku, seen.location_id, str(seen.on_hand), _why(row.reason), facts)
        shown = len(imported.quarantined)
        title = f"{counts.quarantined_count:,} in quarantine, the first {shown}"
        console.print(titled(title, table))


def as_fields(imported: Imported) -> dict[str, object]:
    """The same for programs."""
    counts = imported.counts
    reasons = Counter({_why(one.reason): one.count for one in counts.quarantined})
    return {
        "import_id": imported.import_id,
        "applied": counts.applied_count,
        "unchanged": counts.unchanged_count,
        "outdated": counts.outdated_count,
        "quarantined": counts.quarantined_count,
        "quarantined_by_reason": dict(reasons),
        "refused": [str(one) for one in imported.refused],
    }


def _refuse_unreadable(file: SnapshotFile) -> None:
    """Raise ``CannotBeRead`` for lines of which nobody knows what they name."""
    for _ in file.rows():
        pass
    if file.refusals:
        raise CannotBeRead(
            f"{len(file.refusals):,} lines of the file cannot be read, and what they name would be"
            " set to zero, so nothing was imported. Mend them, or import without --absent zero."
            f" The first: {file.refusals[0]}"
        )


def _announcement(options: ImportOptions) -> tuple[BeginImportRequest, int]:
    """The announcement and about how many rows follow.

    The id is derived from the file and what is said of it: whoever imports the same again goes on,
    or finds that it is done.
    """
    digest, lines = hashlib.sha256(), 0
    with options.file.open("rb") as content:
        while part := content.read(1 << 20):
            digest.update(part)
            lines += part.count(b"\n")
    written = datetime.fromtimestamp(options.file.stat().st_mtime, UTC)
    taken = options.taken or written
    request = BeginImportRequest(
        source_id=options.source_id,
        location_ids=sorted(set(options.location_ids)),
        watermark=options.watermark,
        absent=ABSENT[options.absent],
        document=options.file.name[:128],
    )
    request.picture_time.FromDatetime(taken)
    said = request.SerializeToString(deterministic=True).hex()
    request.import_id = str(derived_id("import", digest.hexdigest(), said))
    return request, max(0, lines - 1)


async def _quarantined(mesh: Mesh, import_id: str) -> list[QuarantinedRow]:
    """The first rows that nobody has decided on."""

    async def read(token: str) -> tuple[Sequence[QuarantinedRow], str]:
        request = ListQuarantinedRowsRequest(
            import_id=import_id,
            state=QuarantinedRow.STATE_OPEN,
            page_size=ROWS_SHOWN,
            page_token=token,
        )
        page = await patiently(mesh.feeds.ListQuarantinedRows, request)
        return page.rows, ""

    return [row async for row in all_pages(read)]


def _why(reason: QuarantineReason.ValueType) -> str:
    return QuarantineReason.Name(reason).removeprefix("QUARANTINE_REASON_").lower()
