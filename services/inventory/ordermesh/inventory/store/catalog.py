"""The catalog as reads of the ledger need it: read once for as long as nobody changes it.

A change of any item or location writes a new stamp in its transaction, so what was read under a
stamp holds in every snapshot that shows the same stamp.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, and_, bindparam, exists, literal_column, select

from ordermesh.inventory.domain.mode import ReservationMode
from ordermesh.inventory.domain.reservation import LineState
from ordermesh.inventory.ports.catalog import CatalogPage, Glance, KnownItem
from ordermesh.inventory.ports.locations import Place
from ordermesh.inventory.ports.names import Names
from ordermesh.inventory.store.controls import SqlControlStore, catalog_stamp, stamp
from ordermesh.inventory.store.items import SqlItemStore
from ordermesh.inventory.store.locations import SqlLocationStore
from ordermesh.inventory.store.tables.reservations import line
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.feed import last_revision
from ordermesh.runtime.instants import UtcTime
from ordermesh.runtime.prepared import Prepared

ITEMS_MAX = 50_000
"""So many items are remembered, in some 20 MB; beyond it all are read again."""


class SqlCatalogStore:
    """The catalog, and the last page of it that was read."""

    def __init__(
        self, items: SqlItemStore, locations: SqlLocationStore, controls: SqlControlStore
    ) -> None:
        self._items = items
        self._locations = locations
        self._controls = controls
        self._page = CatalogPage((UUID(int=0), UUID(int=0)))

    async def glance(self, tx: Transaction, now: datetime) -> Glance:
        """What is to be known before anything else is read."""
        (row,) = await tx.rows(_GLANCE, {"now": now})
        stamps = (row.control_stamp, row.catalog_stamp)
        if self._page.stamps != stamps or len(self._page.items) > ITEMS_MAX:
            # A new one: readers of an older snapshot go on with theirs.
            self._page = CatalogPage(stamps)
        page = self._page
        controls = await self._controls.table_of(tx, row.control_stamp)
        return Glance(row.revision, page, controls, bool(row.has_overdue))

    async def items(
        self, tx: Transaction, page: CatalogPage, skus: Collection[str]
    ) -> Mapping[str, KnownItem]:
        """These items, and the components of kits among them. Raises ``UnknownSku``."""
        missing = [sku for sku in skus if sku not in page.items]
        if missing:
            names = Names()
            kits = await self._items.resolve(tx, missing, names)
            features = await self._items.features(tx, names.item_ids)
            for sku, surrogate in names.item_ids.items():
                page.items[sku] = KnownItem(surrogate, features[sku], kits.get(sku))
        return page.items

    async def places(
        self, tx: Transaction, page: CatalogPage, location_ids: Collection[int]
    ) -> dict[int, Place]:
        """These locations, by surrogates."""
        missing = [surrogate for surrogate in location_ids if surrogate not in page.places]
        if missing:
            page.places.update(await self._locations.places(tx, missing))
        return {surrogate: page.places[surrogate] for surrogate in location_ids}


def _glance(_: object) -> Select[Any]:
    overdue = and_(
        # As it stands in the partial index: a plan for any value could not use that.
        line.c.state == literal_column(str(int(LineState.HELD))),
        line.c.expire_time <= bindparam("now", type_=UtcTime()),
        line.c.mode == int(ReservationMode.RESERVE),
        line.c.supply_id.is_(None),
    )
    has_overdue = exists().where(overdue).label("has_overdue")
    return select(last_revision, stamp, catalog_stamp, has_overdue)


_GLANCE = Prepared(_glance)
