"""How large a return may become: what could not be told of it, or answered, is refused before.

Both are measured as they will be when all that is expected has come, everything is decided and
the ledger knows: what is let in once never becomes too large by itself.
"""

from dataclasses import replace
from uuid import UUID

from ordermesh.returns.domain.errors import TooMuchAsked
from ordermesh.returns.domain.order_return import Return
from ordermesh.returns.wire.messages import return_message
from ordermesh.runtime.pages import PAGE_BYTES

TOLD_BYTES_MAX = 350_000
"""What a return without receipts and refunds may take. An event may have 900,000 bytes: beside the
return it carries 500 rows of what came, is due or was decided, of 1,050 bytes at most."""

ANSWERED_BYTES_MAX = PAGE_BYTES
"""What a return may take with all that was received and refunded: it is answered as a whole."""

_KNOWN = UUID(int=0)
"""In the place of a movement, of which all are equally long."""


def told_part(one: Return) -> Return:
    """What events carry of a return: its receipts and refunds would grow with each that comes."""
    return replace(one, receipts=(), refunds=())


def check_authorized(one: Return) -> Return:
    """The return, if events have room for it. Raises ``TooMuchAsked``."""
    if _size(told_part(one)) > TOLD_BYTES_MAX:
        raise TooMuchAsked("Return fewer lines at once: these are too large.", TOLD_BYTES_MAX)
    return one


def check_received(one: Return) -> Return:
    """The return, if a reply has room for it with its last receipt. Raises ``TooMuchAsked``."""
    if _size(one) > ANSWERED_BYTES_MAX:
        raise TooMuchAsked(
            "Too much was received of this return: cancel the rest and return it anew.",
            ANSWERED_BYTES_MAX,
        )
    return one


def _size(one: Return) -> int:
    """How large it is when all of it has come and every unit was kept apart and decided about."""
    lines = tuple(
        replace(
            line,
            received=line.quantity,
            restocked=line.quantity,
            blocked=line.quantity,
            discarded=line.quantity,
        )
        for line in one.lines
    )
    receipts = tuple(replace(receipt, movement_id=_KNOWN) for receipt in one.receipts)
    return return_message(replace(one, lines=lines, receipts=receipts)).ByteSize()
