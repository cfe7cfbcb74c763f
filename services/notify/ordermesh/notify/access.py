"""Who may call what."""

from collections.abc import Mapping

RULES: Mapping[str, frozenset[str]] = {
    "/ordermesh.api.notify.v1.TimelineService/GetTimeline": frozenset({"edge", "operator"}),
    "/ordermesh.api.event.v1.InboxService/Deliver": frozenset({"routing", "returns", "operator"}),
}
"""The roles that may call each method, by its full name."""
