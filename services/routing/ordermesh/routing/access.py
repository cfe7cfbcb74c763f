"""Who may call what."""

from collections.abc import Mapping

_OPERATOR = frozenset({"operator"})
_READERS = frozenset({"edge", "returns", "notify", "operator"})
_BUYERS = frozenset({"edge", "operator"})
_LOCATIONS = frozenset({"location", "operator"})
_PEERS = frozenset({"inventory", "returns", "notify", "operator"})

_METHODS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "ordermesh.api.routing.v1.OrderService": {
        "SubmitOrder": _BUYERS,
        "GetOrder": _READERS | {"location"},
        "ListOrders": _READERS,
        "CancelOrder": _BUYERS,
        # Who buys does not say that the order may go on.
        "ReleaseOrderHold": _OPERATOR,
    },
    "ordermesh.api.routing.v1.SourcingService": {
        # Returns asks where goods should go, the edge what it may promise.
        "SourceOrder": _BUYERS | {"returns"},
        "FindReturnLocation": _READERS,
        "GetDecision": _READERS,
        "ListDecisions": _READERS,
        "ExportDecision": _READERS,
        "ExplainDecision": _READERS,
        "AskCounterfactual": _OPERATOR,
        "FindAlternatives": _READERS,
        "ReplayDecision": _OPERATOR,
        "PlanBatch": _BUYERS,
        "ReoptimizeOrders": _OPERATOR,
    },
    "ordermesh.api.routing.v1.PriceService": {
        "RenewPrices": _OPERATOR,
        "GetPriceSet": _READERS | {"location"},
        "ListPriceSets": _READERS,
        # Whoever answers for a location may see what its stock and its work are worth.
        "ListStockPrices": _READERS | {"location"},
        "ListLaborPrices": _READERS | {"location"},
        "ListStockSuggestions": _READERS | {"location"},
    },
    "ordermesh.api.routing.v1.FulfillmentService": {
        "GetFulfillmentOrder": _LOCATIONS | {"returns", "notify"},
        "ListFulfillmentOrders": _LOCATIONS | {"returns"},
        "AcceptFulfillmentOrder": _LOCATIONS,
        "RejectFulfillmentOrder": _LOCATIONS,
        "ShipFulfillmentOrder": _LOCATIONS,
        "DeliverFulfillmentOrder": _LOCATIONS,
    },
    "ordermesh.api.routing.v1.NetworkService": {
        "PutNetworkLocations": _OPERATOR,
        "ListNetworkLocations": _READERS,
        "SwitchLocation": _OPERATOR,
        "EndSwitch": _OPERATOR,
        "ListSwitches": _READERS,
        "PutCalendars": _OPERATOR,
        "ListCalendars": _READERS,
        "GetNetworkOverview": _READERS,
    },
    "ordermesh.api.routing.v1.PromiseService": {
        # The edge asks for what it shows, notify for what it tells.
        "GetPromise": _READERS,
        "GetItemPromises": _READERS,
    },
    "ordermesh.api.routing.v1.CapacityService": {
        "HoldCapacity": _BUYERS,
        "ConfirmCapacity": _BUYERS,
        "ReleaseCapacity": _BUYERS,
        "GetCapacity": _READERS | {"location"},
    },
    "ordermesh.api.routing.v1.PolicyService": {
        "SavePolicy": _OPERATOR,
        "ActivatePolicyVersion": _OPERATOR,
        "ArchivePolicyVersion": _OPERATOR,
        "GetPolicy": _READERS,
        "ListPolicyVersions": _READERS,
        "PreviewPolicies": _READERS,
        "LintPolicy": _READERS,
        "PutFacts": _OPERATOR,
        "ListFacts": _READERS,
        "ListPolicies": _READERS,
    },
    "ordermesh.api.routing.v1.CarriageService": {
        "PutCarriage": _OPERATOR,
        "GetCarriage": _READERS,
        "ListCarriage": _READERS,
        "BeginPostalCodeImport": _OPERATOR,
        "PutPostalCodes": _OPERATOR,
        "CompletePostalCodeImport": _OPERATOR,
        "ListPostalCodeTables": _READERS,
        "FindPostalCode": _READERS,
        "FindObstacles": _READERS,
    },
    "ordermesh.api.event.v1.InboxService": {
        "Deliver": _PEERS,
    },
    "ordermesh.api.event.v1.EventService": {
        "WatchEvents": _READERS | {"location"},
    },
}

RULES: Mapping[str, frozenset[str]] = {
    f"/{service}/{method}": roles
    for service, methods in _METHODS.items()
    for method, roles in methods.items()
}
"""The roles that may call each method, by its full name."""
