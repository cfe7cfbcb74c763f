"""What can be promised of a balance."""

from ordermesh.inventory.domain.ledger import Balance


def as_shown(balance: Balance, *, is_uncounted: bool) -> Balance:
    """The balance as readers count it: of an item that is not reserved, promises do not count."""
    return Balance(on_hand=balance.on_hand) if is_uncounted else balance


def available(balance: Balance, returning: int = 0, *, is_off: bool = False) -> int:
    """Units that can be promised.

    ``returning`` are promised units that are to be counted as free: of holds whose time has
    passed, or of reservations that are left out. Like everything that comes back they pay the
    deficit first. Where the item or the location is switched off nothing can be promised.
    """
    if is_off:
        return 0
    return balance.free + max(0, returning - balance.short)
