"""The books of one stock key, recomputed from its entries alone."""

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from ordermesh.inventory.domain.ledger import Account, AdjustmentReason, MovementKind
from tests.inventory.many.telling import Picture

ON_HAND = (Account.FREE, Account.RESERVED, Account.SHORT)
BLOCKED = (Account.DAMAGED, Account.INSPECTION, Account.MISSING)
GOODS = frozenset((*ON_HAND, *BLOCKED))
KNOWLEDGE = frozenset((Account.LOSS, Account.OPENING))
CORRECTED = (AdjustmentReason.SNAPSHOT, AdjustmentReason.SNAPSHOT_BY_TIME)


@dataclass
class Books:
    """The entries of a key in the order of their numbers, each with its movement, folded.

    ``on_hand`` and ``findable`` are units on hand, and those and what is missing, after so many
    entries, ``corrections`` by how many the books were corrected by then. ``places`` are the first
    and the last number of the entries of a movement.
    """

    place: str
    rows: Sequence[Any]
    figures: Counter[int] = field(default_factory=Counter)
    on_hand: list[int] = field(default_factory=lambda: [0])
    findable: list[int] = field(default_factory=lambda: [0])
    corrections: list[int] = field(default_factory=lambda: [0])
    places: dict[UUID, tuple[int, int]] = field(default_factory=dict)

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
            change = (self.findable[-1] - self.findable[-2]) * _is_correction(row)
            self.corrections.append(self.corrections[-1] + change)
            first, _ = self.places.get(row.movement_id, (number, number))
            self.places[row.movement_id] = (first, number)

    def agree(self, balance: Any) -> None:
        """The balance says what the entries do."""
        figures = self.figures
        said = (balance.on_hand, balance.reserved, balance.short)
        assert said == (self.on_hand[-1], figures[Account.RESERVED], -figures[Account.SHORT]), said
        blocked = (balance.damaged, balance.inspection, balance.missing)
        assert blocked == tuple(figures[account] for account in BLOCKED), self.place
        assert balance.sequence == len(self.rows), self.place

    def digests(self, count: int) -> tuple[bytes, bytes]:
        """What the first so many entries say, and what all of them say, shortened."""
        digest = hashlib.blake2b(digest_size=16)
        for row in self.rows[:count]:
            digest.update(repr(tuple(row)).encode())
        first = digest.digest()
        for row in self.rows[count:]:
            digest.update(repr(tuple(row)).encode())
        return first, digest.digest()

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

    def _corrected(self, after: int, last: int) -> int:
        """By how many units the books were corrected in these entries, although no goods moved."""
        return self.corrections[last] - self.corrections[after] if last > after else 0

    def check_count(self, tally: Sequence[Any], movement_id: UUID) -> None:
        """A count brought the books to what was found, and what had moved since was not undone."""
        _, units, sequence, expected, _ = tally
        assert any(
            expected == self.findable[number] + self._corrected(number, sequence)
            for number in range(sequence + 1)
        ), f"{self.place}: a count expected {expected}"
        first, after = self.places[movement_id]
        moved = self.findable[first - 1] - self._corrected(sequence, first - 1)
        wanted = units + moved - expected
        assert self.on_hand[after] == self.findable[after] == wanted, f"{self.place}: {tally}"

    def check_pictures(
        self, pictures: dict[str, Picture], sources: dict[int, str], after: int
    ) -> int:
        """Pictures corrected what they showed, and undid nothing that came after them.

        Those that did so in entries up to ``after`` were looked at before. Gives how many did.
        """
        checked: set[UUID] = set()
        own: dict[int, list[Any]] = {}
        for row in self.rows:
            if row.source_id is None:
                continue
            if row.source_sequence is not None:
                own.setdefault(row.source_id, []).append(row)
            elif row.movement_id not in checked:
                checked.add(row.movement_id)
                picture = pictures[row.document]
                assert picture.source_id == sources[row.source_id], row
                if row.sequence > after:
                    self._check_picture(picture, row, own.get(row.source_id, []))
        return len(checked)

    def _check_picture(self, picture: Picture, first: Any, told: Sequence[Any]) -> None:
        """``told`` are the changes that its source had told of before."""
        seen = picture.rows.get(self.place)
        included = seen.included_sequence if seen is not None else None
        before = self.rows[included or 0 : first.sequence - 1]
        own = sum(
            self.change(row)
            for row in told
            if _is_later(row, row.source_sequence, picture.watermark, picture)
        )
        others = [
            row
            for row in before
            if row.source_id != first.source_id
            and (
                row.source_id is None
                or row.source_sequence is not None
                or row.reason not in CORRECTED
            )
            and _is_later(row, row.sequence, included, picture)
        ]
        assert not any(
            row.reason == AdjustmentReason.COUNTED or row.kind == MovementKind.COUNTED
            for row in others
        ), self.place
        wanted = (seen.on_hand if seen else 0) + own + sum(map(self.change, others))
        _, last = self.places[first.movement_id]
        assert self.on_hand[last] == wanted, (
            f"{self.place}: {picture} left {self.on_hand[last]} and not {wanted}: {seen}, {own} of"
            f" its own, after {[tuple(row) for row in self.rows[included or 0 : last]]}"
        )


def _is_correction(row: Any) -> bool:
    """Whether an entry says what the books did not know, although no goods moved."""
    return (
        not KNOWLEDGE.isdisjoint((row.from_account, row.to_account))
        and row.kind != MovementKind.RECEIVED
        and (row.reason != AdjustmentReason.DAMAGED or row.kind == MovementKind.COUNTED)
    )


def _is_later(row: Any, number: int, contained: int | None, picture: Picture) -> bool:
    """Whether a picture does not contain a change: by its number, or else by its time."""
    if contained is not None:
        return number > contained
    return picture.taken is not None and row.create_time > picture.taken
