"""Platforms: they follow what happens, through everything that goes wrong on the way."""

from ordermesh.api.inventory.v1 import GetAvailabilityRequest
from ordermesh.client.following import follow
from tests.simulation.asking import Caller
from tests.simulation.stories.world import SKUS


class Platform:
    """Follows the events of one service, and keeps the ids of all it was told."""

    def __init__(self, caller: Caller, service: str) -> None:
        self._caller = caller
        self.service = service
        self.heard: list[str] = []
        self.position = 0

    async def run(self) -> None:
        async for batch in follow(self._caller.mesh, self.service, random=self._caller.random):
            self.heard.extend(one.event_id for one in batch.events)
            if batch.position < self.position:
                self._caller.notebook.strange.append(f"{self.service} went back in its feed.")
            self.position = batch.position


class Browser:
    """Looks at what can be had, and never finds less than nothing."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def run(self) -> None:
        while True:
            await self._caller.rest(20.0)
            asked = GetAvailabilityRequest(skus=SKUS)
            reply = await self._caller.read(self._caller.mesh.availability.GetAvailability, asked)
            if reply is not None and any(units < 0 for units in reply.available.quantities):
                self._caller.notebook.strange.append("Less than nothing can be had.")
