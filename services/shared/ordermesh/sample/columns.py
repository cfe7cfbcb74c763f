"""Whole numbers in columns, packed into one small file that the standard library reads.

A packed file is one xz stream. Inside it a line of JSON names the columns, and the columns follow
as bytes in that order. A column holds unsigned integers of one, two or four bytes, little-endian,
and is written plane by plane: all lowest bytes, then all second bytes, and so on. The upper planes
are nearly empty, which is what makes the file small and lets it be read at the speed of copying.
"""

import itertools
import json
import lzma
import sys
from array import array
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

_FORMAT = "ordermesh-columns-1"
_TYPE_CODES = {1: "B", 2: "H", 4: "I"}


@dataclass(frozen=True)
class Packed:
    """What a packed file holds: free notes, which are JSON, and columns by name."""

    notes: Mapping[str, object]
    columns: Mapping[str, "array[int]"]


def pack(
    notes: Mapping[str, object],
    columns: Mapping[str, Iterable[int]],
    differences: frozenset[str] = frozenset(),
) -> bytes:
    """The file for these notes and columns; the same input gives the same bytes.

    ``differences`` names the columns that never fall and are written as their steps. Raises
    ``ValueError`` for a number below 0 or above 32 bits, or where such a column falls.
    """
    entries: list[dict[str, object]] = []
    body: list[bytes] = []
    for name, numbers in columns.items():
        values = list(numbers)
        if name in differences:
            values = [after - before for before, after in itertools.pairwise([0, *values])]
        width = _width(name, values)
        entries.append(
            {
                "name": name,
                "width": width,
                "count": len(values),
                "differences": name in differences,
            }
        )
        plain = b"".join(value.to_bytes(width, "little") for value in values)
        body.extend(plain[plane::width] for plane in range(width))
    header = {"format": _FORMAT, "notes": notes, "columns": entries}
    text = json.dumps(header, sort_keys=True, separators=(",", ":"))
    return lzma.compress(
        text.encode() + b"\n" + b"".join(body),
        format=lzma.FORMAT_XZ,
        check=lzma.CHECK_CRC64,
        preset=9 | lzma.PRESET_EXTREME,
    )


def unpack(packed: bytes) -> Packed:
    """What ``pack`` was given; raises ``ValueError`` when it is something else or damaged."""
    try:
        plain = lzma.decompress(packed, format=lzma.FORMAT_XZ)
    except (lzma.LZMAError, EOFError) as error:
        raise ValueError("not a packed file, or a damaged one") from error
    head, separator, body = plain.partition(b"\n")
    header = json.loads(head) if separator else {}
    if not isinstance(header, dict) or header.get("format") != _FORMAT:
        raise ValueError(f"not a packed file of the format {_FORMAT}")
    columns: dict[str, array[int]] = {}
    position = 0
    for entry in header["columns"]:
        length = entry["width"] * entry["count"]
        planes = body[position : position + length]
        if len(planes) != length:
            raise ValueError(f"the column {entry['name']} is cut short")
        columns[entry["name"]] = _column(planes, entry["width"], steps=entry["differences"])
        position += length
    return Packed(notes=header["notes"], columns=columns)


def _column(planes: bytes, width: int, *, steps: bool) -> "array[int]":
    count = len(planes) // width
    plain = bytearray(len(planes))
    for plane in range(width):
        plain[plane::width] = planes[plane * count : (plane + 1) * count]
    values = array(_TYPE_CODES[width])
    values.frombytes(plain)
    if sys.byteorder == "big":
        values.byteswap()
    return array("I", itertools.accumulate(values)) if steps else values


def _width(name: str, values: list[int]) -> int:
    if values and (min(values) < 0 or max(values) >= 1 << 32):
        raise ValueError(f"the column {name} holds a number below 0 or above 32 bits")
    highest = max(values, default=0)
    return next(width for width in _TYPE_CODES if highest < 1 << 8 * width)
