"""Mistakes with supplies."""

from typing import Any

from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from ordermesh.api.inventory.v1 import (
    CancelSupplyRequest,
    PutSuppliesRequest,
    ReceiveSupplyRequest,
    SendTransferRequest,
    Supply,
    SupplyReceipt,
    WriteOffTransferRequest,
)
from tests.inventory.messages import key
from tests.inventory.mistakes.table import INVALID, NOT_FOUND, REFUSED, VIOLATION, Table, put


def supply(supply_id: str, place: str, quantity: int, **fields: Any) -> Supply:
    return Supply(
        **{
            "supply_id": supply_id,
            "kind": Supply.KIND_PURCHASE_ORDER,
            "key": key(place),
            "quantity": quantity,
            "expected_time": Timestamp(seconds=1_900_000_000),
            "state": Supply.STATE_CONFIRMED,
            "confidence_percent": 90,
            **fields,
        }
    )


def transfer(supply_id: str, place: str, quantity: int, origin: str) -> Supply:
    return supply(
        supply_id,
        place,
        quantity,
        kind=Supply.KIND_TRANSFER,
        state=Supply.STATE_IN_TRANSIT,
        from_location_id=origin,
    )


def preparing() -> list[tuple[str, Message]]:
    """What the shop expects before anybody is wrong."""
    return [
        (
            "SupplyService.PutSupplies",
            PutSuppliesRequest(supplies=[supply("PO", "MUG at A", 8, source_version=3)]),
        ),
        (
            "SupplyService.SendTransfer",
            SendTransferRequest(transfers=[transfer("TO", "MUG at C", 2, "B")]),
        ),
    ]


def good_requests() -> dict[str, Message]:
    """A request for each mutating method that succeeds in the prepared shop."""
    return {
        "SupplyService.PutSupplies": PutSuppliesRequest(
            supplies=[
                supply("PO-NEW", "MUG at C", 5),
                supply("PO", "MUG at A", 9, source_version=4),
            ]
        ),
        "SupplyService.CancelSupply": CancelSupplyRequest(supply_id="PO"),
        "SupplyService.ReceiveSupply": ReceiveSupplyRequest(
            receipts=[SupplyReceipt(supply_id="PO", quantity=8), SupplyReceipt(supply_id="TO")]
        ),
        "SupplyService.SendTransfer": SendTransferRequest(
            transfers=[transfer("TO-NEW", "MUG at C", 3, "B")]
        ),
        "SupplyService.WriteOffTransfer": WriteOffTransferRequest(supply_id="TO", quantity=1),
    }


def mistakes(row: Table) -> None:
    """All of them."""
    for spoil in (put_supplies, cancel_supply, receive_supply, send_transfer, write_off_transfer):
        spoil(row)


def put_supplies(row: Table) -> None:
    m = "SupplyService.PutSupplies"
    row(m, "no supplies", lambda r: r.ClearField("supplies"), INVALID, VIOLATION)
    _described(row, m, "supplies")
    row(m, "received", lambda r: put("state", 4)(r.supplies[0]), INVALID, VIOLATION)
    row(m, "cancelled", lambda r: put("state", 5)(r.supplies[0]), INVALID, VIOLATION)
    row(
        m,
        "supply twice",
        lambda r: r.supplies.append(r.supplies[0]),
        INVALID,
        "DUPLICATE_ENTRY",
        field="supplies[2].supply_id",
        value="PO-NEW",
    )
    row(
        m,
        "another key",
        lambda r: put("location_id", "B")(r.supplies[1].key),
        INVALID,
        "SUPPLY_KEY_CHANGED",
        supplyId="PO",
        sku="MUG",
        locationId="A",
    )
    row(
        m,
        "the same version of something else",
        lambda r: put("source_version", 3)(r.supplies[1]),
        INVALID,
        "SUPPLY_VERSION_REUSED",
        supplyId="PO",
        version="3",
    )
    row(
        m,
        "backwards",
        lambda r: put("state", Supply.STATE_PLANNED)(r.supplies[1]),
        REFUSED,
        "SUPPLY_STATE_REFUSED",
        supplyId="PO",
        state="CONFIRMED",
        wanted="PLANNED",
    )
    row(
        m,
        "on its way",
        lambda r: put("supply_id", "TO")(_become_transfer(r.supplies[1])),
        REFUSED,
        "TRANSFER_IN_TRANSIT",
        supplyId="TO",
        inTransit="2",
    )


def cancel_supply(row: Table) -> None:
    m = "SupplyService.CancelSupply"
    row(m, "no supply", lambda r: r.ClearField("supply_id"), INVALID, VIOLATION)
    _unknown(row, m, put("supply_id", "NONE"))
    row(
        m,
        "on its way",
        put("supply_id", "TO"),
        REFUSED,
        "TRANSFER_IN_TRANSIT",
        supplyId="TO",
        inTransit="2",
    )


def receive_supply(row: Table) -> None:
    m = "SupplyService.ReceiveSupply"
    row(m, "no receipts", lambda r: r.ClearField("receipts"), INVALID, VIOLATION)
    row(m, "no supply", lambda r: r.receipts[0].ClearField("supply_id"), INVALID, VIOLATION)
    row(m, "negative", lambda r: put("quantity", -1)(r.receipts[0]), INVALID, VIOLATION)
    row(m, "huge", lambda r: put("quantity", 10**9 + 1)(r.receipts[0]), INVALID, VIOLATION)
    _unknown(row, m, lambda r: put("supply_id", "NONE")(r.receipts[0]))
    row(
        m,
        "receipt twice",
        lambda r: r.receipts.append(r.receipts[0]),
        INVALID,
        "DUPLICATE_ENTRY",
        field="receipts[2].supply_id",
        value="PO",
    )
    row(
        m,
        "more than is expected",
        lambda r: put("quantity", 9)(r.receipts[0]),
        REFUSED,
        "MORE_THAN_EXPECTED",
        supplyId="PO",
        wanted="9",
        expected="8",
    )
    row(m, "less than was sent", _too_few, REFUSED, "TRANSFER_IN_TRANSIT")


def send_transfer(row: Table) -> None:
    m = "SupplyService.SendTransfer"
    row(m, "no transfers", lambda r: r.ClearField("transfers"), INVALID, VIOLATION)
    _described(row, m, "transfers")
    row(m, "not sent", lambda r: put("state", 1)(r.transfers[0]), INVALID, VIOLATION)
    row(m, "home", lambda r: put("from_location_id", "C")(r.transfers[0]), INVALID, "SAME_LOCATION")
    row(
        m,
        "too many",
        lambda r: put("quantity", 9)(r.transfers[0]),
        REFUSED,
        "INSUFFICIENT_STOCK",
        sku="MUG",
        locationId="B",
        wanted="9",
        available="8",
    )
    row(
        m,
        "sent already",
        _again,
        REFUSED,
        "SUPPLY_STATE_REFUSED",
        supplyId="TO",
        state="IN_TRANSIT",
        wanted="IN_TRANSIT",
    )
    row(
        m,
        "the id of another",
        lambda r: put("supply_id", "PO")(r.transfers[0]),
        REFUSED,
        "SUPPLY_ID_TAKEN",
        supplyId="PO",
    )


def write_off_transfer(row: Table) -> None:
    m = "SupplyService.WriteOffTransfer"
    row(m, "no supply", lambda r: r.ClearField("supply_id"), INVALID, VIOLATION)
    row(m, "negative", put("quantity", -1), INVALID, VIOLATION)
    _unknown(row, m, put("supply_id", "NONE"))
    row(
        m,
        "more than is on its way",
        put("quantity", 3),
        REFUSED,
        "MORE_THAN_EXPECTED",
        supplyId="TO",
        wanted="3",
        expected="2",
    )
    row(
        m,
        "no transfer",
        put("supply_id", "PO"),
        REFUSED,
        "SUPPLY_STATE_REFUSED",
        supplyId="PO",
        state="CONFIRMED",
        wanted="RECEIVED",
    )


def _described(row: Table, m: str, field: str) -> None:
    """What is wrong with a description of a supply, wherever it stands."""

    def first(request: Any) -> Any:
        return getattr(request, field)[0]

    row(m, "no id", lambda r: first(r).ClearField("supply_id"), INVALID, VIOLATION)
    row(m, "no kind", lambda r: first(r).ClearField("kind"), INVALID, VIOLATION)
    row(m, "no state", lambda r: first(r).ClearField("state"), INVALID, VIOLATION)
    row(m, "no time", lambda r: first(r).ClearField("expected_time"), INVALID, VIOLATION)
    row(m, "no quantity", lambda r: first(r).ClearField("quantity"), INVALID, VIOLATION)
    row(m, "no confidence", put_in(first, "confidence_percent", 0), INVALID, VIOLATION)
    row(m, "surer than sure", put_in(first, "confidence_percent", 101), INVALID, VIOLATION)
    row(m, "ends before it begins", lambda r: _reversed(first(r)), INVALID, VIOLATION)
    row(m, "origin of what is no transfer", lambda r: _origin(first(r)), INVALID, VIOLATION)
    row(
        m,
        "unknown sku",
        lambda r: put("sku", "NOBODY")(first(r).key),
        NOT_FOUND,
        "UNKNOWN_SKU",
        sku="NOBODY",
    )
    row(
        m,
        "unknown location",
        lambda r: put("location_id", "MOON")(first(r).key),
        NOT_FOUND,
        "UNKNOWN_LOCATION",
        locationId="MOON",
    )
    row(
        m,
        "kit",
        lambda r: put("sku", "BOX")(first(r).key),
        INVALID,
        "KIT_HAS_NO_STOCK",
        sku="BOX",
    )
    row(m, "a lot", lambda r: put("lot_id", "L1")(first(r).key), INVALID, "LOT_UNSUPPORTED")


def put_in(place: Any, name: str, value: object) -> Any:
    return lambda request: put(name, value)(place(request))


def _unknown(row: Table, m: str, spoil: Any) -> None:
    row(m, "unknown supply", spoil, NOT_FOUND, "SUPPLY_NOT_FOUND", supplyId="NONE")


def _reversed(supply: Supply) -> None:
    supply.earliest_time.seconds = supply.expected_time.seconds + 1


def _origin(supply: Supply) -> None:
    supply.kind = Supply.KIND_PURCHASE_ORDER
    supply.from_location_id = "B"


def _become_transfer(supply: Supply) -> Supply:
    supply.kind = Supply.KIND_TRANSFER
    supply.state = Supply.STATE_IN_TRANSIT
    supply.key.location_id = "C"
    supply.from_location_id = "B"
    supply.quantity = 1
    return supply


def _too_few(request: Any) -> None:
    request.receipts[1].quantity = 1
    request.receipts[1].complete = True


def _again(request: Any) -> None:
    request.transfers[0].supply_id = "TO"
