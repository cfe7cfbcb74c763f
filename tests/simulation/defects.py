"""Defects that are planted into the product on purpose: each must be noticed, or nothing is proven.

``python -m tests.simulation.defects`` plants one after the other, runs seeds until one shows that
something is wrong, and tells how many it took.
"""

import argparse
import sys
import uuid
from collections.abc import Callable, Mapping
from typing import Any
from unittest.mock import patch

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.inventory.background import sweeping
from ordermesh.inventory.store.reservations import SqlReservationStore
from ordermesh.notify.domain import notification
from ordermesh.notify.operations.deliver import Delivery as Sending
from ordermesh.returns.domain.returnable import Returnable
from ordermesh.routing.domain import outcomes
from ordermesh.routing.domain.fulfillment import FulfillmentState
from ordermesh.routing.operations import steps
from ordermesh.runtime import claims, feed, idempotency, outbox
from ordermesh.runtime.inbox import Inbox
from ordermesh.runtime.work import finish_all
from tests.simulation.running import run

SEEDS_MAX = 40
"""A defect that so many seeds do not notice is not noticed."""

Make = Callable[[Any], Any]
"""Makes of what is right what is wrong."""


def _forgets_to_give_back(_: Any) -> Any:
    async def undo(self: Any, story: Any) -> None:
        """Nothing is released."""

    return undo


def _makes_new_ids(_: Any) -> Any:
    return lambda order, *parts: uuid.uuid4()


def _leaves_no_tombstone(save: Any) -> Any:
    async def saved(self: Any, tx: Any, stored: Any, names: Any) -> None:
        kept = [one for one in stored if not one.after.is_tombstone]
        if kept:
            await save(self, tx, kept, names)

    return saved


def _marks_first(_: Any) -> Any:
    async def hand_over(self: Any, rows: Any) -> None:
        await self._database.run(lambda tx: finish_all(tx, rows))
        await self._deliver([EventEnvelope.FromString(row.payload) for row in rows])

    return hand_over


def _tells_nobody(_: Any) -> Any:
    async def publish(self: Any, tx: Any, event: Any) -> None:
        envelope = await self._envelope(tx, event)
        written = envelope.SerializeToString(deterministic=True)
        key = f"{event.aggregate_type}/{event.aggregate_id}"
        await feed.append(tx, topic=outbox.TOPIC, key=key, payload=written, sequence=event.sequence)

    return publish


def _remembers_nothing(_: Any) -> Any:
    async def stored(*_: Any) -> None:
        """Every request is a new one."""

    return stored


def _does_nothing(_: Any) -> Any:
    async def take(self: Any, tx: Any, event: Any) -> None:
        """It is recorded, and that is all."""

    return take


def _notes_no_attempt(_: Any) -> Any:
    async def begin(self: Any, tx: Any, due: Any) -> Any:
        return notification.begin(due.one, await tx.now())

    return begin


def _never_expires(_: Any) -> Any:
    async def expire_overdue(stores: Any, tx: Any) -> int:
        return 0

    return expire_overdue


def _ships_in_silence(_: Any) -> Any:
    async def ship(self: Any, story: Any) -> Any:
        work = next(one for one in story.work if one.state is FulfillmentState.SHIPPING)
        return steps.Change(lambda known: outcomes.end_shipping(known, work.fulfillment_order_id))

    return ship


def _takes_all_back(_: Any) -> Any:
    return property(lambda one: one.shipped)


def _claims_all(_: Any) -> Any:
    async def end(tx: Any, holds: Any) -> int:
        return len(holds)

    return end


DEFECTS: Mapping[str, tuple[Any, str, Make]] = {
    "a cancelled order keeps its stock": (steps.Steps, "undo", _forgets_to_give_back),
    "a call is made again under a new id": (steps, "call_id", _makes_new_ids),
    "what was released before it was made is made": (
        SqlReservationStore,
        "save",
        _leaves_no_tombstone,
    ),
    "events are marked before they are delivered": (outbox.Delivery, "_hand_over", _marks_first),
    "peers are told nothing": (outbox.Outbox, "publish", _tells_nobody),
    "answers are forgotten": (idempotency, "_stored", _remembers_nothing),
    "events have no effect": (Inbox, "_take", _does_nothing),
    "a mail is sent before it is noted": (Sending, "_begin", _notes_no_attempt),
    "holds do not expire": (sweeping, "expire_overdue", _never_expires),
    "goods leave and the ledger does not know": (steps.Steps, "ship", _ships_in_silence),
    "more comes back than was shipped": (Returnable, "returnable", _takes_all_back),
    "work is never ended": (claims, "end", _claims_all),
}


def plant(name: str) -> Any:
    """The product with a defect, for as long as the block lasts."""
    owner, attribute, make = DEFECTS[name]
    return patch.object(owner, attribute, make(getattr(owner, attribute)))


def seeds_needed(name: str, seeds_max: int = SEEDS_MAX) -> tuple[int | None, str]:
    """How many seeds it took to notice a defect, and by what; None when it was not noticed."""
    with plant(name):
        for count in range(1, seeds_max + 1):
            violations = run(count).violations
            if violations:
                return count, violations[0]
    return None, ""


def main() -> int:
    """Exit with 1 when a defect was not noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.defects", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS_MAX, help="how many seeds at most")
    parser.add_argument("names", nargs="*", help="words of the defects; none means all")
    arguments = parser.parse_args()
    missed = 0
    for name in DEFECTS:
        if arguments.names and not any(word in name for word in arguments.names):
            continue
        count, sentence = seeds_needed(name, arguments.seeds)
        missed += count is None
        found = f"noticed after {count} seeds: {sentence[:150]}" if count else "NOT NOTICED"
        sys.stdout.write(f"{name}: {found}\n")
        sys.stdout.flush()
    return 1 if missed else 0


if __name__ == "__main__":
    raise SystemExit(main())
