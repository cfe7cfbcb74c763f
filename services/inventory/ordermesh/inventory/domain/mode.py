"""How demand is kept: not at all, on record only, or with units held for it."""

import enum


class ReservationMode(enum.IntEnum):
    """How demand is kept; the numbers are the contract's."""

    UNSAID = 0
    NONE = 1
    TRACK_ONLY = 2
    RESERVE = 3
