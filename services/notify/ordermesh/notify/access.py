"""Who may call what."""

from collections.abc import Mapping

_OPERATOR = frozenset({"operator"})
_SHOPS = frozenset({"edge", "operator"})

_METHODS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "ordermesh.api.notify.v1.TimelineService": {
        "GetTimeline": _SHOPS,
    },
    "ordermesh.api.notify.v1.NotificationService": {
        "GetNotification": _OPERATOR,
        "ListNotifications": _OPERATOR,
        "CountNotifications": _OPERATOR,
        "RetryNotification": _OPERATOR,
    },
    "ordermesh.api.notify.v1.PreferenceService": {
        "SetPreference": _SHOPS,
        "GetPreferences": _SHOPS,
    },
    "ordermesh.api.event.v1.InboxService": {
        "Deliver": frozenset({"routing", "returns", "operator"}),
    },
    "ordermesh.api.event.v1.EventService": {
        "WatchEvents": _SHOPS,
    },
}

RULES: Mapping[str, frozenset[str]] = {
    f"/{service}/{method}": roles
    for service, methods in _METHODS.items()
    for method, roles in methods.items()
}
"""The roles that may call each method, by its full name."""
