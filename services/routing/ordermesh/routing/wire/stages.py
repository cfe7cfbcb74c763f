"""Stages of policies."""

from collections.abc import Iterable

from ordermesh.api.routing import v1
from ordermesh.routing.domain.stages import Stage


def stages(messages: Iterable[v1.Stage]) -> tuple[Stage, ...]:
    """Stages."""
    return tuple(
        Stage(
            one.name,
            one.partial_allowed,
            one.more_shipments,
            one.more_parcels,
            one.more_days,
            tuple(sorted(one.without_rule_ids)),
            one.beyond_capacity,
        )
        for one in messages
    )


def stage_messages(values: Iterable[Stage]) -> list[v1.Stage]:
    """Stages as they are told."""
    return [
        v1.Stage(
            name=one.name,
            partial_allowed=one.partial_allowed,
            more_shipments=one.more_shipments,
            more_parcels=one.more_parcels,
            more_days=one.more_days,
            without_rule_ids=one.without_rule_ids,
            beyond_capacity=one.beyond_capacity,
        )
        for one in values
    ]
