import pytest

from ordermesh.inventory.domain.availability import as_shown, available
from ordermesh.inventory.domain.ledger import Balance

TEN_FOUR = Balance(on_hand=10, reserved=4)
SHORT_TWO = Balance(on_hand=3, reserved=5, short=2)


@pytest.mark.parametrize(
    ("balance", "returning", "is_off", "expected"),
    [
        (TEN_FOUR, 0, False, 6),
        (TEN_FOUR, 3, False, 9),
        (TEN_FOUR, 0, True, 0),
        (TEN_FOUR, 3, True, 0),
        (SHORT_TWO, 0, False, 0),
        # What comes back pays the deficit before it can be promised again.
        (SHORT_TWO, 1, False, 0),
        (SHORT_TWO, 2, False, 0),
        (SHORT_TWO, 5, False, 3),
        (Balance(on_hand=2, damaged=4, inspection=2, missing=1), 0, False, 2),
    ],
)
def test_what_can_be_promised(
    balance: Balance, returning: int, is_off: bool, expected: int
) -> None:
    assert available(balance, returning, is_off=is_off) == expected


def test_of_what_is_not_reserved_readers_see_what_is_on_hand() -> None:
    blocked = Balance(on_hand=10, reserved=4, damaged=2, sequence=7)

    assert as_shown(blocked, is_uncounted=True) == Balance(on_hand=10)
    assert as_shown(blocked, is_uncounted=False) is blocked
    assert as_shown(SHORT_TWO, is_uncounted=True).free == 3
