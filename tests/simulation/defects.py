"""Defects that are planted into the product on purpose: each must be noticed, or nothing is proven.

``python -m tests.simulation.defects`` plants one after the other, runs seeds until one shows that
something is wrong, and tells how many it took.
"""

import argparse
import inspect
import os
import sys
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from multiprocessing import get_context
from random import Random
from typing import Any
from unittest.mock import patch
from uuid import UUID

from ordermesh.api.event.v1 import EventEnvelope
from ordermesh.inventory.background import sweeping
from ordermesh.inventory.domain import movement, reserving, selling, waiting
from ordermesh.inventory.domain.ledger import Ledger
from ordermesh.inventory.domain.movement import Document
from ordermesh.inventory.domain.reservation import Line
from ordermesh.inventory.operations import deciding
from ordermesh.inventory.operations.reserving import ReserveBatch
from ordermesh.inventory.ports.reservations import StoredReservation
from ordermesh.inventory.store.reservations import SqlReservationStore
from ordermesh.kernel.errors import DomainError
from ordermesh.notify.domain import notification
from ordermesh.notify.operations.deliver import Delivery as Sending
from ordermesh.returns.domain.returnable import Returnable
from ordermesh.routing.domain import outcomes
from ordermesh.routing.domain.fulfillment import FulfillmentState
from ordermesh.routing.operations import steps
from ordermesh.runtime import claims, feed, idempotency, outbox
from ordermesh.runtime.database import Database
from ordermesh.runtime.inbox import Inbox
from ordermesh.runtime.work import Worker, finish_all
from tests.simulation.running import SHORT_SEEDS, run

SEEDS_MAX = 100
"""A defect that so many seeds do not notice is not noticed."""

SHOWN = 160
"""So much is told of what noticed a defect."""

Planting = Callable[[], AbstractContextManager[Any]]
"""The product is wrong for as long as the block lasts."""


def _instead(owner: Any, name: str, make: Callable[[Any], Any]) -> Planting:
    """Something else in the place of what is right, made from it."""
    return lambda: patch.object(owner, name, make(getattr(owner, name)))


def _rewritten(function: Any, sound: str, broken: str, forget: Any = None) -> Planting:
    """A function whose text has ``broken`` where ``sound`` is; whoever has it has it so.

    ``forget`` is a cache of what it has made.
    """

    @contextmanager
    def plant() -> Iterator[None]:
        text = textwrap.dedent(inspect.getsource(function))
        if text.count(sound) != 1:
            raise ValueError(f"{function.__qualname__} has not once: {sound}")
        scope: dict[str, Any] = {}
        # It is our own text, with our own change.
        exec(text.replace(sound, broken), function.__globals__, scope)
        right = function.__code__
        function.__code__ = scope[function.__name__].__code__
        with nullcontext() if forget is None else _forgetting(forget):
            try:
                yield
            finally:
                function.__code__ = right

    return plant


@contextmanager
def _forgetting(made: Any) -> Iterator[None]:
    made.cache_clear()
    try:
        yield
    finally:
        made.cache_clear()


def _forgets_to_release(_: Any) -> Any:
    async def give_back(self: Any, story: Any, work: Any) -> str:
        return str(work.fulfillment_order_id)

    return give_back


def _forgets_to_undo(_: Any) -> Any:
    async def undo(self: Any, story: Any) -> None:
        """Nothing is released."""

    return undo


def _makes_new_ids(_: Any) -> Any:
    random = Random("new ids")
    return lambda order, *parts: UUID(int=random.getrandbits(128), version=4)


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


def _acknowledges_all(write: Any) -> Any:
    async def written(self: Any, work: Any, ticket: Any) -> Any:
        done: list[Any] = []

        async def noting(tx: Any) -> Any:
            done.append(await work(tx))
            return done[-1]

        try:
            return await write(self, noting, ticket)
        except Exception:
            if not done:
                raise
            return done[-1]

    return written


def _takes_away_first(decide: Any) -> Any:
    async def decided(self: Any, wish: Any, ask: Any) -> Any:
        verdict = await decide(self, wish, ask)
        if isinstance(verdict, DomainError):
            for one in ask.replaces:
                cart, mark = self.known.get(one), self.ledger.mark()
                if cart is None or not cart.open_lines or cart.reservation_id in self.replaced:
                    continue
                left = reserving._replaced(self.ledger, wish.actor, cart, one, ask, self.now)
                self.changes.append(StoredReservation(cart, left))
                self.replaced.add(one)
                moved = self.ledger.since(mark)
                self.documents.update((entry.cause, Document(wish.actor)) for entry in moved)
        return verdict

    return decided


def _gives_up(_: Any) -> Any:
    async def failed(self: Any, batch: Any, error: Exception) -> None:
        if batch:
            await self._database.run(lambda tx: finish_all(tx, batch))

    return failed


DEFECTS: Mapping[str, Planting] = {
    "work that was cancelled keeps its stock": _instead(
        steps.Steps, "_give_back", _forgets_to_release
    ),
    "an order that was cancelled while it was sourced keeps its stock": _instead(
        steps.Steps, "undo", _forgets_to_undo
    ),
    "a call is made again under a new id": _instead(steps, "call_id", _makes_new_ids),
    "what was released before it was made is made": _instead(
        SqlReservationStore, "save", _leaves_no_tombstone
    ),
    "events are marked before they are delivered": _instead(
        outbox.Delivery, "_hand_over", _marks_first
    ),
    "peers are told nothing": _instead(outbox.Outbox, "publish", _tells_nobody),
    "answers are forgotten": _instead(idempotency, "_stored", _remembers_nothing),
    "events have no effect": _instead(Inbox, "_take", _does_nothing),
    "a mail is sent before it is noted": _instead(Sending, "_begin", _notes_no_attempt),
    "holds do not expire": _instead(sweeping, "expire_overdue", _never_expires),
    "goods leave and the ledger does not know": _instead(steps.Steps, "ship", _ships_in_silence),
    "more comes back than was shipped": _instead(Returnable, "returnable", _takes_all_back),
    "work is never ended": _instead(claims, "end", _claims_all),
    "work that fails once is given up": _instead(Worker, "_failed", _gives_up),
    "a commit that failed is acknowledged": _instead(Database, "_write", _acknowledges_all),
    "the guard of a reservation is dropped": _rewritten(
        selling.refuse_short, "    if not short:\n", "    if True:\n"
    ),
    "demand is not summed: two lines of one key each pass alone": _rewritten(
        waiting.allot,
        "summed((line.key, line.quantity) for line in held),",
        "{line.key: line.quantity for line in held},",
    ),
    "a part of a refused reservation stays": _rewritten(
        deciding.decide_on,
        "    except CuredByExpiry as refusal:\n        ledger.undo(mark)\n",
        "    except CuredByExpiry as refusal:\n",
    ),
    "a cart is taken away although a larger one was refused": _instead(
        ReserveBatch, "decide", _takes_away_first
    ),
    "what is replaced keeps its stock": _rewritten(
        reserving._replaced,
        "        give_back(ledger, draft, line, LineState.RELEASED, now)\n",
        "        draft.put(line.become(LineState.RELEASED, now))\n",
    ),
    "a confirmed promise expires": _rewritten(
        Line.become, "state=state, expire_time=None, close_time=", "state=state, close_time="
    ),
    "what falls below zero becomes zero": _rewritten(
        movement.adjust,
        "            below[key] = (balance.on_hand, balance.reserved, target)\n",
        "            target = min(balance.on_hand, balance.reserved)\n",
    ),
    "what comes in does not pay the deficit first": _rewritten(
        Ledger.bring, "owed = min(quantity, self.balance(key).short)", "owed = 0"
    ),
    "a request id answers for another request": _rewritten(
        idempotency._read, "    if row.request_hash != request_hash:\n", "    if False:\n"
    ),
    "an event's id is recorded in a transaction of its own": _rewritten(
        Inbox.receive,
        "    async def record(tx: Transaction) -> int:\n"
        "        fresh = await self._fresh(tx, ordered)\n",
        "    fresh = await self._database.run(lambda tx: self._fresh(tx, ordered))\n\n"
        "    async def record(tx: Transaction) -> int:\n",
    ),
    "what happened later to a thing is told first": _rewritten(
        claims._claimable, "        ~is_blocked,\n", "", forget=claims._claim
    ),
    "a lease never ends": _rewritten(
        claims.claim, "timedelta(seconds=lease_seconds)", "timedelta(days=1)"
    ),
}


LONG: Collection[str] = frozenset(
    {
        "what was released before it was made is made",
        "answers are forgotten",
        "holds do not expire",
        "a mail is sent before it is noted",
        "a commit that failed is acknowledged",
        "a part of a refused reservation stays",
        "a cart is taken away although a larger one was refused",
        "more comes back than was shipped",
        "work is never ended",
        "work that fails once is given up",
        "the guard of a reservation is dropped",
        "what falls below zero becomes zero",
        "what comes in does not pay the deficit first",
    }
)
"""Defects that only long stories show: carts that are left, shortfalls, goods that come back."""


def plant(name: str) -> AbstractContextManager[Any]:
    """The product with a defect, for as long as the block lasts."""
    return DEFECTS[name]()


@dataclass(frozen=True)
class Verdict:
    """How many seeds it took to notice a defect, and what noticed it; 0 when none did."""

    name: str
    seeds: int
    sentence: str

    def __str__(self) -> str:
        needed = f"{self.seeds:4}" if self.seeds else "none"
        return f"{needed}  {self.name}\n      {self.sentence or 'NOT NOTICED'}"


def judge(name: str, seeds_max: int = SEEDS_MAX) -> Verdict:
    """Run seeds with a defect, until one shows that something is wrong."""
    before = SHORT_SEEDS if name in LONG else 0
    with plant(name):
        for count in range(1, seeds_max + 1):
            violations = run(before + count).violations
            if violations:
                return Verdict(name, count, violations[0].replace("\n", " ")[:SHOWN])
    return Verdict(name, 0, "")


def main() -> int:
    """Exit with 1 when a defect was not noticed."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation.defects", description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS_MAX, help="how many seeds at most")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("names", nargs="*", help="words of the defects; none means all")
    arguments = parser.parse_args()
    chosen = [
        name
        for name in DEFECTS
        if not arguments.names or any(word in name for word in arguments.names)
    ]
    sys.stdout.write("seeds  defect, and what noticed it\n")
    judging = partial(judge, seeds_max=arguments.seeds)
    # The executor of the library waits for ever for a process that has made way (Python 3.11).
    with get_context("spawn").Pool(arguments.jobs, maxtasksperchild=1) as pool:
        verdicts = []
        for one in pool.imap(judging, chosen):
            verdicts.append(one)
            sys.stdout.write(f"{one}\n")
            sys.stdout.flush()
    seen = sorted(one.seeds for one in verdicts if one.seeds)
    half = seen[len(seen) // 2] if seen else 0
    sys.stdout.write(
        f"{len(seen)} of {len(chosen)} defects were noticed; half of these within {half} seeds,"
        f" all within {max(seen, default=0)}.\n"
    )
    return 1 if len(seen) < len(chosen) else 0


if __name__ == "__main__":
    raise SystemExit(main())
