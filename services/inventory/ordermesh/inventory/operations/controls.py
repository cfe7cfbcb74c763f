"""Changing the controls."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from ordermesh.inventory.domain import control as controls_domain
from ordermesh.inventory.domain.control import Control, refuse_impossible
from ordermesh.inventory.domain.key import Actor
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.ports.stores import Stores
from ordermesh.runtime.database import Transaction


@dataclass(frozen=True)
class ControlsChanged:
    """How many controls a request changed, and the version that contains the changes."""

    count: int
    version: int


async def put_controls(
    stores: Stores, tx: Transaction, controls: Sequence[Control], actor: Actor
) -> ControlsChanged:
    """Create and replace controls, all or none.

    Raises ``UnknownSku``, ``UnknownLocation`` and as the domain's ``refuse_impossible``.
    """
    refuse_impossible(controls)
    names = Names()
    await stores.items.resolve(tx, {one.sku for one in controls if one.sku}, names)
    places = {one.location_id for one in controls if one.location_id}
    await stores.locations.resolve(tx, places, names)
    version, stored = await stores.controls.lock(tx)
    now = await tx.now()
    changed = controls_domain.put(controls, stored, version + 1, now)
    if not changed:
        return ControlsChanged(0, version)
    await stores.controls.change(tx, version + 1, putting=changed, actor=actor, now=now)
    return ControlsChanged(len(changed), version + 1)


async def delete_controls(
    stores: Stores, tx: Transaction, control_ids: Collection[str], actor: Actor
) -> ControlsChanged:
    """End controls; what does not exist is passed over."""
    version, stored = await stores.controls.lock(tx)
    gone = [one for one in stored if one.control_id in control_ids]
    if not gone:
        return ControlsChanged(0, version)
    now = await tx.now()
    await stores.controls.change(tx, version + 1, deleting=gone, actor=actor, now=now)
    return ControlsChanged(len(gone), version + 1)
