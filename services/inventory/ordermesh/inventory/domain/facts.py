"""Lot and serial numbers: facts that go with units; balances are not kept by them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from ordermesh.inventory.domain.errors.requests import DuplicateEntry, TooManySerialNumbers
from ordermesh.inventory.domain.errors.reservation import LineNotFound
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.reservation import Draft, Line


@dataclass(frozen=True)
class Extra:
    """Units that left beyond those promised for a line, with what is known of them."""

    line_id: str
    key: StockKey
    quantity: int
    lot_id: str = ""
    serial_numbers: tuple[str, ...] = ()


Leaving = TypeVar("Leaving", Line, Extra)


@dataclass(frozen=True)
class Facts:
    """Lot and serial numbers of units of a line that leave; an empty SKU means any."""

    line_id: str
    sku: str = ""
    lot_id: str = ""
    serial_numbers: tuple[str, ...] = ()

    def covers(self, leaving: Line | Extra) -> bool:
        """Whether they are about this line, or about what leaves beyond it."""
        return self.line_id == leaving.line_id and self.sku in ("", leaving.key.sku)

    def after(self, units: int) -> "Facts":
        """What is left of them when so many units have left."""
        return replace(self, serial_numbers=self.serial_numbers[units:])

    def noted_on(self, leaving: Leaving, *, says_serials: bool) -> Leaving:
        """What leaves, with these; what was noted before and is not said again stays."""
        named = self.serial_numbers[: leaving.quantity]
        return replace(
            leaving,
            lot_id=self.lot_id or leaving.lot_id,
            serial_numbers=named if says_serials else leaving.serial_numbers,
        )


def with_facts(
    parts: Sequence[Line],
    extras: Sequence[Extra],
    facts: Sequence[Facts],
    draft: Draft,
    path: str = "",
) -> tuple[list[Line], list[Extra]]:
    """The parts of lines that leave, and what leaves beyond them, with what is known of the units.

    Serial numbers go to the parts in their order, and then to the extras. A number that another
    part of the reservation had is no longer its. ``path`` is where in the request the facts stand.

    Raises ``TooManySerialNumbers`` where more are named than units leave, ``LineNotFound`` where
    nothing leaves that the facts are about, ``DuplicateEntry`` where a line is named twice: the one
    would be forgotten for the other. Of serial numbers that is for ``refuse_twins``.
    """
    _refuse_repeated(facts, path)
    noted_parts, noted_extras = list(parts), list(extras)
    for one in facts:
        covered = [each.quantity for each in parts if one.covers(each)]
        covered += [each.quantity for each in extras if one.covers(each)]
        if not covered:
            raise LineNotFound(draft.reservation.reservation_id, one.line_id)
        if len(one.serial_numbers) > sum(covered):
            raise TooManySerialNumbers(one.line_id, len(one.serial_numbers), sum(covered))
        rest = _note(noted_parts, one, one)
        _note(noted_extras, one, rest)
    _take_from_others(draft, {part.number: part for part in noted_parts})
    return noted_parts, noted_extras


def _refuse_repeated(facts: Sequence[Facts], path: str) -> None:
    seen: set[tuple[str, str]] = set()
    for number, one in enumerate(facts):
        if (one.line_id, one.sku) in seen:
            raise DuplicateEntry(f"{path}units[{number}].line_id", one.line_id)
        seen.add((one.line_id, one.sku))


def refuse_twins(leaving: Iterable[Line | Extra], facts: Iterable[Facts]) -> None:
    """Each unit of an item has a serial number of its own, as far as ``facts`` say it now.

    Raises ``DuplicateEntry``.
    """
    said = {number for one in facts for number in one.serial_numbers}
    seen: set[tuple[str, str]] = set()
    for one in leaving:
        for number in one.serial_numbers:
            if number in said and (one.key.sku, number) in seen:
                raise DuplicateEntry("units.serial_numbers", number)
            seen.add((one.key.sku, number))


def _note(all_leaving: list[Leaving], said: Facts, rest: Facts) -> Facts:
    """Note what was said of each that it covers; gives what is left for others."""
    for place, leaving in enumerate(all_leaving):
        if said.covers(leaving):
            all_leaving[place] = rest.noted_on(leaving, says_serials=bool(said.serial_numbers))
            rest = rest.after(leaving.quantity)
    return rest


def _take_from_others(draft: Draft, parts: dict[int, Line]) -> None:
    """Units that leave are no longer among those that stay."""
    gone = {
        (part.line_id, part.key.sku, number)
        for part in parts.values()
        for number in part.serial_numbers
    }
    for line in list(draft.lines.values()):
        if line.number in parts or not line.is_open or not line.serial_numbers:
            continue
        kept = tuple(
            number
            for number in line.serial_numbers
            if (line.line_id, line.key.sku, number) not in gone
        )
        if kept != line.serial_numbers:
            draft.put(replace(line, serial_numbers=kept))
