"""Lot and serial numbers: facts that go with units; balances are not kept by them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from ordermesh.inventory.domain.errors.requests import TooManySerialNumbers
from ordermesh.inventory.domain.errors.reservation import LineNotFound
from ordermesh.inventory.domain.reservation import Draft, Line


@dataclass(frozen=True)
class Facts:
    """Lot and serial numbers of units of a line that leave; an empty SKU means any."""

    line_id: str
    sku: str = ""
    lot_id: str = ""
    serial_numbers: tuple[str, ...] = ()

    def covers(self, line: Line) -> bool:
        """Whether they are about this line."""
        return self.line_id == line.line_id and self.sku in ("", line.key.sku)


def with_facts(parts: Sequence[Line], facts: Sequence[Facts], draft: Draft) -> list[Line]:
    """The parts of lines that leave, with what is known of their units.

    Serial numbers go to the parts in their order. What was noted of units before and is not said
    again stays. A number that another part of the reservation had is no longer its.

    Raises ``TooManySerialNumbers`` where more are named than units leave, ``LineNotFound`` where
    nothing leaves that the facts are about.
    """
    known = {part.number: part for part in parts}
    for one in facts:
        covered = [part for part in known.values() if one.covers(part)]
        if not covered:
            raise LineNotFound(draft.reservation.reservation_id, one.line_id)
        units = sum(part.quantity for part in covered)
        if len(one.serial_numbers) > units:
            raise TooManySerialNumbers(one.line_id, len(one.serial_numbers), units)
        rest = one.serial_numbers
        for part in covered:
            named = rest[: part.quantity]
            rest = rest[part.quantity :]
            known[part.number] = replace(
                part,
                lot_id=one.lot_id or part.lot_id,
                serial_numbers=named if one.serial_numbers else part.serial_numbers,
            )
    _take_from_others(draft, known)
    return [known[part.number] for part in parts]


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
