"""Reading and explaining controls."""

from collections.abc import Sequence
from dataclasses import dataclass

from ordermesh.inventory.domain.control import Control
from ordermesh.inventory.domain.key import StockKey
from ordermesh.inventory.ports.controls import Explanation
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.stores import Stores
from ordermesh.inventory.queries.availability import get_availability
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class ControlPage:
    """Some controls in the order of their ids, whether more follow, and their version."""

    rows: Sequence[Control]
    has_more: bool
    version: int


async def list_controls(
    stores: Stores, tx: Transaction, version: int, after: str, size: int
) -> ControlPage:
    """A page of the controls now (0), or of a version. Raises ``UnknownControlVersion``."""
    if version:
        found: Sequence[Control] = await stores.controls.at_version(tx, version)
    else:
        table = await stores.controls.table(tx)
        found, version = table.controls, table.version
    rest = [one for one in found if one.control_id > after]
    return ControlPage(rest[:size], len(rest) > size, version)


async def explain_controls(
    stores: Stores, tx: Transaction, key: StockKey, channel: str
) -> Explanation:
    """Which controls apply. Raises ``UnknownSku``, ``UnknownLocation``."""
    found = await get_availability(stores, tx, [key.sku], [key.location_id], (), channel=channel)
    now = found.read_time
    names = Names()
    await stores.items.look_up(tx, [key.sku], names)
    await stores.locations.look_up(tx, [key.location_id], names)
    pair = names.pair(key)
    table = await stores.controls.table(tx)
    features = await stores.items.features(tx, [key.sku])
    groups = (await stores.locations.places(tx, [pair[1]]))[pair[1]].groups
    product = table.product(key.sku, features[key.sku].tags)
    taken = await stores.controls.taken(tx, now, [pair[0]])
    return Explanation(
        applied=product.applied(key.location_id, groups, channel, now),
        pools={
            owner: (pool, taken.get((pool.number, pair), 0))
            for owner, pool in product.pools(key.location_id, groups, now).items()
        },
        free=found.free[0],
        floor=found.held_back[0],
        available=found.available[0],
        version=table.version,
        now=now,
    )
