"""Importing postal codes, part by part, and finding places by them."""

from dataclasses import dataclass
from uuid import UUID

from ordermesh.api.routing.v1 import (
    BeginPostalCodeImportRequest,
    BeginPostalCodeImportResponse,
    CompletePostalCodeImportRequest,
    CompletePostalCodeImportResponse,
    FindPostalCodeRequest,
    FindPostalCodeResponse,
    PutPostalCodesRequest,
    PutPostalCodesResponse,
)
from ordermesh.routing.domain.carriage.postal_code import (
    PostalCodeTable,
    TableState,
    require_each_once,
)
from ordermesh.routing.domain.errors.carriage import PostalCodeImportNotFound
from ordermesh.routing.domain.errors.catalog import UnknownDestination
from ordermesh.routing.domain.errors.network import NotInNetwork
from ordermesh.routing.domain.geography import Place
from ordermesh.routing.domain.order import Destination
from ordermesh.routing.domain.submission import Whereto
from ordermesh.routing.operations.planning import Planner
from ordermesh.routing.ports.sourcing import Places
from ordermesh.routing.ports.stores import Stores
from ordermesh.routing.wire.order import position
from ordermesh.routing.wire.postal_code import postal_code, table_message
from ordermesh.runtime.database import Database, Transaction
from ordermesh.runtime.idempotency import Mutations


@dataclass(frozen=True)
class Found:
    """Where something is; ``version`` of the imported table that says so, 0 for none."""

    place: Place
    region: str = ""
    time_zone: str = ""
    version: int = 0


class Whereabouts:
    """Finds destinations: by their position, else by an imported table, else by a known one."""

    def __init__(self, stores: Stores, places: Places, planner: Planner) -> None:
        self._stores = stores
        self._places = places
        self._planner = planner

    async def settled(
        self, tx: Transaction, whereto: Whereto, pickup_location_id: str
    ) -> Destination:
        """Where goods go: to an address, or to the location where they are collected.

        Raises ``UnknownDestination``, and ``NotInNetwork`` for a place of pickup.
        """
        if not pickup_location_id:
            found = await self.find(tx, whereto)
            return Destination(
                whereto.country_code,
                found.region,
                whereto.postal_code,
                found.place,
                whereto.is_business,
            )
        known = await self._planner.memory(tx)
        if known.location(pickup_location_id) is None:
            raise NotInNetwork(pickup_location_id)
        place = known.locations[pickup_location_id]
        return Destination(place.country_code, place.region, place.postal_code, place.place)

    async def find(self, tx: Transaction, whereto: Whereto) -> Found:
        """Where it is; raises ``UnknownDestination``."""
        if whereto.place is not None:
            return Found(whereto.place, whereto.region)
        known = await self._planner.memory(tx)
        table = known.postal_codes.get(whereto.country_code)
        if table is None:
            place = self._places.find(whereto)
            if place is None:
                raise UnknownDestination(whereto.country_code)
            return Found(place, whereto.region)
        code = await self._stores.postal_codes.find(tx, table, table.key(whereto.postal_code))
        if code is None:
            raise UnknownDestination(whereto.country_code)
        return Found(code.place, whereto.region or code.region, code.time_zone, table.version)


class FindPostalCode:
    """Answers where a postal code is."""

    def __init__(self, database: Database, whereabouts: Whereabouts) -> None:
        self._database = database
        self._whereabouts = whereabouts

    async def __call__(self, request: FindPostalCodeRequest) -> FindPostalCodeResponse:
        """Where it is; raises ``UnknownDestination``."""
        whereto = Whereto(request.country_code, "", request.postal_code, None)
        found = await self._database.read(lambda tx: self._whereabouts.find(tx, whereto))
        return FindPostalCodeResponse(
            position=position(found.place),
            table_version=found.version,
            region=found.region,
            time_zone=found.time_zone,
        )


class ImportPostalCodes:
    """Takes tables in, part by part."""

    def __init__(self, mutations: Mutations, stores: Stores) -> None:
        self._mutations = mutations
        self._stores = stores

    async def begin(self, request: BeginPostalCodeImportRequest) -> BeginPostalCodeImportResponse:
        """Open a table, or say how far it has come; raises what the contract lists."""
        return await self._mutations.run(
            request, BeginPostalCodeImportResponse, lambda tx: self._begin(tx, request)
        )

    async def put(self, request: PutPostalCodesRequest) -> PutPostalCodesResponse:
        """Add the next part; raises what the contract lists."""
        return await self._mutations.run(
            request, PutPostalCodesResponse, lambda tx: self._put(tx, request)
        )

    async def complete(
        self, request: CompletePostalCodeImportRequest
    ) -> CompletePostalCodeImportResponse:
        """Take a table into use; raises what the contract lists."""
        return await self._mutations.run(
            request, CompletePostalCodeImportResponse, lambda tx: self._complete(tx, request)
        )

    async def _begin(
        self, tx: Transaction, request: BeginPostalCodeImportRequest
    ) -> BeginPostalCodeImportResponse:
        import_id = UUID(request.import_id)
        table = await self._stores.postal_codes.imported(tx, import_id, lock=False)
        if table is not None:
            table.require_same(request.country_code, request.significant_characters)
            return BeginPostalCodeImportResponse(table=table_message(table))
        opened = await self._stores.postal_codes.open(
            tx,
            PostalCodeTable(
                country_code=request.country_code,
                version=0,
                import_id=import_id,
                source=request.source,
                significant=request.significant_characters,
                state=TableState.RECEIVING,
                next_part=1,
                count=0,
                create_time=await tx.now(),
            ),
        )
        return BeginPostalCodeImportResponse(table=table_message(opened))

    async def _put(self, tx: Transaction, request: PutPostalCodesRequest) -> PutPostalCodesResponse:
        table = await self._table(tx, request.import_id)
        table.require_part(request.part)
        codes = [postal_code(one, table) for one in request.postal_codes]
        known = await self._stores.postal_codes.known(tx, table, {one.key for one in codes})
        require_each_once(codes, known)
        grown = await self._stores.postal_codes.add(tx, table, codes)
        return PutPostalCodesResponse(table=table_message(grown))

    async def _complete(
        self, tx: Transaction, request: CompletePostalCodeImportRequest
    ) -> CompletePostalCodeImportResponse:
        table = await self._table(tx, request.import_id)
        table.require_parts(request.part_count)
        used = await self._stores.postal_codes.use(tx, table)
        return CompletePostalCodeImportResponse(table=table_message(used))

    async def _table(self, tx: Transaction, import_id: str) -> PostalCodeTable:
        table = await self._stores.postal_codes.imported(tx, UUID(import_id), lock=True)
        if table is None:
            raise PostalCodeImportNotFound(import_id)
        return table
