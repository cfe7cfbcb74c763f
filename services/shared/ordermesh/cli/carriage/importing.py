"""`ordermesh carriage import`: files are taken whole, or nothing of them is."""

import asyncio
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from rich.console import Console

from ordermesh.api.routing.v1 import (
    BeginPostalCodeImportRequest,
    CarriageEntry,
    CompletePostalCodeImportRequest,
    PostalCode,
    PostalCodeTable,
    PutCarriageRequest,
    PutCarriageResponse,
    PutPostalCodesRequest,
)
from ordermesh.cli.calls import open_mesh, patiently
from ordermesh.cli.carriage.reading import CarriageFiles, Line, PostalTable, find_files
from ordermesh.cli.tables import add_row, new_table, titled
from ordermesh.client import Mesh
from ordermesh.kernel.ids import RandomIds, derived_id
from ordermesh.sample.files.sheets import Refusal

PART_CODES = 1_000
"""Postal codes in a part. A part is known by its number, so this must not change in an import."""

REQUEST_BYTES_MAX = 1_000_000
FINDINGS_SHOWN = 50


class TooLarge(ValueError):
    """The entries do not fit into one request, and so could not be taken together."""


@dataclass
class Imported:
    """What became of the files. With ``refused`` nothing was taken."""

    dry_run: bool
    changed: int = 0
    postal_codes: dict[str, int] = field(default_factory=dict)
    refused: list[Refusal] = field(default_factory=list)


async def import_carriage(
    targets: Mapping[str, str], paths: Sequence[Path], *, dry_run: bool
) -> Imported:
    """Read the files, have them checked, and put them unless it is a dry run.

    Raises ``UnknownFile``, ``TooLarge``, ``OSError`` and ``AioRpcError``.
    """
    files = CarriageFiles()
    await asyncio.to_thread(lambda: files.read(find_files(paths)))
    imported = Imported(dry_run, refused=list(files.refusals))
    if imported.refused:
        return imported
    entries = files.entries
    async with open_mesh(targets) as mesh:
        if entries:
            checked = await patiently(mesh.carriage.PutCarriage, _putting(entries, dry_run=True))
            imported.changed = checked.changed_count
            imported.refused = [_refusal(one, files.lines) for one in checked.findings]
        if not dry_run and not imported.refused:
            await _take(mesh, files, entries)
    imported.postal_codes = {name: len(one.codes) for name, one in files.postal.items()}
    return imported


async def _take(mesh: Mesh, files: CarriageFiles, entries: Sequence[CarriageEntry]) -> None:
    """Postal codes are sent first, for they have no effect until they are taken into use."""
    sent = [await _send(mesh, country, table) for country, table in sorted(files.postal.items())]
    if entries:
        await patiently(mesh.carriage.PutCarriage, _putting(entries, dry_run=False))
    for table in sent:
        if table.state == PostalCodeTable.STATE_RECEIVING:
            await patiently(
                mesh.carriage.CompletePostalCodeImport,
                CompletePostalCodeImportRequest(
                    request_id=str(RandomIds().new()),
                    import_id=table.import_id,
                    part_count=table.next_part - 1,
                ),
            )


async def _send(mesh: Mesh, country: str, table: PostalTable) -> PostalCodeTable:
    """Send what of a table has not been received; its id follows from what is in it."""
    codes = list(table.codes.values())
    digest = hashlib.sha256(str(table.significant).encode())
    for code in codes:
        digest.update(code.SerializeToString(deterministic=True))
    import_id = str(derived_id("postal codes", country, digest.hexdigest()))
    begun = await patiently(
        mesh.carriage.BeginPostalCodeImport,
        BeginPostalCodeImportRequest(
            request_id=str(RandomIds().new()),
            import_id=import_id,
            country_code=country,
            significant_characters=table.significant,
        ),
    )
    received = begun.table
    while received.state == PostalCodeTable.STATE_RECEIVING and (
        part := _part(codes, received.next_part)
    ):
        reply = await patiently(
            mesh.carriage.PutPostalCodes,
            PutPostalCodesRequest(
                request_id=str(derived_id("postal codes", import_id, str(received.next_part))),
                import_id=import_id,
                part=received.next_part,
                postal_codes=part,
            ),
        )
        received = reply.table
    return received


def _part(codes: Sequence[PostalCode], number: int) -> list[PostalCode]:
    start = (number - 1) * PART_CODES
    return list(islice(codes, start, start + PART_CODES))


def _putting(entries: Sequence[CarriageEntry], *, dry_run: bool) -> PutCarriageRequest:
    request = PutCarriageRequest(
        request_id=str(RandomIds().new()), entries=entries, validate_only=dry_run
    )
    if request.ByteSize() > REQUEST_BYTES_MAX:
        raise TooLarge(
            f"The files have {request.ByteSize():,} bytes of entries, and {REQUEST_BYTES_MAX:,} can"
            " be taken together. Import zone tables and services first, then rate cards in parts."
        )
    return request


def _refusal(
    finding: PutCarriageResponse.Finding, lines: Mapping[tuple[str, ...], Line]
) -> Refusal:
    """A finding of the service, with the line of the file that it is about."""
    facts = finding.facts
    names: list[tuple[str, ...]] = [
        ("rate", facts.get("rateCardId", ""), facts.get("zone", ""), facts.get("upToGrams", "")),
        ("rate card", facts.get("rateCardId", "")),
        ("zone table", facts.get("zoneTableId", "")),
        ("service", facts.get("service", "")),
    ]
    named_by = facts.get("namedBy", "")
    names += [
        (kind, named_by.removeprefix(f"{kind} "))
        for kind in ("rate card", "service", "lane")
        if named_by.startswith(f"{kind} ")
    ]
    where = next((lines[name] for name in names if name in lines), Line("", 0))
    return Refusal(where.file, where.number, "", finding.reason, finding.sentence)


def print_imported(imported: Imported, console: Console) -> None:
    """What was taken, or what is wrong."""
    if imported.refused:
        table = new_table(("file", "line", "column", "value", "why"))
        for one in imported.refused[:FINDINGS_SHOWN]:
            add_row(table, one.file, str(one.line or ""), one.column, one.value, one.why)
        console.print(titled(f"{len(imported.refused):,} wrong, nothing was taken", table))
        return
    codes = ", ".join(f"{count:,} of {name}" for name, count in imported.postal_codes.items())
    what = "would be new" if imported.dry_run else "are new"
    console.print(
        f"{imported.changed:,} entries {what}"
        f"{f'; postal codes: {codes}' if codes else ''}"
        f"{'; nothing was stored' if imported.dry_run else ''}.",
        highlight=False,
    )


def as_fields(imported: Imported) -> dict[str, object]:
    """The same for programs."""
    return {
        "dry_run": imported.dry_run,
        "changed": imported.changed,
        "postal_codes": imported.postal_codes,
        "refused": [str(one) for one in imported.refused],
    }
