"""Reads and lists: each thing once, in a stable order, with tokens that belong to their list."""

import pytest

from ordermesh.api.routing import v1
from ordermesh.routing.store.orders import SqlOrderStore
from ordermesh.runtime import pages
from tests.routing.house import House, entry, line, new_id, refused
from tests.routing.requests import policy


@pytest.mark.parametrize("page_bytes", [pages.PAGE_BYTES, 1])
async def test_orders_are_listed_page_by_page_in_the_order_they_were_stored(
    house: House, monkeypatch: pytest.MonkeyPatch, page_bytes: int
) -> None:
    monkeypatch.setattr(pages, "PAGE_BYTES", page_bytes)
    await house.stock({"MUG at NEAR": 9})
    for number in range(5):
        await house.submit(f"O-{number}", line("1", "MUG"), channel="web" if number else "amazon")

    listed: list[str] = []
    token = ""
    while True:
        page = await house.mesh.orders.ListOrders(
            v1.ListOrdersRequest(channel="web", page_size=3, page_token=token)
        )
        listed.extend(order.order_id for order in page.orders)
        token = page.next_page_token
        if not token:
            break

    assert listed == ["O-1", "O-2", "O-3", "O-4"]
    monkeypatch.undo()
    whole = await house.mesh.orders.ListOrders(v1.ListOrdersRequest(state=v1.Order.STATE_RELEASED))
    assert len(whole.orders) == 5
    assert whole.orders[0] == await house.order("O-0")
    assert whole.orders[0].fulfillment_order_ids
    assert whole.orders[0].decision_ids


async def test_a_token_of_another_list_is_refused(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    for number in range(3):
        await house.submit(f"O-{number}", line("1", "MUG"))
    page = await house.mesh.orders.ListOrders(v1.ListOrdersRequest(page_size=1))
    network = await house.mesh.network.ListNetworkLocations(
        v1.ListNetworkLocationsRequest(page_size=1)
    )

    for token in (network.next_page_token, "x", page.next_page_token[:-4] + "AAAA"):
        refusal = await refused(
            house.mesh.orders.ListOrders(v1.ListOrdersRequest(page_size=1, page_token=token))
        )
        assert (refusal.reason, refusal.metadata) == ("INVALID_PAGE_TOKEN", {"pageToken": token})
    refusal = await refused(
        house.mesh.orders.ListOrders(
            v1.ListOrdersRequest(channel="web", page_token=page.next_page_token)
        )
    )
    assert refusal.reason == "INVALID_PAGE_TOKEN"


async def test_an_order_is_found_by_its_id_in_the_channel(house: House) -> None:
    await house.stock({"MUG at NEAR": 9})
    await house.submit("O-1", line("1", "MUG"), channel="amazon", channel_order_id="A-77")

    found = await house.mesh.orders.GetOrder(
        v1.GetOrderRequest(channel_order=v1.ChannelOrder(channel="amazon", channel_order_id="A-77"))
    )
    refusal = await refused(
        house.mesh.orders.GetOrder(
            v1.GetOrderRequest(
                channel_order=v1.ChannelOrder(channel="web", channel_order_id="A-77")
            )
        )
    )

    assert found.order.order_id == "O-1"
    assert refusal.reason == "ORDER_NOT_FOUND"
    assert refusal.metadata == {"channel": "web", "channelOrderId": "A-77"}


async def test_work_is_listed_by_location_and_by_state(house: House) -> None:
    await house.stock({"MUG at NEAR": 9, "LAMP at EAST": 9})
    await house.submit("O-1", line("1", "MUG"))
    await house.submit("O-2", line("1", "LAMP"))
    await house.submit("O-3", line("1", "MUG"))
    (first,) = await house.work("O-1")
    await house.accept(first)

    near = await house.mesh.fulfillments.ListFulfillmentOrders(
        v1.ListFulfillmentOrdersRequest(location_id="NEAR")
    )
    accepted = await house.mesh.fulfillments.ListFulfillmentOrders(
        v1.ListFulfillmentOrdersRequest(state=v1.FulfillmentOrder.STATE_ACCEPTED)
    )

    assert [one.order_id for one in near.fulfillment_orders] == ["O-1", "O-3"]
    assert [one.order_id for one in accepted.fulfillment_orders] == ["O-1"]
    one = await house.mesh.fulfillments.GetFulfillmentOrder(
        v1.GetFulfillmentOrderRequest(fulfillment_order_id=first.fulfillment_order_id)
    )
    assert one.fulfillment_order == accepted.fulfillment_orders[0]
    assert one.fulfillment_order.version > first.version


async def test_every_version_of_a_policy_can_be_read_and_the_highest_is_in_force(
    house: House,
) -> None:
    saved = await house.mesh.policies.SavePolicy(policy())
    await house.mesh.policies.SavePolicy(policy(policy_id="gold"))

    assert saved.policy.version == 2
    first = await house.mesh.policies.GetPolicy(v1.GetPolicyRequest(policy_id="default", version=1))
    now = await house.mesh.policies.GetPolicy(v1.GetPolicyRequest(policy_id="default"))
    listed = await house.mesh.policies.ListPolicies(v1.ListPoliciesRequest(page_size=1))
    rest = await house.mesh.policies.ListPolicies(
        v1.ListPoliciesRequest(page_size=1, page_token=listed.next_page_token)
    )
    assert first.policy.name == "Illustrative rates"
    assert now.policy == saved.policy
    assert [one.policy_id for one in (*listed.policies, *rest.policies)] == ["default", "gold"]
    assert [one.version for one in (*listed.policies, *rest.policies)] == [2, 1]
    assert rest.next_page_token == ""


async def test_putting_the_same_network_again_changes_nothing(house: House) -> None:
    request = v1.PutNetworkLocationsRequest(
        request_id=new_id(), locations=[entry("NEAR", priority=1), entry("EAST", priority=9)]
    )

    reply = await house.mesh.network.PutNetworkLocations(request)

    assert reply.changed_count == 1
    listed = await house.mesh.network.ListNetworkLocations(v1.ListNetworkLocationsRequest())
    assert [one.location_id for one in listed.locations] == ["EAST", "NEAR", "SOUTH", "WEST"]


@pytest.mark.parametrize("asked", ["decision", "policy", "work"])
async def test_what_is_not_there_is_not_found(house: House, asked: str) -> None:
    mesh = house.mesh
    if asked == "decision":
        refusal = await refused(
            mesh.sourcing.GetDecision(v1.GetDecisionRequest(decision_id=new_id()))
        )
    elif asked == "policy":
        refusal = await refused(
            mesh.policies.GetPolicy(v1.GetPolicyRequest(policy_id="default", version=9))
        )
    else:
        refusal = await refused(
            mesh.fulfillments.GetFulfillmentOrder(
                v1.GetFulfillmentOrderRequest(fulfillment_order_id="F-404")
            )
        )

    assert refusal.reason.endswith("NOT_FOUND")


async def test_work_of_a_plan_that_is_dropped_at_this_moment_is_not_found(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    await house.stock({"MUG at NEAR": 5})
    await house.submit("O-1", line("1", "MUG"))

    async def was_of(*_: object) -> str:
        # This was read before the plan came to nothing, and the order afterwards.
        return "O-1"

    monkeypatch.setattr(SqlOrderStore, "order_of", was_of)
    gone = v1.FulfillmentOrder(fulfillment_order_id=new_id())
    asked = v1.GetFulfillmentOrderRequest(fulfillment_order_id=gone.fulfillment_order_id)

    for call in (house.accept(gone), house.mesh.fulfillments.GetFulfillmentOrder(asked)):
        assert (await refused(call)).reason == "FULFILLMENT_ORDER_NOT_FOUND"
