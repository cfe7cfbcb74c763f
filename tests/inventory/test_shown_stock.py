"""The command shows what a channel may sell."""

import json

import pytest
from rich.console import Console

from ordermesh.api.inventory.v1 import (
    PutControlsRequest,
    PutItemsRequest,
    PutLocationsRequest,
    ReceiveStockRequest,
    StockLine,
)
from ordermesh.cli import asking
from tests.inventory.messages import control, item, key, location, new_id
from tests.servers import Served


async def test_stock_is_shown_as_a_channel_may_sell_it(
    served: Served, capsys: pytest.CaptureFixture[str]
) -> None:
    mesh = served.mesh
    await mesh.items.PutItems(PutItemsRequest(request_id=new_id(), items=[item("MUG")]))
    places = [location("A"), location("B")]
    await mesh.locations.PutLocations(PutLocationsRequest(request_id=new_id(), locations=places))
    lines = [StockLine(key=key(f"MUG at {place}"), quantity=12) for place in "AB"]
    await mesh.ledger.ReceiveStock(ReceiveStockRequest(request_id=new_id(), lines=lines))
    controls = [control("b", "safety_stock", 5, location_id="B", channel="web")]
    await mesh.controls.PutControls(PutControlsRequest(request_id=new_id(), controls=controls))
    console = Console(width=100, record=True)

    await asking.stock(served.targets, "MUG", "", "web", console, json_=False)
    shown = console.export_text()
    capsys.readouterr()
    await asking.stock(served.targets, "MUG", "B", "web", console, json_=True)

    assert "Stock of MUG for web" in shown
    assert "19" in shown
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["available"], row["on_hand"]) == ("7", "12")
