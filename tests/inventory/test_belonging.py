"""A caller in the role of a location speaks for its own locations, and for no others."""

from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

import pytest
from google.protobuf.message import Message

from ordermesh.api.inventory.v1 import (
    ExplainControlsRequest,
    GetCountRequest,
    GetImportRequest,
    GetSupplyRequest,
    ImportFramesRequest,
    ListBalancesRequest,
    ListCountsRequest,
    ListMovementsRequest,
    ListQuarantinedRowsRequest,
    ListShortfallsRequest,
    ListSourcesRequest,
    ListSuppliesRequest,
    PutSourcesRequest,
    PutSuppliesRequest,
    ReceiveSupplyRequest,
    SendTransferRequest,
    StockTransfer,
    SupplyReceipt,
    TransferStockRequest,
)
from ordermesh.inventory.__main__ import assemble
from ordermesh.inventory.access import RULES
from ordermesh.inventory.domain.errors.belonging import NotYourLocation
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.servicer.controls import ControlServicer
from ordermesh.inventory.servicer.counts import CountServicer
from ordermesh.inventory.servicer.feeds import FeedServicer
from ordermesh.inventory.servicer.ledger import LedgerServicer
from ordermesh.inventory.servicer.supplies import SupplyServicer
from ordermesh.kernel.clock import SystemClock
from ordermesh.kernel.ids import RandomIds
from ordermesh.runtime.call import Call, Identity, calling
from ordermesh.runtime.database import Database
from tests.conftest import Fill
from tests.inventory.caller import NO_CONTEXT
from tests.inventory.messages import key, new_id
from tests.inventory.mistakes.rows import good_requests
from tests.inventory.mistakes.supplies import supply, transfer
from tests.inventory.mistakes.table import IMPORT
from tests.inventory.outside import seen_rows
from tests.inventory.reading import dump
from tests.inventory.test_refusals import prepare

HERE, ELSEWHERE = "location/here", "location/elsewhere"
OWN = frozenset("ABCD")

ABOUT_NO_LOCATION = {
    "ItemService.BatchGetItems",
    "ItemService.ListItems",
    "LocationService.BatchGetLocations",
    "LocationService.ListLocations",
    "AvailabilityService.GetAvailability",
    "AvailabilityService.WatchAvailability",
    "EventService.WatchEvents",
    # Lists those sources alone in whose name the caller may speak.
    "FeedService.ListSources",
}
"""Methods that a location may call and that tell everybody the same."""

READS: Mapping[str, Callable[[], Message]] = {
    "LedgerService.ListBalances": lambda: ListBalancesRequest(location_ids=["A"]),
    "LedgerService.ListMovements": lambda: ListMovementsRequest(location_id="A"),
    "LedgerService.ListShortfalls": lambda: ListShortfallsRequest(location_id="A"),
    "CountService.GetCount": lambda: GetCountRequest(count_id="OPEN"),
    "CountService.ListCounts": lambda: ListCountsRequest(location_id="A"),
    "SupplyService.GetSupply": lambda: GetSupplyRequest(supply_id="PO"),
    "SupplyService.ListSupplies": lambda: ListSuppliesRequest(location_id="A"),
    "ControlService.ExplainControls": lambda: ExplainControlsRequest(key=key("MUG at A")),
    "FeedService.GetImport": lambda: GetImportRequest(import_id=IMPORT),
    "FeedService.ListQuarantinedRows": lambda: ListQuarantinedRowsRequest(source_id="TILL"),
    "FeedService.ImportFrames": lambda: ImportFramesRequest(
        request_id=new_id(), import_id=IMPORT, frame=1, rows=seen_rows({"MUG at A": 10})
    ),
}

LISTS = {
    "LedgerService.ListBalances": ListBalancesRequest(skus=["MUG"]),
    "LedgerService.ListMovements": ListMovementsRequest(sku="MUG"),
    "LedgerService.ListShortfalls": ListShortfallsRequest(),
    "CountService.ListCounts": ListCountsRequest(),
    "SupplyService.ListSupplies": ListSuppliesRequest(sku="MUG"),
}


def allowed() -> set[str]:
    """The methods that the role of a location may call, as "Service.Method"."""
    return {
        name.rsplit(".", 1)[1].replace("/", ".")
        for name, roles in RULES.items()
        if "location" in roles
    }


def confined() -> list[str]:
    return sorted(allowed() - ABOUT_NO_LOCATION)


def test_every_method_that_a_location_may_call_is_tried_here() -> None:
    assert allowed() <= ABOUT_NO_LOCATION | READS.keys() | good_requests().keys()
    assert allowed() >= ABOUT_NO_LOCATION | READS.keys()


class Counter:
    """The prepared shop, as locations call it."""

    def __init__(self, database: Database) -> None:
        wiring = assemble(database, SystemClock(), RandomIds(), {})
        self._servicers: dict[str, Any] = {
            "LedgerService": LedgerServicer(wiring),
            "CountService": CountServicer(wiring),
            "SupplyService": SupplyServicer(wiring),
            "FeedService": FeedServicer(wiring),
            "ControlService": ControlServicer(wiring),
        }

    async def call(
        self,
        method: str,
        request: Message,
        caller: str = HERE,
        own: frozenset[str] = OWN,
        role: str = "location",
    ) -> Any:
        service, name = method.split(".")
        handler = getattr(self._servicers[service], name)
        identity = Identity(caller, frozenset({role}), own)
        with calling(Call(f"/inventory/{name}", identity, None)):
            if name == "ImportFrames":
                return [reply async for reply in handler(_stream(request), NO_CONTEXT)]
            return await handler(request, NO_CONTEXT)


async def _stream(request: Message) -> AsyncIterator[Message]:
    yield request


def asked(method: str) -> Message:
    if method in READS:
        return READS[method]()
    request = good_requests()[method]
    setattr(request, "request_id", new_id())  # noqa: B010 - which message it is, is in the table
    return request


@pytest.fixture
def database_url(filled_url: Callable[[str, Fill], str]) -> str:
    """A copy of the prepared shop."""
    return filled_url("a prepared shop", prepare)


@pytest.fixture
async def counter(database: Database) -> Counter:
    """The shop, whose till both callers may speak for."""
    opened = Counter(database)
    request = good_requests()["FeedService.PutSources"]
    assert isinstance(request, PutSourcesRequest)
    request.request_id = new_id()
    for name in ("TILL", "WMS"):
        source = request.sources[0] if name == "WMS" else request.sources.add()
        source.CopyFrom(request.sources[0])
        source.source_id = name
        source.location_ids[:] = ["A"] if name == "TILL" else ["A", "B"]
        source.callers[:] = [HERE, ELSEWHERE]
    await opened.call("FeedService.PutSources", request, "developer", role="operator")
    return opened


@pytest.mark.parametrize("method", confined())
async def test_another_location_is_refused_and_nothing_changes(
    counter: Counter, database: Database, method: str
) -> None:
    before = await dump(database)

    with pytest.raises(NotYourLocation) as error:
        await counter.call(method, asked(method), ELSEWHERE, frozenset({"MOON"}))

    facts = error.value.facts()
    assert facts["caller"] == ELSEWHERE
    assert facts["locationId"] in OWN
    assert await dump(database) == before


@pytest.mark.parametrize("method", confined())
async def test_its_own_locations_a_caller_may_speak_for(counter: Counter, method: str) -> None:
    await counter.call(method, asked(method))


@pytest.mark.parametrize("method", confined())
async def test_a_location_that_was_told_of_none_has_none(counter: Counter, method: str) -> None:
    with pytest.raises(NotYourLocation):
        await counter.call(method, asked(method), own=frozenset())


@pytest.mark.parametrize("method", confined())
async def test_an_operator_is_confined_to_nothing(counter: Counter, method: str) -> None:
    await counter.call(method, asked(method), "developer", frozenset(), role="operator")


@pytest.mark.parametrize("method", LISTS)
async def test_a_list_names_locations_of_its_own(counter: Counter, method: str) -> None:
    with pytest.raises(TooMuchAsked):
        await counter.call(method, LISTS[method])


async def test_one_foreign_location_among_its_own_is_named(counter: Counter) -> None:
    request = ListBalancesRequest(location_ids=["A", "B", "C"])

    with pytest.raises(NotYourLocation) as error:
        await counter.call("LedgerService.ListBalances", request, own=frozenset("AC"))

    assert error.value.facts() == {"locationId": "B", "caller": HERE}


@pytest.mark.parametrize(("place", "target"), [("MUG at A", "B"), ("MUG at B", "A")])
async def test_units_are_moved_neither_out_of_a_foreign_book_nor_into_one(
    counter: Counter, place: str, target: str
) -> None:
    lines = [StockTransfer(from_key=key(place), to_location_id=target, quantity=1)]
    request = TransferStockRequest(request_id=new_id(), transfers=lines)

    with pytest.raises(NotYourLocation) as error:
        await counter.call("LedgerService.TransferStock", request, own=frozenset("A"))

    assert error.value.facts() == {"locationId": "B", "caller": HERE}


async def test_who_sends_a_transfer_owns_where_it_leaves_and_who_receives_it_where_it_comes(
    counter: Counter,
) -> None:
    sent = SendTransferRequest(request_id=new_id(), transfers=[transfer("T-1", "MUG at B", 1, "A")])
    with pytest.raises(NotYourLocation) as sending:
        await counter.call("SupplyService.SendTransfer", sent, own=frozenset("B"))
    assert sending.value.facts() == {"locationId": "A", "caller": HERE}
    await counter.call("SupplyService.SendTransfer", sent, own=frozenset("A"))

    receipt = ReceiveSupplyRequest(
        request_id=new_id(), receipts=[SupplyReceipt(supply_id="T-1", quantity=1)]
    )
    with pytest.raises(NotYourLocation) as receiving:
        await counter.call("SupplyService.ReceiveSupply", receipt, own=frozenset("A"))
    assert receiving.value.facts() == {"locationId": "B", "caller": HERE}
    await counter.call("SupplyService.ReceiveSupply", receipt, own=frozenset("B"))


async def test_a_supply_of_others_is_not_taken_over_by_its_id(counter: Counter) -> None:
    request = PutSuppliesRequest(
        request_id=new_id(), supplies=[supply("PO", "MUG at B", 8, source_version=9)]
    )

    with pytest.raises(NotYourLocation) as error:
        await counter.call("SupplyService.PutSupplies", request, own=frozenset("B"))

    assert error.value.facts() == {"locationId": "A", "caller": HERE}


async def test_a_source_that_speaks_for_others_too_is_not_spoken_for(counter: Counter) -> None:
    request = asked("FeedService.PostDeltas")
    request.source_id = "WMS"  # type: ignore[attr-defined]

    with pytest.raises(NotYourLocation) as error:
        await counter.call("FeedService.PostDeltas", request, own=frozenset("A"))

    assert error.value.facts() == {"locationId": "B", "caller": HERE}


async def test_sources_of_its_own_are_listed(counter: Counter) -> None:
    reply = await counter.call("FeedService.ListSources", ListSourcesRequest(), own=frozenset("A"))

    assert [one.source.source_id for one in reply.sources] == ["TILL"]
