"""Shops: customers put things into carts, order, change their minds, and ask twice."""

import asyncio
from collections.abc import Sequence

from google.protobuf.duration_pb2 import Duration

from ordermesh.api.inventory.v1 import (
    ExtendRequest,
    ReleaseRequest,
    ReserveLine,
    ReserveRequest,
)
from ordermesh.api.order.v1 import Contact
from ordermesh.api.routing.v1 import CancelOrderRequest, NewOrderLine, SubmitOrderRequest
from tests.routing.house import ALWAYS, IF_SOURCED, line, submission
from tests.simulation.asking import Caller, Told
from tests.simulation.stories.world import KIT, LOCATIONS, SKUS, key


class Shop:
    """Customers, one after the other.

    Who leaves a cart in the moment it is filled has filled it within ``hurry`` seconds.
    """

    def __init__(
        self, caller: Caller, customers: int, seconds: float, *, hurry: float = 0.0
    ) -> None:
        self._caller = caller
        self._customers = customers
        self._hurry = hurry
        self._pause = 2 * seconds / customers
        self._number = 0

    async def run(self) -> None:
        for _ in range(self._customers):
            await self._caller.rest(self._pause)
            await self._serve()

    async def _serve(self) -> None:
        caller = self._caller
        self._number += 1
        order_id = f"{caller.name}-{self._number}"
        lines = self._lines()
        if caller.likely(0.1):
            await self._change_mind(lines)
            return
        cart = await self._cart(lines) if caller.likely(0.4) else None
        if cart is not None and caller.likely(0.3):
            cart = await self._fill_more(cart)
        if cart is not None and caller.likely(0.35):
            await self._leave(cart)
            return
        request = submission(
            order_id,
            *lines,
            request_id=caller.new_id(),
            acceptance=ALWAYS if caller.likely(0.6) else IF_SOURCED,
            checkout_reservation_ids=[] if cart is None else [cart.request.reservation_id],
            contact=self._contact(order_id),
        )
        submitting = caller.ask(caller.mesh.orders.SubmitOrder, request)
        if caller.likely(0.2):
            # Impatient: the cancellation may arrive first, or while the order is being sourced.
            await asyncio.gather(submitting, self._cancel(order_id, within=0.15))
            return
        told = await submitting
        if caller.likely(0.35):
            await caller.rest(caller.random.choice((0.5, 3.0)))
            await self._cancel(order_id)
        if told.is_ok and caller.likely(0.1):
            await self._order_again(request)

    def _contact(self, order_id: str) -> Contact:
        """Who buys; some want no mails."""
        email = f"{order_id}@customers.example" if self._caller.likely(0.85) else ""
        return Contact(name="Ada", email=email, language="en")

    def _lines(self) -> list[NewOrderLine]:
        random = self._caller.random
        skus = random.sample((*SKUS, KIT), random.choice((1, 1, 2, 3)))
        if random.random() < 0.25:
            # Two lines of one item: together they may be more than there is.
            skus.append(random.choice(skus))
        return [line(str(number), sku, random.randint(1, 4)) for number, sku in enumerate(skus, 1)]

    async def _change_mind(self, lines: Sequence[NewOrderLine]) -> None:
        """A cart is left in the moment it is filled: its release may come before it is made."""
        reservation_id = self._caller.new_id()
        await asyncio.gather(
            self._cart(lines, reservation_id, within=self._hurry),
            self._release(reservation_id, within=0.01),
        )
        if self._hurry and self._caller.likely(0.5):
            # Another cart under the same name: there is one already, or it may not be made.
            await self._cart(self._lines(), reservation_id)

    async def _release(self, reservation_id: str, within: float = 0.0) -> None:
        caller = self._caller
        await caller.rest(within)
        release = ReleaseRequest(request_id=caller.new_id(), reservation_id=reservation_id)
        await caller.ask(caller.mesh.reservations.Release, release)

    async def _cart(
        self, lines: Sequence[NewOrderLine], reservation_id: str = "", within: float = 0.0
    ) -> Told:
        caller = self._caller
        if within:
            await caller.rest(within)
        place = caller.random.choice(LOCATIONS)
        request = ReserveRequest(
            request_id=caller.new_id(),
            reservation_id=reservation_id or caller.new_id(),
            lines=[
                ReserveLine(line_id=one.line_id, key=key(one.sku, place), quantity=one.quantity)
                for one in lines
            ],
            hold_duration=Duration(seconds=caller.random.randint(2, 25)),
        )
        return await caller.ask(caller.mesh.reservations.Reserve, request)

    async def _fill_more(self, cart: Told) -> Told:
        """More of the same instead of what is in the cart: a little, or more than there is.

        Gives the cart that there is afterwards, as far as is known.
        """
        caller = self._caller
        more = caller.random.choice((1, 2, 30))
        request = ReserveRequest()
        request.CopyFrom(cart.request)
        request.request_id, request.reservation_id = caller.new_id(), caller.new_id()
        request.replaces_reservation_ids.append(cart.request.reservation_id)
        request.lines[0].quantity += more
        told = await caller.ask(caller.mesh.reservations.Reserve, request)
        return told if told.is_ok else cart

    async def _leave(self, cart: Told) -> None:
        """The customer goes: with a word, after a while, or without."""
        caller = self._caller
        reservation_id = cart.request.reservation_id
        if caller.likely(0.3):
            request = ExtendRequest(
                request_id=caller.new_id(),
                reservation_id=reservation_id,
                hold_duration=Duration(seconds=caller.random.randint(2, 30)),
            )
            await caller.ask(caller.mesh.reservations.Extend, request)
        if caller.likely(0.5):
            await self._release(reservation_id)

    async def _cancel(self, order_id: str, within: float = 0.0) -> Told:
        await self._caller.rest(within)
        request = CancelOrderRequest(request_id=self._caller.new_id(), order_id=order_id)
        return await self._caller.ask(self._caller.mesh.orders.CancelOrder, request)

    async def _order_again(self, request: SubmitOrderRequest) -> None:
        """The same order under another id of request: there is one already."""
        again = SubmitOrderRequest()
        again.CopyFrom(request)
        again.request_id = self._caller.new_id()
        await self._caller.ask(self._caller.mesh.orders.SubmitOrder, again)
