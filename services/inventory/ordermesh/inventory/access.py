"""Who may call what, and for whom a caller acts."""

from collections.abc import Mapping

from google.protobuf.message import Message

from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.domain.movement import Demand
from ordermesh.runtime.call import Identity, current_call
from ordermesh.runtime.request_identity import request_hash_of, request_id_of

OPERATOR = "operator"

EDGE = "edge"
"""The role of callers from outside: storefronts and marketplaces."""

_MESH = frozenset({"routing", "returns"})
"""Services of the mesh that act for others."""

_READERS = frozenset({"edge", "routing", "returns", "notify", "location", OPERATOR})
_FOLLOWERS = frozenset({"routing", "returns", OPERATOR})
_HOLDERS = frozenset({"edge", "routing", OPERATOR})
_SOURCES = frozenset({"source", "location", OPERATOR})
"""Systems outside: a WMS, a POS, an ERP, or those of a location. Each speaks for its own alone."""

_KEEPERS = frozenset({"location", "returns", OPERATOR})
_COUNTERS = frozenset({"location", OPERATOR})

_METHODS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "ordermesh.api.inventory.v1.ItemService": {
        "PutItems": frozenset({OPERATOR}),
        "BatchGetItems": _READERS,
        "ListItems": _READERS,
        "WatchItems": _FOLLOWERS,
    },
    "ordermesh.api.inventory.v1.LocationService": {
        "PutLocations": frozenset({OPERATOR}),
        "BatchGetLocations": _READERS,
        "ListLocations": _READERS,
        "WatchLocations": _FOLLOWERS,
    },
    "ordermesh.api.inventory.v1.ControlService": {
        "PutControls": frozenset({OPERATOR}),
        "DeleteControls": frozenset({OPERATOR}),
        "ListControls": _FOLLOWERS,
        "ExplainControls": _FOLLOWERS | {"location"},
    },
    "ordermesh.api.inventory.v1.LedgerService": {
        "ReceiveStock": _KEEPERS,
        "AdjustStock": _KEEPERS,
        "TransferStock": frozenset({"location", OPERATOR}),
        # What comes back, and what becomes of it, the returns service records.
        "ReturnStock": frozenset({"returns", OPERATOR}),
        "DisposeStock": frozenset({"returns", OPERATOR}),
        "BlockStock": frozenset({"location", OPERATOR}),
        "UnblockStock": frozenset({"location", OPERATOR}),
        "ListBalances": _FOLLOWERS | {"location"},
        "ListMovements": _FOLLOWERS | {"location"},
        "ListShortfalls": _FOLLOWERS | {"location"},
        "VerifyLedger": frozenset({OPERATOR}),
        # Routing plans around them.
        "ListQuarantinedKeys": frozenset({"routing", OPERATOR}),
        "FreeQuarantinedKey": frozenset({OPERATOR}),
    },
    "ordermesh.api.inventory.v1.ReservationService": {
        "Reserve": _HOLDERS,
        "ReserveBulk": _HOLDERS,
        "ReserveStream": _HOLDERS,
        "GetReservation": _FOLLOWERS,
        "ListReservations": _FOLLOWERS,
        "Confirm": frozenset({"routing", OPERATOR}),
        "Extend": _HOLDERS,
        "Release": _HOLDERS,
        "Reassign": frozenset({"routing", OPERATOR}),
        "ReassignBulk": frozenset({"routing", OPERATOR}),
        "Ship": frozenset({"routing", OPERATOR}),
        "ShipBulk": frozenset({"routing", OPERATOR}),
        "Short": frozenset({"routing", OPERATOR}),
    },
    "ordermesh.api.inventory.v1.AvailabilityService": {
        "GetAvailability": _READERS,
        "WatchAvailability": _READERS,
    },
    "ordermesh.api.inventory.v1.FeedService": {
        "PutSources": frozenset({OPERATOR}),
        "ListSources": _SOURCES,
        "PostDeltas": _SOURCES,
        "PostSnapshot": _SOURCES,
        "BeginImport": _SOURCES,
        "ImportFrames": _SOURCES,
        "CompleteImport": _SOURCES,
        "GetImport": _SOURCES,
        "ListQuarantinedRows": _SOURCES,
        "RetryQuarantinedRows": _SOURCES,
        "DismissQuarantinedRows": _SOURCES,
    },
    "ordermesh.api.inventory.v1.SupplyService": {
        "PutSupplies": frozenset({"location", OPERATOR}),
        "CancelSupply": frozenset({"location", OPERATOR}),
        "ReceiveSupply": frozenset({"location", OPERATOR}),
        "SendTransfer": frozenset({"location", OPERATOR}),
        "WriteOffTransfer": frozenset({"location", OPERATOR}),
        "GetSupply": _FOLLOWERS | {"location"},
        "ListSupplies": _FOLLOWERS | {"location"},
    },
    "ordermesh.api.inventory.v1.CountService": {
        "PlanCount": _COUNTERS,
        "OpenCount": _COUNTERS,
        "SubmitCount": _COUNTERS,
        "AcceptCount": _COUNTERS,
        "CancelCount": _COUNTERS,
        "GetCount": _COUNTERS,
        "ListCounts": _COUNTERS,
    },
    "ordermesh.api.event.v1.EventService": {
        "WatchEvents": _READERS,
    },
}

RULES: Mapping[str, frozenset[str]] = {
    f"/{service}/{method}": roles
    for service, methods in _METHODS.items()
    for method, roles in methods.items()
}
"""The roles that may call each method, by its full name."""


def demand(request: Message) -> Demand:
    """The request that is being answered, as its movement is known by it."""
    return Demand(request_id_of(request), request_hash_of(current_call(), request))


def acting(on_behalf_of: str) -> Actor:
    """Who is answerable for the call under way."""
    return actor_of(current_call().identity, on_behalf_of)


def named(location_id: str) -> tuple[str, ...]:
    """The locations that a filter names: one or none."""
    return (location_id,) if location_id else ()


def actor_of(identity: Identity, on_behalf_of: str) -> Actor:
    """Who is answerable for a call of an authenticated caller."""
    return Actor(
        identity.name,
        on_behalf_of,
        is_service=bool(identity.roles & _MESH),
        own_locations=identity.own_locations,
    )
