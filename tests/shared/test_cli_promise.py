"""What `ordermesh promise` asks and shows."""

import io
from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp
from google.type.money_pb2 import Money
from rich.console import Console

from ordermesh.api.routing.v1 import (
    GetPromiseResponse,
    OrderTraits,
    PromisedShipment,
    PromiseObjective,
    PromiseOption,
    PromiseProof,
    PromiseWindow,
    UnpromisedLine,
)
from ordermesh.cli.promising import Said, asked, promise_table


def stamp(hour: int, minute: int = 0) -> Timestamp:
    message = Timestamp()
    message.FromDatetime(datetime(2026, 11, 25, hour, minute, tzinfo=UTC))
    return message


def shown(*options: PromiseOption, pick_up: str = "") -> str:
    request = asked(["MUG", "LAMP", "MUG"], ("US", "60601"), pick_up, 95)
    proof = PromiseProof(
        ledger_revision=7,
        network_version=3,
        policy_id="default",
        policy_version=2,
        expire_time=stamp(19, 59),
    )
    console = Console(file=io.StringIO(), width=160)
    console.print(promise_table(request, GetPromiseResponse(options=options, proof=proof)))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_an_item_that_is_named_twice_is_wanted_twice() -> None:
    request = asked(["MUG", "LAMP", "MUG"], ("US", "60601"), "", 95)
    assert [(line.sku, line.quantity) for line in request.lines] == [("MUG", 2), ("LAMP", 1)]
    assert request.confidence_permille == 950
    assert request.destination.postal_code == "60601"
    assert asked(["MUG"], ("", ""), "STORE-1", 90).WhichOneof("whereto") == "pickup_location_id"


def test_what_the_order_would_say_of_itself_is_passed_on() -> None:
    said = Said("web", "gold", ("gift",), "season")
    request = asked(["MUG"], ("US", "60601"), "", 90, said)
    assert (request.channel, request.policy_id) == ("web", "season")
    assert request.traits == OrderTraits(customer_class="gold", tags=["gift"])


def test_days_are_shown_as_days_with_where_it_comes_from_and_until_when_it_is_true() -> None:
    option = PromiseOption(
        objective=PromiseObjective.PROMISE_OBJECTIVE_FEWEST_PARCELS,
        window=PromiseWindow(latest_time=stamp(6), date="2026-11-27", is_in_days=True),
        shipments=[PromisedShipment(location_id="DC-1", ready_time=stamp(17), parcel_count=2)],
        cost=Money(currency_code="USD", units=12, nanos=340_000_000),
        co2e_grams=310,
        parcel_count=2,
    )
    words = shown(option)
    assert "To US 60601: 2 × MUG, 1 × LAMP; kept 95 times of 100" in words
    (row,) = [one for one in words.splitlines() if "fewest parcels" in one]
    for expected in ("Fri 27 Nov", "12.34 USD", "0.31", "DC-1, Wed 25 Nov 17:00 UTC"):
        assert expected in row
    assert "True until Wed 25 Nov 19:59 UTC unless the stock (ledger revision 7)" in words


def test_what_cannot_be_promised_is_shown_with_the_reason() -> None:
    lines = [UnpromisedLine(line_id="1", sku="MUG", quantity=2, reason="INSUFFICIENT_STOCK")]
    words = shown(PromiseOption(objective=2, unpromised_lines=lines))  # type: ignore[arg-type]
    assert "never" in words
    assert "2 × MUG: INSUFFICIENT_STOCK" in words


def test_a_pickup_is_ready_at_an_instant() -> None:
    option = PromiseOption(
        window=PromiseWindow(latest_time=stamp(18, 30), date="2026-11-25"),
        shipments=[PromisedShipment(location_id="STORE-1", ready_time=stamp(18, 30))],
        cost=Money(currency_code="USD", units=1),
    )
    words = shown(option, pick_up="STORE-1")
    assert "At STORE-1" in words
    (row,) = [one for one in words.splitlines() if "pickup" in one]
    assert "Wed 25 Nov 18:30 UTC" in row
