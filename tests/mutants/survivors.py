"""Mutants that no test can tell from the program, by name, each with the reason."""

from collections.abc import Mapping

NO_UNITS = "Of no units nothing is brought or taken away."
ORDER_ALONE = "Precedences are only compared, and stay in the same order."
BEYOND = "Any number does that is more than can be wanted."
SAME_LENGTH = "Both are of the same length whatever happens."

REASONS: Mapping[str, str] = {
    "control: 2 -> 3 in: product = 2 if self.sku else 1 if self.tag else 0": ORDER_ALONE,
    "control: 2 -> 3 in: place = 2 if self.location_id else 1 if self.location_group else 0": (
        ORDER_ALONE
    ),
    "counting: rest > 0 -> (rest >= 0) in: if rest > 0:": NO_UNITS,
    "counting: rest < 0 -> (rest <= 0) in: elif rest < 0:": NO_UNITS,
    "counting: 0 -> 1 in: elif rest < 0:": NO_UNITS,
    "ledger: True -> False in: "
    "for entry, earlier in zip(self._entries, self._earlier, strict=True)": SAME_LENGTH,
    "levels: crossing is not None and previous is not None -> "
    "(crossing is not None or previous is not None) in: "
    "if crossing is not None and previous is not None:": (
        "Every change from a known level is a crossing, and none from an unknown one is."
    ),
    "ledger: True -> False in: "
    "_EFFECTS.get(target, _NO_EFFECT), _EFFECTS.get(source, _NO_EFFECT), strict=True": SAME_LENGTH,
    "movement: difference > 0 -> (difference >= 0) in: if difference > 0:": NO_UNITS,
    "portions: 10 -> 11 in: UNBOUNDED = 10**12": BEYOND,
    "portions: 12 -> 13 in: UNBOUNDED = 10**12": BEYOND,
    "misfits: 0 -> 1 in: "
    "if row.quantity == 0 or (row.quantity < 0 and row.kind is not DeltaKind.ADJUSTMENT):": (
        "Of the second: that nothing changed is refused before."
    ),
}
