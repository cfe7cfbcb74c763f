"""Stock that is not there, or not as the caller believed."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import ClassVar, NamedTuple

from ordermesh.inventory.domain.errors.facts import named, place
from ordermesh.inventory.domain.key import StockKey
from ordermesh.kernel.errors import Conflict, Facts, RuleViolated, Suspended

ALL_OVERDUE = 10**18
"""More units than can be missing: every overdue hold of the key is expired."""


class CuredByExpiry(RuleViolated):
    """A refusal that overdue holds may be the cause of: they are expired and it is decided again.

    ``missing`` says how many units more each key would need.
    """

    reason: ClassVar[str]

    def __init__(self, sentence: str, missing: Mapping[StockKey, int], *rows: Facts) -> None:
        super().__init__(sentence, *rows)
        self.missing = missing


class OnHandBelowReserved(CuredByExpiry):
    """Less would be on hand than is promised. Rows: on hand, reserved and the number wanted."""

    reason: ClassVar[str] = "ON_HAND_BELOW_RESERVED"

    def __init__(self, rows: Mapping[StockKey, tuple[int, int, int]]) -> None:
        super().__init__(
            f"More is promised than would be on hand of {named(rows)}.",
            {key: reserved - wanted for key, (_, reserved, wanted) in rows.items()},
            *(
                {**place(key), "onHand": on_hand, "reserved": reserved, "wanted": wanted}
                for key, (on_hand, reserved, wanted) in rows.items()
            ),
        )


class BalanceChanged(Conflict):
    """The balance has moved since the caller read it. Rows: its sequence and the expected one."""

    reason: ClassVar[str] = "BALANCE_CHANGED"

    def __init__(self, rows: Mapping[StockKey, tuple[int, int]]) -> None:
        super().__init__(
            f"Something has moved since it was read: {named(rows)}.",
            *(
                {**place(key), "sequence": sequence, "expectedSequence": expected}
                for key, (sequence, expected) in rows.items()
            ),
        )


class OnHandChanged(Conflict):
    """Another number is on hand than the caller believed. Rows: on hand and what was expected."""

    reason: ClassVar[str] = "ON_HAND_CHANGED"

    def __init__(self, rows: Mapping[StockKey, tuple[int, int]]) -> None:
        super().__init__(
            f"Another number is on hand of {named(rows)}.",
            *(
                {**place(key), "onHand": on_hand, "expectedOnHand": expected}
                for key, (on_hand, expected) in rows.items()
            ),
        )


class KeyQuarantined(Suspended):
    """The books of a key were found wrong: nothing moves there until somebody has looked."""

    reason: ClassVar[str] = "KEY_QUARANTINED"

    def __init__(self, keys: Iterable[StockKey]) -> None:
        found = sorted(set(keys))
        super().__init__(
            f"The books of {named(found)} are in quarantine.", *(place(key) for key in found)
        )


class KeyNotQuarantined(RuleViolated):
    """The key is not in quarantine."""

    reason: ClassVar[str] = "KEY_NOT_QUARANTINED"

    def __init__(self, key: StockKey) -> None:
        super().__init__(f"{key} is not in quarantine.", place(key))


class KeyUnsound(RuleViolated):
    """The books of a key are still wrong. Rows: the invariant, what is recorded and expected."""

    reason: ClassVar[str] = "KEY_UNSOUND"

    def __init__(self, key: StockKey, wrong: Sequence[tuple[str, int, int]]) -> None:
        super().__init__(
            f"The books of {key} are wrong.",
            *(
                {
                    **place(key),
                    "invariant": invariant,
                    "recorded": recorded,
                    "expected": expected,
                }
                for invariant, recorded, expected in wrong
            ),
        )


class NotStockedHere(RuleViolated):
    """The location has no stock record of the item."""

    reason: ClassVar[str] = "NOT_STOCKED_HERE"

    def __init__(self, keys: Iterable[StockKey]) -> None:
        missing = list(keys)
        super().__init__(
            f"There is no record of {named(missing)}.", *(place(key) for key in missing)
        )


class GroupShortage(NamedTuple):
    """Of an item less is available in a group of locations, at those keys of it, than is wanted."""

    sku: str
    group: str
    wanted: int
    available: int
    keys: Sequence[StockKey]


class InsufficientStock(CuredByExpiry):
    """Less is available than is wanted. Rows: every short key or group, wanted and available.

    Of keys ``needing_all``, and of those in groups, it is not known how many units more would do.
    """

    reason: ClassVar[str] = "INSUFFICIENT_STOCK"

    def __init__(
        self,
        rows: Mapping[StockKey, tuple[int, int]],
        needing_all: Collection[StockKey] = (),
        groups: Sequence[GroupShortage] = (),
    ) -> None:
        short = [*map(str, rows), *(f"{one.sku} in {one.group}" for one in groups)]
        missing = {
            key: ALL_OVERDUE if key in needing_all else wanted - available
            for key, (wanted, available) in rows.items()
        }
        missing |= {key: ALL_OVERDUE for one in groups for key in one.keys}
        super().__init__(
            f"Less is available than wanted of {named(short)}.",
            missing,
            *(
                {**place(key), "wanted": wanted, "available": available}
                for key, (wanted, available) in rows.items()
            ),
            *(
                {
                    "sku": one.sku,
                    "locationGroup": one.group,
                    "wanted": one.wanted,
                    "available": one.available,
                }
                for one in groups
            ),
        )


class InsufficientBlocked(RuleViolated):
    """Fewer units are blocked than are to be disposed of. Rows: every such key."""

    reason: ClassVar[str] = "INSUFFICIENT_BLOCKED"

    def __init__(self, rows: Mapping[StockKey, tuple[int, int]]) -> None:
        super().__init__(
            f"Fewer units are blocked than wanted of {named(rows)}.",
            *(
                {**place(key), "wanted": wanted, "blocked": blocked}
                for key, (wanted, blocked) in rows.items()
            ),
        )


class ShortOfStock(RuleViolated):
    """The promised unit is not on hand. Rows: wanted and on hand."""

    reason: ClassVar[str] = "SHORT_OF_STOCK"

    def __init__(self, rows: Mapping[StockKey, tuple[int, int]]) -> None:
        super().__init__(
            f"Less is on hand than is to leave of {named(rows)}.",
            *(
                {**place(key), "wanted": wanted, "onHand": on_hand}
                for key, (wanted, on_hand) in rows.items()
            ),
        )
