"""Every mutating method and what it refuses: by the right reason, with nothing changed."""

from typing import Any

import pytest
from google.protobuf import descriptor_pool
from google.protobuf.message import Message
from sqlalchemy import func, select

from ordermesh.api.routing import v1
from ordermesh.client.errors import Refusal
from ordermesh.routing.operations.records import WORK_KIND
from ordermesh.routing.store.tables.everything import metadata
from ordermesh.runtime.database import Transaction
from ordermesh.runtime.tables import work
from tests.dialects import on_sqlite
from tests.eventually import eventually
from tests.impatience import assert_nobody_acts_for_who_has_gone
from tests.routing.house import House, answered, line, refused
from tests.routing.postal import BEGUN, FULL, beginning, part
from tests.routing.requests import OTHER, VALID, drafted, hold_capacity, holding, policy, switch
from tests.routing.wrong import CASES, INVALID
from tests.routing.wrong_carriage import CASES as CARRIAGE
from tests.routing.wrong_network import NETWORK_CASES
from tests.routing.wrong_policies import POLICY_CASES

UNWATCHED = frozenset({"follower", "followed_item", "followed_location", "knowledge"})
"""Tables that change by themselves while inventory is followed."""


class Shop:
    """A house with an order whose work is open, and one that has left."""

    def __init__(self, house: House) -> None:
        self.house = house
        self._names: dict[str, str] = {}

    async def open(self) -> None:
        await self.house.stock({"MUG at NEAR": 9, "LAMP at NEAR": 9})
        await self.house.submit("O-1", line("1", "MUG"))
        await self.house.submit("O-2", line("1", "MUG"))
        (left,) = await self.house.work("O-2")
        await self.house.ship(left)
        await self.house.mesh.policies.SavePolicy(holding())
        await self.house.submit("O-3", line("1", "LAMP"), policy_id="holding")
        await self.house.mesh.policies.SavePolicy(drafted("spring"))
        await self.house.mesh.policies.SavePolicy(policy(policy_id="summer"))
        (opened,) = await self.house.work("O-1")
        for import_id in (BEGUN, FULL):
            await self.house.mesh.carriage.BeginPostalCodeImport(beginning(import_id=import_id))
        await self.house.mesh.carriage.PutPostalCodes(part(import_id=FULL))
        # Switched on is what is on: nothing else of the tests depends on it.
        switched = await self.house.mesh.network.SwitchLocation(switch(is_on=True))
        held = hold_capacity(location_id="WEST")
        await self.house.mesh.capacity.HoldCapacity(held)
        self._names = {
            "OPEN": opened.fulfillment_order_id,
            "LEFT": left.fulfillment_order_id,
            "SWITCHED": switched.switch.switch_id,
            "HELD": held.hold_id,
        }

    def named(self, request: Message) -> Message:
        """The request with the work or the switch it means."""
        for field in ("fulfillment_order_id", "switch_id", "hold_id"):
            name = getattr(request, field, "")
            if name in self._names:
                setattr(request, field, self._names[name])
        return request

    def call(self, request: Message, **options: Any) -> Any:
        mesh = self.house.mesh
        name = type(request).__name__.removesuffix("Request")
        for stub in (
            mesh.orders,
            mesh.sourcing,
            mesh.fulfillments,
            mesh.network,
            mesh.capacity,
            mesh.policies,
            mesh.prices,
            mesh.carriage,
        ):
            method = getattr(stub, name, None)
            if method is not None:
                return method(request, **options)
        raise LookupError(name)

    async def is_settled(self) -> bool:
        """Whether no worker has anything to do for an order."""
        database = self.house.database
        assert database is not None
        left = select(func.count()).select_from(work).where(work.c.kind == WORK_KIND)
        count: int = (await database.read(lambda tx: tx.execute(left))).scalar_one()
        return count == 0

    async def fingerprint(self) -> object:
        """Everything that routing has stored, and what the ledger holds."""
        database = self.house.database
        assert database is not None

        async def read(tx: Transaction) -> dict[str, list[str]]:
            return {
                table.name: sorted(map(repr, await tx.execute(select(table))))
                for table in metadata.sorted_tables
                if table.name not in UNWATCHED
            }

        places = ("MUG at NEAR", "LAMP at NEAR")
        balances = [await self.house.balance(place) for place in places]
        return await database.read(read), balances


@pytest.fixture
async def shop(house: House) -> Shop:
    opened = Shop(house)
    await opened.open()
    return opened


@on_sqlite
async def test_every_wrong_request_is_refused_as_the_contract_says_and_changes_nothing(
    shop: Shop,
) -> None:
    before = await shop.fingerprint()
    wrong: list[tuple[str, object]] = []

    for case in [*CASES, *NETWORK_CASES, *CARRIAGE, *POLICY_CASES]:
        refusal = await answered(shop.call(shop.named(case.request())))
        if not isinstance(refusal, Refusal):
            wrong.append((case.name, refusal))
            continue
        if (refusal.code, refusal.reason) != (case.code, case.reason):
            wrong.append((case.name, refusal))
        elif case.reason == "FIELD_VIOLATION":
            field = case.facts.get("field")
            if field is not None and field not in refusal.violations:
                wrong.append((case.name, refusal))
        elif not case.facts.items() <= refusal.metadata.items():
            wrong.append((case.name, refusal))
        remembered = await shop.fingerprint()
        if without_refusals(remembered) != without_refusals(before):
            wrong.append((f"{case.name}: something changed", refusal))
            before = remembered

    assert not wrong, "\n".join(f"{name}: {what}" for name, what in wrong)


def without_refusals(fingerprint: Any) -> object:
    """A refusal that a worker decided is remembered for a retry; nothing else may change."""
    tables, balances = fingerprint
    return {name: rows for name, rows in tables.items() if name != "refusal"}, balances


@on_sqlite
@pytest.mark.parametrize("method", VALID)
async def test_a_request_without_a_proper_id_is_refused_and_changes_nothing(
    shop: Shop, method: str
) -> None:
    before = await shop.fingerprint()

    for request_id in ("", "1", "not-a-uuid"):
        request = shop.named(VALID[method]())
        request.request_id = request_id  # type: ignore[attr-defined]
        refusal = await refused(shop.call(request))
        assert (refusal.code, refusal.reason) == (INVALID, "FIELD_VIOLATION")
        assert "request_id" in refusal.violations

    assert await shop.fingerprint() == before


@on_sqlite
@pytest.mark.parametrize("method", VALID)
async def test_a_reused_request_id_is_refused_and_changes_nothing(shop: Shop, method: str) -> None:
    request = shop.named(VALID[method]())
    await shop.call(request)
    await eventually(shop.is_settled)
    before = await shop.fingerprint()
    other = type(request).FromString(request.SerializeToString())
    OTHER[method](other)

    refusal = await refused(shop.call(other))

    assert (refusal.code, refusal.reason) == (INVALID, "REQUEST_ID_REUSED")
    assert refusal.metadata == {"requestId": request.request_id}  # type: ignore[attr-defined]
    assert await shop.fingerprint() == before


@on_sqlite
@pytest.mark.parametrize("method", VALID)
async def test_the_same_request_again_gives_the_same_answer_and_changes_nothing(
    shop: Shop, method: str
) -> None:
    request = shop.named(VALID[method]())
    first = await shop.call(request)
    await eventually(shop.is_settled)
    before = await shop.fingerprint()

    assert await shop.call(request) == first

    assert await shop.fingerprint() == before


@on_sqlite
@pytest.mark.parametrize("method", VALID)
async def test_a_call_whose_time_is_over_and_one_that_was_cancelled_change_nothing(
    shop: Shop, method: str
) -> None:
    database = shop.house.database
    assert database is not None

    def call(**options: Any) -> Any:
        return shop.call(shop.named(VALID[method]()), **options)

    await assert_nobody_acts_for_who_has_gone(database, call, shop.fingerprint)


def test_every_mutating_method_is_listed() -> None:
    mutating = {
        method.name
        for service in (
            v1.OrderServiceServicer,
            v1.SourcingServiceServicer,
            v1.FulfillmentServiceServicer,
            v1.NetworkServiceServicer,
            v1.CapacityServiceServicer,
            v1.PolicyServiceServicer,
            v1.PriceServiceServicer,
            v1.CarriageServiceServicer,
        )
        for method in described(service.__name__.removesuffix("Servicer"))
        if "request_id" in method.input_type.fields_by_name
    }

    assert mutating == set(VALID) == set(OTHER)


def described(service: str) -> Any:
    """The methods of a service of the contract."""
    pool = descriptor_pool.Default()
    return pool.FindServiceByName(f"ordermesh.api.routing.v1.{service}").methods
