"""The ways in which a caller can be wrong, for every mutating method."""

from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message

from ordermesh.api.inventory.v1 import (
    AcceptCountRequest,
    AdjustmentReason,
    AdjustStockRequest,
    BeginImportRequest,
    BlockedKind,
    BlockStockRequest,
    CancelCountRequest,
    CompleteImportRequest,
    ConfirmRequest,
    CountedStock,
    DeleteControlsRequest,
    DismissQuarantinedRowsRequest,
    DisposedStock,
    DisposeStockRequest,
    ExtendRequest,
    FreeQuarantinedKeyRequest,
    LineReassignment,
    OpenCountRequest,
    PlanCountRequest,
    PostDeltasRequest,
    PostSnapshotRequest,
    PutControlsRequest,
    PutItemsRequest,
    PutLocationsRequest,
    PutSourcesRequest,
    ReassignBulkRequest,
    ReassignRequest,
    ReceiveStockRequest,
    ReleaseRequest,
    ReservationReassignment,
    ReservationShipment,
    ReserveRequest,
    RetryQuarantinedRowsRequest,
    ReturnedStock,
    ReturnStockRequest,
    ShipBulkRequest,
    ShipRequest,
    ShortOutcome,
    ShortRequest,
    SnapshotImport,
    StockAdjustment,
    StockLine,
    StockSource,
    StockTransfer,
    SubmitCountRequest,
    TransferStockRequest,
    UnblockStockRequest,
)
from ordermesh.api.order.v1 import Disposition
from tests.inventory.messages import (
    blocked_stock,
    control,
    item,
    key,
    location,
    reserve_lines,
    selection,
)
from tests.inventory.mistakes import (
    catalog,
    controls,
    counts,
    feeds,
    reassigning,
    reservations,
    shipping,
    stock,
    supplies,
)
from tests.inventory.mistakes.table import (
    HELD,
    IMPORT,
    INVALID,
    PAID,
    QUARANTINED,
    VIOLATION,
    Row,
    Table,
    put,
)
from tests.inventory.outside import delta, seen_rows

RESTOCK = Disposition.DISPOSITION_RESTOCK
BLOCK = Disposition.DISPOSITION_BLOCK
INSPECTION = BlockedKind.BLOCKED_KIND_INSPECTION
MISSING = BlockedKind.BLOCKED_KIND_MISSING


def good_requests() -> dict[str, Message]:
    """A request for each mutating method that succeeds in the prepared shop."""
    return {
        "ItemService.PutItems": PutItemsRequest(
            items=[item("MUG", name="A mug"), item("SET", {"MUG": 2, "CUP": 1}), item("NEW")]
        ),
        "LocationService.PutLocations": PutLocationsRequest(
            locations=[location("A", name="Main Street"), location("E")]
        ),
        "LedgerService.ReceiveStock": ReceiveStockRequest(
            lines=[
                StockLine(key=key("MUG at A"), quantity=3, serial_numbers=["S1"]),
                StockLine(key=key("CUP at C"), quantity=4),
            ]
        ),
        "LedgerService.AdjustStock": AdjustStockRequest(
            adjustments=[
                StockAdjustment(key=key("MUG at A"), delta=-1),
                StockAdjustment(key=key("CUP at A"), on_hand=7, expected_on_hand=10),
            ],
            reason=AdjustmentReason.ADJUSTMENT_REASON_COUNTED,
        ),
        "LedgerService.TransferStock": TransferStockRequest(
            transfers=[StockTransfer(from_key=key("MUG at A"), to_location_id="C", quantity=3)]
        ),
        "LedgerService.ReturnStock": ReturnStockRequest(
            lines=[
                ReturnedStock(key=key("MUG at A"), quantity=2, disposition=RESTOCK),
                ReturnedStock(key=key("CUP at C"), quantity=1, disposition=BLOCK),
            ]
        ),
        "LedgerService.DisposeStock": DisposeStockRequest(
            lines=[DisposedStock(key=key("MUG at A"), quantity=2, disposition=RESTOCK)]
        ),
        "LedgerService.BlockStock": BlockStockRequest(
            lines=blocked_stock([("MUG at A", 2, INSPECTION), ("CUP at A", 10, MISSING)])
        ),
        "LedgerService.UnblockStock": UnblockStockRequest(
            lines=blocked_stock([("MUG at A", 5, INSPECTION)])
        ),
        "LedgerService.FreeQuarantinedKey": FreeQuarantinedKeyRequest(
            key=key("JAR at D"), note="counted twice"
        ),
        "ControlService.PutControls": PutControlsRequest(
            controls=[
                control("old", "cap", 6, sku="MUG", location_id="B"),
                control("new", "limit_per_customer", 2, sku="CUP", window=Duration(seconds=3_600)),
            ]
        ),
        "ControlService.DeleteControls": DeleteControlsRequest(control_ids=["old", "never"]),
        "CountService.PlanCount": PlanCountRequest(
            count_id="NEW", location_id="A", skus=["MUG", "CUP"], threshold_units=2
        ),
        "CountService.OpenCount": OpenCountRequest(count_id="PLANNED"),
        "CountService.SubmitCount": SubmitCountRequest(
            count_id="OPEN", counter="Bob", lines=[CountedStock(sku="CUP", counted=9)]
        ),
        "CountService.AcceptCount": AcceptCountRequest(
            count_id="OPEN",
            accepted_by="Cat",
            skus=["MUG"],
            reason=AdjustmentReason.ADJUSTMENT_REASON_LOST,
        ),
        "CountService.CancelCount": CancelCountRequest(count_id="OPEN"),
        "ReservationService.Reserve": ReserveRequest(
            reservation_id="44444444-4444-4444-8444-444444444444",
            lines=reserve_lines([("1", "MUG at A", 3), ("2", "CUP at A", 1)]),
            replaces_reservation_ids=[HELD],
            fence=1,
        ),
        "ReservationService.Confirm": ConfirmRequest(reservation_id=HELD, fence=5),
        "ReservationService.Extend": ExtendRequest(
            reservation_id=HELD, hold_duration=Duration(seconds=1_800), fence=5
        ),
        "ReservationService.Short": ShortRequest(
            reservation_id=PAID,
            lines=[selection("1", 2)],
            outcome=ShortOutcome.SHORT_OUTCOME_WRITE_OFF,
            fence=5,
        ),
        "ReservationService.Release": ReleaseRequest(
            reservation_id=PAID, lines=[selection("1", 1)], fence=5
        ),
        "ReservationService.Reassign": ReassignRequest(
            reservation_id=PAID,
            lines=[LineReassignment(line=selection("1", 2), to_location_id="B")],
            fence=5,
        ),
        "ReservationService.ReassignBulk": ReassignBulkRequest(
            reassignments=[
                ReservationReassignment(
                    reservation_id=reservation_id,
                    lines=[LineReassignment(line=selection("1", 2), to_location_id="B")],
                    fence=5,
                )
                for reservation_id in (PAID, HELD)
            ]
        ),
        "ReservationService.Ship": ShipRequest(
            reservation_id=PAID, lines=[selection("1", 2), selection("2", 1)], fence=5
        ),
        "ReservationService.ShipBulk": ShipBulkRequest(
            shipments=[
                ReservationShipment(
                    reservation_id=PAID, lines=[selection("1", 2), selection("2", 1)], fence=5
                )
            ]
        ),
        "FeedService.PutSources": PutSourcesRequest(
            sources=[
                StockSource(
                    source_id="WMS",
                    kind=StockSource.KIND_WMS,
                    location_ids=["A"],
                    gap_policy=StockSource.GAP_POLICY_HOLD,
                )
            ]
        ),
        "FeedService.PostDeltas": PostDeltasRequest(
            source_id="TILL", deltas=[delta(2, "MUG at A", 1)]
        ),
        "FeedService.PostSnapshot": PostSnapshotRequest(
            source_id="TILL", watermark=1, rows=seen_rows({"MUG at A": (9, 1)})
        ),
        "FeedService.BeginImport": BeginImportRequest(
            import_id="77777777-7777-4777-8777-777777777777",
            source_id="TILL",
            location_ids=["A"],
            watermark=1,
            absent=SnapshotImport.ABSENT_LEAVE,
            document="by night",
        ),
        "FeedService.CompleteImport": CompleteImportRequest(import_id=IMPORT),
        "FeedService.RetryQuarantinedRows": RetryQuarantinedRowsRequest(
            quarantine_ids=[QUARANTINED]
        ),
        "FeedService.DismissQuarantinedRows": DismissQuarantinedRowsRequest(
            quarantine_ids=[QUARANTINED]
        ),
        **supplies.good_requests(),
    }


def rows() -> list[Row]:
    row = Table()
    for method in good_requests():
        row(method, "no request id", lambda r: r.ClearField("request_id"), INVALID, VIOLATION)
        row(method, "request id is no UUID", put("request_id", "soon"), INVALID, VIOLATION)
        row(method, "control character", put("on_behalf_of", "Ann\n"), INVALID, VIOLATION)

    for spoil in (
        catalog.put_items,
        catalog.put_locations,
        stock.receive_stock,
        stock.adjust_stock,
        stock.adjust_moved_stock,
        stock.transfer_stock,
        reservations.reserve,
        reservations.confirm,
        reservations.release,
        reassigning.reassign,
        reassigning.reassign_bulk,
        shipping.ship,
        shipping.ship_bulk,
        reservations.extend,
        shipping.short,
        stock.return_stock,
        stock.dispose_stock,
        feeds.put_sources,
        feeds.post_deltas,
        feeds.post_snapshot,
        feeds.begin_import,
        feeds.complete_import,
        feeds.retry_rows,
        feeds.dismiss_rows,
        stock.block_stock,
        stock.unblock_stock,
        stock.free_quarantined_key,
        controls.put_controls,
        controls.delete_controls,
        supplies.mistakes,
        counts.plan_count,
        counts.open_count,
        counts.submit_count,
        counts.accept_count,
        counts.cancel_count,
    ):
        spoil(row)
    return row.rows
