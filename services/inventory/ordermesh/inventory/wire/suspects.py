"""Keys whose books were found wrong."""

from ordermesh.api.inventory.v1 import QuarantinedKey
from ordermesh.api.order.v1 import Actor as ActorMessage
from ordermesh.inventory.domain.suspect import Suspect
from ordermesh.inventory.wire.keys import key_message, timestamp
from ordermesh.inventory.wire.ledger import finding_messages


def suspect_message(one: Suspect) -> QuarantinedKey:
    """To the contract."""
    by = one.freed_by
    return QuarantinedKey(
        key=key_message(one.key),
        findings=finding_messages(one.findings),
        found_time=timestamp(one.found_time),
        free_time=timestamp(one.free_time),
        freed_by=ActorMessage(caller=by.caller, on_behalf_of=by.on_behalf_of) if by else None,
        note=one.note,
    )
