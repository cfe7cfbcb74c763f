"""Switching locations on and off."""

from uuid import UUID

from ordermesh.api.routing.v1 import (
    EndSwitchRequest,
    EndSwitchResponse,
    SwitchLocationRequest,
    SwitchLocationResponse,
)
from ordermesh.kernel.ids import derived_id
from ordermesh.routing.domain.errors.network import NotInNetwork, SwitchNotFound
from ordermesh.routing.domain.switch import Switch, Switches, check
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.money import instant
from ordermesh.routing.wire.order import method_name
from ordermesh.routing.wire.timetable import switch_message
from ordermesh.runtime.call import current_call
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.idempotency import Mutations


class Switching:
    """Turns methods of locations on and off for a while."""

    def __init__(self, mutations: Mutations, stores: Stores) -> None:
        self._mutations = mutations
        self._stores = stores

    async def switch(self, request: SwitchLocationRequest) -> SwitchLocationResponse:
        """Store a switch; raises what the contract lists."""
        return await self._mutations.run(
            request, SwitchLocationResponse, lambda tx: self._switch(tx, request)
        )

    async def _switch(
        self, tx: Transaction, request: SwitchLocationRequest
    ) -> SwitchLocationResponse:
        now = await tx.now()
        switch = Switch(
            switch_id=derived_id("switch", UUID(request.request_id)),
            location_id=request.location_id,
            methods=tuple(sorted(method_name(method) for method in request.methods)),
            is_on=request.is_on,
            start_time=instant(request.start_time, "start_time")
            if request.HasField("start_time")
            else now,
            end_time=instant(request.end_time, "end_time")
            if request.HasField("end_time")
            else None,
            reason=request.reason,
            caller=current_call().identity.name,
            on_behalf_of=request.on_behalf_of,
            create_time=now,
        )
        check(switch, now)
        if not await self._stores.network.has(tx, request.location_id):
            raise NotInNetwork(request.location_id)
        added = await self._stores.switches.add(tx, switch)
        switches = Switches.of(await self._stores.switches.lasting(tx, now))
        return SwitchLocationResponse(switch=switch_message(added, switches, now))

    async def end(self, request: EndSwitchRequest) -> EndSwitchResponse:
        """End a switch; raises what the contract lists."""
        return await self._mutations.run(
            request, EndSwitchResponse, lambda tx: self._end(tx, request)
        )

    async def _end(self, tx: Transaction, request: EndSwitchRequest) -> EndSwitchResponse:
        known = await self._stores.switches.lock(tx, UUID(request.switch_id))
        if known is None:
            raise SwitchNotFound(request.switch_id)
        now = await tx.now()
        ended = known.ended(now)
        if ended != known:
            await self._stores.switches.end(tx, ended)
        switches = Switches.of(await self._stores.switches.lasting(tx, now))
        return EndSwitchResponse(switch=switch_message(ended, switches, now))
