"""What a worker asks of the ledger at each step of an order, and what it makes of the answers."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from uuid import UUID

from ordermesh.kernel.errors import DomainError
from ordermesh.routing.domain import outcomes
from ordermesh.routing.domain.errors.reservation import (
    Fenced,
    NotYourReservation,
    ReservationClosed,
    ReservationNotFound,
)
from ordermesh.routing.domain.errors.sourcing import (
    CannotBeSourced,
    HoldQuotaExceeded,
    InsufficientStock,
    PurchaseLimit,
    ShortLine,
)
from ordermesh.routing.domain.fulfillment import FulfillmentOrder, FulfillmentState
from ordermesh.routing.domain.outcomes import Limit
from ordermesh.routing.domain.reservable import TOO_MANY_PARTS
from ordermesh.routing.domain.saga import PLANS_MAX, call_id
from ordermesh.routing.domain.story import Story, Told
from ordermesh.routing.ports.stock import (
    BooksInDoubt,
    CartProblem,
    CartRefused,
    Held,
    Limited,
    Lost,
    NotThere,
    ReservationCall,
    ReservationUnits,
    ReserveCall,
    ShipCall,
    Shipped,
    Short,
    Stock,
    WantedUnits,
)
from ordermesh.runtime.failpoints import At
from ordermesh.runtime.telemetry import Attributes, span

HOLD_SECONDS = 120.0
"""How long stock is held for an order that is only made if all of it can be held."""


@dataclass(frozen=True)
class Change:
    """What is to be made of the rows, if they are still where they were."""

    apply: Callable[[Story], Told]


@dataclass(frozen=True)
class Refuse:
    """The order is not made, and its submitter is told why."""

    error: DomainError


@dataclass(frozen=True)
class Rest:
    """The ledger was too busy: the plan is dropped, and another is made in a while."""

    apply: Callable[[Story], Story]


@dataclass(frozen=True)
class RefuseShipping:
    """The ledger knows of no such goods: the location is told so."""

    fulfillment_order_id: str
    error: DomainError


Verdict = Change | Refuse | Rest | RefuseShipping


class Steps:
    """The calls to the ledger."""

    def __init__(self, stock: Stock, at: At) -> None:
        self._stock = stock
        self._at = at

    async def reserve(self, story: Story) -> Verdict:
        """Hold the plan: for good, unless the order may still be refused."""
        units = _wanted(story)
        if not units:
            return Change(outcomes.source)
        saga, order = story.saga, story.order
        call = ReserveCall(
            request_id=call_id(order, "reserve", saga.epoch),
            reservation_id=story.reservation_id,
            order_id=order.order_id,
            on_behalf_of=order.actor.caller,
            units=units,
            confirm=not saga.is_conditional,
            hold_seconds=HOLD_SECONDS,
            replaces=(*saga.replaced_ids, *saga.checkout_ids),
            fence=saga.epoch,
            channel=order.channel,
            customer=order.customer,
        )
        await self._at("before reserve")
        facts = {
            Attributes.ORDER_ID: order.order_id,
            Attributes.RESERVATION_ID: str(call.reservation_id),
        }
        with span("reserve", facts):
            answer = await self._stock.reserve(call)
        await self._at("after reserve")
        match answer:
            case Held():
                return Change(outcomes.source if call.confirm else _quietly(outcomes.held))
            case Short():
                return self._short(story, answer)
            case Limited():
                return await self._limited(story, Limit(answer.reason, answer.rows))
            case CartRefused():
                return self._cart_refused(story, answer)
            case Lost():
                return Change(_quietly(outcomes.expired))

    def _short(self, story: Story, answer: Short) -> Verdict:
        if story.saga.plans < PLANS_MAX:
            return Change(_quietly(lambda known: outcomes.short(known, answer.caps)))
        if story.saga.is_conditional:
            return Refuse(InsufficientStock(_short_lines(story, answer)))
        return Rest(lambda known: outcomes.rest(outcomes.short(known, answer.caps)))

    async def _limited(self, story: Story, limit: Limit) -> Verdict:
        """Never tried again as it is: a limit is no shortage that passes."""
        if story.saga.is_conditional:
            return Refuse(_limit_error(story, limit))
        # What the order holds and does not need counts as bought as long as it is held.
        freed = [one for one in story.work if one.is_freed and _holds_beside(story, one)]
        if not freed:
            return Change(lambda known: outcomes.limited(known, limit))
        done = [await self._give_back(story, one) for one in freed]
        await self._at("after giving back")
        return Change(_quietly(lambda known: outcomes.gave_back(known, done)))

    def _cart_refused(self, story: Story, answer: CartRefused) -> Verdict:
        reservation_id = answer.reservation_id
        if reservation_id not in story.saga.checkout_ids:
            return Change(
                _quietly(lambda known: outcomes.without_reservation(known, reservation_id))
            )
        if not story.saga.is_conditional:
            # It has been paid: it is sourced without the cart.
            return Change(
                _quietly(lambda known: outcomes.without_checkout(known, [reservation_id]))
            )
        error = {
            CartProblem.NOT_FOUND: ReservationNotFound,
            CartProblem.NOT_YOURS: NotYourReservation,
            CartProblem.CLOSED: ReservationClosed,
            CartProblem.FENCED: Fenced,
        }[answer.problem]
        return Refuse(error(str(reservation_id)))

    async def confirm(self, story: Story) -> Verdict:
        """Make the hold last; what is left of a hold that was lost is released."""
        await self._at("before confirm")
        answer = await self._stock.confirm(self._call(story, "confirm"))
        await self._at("after confirm")
        if isinstance(answer, Held):
            return Change(outcomes.source)
        with suppress(BooksInDoubt):
            # What is left of the hold ends by itself when its time has passed.
            await self._stock.release(self._call(story, "release lost"))
        return Change(_quietly(outcomes.expired))

    async def undo(self, story: Story) -> None:
        """Release whatever may be held, the reservation of an unanswered call too."""
        await self._at("before undo")
        for reservation_id in outcomes.to_release(story):
            await self._stock.release(
                ReservationCall(
                    request_id=call_id(story.order, "undo", story.saga.epoch, reservation_id),
                    reservation_id=reservation_id,
                    on_behalf_of=story.order.actor.caller,
                    fence=story.saga.epoch,
                )
            )
        await self._at("after undo")

    async def release_surplus(self, story: Story) -> Verdict:
        """Release what closed work held and nobody took over."""
        done = [await self._give_back(story, work) for work in outcomes.surplus(story)]
        await self._at("after surplus")
        return Change(_quietly(lambda known: outcomes.surplus_released(known, done)))

    async def _give_back(self, story: Story, work: FulfillmentOrder) -> str:
        """Release what closed work holds; gives its id."""
        for reservation_id in work.reservation_ids:
            units = tuple(
                WantedUnits(line.line_id, line.sku, work.location_id, line.held)
                for line in work.lines
                if line.reservation_id == reservation_id and line.held
            )
            if units:
                await self._stock.release(
                    ReservationCall(
                        request_id=call_id(
                            story.order, "surplus", work.fulfillment_order_id, reservation_id
                        ),
                        reservation_id=reservation_id,
                        on_behalf_of=story.order.actor.caller,
                        # New plans may be made between two tries of this call.
                        fence=0,
                        units=units,
                    )
                )
        return work.fulfillment_order_id

    async def ship(self, story: Story) -> Verdict:
        """Tell the ledger what has left, one fulfillment order at a time."""
        work = next(one for one in story.work if one.state is FulfillmentState.SHIPPING)
        name = work.fulfillment_order_id
        await self._at("before ship")
        with span("ship", {Attributes.ORDER_ID: story.order.order_id}) as current:
            current.set_attribute(Attributes.FULFILLMENT_ORDER_ID, name)
            return await self._ship(story, work)

    async def _ship(self, story: Story, work: FulfillmentOrder) -> Verdict:
        name = work.fulfillment_order_id
        answer = await self._leave(story, work, await self._still_here(work))
        if isinstance(answer, NotThere):
            return RefuseShipping(name, InsufficientStock(_missing(work, answer)))
        await self._at("after ship")
        return Change(lambda known: outcomes.end_shipping(known, name))

    async def _still_here(self, work: FulfillmentOrder) -> list[UUID]:
        """The reservations of work of which the ledger does not know that it has left.

        Several leave together. But who told one after the other, as this was done before, may have
        ended between two of them; what has left cannot leave again.
        """
        if len(work.reservation_ids) < 2:
            return list(work.reservation_ids)
        gone = await self._stock.left(work.order_id, work.fulfillment_order_id)
        return [one for one in work.reservation_ids if one not in gone]

    async def _leave(
        self, story: Story, work: FulfillmentOrder, reservation_ids: Sequence[UUID]
    ) -> Shipped | NotThere:
        """All of it leaves, or nothing."""
        name, whose, fence = work.fulfillment_order_id, story.order.actor.caller, story.saga.epoch
        request_id = call_id(story.order, "ship", name, work.ship_request_id, *reservation_ids)
        parts = tuple(ReservationUnits(one, _units_of(work, one)) for one in reservation_ids)
        match parts:
            case ():
                return Shipped()
            case (only,):
                return await self._stock.ship(
                    ReservationCall(request_id, only.reservation_id, whose, fence, only.units, name)
                )
            case _:
                return await self._stock.ship_together(
                    ShipCall(request_id, parts, whose, fence, name)
                )

    def _call(self, story: Story, purpose: str) -> ReservationCall:
        return ReservationCall(
            request_id=call_id(story.order, purpose, story.saga.epoch),
            reservation_id=story.reservation_id,
            on_behalf_of=story.order.actor.caller,
            fence=story.saga.epoch,
        )


def _wanted(story: Story) -> tuple[WantedUnits, ...]:
    """What the plan needs to be held: what is in hand and what waits for one line as one."""
    found: dict[tuple[str, str, str], WantedUnits] = {}
    for one in story.planned:
        for line in one.lines:
            if line.reservation_id is not None or line.brought_by:
                continue
            key = (line.line_id, line.sku, one.location_id)
            had = found.get(key, WantedUnits(*key, 0))
            waits = [at for at in (had.needed_by, one.available_time) if at is not None]
            total = had.quantity + line.quantity
            found[key] = WantedUnits(*key, total, max(waits, default=None))
    return tuple(found.values())


def _quietly(step: Callable[[Story], Story]) -> Callable[[Story], Told]:
    """A step of which nothing is told."""
    return lambda story: (step(story), ())


def _short_lines(story: Story, answer: Short) -> list[ShortLine]:
    """The lines of the plan that the ledger's short keys are about."""
    caps = {(cap.sku, cap.location_id): cap.available for cap in answer.caps}
    wanted: dict[tuple[str, str], int] = {}
    for one in story.planned:
        for line in one.lines:
            key = (line.sku, one.location_id)
            wanted[key] = wanted.get(key, 0) + line.quantity
    return [
        ShortLine(
            line.line_id,
            line.sku,
            one.location_id,
            wanted[line.sku, one.location_id],
            caps[line.sku, one.location_id],
        )
        for one in story.planned
        for line in one.lines
        if (line.sku, one.location_id) in caps
    ]


def _holds_beside(story: Story, work: FulfillmentOrder) -> bool:
    """Whether work holds something that the present plan's reservation does not replace."""
    return any(
        line.held and line.reservation_id not in story.saga.replaced_ids for line in work.lines
    )


def _limit_error(story: Story, limit: Limit) -> DomainError:
    """The refusal of an order over a limit, with the lines that it is about."""
    if limit.reason == HoldQuotaExceeded.reason:
        return HoldQuotaExceeded(limit.rows[0])
    if limit.reason == TOO_MANY_PARTS:
        lines = story.order.lines
        return CannotBeSourced((line.line_id, line.sku, limit.reason) for line in lines)
    return PurchaseLimit(
        [
            {"lineId": line.line_id, **facts}
            for line in story.order.lines
            if (facts := limit.facts_of(line, story)) is not None
        ]
    )


def _units_of(work: FulfillmentOrder, reservation_id: UUID) -> tuple[WantedUnits, ...]:
    """The units of work that a reservation holds."""
    return tuple(
        WantedUnits(line.line_id, line.sku, work.location_id, line.quantity)
        for line in work.lines
        if line.reservation_id == reservation_id
    )


def _missing(work: FulfillmentOrder, answer: NotThere) -> list[ShortLine]:
    """The lines of work that lack units, each once: several reservations may hold one of them."""
    wanted: dict[tuple[str, str], int] = {}
    for line in work.lines:
        if not answer.on_hand or line.sku in answer.on_hand:
            key = (line.line_id, line.sku)
            wanted[key] = wanted.get(key, 0) + line.quantity
    return [
        ShortLine(line_id, sku, work.location_id, units, answer.on_hand.get(sku, 0))
        for (line_id, sku), units in wanted.items()
    ]
