"""The books of one stock key, recomputed from its entries alone."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ordermesh.inventory.domain.ledger import Account, AdjustmentReason
from tests.inventory.many.telling import Picture

ON_HAND = (Account.FREE, Account.RESERVED, Account.SHORT)
BLOCKED = (Account.DAMAGED, Account.INSPECTION, Account.MISSING)
GOODS = frozenset((*ON_HAND, *BLOCKED))
CORRECTED = (AdjustmentReason.SNAPSHOT, AdjustmentReason.SNAPSHOT_BY_TIME)


@dataclass
class Books:
    """The entries of a key in the order of their numbers, each with its movement, folded.

    ``on_hand`` and ``findable`` are units on hand, and those and what is missing, after so many
    entries.
    """

    place: str
    rows: Sequence[Any]
    figures: Counter[int] = field(default_factory=Counter)
    on_hand: list[int] = field(default_factory=lambda: [0])
    findable: list[int] = field(default_factory=lambda: [0])

    def fold(self) -> None:
        """Add up, and see that no figure was ever what it may not be."""
        figures = self.figures
        for number, row in enumerate(self.rows, start=1):
            assert row.sequence == number, f"{self.place}: a hole before entry {row.sequence}"
            assert row.quantity > 0, f"{self.place}: entry {number} moves nothing"
            assert row.from_account != row.to_account, f"{self.place}: entry {number} goes nowhere"
            assert row.kind is not None, f"{self.place}: entry {number} has no movement"
            figures[row.to_account] += row.quantity
            figures[row.from_account] -= row.quantity
            on_hand = sum(figures[account] for account in ON_HAND)
            deficit = max(0, figures[Account.RESERVED] - on_hand)
            lowest = min(figures[account] for account in (*ON_HAND[:2], *BLOCKED))
            assert min(lowest, on_hand) >= 0, f"{self.place}: below zero after entry {number}"
            assert -figures[Account.SHORT] == deficit, f"{self.place}: deficit after {number}"
            self.on_hand.append(on_hand)
            self.findable.append(on_hand + figures[Account.MISSING])

    def agree(self, balance: Any) -> None:
        """The balance says what the entries do."""
        figures = self.figures
        said = (balance.on_hand, balance.reserved, balance.short)
        assert said == (self.on_hand[-1], figures[Account.RESERVED], -figures[Account.SHORT]), said
        blocked = (balance.damaged, balance.inspection, balance.missing)
        assert blocked == tuple(figures[account] for account in BLOCKED), self.place
        assert balance.sequence == len(self.rows), self.place

    def digest(self, count: int) -> bytes:
        """What the first so many entries say, shortened."""
        digest = hashlib.blake2b(digest_size=16)
        for row in self.rows[:count]:
            digest.update(repr(tuple(row)).encode())
        return digest.digest()

    def held(self) -> Counter[UUID]:
        """Units that reservations hold, by their entries."""
        sums: Counter[UUID] = Counter()
        for row in self.rows:
            if row.to_account == Account.RESERVED:
                sums[row.reservation_id] += row.quantity
            if row.from_account == Account.RESERVED:
                sums[row.reservation_id] -= row.quantity
        return sums

    def shipped(self) -> Counter[UUID]:
        """Units that reservations held and that left, by their entries."""
        sums: Counter[UUID] = Counter()
        for row in self.rows:
            if (row.from_account, row.to_account) == (Account.RESERVED, Account.CUSTOMER):
                sums[row.reservation_id] += row.quantity
        return sums

    def goods(self, wanted: set[UUID]) -> Iterator[tuple[UUID, int]]:
        """How many more units are here, by each entry of the movements that are wanted."""
        for row in self.rows:
            if row.movement_id in wanted:
                gained = row.quantity * (row.to_account in GOODS)
                yield row.movement_id, gained - row.quantity * (row.from_account in GOODS)

    def change(self, row: Any) -> int:
        """What an entry did to on hand."""
        after: int = row.sequence
        return self.on_hand[after] - self.on_hand[after - 1]

    def told(self) -> Iterator[tuple[int, int, UUID, int]]:
        """Changes that sources told of: source, number, movement, units more on hand."""
        for row in self.rows:
            if row.source_sequence is not None:
                yield row.source_id, row.source_sequence, row.movement_id, self.change(row)

    def check_count(self, tally: Sequence[Any], movement_id: UUID) -> None:
        """A count brought the books to what was found, and what had moved since was not undone."""
        _, units, sequence, expected, _ = tally
        assert self.findable[sequence] == expected, f"{self.place}: a count expected {expected}"
        own = [row.sequence for row in self.rows if row.movement_id == movement_id]
        before, after = own[0] - 1, own[-1]
        wanted = units + self.findable[before] - expected
        assert self.on_hand[after] == self.findable[after] == wanted, f"{self.place}: {tally}"

    def check_pictures(self, pictures: dict[str, Picture], sources: dict[int, str]) -> int:
        """Pictures corrected what they showed, and undid nothing that came after them.

        Gives how many did.
        """
        checked: set[UUID] = set()
        for row in self.rows:
            is_by_picture = row.source_id is not None and row.source_sequence is None
            if is_by_picture and row.movement_id not in checked:
                checked.add(row.movement_id)
                picture = pictures[row.document]
                assert picture.source_id == sources[row.source_id], row
                self._check_picture(picture, row)
        return len(checked)

    def _check_picture(self, picture: Picture, first: Any) -> None:
        seen = picture.rows.get(self.place)
        included = seen.included_sequence if seen is not None else None
        before = self.rows[: first.sequence - 1]
        own = sum(
            self.change(row)
            for row in before
            if row.source_id == first.source_id
            and row.source_sequence is not None
            and _is_later(row, row.source_sequence, picture.watermark, picture)
        )
        others = [
            row
            for row in before
            if row.source_id != first.source_id
            and row.reason not in CORRECTED
            and _is_later(row, row.sequence, included, picture)
        ]
        assert not any(row.reason == AdjustmentReason.COUNTED for row in others), self.place
        wanted = (seen.on_hand if seen else 0) + own + sum(map(self.change, others))
        last = max(row.sequence for row in self.rows if row.movement_id == first.movement_id)
        assert self.on_hand[last] == wanted, f"{self.place}: {picture} left {self.on_hand[last]}"


def _is_later(row: Any, number: int, contained: int | None, picture: Picture) -> bool:
    """Whether a picture does not contain a change: by its number, or else by its time."""
    if contained is not None:
        return number > contained
    return picture.taken is not None and row.create_time > picture.taken
