"""Who may call what."""

from collections.abc import Mapping

RULES: Mapping[str, frozenset[str]] = {
    "/ordermesh.api.returns.v1.ReturnService/GetReturnable": frozenset({"edge", "operator"}),
    "/ordermesh.api.event.v1.InboxService/Deliver": frozenset({"routing", "operator"}),
}
"""The roles that may call each method, by its full name."""
