"""Who may call what."""

from collections.abc import Mapping

_SHOPS = frozenset({"edge", "operator"})
_DOCKS = frozenset({"location", "operator"})
_READERS = frozenset({"edge", "location", "operator"})

_METHODS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "ordermesh.api.returns.v1.ReturnService": {
        "GetReturnable": _READERS,
        "AuthorizeReturn": _SHOPS,
        "ReceiveReturn": _DOCKS,
        "CancelReturn": _SHOPS,
        "GetReturn": _READERS,
        "ListReturns": _READERS,
    },
    "ordermesh.api.returns.v1.DispositionService": {
        "DisposeReturned": _DOCKS,
    },
    "ordermesh.api.event.v1.InboxService": {
        "Deliver": frozenset({"routing", "operator"}),
    },
    "ordermesh.api.event.v1.EventService": {
        "WatchEvents": _READERS | {"notify"},
    },
}

RULES: Mapping[str, frozenset[str]] = {
    f"/{service}/{method}": roles
    for service, methods in _METHODS.items()
    for method, roles in methods.items()
}
"""The roles that may call each method, by its full name."""
