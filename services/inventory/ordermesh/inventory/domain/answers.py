"""How large the answer to a wish is, so that nothing is decided that cannot be told.

An answer is a message, and a message has a limit. What is too large is refused before anything is
written: afterwards it would be done, and neither the caller nor a retry would ever hear of it.
"""

from collections.abc import Iterable
from uuid import UUID

from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.portions import Portion
from ordermesh.inventory.domain.reservation import Line, Reservation

RESERVATION_BYTES_MAX = 1_800_000
"""What a new reservation takes of a message at most: lines are added when parts of it are shipped,
and all of them when it is reserved again."""

_HEADER_BYTES = 120
_LINE_BYTES = 60
_SUPPLY_BYTES = 40
_PORTION_BYTES = 50
_TEXT_BYTES = 3


class Room:
    """What is left for the answers of one call beyond what is always there for its requests."""

    def __init__(self, left: int) -> None:
        self._left = left
        self._claims: dict[UUID, int] = {}

    def claim(self, reservation_id: UUID, size: int) -> None:
        """Keep so many bytes for an answer, in place of those for an earlier decision on the same.

        Raises ``TooMuchAsked``.
        """
        left = self._left + self._claims.get(reservation_id, 0)
        if size > left:
            raise TooMuchAsked("The answers of the call are too large together.", max(0, left))
        self.take(reservation_id, size)

    def take(self, reservation_id: UUID, size: int) -> None:
        """Keep so many bytes for an answer that stands already, whether they are left or not."""
        self._left += self._claims.pop(reservation_id, 0) - size
        self._claims[reservation_id] = size


def refuse_too_large(made: Reservation) -> int:
    """How many bytes a message takes to tell of it, at most.

    Raises ``TooMuchAsked`` where that is more than ``RESERVATION_BYTES_MAX``.
    """
    texts = (made.owner, made.order_id, made.channel, made.customer)
    size = _HEADER_BYTES + _size(texts) + sum(map(_line_bytes, made.lines))
    if size > RESERVATION_BYTES_MAX:
        raise TooMuchAsked("The reservation is too large for a message.", RESERVATION_BYTES_MAX)
    return size


def portions_bytes(portions: Iterable[Portion]) -> int:
    """How many bytes the verdicts on the lines of a best effort take at most."""
    return sum(
        _PORTION_BYTES + _size((one.line_id, one.key.sku, one.key.location_id, one.group))
        for one in portions
    )


def _line_bytes(line: Line) -> int:
    size = _LINE_BYTES + _size((line.line_id, *line.key, line.kit_sku, line.lot_id))
    if line.serial_numbers:
        size += _TEXT_BYTES * len(line.serial_numbers) + _size(line.serial_numbers)
    return size + _SUPPLY_BYTES + _size((line.supply_id,)) if line.supply_id else size


def _size(texts: Iterable[str]) -> int:
    return sum(len(one) if one.isascii() else len(one.encode()) for one in texts)
