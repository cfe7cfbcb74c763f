"""The names of all points at which a server can be made to fail, and what a crash there leaves.

They stand here, those of single services too, so that a plan can be checked before anything starts
and the matrix of failures can walk through them.
"""

from collections.abc import Mapping
from types import MappingProxyType

_points: dict[str, str] = {}

POINTS: Mapping[str, str] = MappingProxyType(_points)
"""What each point means, by its name."""


def _point(name: str, meaning: str) -> str:
    _points[name] = meaning
    return name


SERVER_ADMITTED = _point(
    "server.admitted", "A call was admitted and is not served yet. Leaves nothing."
)
SERVER_REPLYING = _point(
    "server.replying", "A call was served and is not answered. Leaves its effect, caller unsure."
)

DATABASE_BEGUN = _point(
    "database.begun", "A transaction has begun and done nothing. Leaves nothing."
)
DATABASE_COMMITTING = _point(
    "database.committing", "All of a transaction was said, not committed. Leaves nothing."
)
DATABASE_COMMITTED = _point(
    "database.committed", "A commit was done and nobody knows. Leaves its effect, caller unsure."
)

MUTATION_DECIDED = _point(
    "mutation.decided", "An effect is in its transaction, its reply is not. Leaves nothing."
)
MUTATION_RECORDED = _point(
    "mutation.recorded", "An effect and its reply are in their transaction. Leaves nothing."
)
MUTATIONS_DECIDED = _point(
    "mutations.decided", "The effects of a batch are in its transaction, not the replies. Nothing."
)
MUTATIONS_RECORDED = _point(
    "mutations.recorded", "The effects and replies of a batch are in its transaction. Nothing."
)

BATCH_TAKEN = _point("batch.taken", "Calls were taken from the queue together. Leaves nothing.")
BATCH_HANDLED = _point(
    "batch.handled", "A batch is committed, no caller is answered. Leaves all effects."
)

WORK_CLAIMING = _point(
    "work.claiming", "Rows have our lease in a transaction that is open. Leaves them unclaimed."
)
WORK_CLAIMED = _point(
    "work.claimed", "Rows have our lease and no handler. Leaves leases, which end by themselves."
)
WORK_HANDLED = _point(
    "work.handled", "A handler has returned. Leaves its effect, and the row ended or rescheduled."
)
WORK_FINISHING = _point(
    "work.finishing", "Rows are ended in the transaction of their effect. Leaves both undone."
)
WORK_RESCHEDULING = _point(
    "work.rescheduling",
    "A row's next step is in the transaction of this one's. Leaves both undone.",
)

OUTBOX_PUBLISHING = _point(
    "outbox.publishing", "An event is in the feed and in no peer's rows, uncommitted. Nothing."
)
OUTBOX_PUBLISHED = _point(
    "outbox.published", "An event and its rows are written, uncommitted. Leaves nothing."
)
OUTBOX_DELIVERING = _point(
    "outbox.delivering", "Events are about to be delivered. Leaves claimed rows."
)
OUTBOX_DELIVERED = _point(
    "outbox.delivered", "A peer has the events, their rows do not know. They are delivered again."
)
OUTBOX_MARKED = _point("outbox.marked", "Events are delivered and marked. Leaves all in order.")

INBOX_RECEIVED = _point("inbox.received", "Events have arrived. Leaves them to come again.")
INBOX_RECORDED = _point(
    "inbox.recorded", "Ids of events are recorded, effects not, uncommitted. They come again."
)
INBOX_EFFECTED = _point(
    "inbox.effected", "Ids and effects of events are there, uncommitted. They come again."
)
INBOX_COMMITTED = _point(
    "inbox.committed", "Events have had their effect, the peer is unsure. They come again."
)

FEED_APPENDING = _point(
    "feed.appending", "A change is about to enter the feed with its cause. Leaves neither."
)
FEED_PAGE = _point(
    "feed.page", "A page of the feed was read for a follower. Leaves it to be asked for again."
)
SEQUENCER_LEADING = _point(
    "sequencer.leading", "This process leads in a transaction that is open. Leaves no leader."
)
SEQUENCER_STAMPING = _point(
    "sequencer.stamping", "Revisions are stamped, uncommitted. Leaves changes without revisions."
)
SEQUENCER_STAMPED = _point(
    "sequencer.stamped", "Revisions are stamped and nobody is told. Leaves a lease that ends."
)

LEDGER_LOCKED = _point(
    "ledger.locked", "The balances of a batch are locked and read. Leaves no locks, no effect."
)
LEDGER_DECIDED = _point(
    "ledger.decided", "A batch of reservations is decided, nothing written. Leaves nothing."
)
LEDGER_WRITTEN = _point(
    "ledger.written", "Movements, balances and promises are written, uncommitted. Nothing."
)
EXPIRY_LOCKED = _point(
    "expiry.locked", "Overdue holds are locked and not taken back. Leaves them overdue."
)

ROUTING_STORED = _point(
    "routing.stored", "An order and its saga are in their transaction. Leaves no order."
)
ROUTING_WAITING = _point(
    "routing.waiting", "An order is stored and its caller waits. Leaves an order to be driven."
)
ROUTING_LOOKED = _point(
    "routing.looked", "A worker knows what is due for an order. Leaves a lease."
)
ROUTING_PLANNED = _point("routing.planned", "A plan is made, not stored. It is made again.")
ROUTING_PLAN_STORED = _point(
    "routing.plan_stored", "A plan is stored and nothing is held. It is resumed."
)
ROUTING_BEFORE_RESERVE = _point(
    "routing.before_reserve", "The plan is about to be held. The call is made again."
)
ROUTING_AFTER_RESERVE = _point(
    "routing.after_reserve", "Stock is held and routing does not know. The same call tells."
)
ROUTING_BEFORE_CONFIRM = _point(
    "routing.before_confirm", "A hold is about to be confirmed. Its time may run out."
)
ROUTING_AFTER_CONFIRM = _point(
    "routing.after_confirm", "A hold is confirmed and routing does not know. The same call tells."
)
ROUTING_BEFORE_UNDO = _point(
    "routing.before_undo", "An order is about to give its stock back. The calls are made again."
)
ROUTING_AFTER_UNDO = _point(
    "routing.after_undo", "Stock was given back and routing does not know. Releasing again is safe."
)
ROUTING_AFTER_SURPLUS = _point(
    "routing.after_surplus", "What closed work held is free and routing does not know."
)
ROUTING_AFTER_GIVING_BACK = _point(
    "routing.after_giving_back",
    "What an order held beside its limit is free and routing does not know. Releasing is safe.",
)
ROUTING_BEFORE_SHIP = _point(
    "routing.before_ship", "The ledger is about to hear what left. The call is made again."
)
ROUTING_AFTER_SHIP = _point(
    "routing.after_ship", "The ledger knows what left and routing does not. The same call tells."
)
ROUTING_COMMITTED = _point(
    "routing.committed", "A step of an order is committed. Leaves a lease on its next step."
)
ROUTING_REPLANNED = _point(
    "routing.replanned", "Orders were planned together, no move is stored. Leaves nothing."
)
ROUTING_REASSIGNMENT_STORED = _point(
    "routing.reassignment_stored", "Orders are to move and nobody was asked. A worker goes on."
)
ROUTING_BEFORE_REASSIGN = _point(
    "routing.before_reassign", "The ledger is about to move what orders hold. It is asked again."
)
ROUTING_AFTER_REASSIGN = _point(
    "routing.after_reassign", "The ledger has moved it, routing does not know. The same call tells."
)
ROUTING_REASSIGNED = _point(
    "routing.reassigned", "It is written where orders are now. Leaves all in order."
)
ROUTING_FOLLOWED = _point(
    "routing.followed", "A page of inventory's feed has arrived, not stored. It is asked for again."
)

RETURNS_ASKED = _point(
    "returns.asked", "Routing has said where goods go, nothing is stored. It is asked again."
)
RETURNS_BEFORE_POST = _point(
    "returns.before_post", "The ledger is about to hear what came back. The call is made again."
)
RETURNS_AFTER_POST = _point(
    "returns.after_post", "The ledger knows what came back, returns does not. The same call tells."
)
RETURNS_MARKED = _point("returns.marked", "A receipt has its movement. Leaves all in order.")

NOTIFY_TOLD = _point(
    "notify.told", "A notice is written with its event, uncommitted. The event comes again."
)
NOTIFY_BEGUN = _point(
    "notify.begun", "An attempt is recorded, the mail not sent. Leaves an attempt without an end."
)
NOTIFY_ANSWERED = _point(
    "notify.answered", "A mail is sent and nobody knows. Sent again, as a possible duplicate."
)
NOTIFY_RECORDED = _point(
    "notify.recorded", "What came of an attempt is recorded. Leaves all in order."
)
