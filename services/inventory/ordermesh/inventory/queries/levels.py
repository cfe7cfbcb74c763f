"""What is available of the things whose levels are watched."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from ordermesh.inventory.domain.control import Control, ControlKind
from ordermesh.inventory.domain.control_table import ProductControls
from ordermesh.inventory.domain.errors.requests import TooMuchAsked
from ordermesh.inventory.domain.levels import Look, Standing, Subject
from ordermesh.inventory.ports.stores import Stores
from ordermesh.inventory.queries.availability import get_availability
from ordermesh.runtime.database import Transaction

_LOW = ControlKind.LOW_LEVEL


async def look_at(
    stores: Stores, tx: Transaction, skus: Collection[str], known: Mapping[Subject, Standing]
) -> dict[Subject, Look]:
    """The levels of items and kits that controls watch, in every channel that controls name.

    ``known`` are what was looked at before: a location where nothing is left is still looked at,
    and a channel that is named no more is looked at for the last time.
    """
    table = await stores.controls.table(tx)
    if _LOW not in table.kinds or not skus:
        return {}
    now = await tx.now()
    features = await stores.items.features(tx, skus)
    products = {sku: table.product(sku, one.tags) for sku, one in features.items()}
    looks: dict[Subject, Look] = {}
    named = {"", *table.channels}
    standing = {subject for subject, one in known.items() if one.level is not None}
    for channel in sorted(named | {subject.channel for subject in standing}):
        watched = [sku for sku in sorted(products) if _is_watched(products[sku], channel)]
        found = await _looks(stores, tx, watched, products, channel, now, known)
        for look in found:
            if channel in named:
                looks[look.subject] = look
            elif look.subject in standing:
                looks[look.subject] = replace(look, is_last=True)
    return looks


def _is_watched(product: ProductControls, channel: str) -> bool:
    return any(control.is_for(channel) for control in product.of_kind(_LOW))


async def _looks(
    stores: Stores,
    tx: Transaction,
    skus: Sequence[str],
    products: dict[str, ProductControls],
    channel: str,
    now: datetime,
    known: Collection[Subject],
) -> list[Look]:
    """As ``_look``, in parts where that would be more than one read answers."""
    if not skus:
        return []
    try:
        return await _look(stores, tx, skus, products, channel, now, known)
    except TooMuchAsked:
        if len(skus) == 1:
            raise
    half = len(skus) // 2
    return [
        look
        for part in (skus[:half], skus[half:])
        for look in await _looks(stores, tx, part, products, channel, now, known)
    ]


async def _look(
    stores: Stores,
    tx: Transaction,
    skus: Sequence[str],
    products: dict[str, ProductControls],
    channel: str,
    now: datetime,
    known: Collection[Subject],
) -> list[Look]:
    """Of one channel: everywhere together, and at the places that controls name."""
    there = await get_availability(stores, tx, skus, (), (), channel=channel)
    places = set(there.location_ids) | {
        one.location_id for one in known if one.location_id and one.channel == channel
    }
    groups = {
        name: location.groups for name, location in (await stores.locations.get(tx, places)).items()
    }
    width = len(there.location_ids)
    looks: list[Look] = []
    for row, sku in enumerate(skus):
        product = products[sku]
        everywhere = _best(product.candidates(_LOW, "", (), now), channel)
        if everywhere is not None:
            subject = Subject(sku, channel, "")
            looks.append(Look(subject, there.totals[row], everywhere.value))
        units = dict(
            zip(
                there.location_ids,
                there.available[row * width : (row + 1) * width],
                strict=True,
            )
        )
        for place in sorted(groups):
            here = [
                control
                for control in product.candidates(_LOW, place, groups[place], now)
                if control.location_id or control.location_group
            ]
            local = _best(here, channel)
            if local is not None:
                subject = Subject(sku, channel, place)
                looks.append(Look(subject, units.get(place, 0), local.value))
    return looks


def _best(candidates: Sequence[Control], channel: str) -> Control | None:
    return next((control for control in candidates if control.is_for(channel)), None)
