"""Orders, their sagas and their work in SQL: read as a whole, written where they differ."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    Integer,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from ordermesh.routing.domain.fulfillment import (
    OPEN_TO_CHANGE,
    FulfillmentOrder,
)
from ordermesh.routing.domain.network import SHIP
from ordermesh.routing.domain.saga import Step
from ordermesh.routing.domain.story import Story
from ordermesh.routing.domain.submission import Contact
from ordermesh.routing.ports.stores import (
    Exclusion,
    Glance,
    Marks,
    OrderFilter,
    OrderRow,
    WorkFilter,
    WorkRow,
)
from ordermesh.routing.store import rows
from ordermesh.routing.store.exclusions import exclude, exclusions_of
from ordermesh.routing.store.filtering import conditions_of
from ordermesh.routing.store.lines import lines_of, save_lines
from ordermesh.routing.store.tables.decisions import decision
from ordermesh.routing.store.tables.orders import (
    contact,
    customer_order,
    order_component,
    order_line,
    saga,
)
from ordermesh.routing.store.tables.work import fulfillment_order
from ordermesh.routing.store.work import WITH_LINES, listed_work, save_work, settle_capacity
from ordermesh.runtime.database import Transaction

_WITH_SAGA = select(
    customer_order,
    *(column.label(f"saga_{column.name}") for column in saga.c),
).join_from(customer_order, saga)

_MARKS = select(
    customer_order.c.origin,
    customer_order.c.version,
    saga.c.step,
    saga.c.epoch,
    saga.c.answer_by,
).join_from(customer_order, saga)

_GLANCE = select(
    saga.c.request_id,
    saga.c.step,
    saga.c.is_conditional,
    customer_order.c.cancel_requested,
    exists()
    .where(
        order_line.c.order_id == customer_order.c.order_id,
        order_line.c.quantity
        > order_line.c.sourced + order_line.c.cancelled + order_line.c.unfilled,
    )
    .label("is_undecided"),
).join_from(customer_order, saga)

# Asked with every order and every piece of work, so built once.
_ONE = _WITH_SAGA.where(customer_order.c.order_id == bindparam("of_order"))
_ONE_LOCKED = _ONE.with_for_update()
"""Both rows, so that both are as they are when the lock is granted."""

_WORK_OF_ORDER = WITH_LINES.where(fulfillment_order.c.order_id == bindparam("of_order"))
_WORK = WITH_LINES.where(fulfillment_order.c.fulfillment_order_id == bindparam("of_work"))


@cache
def _work_page(names: tuple[str, ...]) -> Select[Any]:
    """The next work after a number that has values in these columns."""
    numbers = (
        select(fulfillment_order.c.number)
        .where(
            fulfillment_order.c.number > bindparam("after"),
            *(
                fulfillment_order.c[name] == bindparam(name)
                for name in names
                if name not in ("after", "rows")
            ),
        )
        .order_by(fulfillment_order.c.number)
        .limit(bindparam("rows", type_=Integer))
        .subquery()
    )
    return WITH_LINES.where(fulfillment_order.c.number.in_(select(numbers.c.number)))


class SqlOrderStore:
    """Keeps orders. Whoever changes one loads it with a lock first."""

    async def load(self, tx: Transaction, order_id: str, *, lock: bool) -> Story | None:
        """An order with everything about it. ``lock`` keeps others from it until the commit."""
        found = (
            await tx.execute(_ONE_LOCKED if lock else _ONE, {"of_order": order_id})
        ).one_or_none()
        if found is None:
            return None
        lines = await lines_of(tx, [order_id])
        work = await listed_work(tx, _WORK_OF_ORDER, {"of_order": order_id})
        return Story(
            rows.order(found, lines[order_id]),
            rows.saga(found),
            tuple(one.work for one in work),
        )

    async def insert(self, tx: Transaction, story: Story, whom: Contact | None) -> None:
        """Store a new order."""
        order = story.order
        await tx.execute(insert(customer_order).values(rows.order_values(order)))
        await tx.execute(
            insert(order_line),
            [
                rows.line_values(order.order_id, number, line)
                for number, line in enumerate(order.lines)
            ],
        )
        components = rows.component_values(order)
        if components:
            await tx.execute(insert(order_component), components)
        if whom is not None:
            await tx.execute(
                insert(contact).values(
                    order_id=order.order_id,
                    name=whom.name,
                    email=whom.email,
                    phone=whom.phone,
                    address_lines=list(whom.address_lines),
                    language=whom.language,
                )
            )
        await tx.execute(insert(saga).values(rows.saga_values(story.saga)))

    async def save(self, tx: Transaction, before: Story, after: Story) -> None:
        """Write what is different. The order was loaded with a lock in the same transaction."""
        order_id = before.order.order_id
        values = rows.changed(rows.order_values(before.order), rows.order_values(after.order))
        if values:
            await tx.execute(
                update(customer_order).where(customer_order.c.order_id == order_id).values(values)
            )
        await save_lines(tx, before.order, after.order)
        values = rows.changed(rows.saga_values(before.saga), rows.saga_values(after.saga))
        if values:
            await tx.execute(update(saga).where(saga.c.order_id == order_id).values(values))
        await save_work(tx, before.work, after.work)
        await settle_capacity(tx, before.work, after.work)

    async def remove(self, tx: Transaction, story: Story) -> None:
        """Remove an order without a trace: it was never made."""
        await settle_capacity(tx, story.work, ())
        await tx.execute(
            delete(customer_order).where(customer_order.c.order_id == story.order.order_id)
        )

    async def lock(self, tx: Transaction, order_id: str) -> Marks | None:
        """Keep others from an order until the commit, without reading it."""
        found = (
            await tx.execute(_MARKS.where(customer_order.c.order_id == order_id).with_for_update())
        ).one_or_none()
        if found is None:
            return None
        return Marks(found.origin, found.version, Step(found.step), found.epoch, found.answer_by)

    async def glance(self, tx: Transaction, order_id: str) -> Glance | None:
        """Whether an order has come to rest, in one statement."""
        found = (
            await tx.execute(_GLANCE.where(customer_order.c.order_id == order_id))
        ).one_or_none()
        if found is None:
            return None
        is_moving = (
            found.step != Step.PLAN
            or found.is_conditional
            or found.cancel_requested
            or found.is_undecided
        )
        return Glance(found.request_id, is_moving)

    async def wait_on(
        self, tx: Transaction, order_id: str, request_id: UUID, answer_by: datetime
    ) -> None:
        """Somebody waits until then for whether the order of a request can be made."""
        await tx.execute(
            update(saga)
            .where(
                saga.c.order_id == order_id,
                saga.c.request_id == request_id,
                saga.c.is_conditional,
                saga.c.answer_by < answer_by,
            )
            .values(answer_by=answer_by)
        )

    async def twin(
        self, tx: Transaction, order_id: str, channel: str, channel_order_id: str
    ) -> str | None:
        """The id of the order that has this id, or this id in the channel."""
        found = await tx.execute(
            select(customer_order.c.order_id).where(
                or_(
                    customer_order.c.order_id == order_id,
                    and_(
                        customer_order.c.channel == channel,
                        customer_order.c.channel_order_id == channel_order_id,
                    ),
                )
            )
        )
        ids = set(found.scalars())
        return order_id if order_id in ids else next(iter(ids), None)

    async def id_in_channel(
        self, tx: Transaction, channel: str, channel_order_id: str
    ) -> str | None:
        """The id of the order that a channel calls so."""
        found = await tx.execute(
            select(customer_order.c.order_id).where(
                customer_order.c.channel == channel,
                customer_order.c.channel_order_id == channel_order_id,
            )
        )
        return found.scalar_one_or_none()

    async def work_of(self, tx: Transaction, fulfillment_order_id: str) -> FulfillmentOrder | None:
        """One piece of work."""
        found = await listed_work(tx, _WORK, {"of_work": fulfillment_order_id})
        return found[0].work if found else None

    async def order_of(self, tx: Transaction, fulfillment_order_id: str) -> str | None:
        """The order that a piece of work is for."""
        found = await tx.execute(
            select(fulfillment_order.c.order_id).where(
                fulfillment_order.c.fulfillment_order_id == fulfillment_order_id
            )
        )
        return found.scalar_one_or_none()

    async def exclusions(self, tx: Transaction, order_id: str) -> tuple[Exclusion, ...]:
        """The locations that rejected lines of the order and are still left out."""
        return await exclusions_of(tx, order_id)

    async def exclude(
        self, tx: Transaction, order_id: str, exclusions: Sequence[Exclusion], note: str
    ) -> None:
        """Leave locations out for lines from now on, as the last one to say so says."""
        await exclude(tx, order_id, exclusions, note)

    async def rows(self, tx: Transaction, order_ids: Sequence[str]) -> list[OrderRow]:
        """Orders as they are listed, in the order in which they were stored."""
        return await _listed(
            tx, select(customer_order).where(customer_order.c.order_id.in_(list(order_ids)))
        )

    async def page(
        self, tx: Transaction, wanted: OrderFilter, after: int, size: int
    ) -> list[OrderRow]:
        """The next orders after a number, in the order in which they were stored."""
        statement = select(customer_order).where(
            customer_order.c.number > after, *conditions_of(wanted)
        )
        return await _listed(tx, statement.limit(size))

    async def unbegun(self, tx: Transaction, after: int, size: int) -> list[tuple[str, int]]:
        """The orders with work which no location has begun, and the number of the oldest of it."""
        of = fulfillment_order.c
        first, stays = func.min(of.number), or_(of.method != SHIP, of.available_time.is_not(None))
        rows = await tx.execute(
            select(of.order_id, first.label("first"))
            .where(of.state.in_(sorted(OPEN_TO_CHANGE)))
            .group_by(of.order_id)
            .having(first > after, func.sum(case((stays, 1), else_=0)) == 0)
            .order_by(first)
            .limit(size)
        )
        return [(row.order_id, row.first) for row in rows]

    async def work_page(
        self, tx: Transaction, wanted: WorkFilter, after: int, size: int
    ) -> list[WorkRow]:
        """The next work after a number, the oldest first."""
        values: dict[str, Any] = {"after": after, "rows": size}
        if wanted.order_id:
            values["order_id"] = wanted.order_id
        if wanted.location_id:
            values["location_id"] = wanted.location_id
        if wanted.state is not None:
            values["state"] = wanted.state
        return await listed_work(tx, _work_page(tuple(values)), values)


async def _listed(tx: Transaction, statement: Select[Any]) -> list[OrderRow]:
    found = (await tx.execute(statement.order_by(customer_order.c.number))).all()
    order_ids = [row.order_id for row in found]
    if not order_ids:
        return []
    lines = await lines_of(tx, order_ids)
    decisions: dict[str, list[UUID]] = defaultdict(list)
    for row in await tx.execute(
        select(decision.c.order_id, decision.c.decision_id)
        .where(decision.c.order_id.in_(order_ids))
        .order_by(decision.c.number)
    ):
        decisions[row.order_id].append(row.decision_id)
    work: dict[str, list[str]] = defaultdict(list)
    for row in await tx.execute(
        select(fulfillment_order.c.order_id, fulfillment_order.c.fulfillment_order_id)
        .where(fulfillment_order.c.order_id.in_(order_ids))
        .order_by(fulfillment_order.c.number)
    ):
        work[row.order_id].append(row.fulfillment_order_id)
    return [
        OrderRow(
            row.number,
            rows.order(row, lines[row.order_id]),
            tuple(decisions[row.order_id]),
            tuple(work[row.order_id]),
        )
        for row in found
    ]
