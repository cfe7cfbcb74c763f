"""Where routing keeps what it knows: rows read and written in a transaction that is handed in."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol
from uuid import UUID

from ordermesh.routing.domain.fulfillment import FulfillmentOrder, FulfillmentState, RejectReason
from ordermesh.routing.domain.item import Item, KnownLocation
from ordermesh.routing.domain.order import Order, OrderState
from ordermesh.routing.domain.policy import Policy, PolicyState
from ordermesh.routing.domain.rules.vocabulary import PutFact
from ordermesh.routing.domain.saga import Step
from ordermesh.routing.domain.story import Story
from ordermesh.routing.domain.submission import Contact
from ordermesh.routing.ports.carriage import CarriageStore, PostalCodeStore
from ordermesh.routing.ports.network import (
    CalendarStore,
    CapacityStore,
    NetworkStore,
    SwitchStore,
)
from ordermesh.routing.ports.prices import DemandStore, PriceStore
from ordermesh.routing.ports.reassignments import ReassignmentStore
from ordermesh.routing.ports.refusals import RefusalStore
from ordermesh.routing.ports.runs import RunStore
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class OrderRow:
    """An order as it is listed, with what belongs to it by id."""

    number: int
    order: Order
    decision_ids: tuple[UUID, ...]
    fulfillment_order_ids: tuple[str, ...]


@dataclass(frozen=True)
class Marks:
    """By which a story in memory is known to be the one that is stored."""

    origin: UUID
    version: int
    step: Step
    epoch: int
    answer_by: datetime


@dataclass(frozen=True)
class Glance:
    """What a waiting caller needs to know of an order.

    ``is_moving``: a worker has something to do before it can be told what became of it.
    """

    request_id: UUID
    is_moving: bool


@dataclass(frozen=True)
class WorkRow:
    """Work as it is listed."""

    number: int
    work: FulfillmentOrder


@dataclass(frozen=True)
class StoredDecision:
    """A decision as it was stored: its message, serialized."""

    number: int
    decision_id: UUID
    payload: bytes


ASKED_ONLY = ""
"""The order of a decision that was only asked for."""


@dataclass(frozen=True)
class NewDecision:
    """A decision to be stored; ``request_id`` is the request that asked for it, if one did.

    ``record`` is what it can be made again from, None where there was nothing to solve.
    """

    decision_id: UUID
    order_id: str
    request_id: UUID | None
    method: str
    outcome: str
    create_time: datetime
    payload: bytes
    record: bytes | None = None


@dataclass(frozen=True)
class OrderFilter:
    """Which orders; what is not set lets everything pass."""

    state: OrderState | None = None
    channel: str = ""
    queue: str = ""
    is_held: bool = False


@dataclass(frozen=True)
class WorkFilter:
    """Which fulfillment orders; what is not set lets everything pass."""

    order_id: str = ""
    location_id: str = ""
    state: FulfillmentState | None = None


@dataclass(frozen=True)
class Exclusion:
    """A location that rejected a line before, and may have it again from ``end_time`` on."""

    line_id: str
    location_id: str
    reason: RejectReason
    end_time: datetime | None = None


class OrderStore(Protocol):
    """Where orders are kept, with their sagas and their work."""

    async def load(self, tx: Transaction, order_id: str, *, lock: bool) -> Story | None:
        """An order with everything about it. ``lock`` keeps others from it until the commit."""
        ...

    async def insert(self, tx: Transaction, story: Story, contact: Contact | None) -> None:
        """Store a new order."""
        ...

    async def save(self, tx: Transaction, before: Story, after: Story) -> None:
        """Write what is different. The order was loaded with a lock in the same transaction."""
        ...

    async def remove(self, tx: Transaction, story: Story) -> None:
        """Remove an order without a trace: it was never made."""
        ...

    async def lock(self, tx: Transaction, order_id: str) -> Marks | None:
        """Keep others from an order until the commit, without reading it."""
        ...

    async def glance(self, tx: Transaction, order_id: str) -> Glance | None:
        """Whether an order has come to rest, in one statement."""
        ...

    async def wait_on(
        self, tx: Transaction, order_id: str, request_id: UUID, answer_by: datetime
    ) -> None:
        """Somebody waits until then for whether the order of a request can be made.

        Nothing happens where that is decided, or longer waited for already.
        """
        ...

    async def twin(
        self, tx: Transaction, order_id: str, channel: str, channel_order_id: str
    ) -> str | None:
        """The id of the order that has this id, or this id in the channel."""
        ...

    async def id_in_channel(
        self, tx: Transaction, channel: str, channel_order_id: str
    ) -> str | None:
        """The id of the order that a channel calls so."""
        ...

    async def work_of(self, tx: Transaction, fulfillment_order_id: str) -> FulfillmentOrder | None:
        """One piece of work."""
        ...

    async def order_of(self, tx: Transaction, fulfillment_order_id: str) -> str | None:
        """The order that a piece of work is for."""
        ...

    async def exclusions(self, tx: Transaction, order_id: str) -> tuple[Exclusion, ...]:
        """The locations that rejected lines of the order and are still left out."""
        ...

    async def exclude(
        self, tx: Transaction, order_id: str, exclusions: Sequence[Exclusion], note: str
    ) -> None:
        """Leave locations out for lines from now on."""
        ...

    async def rows(self, tx: Transaction, order_ids: Sequence[str]) -> list[OrderRow]:
        """Orders as they are listed, in the order in which they were stored."""
        ...

    async def page(
        self, tx: Transaction, wanted: OrderFilter, after: int, size: int
    ) -> list[OrderRow]:
        """The next orders after a number, in the order in which they were stored."""
        ...

    async def unbegun(self, tx: Transaction, after: int, size: int) -> list[tuple[str, int]]:
        """The orders with work which no location has begun, and the number of the oldest of it.

        The oldest first, of those after a number. Orders that are collected or wait for supply
        are not among them.
        """
        ...

    async def work_page(
        self, tx: Transaction, wanted: WorkFilter, after: int, size: int
    ) -> list[WorkRow]:
        """The next work after a number, the oldest first."""
        ...


class DecisionStore(Protocol):
    """Where decisions are kept."""

    async def put(self, tx: Transaction, decision: NewDecision) -> None:
        """Store a decision."""
        ...

    async def get(self, tx: Transaction, decision_id: UUID) -> StoredDecision | None:
        """One decision."""
        ...

    async def record(self, tx: Transaction, decision_id: UUID) -> bytes | None:
        """What a decision can be made again from, as it was stored; None where it cannot."""
        ...

    async def all_of(self, tx: Transaction, order_id: str) -> tuple[StoredDecision, ...]:
        """The decisions of an order, the oldest first."""
        ...

    async def asked_by(self, tx: Transaction, request_id: UUID) -> StoredDecision | None:
        """The last decision that a request asked for."""
        ...

    async def ids_of(self, tx: Transaction, order_id: str) -> tuple[UUID, ...]:
        """The decisions of an order, the oldest first."""
        ...

    async def page(
        self, tx: Transaction, order_id: str, after: int, size: int
    ) -> list[StoredDecision]:
        """The next decisions of an order after a number, the oldest first."""
        ...

    async def forget(self, tx: Transaction, order_id: str) -> None:
        """Remove the decisions of an order that was never made."""
        ...

    async def withdraw(self, tx: Transaction, decision_ids: Collection[UUID]) -> None:
        """Remove decisions that came to nothing."""
        ...


class PolicyStore(Protocol):
    """Where policies are kept."""

    async def get(self, tx: Transaction, policy_id: str, version: int) -> Policy | None:
        """One version of a policy."""
        ...

    async def versions(self, tx: Transaction, policy_id: str) -> tuple[Policy, ...]:
        """All versions of a policy, the oldest first."""
        ...

    async def active(self, tx: Transaction) -> tuple[Policy, ...]:
        """All versions that are active, whether in force or not."""
        ...

    async def put_state(self, tx: Transaction, policy: Policy, state: PolicyState) -> None:
        """Say what a version is for from now on."""
        ...

    async def add(self, tx: Transaction, policy: Policy, now: datetime) -> Policy:
        """Store the next version; gives it with its number."""
        ...

    async def page(self, tx: Transaction, after: str, size: int) -> tuple[tuple[Policy, ...], ...]:
        """All versions of the next policies after an id, by policy."""
        ...

    async def version_page(
        self, tx: Transaction, policy_id: str, after: int, size: int
    ) -> list[Policy]:
        """The next versions of a policy after a number."""
        ...


class FactStore(Protocol):
    """Where facts are kept that were put from outside."""

    async def put(self, tx: Transaction, facts: Sequence[PutFact], now: datetime) -> None:
        """Store facts, each instead of the one before."""
        ...

    async def forget(self, tx: Transaction, facts: Sequence[PutFact]) -> None:
        """Remove facts."""
        ...

    async def of(self, tx: Transaction, skus: Collection[str]) -> tuple[PutFact, ...]:
        """What was put about these items anywhere, and about locations."""
        ...

    async def page(
        self, tx: Transaction, location_id: str, after: tuple[str, str], size: int
    ) -> list[PutFact]:
        """The next facts of a location after an item and a fact."""
        ...


class Feed(StrEnum):
    """What is followed in inventory."""

    ITEMS = "items"
    LOCATIONS = "locations"


class ContactStore(Protocol):
    """Whom to tell about orders: personal data, in one table from which rows can be deleted."""

    async def of(self, tx: Transaction, order_ids: Collection[str]) -> dict[str, Contact]:
        """The contacts that are kept for these orders, by order."""
        ...


class CopyStore(Protocol):
    """Where the copies of inventory's items and locations are kept."""

    async def items(self, tx: Transaction, skus: Collection[str]) -> dict[str, Item]:
        """The items that are known, by SKU, with the components of the kits among them."""
        ...

    async def page(self, tx: Transaction, after: str, size: int) -> list[Item]:
        """The next items after a SKU."""
        ...

    async def locations(
        self, tx: Transaction, location_ids: Collection[str] | None = None
    ) -> dict[str, KnownLocation]:
        """The locations that are known, by id; None means all."""
        ...

    async def put_items(self, tx: Transaction, items: Sequence[Item]) -> None:
        """Keep items unless a newer change of them is known."""
        ...

    async def put_locations(self, tx: Transaction, locations: Sequence[KnownLocation]) -> None:
        """Keep locations unless a newer change of them is known."""
        ...

    async def revision(self, tx: Transaction, feed: Feed) -> int:
        """Every change up to this revision is known; 0: nothing was ever listed."""
        ...

    async def advance(self, tx: Transaction, feed: Feed, revision: int, now: datetime) -> None:
        """Every change up to the revision is known now."""
        ...


@dataclass(frozen=True)
class Stores:
    """All stores of the service."""

    orders: OrderStore
    decisions: DecisionStore
    capacity: CapacityStore
    network: NetworkStore
    switches: SwitchStore
    calendars: CalendarStore
    policies: PolicyStore
    facts: FactStore
    copies: CopyStore
    refusals: RefusalStore
    carriage: CarriageStore
    postal_codes: PostalCodeStore
    reassignments: ReassignmentStore
    runs: RunStore
    prices: PriceStore
    demand: DemandStore
