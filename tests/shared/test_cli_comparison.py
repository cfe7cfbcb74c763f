"""The arithmetic of a run: what decisions add up to, and what a baseline has left to use."""

from datetime import UTC, datetime

import pytest
from google.type.money_pb2 import Money

from ordermesh.api.routing.v1 import (
    CostTerm,
    Decision,
    Plan,
    PlannedLine,
    Shipment,
    UnfilledLine,
)
from ordermesh.cli.comparison import Residual, Tally, ranked, saving, stocked_skus
from ordermesh.kernel.money import Money as Amount
from ordermesh.sample import nouns

EACH = nouns.Unit.EACH


def usd(cents: int) -> Money:
    return Money(currency_code="USD", units=cents // 100, nanos=cents % 100 * 10_000_000)


def shipment(location_id: str, *, parcels: int = 1, days: int = 2, **units: int) -> Shipment:
    lines = [
        PlannedLine(line_id=str(number), sku=sku, quantity=quantity)
        for number, (sku, quantity) in enumerate(units.items(), start=1)
    ]
    return Shipment(location_id=location_id, parcel_count=parcels, days=days, lines=lines)


def decision(*shipments: Shipment, cents: int = 1000, unfilled: int = 0) -> Decision:
    missing = [UnfilledLine(sku="MUG", unfilled=unfilled)] if unfilled else []
    terms = [CostTerm(kind=CostTerm.KIND_FREIGHT, amount=usd(cents - 600 * bool(unfilled)))]
    if unfilled:
        terms.append(CostTerm(kind=CostTerm.KIND_UNFILLED, amount=usd(600)))
    return Decision(
        plan=Plan(shipments=shipments), cost=usd(cents), cost_terms=terms, unfilled_lines=missing
    )


@pytest.mark.parametrize(
    ("made", "wanted"),
    [
        pytest.param(
            decision(shipment("OHIO", MUG=2)),
            {"whole": 1, "unsent": 0, "split": 0, "parcels": 1, "extra_parcels": 0, "units": 2},
            id="one parcel",
        ),
        pytest.param(
            decision(shipment("OHIO", parcels=2, MUG=2)),
            {"whole": 1, "split": 0, "shipments": 1, "extra_parcels": 1},
            id="two parcels from one location are extra, not split",
        ),
        pytest.param(
            decision(shipment("OHIO", MUG=1), shipment("UTAH", days=5, CLOCK=1)),
            {"whole": 1, "split": 1, "shipments": 2, "extra_parcels": 1, "days": 5, "late": 1},
            id="the last parcel counts",
        ),
        pytest.param(
            decision(shipment("OHIO", MUG=1), unfilled=2),
            {"whole": 0, "not_whole": 1, "unsent": 0, "unfilled_units": 2},
            id="a part",
        ),
        pytest.param(
            decision(unfilled=3),
            {"whole": 0, "unsent": 1, "extra_parcels": 0, "days": 0, "late": 0},
            id="nothing",
        ),
    ],
)
def test_a_decision_is_counted(made: Decision, wanted: dict[str, int]) -> None:
    tally = Tally()

    tally.add(made, promise_days=3)

    assert {name: getattr(tally, name) for name in wanted} == wanted


def test_shares_are_over_all_orders_and_days_over_those_that_are_sent() -> None:
    tally = Tally()

    tally.add(decision(shipment("OHIO", MUG=1), shipment("UTAH", days=4, MUG=1), cents=3000), 0)
    tally.add(decision(shipment("OHIO", MUG=1), cents=1500), 0)
    tally.add(decision(cents=1500, unfilled=1), 0)

    assert tally.cost_per_order == 20.0
    assert tally.cost_per_order_without_penalties == 18.0
    assert tally.extra_parcels_per_order == pytest.approx(1 / 3)
    assert tally.split_share == pytest.approx(1 / 3)
    assert tally.days_per_order == 3.0
    assert tally.late == 0
    assert tally.shipments_by_location == {"OHIO": 2, "UTAH": 1}


def test_an_empty_tally_divides_by_nothing() -> None:
    tally = Tally()

    assert tally.cost_per_order == tally.split_share == tally.days_per_order == 0.0
    assert saving(tally, tally) == 0.0


def test_a_saving_is_negative_where_ours_is_dearer() -> None:
    ours, theirs = Tally(), Tally()
    ours.add(decision(cents=1200), 0)
    theirs.add(decision(cents=1000), 0)

    assert saving(ours, theirs) == pytest.approx(-0.2)
    assert saving(theirs, ours) == pytest.approx(1 / 6)


def test_what_a_plan_sends_is_gone_for_the_next_order() -> None:
    start = Residual({"MUG": {"OHIO": 3, "UTAH": 0}, "CLOCK": {"UTAH": 1}}, {"OHIO": 4})
    left = start.copy()

    left.take(decision(shipment("OHIO", MUG=2), shipment("UTAH", CLOCK=1)))

    matrix = left.matrix(["CLOCK", "MUG"])
    assert (list(matrix.skus), list(matrix.location_ids)) == (["CLOCK", "MUG"], ["OHIO"])
    assert list(matrix.quantities) == [0, 1]
    capacities = left.capacities(["OHIO", "UTAH"])
    assert [(one.location_id, one.units) for one in capacities] == [("OHIO", 2)]
    assert start.stock == {"MUG": {"OHIO": 3, "UTAH": 0}, "CLOCK": {"UTAH": 1}}
    assert start.capacity == {"OHIO": 4}


def test_a_plan_that_sends_what_is_not_there_is_refused() -> None:
    left = Residual({"MUG": {"OHIO": 1}}, {})

    with pytest.raises(ValueError, match="more of MUG than OHIO has"):
        left.take(decision(shipment("OHIO", MUG=2)))


def test_the_start_is_the_sum_of_the_stock_and_the_limits_there_are() -> None:
    rows = [nouns.StockRow("MUG", "OHIO", 2), nouns.StockRow("MUG", "OHIO", 3)]
    network = [
        nouns.NetworkLocation(name, (), 1, Amount(0), Amount(0), limit, 1)
        for name, limit in (("OHIO", 7), ("UTAH", None))
    ]

    start = Residual.of(rows, network)

    assert start == Residual({"MUG": {"OHIO": 5}}, {"OHIO": 7})


def test_stock_of_a_kit_is_that_of_its_components() -> None:
    kit = nouns.Item(
        "SET", "Set", "", EACH, 1, None, (), (), Amount(0), (nouns.KitComponent("MUG", 2),)
    )
    lines = [nouns.OrderLine(sku, sku, 1, Amount(0), False) for sku in ("SET", "CLOCK", "MUG")]
    order = nouns.Order(
        "A-1",
        "web",
        "1",
        "H-1",
        datetime(2026, 3, 2, tzinfo=UTC),
        nouns.Destination("US", "OH", "43001", None, None),
        3,
        tuple(lines),
    )

    assert stocked_skus(order, {"SET": kit}) == ["CLOCK", "MUG"]


def test_ranks_break_ties_by_name() -> None:
    assert ranked({"b": 1, "a": 1, "c": 2, "d": 0}, 3) == [("c", 2), ("a", 1), ("b", 1)]
