"""Only rows that nobody has decided on can be decided on."""

from dataclasses import replace
from uuid import UUID

import pytest

from ordermesh.inventory.domain.errors.feed import QuarantinedRowDecided, QuarantinedRowNotFound
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.domain.quarantine import Quarantined, QuarantineState, refuse_decided
from ordermesh.inventory.domain.stock_feed import Misfit, PictureRow, Told, Trouble

ONE, TWO = UUID(int=1), UUID(int=2)
ROW = Quarantined(ONE, Told("WMS", PictureRow(StockKey("MUG", "A"), 1)), Misfit(Trouble.KIT))


def test_open_rows_can_be_decided_on() -> None:
    refuse_decided([ONE], {ONE: ROW})


def test_an_unknown_row_is_told_before_a_decided_one() -> None:
    with pytest.raises(QuarantinedRowNotFound) as unknown:
        refuse_decided([ONE, TWO], {ONE: replace(ROW, state=QuarantineState.DISMISSED)})

    assert unknown.value.facts() == {"quarantineId": str(TWO)}


@pytest.mark.parametrize("state", [QuarantineState.ACCEPTED, QuarantineState.DISMISSED])
def test_a_decided_row_stays_decided(state: QuarantineState) -> None:
    with pytest.raises(QuarantinedRowDecided) as decided:
        refuse_decided([ONE], {ONE: replace(ROW, state=state)})

    assert decided.value.facts() == {"quarantineId": str(ONE)}
