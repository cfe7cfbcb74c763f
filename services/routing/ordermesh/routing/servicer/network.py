"""The network."""

from typing import Any

import grpc

from ordermesh.api.routing import v1
from ordermesh.routing.operations.network import PutCalendars, PutNetworkLocations
from ordermesh.routing.operations.switching import Switching
from ordermesh.routing.queries.network import NetworkReading
from ordermesh.routing.queries.reading import Reading
from ordermesh.runtime.database import Database

Context = grpc.aio.ServicerContext[Any, Any]


class NetworkServicer(v1.NetworkServiceServicer):
    """Keeps how locations fulfill."""

    def __init__(
        self,
        database: Database,
        put: PutNetworkLocations,
        switching: Switching,
        put_calendars: PutCalendars,
        reading: Reading,
        network_reading: NetworkReading,
    ) -> None:
        self._database = database
        self._put = put
        self._switching = switching
        self._put_calendars = put_calendars
        self._reading = reading
        self._network_reading = network_reading

    async def PutNetworkLocations(
        self,
        request: v1.PutNetworkLocationsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.PutNetworkLocationsResponse:
        """Create and replace."""
        return await self._put(request)

    async def ListNetworkLocations(
        self,
        request: v1.ListNetworkLocationsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListNetworkLocationsResponse:
        """Read all of them."""
        return await self._database.read(lambda tx: self._reading.network(tx, request))

    async def GetNetworkOverview(
        self,
        request: v1.GetNetworkOverviewRequest,  # noqa: ARG002 - it says nothing
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.GetNetworkOverviewResponse:
        """Say what is known, and how fresh it is."""
        return await self._database.read(self._reading.overview)

    async def SwitchLocation(
        self,
        request: v1.SwitchLocationRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.SwitchLocationResponse:
        """Turn methods on or off for a while."""
        return await self._switching.switch(request)

    async def EndSwitch(
        self,
        request: v1.EndSwitchRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.EndSwitchResponse:
        """End a switch."""
        return await self._switching.end(request)

    async def ListSwitches(
        self,
        request: v1.ListSwitchesRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListSwitchesResponse:
        """Read switches."""
        return await self._database.read(lambda tx: self._network_reading.switches(tx, request))

    async def PutCalendars(
        self,
        request: v1.PutCalendarsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.PutCalendarsResponse:
        """Create and replace calendars."""
        return await self._put_calendars(request)

    async def ListCalendars(
        self,
        request: v1.ListCalendarsRequest,
        context: Context,  # noqa: ARG002 - the signature is the contract's
    ) -> v1.ListCalendarsResponse:
        """Read calendars."""
        return await self._database.read(lambda tx: self._network_reading.calendars(tx, request))
