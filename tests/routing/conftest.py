"""Fixtures of the routing service: it and inventory as real servers, each on its own database."""

from collections.abc import AsyncIterator, Callable

import pytest

from tests.routing.house import House

INVENTORY = "ordermesh.inventory:migrations"
ROUTING = "ordermesh.routing:migrations"


@pytest.fixture
async def house(migrated_url: Callable[[str], str]) -> AsyncIterator[House]:
    """Routing and inventory with four locations that ship, on both databases."""
    opened = House(migrated_url(INVENTORY), migrated_url(ROUTING))
    await opened.open()
    yield opened
    await opened.close()
