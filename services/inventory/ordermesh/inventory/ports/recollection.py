"""What a process has seen last of what reservations are made of.

It may be wrong by the time it is used, so nothing that is decided on it stands unless the database
finds that all of it is still so. Only what can be decided without looking is here: items that are
sold as they are, at locations that sell.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from uuid import UUID

from ordermesh.inventory.domain.control_table import NO_CONTROLS, ControlTable
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.ledger import Balance

Stamps = tuple[UUID, UUID]
"""What tells the controls, and what tells items and locations, from all that was before."""

KEYS_MAX = 100_000
"""How many balances are remembered, in some 50 MB; and of how many keys that none are.

Beyond it all are forgotten, and those that matter come back.
"""

MISSES_MAX = 6
"""After so many misses in a row the rests between tries grow no longer."""


@dataclass
class Recollection:
    """What was seen last. ``stamps`` tell items, locations and controls from all that came later.

    ``others`` are keys that were looked for and cannot be decided on without looking each time.

    ``epoch`` counts what went wrong: what was decided in an earlier one, and is not written yet, is
    to be decided again. ``history`` is that of the database, as a transaction at once knows it: of
    another, the numbers of entries that are remembered may stand for something else.
    """

    stamps: Stamps | None = None
    controls: ControlTable = NO_CONTROLS
    item_ids: dict[str, int] = field(default_factory=dict)
    location_ids: dict[str, int] = field(default_factory=dict)
    tags: dict[str, tuple[str, ...]] = field(default_factory=dict)
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    balances: dict[StockKey, Balance] = field(default_factory=dict)
    others: set[StockKey] = field(default_factory=set)
    epoch: int = 0
    history: int = 0
    _misses: int = 0
    _resting: int = 0

    def begin(self, stamps: Stamps, controls: ControlTable) -> None:
        """Items, locations and controls are those of these stamps; of others, all is forgotten."""
        if stamps != self.stamps or len(self.balances) > KEYS_MAX:
            self._clear()
            self.stamps, self.controls = stamps, controls

    def is_of(self, history: int) -> bool:
        """Whether it is of this history; where it is not, all is forgotten."""
        if history == self.history:
            return True
        self._clear()
        self.stamps, self.history = None, history
        return False

    def see(self, balances: Mapping[StockKey, Balance]) -> None:
        """These are committed. What is older than what was seen is not noted."""
        for key, balance in balances.items():
            if key.sku in self.item_ids and key.location_id in self.location_ids:
                known = self.balances.get(key)
                if known is None or known.sequence < balance.sequence:
                    self.balances[key] = balance

    def foresee(self, balances: Mapping[StockKey, Balance]) -> None:
        """These will be, unless what was decided fails."""
        self.balances.update(balances)

    def set_apart(self, keys: Collection[StockKey]) -> None:
        """These were looked for and are not remembered: whoever wants them looks each time."""
        if len(self.others) + len(keys) > KEYS_MAX:
            self.others.clear()
        self.others.update(keys)

    def forget(self, keys: Iterable[StockKey]) -> None:
        """What was foreseen of these keys failed, and with it all that was decided on it."""
        for key in keys:
            self.balances.pop(key, None)
        self.epoch += 1
        self._misses = min(MISSES_MAX, self._misses + 1)
        self._resting = 2**self._misses - 2

    def hit(self) -> None:
        """What was foreseen came true."""
        self._misses = 0

    def is_resting(self) -> bool:
        """Whether to look rather than to foresee this time: others change what is remembered.

        After misses in a row the rests grow, so that two processes that sell the same do not do
        everything twice.
        """
        if self._resting:
            self._resting -= 1
            return True
        return False

    def _clear(self) -> None:
        self.epoch += 1
        for known in (self.item_ids, self.location_ids, self.tags, self.groups, self.balances):
            known.clear()
        self.others.clear()
